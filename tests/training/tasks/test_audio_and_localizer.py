"""Sounds with known strikes, and what the audio tower and the localizer learn from them."""

import numpy as np
import pytest
import torch
from keyvid_pack.keyframes.peaks import find_peaks
from keyvid_pack.models.encoders.localizer import LocalizerConfig
from keyvid_pack.training.data import sounds
from keyvid_pack.training.engine.loop import step_generators, train
from keyvid_pack.training.tasks import audio, localizer

from ...helpers import small_training as small

NONE = np.array([sounds.NO_EVENT], np.int16)


@pytest.fixture(scope="module")
def records():
    made = [
        sounds.make_sound(kind, seed) for kind in (sounds.WORLD, sounds.STRUCK) for seed in range(8)
    ]
    return np.array([sounds.sound_record(sound) for sound in made], sounds.RECORD)


@pytest.mark.parametrize("kind", sounds.KINDS)
def test_make_sound_is_deterministic(kind):
    first, again, other = (sounds.make_sound(kind, seed) for seed in (5, 5, 6))
    assert np.array_equal(first.samples, again.samples) and first.events == again.events
    assert not np.array_equal(first.samples, other.samples)


@pytest.mark.parametrize("kind", [sounds.WORLD, sounds.STRUCK])
def test_make_sound_gets_louder_on_events(kind):
    rises = []
    for seed in range(20, 60):
        sound = sounds.make_sound(kind, seed)
        frames = [event.frame for event in sound.events]
        assert sound.samples.dtype == np.float32 and np.abs(sound.samples).max() <= 1
        assert not frames or np.diff(frames).min(initial=99) >= 5
        for event in sound.events:
            start = round(event.time_s * 16_000)
            if 800 <= start <= 31_000:
                after = np.square(sound.samples[start : start + 480]).mean()
                before = np.square(sound.samples[start - 800 : start]).mean()
                rises.append(after > before)
    assert np.mean(rises) > 0.9


def test_open_sounds_makes_files_once(tmp_path):
    made = []
    seeds = range(3)
    first = sounds.open_sounds(
        tmp_path, kind=sounds.STRUCK, seeds=seeds, report=lambda *n: made.append(n)
    )
    again = sounds.open_sounds(
        tmp_path, kind=sounds.STRUCK, seeds=seeds, report=lambda *n: made.append(n)
    )
    assert made == [(3, 3)] and isinstance(again[0], np.memmap)
    assert all(np.array_equal(first[0][name], again[0][name]) for name in sounds.RECORD.names)


def test_timing_targets_around_events():
    mel = np.zeros((128, 204), np.float16)
    frames, strengths = np.array([10, 30, -1], np.int16), np.array([0.4, 0.9, 0], np.float32)
    read = dict(
        zip(audio.TIMING_TARGETS, audio.timing_targets(mel, frames, strengths).T, strict=True)
    )
    farthest = audio.FARTHEST
    assert read["until next"][[0, 6, 10, 11, 26, 31]] * farthest == pytest.approx(
        [10, 4, 0, 16, 4, 16]
    )
    assert read["since last"][[0, 10, 13, 29, 30, 47]] * farthest == pytest.approx(
        [16, 0, 3, 16, 0, 16]
    )
    assert read["near next"][10] == 1 and read["near next"][31] == 0
    assert read["near last"][12] == pytest.approx(np.exp(-1))
    assert read["strength of next"][[0, 10, 11, 31]] == pytest.approx([0.4, 0.4, 0.9, 0])
    assert read["strength of last"][[0, 10, 29, 47]] == pytest.approx([0, 0.4, 0.4, 0.9])


def test_timing_targets_without_events():
    read = audio.timing_targets(np.zeros((128, 204), np.float16), NONE, np.zeros(1, np.float32))
    assert np.array_equal(read[0, :6], [1, 1, 0, 0, 0, 0]) and (read == read[0]).all()


def test_frame_levels_are_relative_to_the_loudest():
    mel = np.full((128, 204), -1.0, np.float32)
    mel[:, 99:103] = 0.0  # frame 24 begins at column 99
    level = sounds.frame_levels(mel)
    drop_db = 9.138 * 10 / np.log(10)
    assert level.argmax() == 24 and level[24] == 1
    assert level[0] == pytest.approx(1 - drop_db / sounds.LEVEL_RANGE_DB, abs=1e-3)


def test_event_curve_peaks_on_events_at_any_gap():
    frames = np.array([2, 7, 12, 40, 47])
    curve = localizer.event_curve(frames, np.array([0.3, 1.0, 0.3, 0.5, 0.3]))
    assert find_peaks(curve)[0].tolist() == frames.tolist()
    assert curve[7] == 1 and curve[20:37].max() == 0
    assert localizer.event_curve(np.array([], int), np.array([])).max() == 0


def test_target_curve_of_a_continuous_sound_is_its_loudness():
    record = np.zeros((), sounds.RECORD)
    record["mel"] = np.sin(np.linspace(0, np.pi, 204))
    record["swells"] = True
    curve = localizer.target_curve(record)
    assert curve.min() == 0 and curve.max() == 1 and 20 < curve.argmax() < 30


def test_make_localizer_starts_with_each_frames_own_tokens():
    config = LocalizerConfig(12 * 46, 24, 4, 48, small_tower())
    weight = localizer.make_localizer(config).linear1.weight.detach().view(48, 12, 46)
    centre = (weight.sum(dim=1) * torch.arange(46)).sum(dim=1)
    expected = (torch.arange(48) + 0.5) / 48 * 46 - 0.5
    assert (centre - expected)[1:-1].abs().max() < 0.5
    torch.testing.assert_close(weight.sum(dim=(1, 2)), torch.ones(48))


def small_tower():
    changes = {"stride": (10, 4), "n_columns": 198, "has_cls": False}
    return audio.recipe.AUDIO.__class__(width=24, layers=1, heads=1, mlp_width=32, **changes)


def tasks(records):
    """The two trainings on the same few sounds, with networks of the smallest size."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    tower = audio.make_audio_tower(small.AUDIO, generator=generator)
    heads = audio.make_probe_heads(small.AUDIO.width)
    config = LocalizerConfig(12 * 46, 24, 4, 48, small_tower())
    network = localizer.make_localizer(config, generator=generator)
    held_out = {sounds.WORLD: records[:4]}
    return {
        "audio": audio.audio_task(tower, heads, [records], records[:4], batch_size=4),
        "localizer": localizer.localizer_task(
            network, [[records[:8]], [records[8:]]], held_out, batch_size=4
        ),
    }


@pytest.mark.parametrize("name", ["audio", "localizer"])
def test_audio_and_localizer_learn_and_report_held_out_figures(records, tmp_path, name):
    task = tasks(records)[name]
    batch = task.batch(0, step_generators(1, 0)[0])
    before = task.loss(batch, None)[0].item()
    train(task, state_dir=tmp_path, n_steps=25, cpu=True)
    assert task.loss(batch, None)[0].item() < 0.8 * before
    logged = (tmp_path / name / "log.csv").read_text()
    assert {"audio": "held_out_loss", "localizer": "world_recall"}[name] in logged
