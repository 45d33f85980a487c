"""Video files as cameras and bad copies leave them, made of clips of the procedural world."""

import struct
import wave
from fractions import Fraction

import av
import numpy as np
from keyvid_pack.training.world.clip import render_clip
from keyvid_pack.training.world.show import write_clip_mp4

SMALL = {"height": 36, "width": 48}
# the display matrix of a track turned by 90 degrees clockwise: x' = -y, y' = x (ISO/IEC 14496-12, 8.3.2)
TURNED = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
UPRIGHT = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def write_world_video(path, seed, *, scene="ball", enlarged=2):
    """A whole clip as MP4, 48 frames at 24 per second; returns the WorldClip."""
    clip = render_clip(seed, scene=scene, **SMALL)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_clip_mp4(clip, path, enlarged=enlarged)
    return clip


def write_video(path, frames, *, times_ms, channels=None, sample_rate=16_000):
    """Frames uint8 (n, H, W, 3) shown at these times in MP4; channels: float (C, N) as AAC, None for no sound."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("h264", rate=1000, options={"crf": "12"})
        video.height, video.width = frames.shape[1:3]
        video.pix_fmt, video.codec_context.time_base = "yuv420p", Fraction(1, 1000)
        # both streams before the first packet, with which the header is written
        audio = None if channels is None else _audio_stream(container, channels, sample_rate)
        for image, time_ms in zip(frames, times_ms, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = int(time_ms), Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            block = np.ascontiguousarray(channels, np.float32)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=audio.layout.name)
            frame.sample_rate, frame.pts, frame.time_base = sample_rate, 0, Fraction(1, sample_rate)
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))


def _audio_stream(container, channels, sample_rate):
    stream = container.add_stream(
        "aac", rate=sample_rate, layout=("mono", "stereo")[len(channels) - 1]
    )
    stream.codec_context.time_base = Fraction(1, sample_rate)
    return stream


def turn(path):
    """Let players turn the video of an MP4 by 90 degrees clockwise, as phones do."""
    data = path.read_bytes()
    start = data.index(b"tkhd")
    at = data.index(UPRIGHT, start)
    path.write_bytes(data[:at] + TURNED + data[at + len(TURNED) :])


def cut(path, share):
    """Keep only the first part of a file, as a download that was broken off does."""
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])


def cut_between_frames(path, n):
    """Keep the first n coded frames of a file whole, and nothing behind them."""
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.pts is not None]
    path.write_bytes(path.read_bytes()[: places[n]])


def trim(path, to, start_s):
    """Copy an MP4 without coding it anew, so that it begins start_s later: its edit list leaves out what is before."""
    # with the index in front, so that it can be cut
    options = {"movflags": "faststart"}
    with av.open(str(path)) as source, av.open(str(to), "w", options=options) as target:
        streams = {s.index: target.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            shift = round(start_s / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            packet.stream = streams[packet.stream_index]
            target.mux(packet)


def damage(path, *, first=0.5, last=0.7):
    """Overwrite a part of the coded images and sounds of an MP4 with noise."""
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    size = len(data) - start
    spoiled = range(start + int(first * size), start + int(last * size))
    noise = np.random.default_rng(0).integers(0, 256, len(spoiled), np.uint8)
    data[spoiled.start : spoiled.stop] = noise.tobytes()
    path.write_bytes(bytes(data))


def write_interleaved(path, channels, *, sample_rate=16_000):
    """A sound float (C, N) as 16-bit WAV, in which the channels alternate from sample to sample."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(np.round(32767 * np.asarray(channels).T).astype("<i2").tobytes())
