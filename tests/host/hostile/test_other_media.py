"""Images and videos that are something else: sounds, moving images, and small files that unpack to gigabytes."""

import random
import struct
import zlib
from dataclasses import replace

import av
import numpy as np
import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.keyframes.plan import plan_at_frames
from keyvid_pack.preview.wav import write_wav
from PIL import Image

from ...helpers.graphs.prompts import check_message
from ...helpers.hostile.damage import damaged
from ...helpers.hostile.limits import memory_for

FEW = [15, pytest.param(2000, marks=pytest.mark.long)]
RATE = 48_000
MOST_BYTES = 2**29  # 512 MB, beside what the process has


def put_board(comfyui, name, data=None):
    """A plan whose first keyframe has the image of this name, in the input folder."""
    if data is not None:
        (comfyui.base / "input" / name).write_bytes(data)
    plan = plan_at_frames((0, 7), fps=24, n_frames=48)
    return replace(plan, keyframes=(replace(plan.keyframes[0], image=name), plan.keyframes[1]))


def images_of(plan):
    from keyvid_pack.host.bridges.storyboard import storyboard_images

    return storyboard_images(plan, width=64, height=64).images


def png(width, height, rows):
    """A PNG of black and white pixels, with so many rows in it, whatever it claims."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = zlib.compress(bytes((1 + (width + 7) // 8) * rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height", "rows"),
    [(12_000, 12_000, 12_000), (16_000, 16_000, 2), (30_000, 30_000, 2), (2**31 - 1, 2**31 - 1, 0)],
)
def test_an_image_that_fills_the_memory_is_refused_before_it_does(comfyui, width, height, rows):
    plan = put_board(comfyui, "giant.png", png(width, height, rows) if rows else png(1, 1, 1))
    path = comfyui.base / "input" / "giant.png"
    if not rows:
        path.write_bytes(
            path.read_bytes()[:16] + struct.pack(">II", width, height) + path.read_bytes()[24:]
        )
    assert path.stat().st_size < 100_000
    with memory_for(MOST_BYTES), pytest.raises(KeyVIDError) as refusal:
        images_of(plan)
    check_message(str(refusal.value), ["giant.png"])


def test_a_large_image_is_read(comfyui):
    """The comparison above can fail: the limit is not what any large image meets."""
    assert images_of(put_board(comfyui, "large.png", png(4000, 3000, 3000))).shape == (1, 64, 64, 3)


def test_of_a_moving_image_only_the_first_is_unpacked(comfyui, monkeypatch):
    from comfy_api.v0_0_2 import InputImpl

    frames = [Image.new("RGB", (48, 32), (20 * k, 0, 0)) for k in range(10)]
    path = comfyui.base / "input" / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40)
    unpacked, real = [], InputImpl.VideoFromFile.get_components

    def get_components(self):
        found = real(self)
        unpacked.append(len(found.images))
        return found

    monkeypatch.setattr(InputImpl.VideoFromFile, "get_components", get_components)
    found = images_of(put_board(comfyui, "moving.gif"))
    assert unpacked == [1] and found.max() < 0.02


def write_sound(path, codec):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (1, RATE // 2)).astype(np.float32)
    if codec is None:
        write_wav(path, samples, RATE)
        return
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, layout="mono")
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=RATE, frame_size=960
        )
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = RATE
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("n_files", FEW)
@pytest.mark.parametrize(
    ("suffix", "codec"), [("wav", None), ("ogg", "libopus"), ("mp3", "libmp3lame")]
)
def test_a_sound_is_no_video_whole_or_damaged(comfyui, tmp_path, suffix, codec, n_files):
    from comfy_api.v0_0_2 import InputImpl
    from keyvid_pack.host.motion import measured
    from keyvid_pack.host.video_frames import frames_of_video

    path, rng = tmp_path / f"sound.{suffix}", random.Random(suffix)
    write_sound(path, codec)
    whole = path.read_bytes()
    assert len(whole) > 1000
    n_refused = 0
    with memory_for(MOST_BYTES):
        for number in range(n_files):
            if number:
                path.write_bytes(damaged(whole, rng, front=rng.choice((0.05, 1.0))))
            try:
                measured(
                    frames_of_video(InputImpl.VideoFromFile(str(path))),
                    lambda pixels: np.zeros(len(pixels) - 1),
                )
            except KeyVIDError as error:
                check_message(str(error))
                n_refused += 1
            # now and then FFmpeg takes a damaged sound for a video of another format
            assert n_refused or number, "the sound itself is no video"
    assert n_refused > 0.9 * n_files
