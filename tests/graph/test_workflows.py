"""The shipped workflows in their API form: released settings, and a video at the end, through small random files."""

import json
import urllib.error

import av
import numpy as np
import pytest
from keyvid_pack.keyframes.timebase import FPS, N_FRAMES
from keyvid_pack.models.diffusion import ddim, guidance, schedule
from keyvid_pack.models.published import DYNAMICRAFTER_FRAMES, KEYFRAME_COUNT
from PIL import Image

from ..helpers.graphs.prompts import executed, node, shown, succeed
from ..helpers.graphs.workflow_files import (
    FILES,
    HEIGHT,
    LOADERS,
    NAMES,
    WIDTH,
    WORKFLOWS,
    api_form,
    named_files,
    put_workflow_files,
    remove_workflow_files,
    small_form,
    ui_form,
)

INTERPOLATION_AUDIO_SCALE = 9.0  # of the published interpolation script
KEYVID = ("keyvid_full", "keyvid_uniform_baseline")
FAST = "keyvid_full_fast"
GENERATING = [name for name in NAMES if named_files(name)]
TIMING = {
    "LoadAudio",
    "KeyVID_ClipAudio",
    "KeyVID_LocalizeKeyframes",
    "KeyVID_SelectKeyframes",
    "KeyVID_EditKeyframes",
}


@pytest.fixture(scope="module")
def with_files(comfy):
    put_workflow_files(comfy)
    return comfy


def nodes_of(prompt, class_type):
    return [node["inputs"] for node in prompt.values() if node["class_type"] == class_type]


def run_of(comfy, name):
    """(the small API form, {node class: ui of the one node that shows something})."""
    prompt = small_form(name)
    outputs = succeed(comfy, prompt)
    return prompt, {prompt[key]["class_type"]: ui for key, ui in outputs.items()}


def saved_video(comfy, shown):
    (saved,) = shown["SaveVideo"]["images"]
    return av.open(str(comfy.base / "output" / saved["subfolder"] / saved["filename"]))


