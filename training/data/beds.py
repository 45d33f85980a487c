"""What goes on while things are struck, and is no strike itself: chords, bass, voices, engines, wind.

Each is (N_SAMPLES,) float64 of root mean square 1, and was going on before the clip. Notes begin within it, but slowly.
"""

from collections.abc import Sequence

import numpy as np
from scipy import signal

from ..world.sound import N_SAMPLES, SAMPLE_RATE, band_noise

LONGEST_NOTE_S = 3.0
ATTACK_S = (0.03, 0.4)  # of a bowed, blown or sung note
HIGHEST_HZ = 7600.0
FORMANTS_HZ = (300, 800), (900, 2400)


def draw_bed(rng: np.random.Generator) -> np.ndarray:
    """One or two of the things above, at levels of their own."""
    makers = (_notes, _notes, _notes, _voice, _engine, _wind)
    bed = makers[rng.integers(len(makers))](rng)
    if rng.random() < 0.5:
        bed = bed + 10 ** (-rng.uniform(0, 12) / 20) * makers[rng.integers(len(makers))](rng)
    return _unit(bed)


def coloured_noise(rng: np.random.Generator, n_samples: int, slope: float) -> np.ndarray:
    """Noise of root mean square 1 whose power falls with frequency ** slope: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(n_samples))
    spectrum /= np.maximum(1, np.arange(len(spectrum))) ** (slope / 2)
    spectrum[: 20 * n_samples // SAMPLE_RATE] = 0  # below hearing
    return _unit(np.fft.irfft(spectrum, n_samples))


def _notes(rng: np.random.Generator) -> np.ndarray:
    """Chords or single notes one after the other, from bass to violin; a note begins as the one before it dies away."""
    bed = np.zeros(N_SAMPLES)
    n_pitches, lowest = int(rng.integers(1, 5)), 40 * 2 ** rng.uniform(0, 4)
    steepness, attack_s = rng.uniform(0.6, 2.2), rng.uniform(*ATTACK_S)
    start_s = -rng.uniform(0.0, 2.0) - attack_s
    while start_s < N_SAMPLES / SAMPLE_RATE:
        length_s = attack_s + rng.uniform(0.15, LONGEST_NOTE_S)
        for semitones in rng.choice(25, size=n_pitches, replace=False):
            hz = lowest * 2 ** (semitones / 12)
            tone = _tone(rng, hz, steepness)
            bed += rng.uniform(0.3, 1) * tone * _swell(start_s, length_s, attack_s)
        start_s += length_s * rng.uniform(0.8, 1.0)
    return _unit(bed)


def _voice(rng: np.random.Generator) -> np.ndarray:
    """Syllables, 2 to 6 a second, that swell and fall: harmonics through moving formants."""
    time_s = _times()
    hz = rng.uniform(80, 300) * 2 ** (0.15 * _wander(rng, 4.0))
    phase = 2 * np.pi * np.cumsum(hz) / SAMPLE_RATE
    centres = [rng.uniform(*span) * 2 ** (0.4 * _wander(rng, 4.0)) for span in FORMANTS_HZ]
    levels = [
        (k * hz < HIGHEST_HZ) * sum(1 / (1 + ((k * hz - centre) / 150) ** 2) for centre in centres)
        for k in range(1, 25)
    ]
    sound = _harmonics(phase, levels)
    rate, turn = rng.uniform(2, 6), rng.uniform(0, 2 * np.pi)
    beat = np.sin(2 * np.pi * rate * time_s + turn + 2 * _wander(rng, 1.0))
    return _unit(sound * (0.5 + 0.5 * beat) ** rng.uniform(0.5, 2))


def _engine(rng: np.random.Generator) -> np.ndarray:
    """A tone rich in harmonics and noise, both shaken at one rate too fast to be strikes."""
    shake_hz, depth = rng.uniform(15, 60), rng.uniform(0.0, 0.8)
    time_s = _times()
    shake = 1 - depth * (0.5 + 0.5 * np.sin(2 * np.pi * shake_hz * time_s)) ** 2
    low = rng.uniform(60, 600)
    noise = band_noise(rng, N_SAMPLES, (low, rng.uniform(3 * low, HIGHEST_HZ)))
    tone = _unit(_tone(rng, rng.uniform(40, 250), rng.uniform(0.3, 1.2)))
    return _unit((tone + rng.uniform(0.1, 2) * noise) * shake)


def _wind(rng: np.random.Generator) -> np.ndarray:
    """Noise that grows and fades slowly: wind, waves, a crowd, cymbals that go on."""
    low = 10 ** rng.uniform(2, 3.5)
    noise = band_noise(rng, N_SAMPLES, (low, min(low * rng.uniform(2, 15), HIGHEST_HZ)))
    return _unit(noise * 10 ** (rng.uniform(0, 10) * _wander(rng, 2.0) / 20))


def _tone(rng: np.random.Generator, hz: float, steepness: float) -> np.ndarray:
    """Harmonics k of level k ** -steepness, with vibrato, (N_SAMPLES,)."""
    vibrato = rng.uniform(0, 0.012) * np.sin(2 * np.pi * rng.uniform(4, 7) * _times())
    phase = 2 * np.pi * np.cumsum(hz * (1 + vibrato)) / SAMPLE_RATE
    orders = np.arange(1, int(min(16, HIGHEST_HZ / hz)) + 1)
    levels = orders**-steepness * np.exp(1j * rng.uniform(0, 2 * np.pi, len(orders)))
    return _harmonics(phase, levels)


def _harmonics(
    phase: np.ndarray, levels: Sequence[float] | Sequence[np.ndarray] | np.ndarray
) -> np.ndarray:
    """The sum over k of levels[k - 1] sin(k phase), (N_SAMPLES,); a complex level turns its harmonic.

    As a polynomial of e^(i phase), which takes one sine instead of one per harmonic.
    """
    turning, total = np.exp(1j * phase), np.zeros(N_SAMPLES, complex)
    for level in reversed(levels):
        total = (total + level) * turning
    return np.imag(total)


def _swell(start_s: float, length_s: float, attack_s: float) -> np.ndarray:
    """How loud a note is over time, (N_SAMPLES,): it swells for attack_s and dies away as long after its length."""
    since = _times() - start_s
    rise = np.clip(since / attack_s, 0, 1)
    fall = np.clip(1 - (since - length_s) / attack_s, 0, 1)
    return (0.5 - 0.5 * np.cos(np.pi * rise)) * fall


def _wander(rng: np.random.Generator, hz: float) -> np.ndarray:
    """A random curve (N_SAMPLES,) of about -1 to 1, with this cut-off frequency."""
    coarse_rate = 200
    n = N_SAMPLES * coarse_rate // SAMPLE_RATE + 1
    sections = signal.butter(2, hz, fs=coarse_rate, output="sos")
    coarse = np.asarray(signal.sosfilt(sections, rng.standard_normal(n + coarse_rate)))[
        coarse_rate:
    ]
    coarse /= max(1e-9, float(np.abs(coarse).max()))
    return np.interp(_times(), np.arange(n) / coarse_rate, coarse)


def _times() -> np.ndarray:
    return np.arange(N_SAMPLES) / SAMPLE_RATE


def _unit(sound: np.ndarray) -> np.ndarray:
    """The sound at root mean square 1."""
    return sound / max(1e-12, float(np.sqrt(np.mean(sound**2))))
