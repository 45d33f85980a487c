"""Pinned keyframes stay but for rounding, the others are painted, and see them."""

import pytest
import torch
from keyvid_pack.errors import KeyVIDError, PlanError
from keyvid_pack.keyframes.plan import Keyframe, make_plan

from ...helpers import small_encoders, small_video
from ...helpers.conditioned import conditioned_keyframes
from ...helpers.small_video import guided, run

FRAMES = (0, 5, 20, 40)


def pinned_latent(*arguments, **more):
    from keyvid_pack.host.sampling.pinned import pinned_latent

    return pinned_latent(*arguments, **more)


def painted(generator, conditioned, latent, seed):
    """The latent of a sampler behind Pin Keyframes, unscaled as it travels between nodes."""
    mask = latent.get("noise_mask")
    more = {} if mask is None else {"denoise_mask": mask}
    found = run(
        guided(generator, conditioned[:2]),
        noise=small_video.unit_noise(seed=seed),
        latent=latent["samples"],
        **more,
    )
    return {"samples": found / small_video.LATENT_SCALE}


def test_what_is_pinned_stays_and_the_others_are_painted_again(generator):
    conditioned = conditioned_keyframes(generator)
    plan = small_encoders.plan()
    first = painted(generator, conditioned, conditioned[2], seed=1)
    pinned = pinned_latent(first, plan, pinned="5, 40")
    second = painted(generator, conditioned, pinned, seed=2)["samples"]
    torch.testing.assert_close(
        second[:, :, [1, 3]], first["samples"][:, :, [1, 3]], atol=1e-4, rtol=1e-5
    )
    others = (second - first["samples"])[:, :, [0, 2]].abs()
    assert others.max() > 0.1
    without = painted(generator, conditioned, conditioned[2], seed=2)["samples"]
    assert (second - without)[:, :, 2].abs().max() > 1e-2, "it does not see what is pinned"


def test_locked_keyframes_are_those_of_the_timeline():
    keyframes = [
        Keyframe(frame, "first" if not frame else "peak", locked=frame in (5, 40))
        for frame in FRAMES
    ]
    plan = make_plan(keyframes, fps=24, n_frames=48)
    latent = {"samples": torch.ones(1, 4, 4, 4, 6)}
    mask = pinned_latent(latent, plan, pinned=" Locked ")["noise_mask"]
    assert mask.amax(dim=(0, 1, 3, 4)).tolist() == [1, 0, 1, 0]
    assert torch.equal(latent["samples"], torch.ones(1, 4, 4, 4, 6)) and "noise_mask" not in latent


def test_own_images_take_the_place_of_painted_ones():
    empty = {"samples": torch.zeros(1, 4, 4, 4, 6)}
    images = small_encoders.images(2, width=96, height=64)
    vae = small_encoders.PoolingVAE()
    found = pinned_latent(empty, small_encoders.plan(), pinned="20, 40", images=images, vae=vae)
    from keyvid_pack.host.images import fit_images

    expected = vae.encode(fit_images(images, width=48, height=32)).movedim(0, 1)
    torch.testing.assert_close(found["samples"][0][:, [2, 3]], expected)
    assert not found["samples"][:, :, [0, 1]].any()


def test_where_none_is_pinned_all_are_painted():
    empty = {"samples": torch.zeros(1, 4, 4, 4, 6)}
    vae = small_encoders.PoolingVAE()
    assert pinned_latent(empty, small_encoders.plan(), pinned=" None ", vae=vae) is empty
    with pytest.raises(PlanError, match="none is pinned; type their frames"):
        images = small_encoders.images(1)
        pinned_latent(empty, small_encoders.plan(), pinned="none", images=images, vae=vae)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        (
            {"pinned": "5, 21"},
            PlanError,
            "no keyframe at frame 21; its keyframes are at 0, 5, 20, 40",
        ),
        ({"pinned": "locked"}, PlanError, "No keyframe of the plan is locked"),
        ({"pinned": ""}, PlanError, "list of frames is empty"),
        ({"images": small_encoders.images(1)}, KeyVIDError, "no VAE"),
        (
            {"images": small_encoders.images(1), "vae": small_encoders.PoolingVAE()},
            PlanError,
            "1 image for the 2 pinned keyframes at frames 5, 40",
        ),
        ({"latent": {"samples": torch.zeros(1, 4, 4, 4, 6)}}, KeyVIDError, "nothing to keep"),
        (
            {"latent": {"samples": torch.ones(1, 4, 6, 4, 6)}},
            PlanError,
            "6 keyframes in the latent",
        ),
        ({"latent": {"samples": torch.ones(4, 4, 4, 6)}}, PlanError, "connect the latent"),
    ],
)
def test_what_does_not_fit_is_named(changes, error, words):
    inputs = {"latent": {"samples": torch.ones(1, 4, 4, 4, 6)}, "pinned": "5, 40", **changes}
    with pytest.raises(error, match=words):
        pinned_latent(inputs.pop("latent"), small_encoders.plan(), **inputs)
