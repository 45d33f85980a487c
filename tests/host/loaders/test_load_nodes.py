"""The loader nodes: files recognized by their content, parts that a file lacks, and bad files before anything runs."""

import dataclasses
import logging

import numpy as np
import pytest
import safetensors.torch
import torch
from keyvid_pack.errors import CheckpointError, KeyVIDError
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.models.checkpoint.metadata import metadata_block
from keyvid_pack.models.encoders import imagebind

from ...helpers import small_checkpoint

FILE = "any name.safetensors"


@pytest.fixture
def nodes():
    import keyvid_pack.nodes as nodes

    return nodes


@pytest.fixture
def write(models_folder):
    """Writes small weights {name: shape} under FILE into models/keyvid."""

    def save(shapes, *, dtype=torch.float32, metadata=small_checkpoint.METADATA):
        tensors = small_checkpoint.filled(shapes, dtype=dtype)
        path = models_folder / "keyvid" / FILE
        safetensors.torch.save_file(tensors, path, metadata=metadata_block(metadata))

    return save


def without(shapes, *parts):
    prefixes = tuple(small_checkpoint.PREFIXES[part] for part in parts)
    return {name: shape for name, shape in shapes.items() if not name.startswith(prefixes)}


def test_a_whole_file_gives_everything_that_it_holds(nodes, write):
    from comfy.clip_vision import ClipVisionModel
    from comfy.sd import CLIP, VAE
    from keyvid_pack.host.loaders.audio_encoder import AudioEncoder
    from keyvid_pack.host.sampling.model_facts import facts_of

    write(small_checkpoint.whole_shapes())
    output = nodes.LoadCheckpoint.execute(ckpt_name=FILE, weight_dtype="default")
    model, clip, clip_vision, vae, audio_encoder = output.args
    assert facts_of(model).kind == layouts.GENERATOR
    assert isinstance(clip, CLIP) and isinstance(clip_vision, ClipVisionModel)
    assert isinstance(vae, VAE) and isinstance(audio_encoder, AudioEncoder)


def test_parts_that_the_file_lacks_are_empty_and_the_log_names_what_serves(nodes, write, caplog):
    write(without(small_checkpoint.whole_shapes(), "text", "vision", "vae", "audio"))
    with caplog.at_level(logging.WARNING, logger="keyvid"):
        output = nodes.LoadCheckpoint.execute(ckpt_name=FILE, weight_dtype="default")
    assert output.args[0] is not None and output.args[1:] == (None,) * 4
    said = [record.getMessage() for record in caplog.records if record.name == "keyvid"]
    named = ("Load CLIP with", "Load CLIP Vision", "Load VAE", "Load Audio Encoder (KeyVID)")
    assert len(said) == len(named)
    for line, remedy in zip(said, named, strict=True):
        assert FILE in line and remedy in line


def test_a_model_without_audio_input_misses_no_audio_encoder(nodes, write, caplog):
    write(small_checkpoint.whole_shapes(layouts.DYNAMICRAFTER))
    output = nodes.LoadCheckpoint.execute(ckpt_name=FILE, weight_dtype="default")
    assert output.args[4] is None and output.args[3] is not None
    assert not [record for record in caplog.records if record.name == "keyvid"]


@pytest.mark.parametrize("kind", [layouts.GENERATOR, layouts.INTERPOLATOR, layouts.DYNAMICRAFTER])
def test_a_model_is_recognised_by_its_content(nodes, write, kind):
    from keyvid_pack.host.sampling.model_facts import facts_of

    write(small_checkpoint.whole_shapes(kind))
    (model,) = nodes.LoadModel.execute(model_name=FILE, weight_dtype="default").args
    assert facts_of(model).kind == kind


