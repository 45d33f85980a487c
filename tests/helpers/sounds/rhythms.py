"""Drum patterns for tests of beats: made music of known tempo and beats, with as many subdivisions as real music.

A pattern is the strikes of one bar: (place in beats, instrument, gain). `music` plays it.
"""

import numpy as np
from scipy import signal

SAMPLE_RATE = 22_050


def _hats(step, n_beats=4, gain=1.0, first=0.0):
    return [(place, "hat", gain) for place in np.arange(first, n_beats, step)]


def _at(instrument, *places, gain=1.0):
    return [(place, instrument, gain) for place in places]


BACKBEAT = _at("kick", 0, 2) + _at("snare", 1, 3, gain=0.8)

# name: (beats in a bar, strikes)
PATTERNS = {
    "accented clicks": (4, _at("click", 0) + _at("click", 1, 2, 3, gain=0.5)),
    "rock": (4, BACKBEAT + _hats(0.5)),
    "house": (4, _at("kick", 0, 1, 2, 3) + _at("snare", 1, 3, gain=0.5) + _hats(1, first=0.5)),
    "sixteenths": (4, BACKBEAT + _hats(0.25)),
    "half time": (4, _at("kick", 0) + _at("snare", 2, gain=0.8) + _hats(0.5)),
    "off-beat bass": (4, _at("kick", 0, 1, 2, 3) + _at("bass", 0.5, 1.5, 2.5, 3.5, gain=0.5)),
    "ballad": (
        4,
        _at("kick", 0, 2)
        + _at("snare", 1, 3, gain=0.6)
        + _at("piano", *np.arange(0, 4, 0.5), gain=0.5),
    ),
}

# what PATTERNS does not hold: nothing was chosen by these
OTHER_PATTERNS = {
    "kick and snare": (4, BACKBEAT),
    "rock, busy kick": (
        4,
        _at("kick", 0, 0.5, 2, 2.5) + _at("snare", 1, 3, gain=0.9) + _hats(0.5),
    ),
    "swing": (
        4,
        _at("hat", 0, 1, 1.667, 2, 3, 3.667)
        + _at("kick", 0, 1, 2, 3, gain=0.4)
        + _at("snare", 1, 3, gain=0.4),
    ),
    "waltz": (3, _at("kick", 0) + _at("snare", 1, 2, gain=0.5) + _hats(0.5, 3)),
    "shuffle": (4, BACKBEAT + _at("hat", *np.sort(np.r_[np.arange(4), np.arange(4) + 0.667]))),
    "triplets": (4, BACKBEAT + _hats(1 / 3)),
    "ghost notes": (
        4,
        BACKBEAT + _hats(0.5) + _at("snare", 0.75, 1.75, 2.25, 3.75, gain=0.15),
    ),
    "syncopation": (
        4,
        _at("kick", 0, 1.5, 2.5) + _at("snare", 1, 3, gain=0.8) + _hats(0.5),
    ),
    "open hats": (4, BACKBEAT + _hats(1, gain=0.6) + _hats(1, gain=1.6, first=0.5)),
    "tambourine": (4, BACKBEAT + _at("shaker", *np.arange(0, 4, 0.25))),
    "bass in eighths": (4, BACKBEAT + _at("bass", *np.arange(0, 4, 0.5), gain=0.5)),
    "reggae": (
        4,
        _at("kick", 2) + _at("snare", 2, gain=0.7) + _at("piano", 0.5, 1.5, 2.5, 3.5) + _hats(0.5),
    ),
}


def _tone(rng, pitch_hz, decay_s, length_s, overtones):
    t = np.arange(int(length_s * SAMPLE_RATE)) / SAMPLE_RATE
    tone = sum(
        np.sin(2 * np.pi * pitch_hz * k * t + rng.uniform(0, 6)) / k
        for k in range(1, overtones + 1)
    )
    ends = np.minimum(1, t / 0.003) * np.minimum(1, (t[-1] - t) / 0.02)
    return tone * np.exp(-t / decay_s) * ends


def _noise(rng, decay_s, length_s, band_hz):
    t = np.arange(int(length_s * SAMPLE_RATE)) / SAMPLE_RATE
    sos = signal.butter(2, np.array(band_hz) / SAMPLE_RATE * 2, "bandpass", output="sos")
    return signal.sosfilt(sos, rng.standard_normal(len(t))) * np.exp(-t / decay_s)


