"""Measuring curves: peaks on the events are perfect, and the published measure is easily satisfied."""

import pytest
from keyvid_pack.evaluation import localizer
from keyvid_pack.training.tasks.localizer import event_curve
from keyvid_pack.training.world.clip import HELD_OUT_FIRST_SEED, render_clip


@pytest.fixture(scope="module")
def clips():
    seeds = range(HELD_OUT_FIRST_SEED + 600, HELD_OUT_FIRST_SEED + 632)
    return [render_clip(seed, height=36, width=48) for seed in seeds]


def ideal(clip):
    return event_curve(
        [event.frame for event in clip.events], [event.strength for event in clip.events]
    )


def test_measure_of_event_peaks_is_perfect(clips):
    measured = localizer.measure(ideal, clips)["events"]
    assert all(numbers["f1"] == 1.0 for numbers in measured.values())
    assert measured[1]["median_abs_error"] == 0.0


def test_measure_of_true_motion(clips):
    measured = localizer.measure(lambda clip: clip.motion / clip.motion.max(), clips)
    assert measured["motion"][1]["f1"] > 0.97
    assert measured["ap"][3] > 0.9


def test_onset_strength_beats_chance_by_f1_not_by_ap(clips):
    onset, noise, cosine = (
        localizer.measure(curve, clips)
        for curve in (localizer.onset_strength_curve, localizer.noise_curve, localizer.cosine_curve)
    )
    assert onset["events"][2]["f1"] > 0.85
    assert max(chance["events"][2]["f1"] for chance in (noise, cosine)) < 0.6
    assert min(chance["ap"][5] for chance in (noise, cosine)) > 0.85
