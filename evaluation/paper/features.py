"""What the networks say of one clip, kept on disk, so that a measurement that was stopped goes on."""

import json
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from ...keyframes.audio.onset import find_onsets
from ...keyframes.peaks import find_peaks
from ...keyframes.timebase import FPS, frame_at
from ...models.encoders.image_preprocess import CLIP_MEAN, CLIP_STD
from ...models.encoders.mel import SAMPLE_RATE
from ..measures.flow import SHARP, curve_of, flow_scores
from .clip_pairs import Seen
from .i3d import I3DFeatures
from .imagebind import ImageBind, tokenise
from .inception import InceptionFeatures
from .sync_classifier import IMAGE_SIZE, SyncClassifier

FID_SIZE = 229  # pixels, not 299 (published-model i)
FVD_SIZE = 224
# a sixth of the time of the whole square; from 96 pixels on a film's curves hardly
# differ (docs/evaluation.md)
FLOW_SIZE = 128
# pixels of those 128, mean of |u| + |v| over the image, below which nothing moves: a flicker by 30 % gives 0.016, noise
# of 4 levels 0.004, falling drops of the drawn world 0.37 (docs/evaluation.md)
LEAST_MOTION = 0.05
VERSION = 1  # of what is kept on disk; another one is made anew


@dataclass(frozen=True)
class Networks:
    """The networks that are at hand; a figure whose network is None is left out."""

    inception: InceptionFeatures | None = None
    i3d: I3DFeatures | None = None
    classifier: SyncClassifier | None = None
    imagebind: ImageBind | None = None
    device: str = "cpu"


@torch.no_grad()
def clip_features(
    seen: Seen, category: str, networks: Networks, *, every: int
) -> dict[str, np.ndarray]:
    """What is measured of one clip.

    every: 4 for the published 12 frames at 6 fps, 1 for 48 frames at 24 fps; all networks get the same frames, the sync
    classifier too, which was trained on 12 (docs/evaluation.md, table 2). Returns {"fid": (n, 2048), "fvd": (d,),
    "sync": (), "image_sound": (n,), "image_text": (n,)} of the networks at hand, and always "moved" and "heard", the
    frames at 24 fps of peaks of the optical flow and of the clear strikes of the sound.
    """
    device = networks.device
    frames = seen.sampled(every).to(device)  # (n, 3, 256, 256)
    mel = seen.mel[None].to(device)
    found = dict[str, np.ndarray]()
    found["moved"], found["heard"] = _events(seen)
    if networks.inception is not None:
        found["fid"] = _numpy(networks.inception(resized(frames, FID_SIZE) * 2 - 1))
    if networks.i3d is not None:
        video = resized(frames, FVD_SIZE).movedim(0, 1)[None] * 2 - 1  # (1, 3, n, 224, 224)
        found["fvd"] = _numpy(networks.i3d(video)[0])
    if networks.classifier is not None:
        video = normalised(resized(frames, IMAGE_SIZE)).movedim(0, 1)[None]
        found["sync"] = _numpy(networks.classifier(mel, video)[0])
    if networks.imagebind is not None:
        space = networks.imagebind
        pixels = normalised(resized(frames, space.config.image_size))
        images = space.embed_images(pixels)  # (n, embedding)
        found["image_sound"] = _numpy(images @ space.embed_sounds(mel)[0])
        words = space.embed_tokens(tokenise([category]).to(device))[0]
        found["image_text"] = _numpy(images @ words)
    return found


def kept_features(
    path: Path, made_of: Sequence[object], features: dict[str, np.ndarray] | None = None
) -> dict[str, np.ndarray] | None:
    """The features in a file if they were made of the same things, else None; given features, write them first.

    made_of: what they depend on, as JSON values. The file appears whole or not at all.
    """
    stamp = json.dumps([VERSION, *made_of])
    if features is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        with part.open("wb") as file:
            np.savez(file, allow_pickle=False, **{**features, "made_of": np.array(stamp)})
        os.replace(part, path)
        return features
    try:
        with np.load(path, allow_pickle=False) as kept:
            if str(kept["made_of"]) != stamp:
                return None
            return {name: kept[name] for name in kept.files if name != "made_of"}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def resized(images: torch.Tensor, size: int) -> torch.Tensor:
    """Images (n, 3, H, W) as squares of `size` pixels: bicubic, low-passed where they shrink, not clamped."""
    return functional.interpolate(images, size=(size, size), mode="bicubic", antialias=True)


def normalised(images: torch.Tensor) -> torch.Tensor:
    """Images (n, 3, H, W) in [0, 1] less CLIP's mean, over its standard deviation."""
    mean, std = (images.new_tensor(values)[:, None, None] for values in (CLIP_MEAN, CLIP_STD))
    return (images - mean) / std


def _events(seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    """(frames at which the picture moves most, frames at which a strike is heard), both ascending, at 24 fps."""
    small = resized(seen.frames.float(), FLOW_SIZE).round().clamp(0, 255).to(torch.uint8)
    scores = flow_scores(small.movedim(1, -1).numpy())  # into frame k + 1
    peaks = find_peaks(curve_of(scores, SHARP))[0].tolist()
    # a curve reaches from 0 to 1 however little moves
    moved = [peak for peak in peaks if scores[max(0, peak - 3) : peak + 2].max() >= LEAST_MOTION]
    strikes = find_onsets(seen.audio, SAMPLE_RATE).strikes
    heard = sorted({frame_at(strike.time_s, fps=FPS) for strike in strikes if strike.clear})
    inside = [frame for frame in heard if frame < len(seen.frames)]
    return np.array(moved, np.int64), np.array(inside, np.int64)


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()
