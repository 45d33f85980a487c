"""Sounds that no file would hold, and sounds whose strikes are known exactly."""

import torch
from comfy_api.latest import io


def _broken_audio(kind):
    if kind == "none":
        return None
    if kind == "image":
        return torch.zeros(1, 8, 8, 3)
    shape = {"zero_length": (1, 2, 0), "no_channels": (1, 0, 32000), "batch": (3, 1, 32000)}
    waveform = torch.zeros(shape.get(kind, (1, 1, 32000)))
    if kind == "nan":
        waveform[0, 0, 1234] = float("nan")
    if kind == "infinite":
        waveform[0, 0, 1234] = float("inf")
    if kind == "flat":
        waveform = waveform[0]
    rate = {"rate_zero": 0, "rate_low": 100, "rate_high": 1_000_000, "rate_text": "fast"}
    return {"waveform": waveform, "sample_rate": rate.get(kind, 16000)}


def _in_another_form(waveform, kind):
    if kind == "list":
        return [waveform[0]]
    if kind == "meta":
        return waveform.to("meta")
    if kind == "uint8":
        return (waveform * 127 + 128).round().to(torch.uint8)
    dtype = getattr(torch, kind)
    if kind.startswith("int"):
        waveform = (waveform.double() * torch.iinfo(dtype).max).round()
    return waveform.to(dtype)


class AnotherForm(io.ComfyNode):
    """A sound as other packs keep it: its samples of another type (int16, uint8, float16, bool, ...), or a list."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_AnotherForm",
            inputs=[io.Audio.Input("audio"), io.String.Input("kind")],
            outputs=[io.Audio.Output()],
        )

    @classmethod
    def execute(cls, audio, kind):
        return io.NodeOutput({**audio, "waveform": _in_another_form(audio["waveform"], kind)})


class BrokenAudio(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_BrokenAudio",
            inputs=[io.String.Input("kind")],
            outputs=[io.Audio.Output()],
        )

    @classmethod
    def execute(cls, kind):
        return io.NodeOutput(_broken_audio(kind))


class Clicks(io.ComfyNode):
    """Decaying clicks at the given times: a sound whose strikes are known exactly."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="KeyVIDTest_Clicks",
            inputs=[
                io.String.Input("times_s"),
                io.Float.Input("length_s", max=3600.0),
                io.Int.Input("sample_rate", default=16000, max=192000),
            ],
            outputs=[io.Audio.Output()],
        )

    @classmethod
    def execute(cls, times_s, length_s, sample_rate):
        samples = torch.zeros(round(length_s * sample_rate))
        ring = torch.sin(torch.arange(800) * 0.9) * torch.exp(-torch.arange(800) / 120)
        for time_s in times_s.split():
            start = round(float(time_s) * sample_rate)
            end = min(start + len(ring), len(samples))
            samples[start:end] += 0.8 * ring[: end - start]
        return io.NodeOutput({"waveform": samples.view(1, 1, -1), "sample_rate": sample_rate})
