"""What each pass is conditioned on, and the concat latents."""

import pytest
import torch
from keyvid_pack.errors import SamplingError
from keyvid_pack.models.diffusion.conditioning import (
    denoise,
    guidance_conditions,
    interpolation_concat,
    keyframe_concat,
)
from keyvid_pack.models.diffusion.guidance import PASSES


def test_each_pass_adds_one_thing():
    pairs = {name: (torch.ones(1), torch.zeros(1)) for name in ("text", "image", "audio")}
    shared = {"concat": torch.ones(2), "fps": torch.tensor([6]), "frame_index": None}
    conditions = guidance_conditions(**pairs, **shared)
    assert tuple(conditions) == PASSES
    given = {
        name: tuple(int(condition[key]) for key in ("text", "image", "audio"))
        for name, condition in conditions.items()
    }
    assert given == {
        "none": (0, 0, 0),
        "image": (0, 1, 0),
        "image_text": (1, 1, 0),
        "full": (1, 1, 1),
    }
    for condition in conditions.values():  # never dropped
        assert all(condition[name] is value for name, value in shared.items())


def test_a_model_without_audio_has_no_audio_condition():
    pair = (torch.ones(1), torch.zeros(1))
    conditions = guidance_conditions(text=pair, image=pair)
    assert {condition["audio"] for condition in conditions.values()} == {None}


def test_the_concat_latent_lies_behind_the_noisy_one():
    def network(x, timesteps, *, text):
        return x, timesteps, text

    x, concat = torch.zeros(1, 4, 3, 2, 2), torch.ones(1, 4, 3, 2, 2, dtype=torch.float16)
    out, timesteps, text = denoise(network, x, "t", concat=concat, text="words")
    assert out.shape == (1, 8, 3, 2, 2) and out.dtype == x.dtype
    assert (out[:, :4] == 0).all() and (out[:, 4:] == 1).all()
    assert (timesteps, text) == ("t", "words")


def test_keyframes_all_have_the_first_image():
    first = torch.randn(2, 4, 1, 2, 2)
    concat = keyframe_concat(first, 12)
    assert concat.shape == (2, 4, 12, 2, 2) and (concat == first).all()


def test_the_interpolation_has_its_keyframes_and_zeros():
    latents = torch.arange(1.0, 5).reshape(1, 1, 4, 1, 1).expand(2, 4, 4, 3, 3)
    concat = interpolation_concat(latents, [0, 5, 2, 5], 7)  # of two for one frame the last counts
    assert concat.shape == (2, 4, 7, 3, 3)
    assert concat[0, 0, :, 0, 0].tolist() == [1, 0, 3, 0, 0, 4, 0]
    assert (concat == concat[:1, :1, :, :1, :1]).all()


@pytest.mark.parametrize(
    ("frames", "match"),
    [
        ([0, 7, 2, 3], "Keyframe 7 lies outside the clip; its frames are 0 to 6"),
        ([0, -1, 2, 3], "Keyframe -1 lies outside"),
        ([0, 1, 2], "3 keyframes and 4 latents"),
    ],
)
def test_keyframes_that_do_not_fit_are_named(frames, match):
    with pytest.raises(SamplingError, match=match):
        interpolation_concat(torch.zeros(1, 4, 4, 2, 2), frames, 7)
