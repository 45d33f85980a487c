"""Training the audio tower to encode when events happen, before any image is involved.

The generator is conditioned on 12 audio tokens per frame, the interpolator on 12 others
(models/encoders/audio_tokens.py), and neither set covers exactly that frame. Here two linear probe heads must predict
from exactly these tokens how long ago the last event was, when the next one comes and how strong both are: what it
takes to draw a strike or a rebound.
The probe heads are discarded; the tokens stay.
"""

import math
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ...keyframes.timebase import N_FRAMES
from ...models.encoders.audio_tokens import (
    N_QUERIES,
    interpolation_audio_tokens,
    keyframe_audio_tokens,
)
from ...models.encoders.imagebind import AudioTower, AudioTowerConfig, init_audio_tower
from ...models.unet.unet import sinusoids
from .. import recipe
from ..data.records import Report, draw_records
from ..data.sounds import WORLD, frame_levels, open_sounds, unpad_events
from ..engine.loop import Scalars, Task

FARTHEST = 16  # frames: events farther away than this are all equally far
NEAR = 2.0  # frames over which the sharper, exponential targets fall to 1/e
TIMING_TARGETS = (
    "until next", "since last", "near next", "near last", "strength of next", "strength of last", "level",
)  # fmt: skip
N_CHECKED = 64  # held-out sounds to measure on
# of the sinusoids in the initial positions, beside tokens of standard deviation 1
POSITION_SCALE = 0.5


def make_task(state_dir: Path, *, report: Report | None = None) -> Task:
    """The Task of the audio tower; sounds that are not in state_dir yet are made first."""
    folder = state_dir / "sounds"
    files = open_sounds(folder, kind=WORLD, seeds=range(recipe.N_SOUNDS), report=report)
    held_out = open_sounds(folder / "held_out", kind=WORLD, seeds=recipe.HELD_OUT_SOUNDS)
    torch.manual_seed(0)
    return audio_task(
        make_audio_tower(recipe.AUDIO, generator=torch.Generator().manual_seed(0)),
        make_probe_heads(recipe.AUDIO.width),
        files,
        np.concatenate(held_out)[:N_CHECKED],
    )


def audio_task(
    tower: AudioTower,
    heads: nn.ModuleDict,
    files: list[np.ndarray],
    held_out: np.ndarray,
    *,
    batch_size: int = recipe.AUDIO_BATCH,
) -> Task:
    """The Task of a tower and its probe heads on `sounds` files; held_out: RECORDs (n,) to measure on."""
    checked = timing_batch(held_out)
    return Task(
        name="audio",
        modules={"audio": tower, "readers": heads},  # "readers": as saved states name them
        batch=lambda step, rng: timing_batch(draw_records(files, rng, batch_size)),
        loss=lambda batch, generator: timing_loss(tower(batch["mel"]), heads, batch["targets"]),
        learning_rate=recipe.AUDIO_LEARNING_RATE,
        warmup_steps=recipe.AUDIO_WARMUP,
        decay_steps=recipe.AUDIO_DECAY_STEPS,
        ema_half_life=recipe.LISTENING_EMA_HALF_LIFE,
        sample=lambda step, folder: _measure(tower, heads, checked),
    )


def timing_batch(records: np.ndarray) -> dict[str, torch.Tensor]:
    """{"mel": (B, 1, 128, 204), "targets": (B, 48, len(TIMING_TARGETS))} of RECORDs (B,)."""
    targets = [timing_targets(r["mel"], r["event_frames"], r["event_strengths"]) for r in records]
    mels = torch.from_numpy(records["mel"].astype(np.float32))[:, None]
    return {"mel": mels, "targets": torch.from_numpy(np.stack(targets))}


def _measure(
    tower: nn.Module, heads: nn.ModuleDict, checked: dict[str, torch.Tensor]
) -> dict[str, float]:
    device = next(tower.parameters()).device
    loss, errors = timing_loss(
        tower(checked["mel"].to(device)), heads, checked["targets"].to(device)
    )
    numbers = {"loss": float(loss), **errors}
    return {f"held_out_{name}": value for name, value in numbers.items()}


