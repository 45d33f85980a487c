"""A weight file becomes a MODEL that ComfyUI can sample."""

import pytest
import safetensors.torch
import torch
from keyvid_pack.models.checkpoint.metadata import metadata_block

from ...helpers import small_checkpoint


@pytest.fixture(scope="module")
def generator_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "anything.safetensors"
    tensors = small_checkpoint.filled(small_checkpoint.whole_shapes())
    safetensors.torch.save_file(tensors, path, metadata=metadata_block(small_checkpoint.METADATA))
    return path


def test_a_whole_file_becomes_a_model_with_every_weight_of_it(generator_file):
    from keyvid_pack.host.loaders.video_model import load_video_model
    from keyvid_pack.host.sampling.model_facts import facts_of

    model = load_video_model(str(generator_file))
    facts = facts_of(model)
    assert (facts.kind, facts.n_frames, facts.keyframe_counts) == ("generator", 48, (4, 6))
    stored = safetensors.torch.load_file(generator_file)
    loaded = model.model.diffusion_model.state_dict()
    for name, value in loaded.items():
        prefix = "" if name.startswith("image_proj_model.") else "model.diffusion_model."
        torch.testing.assert_close(value, stored[prefix + name], rtol=0, atol=0)


def test_a_saved_model_has_the_names_of_a_published_file(generator_file):
    from keyvid_pack.host.loaders.video_model import load_video_model
    from keyvid_pack.models.checkpoint.checkpoint import open_tensors

    model = load_video_model(str(generator_file)).model
    saved = model.state_dict_for_saving(dict(model.diffusion_model.state_dict()))
    checkpoint = open_tensors(saved, small_checkpoint.METADATA)
    assert checkpoint.kind == "generator"
    stored = safetensors.torch.load_file(generator_file)
    prefixes = ("model.diffusion_model.", "image_proj_model.")
    assert saved.keys() - {"v_pred"} == {name for name in stored if name.startswith(prefixes)}
