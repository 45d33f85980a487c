import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keyvid_pack.errors import CurveError, KeyVIDError
from keyvid_pack.keyframes.curve import motion_curve, normalise

from ...oracles.published_training_data import resample

FINITE = st.floats(-1e6, 1e6, allow_subnormal=False)


def test_a_curve_keeps_what_it_is_given_and_cannot_be_changed():
    score = np.array([0, 0.5, 1], dtype=np.float32)
    curve = motion_curve(score, fps=24, source="onset", fingerprint={"n_frames": 3})
    score[0] = 1
    assert curve.score.tolist() == [0, 0.5, 1] and curve.score.dtype == np.float64
    assert (curve.fps, curve.source, curve.n_frames) == (24.0, "onset", 3)
    assert curve.fingerprint == {"n_frames": 3}
    with pytest.raises(ValueError, match="read-only"):
        curve.score[0] = 1


@pytest.mark.parametrize(
    ("score", "words"),
    [
        ([0.0], "at least 2"),
        ([[0.0, 1.0]], r"shape \(1, 2\)"),
        ([], "at least 2"),
        ([0, np.nan, 1], "nan at frame 1"),
        ([0, 1, -np.inf], "-inf at frame 2"),
        ([0, 1.5], "0 to 1.5"),
        ([-0.1, 1], "-0.1 to 1"),
        (["a", "b"], "not a number"),
        ([[0, 1], [0]], "not a number"),
        (None, "at least 2"),
    ],
)
def test_a_malformed_curve_is_refused_with_its_value(score, words):
    with pytest.raises(CurveError, match=words):
        motion_curve(score, fps=24, source="onset")


def test_a_curve_needs_a_possible_frame_rate():
    with pytest.raises(KeyVIDError, match="frame rate is 0"):
        motion_curve([0, 1], fps=0, source="onset")


@given(arrays(np.float64, st.integers(2, 50), elements=FINITE))
def test_normalising_fills_zero_to_one_and_keeps_order(values):
    scaled = normalise(values)
    if scaled.any():
        assert (scaled.min(), scaled.max()) == (0, 1)
        order = np.argsort(values, kind="stable")
        assert (np.diff(scaled[order]) >= 0).all()
    else:
        assert np.ptp(values) <= 1e-9 * np.abs(values).max()


@pytest.mark.parametrize("value", [0.0, 5.0, -3.0, 1e-12])
def test_a_level_curve_normalises_to_zeros(value):
    assert not normalise(np.full(8, value)).any()


def test_rounding_noise_is_not_stretched_into_peaks():
    assert not normalise(7.0 + 1e-12 * np.arange(9)).any()


@given(arrays(np.float64, st.integers(2, 50), elements=FINITE), st.integers(2, 200))
def test_resampling_keeps_ends_and_range(values, n_frames):
    found = resample(values, n_frames)
    assert len(found) == n_frames
    assert (found[0], found[-1]) == (values[0], values[-1])
    assert values.min() <= found.min() and found.max() <= values.max()


def test_resampling_is_linear():
    assert resample([0, 1, 0], 5).tolist() == [0, 0.5, 1, 0.5, 0]
    assert resample([0, 1, 4], 3).tolist() == [0, 1, 4]
