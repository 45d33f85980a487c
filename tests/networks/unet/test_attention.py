"""Attention whole, in windows, and the windows that do not fit."""

import pytest
import torch
from keyvid_pack.errors import SamplingError
from keyvid_pack.models.attention import (
    check_windows,
    sdpa_attention,
    windowed_attention,
)

from ...oracles.plain_attention import einsum_softmax_attention


@pytest.mark.parametrize("mask_shape", [None, (5, 9), (2, 5, 9), (2, 3, 5, 9)])
@pytest.mark.parametrize("boolean", [True, False])
def test_attentions_agree(mask_shape, boolean):
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 5, 12), torch.randn(2, 9, 12), torch.randn(2, 9, 12)
    mask = None if mask_shape is None else torch.randn(mask_shape)
    if boolean and mask is not None:
        mask = mask > -0.5
    found = sdpa_attention(q, k, v, 3, mask)
    torch.testing.assert_close(found, einsum_softmax_attention(q, k, v, 3, mask))
    heads = [
        torch.softmax(q[..., s] @ k[..., s].mT / 2, dim=-1) @ v[..., s]
        for s in (slice(0, 4), slice(4, 8), slice(8, 12))
    ]
    if mask is None:
        torch.testing.assert_close(found, torch.cat(heads, dim=-1))


def test_attention_of_a_batch_too_large_for_one_kernel(monkeypatch):
    torch.manual_seed(0)
    q, k, v = (torch.randn(7, 3, 4) for _ in range(3))
    mask = torch.randn(7, 3, 3)
    whole = sdpa_attention(q, k, v, 2), sdpa_attention(q, k, v, 2, mask)
    monkeypatch.setattr("keyvid_pack.models.attention.MAX_BATCH", 3)
    torch.testing.assert_close(sdpa_attention(q, k, v, 2), whole[0])
    torch.testing.assert_close(sdpa_attention(q, k, v, 2, mask), whole[1])


@pytest.mark.parametrize(("n", "window", "stride"), [(8, 4, 2), (9, 5, 2), (7, 3, 1), (6, 2, 2)])
def test_windows_are_averaged_by_triangles(n, window, stride):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, n, 6) for _ in range(3))
    middle = (window - 1) / 2
    total, weights = torch.zeros(2, n, 6), torch.zeros(n)
    for start in range(0, n - window + 1, stride):
        for i in range(window):
            # the nearer to the middle the more, 1 at both ends
            weight = window // 2 + window % 2 - int(abs(i - middle))
            rows = slice(start, start + window)
            part = einsum_softmax_attention(q[:, rows], k[:, rows], v[:, rows], 2)
            total[:, start + i] += weight * part[:, i]
            weights[start + i] += weight
    found = windowed_attention(q, k, v, 2, window=window, stride=stride)
    torch.testing.assert_close(found, total / weights[:, None])


@pytest.mark.parametrize(
    ("sizes", "match"),
    [
        ((50, 12, 6), "make 48 or 54 of them"),
        ((8, 12, 6), "8 frames, fewer than one window of 12"),
        ((48, 12, 0), "12 frames every 0"),
        ((48, 12, 13), "leave gaps"),
        ((48, 0, 0), "leave gaps"),
    ],
)
def test_windows_that_do_not_fit(sizes, match):
    with pytest.raises(SamplingError, match=match):
        check_windows(*sizes)


def test_windows_that_fit():
    for sizes in ((48, 12, 6), (12, 12, 6), (48, 12, 12), (1, 1, 1)):
        check_windows(*sizes)
