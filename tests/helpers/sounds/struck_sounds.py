"""Made sounds in which strikes are easily lost, each a family with seeds: dense, faint, masked, cut, swelling.

Every function takes a seed and returns (samples (1, N) float32, strike times in seconds); tempo, level and timbre
depend on the seed. All are at SAMPLE_RATE.
"""

import numpy as np
from scipy import signal

SAMPLE_RATE = 44_100


def _seconds(duration_s):
    return np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE


def _noise_burst(rng, *, decay_s, band_hz):
    t = _seconds(min(0.6, 8 * decay_s))
    sos = signal.butter(2, band_hz, "bandpass", fs=SAMPLE_RATE, output="sos")
    burst = signal.sosfilt(sos, rng.standard_normal(len(t))) * np.exp(-t / decay_s)
    return burst / np.abs(burst).max()


def _kick(rng):
    t = _seconds(0.3)
    phase = 2 * np.pi * (rng.uniform(45, 60) * t - rng.uniform(2, 4) * np.exp(-t / 0.03))
    end = np.clip((t[-1] - t) / 0.05, 0, 1)  # cut off, it would click
    return np.sin(phase) * np.exp(-t / 0.08) * np.minimum(1, t / 0.002) * end


def _hat(rng):
    return _noise_burst(rng, decay_s=rng.uniform(0.015, 0.03), band_hz=(6000, 15_000))


def _shot(rng):
    return _noise_burst(rng, decay_s=0.02, band_hz=(200, 8000))


def _track(strikes, duration_s):
    """The sum of (time in seconds, wave) as (N,)."""
    track = np.zeros(round(duration_s * SAMPLE_RATE))
    for time_s, wave in strikes:
        first = round(time_s * SAMPLE_RATE)
        piece = track[first : first + len(wave)]
        piece += wave[: len(piece)]
    return track


def _finished(track, rng):
    """Samples (1, N) float32 at a level between -20 and -1 dB of full scale."""
    level = 10 ** (-rng.uniform(1, 20) / 20)
    return (level * track / np.abs(track).max()).astype(np.float32)[None]


def _tone(pitches_hz, duration_s, rng):
    t = _seconds(duration_s)
    partials = [(k * f, 1 / k**1.3) for f in pitches_hz for k in range(1, 7)]
    return sum(a * np.sin(2 * np.pi * f * t + rng.uniform(0, 6.3)) for f, a in partials)


def burst_fire(seed):
    """A burst of 12 to 15 shots a second in its own reverberation."""
    rng = np.random.default_rng(seed)
    times = 0.4 + np.arange(9) / rng.uniform(12, 15)
    dry = _track([(t, _shot(rng) * rng.uniform(0.8, 1)) for t in times], 2.0)
    t = _seconds(0.4)
    tail = rng.standard_normal(len(t)) * 10 ** (-3 * t / 0.4)
    wet = signal.fftconvolve(dry, tail / np.sqrt((tail**2).sum()))[: len(dry)]
    return _finished(dry + 0.3 * wet, rng), times


def dense(seed):
    """Sixteenths at 75 to 110 BPM, loud and soft by turns, 8 to 14 dB apart."""
    rng = np.random.default_rng(seed)
    times = np.arange(0.2, 1.9, 15 / rng.uniform(75, 110))
    soft = 10 ** (-rng.uniform(8, 14) / 20)
    strikes = [(t, _shot(rng) * (soft if k % 2 else 1)) for k, t in enumerate(times)]
    return _finished(_track(strikes, 2.0), rng), times


def hats_over_bass(seed):
    """Hi-hats over a sustained bass tone that is 20 to 30 dB louder."""
    rng = np.random.default_rng(seed)
    times = np.arange(0.3, 3.8, rng.uniform(0.24, 0.34))
    gain = 10 ** (-rng.uniform(20, 30) / 20)
    bass = _tone([rng.uniform(50, 90)], 4.0, rng)
    hats = _track([(t, gain * _hat(rng)) for t in times], 4.0)
    return _finished(bass / np.abs(bass).max() + hats, rng), times


def faint_between_loud(seed):
    """Kicks, and hats 20 to 26 dB below them midway between."""
    rng = np.random.default_rng(seed)
    gap_s, gain = rng.uniform(0.5, 0.7), 10 ** (-rng.uniform(20, 26) / 20)
    kicks = np.arange(0.3, 3.6, gap_s)
    hats = kicks + gap_s / 2
    strikes = [(t, _kick(rng)) for t in kicks] + [(t, gain * _hat(rng)) for t in hats]
    return _finished(_track(strikes, 4.0), rng), np.sort(np.concatenate([kicks, hats]))


def kicks_in_wash(seed):
    """Kicks in steady noise of about their own loudness."""
    rng = np.random.default_rng(seed)
    times = np.arange(0.3, 3.7, rng.uniform(0.35, 0.6))
    sos = signal.butter(1, rng.uniform(2000, 5000), fs=SAMPLE_RATE, output="sos")
    wash = signal.sosfilt(sos, rng.standard_normal(4 * SAMPLE_RATE))
    kicks = _track([(t, _kick(rng)) for t in times], 4.0)
    return _finished(kicks + 0.15 * wash / wash.std(), rng), times


def cut_into_a_chord(seed):
    """A clip cut out of a chord that goes on, and one strike at 1 s."""
    rng = np.random.default_rng(seed)
    root = rng.uniform(150, 300)
    chord = _tone([root, root * 1.25, root * 1.5], 2.0, rng)
    strike = _track([(1.0, _shot(rng))], 2.0)
    return _finished(0.4 * chord / np.abs(chord).max() + strike, rng), np.array([1.0])


def swelling_voice(seed):
    """A voice that swells for 60 to 120 ms."""
    rng = np.random.default_rng(seed)
    start, attack_s = rng.uniform(0.6, 1.1), rng.uniform(0.06, 0.12)
    t = _seconds(2.0) - start
    level = np.clip(t / attack_s, 0, 1) * np.exp(-np.maximum(0, t - attack_s) / 0.4)
    voice = _tone([rng.uniform(300, 500)], 2.0, rng) * level
    noise = 1e-3 * rng.standard_normal(len(t)) * np.abs(voice).max()
    return _finished(voice + noise, rng), np.array([start + attack_s / 2])


FAMILIES = {
    f.__name__: f
    for f in (
        burst_fire,
        dense,
        hats_over_bass,
        faint_between_loud,
        kicks_in_wash,
        cut_into_a_chord,
        swelling_voice,
    )
}
