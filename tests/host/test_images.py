"""Images are brought to the size of the video as the published code did, or as the artist chose."""

import pytest
import torch
from keyvid_pack.errors import KeyVIDError


def fitted(image, **options):
    from keyvid_pack.host.images import fit_images

    return fit_images(image, **options)


def stripes(height, width):
    """An image (1, H, W, 3) whose red is the column, green the row, each over the last one's."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([x / (width - 1), y / (height - 1), x * 0.0], dim=-1)[None].float()


def test_an_image_of_the_right_size_is_untouched(comfyui):
    levels = torch.arange(256).float().view(1, 16, 16, 1).expand(-1, -1, -1, 3) / 255
    for fit in ("crop", "pad", "stretch"):
        same = fitted(levels, width=16, height=16, fit=fit)
        torch.testing.assert_close(same, levels, rtol=0, atol=0)


def test_values_are_cut_to_whole_levels(comfyui):
    image = torch.full((1, 4, 4, 3), 100.9 / 255)
    found = fitted(image, width=4, height=4)
    torch.testing.assert_close(found, torch.full_like(image, 100 / 255), rtol=0, atol=1e-7)


@pytest.mark.parametrize("height, width", [(64, 256), (256, 64), (40, 64), (63, 101)])
def test_crop_covers_the_size_and_keeps_proportions_and_middle(comfyui, height, width):
    found = fitted(stripes(height, width), width=64, height=40, fit="crop")[0]
    assert found.shape == (40, 64, 3)
    middle = found.mean(dim=(0, 1))
    torch.testing.assert_close(middle[:2], torch.tensor([0.5, 0.5]), rtol=0, atol=0.012)
    per_pixel = [  # how many pixels of the image one pixel of the result spans
        (found[20, -8, 0] - found[20, 8, 0]) * (width - 1) / 48,
        (found[-8, 30, 1] - found[8, 30, 1]) * (height - 1) / 24,
    ]
    assert float(per_pixel[0]) == pytest.approx(float(per_pixel[1]), rel=0.06)


def test_pad_shows_everything_between_black_bars(comfyui):
    found = fitted(torch.ones(1, 50, 50, 3), width=64, height=32, fit="pad")[0]
    assert torch.equal(found[:, 16:48], torch.ones(32, 32, 3))
    assert not found[:, :16].any() and not found[:, 48:].any()
    tall = fitted(torch.ones(1, 20, 80, 3), width=64, height=33, fit="pad")[0]
    assert torch.equal(tall.amax(dim=(1, 2)).nonzero().flatten(), torch.arange(8, 24))


def test_stretch_shows_everything_and_fills_the_size(comfyui):
    found = fitted(stripes(50, 200), width=64, height=64, fit="stretch")[0]
    for axis in (found[32, :, 0], found[:, 32, 1]):
        assert axis[0] < 0.02 and axis[-1] > 0.98


def test_shrinking_averages(comfyui):
    """Without antialiasing a fine chequerboard would turn into black or white."""
    y, x = torch.meshgrid(torch.arange(128), torch.arange(128), indexing="ij")
    board = ((x + y) % 2).float()[None, :, :, None].expand(-1, -1, -1, 3)
    found = fitted(board, width=16, height=16)
    assert (found - 0.5).abs().max() < 0.02


def test_every_image_of_a_batch_is_fitted_and_a_fourth_channel_left_out(comfyui):
    batch = torch.rand(3, 20, 30, 4, generator=torch.Generator().manual_seed(0))
    found = fitted(batch, width=16, height=16)
    assert found.shape == (3, 16, 16, 3)
    one = fitted(batch[2:, ..., :3], width=16, height=16)
    torch.testing.assert_close(found[2:], one, rtol=0, atol=0)


def test_the_input_stays_untouched(comfyui):
    image = torch.rand(1, 16, 16, 3)
    before = image.clone()
    fitted(image, width=16, height=16)
    assert torch.equal(image, before)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (None, "There is no image on the frames input. It is empty"),
        (torch.zeros(1, 4, 4, 1), r"There is no image on the frames input. It has shape \(1, 4"),
        (
            torch.full((1, 4, 4, 3), torch.nan),
            "on the frames input holds values that are not finite",
        ),
    ],
)
def test_a_complaint_names_the_input_that_brought_the_image(comfyui, image, said):
    from keyvid_pack.host.images import all_images, check_images

    for look in (check_images, all_images):
        with pytest.raises(KeyVIDError, match=said):
            look(image, name="frames")
        with pytest.raises(KeyVIDError, match=said.replace("frames", "image")):
            look(image)


def test_another_fit_is_refused(comfyui):
    with pytest.raises(KeyVIDError, match="'squeeze'.*crop, pad, stretch"):
        fitted(torch.rand(1, 4, 4, 3), width=16, height=16, fit="squeeze")
