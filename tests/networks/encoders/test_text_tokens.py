"""A text for every frame out of the keyframes' texts: exact on keyframes, linear or held between them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from keyvid_pack.models.attention import sdpa_attention
from keyvid_pack.models.encoders.text_tokens import equally_long, tokens_at_frames

KEYFRAMES = (0, 5, 6, 20)


def texts(n=4, *, dtype=torch.float64):
    return torch.randn(n, 3, 4, generator=torch.Generator().manual_seed(0), dtype=dtype)


@pytest.mark.parametrize("blend", [True, False])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_a_keyframe_has_its_own_text_to_the_bit(blend, dtype):
    tokens = texts(dtype=dtype)
    found = tokens_at_frames(tokens, KEYFRAMES, torch.tensor([KEYFRAMES]), blend=blend)
    assert found.dtype == dtype and torch.equal(found, tokens[None])


@given(st.sets(st.integers(1, 60), min_size=1, max_size=8))
def test_between_keyframes_the_text_goes_over_linearly(later):
    keyframes, frames = (0, *sorted(later)), np.arange(-3, 66)
    tokens = texts(len(keyframes))
    found = tokens_at_frames(tokens, keyframes, torch.from_numpy(frames), blend=True)
    flat = tokens.reshape(len(keyframes), -1).numpy()
    expected = np.stack([np.interp(frames, keyframes, column) for column in flat.T], axis=-1)
    # three operations on values below 5, in float64
    np.testing.assert_allclose(found.reshape(len(frames), -1), expected, atol=5 * 3 * 2**-52)


def test_without_blending_each_text_stays_until_the_next_keyframe():
    frames = torch.tensor([-2, 0, 4, 5, 6, 19, 20, 99])
    found = tokens_at_frames(texts(), KEYFRAMES, frames, blend=False)
    assert torch.equal(found, texts()[[0, 0, 0, 1, 2, 2, 3, 3]])


def test_one_text_for_all_stays_that_text_to_the_bit():
    tokens = texts(1, dtype=torch.float32).expand(4, -1, -1)
    found = tokens_at_frames(tokens, KEYFRAMES, torch.arange(30)[None], blend=True)
    assert torch.equal(found, tokens[:1, None].expand(1, 30, -1, -1))


def test_texts_of_several_lengths_are_attended_to_as_they_were():
    generator = torch.Generator().manual_seed(0)
    lengths = (2, 4, 6)
    query = torch.randn(1, 5, 8, generator=generator, dtype=torch.float64)
    found = [torch.randn(1, n, 8, generator=generator, dtype=torch.float64) for n in lengths]
    together = equally_long(found)
    assert together.shape == (3, 12, 8)
    for alone, repeated in zip(found, together.split(1), strict=True):
        expected = sdpa_attention(query, alone, alone, 2)
        torch.testing.assert_close(
            sdpa_attention(query, repeated, repeated, 2), expected, rtol=0, atol=1e-13
        )
        # a text with zeros behind it would be another one
        padded = torch.cat([alone, alone * 0], dim=1)
        assert (sdpa_attention(query, padded, padded, 2) - expected).abs().max() > 1e-3
