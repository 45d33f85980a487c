"""How much a video moves from frame to frame, by optical flow: the motion score of KeyVID (published-model g.1).

Flow is estimated by RAFT (Teed and Deng, ECCV 2020) in torchvision's `raft_large`, the same network under other names.
The loop below drives that network's parts itself: each frame is encoded once although it belongs to two pairs, and
the flow is scaled up once per pair instead of after each of the 20 updates.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from einops import rearrange
from torch import nn
from torch.nn import functional as F

from ..errors import CheckpointNamesError, KeyVIDError

UPDATES = 20  # refinements of the flow in the published scores
STRIDE = 8  # pixels per flow vector before it is scaled up
LEAST_SIDE = 128  # pixels after padding; below, the coarsest level of RAFT's correlations vanishes
TALL, TALL_TO = 480, 360  # pixels: higher frames were shrunk to this height (published-model g.1)
WORKING_BYTES = 2**30  # aimed at when pairs are grouped; one pair is always taken, however large
BYTES_PER_PIXEL = 512  # of a frame inside the encoders, about

_ENCODER = r"^((?:feature|context)_encoder)"
_BLOCK = r"^((?:feature|context)_encoder\.layer\d\.\d)"
_UPDATE = r"^update_block\."
# RAFT -> torchvision, applied in this order; torchvision's own names pass unchanged
RENAMES = (
    (r"^module\.", ""),
    (r"^fnet\.", "feature_encoder."),
    (r"^cnet\.", "context_encoder."),
    (_ENCODER + r"\.conv1\.", r"\1.convnormrelu.0."),
    (_ENCODER + r"\.norm1\.", r"\1.convnormrelu.1."),
    (_ENCODER + r"\.conv2\.", r"\1.conv."),
    (_BLOCK + r"\.conv([12])\.", r"\1.convnormrelu\2.0."),
    (_BLOCK + r"\.norm([12])\.", r"\1.convnormrelu\2.1."),
    (_BLOCK + r"\.norm3\.", r"\1.downsample.1."),  # RAFT stores this norm under both names
    (_UPDATE + r"encoder\.convc([12])\.", r"update_block.motion_encoder.convcorr\1.0."),
    (_UPDATE + r"encoder\.convf([12])\.", r"update_block.motion_encoder.convflow\1.0."),
    (_UPDATE + r"encoder\.conv\.", "update_block.motion_encoder.conv.0."),
    (_UPDATE + r"gru\.conv([zrq])([12])\.", r"update_block.recurrent_block.convgru\2.conv\1."),
    (_UPDATE + r"mask\.0\.", "mask_predictor.convrelu.0."),
    (_UPDATE + r"mask\.2\.", "mask_predictor.conv."),
)


def raft_to_torchvision(state_dict: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A state dict of RAFT (`raft-things.pth`) under the names of torchvision's `raft_large` (published-model g.1).

    Names that are torchvision's already stay. Returns a new dict of the same tensors.
    """
    renamed = {}
    for name, tensor in state_dict.items():
        for pattern, replacement in RENAMES:
            name = re.sub(pattern, replacement, name)
        renamed[name] = tensor
    return renamed


def build_raft(state_dict: Mapping[str, torch.Tensor]) -> nn.Module:
    """torchvision's `raft_large` in eval mode with these weights, under RAFT's names or torchvision's.

    Raises CheckpointNamesError when they are not the weights of the large RAFT.
    """
    from torchvision.models.optical_flow import raft_large

    raft = raft_large(weights=None, progress=False)
    weights = raft_to_torchvision(state_dict)
    expected, found = _kinds(raft.state_dict()), _kinds(weights)
    if found != expected:
        wrong = sorted(
            name for name in expected.keys() | found if expected.get(name) != found.get(name)
        )
        raise CheckpointNamesError(
            f"These are not the weights of the large RAFT network: {len(wrong)} tensors are missing, unknown, of "
            f"another shape or quantised, the first is {wrong[0]}. Use raft-things.pth or torchvision's raft_large."
        )
    raft.load_state_dict(weights)
    return raft.eval()


def _kinds(state_dict: Mapping[str, torch.Tensor]) -> dict[str, tuple[tuple[int, ...], bool]]:
    """{name: (shape, whether it is floating point)}; loading would convert one into the other without an error."""
    return {
        name: (tuple(tensor.shape), tensor.is_floating_point())
        for name, tensor in state_dict.items()
    }


def shrink_tall_frames(frames: torch.Tensor) -> torch.Tensor:
    """Frames as the published scores were measured: over 480 pixels high, they become 360 high (published-model g.1).

    frames: (n, 3, H, W). Returns (n, 3, H', W'), nearest pixels. The width is scaled by 480 / H, not 360 / H, so
    tall frames come out too wide; the published scores have that, so it is kept.
    """
    height, width = frames.shape[-2:]
    if height <= TALL:
        return frames
    size = (TALL_TO, int(width * TALL / height))
    return F.interpolate(frames, size=size, mode="nearest")


def raft_frames(frames: torch.Tensor) -> torch.Tensor:
    """Frames (n, 3, H, W) as the published scores were measured; those too small for RAFT are enlarged."""
    frames = shrink_tall_frames(frames.float())
    factor = LEAST_SIDE / min(frames.shape[-2:])
    if factor <= 1:
        return frames
    size = [max(LEAST_SIDE, round(side * factor)) for side in frames.shape[-2:]]
    return F.interpolate(frames, size=size, mode="bilinear", antialias=True)


