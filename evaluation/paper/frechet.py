"""The Frechet distance of two sets of features, behind FID and FVD, and an interval for it.

Heusel et al., "GANs trained by a two time-scale update rule converge to a local Nash equilibrium" (2017): the distance
of two Gaussians that have the means and covariances of the features (published-model i).
"""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from ...errors import MeasureError
from ..measures.matching import interval
from ..measures.pooled import Pooled

JITTER = (
    1e-6  # on the diagonals where a product of covariances has no finite root (published-model i)
)
N_RESAMPLES = 50  # fewer than for means: each draw costs two eigendecompositions


def frechet_distance(one: ArrayLike, other: ArrayLike) -> float:
    """||m1 - m2||^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2)), float64, with the unbiased covariances of two sets of features.

    one: (n, d), other: (m, d), a row per image or clip, two rows at least. The root is scipy's sqrtm, as published;
    where it is not finite, JITTER is added to both diagonals. Raises MeasureError.
    """
    one, other = _checked(one, other)
    means = one.mean(axis=0) - other.mean(axis=0)
    covariances = [np.atleast_2d(np.cov(features, rowvar=False)) for features in (one, other)]
    root = _root_of_product(*covariances)
    trace = sum(np.trace(covariance) for covariance in covariances) - 2 * np.trace(root)
    return float(means @ means + trace)


def frechet_distance_by_eigenvalues(one: ArrayLike, other: ArrayLike) -> float:
    """The same distance from the eigenvalues of C1^(1/2) C2 C1^(1/2), which are those of C1 C2.

    Symmetric, so that features fewer than their dimensions do no harm, and several times faster than a root of the
    product. Where both are exact they agree; sqrtm is not exact for singular covariances.
    """
    one, other = _checked(one, other)
    n_dimensions = one.shape[1]
    centred = [(x - x.mean(axis=0)) / np.sqrt(len(x) - 1) for x in (one, other)]
    means = one.mean(axis=0) - other.mean(axis=0)
    trace = sum(float((x * x).sum()) for x in centred)
    if min(len(one), len(other)) < n_dimensions:
        # the singular values of A B^T are the roots of the eigenvalues of A^T A B^T B
        roots = np.linalg.svd(centred[0] @ centred[1].T, compute_uv=False)
    else:
        values, vectors = np.linalg.eigh(centred[0].T @ centred[0])
        half = centred[1] @ (vectors * np.sqrt(np.clip(values, 0, None)))  # (m, d)
        roots = np.sqrt(np.clip(np.linalg.eigvalsh(half.T @ half), 0, None))
    return float(means @ means + trace - 2 * roots.sum())


def frechet_interval(
    one: Sequence[ArrayLike],
    other: Sequence[ArrayLike],
    *,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
) -> Pooled:
    """The distance of all rows of two lists of videos, and an interval that holds it with matching.CONFIDENCE.

    one, other: the rows (n_rows, d) of each video, in the same order. Whole videos are drawn, since the frames of one
    resemble each other, and a true video together with what was generated from it. A draw repeats videos, so its
    distance is too large on average; what is used of the draws is therefore how far they lie from their own mean.
    Raises MeasureError.
    """
    if len(one) != len(other):
        raise MeasureError(
            f"There are {len(one)} true and {len(other)} generated videos to compare; give as many of both."
        )
    value = frechet_distance(np.concatenate(one), np.concatenate(other))
    random = np.random.default_rng(seed)
    values = np.empty(n_resamples)
    for i in range(n_resamples):
        draw = random.integers(len(one), size=len(one))
        drawn = [np.concatenate([videos[j] for j in draw]) for videos in (one, other)]
        values[i] = frechet_distance_by_eigenvalues(*drawn)
    low, high = interval(values - values.mean() + value)
    return Pooled(value, max(0.0, low), high, len(one))


def _root_of_product(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    with warnings.catch_warnings():
        # of singular matrices; `is_exact` says it in words
        warnings.simplefilter("ignore", linalg.LinAlgWarning)
        root = linalg.sqrtm(one @ other)
        if not np.isfinite(root).all():
            jitter = JITTER * np.eye(len(one))
            root = linalg.sqrtm((one + jitter) @ (other + jitter))
    return np.real(root)


def is_exact(n_rows: int, n_dimensions: int) -> bool:
    """Whether covariances of so many rows have full rank; of fewer the published root is inexact."""
    return n_rows > n_dimensions


def _checked(one: ArrayLike, other: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[1]:
        raise MeasureError(
            f"The features to compare have the shapes {one.shape} and {other.shape}; give two tables with a row per "
            "image or clip and equally many columns."
        )
    if min(len(one), len(other)) < 2:
        raise MeasureError(
            f"There are {len(one)} and {len(other)} rows of features; a covariance needs two on each side at least. "
            "Give more clips."
        )
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise MeasureError(
            "Some features are not finite numbers; check the weight file of the network that made them."
        )
    return one, other
