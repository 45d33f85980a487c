"""Training the localizer: from audio to a curve with a peak on every event.

The published loss (published-model g.2) is the squared error to measured motion and, with less weight, to loudness;
the paper's appendix A names an absolute one, which is what decides between peaks here.
Both have peaks without events: a hammer swings back fast, noise grows louder. Here the target curve has peaks on the
events alone; for continuous sounds without events, such as the sea, it is the loudness.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch.nn import functional

from ...keyframes.curve import normalise
from ...keyframes.events import match_events
from ...keyframes.peaks import find_peaks
from ...keyframes.timebase import N_FRAMES
from ...models.encoders.imagebind import AudioTower
from ...models.encoders.localizer import Localizer, LocalizerConfig, init_localizer
from .. import recipe
from ..data.records import Report, draw_records
from ..data.sounds import KINDS, MIXED, frame_levels, loudness_curve, open_sounds, unpad_events
from ..engine.loop import Task
from .audio import place_patches

# the score 0, 1 and 2 frames from an event, in shares of its peak: peaks stay separate at every permitted gap
BUMP = (1.0, 0.5, 0.12)
SOFTEST_PEAK = 0.5  # score of an event of strength 0; one of strength 1 has 1
# added to 1 on events and next to them. With the absolute error a peak is predicted where it is likelier than
# 1 / (2 + PEAK_WEIGHT); at 4, one peak of five was false
PEAK_WEIGHT = 1.0
N_CHECKED = 200  # held-out sounds of each kind to measure on
ERROR_BEND = 0.05  # of a score
TOLERANCE = 2  # frames between an event and a peak that counts as right
COLUMN_WIDTH = 1.0  # columns over which a frame's initial weights fall


def make_task(state_dir: Path, *, report: Report | None = None) -> Task:
    """The Task of the localizer; sounds that are not in state_dir yet are made first."""
    folder = state_dir / "sounds"
    files, held_out = [], {}
    for kind in KINDS:
        seeds = range(recipe.N_SOUNDS)
        files.append(open_sounds(folder, kind=kind, seeds=seeds, report=report))
        checked = open_sounds(folder / "held_out", kind=kind, seeds=recipe.HELD_OUT_SOUNDS)
        held_out[kind] = np.concatenate(checked)[:N_CHECKED]
    files.append(files[KINDS.index(MIXED)])  # twice: they are the hardest, and most like recordings
    localizer = make_localizer(recipe.LOCALIZER, generator=torch.Generator().manual_seed(0))
    return localizer_task(localizer, files, held_out)


def localizer_task(
    localizer: Localizer,
    kinds: list[list[np.ndarray]],
    held_out: dict[str, np.ndarray],
    *,
    batch_size: int = recipe.LOCALIZER_BATCH,
) -> Task:
    """The Task of a localizer. kinds: lists of `sounds` files, from each of which an equal share of a batch is drawn.

    held_out: {name: RECORDs (n,)} to measure on.
    """

    def batch(step: int, rng: np.random.Generator) -> dict[str, torch.Tensor]:
        share = batch_size // len(kinds)
        parts = [curve_batch(draw_records(files, rng, share)) for files in kinds]
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    return Task(
        name="localizer",
        modules={"localizer": localizer},
        batch=batch,
        loss=lambda batch, generator: (curve_loss(localizer(batch["mel"]), batch["curve"]), {}),
        learning_rate=recipe.LOCALIZER_LEARNING_RATE,
        warmup_steps=recipe.LOCALIZER_WARMUP,
        decay_steps=recipe.LOCALIZER_DECAY_STEPS,
        ema_half_life=recipe.LISTENING_EMA_HALF_LIFE,
        sample=lambda step, folder: _measure(localizer, held_out),
    )


def curve_batch(records: np.ndarray) -> dict[str, torch.Tensor]:
    """{"mel": (B, 1, 128, 204), "curve": (B, 48)} of RECORDs (B,)."""
    mels = torch.from_numpy(records["mel"].astype(np.float32))[:, None]
    return {
        "mel": mels,
        "curve": torch.from_numpy(np.stack([target_curve(r) for r in records])),
    }


def make_localizer(
    config: LocalizerConfig, *, generator: torch.Generator | None = None
) -> Localizer:
    """A Localizer to train from: random, but each frame's score starts from the tokens at its own time."""
    localizer = init_localizer(Localizer(config), generator=generator)
    tower = cast(AudioTower, localizer.imagebindMoodel)
    place_patches(tower)
    rows, columns = tower.config.grid
    with torch.no_grad():
        # frame f at (f + 1/2) / 48 of the clip, column c likewise
        at_frame = (torch.arange(config.n_scores) + 0.5) / config.n_scores * columns - 0.5
        distance = at_frame[:, None] - torch.arange(columns)  # (n_scores, columns)
        near = torch.softmax(-((distance / COLUMN_WIDTH) ** 2), dim=1) / rows
        localizer.get_parameter("linear1.weight").copy_(
            near.repeat(1, rows)
        )  # tokens come row by row
    return localizer


def target_curve(record: np.void | np.ndarray) -> np.ndarray:
    """The target curve of a `sounds.RECORD`, float32 (48,) in 0..1."""
    if record["swells"]:
        return loudness_curve(frame_levels(record["mel"])).astype(np.float32)
    return event_curve(*unpad_events(record["event_frames"], record["event_strengths"]))


def event_curve(frames: Iterable[int], strengths: Iterable[float]) -> np.ndarray:
    """A curve, float32 (48,), whose peaks are events at these frames (n,), higher for greater strengths (n,)."""
    curve = np.zeros(N_FRAMES, np.float32)
    for frame, strength in zip(frames, strengths, strict=True):
        peak = SOFTEST_PEAK + (1 - SOFTEST_PEAK) * strength
        for offset in range(1 - len(BUMP), len(BUMP)):
            if 0 <= frame + offset < N_FRAMES:
                curve[frame + offset] = max(curve[frame + offset], peak * BUMP[abs(offset)])
    return curve


def curve_loss(scores: torch.Tensor, curves: torch.Tensor) -> torch.Tensor:
    """The absolute error of scores to curves, (B, 48) both, that of peaks weighing more: a scalar.

    Of a sound that may be an event or not, the squared error would teach the mean, a low peak on each; the absolute one
    teaches to decide. Below ERROR_BEND it is squared, so that it has an end.
    """
    weight = 1 + PEAK_WEIGHT * (curves >= SOFTEST_PEAK * BUMP[1]).to(curves)
    errors = functional.smooth_l1_loss(scores, curves, beta=ERROR_BEND, reduction="none")
    return (weight * errors).sum() / weight.sum()


def _measure(localizer: Localizer, held_out: dict[str, np.ndarray]) -> dict[str, float]:
    """Recall and precision of peaks against the events of the sounds that have some or are silent."""
    device = next(localizer.parameters()).device
    numbers = {}
    for kind, records in held_out.items():
        records = records[~records["swells"]]
        scores = localizer(curve_batch(records)["mel"].to(device)).double().cpu().numpy()
        n_found = n_events = n_right = 0
        for score, record in zip(scores, records, strict=True):
            found = find_peaks(normalise(score), distance=1)[0]  # as the node hands it on
            events, _ = unpad_events(record["event_frames"], record["event_strengths"])
            n_found, n_events = n_found + len(found), n_events + len(events)
            n_right += len(match_events(found, events, tolerance=TOLERANCE).pairs)
        numbers[f"{kind}_recall"] = n_right / max(1, n_events)
        numbers[f"{kind}_precision"] = n_right / max(1, n_found)
    return numbers
