"""Known disturbances of a video give the figures they should."""

import math

import numpy as np
import pytest
from keyvid_pack.evaluation.measures.video_metrics import (
    background_variation,
    identity_drift,
    loudness_correlation,
    moving_area,
    moving_psnr,
    psnr,
    vacated_psnr,
)
from keyvid_pack.evaluation.tracker.static_scene import build_static_scene, draw
from keyvid_pack.training.world.clip import HELD_OUT_FIRST_SEED, render_clip
from scipy import ndimage

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
def test_identity_of_ground_truth_is_kept(scene):
    clip = render_clip(SEED, scene=scene, with_distractors=False)
    its = identity_drift(clip.frames, seed=SEED, scene=scene)
    assert its.colour < 4 and its.size < 0.1


def test_colour_of_a_faded_object(ball):
    tinted = ball.frames.astype(np.int16)
    tinted[24:] -= 20
    faded = np.clip(tinted, 0, 255).astype(np.uint8)
    drift = identity_drift(faded, seed=SEED, scene="ball").colour
    assert drift == pytest.approx(10, abs=3)  # half of the frames by 20
    assert math.isnan(identity_drift(faded, seed=SEED, scene="sea").colour)


def test_colour_that_jumps_now_and_then_is_seen_in_its_percentile(ball):
    jumping = ball.frames.copy()
    jumping[5::8] = np.clip(jumping[5::8].astype(int) - 40, 0, 255)  # six frames of 48
    its = identity_drift(jumping, seed=SEED, scene="ball")
    assert its.colour < 8 and its.colour_p90 > 25


@pytest.mark.parametrize("factor", [0.8, 1.2])
def test_size_of_an_object_that_grows_or_shrinks(ball, factor):
    static_scene = build_static_scene(SEED, scene="ball", height=96, width=128)

    def shown(factor):
        body = [
            part._replace(
                pose=part.pose._replace(
                    scale_x=part.pose.scale_x * factor, scale_y=part.pose.scale_y * factor
                )
            )
            for part in static_scene.parts[-3:]
        ]
        return (255 * draw(static_scene, body) + 0.5).astype(np.uint8)

    frames = np.stack([shown(1.0)] * 24 + [shown(factor)] * 24)
    size = identity_drift(frames, seed=SEED, scene="ball").size
    assert size == pytest.approx(
        abs(factor**2 - 1) / 2, rel=0.25
    )  # in half of the frames; its rim is darker
    blurred = ndimage.gaussian_filter(frames, (0, 1, 1, 0))
    assert identity_drift(blurred, seed=SEED, scene="ball").size == pytest.approx(size, rel=0.25)


def test_moving_area_follows_the_ball_and_leaves_its_place_alone(ball):
    area = moving_area(ball.frames)
    apart = np.abs(ball.track[:, 1] - np.median(ball.track[:, 1])) > 20  # from where it is longest
    for frame in np.flatnonzero(apart):
        x, y = ball.track[frame]
        assert area[frame, round(y), round(x)]
        assert area[frame].sum() < 4000  # a ball at two places and its shadow
    assert not area[:, :, :8].any() and area.any(axis=(1, 2)).all()


def test_moving_psnr_sees_nothing_but_the_moving_area(ball):
    assert math.isnan(moving_psnr(ball.frames, ball.frames))
    area = moving_area(ball.frames)
    off = np.clip(ball.frames.astype(int), 20, 235).astype(np.uint8)
    wrong_inside = off.copy()
    wrong_inside[area] += np.uint8(10)
    assert moving_psnr(wrong_inside, off) == pytest.approx(10 * math.log10(255**2 / 100), abs=0.3)
    still = np.repeat(ball.frames[:1], 48, axis=0)
    assert moving_psnr(still, ball.frames) < psnr(still, ball.frames) - 5


def test_what_is_left_behind_is_seen_where_nothing_moves_now(ball):
    area = moving_area(ball.frames)
    ghost = ball.frames.copy()
    ghost[:, area[0]] = ball.frames[0][
        area[0]
    ]  # the ball of the first frame stays, beside the one that moves
    apart = ball.frames.copy()
    apart[area] = ghost[area]  # only where it covers the one that moves
    assert vacated_psnr(ghost, ball.frames) < 25
    assert math.isnan(vacated_psnr(apart, ball.frames))
    assert vacated_psnr(ghost, ball.frames) < psnr(ghost, ball.frames)


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
