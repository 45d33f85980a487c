"""Teaching the audio tower when things happen, before any picture is involved.

The generator hears a frame's sound as 12 tokens, the interpolator as 12 others (models/audio_tokens.py), neither of
which are quite those of that frame. Here two linear layers must read from exactly these tokens how long ago the last
event was, when the next one comes and how strong they are: what it takes to draw a strike or a rebound.
The layers are thrown away; the tokens stay.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ...keyframes.timebase import N_FRAMES
from ...models.audio_tokens import N_QUERIES, interpolation_audio_tokens, keyframe_audio_tokens
from ...models.imagebind import AudioTower, init_audio_tower
from ...models.unet import sinusoids
from .. import recipe
from ..data.records import draw_records
from ..data.sounds import WORLD, frame_levels, heard_events, open_sounds
from ..engine.loop import Task

FARTHEST = 16  # frames: events farther away than this are all equally far
NEAR = 2.0  # frames over which the second, sharper clock falls to 1/e
CLOCK = (
    "until next", "since last", "near next", "near last", "strength of next", "strength of last", "level",
)  # fmt: skip
N_CHECKED = 64  # held-out sounds to measure on
POSITION_SCALE = 0.5  # of the waves in the first positions, beside tokens of spread 1


def make_task(state_dir, *, report=None):
    """The Task of the audio tower; sounds that are not in state_dir yet are made first."""
    folder = state_dir / "sounds"
    files = open_sounds(folder, kind=WORLD, seeds=range(recipe.N_SOUNDS), report=report)
    held_out = open_sounds(folder / "held_out", kind=WORLD, seeds=recipe.HELD_OUT_SOUNDS)
    torch.manual_seed(0)
    return audio_task(
        make_audio_tower(recipe.AUDIO, generator=torch.Generator().manual_seed(0)),
        make_clock_readers(recipe.AUDIO.width),
        files,
        np.concatenate(held_out)[:N_CHECKED],
    )


def audio_task(tower, readers, files, held_out, *, batch_size=recipe.AUDIO_BATCH):
    """The Task of a tower and its clock readers on `sounds` files; held_out: RECORDs (n,) to measure on."""
    checked = clock_batch(held_out)
    return Task(
        name="audio",
        modules={"audio": tower, "readers": readers},
        batch=lambda step, rng: clock_batch(draw_records(files, rng, batch_size)),
        loss=lambda batch, generator: clock_loss(tower(batch["mel"]), readers, batch["clock"]),
        learning_rate=recipe.AUDIO_LEARNING_RATE,
        warmup_steps=recipe.AUDIO_WARMUP,
        decay_steps=recipe.AUDIO_DECAY_STEPS,
        ema_half_life=recipe.LISTENING_EMA_HALF_LIFE,
        sample=lambda step, folder: _measure(tower, readers, checked),
    )


def clock_batch(records):
    """{"mel": (B, 1, 128, 204), "clock": (B, 48, len(CLOCK))} of RECORDs (B,)."""
    clocks = [clock(r["mel"], r["event_frames"], r["event_strengths"]) for r in records]
    mels = torch.from_numpy(records["mel"].astype(np.float32))[:, None]
    return {"mel": mels, "clock": torch.from_numpy(np.stack(clocks))}


def _measure(tower, readers, checked):
    device = next(tower.parameters()).device
    loss, errors = clock_loss(
        tower(checked["mel"].to(device)), readers, checked["clock"].to(device)
    )
    numbers = {"loss": float(loss), **errors}
    return {f"held_out_{name}": value for name, value in numbers.items()}


def make_audio_tower(config, *, generator=None):
    """An AudioTower to train from: random, but for positions that say where in time and pitch a patch lies."""
    tower = init_audio_tower(AudioTower(config), generator=generator)
    place_patches(tower)
    return tower


@torch.no_grad()
def place_patches(tower):
    """Let the positions of a tower begin as waves over its grid, half of the channels for time, half for pitch."""
    rows, columns = tower.config.grid
    half = tower.config.width // 2
    time = sinusoids(torch.arange(columns), half).expand(rows, -1, -1)
    pitch = sinusoids(torch.arange(rows), tower.config.width - half)[:, None].expand(
        -1, columns, -1
    )
    waves = torch.cat([time, pitch], dim=-1).flatten(0, 1)  # (rows * columns, D)
    positions = tower.modality_preprocessors["audio"].pos_embedding_helper.pos_embed
    positions[:, positions.shape[1] - len(waves) :] = POSITION_SCALE * waves


def make_clock_readers(width):
    """The two layers that read the clock: one for what keyframes hear, one for what the interpolation hears."""
    return nn.ModuleDict(
        {name: nn.Linear(N_QUERIES * width, len(CLOCK)) for name in ("keyframes", "interpolation")}
    )


def clock(mel, event_frames, event_strengths):
    """What should be readable at each frame of a sound, float32 (48, len(CLOCK)), everything in 0..1.

    mel (128, 204), event_frames (n,) with NO_EVENT at the end, event_strengths (n,). On the frame of an event both
    the next and the last one are that event.
    """
    frames, strengths = heard_events(event_frames, event_strengths)
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


def clock_loss(tokens, readers, clocks):
    """(loss, {name: number}) of reading the clocks (B, 48, len(CLOCK)) from the tokens (B, 577, D) of a tower.

    The numbers are mean errors in frames: of the times until and since an event that lies within FARTHEST frames.
    """
    heard = {
        "keyframes": keyframe_audio_tokens(tokens, torch.arange(N_FRAMES)[None]),
        "interpolation": interpolation_audio_tokens(tokens),
    }
    total, scalars = 0.0, {}
    for name, frames in heard.items():
        read = readers[name](frames.flatten(2))  # (B, 48, len(CLOCK))
        total = total + functional.mse_loss(read, clocks)
        near = clocks[..., :2] < 1
        errors = (read[..., :2] - clocks[..., :2]).detach().abs()[near]
        scalars[f"{name}_error_frames"] = float(FARTHEST * errors.mean()) if near.any() else 0.0
    return total / len(heard), scalars


def _distances(ahead, strengths):
    """(frames to the nearest event that is not behind, its strength) of ahead (48, n); infinity and 0 without one."""
    if not ahead.shape[1]:
        return np.full(len(ahead), math.inf), np.zeros(len(ahead))
    distances = np.where(ahead >= 0, ahead, math.inf)
    nearest = distances.argmin(axis=1)
    distance = distances[np.arange(len(ahead)), nearest]
    return distance, np.where(np.isfinite(distance), strengths[nearest], 0.0)
