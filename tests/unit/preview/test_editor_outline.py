"""What the timeline editor shows beside the plan: it lies on the right frames, and stays small."""

import json
import wave

import numpy as np
import pytest
from keyvid_pack.keyframes.audio.onset import onset_curve
from keyvid_pack.keyframes.curve import motion_curve
from keyvid_pack.keyframes.peaks import find_peaks
from keyvid_pack.keyframes.plan_document import plan_from_document
from keyvid_pack.preview.editor import (
    LOUDEST,
    MAX_POINTS,
    curve_outline,
    plan_checksum,
    sound_outline,
)
from keyvid_pack.preview.wav import write_wav
from keyvid_pack.tools.environment import ROOT

RATE = 16_000


def clicks(*times_s, length_s=2.0, n_channels=1, level=0.5):
    """Short noise bursts in silence, (C, N) float32; `length_s` may hold more than can be distinguished."""
    rng = np.random.default_rng(0)
    samples = np.zeros((n_channels, round(length_s * RATE)), dtype=np.float32)
    for time_s in times_s:
        start = round(time_s * RATE)
        burst = rng.uniform(-level, level, (n_channels, 400)) * np.exp(-np.arange(400) / 100)
        samples[:, start : start + 400] += burst[:, : samples.shape[1] - start]
    return samples


def outline(samples, n_frames=48, fps=24.0, **options):
    return sound_outline(samples, RATE, n_frames=n_frames, fps=fps, **options)


def test_onsets_lie_on_the_frames_of_the_strikes():
    # 1.0 and 1.125 s are three frames apart: closer than two keyframes by prediction may be
    assert outline(clicks(0.5, 1.0, 1.125, 1.6))["onsets"] == [12, 24, 27, 38]


def test_onsets_hold_every_peak_that_a_prediction_may_use():
    rng = np.random.default_rng(1)
    samples = clicks(*np.sort(rng.uniform(0, 9.9, 60)), length_s=10.0)
    found = outline(samples, n_frames=240)["onsets"]
    curve = onset_curve(samples, RATE, n_frames=240, fps=24.0)
    assert set(find_peaks(curve.score)[0].tolist()) < set(found)


def test_beats_lie_on_a_steady_pulse_and_within_the_clip():
    samples = clicks(*np.arange(0.25, 8, 0.5), length_s=8.0)
    found = outline(samples, n_frames=192)["beats"]
    assert found == list(range(6, 192, 12))


def test_silence_has_neither_outline_nor_moments():
    found = outline(np.zeros((1, 2 * RATE), np.float32))
    assert found["onsets"] == found["beats"] == []
    assert set(found["peaks"]["min"] + found["peaks"]["max"]) == {0}


@pytest.mark.parametrize("level", [0.001, 0.5, 3.0])
def test_the_loudest_sample_fills_the_outline_where_it_sounds(level):
    peaks = outline(clicks(1.0, level=level))["peaks"]
    assert len(peaks["min"]) == len(peaks["max"]) == 8 * 48
    extremes = np.maximum(-np.array(peaks["min"]), peaks["max"])
    assert extremes.max() == LOUDEST
    assert 8 * 24 <= extremes.argmax() < 8 * 25
    assert not extremes[: 8 * 24].any()


def test_a_score_per_frame_with_three_decimals():
    score = np.linspace(0, 1, 48) ** 2
    found = curve_outline(motion_curve(score, fps=24.0, source="test"))
    assert found["curve"] == pytest.approx(score, abs=0.0005)
    assert max(len(str(value)) for value in found["curve"]) <= 5


def test_the_peaks_of_the_curve_are_those_a_prediction_may_use():
    score = np.zeros(48)
    score[[10, 12, 30]] = 0.9, 0.6, 0.5  # 12 is too close to 10
    assert curve_outline(motion_curve(score, fps=24.0, source="test"))["curve_peaks"] == [10, 30]


def test_a_long_clip_stays_small_and_loses_no_leap():
    n_frames = 100_000
    score = np.zeros(n_frames)
    score[77_777] = 1.0
    found = curve_outline(motion_curve(score, fps=24.0, source="test"))
    assert len(found["curve"]) == MAX_POINTS
    assert found["curve"].index(1.0) == pytest.approx(77_777 / n_frames * MAX_POINTS, abs=1)
    samples = clicks(3.0, length_s=60.0)
    peaks = outline(samples, n_frames=14_400, fps=240.0)["peaks"]
    assert len(peaks["min"]) == MAX_POINTS
    assert len(json.dumps(peaks)) < 200_000


def test_the_checksum_is_that_of_the_table_and_tells_apart_what_is_painted():
    rows = json.loads((ROOT / "tests/plan_checksums.json").read_text(encoding="utf-8"))
    found = [plan_checksum(plan_from_document(row["plan"])) for row in rows]
    assert found == [row["checksum"] for row in rows]
    # the second row differs from the first in a lock and a kind alone, and two are of one rate, written in three
    # decimals and exactly; the others differ in what is painted
    assert found[0] == found[1]
    assert len({row["plan"]["fps"] for row in rows}) == 3
    assert len(set(found)) == len(rows) - 2 >= 5


def test_listening_may_be_cancelled():
    class Cancel(Exception):
        pass

    def cancel(n_done, n_steps):
        raise Cancel

    with pytest.raises(Cancel):
        outline(clicks(0.5, length_s=60.0), n_frames=1440, on_step=cancel)


def read_wav(path):
    with wave.open(str(path)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return pcm.reshape(-1, file.getnchannels()).T / 32767, file.getframerate()


@pytest.mark.parametrize("n_channels", [1, 2])
def test_the_sound_comes_back_from_its_file(tmp_path, n_channels):
    samples = np.random.default_rng(0).uniform(-1, 1, (n_channels, 3000)).astype(np.float32)
    write_wav(tmp_path / "a.wav", samples, 44_100)
    found, rate = read_wav(tmp_path / "a.wav")
    assert rate == 44_100
    assert found == pytest.approx(samples, abs=1 / 32767)


def test_many_channels_are_mixed_and_what_is_too_loud_is_turned_down(tmp_path):
    samples = np.random.default_rng(0).uniform(-3, 3, (6, 3000)).astype(np.float32)
    write_wav(tmp_path / "a.wav", samples, RATE)
    found, _ = read_wav(tmp_path / "a.wav")
    loudest = np.abs(samples).max()
    assert found == pytest.approx(samples.mean(axis=0, keepdims=True) / loudest, abs=1 / 32767)
