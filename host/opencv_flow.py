"""OpenCV's dense inverse search as a method of Motion From Video, for artists who have OpenCV installed.

The pack does not install it. DIS is Kroeger and others, "Fast Optical Flow using Dense Inverse Search" (ECCV 2016).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..errors import KeyVIDError

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601): DIS sees brightness alone


def opencv_scores(
    frames: torch.Tensor, *, on_step: Callable[[int, int], object] | None = None
) -> np.ndarray:
    """Mean of |u| + |v| over the image from each of the frames (n, 3, H, W), 0 to 255, to the next: float64 (n - 1,).

    on_step(n_done, n_pairs) is called after each pair and may raise to cancel. Raises KeyVIDError without OpenCV.
    """
    cv2 = _opencv()
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    weights = torch.tensor(LUMA).view(1, 3, 1, 1)
    grey = (frames.float().cpu() * weights).sum(dim=1).round().clamp(0, 255)
    grey = grey.to(torch.uint8).numpy()  # (n, H, W)
    scores = []
    for n_done, (before, frame) in enumerate(zip(grey, grey[1:], strict=False), start=1):
        flow = dis.calc(np.ascontiguousarray(before), np.ascontiguousarray(frame), None)
        scores.append(float(np.abs(flow).sum(axis=2).mean()))  # (H, W, 2)
        if on_step is not None:
            on_step(n_done, len(grey) - 1)
    return np.array(scores)


def _opencv() -> Any:
    try:
        import cv2
    except ImportError:
        raise KeyVIDError(
            "The method OpenCV DIS needs the package OpenCV, which is not installed here. Choose the method flow "
            "without weights, which needs nothing, or install it into ComfyUI's Python: python -m pip install "
            "opencv-python-headless."
        ) from None
    return cv2
