"""A whole file under ComfyUI's dynamic VRAM, as far as a CPU goes: nothing is lost, and plain delegates are at hand."""

import pytest
import safetensors.torch
import torch

from ...helpers import small_encoders, small_video
from ...helpers.graphs.whole_files import put_whole_file
from ...helpers.small_video import assert_agree, conditioning, guided, hooked, run

TEXTS = ("a drummer strikes a snare drum", "")


@pytest.fixture(scope="module")
def whole_file(comfyui):
    name = put_whole_file(comfyui, "dynamic.safetensors")
    return str(comfyui.base / "models" / "keyvid" / name)


@pytest.fixture
def dynamic_vram(monkeypatch):
    """Switches to weights that are None until loaded, and to a patcher that calls itself dynamic."""
    import comfy.memory_management
    import comfy.model_patcher as patchers
    from comfy.cli_args import args

    # a GPU rounds the encoders' weights as they are loaded, which a CPU leaves out
    monkeypatch.setattr(args, "fp32_text_enc", True)

    class Dynamic(patchers.ModelPatcher):
        non_dynamic_delegate_model = None
        get_non_dynamic_delegate = patchers.ModelPatcherDynamic.get_non_dynamic_delegate

        def is_dynamic(self):
            return True

    def switch():
        monkeypatch.setattr(comfy.memory_management, "aimdo_enabled", True)
        monkeypatch.setattr(patchers, "CoreModelPatcher", Dynamic)

    return switch


def parts_of(path, **options):
    from keyvid_pack.host.loaders.whole_file import load_whole_file

    return load_whole_file(path, **options)


def patchers_of(parts):
    model, *others = parts
    return [model, *(part.patcher for part in others)]


@torch.inference_mode()
def made_by(parts):
    """Every tensor between the text and the painted keyframes: {what: tensor}."""
    from keyvid_pack.host.sampling.conditioning import keyframe_conditioning

    model, clip, clip_vision, vae, audio_encoder = parts
    texts = [clip.encode_from_tokens_scheduled(clip.tokenize(text)) for text in TEXTS]
    positive, negative, latent = keyframe_conditioning(
        model,
        *texts,
        clip_vision=clip_vision,
        vae=vae,
        image=small_encoders.images(),
        plan=small_encoders.plan(),
        audio_encoder=audio_encoder,
        audio=small_encoders.audio(),
        **small_encoders.SIZE,
    )
    made = {"text": positive[0][0]}
    made |= {key: v for key, v in positive[0][1].items() if isinstance(v, torch.Tensor)}
    made["video"] = run(guided(model, (positive, negative)), latent=latent["samples"])
    frames = (made["video"] / small_video.LATENT_SCALE)[0].movedim(1, 0)  # (T, 4, h, w)
    made["images"] = vae.decode(frames)
    return made


def test_a_whole_file_makes_the_same_video_as_without(whole_file, dynamic_vram):
    from keyvid_pack.host.sampling.condition_keys import AUDIO, CONCAT, IMAGE

    plain = made_by(parts_of(whole_file))
    dynamic_vram()
    parts = parts_of(whole_file)
    assert all(patcher.is_dynamic() for patcher in patchers_of(parts))
    found = made_by(parts)
    assert found.keys() == plain.keys() >= {"text", IMAGE, AUDIO, CONCAT, "video", "images"}
    for what, expected in plain.items():
        assert_agree(found[what], expected)


def test_weights_of_the_model_stay_as_the_file_has_them_until_they_are_used(
    whole_file, dynamic_vram
):
    dynamic_vram()
    network = parts_of(whole_file, dtype=torch.float16)[0].model.diffusion_model
    stored = safetensors.torch.load_file(whole_file)
    for name, value in network.state_dict().items():
        prefix = "" if name.startswith("image_proj_model.") else "model.diffusion_model."
        assert torch.equal(value, stored[prefix + name]), name


def test_comfyui_gets_plain_delegates_with_weights_of_their_own(whole_file, dynamic_vram):
    """For hooks, which dynamic VRAM does not know, and for a second GPU."""
    import comfy.model_patcher

    dynamic_vram()
    model, clip, _, vae, _ = parts_of(whole_file)
    for patcher in (model, clip.patcher, vae.patcher):
        delegate = patcher.get_non_dynamic_delegate()
        assert type(delegate) is comfy.model_patcher.ModelPatcher
        own, others = delegate.model.state_dict(), patcher.model.state_dict()
        assert own.keys() == others.keys()
        for name, value in own.items():
            assert torch.equal(value, others[name]), name
            assert value.data_ptr() != others[name].data_ptr(), name


def test_a_run_with_hooks_takes_a_delegate_of_the_same_file(whole_file, dynamic_vram):
    import comfy.model_patcher
    from keyvid_pack.host.sampling.model_facts import facts_of

    dynamic_vram()
    model = parts_of(whole_file)[0]
    guider = guided(model, hooked(conditioning(), model))
    delegate = guider.model_patcher
    assert type(delegate) is comfy.model_patcher.ModelPatcher
    assert delegate.model is not model.model
    assert facts_of(delegate) == facts_of(model)
    assert torch.isfinite(run(guider)).all()