def _kick(rng):
    t = np.arange(int(0.25 * SAMPLE_RATE)) / SAMPLE_RATE
    low_hz, fall_hz = rng.uniform(45, 60), rng.uniform(60, 150)
    phase = low_hz * t - fall_hz * 0.03 * np.exp(-t / 0.03)
    return np.sin(2 * np.pi * phase) * np.exp(-t / 0.07) + 0.15 * _noise(
        rng, 0.004, 0.25, (1000, 6000)
    )


def _snare(rng):
    return 0.5 * _tone(rng, rng.uniform(170, 220), 0.05, 0.2, 2) + 0.7 * _noise(
        rng, 0.06, 0.2, (400, 9000)
    )


MAKERS = {
    "kick": _kick,
    "snare": _snare,
    "hat": lambda rng: _noise(rng, rng.uniform(0.015, 0.03), 0.1, (6000, 10_500)),
    "shaker": lambda rng: _noise(rng, 0.03, 0.1, (4000, 10_000)) * np.hanning(2205) * 2,
    "click": lambda rng: _tone(rng, 1000, 0.008, 0.03, 1),
    "bass": lambda rng: _tone(rng, rng.choice([55, 65.4, 73.4]), 0.2, 0.25, 6),
    "piano": lambda rng: sum(
        _tone(rng, 261.6 * 2 ** (rng.choice([0, 2, 4, 7, 9]) / 12), 0.3, 0.5, 5) for _ in range(3)
    ),
}


def music(
    pattern,
    bpm,
    *,
    seed=0,
    duration_s=16.0,
    hat_gain=None,
    jitter_s=0.003,
    drift=0.0,
    fills=False,
    noise_db=None,
    low_pass_hz=None,
    reverb_s=0.0,
    level=0.7,
):
    """Samples (1, N) float32 at SAMPLE_RATE of a pattern (a pair as in PATTERNS), and its beat times in seconds.

    hat_gain: of hats beside the kick, by default drawn from 0.1 to 0.5. jitter_s: of every strike. drift: how far the
    tempo wanders, as a share of it. fills: every fourth bar ends in snare sixteenths. noise_db: RMS beside the peak.
    """
    rng = np.random.default_rng(seed)
    n_beats, strikes = pattern
    hat_gain = rng.uniform(0.1, 0.5) if hat_gain is None else hat_gain
    start_s = rng.uniform(0.05, 0.5)
    n_samples = int(duration_s * SAMPLE_RATE)
    count = int(duration_s * bpm / 60 * (1 + abs(drift))) + 2
    beats = np.arange(count)
    pace = 1 + drift * np.sin(2 * np.pi * (beats / 40 + rng.random()))
    times_s = start_s + np.concatenate([[0], np.cumsum(60 / bpm / pace)])
    track = np.zeros(n_samples + 2 * SAMPLE_RATE)
    for bar in range(0, count, n_beats):
        played = list(strikes)
        if fills and (bar // n_beats) % 4 == 3:
            played = [s for s in strikes if s[0] < n_beats - 1]
            played += _at("snare", *np.arange(n_beats - 1, n_beats, 0.25), gain=0.7)
        for place, instrument, gain in played:
            at_s = np.interp(bar + place, np.arange(count + 1), times_s)
            at_s += jitter_s * rng.standard_normal()
            first = round(at_s * SAMPLE_RATE)
            if not 0 <= first < n_samples:
                continue
            wave = MAKERS[instrument](rng)
            wave = wave / np.abs(wave).max() * gain * 10 ** (rng.uniform(-1.5, 1.5) / 20)
            if instrument in ("hat", "shaker"):
                wave = wave * hat_gain
            track[first : first + len(wave)] += wave
    if reverb_s:
        t = np.arange(int(reverb_s * SAMPLE_RATE)) / SAMPLE_RATE
        tail = rng.standard_normal(len(t)) * 10 ** (-3 * t / reverb_s)
        tail *= 0.5 / np.sqrt(np.sum(tail**2))
        track[:n_samples] += signal.fftconvolve(track[:n_samples], tail)[:n_samples]
    if low_pass_hz:
        sos = signal.butter(2, low_pass_hz / SAMPLE_RATE * 2, output="sos")
        track = signal.sosfilt(sos, track)
    track = track[:n_samples] / np.abs(track).max()
    if noise_db is not None:
        track = track + 10 ** (noise_db / 20) * rng.standard_normal(n_samples)
    samples = (level * track / np.abs(track).max()).astype(np.float32)[None]
    return samples, times_s[times_s < duration_s - 0.05]
