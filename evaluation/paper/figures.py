"""From the features of clips to the paper's figures, each with the interval that holds it."""

from collections.abc import Mapping, Sequence

import numpy as np

from ...training.datasets.clips import CLIPS_PER_VIDEO
from ..measures.matching import FIGURES, Counts, count_matches, figures, intervals
from ..measures.pooled import Pooled, pooled
from .frechet import frechet_interval
from .sync_scores import align_sync, rel_sync

Features = Mapping[str, np.ndarray]
EVENT_TOLERANCE = 2  # frames at 24 fps, as for the events of the drawn world


def paper_figures(true: Sequence[Features], made: Sequence[Features]) -> dict[str, Pooled]:
    """{name: Pooled} of clips and their true ones, in one order; names without the features for them are left out.

    FID of all frames but the first and FVD of whole clips; RelSync, AlignSync, CLIP similarity times 100, means over
    clips. Clips are in groups of CLIPS_PER_VIDEO, and intervals from a bootstrap over videos, since clips of one video
    resemble each other.
    """
    found = dict[str, Pooled]()
    if _have("fid", true, made):
        found["FID"] = frechet_interval(*(_rows(of, "fid", first=1) for of in (true, made)))
    if _have("fvd", true, made):
        found["FVD"] = frechet_interval(*(_rows(of, "fvd") for of in (true, made)))
    if _have("sync", true, made):
        relative = rel_sync(*(np.array([float(one["sync"]) for one in of]) for of in (true, made)))
        if _have("image_sound", true, made):
            first = np.array([one["image_sound"][0] for one in true])
            later = np.stack([one["image_sound"][1:] for one in made])
            found["AlignSync"] = mean_percent(align_sync(relative, first, later))
        found["RelSync"] = mean_percent(relative)
    for name, feature in (("CLIP-sim IA", "image_sound"), ("CLIP-sim IT", "image_text")):
        if _have(feature, made):
            found[name] = mean_percent(np.array([one[feature][1:].mean() for one in made]))
    return found


def event_figures(clips: Sequence[Features]) -> dict[str, Pooled]:
    """{"event recall", ...}: clear strikes against peaks of the flow, one to one, within EVENT_TOLERANCE, in percent.

    Of any footage, without a network. True videos do not reach 100: not all that is heard is seen, nor all that moves
    heard. To be read beside the figure of the true clips, and of the same clips with the sound of others.
    """
    return _matched([one["moved"] for one in clips], [one["heard"] for one in clips])


def chance_figures(clips: Sequence[Features]) -> dict[str, Pooled]:
    """The same with the sound of the next video in place of each: what is reached without knowing the sound.

    {} of a single video.
    """
    if len(clips) < 2 * CLIPS_PER_VIDEO:
        return {}
    heard = [one["heard"] for one in clips]
    moved = [one["moved"] for one in clips]
    return _matched(moved, [*heard[CLIPS_PER_VIDEO:], *heard[:CLIPS_PER_VIDEO]])


def _matched(moved: Sequence[np.ndarray], heard: Sequence[np.ndarray]) -> dict[str, Pooled]:
    counts = count_matches(moved, heard, tolerance=EVENT_TOLERANCE)
    pairs, true, found = map(_per_video, counts[:3])
    of_videos = Counts(pairs, true, found, counts.errors)
    values, held = figures(of_videos), intervals(of_videos)
    return {
        f"event {name}": Pooled(
            100 * values[name], 100 * held[name][0], 100 * held[name][1], len(true)
        )
        for name in FIGURES
    }


def _have(name: str, *clips: Sequence[Features]) -> bool:
    return all(name in one for of in clips for one in of)


def mean_percent(values: np.ndarray) -> Pooled:
    """100 x the mean of a number of each clip (n,), with an interval over videos."""
    return pooled(
        100 * _per_video(values), np.full(len(values) // CLIPS_PER_VIDEO, CLIPS_PER_VIDEO)
    )


def _per_video(values: np.ndarray) -> np.ndarray:
    """The sums over the clips of each video of values (n,)."""
    return values.reshape(-1, CLIPS_PER_VIDEO).sum(axis=1)


def _rows(clips: Sequence[Features], name: str, *, first: int = 0) -> list[np.ndarray]:
    """The features of each video as rows (n, d), of its frames from `first` on or of its clips."""
    rows = [np.atleast_2d(one[name])[first:] for one in clips]
    starts = range(0, len(rows), CLIPS_PER_VIDEO)
    return [np.concatenate(rows[start : start + CLIPS_PER_VIDEO]) for start in starts]
