"""A plan at another frame rate and length: every keyframe on its moment, nothing lost without a word."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyvid_pack.errors import PlanError
from keyvid_pack.keyframes.bridges.fit_plan import (
    fit_curve,
    fit_plan,
    n_frames_needed,
    rate_ratio,
)
from keyvid_pack.keyframes.bridges.fit_summary import fit_summary
from keyvid_pack.keyframes.bridges.model_grid import GRIDS, PRESETS, model_preset
from keyvid_pack.keyframes.curve import motion_curve
from keyvid_pack.keyframes.timebase import frame_at

from ....helpers.plan_cases import clips, plan_of, rates

STRENGTH = ["fill", "valley", "peak", "manual"]


def strength(keyframe):
    if keyframe.frame == 0:
        return len(STRENGTH) + 1
    return len(STRENGTH) if keyframe.locked else STRENGTH.index(keyframe.kind)


@settings(max_examples=300)
@given(clips(), rates(), st.sampled_from(list(GRIDS.values())), st.integers(0, 40))
def test_every_keyframe_is_on_its_moment_or_named(plan, fps, grid, shorter_by):
    n_frames = grid.at_least(max(2, n_frames_needed(plan, fps=fps) - shorter_by * grid.step))
    try:
        fitted = fit_plan(plan, fps=fps, n_frames=n_frames)
    except PlanError:
        ratio = rate_ratio(plan.fps, fps, n_frames=plan.n_frames)
        inside = [f for f in plan.frames if f * ratio < n_frames]
        assert len({min(math.floor(f * ratio + Fraction(1, 2)), n_frames - 1) for f in inside}) < 2
        return
    assert (fitted.plan.fps, fitted.plan.n_frames) == (fps, n_frames)
    # nothing is lost: each old keyframe is kept, merged into one that is kept, or beyond the end
    gone = {k.frame for k, _ in fitted.merged} | {k.frame for k in fitted.beyond}
    stayed = [k for k in plan.keyframes if k.frame not in gone]
    assert len(stayed) + len(fitted.merged) + len(fitted.beyond) == plan.count
    assert [(k.kind, k.locked) for k in stayed] == [
        (k.kind, k.locked) for k in fitted.plan.keyframes
    ]
    ratio = rate_ratio(plan.fps, fps, n_frames=plan.n_frames)
    for old, new in zip(stayed, fitted.plan.keyframes, strict=True):
        moved = abs(new.frame - old.frame * ratio)
        assert moved <= Fraction(1, 2) or new.frame == n_frames - 1 and moved < 1
        assert float(moved) / fps <= fitted.longest_shift_s + 1e-12
    for weak, strong in fitted.merged:
        assert strength(weak) <= strength(strong)
        assert strong in stayed
    assert all(k.frame * ratio >= n_frames for k in fitted.beyond)
    if n_frames >= n_frames_needed(plan, fps=fps):
        assert not fitted.beyond


@given(clips())
def test_the_same_rate_and_length_change_nothing(plan):
    fitted = fit_plan(plan, fps=plan.fps, n_frames=plan.n_frames)
    assert fitted.plan == plan
    assert not fitted.merged and not fitted.beyond and fitted.longest_shift_s == 0


@given(clips(), rates())
def test_the_frames_needed_are_the_fewest_that_last_as_long(plan, fps):
    needed = n_frames_needed(plan, fps=fps)
    ratio = rate_ratio(plan.fps, fps, n_frames=plan.n_frames)
    assert needed - 1 < plan.n_frames * ratio <= needed


def test_two_spellings_of_an_ntsc_rate_are_one():
    plan = plan_of([[0, "first"], [999, "peak"]], n_frames=1000, fps=23.976)
    fitted = fit_plan(plan, fps=24000 / 1001, n_frames=1000)
    assert fitted.plan.frames == [0, 999] and fitted.longest_shift_s == 0


@pytest.mark.parametrize(
    ("entries", "kept"),
    [
        ([[12, "fill"], [13, "peak"]], "peak"),
        ([[12, "peak"], [13, "valley"]], "peak"),
        ([[12, "manual"], [13, "peak"]], "manual"),
        ([[12, "fill", "", True], [13, "manual"]], "fill"),
        ([[12, "fill", "", False, {"prompt": "rain"}], [13, "manual"]], "fill"),
        ([[12, "fill", "", False, {"image": "12.png"}], [13, "manual"]], "fill"),
    ],
)
def test_the_stronger_of_two_stays(entries, kept):
    plan = plan_of([[0, "first"], *entries], n_frames=24)
    fitted = fit_plan(plan, fps=12, n_frames=12)
    # 12 -> 6, 13 -> 6.5 -> 7: no collision; at 8 fps both fall on 4
    assert len(fitted.merged) == 0
    fitted = fit_plan(plan, fps=8, n_frames=8)
    assert fitted.plan.frames == [0, 4]
    assert fitted.plan.keyframes[1].kind == kept
    ((weak, strong),) = fitted.merged
    assert strong.kind == kept and {weak.frame, strong.frame} == {12, 13}


def test_of_equals_the_higher_score_stays_then_the_nearer_one():
    plan = plan_of([[0, "first"], [12, "peak"], [13, "peak"]], n_frames=24)
    score = np.zeros(24)
    score[12], score[13] = 0.4, 0.9
    curve = motion_curve(score, fps=24, source="test")
    assert fit_plan(plan, fps=8, n_frames=8, curve=curve).merged[0][1].frame == 13
    assert fit_plan(plan, fps=8, n_frames=8).merged[0][1].frame == 12


def test_a_keyframe_on_a_strike_goes_where_the_strike_is():
    # 0.53 s: frame 13 at 24 fps, whose time is 0.542 s and would be frame 9 at 16; the strike itself is in frame 8
    curve = motion_curve(np.zeros(48), fps=24, source="test", strikes=[(0.53, 1.0, True)])
    entries = [[0, "first"], [13, "peak"], [30, "fill"]]
    plan = plan_of(entries, n_frames=48)
    assert fit_plan(plan, fps=16, n_frames=33).plan.frames == [0, 9, 20]
    assert fit_plan(plan, fps=16, n_frames=33, curve=curve).plan.frames == [0, 8, 20]
    moved = plan_of([[0, "first"], [13, "peak", "edit"], [30, "fill"]], n_frames=48)
    assert fit_plan(moved, fps=16, n_frames=33, curve=curve).plan.frames == [0, 9, 20]


def test_a_keyframe_that_stays_on_its_frame_has_not_moved():
    """Its strike is a third of a frame away, as before: nothing changes."""
    curve = motion_curve(np.zeros(48), fps=24, source="test", strikes=[(13.3 / 24, 1.0, True)])
    plan = plan_of([[0, "first"], [13, "peak"]], n_frames=48)
    assert fit_plan(plan, fps=24, n_frames=49, curve=curve).longest_shift_s == 0
    # at 12 fps it is shown at 14 / 24 s, by its strike at 6.65, in place of 13 / 24 s
    assert fit_plan(plan, fps=12, n_frames=24, curve=curve).longest_shift_s == 1 / 24


@given(clips(), rates(), st.data())
def test_struck_keyframes_stay_within_half_a_frame_of_their_strike(plan, fps, data):
    n_frames = n_frames_needed(plan, fps=fps)
    peaks = [k.frame for k in plan.keyframes if k.kind == "peak"]
    shifts = [data.draw(st.floats(-0.49, 0.49)) for _ in peaks]
    times = [(f + shift) / plan.fps for f, shift in zip(peaks, shifts, strict=True)]
    strikes = [(t, 0.5, True) for t in times]
    curve = motion_curve(np.zeros(plan.n_frames), fps=plan.fps, source="test", strikes=strikes)
    try:
        fitted = fit_plan(plan, fps=fps, n_frames=max(2, n_frames), curve=curve)
    except PlanError:
        return
    gone = {k.frame for k, _ in fitted.merged} | {k.frame for k in fitted.beyond}
    stayed = [k for k in plan.keyframes if k.frame not in gone]
    by_frame = dict(zip(peaks, times, strict=True))
    if rate_ratio(plan.fps, fps, n_frames=plan.n_frames) == 1:
        assert fitted.plan.frames == plan.frames and fitted.longest_shift_s == 0
    for old, new in zip(stayed, fitted.plan.keyframes, strict=True):
        if old.frame in by_frame and new.frame < fitted.plan.n_frames - 1:
            same = rate_ratio(plan.fps, fps, n_frames=plan.n_frames) == 1
            rate = plan.fps if same else fps
            # the rates are fractions with denominators up to 1001: 5e-7 per frame of difference
            assert abs(new.frame - by_frame[old.frame] * rate) <= 0.5 + 1e-3


def test_everything_on_one_frame_is_refused_with_what_to_do():
    plan = plan_of([[0, "first"], [1, "peak"]], n_frames=24, fps=60)
    with pytest.raises(PlanError, match=r"8 fps and 4 frames.*further apart\."):
        fit_plan(plan, fps=8, n_frames=4)


def test_a_fitted_curve_keeps_its_peaks_and_strikes():
    score = np.zeros(48)
    score[[12, 13, 31]] = 0.5, 1.0, 0.8
    curve = motion_curve(score, fps=24, source="onset", strikes=[(0.53, 1.0, True)])
    fitted = fit_curve(curve, fps=16, n_frames=33)
    assert (fitted.n_frames, fitted.fps, fitted.strikes) == (33, 16, curve.strikes)
    assert (fitted.score[8], fitted.score[9], fitted.score[21]) == (0.5, 1.0, 0.8)
    assert np.count_nonzero(fitted.score) == 3


def test_a_peak_on_the_last_frame_is_on_the_last_frame_of_plan_and_curve():
    """60 to 24 fps: frame 99 is at 39.6, nearer to frame 40, which there is not."""
    plan = plan_of([[0, "first"], [99, "peak"]], n_frames=100, fps=60)
    curve = motion_curve(np.eye(100)[99], fps=60, source="test")
    assert fit_plan(plan, fps=24, n_frames=40, curve=curve).plan.frames == [0, 39]
    assert fit_curve(curve, fps=24, n_frames=40).score[39] == 1


@given(clips(), rates(), st.integers(-20, 20))
def test_a_fitted_curve_is_as_high_as_it_was_where_it_was(plan, fps, longer_by):
    generator = np.random.default_rng(plan.n_frames)
    curve = motion_curve(generator.random(plan.n_frames), fps=plan.fps, source="test")
    n_frames = max(2, n_frames_needed(plan, fps=fps) + longer_by)
    fitted = fit_curve(curve, fps=fps, n_frames=n_frames)
    ratio = float(rate_ratio(plan.fps, fps, n_frames=plan.n_frames))
    for frame, value in enumerate(curve.score):
        if frame * ratio < n_frames:
            at = min(frame_at(frame * ratio, fps=1), n_frames - 1)
            assert fitted.score[at] >= value
    assert fitted.score.max() <= curve.score.max()


def test_the_summary_names_everything_that_changed():
    entries = [[0, "first"], [12, "peak"], [13, "fill", "", True], [40, "valley"], [47, "fill"]]
    plan = plan_of(entries, n_frames=48)
    preset = model_preset("custom", fps=8, grid="any")
    fitted = fit_plan(plan, fps=8, n_frames=14)
    text = fit_summary(plan, fitted, preset, sound_s=2.0)
    assert text.splitlines() == [
        "48 frames at 24 fps became 14 frames at 8 fps (1.75 s); 3 of 5 keyframes stay.",
        "On the same frame, so that the weaker gives way: frame 12 (peak) to frame 13 (fill, locked).",
        "Behind the new end and left out: frame 47 (fill).",
        "Keyframes move by at most 42 ms, to the nearest frame.",
        "The last 0.250 s of the sound are left out.",
    ]


def test_the_summary_of_a_short_plan_says_what_the_model_was_trained_on():
    plan = plan_of([[0, "first"], [12, "peak"]], n_frames=48)
    preset = PRESETS["MiniMax H3, 24 fps"]
    fitted = fit_plan(plan, fps=24, n_frames=56)
    lines = fit_summary(plan, fitted, preset, sound_s=2.0).splitlines()
    assert lines[0].endswith(
        "56 frames at 24 fps (2.33 s) for MiniMax H3, 24 fps; 2 of 2 keyframes stay."
    )
    assert lines[1] == "The sound ends with 0.333 s of silence."
    assert "trained on 124 frames" in lines[2] and "set frames to 124" in lines[2]
    assert len(lines) == 3
