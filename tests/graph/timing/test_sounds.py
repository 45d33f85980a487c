"""A sound whose samples are of another type, or in a list, is the same sound to every node that takes one."""

import av
import numpy as np
import pytest

from ...helpers.graphs.prompts import check_message, complaint, node, saved_tensors, shown, succeed
from ...helpers.graphs.timing_graph import chain, edited_result

# the largest difference from the floats: half a step, and that the largest number is a step below full scale
STEPS = {
    "int8": 2**-7,
    "int16": 2**-15,
    "int32": 2**-23,
    "uint8": 2**-7,
    "float16": 2**-11,
    "float64": 0,
    "list": 0,
}


def with_sound(kind, *, behind="sound"):
    """The chain whose nodes take the sound in another form: Clip Audio, or those behind it."""
    prompt = chain()
    prompt["other"] = node("KeyVIDTest_AnotherForm", audio=[behind, 0], kind=kind)
    takers = ["clip"] if behind == "sound" else ["curve", "edit"]
    for name in takers:
        prompt[name]["inputs"]["audio"] = ["other", 0]
    return prompt


def with_preview(prompt, audio):
    prompt["image"] = node("EmptyImage", width=64, height=64, batch_size=1, color=0)
    prompt["preview"] = node(
        "KeyVID_TimingPreview", image=["image", 0], audio=audio, plan=["plan", 0], width=256
    )
    prompt["save"] = node(
        "SaveVideo", video=["preview", 0], filename_prefix="sounds", format="auto", codec="auto"
    )
    return prompt


def played(comfy, outputs):
    """The samples (channels, samples) of the saved video."""
    saved = outputs["save"]["images"][0]
    with av.open(str(comfy.base / "output" / saved["subfolder"] / saved["filename"])) as container:
        return np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)


@pytest.mark.parametrize("kind", STEPS)
def test_clip_audio_hands_on_floats(comfy, kind):
    def clipped(prompt, file):
        prompt["tensors"] = node("KeyVIDTest_SaveTensors", value=["clip", 0], file=file)
        succeed(comfy, prompt)
        return saved_tensors(comfy, file)["waveform"]

    found, expected = clipped(with_sound(kind), f"{kind}.st"), clipped(chain(), "float.st")
    assert found.dtype == expected.dtype
    assert (found - expected).abs().max() <= 1.5 * STEPS[kind] + 1e-6


@pytest.mark.parametrize("kind", ["int16", "uint8", "list"])
@pytest.mark.parametrize("behind", ["sound", "clip"])
def test_the_plan_and_the_video_are_those_of_the_floats(comfy, kind, behind):
    prompt = with_preview(
        with_sound(kind, behind=behind), ["clip" if behind == "sound" else "other", 0]
    )
    usual = with_preview(chain(), ["clip", 0])
    outputs, expected = succeed(comfy, prompt), succeed(comfy, usual)
    assert edited_result(outputs)["prediction"] == edited_result(expected)["prediction"]
    found, wanted = played(comfy, outputs), played(comfy, expected)
    # full-scale noise would be four times as loud, or more; a coder's own difference is far below a tenth
    assert abs(found - wanted).max() <= 0.1


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("bool", ["true and false"]),
        ("complex64", ["complex numbers"]),
        ("int64", ["64 bits"]),
        ("meta", ["no samples"]),
    ],
)
@pytest.mark.parametrize("behind", ["sound", "clip"])
def test_samples_that_are_no_pcm_are_refused(comfy, kind, words, behind):
    check_message(complaint(comfy, with_sound(kind, behind=behind)), words)


@pytest.mark.parametrize("kind", ["int16", "list"])
def test_the_sheet_and_the_localizer_take_it_too(comfy, kind):
    prompt = with_sound(kind, behind="clip")
    prompt["curve"]["inputs"]["method"] = "beats"
    prompt["images"] = node("EmptyImage", width=64, height=64, batch_size=12, color=0)
    prompt["sheet"] = node(
        "KeyVID_KeyframeSheet",
        images=["images", 0],
        plan=["plan", 0],
        audio=["other", 0],
        width=640,
    )
    prompt["show"] = shown("sheet", 0)
    assert "sheet" in succeed(comfy, prompt)
