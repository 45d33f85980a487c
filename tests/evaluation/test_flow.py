"""The flow without weights against the world's own, and what the measure must not let pass."""

import math

import numpy as np
import pytest
from keyvid_pack.evaluation.measures.flow import (
    FlowFigures,
    correlation,
    curve_of,
    flow_figures,
    flow_scores,
)
from keyvid_pack.evaluation.sync import measure_video
from keyvid_pack.evaluation.validation import of_flow as flow
from keyvid_pack.training.world.clip import HELD_OUT_FIRST_SEED, SCENES, render_clip

SEEDS = range(HELD_OUT_FIRST_SEED + 600, HELD_OUT_FIRST_SEED + 602)


@pytest.fixture(scope="module")
def clips():
    """Two held-out clips of each scene."""
    return [render_clip(seed, scene=scene) for scene in SCENES for seed in SEEDS]


@pytest.fixture(scope="module")
def rows(clips):
    return flow.measure(flow.by_flow, clips)


def test_the_curve_is_that_of_the_true_flow(rows):
    assert rows[flow.ALL].correlation.value >= 0.9
    assert rows[flow.ALL].peaks_f1.value >= 0.9


@pytest.mark.parametrize("scene", ["ball", "anvil", "metronome", "cannon", "sea"])
def test_scenes_in_which_it_is_so_in_every_clip(rows, scene):
    assert rows[scene].lowest >= 0.9


def test_other_videos_are_not_the_true_one(clips):
    """Half of the clips: the same frames in another order, and a still."""
    shuffled = flow.measure(flow.by_flow_shuffled, clips[::2])[flow.ALL]
    assert abs(shuffled.correlation.value) < 0.3 and shuffled.peaks_f1.value < 0.5
    assert shuffled.heard_f1.value < 0.7
    still = flow.measure(flow.by_flow_still, clips[::2])[flow.ALL]
    assert still.correlation.value == still.peaks_f1.value == still.heard_f1.value == 0


def test_the_true_flow_is_exactly_itself(clips):
    exact = flow.measure(flow.true_scores, clips)[flow.ALL]
    assert exact.correlation.value == pytest.approx(1) and exact.peaks_f1.value == 1


def test_a_video_is_compared_with_the_true_one_and_with_what_is_heard():
    clip = render_clip(SEEDS[0], scene="metronome")
    true = measure_video(clip, clip.frames)
    assert true["flow_correlation"] == pytest.approx(1)
    assert true["flow_hits"] == true["flow_peaks"] > 0
    assert true["heard_hits"] >= 0.8 * true["heard_peaks"] > 0
    late = np.concatenate([clip.frames[:1].repeat(5, axis=0), clip.frames[:-5]])
    moved = measure_video(clip, late)
    assert moved["flow_correlation"] < 0.7
    assert moved["heard_hits"] < 0.5 * moved["heard_peaks"]
    still = measure_video(clip, clip.frames[:1].repeat(48, axis=0))
    assert still["flow_correlation"] == still["flow_hits"] == still["heard_hits"] == 0


def test_nothing_to_be_heard_or_seen_is_no_figure():
    curve = np.random.default_rng(0).random(47)
    assert math.isnan(flow_figures(curve, curve).heard_hits)
    assert math.isnan(correlation(np.arange(3.0), np.ones(3)))
    assert flow_figures(np.zeros(47), curve, [10]) == FlowFigures(
        0, 0, pytest.approx(6, abs=5), 0, 1
    )
    assert len(curve_of(curve)) == 48


def test_the_command_says_every_method_and_scene(caplog):
    caplog.set_level("INFO")
    assert flow.main("--clips", "2") == 0
    for name in flow.METHODS:
        assert name in caplog.text
    assert "correlation" in caplog.text and "heard F1" in caplog.text


def test_scores_are_of_the_frames_they_lead_into():
    clip = render_clip(SEEDS[0], scene="drum")
    frames = clip.frames.copy()
    frames[20:] = frames[20]
    scores = flow_scores(frames)
    assert scores.shape == (47,) and scores[:19].max() > 0 and not scores[20:].any()
