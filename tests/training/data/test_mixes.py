"""Mixes of strikes and other sound: what is labelled an event can be heard, and nothing else is."""

import numpy as np
from keyvid_pack.training.data import beds, mixes, sounds
from keyvid_pack.training.world.timing import WorldEvent

N = beds.N_SAMPLES
RATE = mixes.SAMPLE_RATE


def part(times_s, *, level=1.0, hz=1000.0):
    """A Part with a short beep at each time."""
    sound, t = np.zeros(N), np.arange(800) / RATE
    events = []
    for time_s in times_s:
        first = round(time_s * RATE)
        sound[first : first + 800] += level * np.sin(2 * np.pi * hz * t) * np.exp(-t / 0.01)
        events.append(WorldEvent(time_s, round(time_s * 24), level))
    return mixes.Part(sound, tuple(events))


def audible_frames(parts, rest):
    mix = sum((p.sound for p in parts), rest)
    return [event.frame for event in mixes._audible(parts, mix, rest)]


def test_a_strike_that_is_masked_is_no_event():
    beeps = part([0.5, 1.0, 1.5])
    assert audible_frames([beeps], np.zeros(N)) == [12, 24, 36]
    tone = np.sin(2 * np.pi * 1010 * np.arange(N) / RATE)
    assert audible_frames([beeps], 0.02 * tone) == [12, 24, 36]
    assert audible_frames([beeps], 30 * tone) == []


def test_a_tone_far_away_in_pitch_masks_nothing():
    low = np.sin(2 * np.pi * 90 * np.arange(N) / RATE)
    assert audible_frames([part([0.5, 1.0])], 3 * low) == [12, 24]


def test_events_of_two_things_at_once_are_one_and_the_stronger_one():
    both = [part([0.5, 1.0]), part([0.52, 1.5], level=0.6, hz=3000.0)]
    assert audible_frames(both, np.zeros(N)) == [12, 24, 36]


def test_mixes_are_within_full_scale_and_their_events_apart():
    n_events = []
    for seed in range(40):
        sound = sounds.make_sound(sounds.MIXED, seed)
        frames = [event.frame for event in sound.events]
        assert sound.samples.shape == (N,) and sound.samples.dtype == np.float32
        assert np.isfinite(sound.samples).all() and 0.005 < np.abs(sound.samples).max() <= 1
        assert np.diff(frames).min(initial=99) >= mixes.MIN_GAP
        assert all(0 <= e.strength <= 1 and 0 <= e.frame < 48 for e in sound.events)
        n_events.append(len(frames))
    assert min(n_events) == 0 and max(n_events) > 12  # some without a strike, some dense


def test_beds_are_as_loud_as_they_say_and_rise_slowly():
    """Nothing in them is as sudden as a strike: a beep 12 dB louder than the bed rises far more in 5 ms."""
    steps = []
    for seed in range(30):
        bed = beds.draw_bed(np.random.default_rng(seed))
        np.testing.assert_allclose(np.mean(bed**2), 1, rtol=1e-9)
        level = np.sqrt(np.convolve(bed**2, np.ones(800) / 800, "valid"))[::80]
        steps.append(np.diff(level).max())
    assert np.median(steps) < 0.5


def test_coloured_noise_falls_as_it_says():
    for slope in (0.0, 1.0, 2.0):
        noise = beds.coloured_noise(np.random.default_rng(0), N, slope)
        power = np.abs(np.fft.rfft(noise)) ** 2
        octaves = [power[k : 2 * k].mean() for k in (500, 1000, 2000, 4000, 8000)]
        fall = -np.polyfit(range(5), np.log2(octaves), 1)[0]
        # the mean of n powers of noise has a spread of 1 / sqrt(n): at most 0.06 doublings an octave here
        assert abs(fall - slope) < 0.15
