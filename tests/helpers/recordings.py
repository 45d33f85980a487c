"""Sounds for tests: decoding recordings, and made recordings whose strike times are known exactly."""

import csv
import pathlib

import av
import numpy as np
from scipy import signal

MEDIA = pathlib.Path(__file__).resolve().parents[1] / "media"
SNARE = MEDIA / "snare-accelerate.ogg"


def decode(path):
    """The samples (C, N) as float32 and the sample rate of a sound file (path or file object)."""
    with av.open(path if hasattr(path, "read") else str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="fltp")
        planes = []
        for frame in container.decode(stream):
            planes += [out.to_ndarray() for out in resampler.resample(frame)]
        planes += [out.to_ndarray() for out in resampler.resample(None)]
        return np.concatenate(planes, axis=1).astype(np.float32), stream.rate


def encode(samples, sample_rate, path, *, codec, bit_rate=128_000):
    """Write samples (C, N) to a sound file with a codec such as "libopus", "aac" or "libmp3lame"."""
    layout = {1: "mono", 2: "stereo"}[len(samples)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=sample_rate, layout=layout)
        stream.bit_rate = bit_rate
        planes = np.ascontiguousarray(samples, dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
        frame.sample_rate = sample_rate
        frame.pts = 0
        for out in (frame, None):
            container.mux(stream.encode(out))


def snare_strikes():
    """The strike times of the snare recording in seconds."""
    with open(MEDIA / "snare_onsets.csv", newline="") as file:
        return np.array([float(row["time_s"]) for row in csv.DictReader(file)])


def strike_times(rng, *, duration_s, tempo="jitter", shortest_s=0.26):
    """Strike times in seconds that fall anywhere between frames: "jitter", "accelerando" or "steady"."""
    times = [0.3 + 0.2 * rng.random()]
    while times[-1] < duration_s - 0.2:
        place = times[-1] / duration_s
        gap = {
            "jitter": shortest_s + 0.7 * rng.random() ** 2,
            "accelerando": 1.2 * (shortest_s / 1.2) ** place,
            "steady": 0.4137,
        }[tempo]
        times.append(times[-1] + gap)
    return np.array(times[:-1])


def burst(rng, sample_rate):
    """A drum-like burst of noise that dies away."""
    t = np.arange(int(0.25 * sample_rate)) / sample_rate
    return rng.standard_normal(len(t)) * np.exp(-t / rng.uniform(0.015, 0.05))


def click(rng, sample_rate):
    """A click of three milliseconds."""
    t = np.arange(max(8, int(0.003 * sample_rate))) / sample_rate
    return rng.choice([-1, 1]) * np.exp(-t / 0.0007)


def pluck(rng, sample_rate):
    """A string-like tone with overtones that die away the faster the higher they are."""
    t = np.arange(int(0.5 * sample_rate)) / sample_rate
    pitch_hz = rng.uniform(110, 700)
    overtones = range(1, min(12, int(0.45 * sample_rate / pitch_hz)) + 1)
    tone = sum(
        np.sin(2 * np.pi * pitch_hz * k * t * (1 + 0.0003 * k * k)) / k * np.exp(-t * 4 * k**0.7)
        for k in overtones
    )
    return tone * np.minimum(1, t / 0.002) * np.minimum(1, (t[-1] - t) / 0.1)


def beep(rng, sample_rate):
    """A tone that starts and stops at once."""
    t = np.arange(int(rng.uniform(0.04, 0.15) * sample_rate)) / sample_rate
    return np.sin(2 * np.pi * rng.uniform(300, 2000) * t)


def thump(rng, sample_rate):
    """A kick-drum-like falling tone."""
    t = np.arange(int(0.3 * sample_rate)) / sample_rate
    return np.sin(2 * np.pi * (55 * t - 2.2 * np.exp(-t / 0.03))) * np.exp(-t / 0.08)


SOUNDS = {"burst": burst, "click": click, "pluck": pluck, "beep": beep, "thump": thump}


def recording(
    sound,
    times_s,
    *,
    sample_rate,
    duration_s,
    seed=0,
    level_range_db=0.0,
    noise_db=None,
    hum_db=None,
    reverb_s=0.0,
):
    """Samples (1, N) float32 with one strike of `sound` at each time, each in a level of its own.

    level_range_db: strikes are up to this much below the loudest. noise_db, hum_db: level (RMS) of the background
    relative to the loudest peak. reverb_s: time in which the added reverberation falls by 60 dB.
    """
    rng = np.random.default_rng(seed)
    n_samples = int(duration_s * sample_rate)
    track = np.zeros(n_samples + 4 * sample_rate)
    for time_s in times_s:
        wave = SOUNDS[sound](rng, sample_rate)
        wave = wave / np.abs(wave).max() * 10 ** (-rng.uniform(0, level_range_db) / 20)
        start = round(time_s * sample_rate)
        track[start : start + len(wave)] += wave
    if reverb_s:
        t = np.arange(int(reverb_s * sample_rate)) / sample_rate
        tail = rng.standard_normal(len(t)) * 10 ** (-3 * t / reverb_s)
        tail *= 0.5 / np.sqrt(np.sum(tail**2))
        track[:n_samples] += signal.fftconvolve(track[:n_samples], tail)[:n_samples]
    track = track[:n_samples] / np.abs(track).max()
    if noise_db is not None:
        track = track + 10 ** (noise_db / 20) * rng.standard_normal(n_samples)
    if hum_db is not None:
        t = np.arange(n_samples) / sample_rate
        hum = np.sin(2 * np.pi * 50 * t) + 0.4 * np.sin(2 * np.pi * 150 * t + 1)
        track = track + 10 ** (hum_db / 20) * np.sqrt(2) * hum
    return (0.7 * track / np.abs(track).max()).astype(np.float32)[None]


def click_track(bpm, *, sample_rate, duration_s, start_s=0.0):
    """Samples (1, N) float32 of a metronome, and its click times in seconds."""
    times = np.arange(start_s, duration_s - 0.05, 60 / bpm)
    samples = np.zeros((1, int(duration_s * sample_rate)), np.float32)
    t = np.arange(int(0.03 * sample_rate)) / sample_rate
    tick = 0.8 * np.sin(2 * np.pi * 1000 * t) * np.exp(-t / 0.008)
    for time_s in times:
        start = round(time_s * sample_rate)
        target = samples[0, start : start + len(tick)]
        target += tick[: len(target)]
    return samples, times
