import itertools
import json
import math
import pathlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.keyframes import timebase

TABLE = json.loads((pathlib.Path(__file__).parents[2] / "timebase_table.json").read_text())
FPS = st.sampled_from([6, 12, 23.976, 24, 25, 29.97, 30, 50, 59.94, 60, 240])
RATES = st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000])


@pytest.mark.parametrize("row", TABLE["frame_at"])
def test_frame_at_follows_the_table(row):
    assert timebase.frame_at(row["time_s"], fps=row["fps"]) == row["frame"]


@pytest.mark.parametrize("row", TABLE["time_at"])
def test_time_at_follows_the_table(row):
    assert timebase.time_at(row["frame"], fps=row["fps"]) == row["time_s"]


@pytest.mark.parametrize("row", TABLE["n_samples_at"])
def test_n_samples_at_follows_the_table(row):
    found = timebase.n_samples_at(row["n_frames"], fps=row["fps"], sample_rate=row["sample_rate"])
    assert found == row["n_samples"]


@pytest.mark.parametrize("row", TABLE["fps_fraction"])
def test_fps_fraction_follows_the_table(row):
    assert timebase.fps_fraction(row["fps"]) == Fraction(row["fraction"])


@pytest.mark.parametrize("row", TABLE["same_rate"])
def test_rates_are_the_same_as_the_table_has_it(row):
    for a, b in [(row["a"], row["b"]), (row["b"], row["a"])]:
        assert timebase.same_rate(a, b, n_frames=row["n_frames"]) is row["same"]


@given(
    a=st.floats(1, 240),
    factor=st.floats(-0.001, 0.001),
    n_frames=st.integers(2, timebase.MAX_N_FRAMES),
    data=st.data(),
)
def test_in_a_clip_of_the_same_rate_no_frame_lands_elsewhere(a, factor, n_frames, data):
    b = min(max(1.0, a * (1 + factor)), 240.0)
    frame = data.draw(st.integers(0, n_frames - 1))
    if timebase.same_rate(a, b, n_frames=n_frames):
        assert timebase.frame_at(timebase.time_at(frame, fps=a), fps=b) == frame


@pytest.mark.parametrize("nominal", [12, 15, 24, 30, 48, 60, 120, 240])
@pytest.mark.parametrize(
    "written", [lambda fps: round(fps, 3), np.float32, lambda fps: round(fps, 6)]
)
def test_an_ntsc_rate_is_one_rate_however_it_is_written(nominal, written):
    exact = nominal * 1000 / 1001
    n_frames = timebase.MAX_N_FRAMES
    assert timebase.same_rate(float(written(exact)), exact, n_frames=n_frames)
    assert timebase.rounded_rate(float(written(exact))) == round(exact, 3)


def test_no_two_rates_in_use_are_the_same_in_even_the_shortest_clip():
    whole = [6, 8, 10, 12, 15, 16, 24, 25, 30, 48, 50, 60, 90, 100, 120, 144, 240]
    rates = [*whole, *(fps * 1000 / 1001 for fps in whole if fps != 6)]
    for a, b in itertools.combinations(rates, 2):
        assert not timebase.same_rate(a, b, n_frames=2)


def test_two_numbers_that_differ_never_look_alike():
    assert timebase.distinct_texts(24.0, 30000 / 1001) == ("24", "29.97")
    assert timebase.distinct_texts(23.976, 24000 / 1001) == ("23.976", "23.976024")
    assert timebase.distinct_texts(24.0, 24.0) == ("24", "24")


@given(frame=st.integers(0, timebase.MAX_N_FRAMES), fps=FPS)
def test_a_frame_survives_the_way_to_seconds_and_back(frame, fps):
    assert timebase.frame_at(timebase.time_at(frame, fps=fps), fps=fps) == frame


@given(time_s=st.floats(0, 3600), fps=FPS)
def test_a_frame_is_at_most_half_a_frame_away(time_s, fps):
    frame = timebase.frame_at(time_s, fps=fps)
    assert abs(timebase.time_at(frame, fps=fps) - time_s) <= 0.5 / fps + 1e-9


@given(n_frames=st.integers(0, timebase.MAX_N_FRAMES), fps=FPS, sample_rate=RATES)
def test_samples_last_as_long_as_the_frames_to_half_a_sample(n_frames, fps, sample_rate):
    n_samples = timebase.n_samples_at(n_frames, fps=fps, sample_rate=sample_rate)
    exact = Fraction(n_frames * sample_rate) / timebase.fps_fraction(fps)
    assert abs(n_samples - exact) <= Fraction(1, 2)
    assert timebase.n_frames_in(n_samples, fps=fps, sample_rate=sample_rate) == n_frames


@given(n_samples=st.integers(0, 10**8), fps=FPS, sample_rate=RATES)
def test_as_many_frames_fit_as_possible(n_samples, fps, sample_rate):
    n_frames = timebase.n_frames_in(n_samples, fps=fps, sample_rate=sample_rate)
    assert timebase.n_samples_at(n_frames, fps=fps, sample_rate=sample_rate) <= n_samples
    assert timebase.n_samples_at(n_frames + 1, fps=fps, sample_rate=sample_rate) > n_samples


@pytest.mark.parametrize("fps", [0, -24, 0.5, 241, math.nan, math.inf, "24", None])
def test_an_impossible_frame_rate_is_named(fps):
    with pytest.raises(KeyVIDError, match="frame rate is .*1 to 240"):
        timebase.fps_fraction(fps)


def test_film_rate_is_exact():
    assert timebase.fps_fraction(23.976) == Fraction(2997, 125)
    assert timebase.fps_fraction(24.0) == 24
