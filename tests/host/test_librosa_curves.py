"""The methods that librosa serves where it is installed."""

import sys

import numpy as np
import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.keyframes.curve import strike_frames
from keyvid_pack.keyframes.events import match_events

from ..helpers.recordings import click_track

METHODS = ["librosa onset", "librosa beats"]


@pytest.fixture
def curve_of():
    from keyvid_pack.host import librosa_curves

    return dict(
        zip(
            METHODS,
            [librosa_curves.librosa_onset_curve, librosa_curves.librosa_beats_curve],
            strict=True,
        )
    )


@pytest.mark.parametrize("method", METHODS)
def test_clicks_become_strikes_of_the_curve(curve_of, method):
    samples, times_s = click_track(120, sample_rate=44_100, duration_s=8.0, start_s=0.25)
    curve = curve_of[method](samples, 44_100, n_frames=192, fps=24)
    frames = sorted(strike_frames(curve.strikes, n_frames=192, fps=24))
    match = match_events(frames, times_s * 24, tolerance=1)
    # its beat tracker leaves out weakly supported beats at either end
    assert match.precision == 1 and match.recall >= 0.8
    assert all(curve.score[frame] > 0 for frame in frames) and curve.score.max() == 1


@pytest.mark.parametrize("method", METHODS)
def test_silence_has_no_strikes(curve_of, method):
    curve = curve_of[method](np.zeros((2, 88_200), np.float32), 44_100, n_frames=48, fps=24)
    assert curve.strikes == () and not curve.score.any()


@pytest.mark.parametrize("method", METHODS)
def test_without_librosa_the_message_says_what_to_do(curve_of, method, monkeypatch):
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(KeyVIDError, match="not installed here") as caught:
        curve_of[method](np.zeros((1, 44_100), np.float32), 44_100, n_frames=24, fps=24)
    assert method in str(caught.value) and "pip install librosa" in str(caught.value)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("sample_rate", "n_frames"), [(8000, 48), (192_000, 48), (48_000, 2)])
@pytest.mark.parametrize("method", METHODS)
def test_any_rate_and_length_is_taken_without_warnings(curve_of, method, sample_rate, n_frames):
    samples, _ = click_track(120, sample_rate=sample_rate, duration_s=n_frames / 24)
    curve = curve_of[method](samples, sample_rate, n_frames=n_frames, fps=24)
    assert curve.n_frames == n_frames