@pytest.mark.parametrize("name", [*KEYVID, FAST])
def test_a_keyvid_workflow_makes_two_seconds_with_sound(with_files, name):
    _, shown = run_of(with_files, name)
    with saved_video(with_files, shown) as video:
        stream, sound = video.streams.video[0], video.streams.audio[0]
        assert (stream.width, stream.height, stream.average_rate) == (WIDTH, HEIGHT, FPS)
        assert float(sound.duration * sound.time_base) == pytest.approx(N_FRAMES / FPS, abs=1e-3)
        assert sum(1 for _ in video.decode(stream)) == N_FRAMES
    (sheet,) = shown["KeyVID_KeyframeSheet"]["keyvid_sheet"]
    even = list(range(0, N_FRAMES, N_FRAMES // KEYFRAME_COUNT))
    assert len(sheet["frames"]) == KEYFRAME_COUNT
    assert (sheet["frames"] == even) == (name == "keyvid_uniform_baseline")


def test_keyframes_only_shows_them_on_the_sheet(with_files):
    _, shown = run_of(with_files, "keyvid_keyframes_only")
    (sheet,) = shown["KeyVID_KeyframeSheet"]["keyvid_sheet"]
    assert len(sheet["frames"]) == len(sheet["pictures"]) == KEYFRAME_COUNT
    assert "SaveVideo" not in shown


def test_the_storyboard_shows_the_strike_on_every_strike_and_nowhere_else(comfy):
    prompt = api_form("keyvid_storyboard")
    (plan,) = {tuple(inputs["plan"]) for inputs in nodes_of(prompt, "KeyVID_KeyframeImages")}
    prompt["info"] = node("KeyVID_PlanInfo", plan=list(plan))
    prompt["kinds"] = shown("info", 3)
    outputs = succeed(comfy, prompt)
    lines = outputs["kinds"]["text"][0].splitlines()[1:]
    kinds = {int(line.split()[1]): line.split(": ")[1] for line in lines}
    (saved,) = [ui for key, ui in outputs.items() if prompt[key]["class_type"] == "SaveVideo"]
    with saved_video(comfy, {"SaveVideo": saved}) as video:
        sound = video.streams.audio[0]
        assert float(sound.duration * sound.time_base) == pytest.approx(8, abs=1e-3)
        # in the order of the frames
        shares = [strike_share(frame.to_ndarray(format="rgb24")) for frame in video.decode(video=0)]
    assert len(shares) == 8 * FPS
    peaks = [frame for frame, kind in kinds.items() if kind == "peak"]
    others = [frame for frame, kind in kinds.items() if kind != "peak"]
    assert len(peaks) >= 12 and len(others) >= 10
    # the share is a mean over all pixels: what compression changes in single ones is far below a tenth of it
    assert min(shares[frame] for frame in peaks) > 0.9
    assert max(shares[frame] for frame in others) < 0.1
    for start, end in zip(sorted(kinds), sorted(kinds)[1:], strict=False):
        if (kinds[start] == "peak") != (kinds[end] == "peak"):
            assert 0.2 < shares[(start + end) // 2] < 0.8, (start, end)


def strike_share(frame):
    """How much of the strike's image a frame (H, W, 3) shows, 0 to 1; the rest is the image between strikes."""
    strike, raised = (
        np.asarray(Image.open(WORKFLOWS / "media" / f"keyvid_snare_{name}.jpg"), dtype=float)
        for name in ("strike", "raised")
    )
    way = strike - raised
    return float(((frame - raised) * way).sum() / (way * way).sum())


def test_dynamicrafter_makes_two_silent_seconds(with_files):
    _, shown = run_of(with_files, "dynamicrafter_i2v")
    with saved_video(with_files, shown) as video:
        stream = video.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (WIDTH, HEIGHT, 8)
        assert not video.streams.audio
        assert sum(1 for _ in video.decode(stream)) == DYNAMICRAFTER_FRAMES


@pytest.mark.parametrize("name", KEYVID)
def test_the_settings_are_those_that_were_released(name):
    prompt = api_form(name)
    scales = {guidance.AUDIO_SCALE, INTERPOLATION_AUDIO_SCALE}
    for inputs in nodes_of(prompt, "KeyVID_MultimodalCFG"):
        assert (inputs["image_scale"], inputs["text_scale"]) == (
            guidance.IMAGE_SCALE,
            guidance.TEXT_SCALE,
        )
        assert inputs["rescale"] == guidance.RESCALE
        assert (inputs["guided_from"], inputs["guided_until"]) == guidance.GUIDED
        scales.remove(inputs["audio_scale"])
    assert not scales
    schedules, samplers = (nodes_of(prompt, f"KeyVID_{n}") for n in ("Schedule", "Sampler"))
    for inputs in schedules:
        assert (inputs["steps"], inputs["spacing"]) == (schedule.STEPS, schedule.SPACINGS[0])
        assert inputs["ends_at_t0"] is True
    for inputs in samplers:
        assert (inputs["eta"], inputs["base_scale"]) == (schedule.ETA, schedule.BASE_SCALE)
        assert inputs["inpainted_steps"] == ddim.INPAINTED_STEPS
        assert inputs["noise_strength"] == schedule.NOISE_STRENGTH
    assert len(schedules) == len(samplers) == 2
    for stage in ("Keyframe", "Interpolation"):
        (inputs,) = nodes_of(prompt, f"KeyVID_{stage}Conditioning")
        assert (inputs["width"], inputs["height"], inputs["fps_condition"]) == (512, 320, 0)


def changes(name):
    """{(node class, input, value)} of all that a workflow has otherwise than keyvid_full."""
    full, other = api_form("keyvid_full"), api_form(name)
    assert full.keys() == other.keys()
    return sorted(
        (full[key]["class_type"], name, other[key]["inputs"][name])
        for key in full
        for name, value in full[key]["inputs"].items()
        if other[key]["inputs"][name] != value
    )


def test_the_baseline_differs_in_the_strategy_alone():
    assert changes("keyvid_uniform_baseline") == [
        ("KeyVID_SelectKeyframes", "strategy", "uniform"),
        ("SaveVideo", "filename_prefix", "keyvid/uniform"),
    ]


def test_the_fast_one_differs_in_steps_noise_and_guidance_of_both_stages():
    assert changes(FAST) == [
        ("KeyVID_MultimodalCFG", "guided_until", 0.5),
        ("KeyVID_MultimodalCFG", "guided_until", 0.5),
        ("KeyVID_Sampler", "eta", 0),
        ("KeyVID_Sampler", "eta", 0),
        ("KeyVID_Schedule", "steps", 25),
        ("KeyVID_Schedule", "steps", 25),
        ("SaveVideo", "filename_prefix", "keyvid/fast"),
    ]


def test_the_note_of_the_fast_one_counts_its_passes():
    """The passes of a whole run, with those of keyvid_full, as they follow from both graphs."""
    counts = []
    for name in (FAST, "keyvid_full"):
        prompt = api_form(name)
        for inputs in nodes_of(prompt, "SamplerCustomAdvanced"):
            guider, sigmas = (prompt[inputs[key][0]]["inputs"] for key in ("guider", "sigmas"))
            scales = (guider[f"{its}_scale"] for its in ("image", "text", "audio"))
            weights = guidance.pass_weights(*scales)
            n_passes = len(guidance.needed_passes(weights, rescale=guider["rescale"]))
            share = guider["guided_from"], guider["guided_until"]
            timesteps = schedule.ddim_timesteps(sigmas["steps"], sigmas["spacing"])
            counts.append(sum(n_passes if guidance.is_guided(t, share) else 1 for t in timesteps))
    assert counts == [51, 64, 270, 360]
    (note,) = [
        entry["widgets_values"][0]
        for entry in ui_form(FAST)["nodes"]
        if entry["type"] == "MarkdownNote" and "the fast way" in entry["widgets_values"][0]
    ]
    assert "51 for the keyframes instead of 270, 64 for all frames instead of 360" in note


def test_every_file_is_named_by_a_workflow():
    assert set().union(*map(named_files, NAMES)) == set(FILES)


@pytest.mark.parametrize("name", GENERATING)
def test_without_its_files_a_workflow_runs_its_timing_alone_and_says_what_is_missing(comfy, name):
    prompt = small_form(name)
    remove_workflow_files(comfy)
    try:
        _, events = comfy.run(prompt)
        refused = refusal(comfy, prompt)
    finally:
        put_workflow_files(comfy)
    assert {prompt[key]["class_type"] for key in executed(events)} <= TIMING
    texts = {
        prompt[key]["class_type"]: " ".join(error["details"] for error in entry["errors"])
        for key, entry in refused.items()
    }
    assert texts.keys() == LOADERS.keys() & {node["class_type"] for node in prompt.values()}
    for loader, text in texts.items():
        (file,) = (inputs[LOADERS[loader]] for inputs in nodes_of(prompt, loader))
        for words in ("There is no", file, "models/keyvid", "press R", "Hugging Face", "GB"):
            assert words in text


def refusal(comfy, prompt):
    """What ComfyUI reports about nodes that cannot run, {node: its errors}, whether or not others can."""
    try:
        response = comfy.post("/prompt", {"prompt": prompt})
    except urllib.error.HTTPError as error:
        response = error.read()
    return json.loads(response)["node_errors"]
