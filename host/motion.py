"""How a video moves, as a motion curve: the methods of Motion From Video."""

from collections.abc import Callable

import comfy.model_management
import numpy as np
import torch

from ..errors import KeyVIDError
from ..keyframes.curve import MotionCurve
from ..keyframes.motion.measured import measured_curve
from ..keyframes.values import choice
from ..models import flow, lucas_kanade
from .loaders.optical_flow import check_optical_flow
from .opencv_flow import opencv_scores
from .payloads import Image, Model, Video
from .running_node import progress_steps
from .video_frames import Frames, frames_of_images, frames_of_video

METHODS = FLOW, RAFT, OPENCV = ("flow without weights", "RAFT", "OpenCV DIS")
# {method: the source of its curves}
SOURCES = {FLOW: "flow", RAFT: "RAFT flow", OPENCV: "OpenCV flow"}
Scores = Callable[[torch.Tensor], np.ndarray]


def curve_of_video(
    *,
    video: Video | None,
    images: Image | None,
    images_fps: float,
    method: str,
    optical_flow: Model | None,
    fps: float,
    n_frames: int,
    smoothing: str,
) -> MotionCurve:
    """The MotionCurve of a VIDEO, or of an IMAGE batch at images_fps, for a clip of n_frames frames (0: all) at fps.

    method: one of METHODS. optical_flow: for RAFT. smoothing: of `measured.SMOOTHINGS`. Progress and Cancel are the
    running node's. Raises KeyVIDError.
    """
    method = choice(method, METHODS, "method")
    if video is not None and images is None:
        frames = frames_of_video(video)
    elif images is not None and video is None:
        frames = frames_of_images(images, images_fps)
    else:
        found = "Neither video nor images are" if video is None else "Both video and images are"
        raise KeyVIDError(
            f"{found} connected. Connect one of the two: video from Load Video, or images with their frame rate."
        )
    scores, times_s = measured(frames, scores_by(method, optical_flow))
    return measured_curve(
        scores,
        times_s,
        fps=fps,
        n_frames=n_frames or None,
        smoothing=smoothing,
        source=SOURCES[method],
    )


def measured(frames: Frames, scores_of: Scores) -> tuple[np.ndarray, np.ndarray]:
    """(scores (n - 1,), times in seconds (n,)) of Frames; only a chunk of frames is held at a time.

    scores_of: frames uint8 (k, 3, H, W) -> how far the pixels move from each to the next (k - 1,).
    """
    step = progress_steps()
    scores: list[np.ndarray] = []
    times_s: list[np.ndarray] = []
    n_done, last = 0, None
    step(0, frames.n_frames)
    for chunk in frames.chunks:
        if last is not None and last.shape[1:] != chunk.frames.shape[1:]:
            raise KeyVIDError(
                f"The frames of the video change their size, from {last.shape[3]} x {last.shape[2]} to "
                f"{chunk.frames.shape[3]} x {chunk.frames.shape[2]} pixels. Write it anew at one size."
            )
        some = chunk.frames if last is None else torch.cat([last, chunk.frames])
        if len(some) > 1:
            scores.append(scores_of(some))
        times_s.append(chunk.times_s)
        last, n_done = chunk.frames[-1:], n_done + len(chunk.frames)
        step(n_done, max(n_done, frames.n_frames))
    if n_done < 2:
        raise KeyVIDError(
            f"Motion is measured between frames, but the number of frames is {n_done}; use at least 2."
        )
    return np.concatenate(scores), np.concatenate(times_s)


def scores_by(method: str, optical_flow: Model = None) -> Scores:
    """How a method scores frames uint8 (k, 3, H, W): (k - 1,) float64.

    Raises KeyVIDError when the method needs what is not there.
    """
    cancel = comfy.model_management.throw_exception_if_processing_interrupted

    def on_step(_n_done: int, _n_steps: int) -> None:
        cancel()

    if method == RAFT:
        check_optical_flow(optical_flow)
        comfy.model_management.load_model_gpu(optical_flow)

        def by_raft(frames: torch.Tensor) -> np.ndarray:
            return _numbers(
                flow.motion_scores(flow.raft_frames(frames), optical_flow.model, on_step=on_step)
            )

        return by_raft
    if method == OPENCV:
        return lambda frames: opencv_scores(lucas_kanade.small_frames(frames), on_step=on_step)
    # on the CPU, which is fast enough: the same curve, and so the same plan, on every graphics card
    return lambda frames: _numbers(
        lucas_kanade.motion_scores(lucas_kanade.small_frames(frames), on_step=on_step)
    )


def _numbers(scores: torch.Tensor) -> np.ndarray:
    return scores.double().cpu().numpy()