@pytest.mark.parametrize(
    "weight_dtype, held",
    [("fp16", torch.float16), ("bf16", torch.bfloat16), ("fp32", torch.float32)],
)
def test_weights_are_held_as_asked_for(nodes, write, weight_dtype, held):
    write(small_checkpoint.whole_shapes(), dtype=torch.float16)
    (model,) = nodes.LoadModel.execute(model_name=FILE, weight_dtype=weight_dtype).args
    assert model.model.diffusion_model.out[2].weight.dtype == held


def test_other_files_are_refused_with_what_they_are(nodes, write):
    write(small_checkpoint.part_shapes("localizer"))
    for node, name in ((nodes.LoadModel, "model_name"), (nodes.LoadCheckpoint, "ckpt_name")):
        with pytest.raises(KeyVIDError, match="keyframe localizer"):
            node.execute(**{name: FILE}, weight_dtype="default")
    write({"conv.weight": (4, 4)})
    for node, name in (
        (nodes.LoadAudioEncoder, "audio_encoder_name"),
        (nodes.LoadLocalizer, "localizer_name"),
    ):
        with pytest.raises(CheckpointError, match="does not know this file"):
            node.execute(**{name: FILE})


def test_the_audio_encoder_comes_from_imagebinds_file_and_from_a_whole_one(nodes, write):
    from keyvid_pack.models import build

    stock = dataclasses.replace(small_checkpoint.AUDIO, stride=imagebind.STOCK_STRIDE)
    for shapes in (small_checkpoint.whole_shapes(), build.expected_shapes("audio", stock)):
        write(shapes)
        (encoder,) = nodes.LoadAudioEncoder.execute(audio_encoder_name=FILE).args
        assert encoder.config == small_checkpoint.AUDIO


@pytest.mark.parametrize(
    "node, name",
    [
        ("LoadModel", "model_name"),
        ("LoadCheckpoint", "ckpt_name"),
        ("LoadAudioEncoder", "audio_encoder_name"),
        ("LoadLocalizer", "localizer_name"),
    ],
)
def test_a_missing_file_is_reported_before_the_graph_runs(nodes, write, node, name):
    node = getattr(nodes, node)
    assert "There is no" in node.validate_inputs(**{name: FILE})
    assert node.validate_inputs() is True  # comes over a wire
    write(small_checkpoint.whole_shapes())
    assert node.validate_inputs(**{name: FILE}) is True
    (listed,) = (entry.options for entry in node.define_schema().inputs if entry.id == name)
    assert listed == [FILE]


def test_a_replaced_file_is_loaded_again(nodes, write):
    write(small_checkpoint.whole_shapes())
    before = nodes.LoadModel.fingerprint_inputs(model_name=FILE, weight_dtype="default")
    write(small_checkpoint.whole_shapes(layouts.INTERPOLATOR))
    assert nodes.LoadModel.fingerprint_inputs(model_name=FILE, weight_dtype="default") != before


def test_localize_keyframes_uses_the_localizer(nodes, write):
    write(small_checkpoint.part_shapes("localizer"))
    (localizer,) = nodes.LoadLocalizer.execute(localizer_name=FILE).args
    noise = 0.1 * np.random.default_rng(0).standard_normal((1, 1, 32_000))
    sound = {"waveform": torch.from_numpy(noise).float(), "sample_rate": 16_000}
    clip = {"audio": sound, "fps": 24.0, "n_frames": 48}
    outputs = nodes.LocalizeKeyframes.execute(**clip, method="network", localizer=localizer)
    assert outputs.args[0].source == "network" and outputs.args[0].n_frames == 48
    # the other methods do without, and take no notice of one
    alone = nodes.LocalizeKeyframes.execute(**clip, method="onset").args[0]
    beside = nodes.LocalizeKeyframes.execute(**clip, method="onset", localizer=localizer).args[0]
    np.testing.assert_array_equal(alone.score, beside.score)
    assert alone.source == "onset"
    with pytest.raises(KeyVIDError, match="none is connected"):
        nodes.LocalizeKeyframes.execute(**clip, method="network")


