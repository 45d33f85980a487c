"""RelSync and AlignSync of generated clips beside the true ones (Zhang et al., "Audio-synchronized visual animation",
ECCV 2024), as the published code of KeyVID computes them (published-model i).
"""

import numpy as np
from numpy.typing import ArrayLike

from ...errors import MeasureError


def rel_sync(true_scores: ArrayLike, made_scores: ArrayLike) -> np.ndarray:
    """exp(made) / (exp(true) + exp(made)) of each clip, float64 (n,) in (0, 1); the paper's figure is 100 x its mean.

    true_scores, made_scores: (n,), of the sync classifier for the true and the generated video with the same sound.
    A true video scores 0.5. Raises MeasureError.
    """
    true, made = (np.asarray(scores, np.float64) for scores in (true_scores, made_scores))
    if true.ndim != 1 or true.shape != made.shape:
        raise MeasureError(
            f"There are sync scores of the shapes {true.shape} and {made.shape}; give one number per clip of each."
        )
    # exp(made) / (exp(true) + exp(made)), without exponents that overflow
    return _sigmoid(made - true)


def align_sync(
    relative: ArrayLike, true_first_similarity: ArrayLike, made_similarities: ArrayLike
) -> np.ndarray:
    """RelSync times how well the frames keep to the sound, float64 (n,); the paper's figure is 100 x its mean.

        relative * mean over frames f of exp(made_f) / (exp(true_first) + exp(made_f))

    relative: (n,), of rel_sync. true_first_similarity: (n,), the cosine of the sound and the true first frame in
    ImageBind's space. made_similarities: (n, frames), of the generated frames but the first. Raises MeasureError.
    """
    relative, true, made = (
        np.asarray(x, np.float64) for x in (relative, true_first_similarity, made_similarities)
    )
    if made.ndim != 2 or true.shape != made.shape[:1] or relative.shape != made.shape[:1]:
        raise MeasureError(
            f"RelSync, similarities of first frames and of generated frames have the shapes {relative.shape}, "
            f"{true.shape} and {made.shape}; give (clips,), (clips,) and (clips, frames)."
        )
    if not made.shape[1]:
        raise MeasureError("The generated clips have no frame after the first; give longer clips.")
    return relative * _sigmoid(made - true[:, None]).mean(axis=1)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * x))
