"""One of the processes of `python dev.py label`: measures how a video moves, and looks whether it can be used."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import CheckpointError, CurveError, KeyVIDError
from ...models import flow, lucas_kanade
from ...models.build import build_raft
from ...models.checkpoint.checkpoint import open_checkpoint, refuse_kind
from ...models.checkpoint.layouts import RAFT
from .curves import read_curve, write_curve
from .decode import Frame
from .inspection import Findings, inspect_video
from .workers import answer_jobs

Scores = Callable[[torch.Tensor], torch.Tensor]
CHUNK_BYTES = 64 * 2**20  # of 8-bit pixels that are held at a time
MOST_AT_ONCE = 32  # frames


def main(raft: str = "") -> int:
    """Answer jobs {"path", "curve", "keep"}, see `label_video`. raft: a file of RAFT, "": the flow without weights."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and with it our input
    if "OMP_NUM_THREADS" not in os.environ and not torch.cuda.is_available():
        torch.set_num_threads(1)  # the processes share the cores
    scores_of = scores_by(raft)

    def answer(job: dict[str, Any]) -> dict[str, Any]:
        try:
            found = label_video(Path(job["path"]), job["curve"], scores_of, keep=job["keep"])
        except torch.cuda.OutOfMemoryError as error:
            raise KeyVIDError(
                f"The GPU has too little memory free for {job['path']} ({error}). End other programs that use it, or "
                "label without --raft."
            ) from None
        return found._asdict()

    return answer_jobs(answer)


def scores_by(raft: str = "") -> Scores:
    """How frames uint8 (k, 3, H, W) are scored, (k - 1,): by RAFT where a file is named, else without weights.

    Raises CheckpointError for a file that is not the large RAFT.
    """
    if not raft:
        return lambda frames: lucas_kanade.motion_scores(lucas_kanade.small_frames(frames))
    network = open_raft(raft).to("cuda" if torch.cuda.is_available() else "cpu")
    return lambda frames: flow.motion_scores(flow.raft_frames(frames), network).cpu()


def open_raft(raft: str) -> torch.nn.Module:
    """The large RAFT from a file under its authors' names or torchvision's. Raises CheckpointError."""
    checkpoint = open_checkpoint(raft)
    if checkpoint.kind != RAFT:
        refuse_kind(checkpoint, "RAFT", "Name a file of the large RAFT, such as raft-things.pth.")
    network = build_raft(checkpoint).float()
    if not isinstance(network, torch.nn.Module):
        raise CheckpointError(f"The file {raft} holds no network.")
    return network


def label_video(path: Path, curve: str, scores_of: Scores, *, keep: bool = False) -> Findings:
    """Write the motion curve of a video to the path `curve` where it can be used; its Findings.

    keep: the curve is there, such as the authors' own, and stays; that it does not fit its video is a problem.
    curve: "" only looks. Raises OSError where the curve cannot be written.
    """
    measure = _Measure(scores_of)
    wanted = bool(curve) and not keep
    findings = inspect_video(path, on_frame=measure.add if wanted else None)
    if findings.problem or not curve:
        return findings
    if keep:
        try:
            read_curve(Path(curve), n_frames=findings.n_frames)
        except CurveError as error:
            return findings._replace(problem=str(error))
    else:
        write_curve(Path(curve), measure.scores())
    return findings


class _Measure:
    """Scores frames as they come, holding only some of them at a time."""

    def __init__(self, scores_of: Scores) -> None:
        self.scores_of = scores_of
        self.held: list[np.ndarray] = []
        self.found: list[np.ndarray] = []

    def add(self, frame: Frame) -> None:
        """Take the next frame."""
        self.held.append(frame.image)
        most = max(2, min(MOST_AT_ONCE, CHUNK_BYTES // frame.image.nbytes))
        if len(self.held) > most:
            self._score()

    def scores(self) -> np.ndarray:
        """The scores (n - 1,) of all frames that came."""
        if len(self.held) > 1:
            self._score()
        return np.concatenate(self.found)

    def _score(self) -> None:
        frames = torch.from_numpy(np.stack(self.held)).permute(0, 3, 1, 2)
        self.found.append(self.scores_of(frames).double().numpy())
        self.held = self.held[-1:]
