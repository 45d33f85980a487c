"""CLIP's preprocessing against kornia's resize, which the published model was trained with."""

import kornia
import pytest
import torch
from keyvid_pack.models.encoders.image_preprocess import CLIP_MEAN, CLIP_STD, clip_pixels

SIZES = [(320, 512), (224, 224), (64, 100), (100, 900), (900, 100), (1080, 1921), (2, 2), (225, 7)]


def noise(height, width, dtype=torch.float32):
    generator = torch.Generator().manual_seed(height * width)
    return (torch.rand(2, 3, height, width, generator=generator) * 2 - 1).to(dtype)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_equals_kornia(size):
    image = noise(*size)
    resized = kornia.geometry.transform.resize(
        image, (224, 224), interpolation="bicubic", align_corners=True, antialias=True
    )
    mean, std = torch.tensor(CLIP_MEAN), torch.tensor(CLIP_STD)
    expected = kornia.enhance.normalize((resized + 1) / 2, mean, std)
    torch.testing.assert_close(clip_pixels(image), expected, atol=5e-6, rtol=0)


def test_other_squares_follow_the_same_rule():
    image = noise(200, 90)
    resized = kornia.geometry.transform.resize(
        image, (40, 40), interpolation="bicubic", align_corners=True, antialias=True
    )
    expected = (resized + 1) / 2 - torch.tensor(CLIP_MEAN)[:, None, None]
    expected = expected / torch.tensor(CLIP_STD)[:, None, None]
    torch.testing.assert_close(clip_pixels(image, size=40), expected, atol=5e-6, rtol=0)


def test_nothing_is_clamped():
    edge = torch.ones(1, 3, 64, 64)
    edge[..., 32:] = -1
    white = (1 - torch.tensor(CLIP_MEAN)) / torch.tensor(CLIP_STD)
    assert (clip_pixels(edge).amax(dim=(0, 2, 3)) > white + 0.1).all()  # bicubic overshoot


@pytest.mark.parametrize("shape", [(1, 300), (300, 1), (1, 1)])
def test_images_one_pixel_thin_pass(shape):
    found = clip_pixels(torch.full((1, 3, *shape), 0.5))
    grey = (0.75 - torch.tensor(CLIP_MEAN)) / torch.tensor(CLIP_STD)
    expected = grey[None, :, None, None].expand(1, 3, 224, 224)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_half_precision_images_are_computed_in_float32():
    image = noise(320, 512, torch.bfloat16)
    assert torch.equal(clip_pixels(image), clip_pixels(image.float()))
    assert clip_pixels(image.double()).dtype == torch.float64


def test_gradients_reach_the_image():
    image = noise(320, 512).requires_grad_()
    (clip_pixels(image) ** 2).sum().backward()
    assert image.grad.isfinite().all() and image.grad.any()
