"""Timing without tensors: audio -> curve -> plan. Knows numpy and scipy, neither torch nor ComfyUI."""
