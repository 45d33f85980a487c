"""Figures of many clips, and the limits they are judged by."""

import math

import numpy as np
import pytest
from keyvid_pack.evaluation.acceptance import ALL_SCENES, Limit, judge, shown
from keyvid_pack.evaluation.measures.pooled import pooled


def test_pooled_is_a_sum_over_a_sum():
    its = pooled([1.0, 2.0, 6.0], [1.0, 1.0, 4.0])
    assert its.value == 1.5 and its.n_clips == 3 and its.low <= 1.5 <= its.high
    assert pooled([3.0, 3.0], [1.0, 1.0])[:3] == (3.0, 3.0, 3.0)


def test_pooled_leaves_out_clips_without_a_number():
    assert pooled([1.0, math.nan, 3.0], [1.0, 1.0, math.nan]).value == 1.0
    its = pooled([math.nan], [1.0])
    assert math.isnan(its.value) and its.n_clips == 0
    assert math.isnan(pooled([0.0], [0.0]).value)  # a share of nothing


def test_interval_is_that_of_a_mean_of_clips():
    numbers = np.random.default_rng(0).normal(5.0, 2.0, 400)
    its = pooled(numbers, np.ones(400))
    assert (its.high - its.low) / 2 == pytest.approx(1.96 * numbers.std() / 20, rel=0.1)


HIGH = Limit("recall", 0.9, in_every_scene=0.8, is_least=True)
LOW = Limit("jerk_ratio", 1.5)


@pytest.mark.parametrize(
    ("value", "scenes", "reached"),
    [
        (0.95, {"ball": 0.8, "sea": 1.0}, True),
        (0.95, {"ball": 0.79, "sea": 1.0}, False),  # hidden in the mean
        (0.89, {"ball": 0.89, "sea": 0.89}, False),
        (0.9, {"sea": math.nan}, True),
        (math.nan, {}, None),
    ],
)
def test_a_limit_of_at_least(value, scenes, reached):
    values = {("recall", ALL_SCENES): value}
    values |= {("recall", scene): number for scene, number in scenes.items()}
    (judgement,) = judge(values, [HIGH])
    assert judgement.reached is reached
    word = {True: "pass", False: "short", None: "not measured"}[reached]
    assert shown(judgement).startswith(word)


def test_the_worst_scene_is_named_also_where_it_has_no_limit():
    values = {
        ("jerk_ratio", ALL_SCENES): 1.5,
        ("jerk_ratio", "ball"): 1.0,
        ("jerk_ratio", "sea"): 4.0,
    }
    (judgement,) = judge(values, [LOW])
    assert judgement.reached and "worst: sea 4.000" in shown(judgement)
    (judgement,) = judge(values, [LOW._replace(in_every_scene=3.0)])
    assert not judgement.reached


def test_figures_that_are_missing_are_not_passed():
    assert [judgement.reached for judgement in judge({})] == [None] * len(judge({}))
