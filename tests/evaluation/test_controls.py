"""Negative controls: what each bad video falls short of, and that true videos, also through the VAE, do not."""

import numpy as np
import pytest
from keyvid_pack.evaluation.acceptance import judge
from keyvid_pack.evaluation.report import report_rows, values_of
from keyvid_pack.evaluation.sync import measure_video
from keyvid_pack.evaluation.variants import through_vae
from keyvid_pack.training.world.clip import HELD_OUT_FIRST_SEED, SCENES, render_clip

SEEDS = range(HELD_OUT_FIRST_SEED + 600, HELD_OUT_FIRST_SEED + 602)
WITH_EVENTS = tuple(scene for scene in SCENES if scene != "sea")
MOTION = {"trajectory_mean", "trajectory_p90", "moving_psnr"}


def falls_short(clips, change):
    """The figures that fall short of their limits when change(clip) gives the videos of clips."""
    results = {
        number: {"seed": number, **measure_video(clip, change(clip))}
        for number, clip in enumerate(clips)
    }
    judgements = judge(values_of(report_rows({"changed": results})))
    return {judgement.limit.figure for judgement in judgements if judgement.reached is False}


def truth(clip):
    return clip.frames


def still(clip):
    return np.repeat(clip.frames[:1], len(clip.frames), axis=0)


def pasted(clip):
    """A still video, but for the true frame of every event: what counts as a hit at every event."""
    video = still(clip)
    for event in clip.events:
        video[event.frame] = clip.frames[event.frame]
    return video


def reordered(clip):
    order = 1 + np.random.default_rng(clip.seed).permutation(len(clip.frames) - 1)
    return clip.frames[np.concatenate([[0], order])]


def swapped(clip):
    """Each two neighbouring frames exchanged: every event is at most a frame off."""
    video = clip.frames.copy()
    video[1:-1:2], video[2::2] = clip.frames[2::2], clip.frames[1:-1:2]
    return video


@pytest.fixture(scope="module", params=SCENES)
def clips(request):
    return [render_clip(seed, scene=request.param) for seed in SEEDS]


def test_the_truth_falls_short_of_nothing(clips):
    assert falls_short(clips, truth) == set()


def test_a_still_video_is_elsewhere_than_it_should_be(clips):
    assert falls_short(clips, still) >= MOTION


def test_true_frames_pasted_into_a_still_video_are_not_motion(clips):
    if clips[0].events:
        assert falls_short(clips, pasted) >= MOTION


def test_true_frames_in_another_order_tremble(clips):
    assert falls_short(clips, reordered) >= MOTION | {"jerk_ratio", "excursion_share"}


def test_true_frames_in_pairs_the_wrong_way_round(clips):
    assert falls_short(clips, swapped) & {"jerk_ratio", "excursion_share"}


def test_frames_pasted_into_still_videos_of_all_scenes_jump():
    clips = [render_clip(seed, scene=scene) for scene in WITH_EVENTS for seed in SEEDS]
    assert falls_short(clips, pasted) >= {"jerk_ratio", "excursion_share"}


def test_the_truth_through_the_vae_falls_short_of_nothing():
    # thin and large, slow and fast
    clips = [render_clip(SEEDS[0], scene=scene) for scene in ("ball", "metronome", "drip", "sea")]
    assert falls_short(clips, lambda clip: through_vae(clip.frames)) == set()
