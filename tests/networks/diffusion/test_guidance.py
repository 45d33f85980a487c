"""Guidance: the sum of differences, any scales; passes without weight are not needed; the rescale per sample."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from keyvid_pack.errors import SamplingError
from keyvid_pack.models.diffusion.guidance import PASSES, combine, needed_passes, pass_weights

from ...helpers.tolerance import float32_tolerance

# weights 1 - 2, 2 - 7.5, 7.5 - 9 and 9 on predictions up to 4.5, through some four roundings
ROUNDING = 4.5 * float32_tolerance(amplification=17, n_layers=16)
SCALES = st.floats(-20, 20, allow_nan=False)


def predictions(*shape, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator).to(dtype) for name in PASSES}


@given(SCALES, SCALES, SCALES)
def test_it_is_the_published_sum_of_differences(image, text, audio):
    out = predictions(2, 4, 3, 2, 2, dtype=torch.float64)
    none, with_image, with_text, full = (out[name] for name in PASSES)
    expected = none + image * (with_image - none)
    expected += text * (with_text - with_image) + audio * (full - with_text)
    weights = pass_weights(image, text, audio)
    assert sum(weights.values()) == pytest.approx(1, abs=1e-9)
    assert torch.allclose(combine(out, weights), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("scales", "rescale", "needed"),
    [
        ((2, 7.5, 7.5), 0, ("none", "image", "full")),
        ((2, 7.5, 9), 0, PASSES),
        ((1, 1, 1), 0, ("full",)),
        ((1, 7.5, 9), 0, ("image", "image_text", "full")),
        ((7.5, 7.5, 7.5), 0, ("none", "full")),
        ((0, 0, 0), 0, ("none",)),
        ((2, 7.5, 0), 0, ("none", "image", "image_text")),
        ((2, 7.5, 0), 0.7, PASSES),  # the rescale measures itself by the full prediction
        ((0, 0, 0), 0.7, ("none", "full")),
    ],
)
def test_only_passes_that_count_are_needed(scales, rescale, needed):
    weights = pass_weights(*scales)
    assert needed_passes(weights, rescale=rescale) == needed
    out = predictions(2, 4, 3, 2, 2)
    given_all = combine(out, weights, rescale=rescale)
    # what is not needed may be missing, or nonsense
    only = {name: out[name] for name in needed}
    nonsense = {name: out[name] if name in needed else out[name] * torch.nan for name in PASSES}
    assert torch.equal(combine(only, weights, rescale=rescale), given_all)
    assert torch.equal(combine(nonsense, weights, rescale=rescale), given_all)


def test_three_passes_are_those_of_a_model_without_sound():
    out = predictions(1, 4, 2, 2, 2)
    weights = pass_weights(2, 7.5, 7.5)
    del out["image_text"]
    expected = out["none"] + 2 * (out["image"] - out["none"]) + 7.5 * (out["full"] - out["image"])
    assert torch.allclose(combine(out, weights), expected, atol=ROUNDING)


def test_the_whole_rescale_gives_the_std_of_the_full_prediction():
    out = predictions(3, 4, 5, 2, 6)
    out["full"] *= torch.tensor([0.1, 1, 10])[:, None, None, None, None]
    weights = pass_weights(2, 7.5, 9)
    axes = (1, 2, 3, 4)  # not one factor per channel, frame or column
    spread = combine(out, weights, rescale=1).std(dim=axes)
    assert torch.allclose(spread, out["full"].std(dim=axes), rtol=1e-5)
    plain, half = combine(out, weights), combine(out, weights, rescale=0.5)
    assert torch.allclose(half, (plain + combine(out, weights, rescale=1)) / 2, atol=1e-4)


@pytest.mark.parametrize("rescale", [0, 0.7])
def test_samples_of_a_batch_do_not_touch(rescale):
    out, weights = predictions(3, 4, 5, 2, 6), pass_weights(2, 7.5, 9)
    together = combine(out, weights, rescale=rescale)
    for b in range(3):
        alone = combine({name: v[b : b + 1] for name, v in out.items()}, weights, rescale=rescale)
        assert torch.allclose(alone, together[b : b + 1], atol=1e-6)


def test_a_flat_prediction_stays_finite():
    out = {name: torch.ones(1, 4, 2, 2, 2) for name in PASSES}
    assert torch.equal(combine(out, pass_weights(2, 7.5, 7.5), rescale=0.7), out["full"])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_combined_in_single(dtype):
    out, weights = predictions(2, 4, 3, 2, 2, dtype=dtype), pass_weights(2, 7.5, 9)
    exact = combine({name: v.double() for name, v in out.items()}, weights, rescale=0.7)
    found = combine(out, weights, rescale=0.7)
    assert found.dtype == torch.float32
    assert torch.allclose(found.double(), exact, atol=ROUNDING)


def test_what_cannot_be_is_said():
    with pytest.raises(SamplingError, match="audio guidance is nan"):
        pass_weights(2, 7.5, float("nan"))
    out, weights = predictions(1, 1, 1, 2, 2), pass_weights(2, 7.5, 9)
    with pytest.raises(SamplingError, match="rescale is 1.2; take 0"):
        combine(out, weights, rescale=1.2)
    del out["image"]
    with pytest.raises(SamplingError, match="pass 'image', which was not run"):
        combine(out, weights)