@torch.no_grad()
def motion_scores(
    frames: torch.Tensor,
    raft: Any,
    *,
    n_updates: int = UPDATES,
    full_resolution: bool = True,
    pairs_per_step: int | None = None,
    on_step: Callable[[int, int], object] | None = None,
) -> torch.Tensor:
    """How far the pixels move between neighbouring frames: mean of |u| + |v| over the image (published-model g.1).

    frames: (n, 3, H, W), 0..255, any dtype. raft: torchvision's `raft_large` in eval mode (`build_raft`), which
    decides where it is computed. full_resolution: False measures the flow on RAFT's own grid of one vector per
    8 x 8 pixels, in units of 8 pixels, as one of the two published entry points does: about 8 times smaller.
    The image is padded with its edges to multiples of 8, as much on either side, and the padding counts.
    Pairs are computed together within about 1 GiB, or pairs_per_step at once; after each such step
    on_step(n_done, n_pairs) is called, which may raise to cancel.

    Returns (n - 1,) float32 on the device of raft, in pixels.
    Raises KeyVIDError for fewer than two frames, other than three channels, or frames under 121 pixels high or wide.
    """
    _check(frames)
    n_pairs = len(frames) - 1
    device = next(raft.parameters()).device
    step = pairs_per_step or _pairs_at_once(*frames.shape[-2:])
    scores, last_features = [], None
    try:
        for start in range(0, n_pairs, step):
            some = _prepare(frames[start : min(start + step, n_pairs) + 1], device)
            new = raft.feature_encoder(some if last_features is None else some[1:])
            features = new if last_features is None else torch.cat([last_features, new])
            flow, hidden = _estimate(raft, some, features, n_updates)
            if full_resolution:
                flow = _scale_up(flow, raft.mask_predictor(hidden))
            scores.append(flow.abs().sum(dim=1).mean(dim=(1, 2)))  # (pairs,)
            last_features = features[-1:]
            if on_step:
                on_step(min(start + step, n_pairs), n_pairs)
    finally:
        raft.corr_block.corr_pyramid = []  # torchvision would keep the last, largest tensor
    return torch.cat(scores)


def _check(frames: torch.Tensor) -> None:
    if frames.ndim != 4 or frames.shape[1] != 3:
        raise KeyVIDError(
            f"Frames of the shape {tuple(frames.shape)} were given, but motion is measured on (frames, 3, height, "
            "width); use a batch of images in red, green and blue."
        )
    n_frames, _, height, width = frames.shape
    if n_frames < 2:
        raise KeyVIDError(
            f"Motion is measured between frames, but the number of frames is {n_frames}; use at least 2."
        )
    if min(height, width) <= LEAST_SIDE - STRIDE:
        raise KeyVIDError(
            f"The frames are {width} x {height} pixels, but optical flow needs more than {LEAST_SIDE - STRIDE} in "
            "both directions; enlarge them."
        )


def _pairs_at_once(height: int, width: int) -> int:
    """How many pairs fit into WORKING_BYTES."""
    n_vectors = -(-height // STRIDE) * -(-width // STRIDE)
    # float32, every vector with every other, and about as much in building it
    pyramid = 2 * 4 * n_vectors**2
    return max(1, WORKING_BYTES // (pyramid + BYTES_PER_PIXEL * height * width))


def _prepare(frames: torch.Tensor, device: torch.device) -> torch.Tensor:
    """(n, 3, H, W) in 0..255 -> (n, 3, H', W') in [-1, 1], padded to multiples of 8."""
    height, width = frames.shape[-2:]
    more_high, more_wide = -height % STRIDE, -width % STRIDE
    left, top = more_wide // 2, more_high // 2
    frames = 2 * (frames.to(device, torch.float32) / 255) - 1
    return F.pad(frames, (left, more_wide - left, top, more_high - top), mode="replicate")


def _estimate(
    raft: Any, frames: torch.Tensor, features: torch.Tensor, n_updates: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Flow of each frame to the next on RAFT's own grid, (n-1, 2, h, w), and the hidden state behind it."""
    raft.corr_block.build_pyramid(features[:-1], features[1:])
    context = raft.context_encoder(frames[:-1])
    n_hidden = raft.update_block.hidden_state_size
    hidden, context = context[:, :n_hidden].tanh(), context[:, n_hidden:].relu()
    height, width = features.shape[-2:]
    rows = torch.arange(height, device=features.device, dtype=features.dtype)
    columns = torch.arange(width, device=features.device, dtype=features.dtype)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    origin = torch.stack([x, y]).expand(len(frames) - 1, -1, -1, -1)  # (n-1, 2, h, w)
    target = origin
    for _ in range(n_updates):
        correlation = raft.corr_block.index_pyramid(target)
        hidden, change = raft.update_block(hidden, context, correlation, target - origin)
        target = target + change
    return target - origin, hidden


def _scale_up(flow: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Flow at every pixel, (B, 2, 8h, 8w): a weighted mean of the 3 x 3 nearest vectors (RAFT, section 3.3).

    flow: (B, 2, h, w). weights: (B, 9*8*8, h, w) before the softmax over the nine.
    """
    height = flow.shape[-2]
    weights = rearrange(weights, "b (n i j) y x -> b n i j y x", i=STRIDE, j=STRIDE).softmax(dim=1)
    near = F.unfold(STRIDE * flow, 3, padding=1)  # (B, 2*9, h*w), in pixels
    near = rearrange(near, "b (c n) (y x) -> b c n y x", c=2, y=height)
    flow = torch.einsum("bcnyx,bnijyx->bcyixj", near, weights)  # (B, 2, h, 8, w, 8)
    return rearrange(flow, "b c y i x j -> b c (y i) (x j)")  # (B, 2, 8h, 8w)
