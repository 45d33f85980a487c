"""Peak and valley detection at and between the edges, and AP@t."""

import numpy as np
import pytest
from keyvid_pack.errors import CurveError, SelectionError
from keyvid_pack.keyframes.peaks import find_keypoints, find_peaks, find_valleys, smooth


def curve(n_frames, **heights):
    score = np.zeros(n_frames)
    for frame, height in heights.items():
        score[int(frame.removeprefix("f"))] = height
    return score


def test_peaks_and_valleys_are_marked():
    score = np.array([0.5, 0.6, 1.0, 0.6, 0.3, 0.0, 0.3, 0.6, 1.0, 0.6, 0.5])
    assert find_keypoints(score).tolist() == [0, 0, 1, 0, 0, -1, 0, 0, 1, 0, 0]


def test_a_peak_below_the_prominence_is_none():
    score = curve(20, f5=0.11, f12=0.09)
    assert np.flatnonzero(find_keypoints(score) == 1).tolist() == [5]
    assert np.flatnonzero(find_keypoints(score, prominence=0.05) == 1).tolist() == [5, 12]


def test_of_two_close_peaks_the_higher_counts():
    score = curve(20, f8=0.9, f12=1.0)
    assert np.flatnonzero(find_keypoints(score) == 1).tolist() == [12]
    assert np.flatnonzero(find_keypoints(score, distance=4) == 1).tolist() == [8, 12]


def test_smoothing_merges_strikes():
    score = curve(24, f8=1.0, f10=1.0)
    assert (find_keypoints(score, distance=1) == 1).sum() == 2
    assert (find_keypoints(score, distance=1, smoothing=5) == 1).sum() == 1


@pytest.mark.parametrize("n_frames", [1, 2, 3, 4, 5, 6, 48])
def test_smoothing_is_a_zero_padded_mean_of_the_same_length(n_frames):
    score = np.random.RandomState(n_frames).rand(n_frames)
    padded = np.pad(score, 2)
    expected = [padded[i : i + 5].sum() / 5 for i in range(n_frames)]
    assert np.allclose(smooth(score), expected, atol=1e-15, rtol=0)


@pytest.mark.parametrize(
    ("score", "strikes"),
    [
        (curve(24, f0=1.0, f12=0.5), [0, 12]),
        (curve(24, f23=1.0), [23]),
        (curve(24, f22=1.0, f23=0.97), [22]),  # prominence 0.03 unless the end counts as quiet
        (np.repeat([0.0, 1.0], 12), [12]),  # lasts to the end: struck where it begins
        (np.repeat([1.0, 0.0], 12), [0]),
        (np.full(24, 0.5), []),
        (np.linspace(0, 1, 24), [23]),
        (curve(24, f10=1.0, f11=1.0, f12=1.0), [11]),
        (np.array([0.0, 1.0]), [1]),
    ],
)
def test_strikes_at_the_edges_are_found(score, strikes):
    frames, prominences = find_peaks(score)
    assert frames.tolist() == strikes
    assert len(prominences) == len(strikes) and (prominences >= 0.1).all()


def test_prominences_rank_strikes_and_rests():
    score = np.array([0.5, 0.5, 0.9, 0.5, 0.5, 0.5, 0.5, 0.1, 0.5, 0.5, 0.5, 0.5, 0.8, 0.5, 0.5])
    frames, prominences = find_peaks(score)
    assert frames.tolist() == [2, 12] and np.allclose(prominences, [0.8, 0.7])
    frames, prominences = find_valleys(score)
    assert frames.tolist() == [7] and np.allclose(prominences, 0.7)


@pytest.mark.parametrize("score", [[], [[0.0, 1.0]], [0.0, np.nan, 1.0], [0.0, np.inf]])
def test_what_is_no_curve_is_refused(score):
    for find in (find_keypoints, find_peaks, find_valleys):
        with pytest.raises(CurveError, match="one finite number per frame"):
            find(score)


@pytest.mark.parametrize(
    "wrong",
    [
        {"distance": 0},
        {"distance": -1},
        {"distance": 2.5},
        {"distance": True},
        {"distance": None},
        {"prominence": -0.1},
        {"prominence": float("nan")},
        {"prominence": float("inf")},
        {"prominence": None},
        {"prominence": True},
        {"smoothing": -1},
        {"smoothing": 2.5},
    ],
)
def test_thresholds_are_checked(wrong):
    with pytest.raises(SelectionError, match="give a"):
        find_keypoints(np.zeros(10), **wrong)
