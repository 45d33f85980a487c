"""Noise strength of KeyVID Sampler: what it weakens, and what it leaves as it is."""

import pytest
import torch
from keyvid_pack.errors import KeyVIDError

from ...helpers.small_video import (
    AMPLIFICATION,
    LATENT_SCALE,
    N_INTERPOLATED,
    assert_agree,
    guided,
    interpolation,
    keyvid,
    latents_in_between,
    run,
    sigmas_of,
    unit_noise,
)
from ...helpers.tolerance import EPSILON, float32_tolerance


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_noise_strength_scales_the_noise_it_begins_with_and_what_steps_add(interpolator, eta):
    pair, strength = interpolation(), 0.25
    noise = unit_noise(n_frames=N_INTERPOLATED)
    found, _ = latents_in_between(interpolator, pair=pair, eta=eta, noise_strength=strength)
    expected, _ = latents_in_between(
        interpolator, pair=pair, eta=eta, noise=strength * noise, unit_scale=strength
    )
    for x, wanted in zip(found, expected, strict=True):
        assert_agree(x, wanted)
    plain, _ = latents_in_between(interpolator, pair=pair, eta=eta)
    with pytest.raises(AssertionError):
        assert_agree(found[0], plain[0], tolerance=1e-1)


@pytest.mark.parametrize("masked", [False, True])
def test_without_any_noise_seeds_make_no_difference(interpolator, masked):
    mask = torch.ones(N_INTERPOLATED, 4, 6)
    mask[1] = 0  # ComfyUI noises this frame at every step
    options = {"latent": unit_noise(n_frames=N_INTERPOLATED, seed=9)} if masked else {}
    options |= {"denoise_mask": mask} if masked else {}

    def seeded(seed, strength):
        return run(
            guided(interpolator, interpolation()),
            noise=unit_noise(n_frames=N_INTERPOLATED, seed=seed),
            seed=seed,
            sampler=keyvid(noise_strength=strength),
            **options,
        )

    # not to the bit: noise of 4518 standard deviations, up to 4 of them, is added and taken away in float32
    taken_away = 2 * 4 * 4518 * EPSILON * LATENT_SCALE
    torch.testing.assert_close(seeded(1, 0.0), seeded(2, 0.0), rtol=0, atol=taken_away)
    assert (seeded(1, 1.0) - seeded(2, 1.0)).abs().max() > 0.1


@pytest.mark.parametrize("strength", [-0.1, 1.5, float("nan")])
def test_a_noise_strength_that_does_not_exist_is_refused_with_a_message(strength):
    with pytest.raises(KeyVIDError, match="set it from 0 .* to 1"):
        keyvid(noise_strength=strength)


def test_the_node_hands_on_the_noise_strength_and_has_the_published_one_without():
    from keyvid_pack.nodes.sampling import KeyVIDSampler

    old = {"eta": 1.0, "base_scale": 0.7, "inpainted_steps": 1}
    for more, expected in (({}, 1.0), ({"noise_strength": 0.25}, 0.25)):
        (sampler,) = KeyVIDSampler.execute(**old, **more).result
        assert sampler.extra_options == {**old, "noise_strength": expected}


def test_the_latent_that_a_run_changes_keeps_its_strength(generator):
    """Noise is scaled, not the latent that a run from a middle level begins with."""
    latent, sigmas = unit_noise(seed=9), sigmas_of(generator, 20)[10:]
    options = {"latent": latent / LATENT_SCALE, "sigmas": sigmas}
    weak = run(guided(generator), sampler=keyvid(eta=0.0, noise_strength=0.5), **options)
    half = run(guided(generator), noise=0.5 * unit_noise(), sampler=keyvid(eta=0.0), **options)
    assert_agree(weak, half, tolerance=float32_tolerance(n_steps=10, amplification=AMPLIFICATION))
