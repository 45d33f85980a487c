"""Known disturbances of a video give the figures they should."""

import math

import numpy as np
import pytest
from keyvid_pack.evaluation.measures.video_metrics import (
    background_variation,
    colour_drift,
    loudness_correlation,
    psnr,
)
from keyvid_pack.training.world.clip import HELD_OUT_FIRST_SEED, render_clip

SEED = HELD_OUT_FIRST_SEED + 700


@pytest.fixture(scope="module")
def ball():
    return render_clip(SEED, scene="ball", with_distractors=False)


def with_noise(frames, level):
    noise = np.random.default_rng(0).normal(0, level, frames.shape)
    return np.clip(frames + noise + 0.5, 0, 255).astype(np.uint8)


def test_background_variation_equals_its_noise(ball):
    assert background_variation(ball.frames, ball.background_mask) == 0.0
    noisy = with_noise(ball.frames, 3.0)
    assert background_variation(noisy, ball.background_mask) == pytest.approx(3.0, abs=0.1)
    assert math.isnan(background_variation(noisy, np.zeros_like(ball.background_mask)))


def test_background_variation_ignores_moving_objects(ball):
    moved = ball.frames.copy()
    moved[5:, ~ball.background_mask] = 255
    assert background_variation(moved, ball.background_mask) == 0.0


@pytest.mark.parametrize("scene", ["ball", "anvil", "drum", "metronome", "cannon"])
def test_colour_drift_of_ground_truth_is_small(scene):
    clip = render_clip(SEED, scene=scene, with_distractors=False)
    assert colour_drift(clip.frames, seed=SEED, scene=scene) < 4


def test_colour_drift_of_a_faded_object(ball):
    tinted = ball.frames.astype(np.int16)
    tinted[24:] -= 20
    faded = np.clip(tinted, 0, 255).astype(np.uint8)
    drift = colour_drift(faded, seed=SEED, scene="ball")
    assert drift == pytest.approx(10, abs=3)  # half of the frames by 20
    assert math.isnan(colour_drift(faded, seed=SEED, scene="sea"))


def test_psnr_is_that_of_the_mean_squared_error(ball):
    off = np.clip(ball.frames.astype(np.int16), 0, 250).astype(np.uint8)
    assert psnr(off + np.uint8(5), off) == pytest.approx(10 * math.log10(255**2 / 25))
    assert math.isnan(psnr(off, off))
    half = np.concatenate([off[:24], off[24:] + np.uint8(5)])  # the true frames count too
    assert psnr(half, off) == pytest.approx(10 * math.log10(2 * 255**2 / 25))


def test_loudness_correlation_of_the_sea():
    clips = [render_clip(SEED + i, scene="sea") for i in range(4)]
    own = [loudness_correlation(clip.frames, clip.audio, clip.sample_rate) for clip in clips]
    others = [
        loudness_correlation(clip.frames, other.audio, other.sample_rate)
        for clip, other in zip(clips, [*clips[1:], clips[0]], strict=True)
    ]
    assert np.mean(own) > 0.7 > np.mean(others) + 0.2
    still = np.repeat(clips[0].frames[:1], 48, axis=0)
    assert math.isnan(loudness_correlation(still, clips[0].audio, clips[0].sample_rate))
