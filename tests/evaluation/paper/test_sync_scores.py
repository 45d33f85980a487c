"""RelSync and AlignSync against their formulas, at their ends, and for clips that must not pass."""

import numpy as np
import pytest
from keyvid_pack.errors import MeasureError
from keyvid_pack.evaluation.paper.sync_scores import align_sync, rel_sync


def test_the_true_video_has_a_half_and_a_quarter():
    scores, cosines = np.array([-3.0, 0.0, 7.0]), np.array([0.1, 0.2, 0.3])
    relative = rel_sync(scores, scores)
    assert relative.tolist() == [0.5] * 3
    assert align_sync(relative, cosines, cosines[:, None].repeat(11, 1)).tolist() == [0.25] * 3


def test_formulas():
    random = np.random.default_rng(0)
    true, made, first = random.standard_normal((3, 5))
    frames = random.standard_normal((5, 11))
    relative = [np.exp(g) / (np.exp(t) + np.exp(g)) for t, g in zip(true, made, strict=True)]
    np.testing.assert_allclose(rel_sync(true, made), relative, rtol=1e-12)
    shares = np.exp(frames) / (np.exp(first)[:, None] + np.exp(frames))
    np.testing.assert_allclose(
        align_sync(relative, first, frames), relative * shares.mean(axis=1), rtol=1e-12
    )


def test_scores_that_overflow_an_exponential():
    assert rel_sync(np.array([800.0, -800.0]), np.array([-800.0, 800.0])).tolist() == [0.0, 1.0]


def test_a_worse_video_scores_lower():
    assert rel_sync(np.array([1.0]), np.array([0.5]))[0] < 0.5


def test_other_shapes_are_refused():
    with pytest.raises(MeasureError, match="one number per clip"):
        rel_sync(np.zeros(3), np.zeros(2))
    with pytest.raises(MeasureError, match="clips, frames"):
        align_sync(np.zeros(3), np.zeros(3), np.zeros((2, 11)))
    with pytest.raises(MeasureError, match="longer clips"):
        align_sync(np.zeros(3), np.zeros(3), np.zeros((3, 0)))
