"""What a clip longer than the model's is made of, and what does not fit one."""

import pytest
import torch
from keyvid_pack.errors import KeyVIDError, PlanError, PlanMismatchError

from ...helpers import small_encoders
from ...helpers.conditioned import conditioned_interpolation
from .clips import FRAMES, N_FRAMES, long_inputs


def test_the_keyframes_latent_takes_the_place_of_images(interpolator):
    latent = {"samples": torch.randn(1, 4, len(FRAMES), 4, 6)}
    inputs = long_inputs(image=small_encoders.images())
    positive, _, empty = conditioned_interpolation(interpolator, keyframes=latent, **inputs)
    torch.testing.assert_close(positive[0][1]["keyvid_keyframe_latents"], latent["samples"])
    assert empty["samples"].shape == (1, 4, N_FRAMES, 4, 6)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        (
            {"keyframes": {"samples": torch.zeros(1, 4, 3, 4, 6)}},
            PlanError,
            "3 keyframe latents.*12 keyframes",
        ),
        ({"keyframes": {"samples": torch.zeros(1, 4, 12, 4, 8)}}, KeyVIDError, "64 x 32 pixels"),
        ({"keyframes": {"samples": torch.zeros(12, 4, 4, 6)}}, KeyVIDError, "not one of keyframes"),
        ({"image": None}, KeyVIDError, "connect it to image"),
        (
            {
                "plan": small_encoders.plan((0, 9, 60), n_frames=N_FRAMES),
                "keyframes": {"samples": torch.zeros(1, 4, 3, 4, 6)},
            },
            PlanError,
            "frame 9 and the next one at 60 are 51 frames",
        ),
        (
            {"plan": small_encoders.plan(FRAMES, n_frames=N_FRAMES, fps=25.0)},
            PlanMismatchError,
            "48 frames at 24 fps .2.00 s., or longer",
        ),
    ],
)
def test_what_does_not_fit_a_long_clip_is_named(interpolator, changes, error, words):
    latent = {"samples": torch.zeros(1, 4, len(FRAMES), 4, 6)}
    inputs = long_inputs(keyframes=latent, image=small_encoders.images())
    with pytest.raises(error, match=words):
        conditioned_interpolation(interpolator, **{**inputs, **changes})
