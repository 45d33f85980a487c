"""What the cases share: reading a case's file, and the one way to measure an error."""

import pathlib

import torch
from safetensors.torch import load_file


def load_tensors(case, folder):
    """All tensors of a case by name: in.*, out.*, sd.*, dbg.*"""
    return load_file(pathlib.Path(folder) / case["file"])


def max_abs_err(found, expected):
    """The largest absolute difference of two arrays or tensors of one shape; NaN where either has one."""
    found, expected = torch.as_tensor(found), torch.as_tensor(expected)
    assert found.shape == expected.shape, (
        f"the shape is {tuple(found.shape)}, recorded is {tuple(expected.shape)}"
    )
    if not expected.numel():
        return 0.0
    return (found.double() - expected.double()).abs().max().item()
