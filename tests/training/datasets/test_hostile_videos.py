"""Damaged video and sound files: each is read, or refused with a message; none hangs or takes memory without end.

2,000 of each with `python dev.py test training --long -k hostile`.
"""

import io
import random
from itertools import islice

import av
import numpy as np
import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.training.datasets.decode import frame_times, read_frames, read_sound
from keyvid_pack.training.datasets.inspection import inspect_video

from ...helpers.hostile.damage import damaged
from ...helpers.real_videos import files

FEW = [15, pytest.param(2000, marks=pytest.mark.long)]
MOST_FRAMES = 500  # of a file with 12
MOST_SAMPLES = 10 * 60 * 48_000  # of a file with half a second


def small_mp4(path):
    frames = np.random.default_rng(0).integers(0, 256, (12, 32, 48, 3), np.uint8)
    tone = 0.5 * np.sin(np.arange(8000) / 8)
    files.write_video(path, frames, times_ms=np.arange(12) * 42, channels=[tone, tone])


def small_sound(path):
    """Sound in the container and codec that the name stands for."""
    samples = (0.5 * np.sin(np.arange(24_000) / 24)).astype(np.float32)[None]
    codec = {".wav": "pcm_s16le", ".ogg": "libopus", ".flac": "flac"}[path.suffix]
    data = io.BytesIO()
    with av.open(data, "w", format=path.suffix[1:]) as container:
        stream = container.add_stream(codec, rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    path.write_bytes(data.getvalue())


def sound_of(path):
    sound = read_sound(path)
    assert sound is None or sound.samples.shape[1] < MOST_SAMPLES


def frames_of(path):
    assert len(list(islice(read_frames(path), MOST_FRAMES))) < MOST_FRAMES


READS = (frames_of, frame_times, sound_of, inspect_video)


@pytest.mark.parametrize("n_files", FEW)
@pytest.mark.parametrize("name", ["a.mp4", "a.wav", "a.ogg", "a.flac"])
def test_a_hostile_media_file_is_read_or_refused_with_a_message(tmp_path, name, n_files):
    path = tmp_path / name
    (small_mp4 if name == "a.mp4" else small_sound)(path)
    whole, rng = path.read_bytes(), random.Random(name)
    sound_of(path)
    n_read = n_refused = 0
    for number in range(n_files):
        # an index is at the end of an MP4, headers at the front
        data = damaged(whole, rng, front=rng.choice((0.05, 1.0)))
        path.write_bytes(data)
        for read in READS:
            try:
                read(path)
                n_read += 1
            except KeyVIDError as error:
                assert name in str(error) and len(str(error)) < 600, number
                n_refused += 1
            except Exception as error:
                raise AssertionError(f"file {number}, {read.__name__}: {error!r}") from error
        assert list(tmp_path.iterdir()) == [path]
    assert n_read and n_refused