def test_localize_keyframes_opens_saved_workflows_unchanged(nodes):
    """Widgets are saved by position, so nothing may come before method, nor among its first choices."""
    inputs = nodes.LocalizeKeyframes.define_schema().inputs
    assert [entry.id for entry in inputs[:4]] == ["audio", "fps", "n_frames", "method"]
    assert inputs[3].options[:2] == ["onset", "beats"] and inputs[3].default == "onset"
    assert all(entry.optional for entry in inputs[4:])


LOADERS = {  # (node, its input): what the file holds
    ("LoadModel", "model_name"): small_checkpoint.whole_shapes,
    ("LoadCheckpoint", "ckpt_name"): small_checkpoint.whole_shapes,
    ("LoadAudioEncoder", "audio_encoder_name"): small_checkpoint.whole_shapes,
    ("LoadLocalizer", "localizer_name"): lambda: small_checkpoint.part_shapes("localizer"),
}
LOADER_IDS = [node for node, _ in LOADERS]


def execute(nodes, node, name, file):
    options = {"weight_dtype": "default"} if node in ("LoadModel", "LoadCheckpoint") else {}
    return getattr(nodes, node).execute(**{name: file}, **options)


@pytest.mark.parametrize("node, name", LOADERS, ids=LOADER_IDS)
def test_bytes_after_the_last_tensor_are_no_damage(nodes, write, models_folder, caplog, node, name):
    """The safetensors library refuses such files, whose tensors are whole."""
    write(LOADERS[node, name]())
    path = models_folder / "keyvid" / FILE
    path.write_bytes(path.read_bytes() + b"\0" * 8)
    with caplog.at_level(logging.WARNING, logger="keyvid"):
        assert execute(nodes, node, name, FILE).args[0] is not None
    (said,) = [record.getMessage() for record in caplog.records if record.name == "keyvid"]
    assert said.startswith(f"{FILE} has 8 bytes too many") and "dev.py convert" in said


@pytest.mark.parametrize("node, name", LOADERS, ids=LOADER_IDS)
def test_missing_bytes_are_counted(nodes, write, models_folder, node, name):
    write(LOADERS[node, name]())
    path = models_folder / "keyvid" / FILE
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(CheckpointError, match="5 bytes missing"):
        execute(nodes, node, name, FILE)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("node, name", LOADERS, ids=LOADER_IDS)
def test_a_part_of_a_split_file_is_said_to_be_one(nodes, models_folder, node, name, number):
    tensors = small_checkpoint.filled(LOADERS[node, name]())
    if node == "LoadAudioEncoder":  # the half that comes first would have it all
        tensors = {key: value for key, value in tensors.items() if "imagebind_model." in key}
    names = sorted(tensors)
    half = len(names) // 2
    for part, kept in enumerate((names[:half], names[half:]), start=1):
        path = models_folder / "keyvid" / f"model-{part:05}-of-00002.safetensors"
        safetensors.torch.save_file({key: tensors[key] for key in kept}, path)
    file = f"model-{number:05}-of-00002.safetensors"
    with pytest.raises(CheckpointError) as refusal:
        execute(nodes, node, name, file)
    said = str(refusal.value)
    assert said.startswith(f"{file} is part {number} of 2 of a split file")
    assert "python dev.py convert" in said and "a ImageBind" not in said


def test_a_part_with_only_the_model_is_not_the_whole_file(nodes, models_folder):
    tensors = small_checkpoint.filled(without(small_checkpoint.whole_shapes(), "vae"))
    file = "model-00001-of-00002.safetensors"
    block = metadata_block(small_checkpoint.METADATA)
    safetensors.torch.save_file(tensors, models_folder / "keyvid" / file, metadata=block)
    assert execute(nodes, "LoadModel", "model_name", file).args[0] is not None
    with pytest.raises(CheckpointError, match="missing parts .*model-00002-of-00002"):
        execute(nodes, "LoadCheckpoint", "ckpt_name", file)
