"""`python dev.py train lora`: from a folder of videos to a LoRA file, stopped and gone on with, and what it refuses."""

import dataclasses
import json
import logging

import numpy as np
import pytest
import torch
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.training.datasets.layouts import open_dataset
from keyvid_pack.training.engine.loop import step_generators
from keyvid_pack.training.lora import adapter, base, clips, command, task

from ...helpers import small_video
from ...helpers.real_videos import files

SIZE = "64x32"
WORDS = ("--size", SIZE, "--steps", "4", "--batch", "2", "--rank", "2", "--cpu", "--name", "mine")


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Two videos that can be used, one of 5 s, and three that cannot."""
    root = tmp_path_factory.mktemp("clips")
    clip = files.write_world_video(root / "a red_ball" / "one.v1.mp4", 1)
    frames = np.concatenate([clip.frames] * 3)[:120]
    sound = np.tile(clip.audio, 3)[None, : 5 * clip.sample_rate]
    times_ms = np.arange(120) * 1000 / 24
    files.write_video(root / "zwölf.mp4", frames, times_ms=times_ms, channels=sound)
    (root / "broken.mp4").write_bytes(b"no video")
    files.write_video(root / "mute.mp4", frames[:60], times_ms=times_ms[:60])
    files.write_video(
        root / "silent.mp4", frames[:60], times_ms=times_ms[:60], channels=0 * sound[:, :40_000]
    )
    return root


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """{kind: a small whole file}."""
    folder = tmp_path_factory.mktemp("models")
    return {
        kind: small_video.write_model(folder / f"{kind}.safetensors", kind=kind)
        for kind in (layouts.GENERATOR, layouts.INTERPOLATOR, layouts.DYNAMICRAFTER)
    }


@pytest.fixture(scope="module")
def encoded(videos, models, tmp_path_factory):
    """A folder of states in which the clips are encoded already, to be copied."""
    folder = tmp_path_factory.mktemp("states")
    for kind in (layouts.GENERATOR, layouts.INTERPOLATOR):
        clips.encode_folder(
            videos, base.open_base(models[kind]), folder / "lora_clips", size=(32, 64)
        )
    return folder / "lora_clips"


@pytest.fixture
def states(encoded, tmp_path):
    (tmp_path / "states").mkdir()
    (tmp_path / "states" / "lora_clips").symlink_to(encoded)
    return tmp_path / "states"


def run(videos, model, states, *words):
    return command.main(str(videos), "--model", model, "--state-dir", str(states), *WORDS, *words)


def clips_of(encoded, opened):
    """The encoded clips for a Base, the first of each video."""
    return sorted((encoded / f"{base.fingerprint(opened)}_64x32").glob("*_00.safetensors"))


def lora_of(states):
    return states / "lora" / "mine" / "mine.safetensors"


def test_all_clips_of_usable_videos_are_encoded_and_the_others_named(
    videos, models, tmp_path, caplog
):
    caplog.set_level(logging.INFO)
    opened = base.open_base(models[layouts.GENERATOR])
    paths = clips.encode_folder(videos, opened, tmp_path, size=(32, 64), caption="a thing")
    assert len(paths) == 1 + 2  # 5 s have room for two clips of 2 s
    said = caplog.text
    for name, reason in (("broken", "cannot be read"), ("mute", "no sound"), ("silent", "silence")):
        assert any(name in line and reason in line for line in said.splitlines()), said
    assert "3 clips of 2 videos; 3 videos cannot be used" in said
    times = {path: path.stat().st_mtime_ns for path in paths}
    again = clips.encode_folder(videos, opened, tmp_path, size=(32, 64), caption="a thing")
    assert again == paths and {path: path.stat().st_mtime_ns for path in paths} == times
    assert clips.captions_of(videos, "a thing") == ("a red ball", "a thing")
    other = clips.encode_folder(videos, opened, tmp_path, size=(32, 64), caption="another thing")
    assert len(set(other) & set(paths)) == 1, "a clip was kept whose caption is another now"


def test_an_encoded_clip_is_what_inference_would_be_given(videos, models, encoded):
    opened = base.open_base(models[layouts.GENERATOR])
    (video,) = [v for v in open_dataset(videos).videos if v.caption]
    folder = encoded / f"{base.fingerprint(opened)}_64x32"
    index = json.loads((folder / f"{clips.name_of(video)}.json").read_text())
    clip = clips.read_encoded(folder / index["clips"][0])
    assert clip.latents.shape == (4, 48, 8, 16)  # the small VAE divides by 4
    absent = clips.read_absent(folder)
    for name, value in clip.conditions.items():
        assert value.shape == absent[name].shape
        assert not torch.allclose(value, absent[name], atol=1e-2), f"{name} shows nothing"
    assert clip.sound.strikes and clip.motion.score.max() == 1.0


def test_no_usable_video_is_an_error(models, tmp_path):
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "broken.mp4").write_bytes(b"no video")
    opened = base.open_base(models[layouts.GENERATOR])
    with pytest.raises(KeyVIDError, match="None of the 1 videos"):
        clips.encode_folder(tmp_path / "videos", opened, tmp_path / "clips", size=(32, 64))


@pytest.mark.parametrize("kind", [layouts.GENERATOR, layouts.INTERPOLATOR])
def test_the_command_writes_a_lora_that_changes_its_model(kind, videos, models, states, tmp_path):
    loras = tmp_path / "ComfyUI" / "models" / "loras"
    loras.mkdir(parents=True)
    assert run(videos, models[kind], states, "--to", str(tmp_path / "ComfyUI")) == 0
    unet = base.load_unet(base.open_base(models[kind]))
    lora = adapter.read_lora(loras / "mine.safetensors")
    changed = adapter.merged(unet.state_dict(), lora)
    layers = adapter.attention_layers(unet)
    moved = [
        n
        for n in layers
        if not torch.equal(changed[f"{n}.weight"], unet.get_parameter(f"{n}.weight"))
    ]
    # a LoRA of one step has no values in the layers behind which the small network's output is zero
    assert len(moved) == len(layers)


@pytest.mark.parametrize("kind", [layouts.GENERATOR, layouts.INTERPOLATOR])
def test_stopped_and_gone_on_with_it_is_the_same_file(
    kind, videos, models, states, tmp_path, monkeypatch
):
    assert run(videos, models[kind], states) == 0
    whole = lora_of(states).read_bytes()
    parts = tmp_path / "parts"
    parts.mkdir()
    (parts / "lora_clips").symlink_to((states / "lora_clips").resolve())
    train = command.train
    monkeypatch.setattr(command, "train", lambda *a, **o: train(*a, **{**o, "n_steps": 2}))
    assert run(videos, models[kind], parts) == 0
    assert lora_of(parts).read_bytes() != whole
    monkeypatch.undo()
    assert run(videos, models[kind], parts) == 0
    assert lora_of(parts).read_bytes() == whole


def test_another_setting_or_other_clips_do_not_go_on_with_it(videos, models, states, caplog):
    assert run(videos, models[layouts.GENERATOR], states) == 0
    for words, said in (
        (("--rank", "3"), "begun with rank 2, not 3"),
        (("--seed", "1"), "begun with seed 0, not 1"),
        (("--caption", "words"), "begun with clips other clips"),
    ):
        caplog.clear()
        assert run(videos, models[layouts.GENERATOR], states, *words) == 1
        assert said in caplog.text


def test_a_published_model_learns_by_the_published_loss(videos, models, encoded):
    opened = base.open_base(models[layouts.GENERATOR])
    metadata = dataclasses.replace(opened.model.metadata, published=True)
    published = dataclasses.replace(
        opened, model=dataclasses.replace(opened.model, metadata=metadata)
    )
    assert (opened.size, published.size) == ((96, 128), (320, 512))
    unet, paths = base.load_unet(published), clips_of(encoded, opened)
    assert unet.gradient_checkpointing and not base.load_unet(opened).gradient_checkpointing
    options = {"name": "a", "learning_rate": 1e-4, "n_steps": 9, "batch_size": 2}
    for which, is_plain in ((published, True), (opened, False)):
        adapters = torch.nn.ModuleDict()
        made = task.lora_task(which, unet, adapters, paths, **options)
        drawn = made.batch(0, step_generators(0, 0)[0])
        assert bool((drawn["weight"] == 1).all()) == is_plain
        assert drawn["whole_frames"] == (not is_plain)
        assert drawn["frame_index"].shape[1] in metadata.keyframe_counts


def test_what_is_dropped_is_what_inference_uses_for_nothing(models, encoded):
    paths = clips_of(encoded, base.open_base(models[layouts.GENERATOR]))
    read = [clips.read_encoded(path) for path in paths][:2]
    absent = clips.read_absent(paths[0].parent)
    drawn = task.draw_clips(read, np.random.default_rng(0), counts=(4,), is_generator=True)
    dropped = {
        "text": torch.tensor([True, False]),
        "image": torch.tensor([False, True]),
        "audio": torch.tensor([False, False]),
    }
    given = task.with_absent(drawn, absent, dropped)
    assert torch.equal(given["text"][0], absent["text"])
    assert torch.equal(given["text"][1], read[1].conditions["text"])
    assert torch.equal(given["image"][1], absent["image"])
    assert torch.equal(given["audio"], drawn["audio"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--size", "60x32"), "multiples of 8"),
        (("--size", "wide"), 'The size is "wide"'),
        (("--name", "../mine"), "without folders"),
        (("--to", "/no/such/folder"), "There is no folder"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_encoded(
    words, said, videos, models, tmp_path, caplog
):
    (tmp_path / "states").mkdir()
    assert run(videos, models[layouts.GENERATOR], tmp_path / "states", *words) == 1
    assert said in caplog.text
    assert not list(tmp_path.rglob("*.safetensors"))


def test_files_that_cannot_be_fine_tuned_are_refused(models, tmp_path):
    with pytest.raises(KeyVIDError, match="of the keyframe generator or of the interpolator"):
        base.open_base(models[layouts.DYNAMICRAFTER])
    with pytest.raises(KeyVIDError, match="has no text network.*--encoders FILE"):
        base.open_base(str(base.EMBEDDED[layouts.INTERPOLATOR]))
    whole = base.open_base(layouts.INTERPOLATOR)
    assert whole.model.kind == layouts.INTERPOLATOR
    assert whole.sources[layouts.TEXT].file.path.endswith("generator.safetensors")
    assert whole.sources[layouts.RESAMPLER] is whole.model
