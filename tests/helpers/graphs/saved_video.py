"""What a saved MP4 holds: its frames, its rate, and the sound it was given."""

import av
import numpy as np

from .prompts import node, saved_tensors


def save_video(source):
    """A node that saves the VIDEO of a node as MP4."""
    return node(
        "SaveVideo", video=[source, 0], filename_prefix="bridges", format="mp4", codec="h264"
    )


def checked_frames(comfy, outputs, audio_file, *, fps):
    """The frames (n, H, W, 3), uint8, of the video that node `saved` wrote, after `check_sound` with an AUDIO that a
    SaveTensors node wrote."""
    path = video_of(comfy, outputs)
    n_frames, rate, samples, sample_rate = read_video(path)
    assert rate == fps
    expected = saved_tensors(comfy, audio_file)["waveform"][0, 0].numpy()
    check_sound(samples, expected, sample_rate=sample_rate, n_frames=n_frames, fps=fps)
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


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
