"""Measuring curves: what peaks on the events is perfect, and the published measure is easy to please."""

import numpy as np
import pytest
from keyvid_pack.evaluation.sync import curves
from keyvid_pack.training.localizer import event_curve
from keyvid_pack.training.world.clip import HELD_OUT_FIRST_SEED, render_clip


@pytest.fixture(scope="module")
def clips():
    seeds = range(HELD_OUT_FIRST_SEED + 600, HELD_OUT_FIRST_SEED + 632)
    return [render_clip(seed, height=36, width=48) for seed in seeds]


def ideal(clip):
    return event_curve(
        [event.frame for event in clip.events], [event.strength for event in clip.events]
    )


def test_peaks_on_the_events_are_perfect(clips):
    measured = curves.measure(ideal, clips)["events"]
    assert all(numbers["f1"] == 1.0 for numbers in measured.values())
    assert measured[1]["median_abs_error"] == 0.0


def test_the_true_motion_agrees_with_itself(clips):
    measured = curves.measure(lambda clip: clip.motion / clip.motion.max(), clips)
    assert measured["motion"][1]["f1"] > 0.97
    assert measured["ap"][3] > 0.9


def test_onsets_beat_chance_one_to_one_and_not_by_much_as_published(clips):
    onset, noise, cosine = (
        curves.measure(curve, clips)
        for curve in (curves.heard_onsets, curves.noise_curve, curves.cosine_curve)
    )
    assert onset["events"][2]["f1"] > 0.85
    assert max(chance["events"][2]["f1"] for chance in (noise, cosine)) < 0.6
    assert min(chance["ap"][5] for chance in (noise, cosine)) > 0.85


def test_average_precision_is_the_share_of_motion_peaks_with_any_peak_nearby():
    motion = np.zeros(48)
    motion[[10, 30]] = 1.0
    one, far, small = np.zeros((3, 48))
    one[12] = 1.0
    far[20] = 1.0
    small[[12, 31]] = 1.0, 1e-4
    assert curves.average_precision(one, motion, tolerance=3) == 0.5
    assert curves.average_precision(far, motion, tolerance=3) == 0.0
    assert curves.average_precision(small, motion, tolerance=3) == 1.0  # however small
    assert curves.average_precision(np.zeros(48), motion, tolerance=3) == 0.0
    assert curves.average_precision(one, np.zeros(48), tolerance=3) == curves.AP_NO_TRUTH
