"""Videos that a graph has saved: their frames and their sound."""

import av
import numpy as np

from .prompts import node
from .timing_graph import STRIKES


def saved_video(source, prefix):
    """A node that saves a VIDEO as MP4."""
    return node("SaveVideo", video=[source, 0], filename_prefix=prefix, format="mp4", codec="h264")


def read_video(comfy, output):
    """(frames uint8 (n, H, W, 3), samples (C, N), sample rate) of what Save Video showed."""
    (saved,) = output["images"]
    path = comfy.base / "output" / saved["subfolder"] / saved["filename"]
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    with av.open(str(path)) as container:
        rate = container.streams.audio[0].sample_rate
        sound = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return np.stack(frames), np.concatenate(sound, axis=1), rate


def check_clicks(sound, rate):
    """The sound has the clicks of the chain at their times, and is quiet just before each."""
    times_s = [float(time) for time in STRIKES.split()]
    # AAC smears a click over a block of 1024 samples at most
    smear_s = 1024 / rate
    for time_s in times_s:
        start = round(time_s * rate)
        assert np.abs(sound[:, start : start + rate // 50]).max() > 0.4, time_s
        before = sound[:, round((time_s - 0.1) * rate) : round((time_s - smear_s) * rate)]
        assert np.abs(before).max() < 0.1, time_s
