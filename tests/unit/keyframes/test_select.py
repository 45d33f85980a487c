"""Every strategy gives what it promises, for any curve, and strongest gives what an artist expects."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keyvid_pack.errors import SelectionError
from keyvid_pack.keyframes.curve import motion_curve
from keyvid_pack.keyframes.fill_gaps import fill_gaps, fill_in_proportion, largest_remainder
from keyvid_pack.keyframes.peaks import find_keypoints
from keyvid_pack.keyframes.published_selection import paper_frames, published_frames
from keyvid_pack.keyframes.select import (
    STRATEGIES,
    default_count,
    generators,
    select_keyframes,
)

from ...helpers.plan_cases import plan_from_json, plan_to_json

COUNTED = [strategy for strategy in STRATEGIES if strategy != "first_last"]


def curve(score, fps=24):
    return motion_curve(score, fps=fps, source="test")


def bumps(n_frames, **heights):
    score = np.zeros(n_frames)
    for frame, height in heights.items():
        score[int(frame.removeprefix("f"))] = height
    return curve(score)


def kinds(plan):
    return {keyframe.frame: keyframe.kind for keyframe in plan.keyframes}


@st.composite
def curves(draw):
    n_frames = draw(st.integers(2, 400))
    noise = np.random.RandomState(draw(st.integers(0, 2**32 - 1)))
    shape = draw(st.sampled_from(["flat", "noise", "smooth", "few levels", "strikes", "ramp"]))
    score = {
        "flat": lambda: np.full(n_frames, noise.rand()),
        "noise": lambda: noise.rand(n_frames),
        "smooth": lambda: np.convolve(noise.rand(n_frames + 8), np.full(9, 1 / 9), "valid"),
        "few levels": lambda: noise.randint(0, 3, n_frames) / 2,
        "strikes": lambda: (noise.rand(n_frames) < 0.1) * noise.rand(n_frames),
        "ramp": lambda: np.linspace(0, 1, n_frames),
    }[shape]()
    return curve(score, fps=draw(st.sampled_from([1, 6, 23.976, 24, 30, 60, 240])))


@settings(deadline=None, max_examples=60)
@given(curves(), st.data())
@pytest.mark.parametrize("strategy", COUNTED)
def test_exactly_count_sorted_unique_frames_and_0_first(strategy, curve, data):
    n_frames = curve.n_frames
    count = data.draw(st.none() | st.integers(2, n_frames))
    seed = data.draw(st.integers(0, 2**64 - 1))
    plan = select_keyframes(curve, strategy=strategy, count=count, selection_seed=seed)
    expected = default_count(n_frames) if count is None else count
    assert plan.count == len(plan.frames) == expected
    assert plan.frames == sorted(set(plan.frames))
    assert plan.frames[0] == 0 and plan.frames[-1] < n_frames
    assert all(type(frame) is int for frame in plan.frames)
    assert all(k.source == strategy and not k.locked for k in plan.keyframes)
    again = select_keyframes(curve, strategy=strategy, count=count, selection_seed=seed)
    assert again == plan
    assert plan_from_json(plan_to_json(plan)) == plan


@settings(deadline=None, max_examples=50)
@given(curves(), st.integers(0, 2**32 - 1), st.data())
def test_released_draws_as_the_published_code_would(curve, seed, data):
    count = data.draw(st.integers(2, curve.n_frames))
    replayed = published_frames(
        find_keypoints(curve.score),
        count=count,
        fps=curve.fps,
        numpy_generator=np.random.RandomState(seed),
        python_generator=random.Random(seed),
    )
    plan = select_keyframes(curve, strategy="released", count=count, selection_seed=seed)
    assert plan.frames == replayed


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_global_generators_are_left_alone(strategy):
    np.random.seed(1)
    random.seed(1)
    before = np.random.get_state()[1].tolist(), np.random.get_state()[2], random.getstate()
    select_keyframes(curve(np.random.RandomState(0).rand(48)), strategy=strategy)
    assert (
        np.random.get_state()[1].tolist(),
        np.random.get_state()[2],
        random.getstate(),
    ) == before


@pytest.mark.parametrize("strategy", ["released", "paper"])
def test_other_seeds_choose_otherwise(strategy):
    noise = curve(np.random.RandomState(0).rand(200))
    chosen = {
        tuple(select_keyframes(noise, strategy=strategy, selection_seed=seed).frames)
        for seed in (0, 1, 2**32, 2**32 + 1, 2**40, 2**64 - 1)
    }
    assert len(chosen) == 6


def test_short_seeds_are_numpys_and_pythons_own():
    numpy_generator, python_generator = generators(2**32 - 1)
    assert numpy_generator.rand() == np.random.RandomState(2**32 - 1).rand()
    assert python_generator.random() == random.Random(2**32 - 1).random()


def test_strongest_takes_the_most_prominent_peaks_first():
    score = bumps(48, f6=0.5, f14=0.9, f22=0.3, f30=1.0, f38=0.7)
    assert select_keyframes(score, count=4).frames == [0, 14, 30, 38]
    assert select_keyframes(score, count=6).frames == [0, 6, 14, 22, 30, 38]


def test_strongest_takes_valleys_only_where_peaks_leave_room():
    score = np.full(48, 0.5)
    score[[8, 18, 28]] = 1.0
    score[13], score[23] = 0.3, 0.1
    assert kinds(select_keyframes(curve(score), count=4)) == dict(
        zip([0, 8, 18, 28], ["first", "peak", "peak", "peak"], strict=True)
    )
    assert select_keyframes(curve(score), count=5).frames == [0, 8, 18, 23, 28]  # the deeper one
    plan = select_keyframes(curve(score), count=6)
    assert kinds(plan)[13] == kinds(plan)[23] == "valley"


def test_strongest_takes_one_valley_between_two_peaks():
    score = np.full(48, 0.5)
    score[[10, 20]] = 1.0
    score[[11, 13, 16]] = [
        0.1,
        0.8,
        0.2,
    ]  # 13 is too near to 10 to be a peak, so two valleys remain
    assert select_keyframes(curve(score), count=4).frames == [0, 10, 11, 20]
    frames = select_keyframes(curve(score), count=6).frames
    assert {10, 11, 20} < set(frames) and 16 not in frames


def test_strongest_fills_the_widest_gaps_and_the_tail():
    plan = select_keyframes(bumps(48, f8=1.0), count=6)
    assert plan.frames == [0, 8, 16, 24, 32, 40]
    assert [keyframe.kind for keyframe in plan.keyframes] == ["first", "peak"] + ["fill"] * 4


@pytest.mark.parametrize("frame", [0, 1, 2, 45, 46, 47])
@pytest.mark.parametrize("tail", [0.0, 0.5, 0.95])
def test_strongest_loses_no_strike_at_the_ends(frame, tail):
    score = np.zeros(48)
    score[20] = 0.4
    score[frame : frame + 8] = [1.0, *[tail] * 7][: 48 - frame]
    assert frame in select_keyframes(curve(score), count=3).frames


def test_strongest_of_a_flat_curve_is_uniform():
    flat = curve(np.full(48, 0.3))
    uniform = select_keyframes(flat, strategy="uniform")
    assert select_keyframes(flat).frames == uniform.frames == list(range(0, 48, 4))


def test_strongest_of_a_song():
    noise = curve(np.random.RandomState(0).rand(4320))
    assert select_keyframes(noise).count == 1080


def test_paper_peaks_are_at_most_half_the_count_less_one():
    keypoints = np.zeros(100, dtype=np.int8)
    keypoints[5::10] = 1
    for count in (2, 3, 4, 7, 12):
        frames = paper_frames(keypoints, count=count, numpy_generator=np.random.RandomState(count))
        alone = fill_in_proportion([0], count, n_frames=100)
        n_peaks = sum(keypoints[frame] for frame in frames)
        assert n_peaks >= count // 2 - 1
        if count < 4:
            assert frames == alone


def test_paper_takes_a_valley_between_consecutive_peaks():
    keypoints = np.zeros(48, dtype=np.int8)
    keypoints[[10, 30]], keypoints[[5, 20, 40]] = 1, -1
    frames = paper_frames(keypoints, count=6, numpy_generator=np.random.RandomState(0))
    assert {0, 5, 10, 20, 30} <= set(frames) and 40 not in frames


def test_first_last_has_two_whatever_the_count():
    for count in (None, 2, 12):
        plan = select_keyframes(bumps(48, f20=1.0), strategy="first_last", count=count)
        assert plan.frames == [0, 47]


def test_the_kind_says_what_the_curve_does():
    score = np.full(48, 0.5)
    score[12], score[24] = 1.0, 0.0
    plan = select_keyframes(curve(score), strategy="uniform")
    assert {frame: kind for frame, kind in kinds(plan).items() if kind != "fill"} == {
        0: "first",
        12: "peak",
        24: "valley",
    }
    for strategy in ("strongest", "first_last"):
        assert kinds(select_keyframes(bumps(48, f47=1.0), strategy=strategy))[47] == "peak"


@pytest.mark.parametrize(("value", "n_draws"), [(0.0, 6), (0.999, 5)])
def test_released_draws_once_for_each_gap(value, n_draws):
    class Constant(random.Random):
        n_draws = 0

        def random(self):
            self.n_draws += 1
            return value

    keypoints = np.zeros(48, dtype=np.int8)
    keypoints[[6, 13, 20, 27, 34, 41]] = 1
    generator = Constant()
    frames = published_frames(
        keypoints,
        count=12,
        fps=24,
        numpy_generator=np.random.RandomState(0),
        python_generator=generator,
    )
    assert len(frames) == 12
    # with something left the last gap takes it without a draw; with nothing left it still draws
    assert generator.n_draws == n_draws


@pytest.mark.parametrize(
    ("n_frames", "count"),
    [(2, 2), (3, 2), (9, 2), (10, 3), (24, 6), (48, 12), (50, 13), (96, 24), (4320, 1080)],
)
def test_default_count_is_12_per_48_frames(n_frames, count):
    assert default_count(n_frames) == count


@pytest.mark.parametrize("count", [-1, 0, 1, 49, 10**30])
@pytest.mark.parametrize("strategy", COUNTED)
def test_a_count_out_of_range_names_both_numbers(strategy, count):
    with pytest.raises(SelectionError) as error:
        select_keyframes(bumps(48), strategy=strategy, count=count)
    assert "48 frames" in str(error.value) and "from 2 to 48" in str(error.value)
    if abs(count) < 100:
        assert f"{count} keyframes" in str(error.value)


@pytest.mark.parametrize(
    ("wrong", "mentioned"),
    [
        ({"count": 3.0}, "3.0"),
        ({"count": True}, "true"),
        ({"count": "12"}, '"12"'),
        ({"strategy": "best"}, '"best"'),
        ({"strategy": None}, "null"),
        ({"strategy": "paper", "selection_seed": -1}, "-1"),
        ({"strategy": "released", "selection_seed": 0.5}, "0.5"),
        ({"distance": 0}, "0"),
        ({"prominence": float("nan")}, "nan"),
    ],
)
def test_other_wrong_input_is_named(wrong, mentioned):
    with pytest.raises(SelectionError) as error:
        select_keyframes(bumps(48), **wrong)
    assert mentioned in str(error.value)


@settings(deadline=None, max_examples=60)
@given(st.data())
@pytest.mark.parametrize("fill", [fill_gaps, fill_in_proportion])
def test_fills_keep_anchors(fill, data):
    n_frames = data.draw(st.integers(2, 60))
    anchors = sorted({0, *data.draw(st.sets(st.integers(0, n_frames - 1)))})
    count = data.draw(st.integers(len(anchors), n_frames))
    frames = fill(anchors, count, n_frames=n_frames)
    assert len(frames) == count and frames == sorted(set(frames)) and set(anchors) <= set(frames)


def test_fill_gaps_keeps_the_longest_step_short():
    assert fill_gaps([0, 6], 4, n_frames=24) == [0, 6, 12, 18]
    assert fill_gaps([0, 20], 4, n_frames=24) == [0, 6, 13, 20]


def test_largest_remainder():
    assert largest_remainder(10, [1, 1, 1]) == [4, 3, 3]
    assert largest_remainder(5, [22, 23]) == [2, 3]
    assert largest_remainder(0, [3, 4]) == [0, 0]
