"""What a saved MP4 holds: its frames, its rate, and the sound it was given."""

import av
import numpy as np


def video_of(comfy, outputs, name="saved"):
    """The path of the video that a SaveVideo node wrote."""
    (saved,) = outputs[name]["images"]
    return comfy.base / "output" / saved["subfolder"] / saved["filename"]


def read_video(path):
    """(number of frames, frames per second, samples (n,) of the first channel, sample rate) of an MP4."""
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        n_frames = sum(1 for _ in container.decode(video))
        container.seek(0)
        pieces = [frame.to_ndarray()[0] for frame in container.decode(audio)]
        return n_frames, float(video.average_rate), np.concatenate(pieces), audio.sample_rate


def likeness(samples, expected):
    """(how alike two sounds are at the best delay: 1 for one sound; that delay, in samples of both)."""
    n = 1 << (len(samples) + len(expected)).bit_length()
    spectrum = np.fft.rfft(samples, n) * np.conj(np.fft.rfft(expected, n))
    correlation = np.fft.irfft(spectrum, n) / np.linalg.norm(samples) / np.linalg.norm(expected)
    delay = int(correlation.argmax())
    return float(correlation[delay]), delay if delay < n // 2 else delay - n


def check_sound(samples, expected, *, sample_rate, n_frames, fps):
    """The sound of a video is the one it was given, no half frame off its place, and as long as the video.

    AAC works in blocks of 1024 samples and keeps what is heard, here well over 9 tenths of the waveform. Played
    backwards a drum is still a drum, but less alike.
    """
    assert abs(len(samples) / sample_rate - n_frames / fps) <= 1024 / sample_rate
    alike, delay = likeness(samples, expected)
    assert alike > 0.9 and abs(delay) < sample_rate / fps / 2, (alike, delay)
    assert likeness(samples[::-1], expected)[0] < 0.8, "any sound passes"
