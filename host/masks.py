"""Numbers as ComfyUI masks."""

import torch


def frame_masks(values, *, width, height):
    """A MASK batch (n_frames, height, width) that is `values[frame]` all over.

    The frames share memory, so an hour of masks costs nothing until a node downstream works on them.
    """
    levels = torch.tensor(values, dtype=torch.float32)  # (n_frames,)
    return levels.view(-1, 1, 1).expand(-1, height, width)