def make_audio_tower(
    config: AudioTowerConfig, *, generator: torch.Generator | None = None
) -> AudioTower:
    """An AudioTower to train from: random, but with position embeddings that encode a patch's time and pitch."""
    tower = init_audio_tower(AudioTower(config), generator=generator)
    place_patches(tower)
    return tower


@torch.no_grad()
def place_patches(tower: AudioTower) -> None:
    """Set a tower's position embeddings to sinusoids over its grid: half of the channels for time, half for pitch."""
    rows, columns = tower.config.grid
    half = tower.config.width // 2
    time = sinusoids(torch.arange(columns), half).expand(rows, -1, -1)
    pitch = sinusoids(torch.arange(rows), tower.config.width - half)[:, None].expand(
        -1, columns, -1
    )
    waves = torch.cat([time, pitch], dim=-1).flatten(0, 1)  # (rows * columns, D)
    positions = tower.get_parameter("modality_preprocessors.audio.pos_embedding_helper.pos_embed")
    positions[:, positions.shape[1] - len(waves) :] = POSITION_SCALE * waves


def make_probe_heads(width: int) -> nn.ModuleDict:
    """The two layers that predict the timing targets: from the keyframe tokens and from the interpolation tokens."""
    return nn.ModuleDict(
        {
            name: nn.Linear(N_QUERIES * width, len(TIMING_TARGETS))
            for name in ("keyframes", "interpolation")
        }
    )


def timing_targets(
    mel: np.ndarray, event_frames: np.ndarray, event_strengths: np.ndarray
) -> np.ndarray:
    """The targets at each frame of a sound, float32 (48, len(TIMING_TARGETS)), all in 0..1.

    mel (128, 204), event_frames (n,) with NO_EVENT at the end, event_strengths (n,). On the frame of an event both
    the next and the last one are that event.
    """
    frames, strengths = unpad_events(event_frames, event_strengths)
    at = np.arange(N_FRAMES)
    until, until_strength = _distances(frames - at[:, None], strengths)
    since, since_strength = _distances(at[:, None] - frames, strengths)
    columns = (
        np.minimum(until / FARTHEST, 1),
        np.minimum(since / FARTHEST, 1),
        np.exp(-until / NEAR),
        np.exp(-since / NEAR),
        until_strength,
        since_strength,
        frame_levels(mel),
    )
    return np.stack(columns, axis=1).astype(np.float32)


def timing_loss(
    tokens: torch.Tensor, heads: nn.ModuleDict, targets: torch.Tensor
) -> tuple[torch.Tensor, Scalars]:
    """(loss, {name: number}) of predicting targets (B, 48, len(TIMING_TARGETS)) from a tower's tokens (B, 577, D).

    The numbers are mean errors in frames: of the times until and since an event that lies within FARTHEST frames.
    """
    token_sets = {
        "keyframes": keyframe_audio_tokens(tokens, torch.arange(N_FRAMES)[None]),
        "interpolation": interpolation_audio_tokens(tokens),
    }
    losses: list[torch.Tensor] = []
    scalars: Scalars = {}
    for name, frames in token_sets.items():
        predicted = heads[name](frames.flatten(2))  # (B, 48, len(TIMING_TARGETS))
        losses.append(functional.mse_loss(predicted, targets))
        near = targets[..., :2] < 1
        errors = (predicted[..., :2] - targets[..., :2]).detach().abs()[near]
        scalars[f"{name}_error_frames"] = float(FARTHEST * errors.mean()) if near.any() else 0.0
    return sum(losses[1:], losses[0]) / len(losses), scalars


def _distances(ahead: np.ndarray, strengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(frames to the nearest event that is not behind, its strength) of ahead (48, n); infinity and 0 without one."""
    if not ahead.shape[1]:
        return np.full(len(ahead), math.inf), np.zeros(len(ahead))
    distances = np.where(ahead >= 0, ahead, math.inf)
    nearest = distances.argmin(axis=1)
    distance = distances[np.arange(len(ahead)), nearest]
    return distance, np.where(np.isfinite(distance), strengths[nearest], 0.0)
