"""The figures of a table against sums by hand, and bad clips that must not pass."""

import numpy as np
import pytest
from keyvid_pack.evaluation.paper.figures import (
    chance_figures,
    event_figures,
    mean_percent,
    paper_figures,
)
from keyvid_pack.evaluation.paper.frechet import frechet_distance


def clips(n_videos, *, shift=0.0, seed=0):
    """Features of three clips per video, of twelve frames."""
    random = np.random.default_rng(seed)
    return [
        {
            "fid": random.standard_normal((12, 3)) + shift,
            "fvd": random.standard_normal(2) + shift,
            "sync": np.float32(random.standard_normal() - shift),
            "image_sound": random.uniform(-0.3, 0.3, 12),
            "image_text": random.uniform(-0.3, 0.3, 12),
        }
        for _ in range(3 * n_videos)
    ]


def test_first_frames_are_given_and_count_nowhere():
    """The generated video begins with the true first frame: FID and similarity leave it out."""
    true, made = clips(4), clips(4, seed=1)
    before = paper_figures(true, made)
    for clip in made:
        clip["fid"][0], clip["image_sound"][0], clip["image_text"][0] = 99, 0.9, 0.9
    assert paper_figures(true, made) == before


def test_figures_are_sums_by_hand():
    true, made = clips(5), clips(5, shift=0.5, seed=1)
    found = paper_figures(true, made)
    rows = [np.concatenate([clip["fid"][1:] for clip in of]) for of in (true, made)]
    assert found["FID"].value == pytest.approx(frechet_distance(*rows), rel=1e-9)
    rows = [np.stack([clip["fvd"] for clip in of]) for of in (true, made)]
    assert found["FVD"].value == pytest.approx(frechet_distance(*rows), rel=1e-9)
    relative, aligned = [], []
    for one, other in zip(true, made, strict=True):
        exp_true, exp_made = np.exp(float(one["sync"])), np.exp(float(other["sync"]))
        relative.append(exp_made / (exp_true + exp_made))
        frames, first = np.exp(other["image_sound"][1:]), np.exp(one["image_sound"][0])
        aligned.append(relative[-1] * np.mean(frames / (first + frames)))
    assert found["RelSync"].value == pytest.approx(100 * np.mean(relative), rel=1e-9)
    assert found["AlignSync"].value == pytest.approx(100 * np.mean(aligned), rel=1e-9)
    text = np.mean([clip["image_text"][1:] for clip in made])
    assert found["CLIP-sim IT"].value == pytest.approx(100 * text, rel=1e-9)


def test_what_no_network_said_is_left_out():
    true, made = clips(3), clips(3, seed=1)
    for clip in made:
        del clip["image_sound"], clip["fid"]
    assert set(paper_figures(true, made)) == {"FVD", "RelSync", "CLIP-sim IT"}


def test_intervals_are_over_videos():
    """Three clips of one value tell as little as one: the interval is that of the videos' own values."""
    values = np.random.default_rng(0).standard_normal(40)
    found = mean_percent(values.repeat(3))
    half_width = 1.96 * 100 * values.std(ddof=1) / 40**0.5
    assert found.value == pytest.approx(100 * values.mean(), rel=1e-9) and found.n_clips == 40
    # a bootstrap's quantiles lie within some percent of the normal ones
    assert (found.high - found.low) / 2 == pytest.approx(half_width, rel=0.15)


def event_clip(moved, heard):
    return {"moved": np.array(moved, np.int64), "heard": np.array(heard, np.int64)}


def test_events_are_matched_one_to_one():
    one = event_clip([4, 20, 30], [5, 6, 22])  # 4 with 5 or 6, 20 with 22, 30 with none
    found = event_figures([one] * 6)
    assert found["event recall"].value == pytest.approx(100 * 2 / 3)
    assert found["event precision"].value == pytest.approx(100 * 2 / 3)
    assert found["event f1"].n_clips == 2


def test_a_still_has_no_event_and_a_wrong_sound_no_match():
    good = [*[event_clip([5, 25], [5, 25])] * 3, *[event_clip([14, 40], [14, 40])] * 3]
    assert event_figures(good)["event f1"].value == 100
    assert chance_figures(good)["event f1"].value == 0
    still = [event_clip([], clip["heard"]) for clip in good]
    assert event_figures(still)["event recall"].value == 0
    assert chance_figures(good[:3]) == {}
