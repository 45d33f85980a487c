"""What the batches of generator and interpolator have in common."""

from typing import Any

import numpy as np
import torch

from .diffusion_loss import draw_dropped
from .encoders import condition_batch


def common_batch(
    records: np.ndarray,
    tokens: torch.Tensor,
    rng: np.random.Generator,
    *,
    timesteps: torch.Tensor,
    whole_frames: bool,
) -> dict[str, Any]:
    """A dict of the inputs of the encoders for CLIP records (n,), and of what decides about the loss.

    tokens: ids (m, 77) of every caption and, last, of no text. Returns what `encoders.condition_batch` gives;
    "timesteps" (n,); "dropped", the conditioning left out, drawn here; "whole_frames": whether the loss of whole
    frames counts.
    """
    return {
        **condition_batch(records, tokens[:-1], tokens[-1]),
        "timesteps": timesteps,
        "dropped": draw_dropped(rng, len(records)),
        "whole_frames": whole_frames,
    }
