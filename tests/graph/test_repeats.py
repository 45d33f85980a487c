"""What runs again and what comes out again: seeds, the cache, other sounds, fewer passes, two files at once."""

import av
import pytest
import torch

from ..helpers.graphs.prompts import executed, followed, node, saved_tensors, succeed, with_inputs
from ..helpers.graphs.whole_files import put_whole_file
from ..helpers.graphs.whole_graph import keyframe_graph, whole_graph
from ..helpers.small_video import assert_agree

FRAMES = "0, 5, 14, 20, 33, 40"
LATENT_SCALE = 0.18215
# guidance multiplies rounding by the sum of its weights, which is 17 at the usual scales and 2 at these
GENTLE = {"image_scale": 1.2, "text_scale": 1.6, "audio_scale": 1.6}


def packets(comfy, outputs):
    """The compressed images and sound of the video that a run saved."""
    (saved,) = outputs["saved"]["images"]
    with av.open(str(comfy.base / "output" / saved["subfolder"] / saved["filename"])) as container:
        return [bytes(packet) for packet in container.demux()]


def forget(comfy):
    """Let ComfyUI drop every result and every model, which it does after the next run."""
    comfy.post("/free", {"unload_models": True, "free_memory": True})
    succeed(comfy, {"any": node("PreviewAny", source="nothing")})


def test_a_seed_gives_the_same_video_and_only_what_changed_runs_again(comfy):
    prompt = whole_graph(comfy, steps=1)
    first = succeed(comfy, prompt)
    _, events = followed(comfy, prompt)
    assert executed(events) == set()

    other_seed = with_inputs(prompt, {"video_seed": {"noise_seed": 77}})
    other, events = followed(comfy, other_seed)
    from_sampler_on = {"video", "video_latents", "video_images", "clip_video", "saved"}
    assert executed(events) == {"video_seed", "video_start"} | from_sampler_on
    assert packets(comfy, other) != packets(comfy, first)

    forget(comfy)
    repeated, events = followed(comfy, prompt)
    assert {"parts", "interpolator", "keyframes", "video"} <= executed(events)
    assert packets(comfy, repeated) == packets(comfy, first)


def test_a_keyframe_edit_keeps_what_does_not_depend_on_it(comfy):
    """An artist moves a keyframe: no file is loaded again, no text and no curve are made again."""
    prompt = keyframe_graph(comfy, file="edit.safetensors")
    prompt["edit"] = node(
        "KeyVID_EditKeyframes", plan=["plan", 0], curve=["curve", 0], audio=["clip", 0], edit=""
    )
    prompt["keyframes_conditioning"]["inputs"]["plan"] = ["edit", 0]
    succeed(comfy, prompt)
    _, events = followed(comfy, with_inputs(prompt, {"edit": {"edit": FRAMES}}))
    after = {"edit", "keyframes_conditioning", "keyframes_guider", "keyframes", "latent"}
    assert executed(events) == after


def latent_of(comfy, prompt, changes=(), *, file):
    """The latent of the keyframe stage with some inputs changed, as the network sees it."""
    changes = {**dict(changes), "latent": {"file": f"latent_{file}.safetensors"}}
    changes["keyframes_watched"] = {
        "file": f"steps_{file}.safetensors",
        **changes.get("keyframes_watched", {}),
    }
    succeed(comfy, with_inputs(prompt, changes))
    return saved_tensors(comfy, f"latent_{file}.safetensors")["samples"] * LATENT_SCALE


def passes_of(comfy, file):
    """[numbers of the passes] of every forward of a run of `latent_of`."""
    rows = saved_tensors(comfy, f"steps_{file}.safetensors")["passes"].tolist()
    return [[number for number in row if number >= 0] for row in rows]


@pytest.fixture
def planned(comfy):
    """The keyframe stage with typed keyframes, so that another sound does not move them."""
    prompt = keyframe_graph(comfy, steps=2)
    prompt["plan"] = node("KeyVID_FramesToPlan", text=FRAMES, fps=24.0, n_frames=48)
    return prompt


def test_another_sound_alone_changes_the_image(comfy, planned):
    here = latent_of(comfy, planned, file="here")
    later = latent_of(comfy, planned, {"clip": {"start_s": 1.0}}, file="later")
    assert (later - here).abs().max() > 1e-2


def test_three_passes_equal_four(comfy, planned):
    planned["keyframes_guider"]["inputs"] |= GENTLE
    four = {"keyframes_guider": {"audio_scale": 1.6 + 1e-7}}
    found = latent_of(comfy, planned, file="three")
    expected = latent_of(comfy, planned, four, file="four")
    n_steps = planned["keyframes_sigmas"]["inputs"]["steps"]
    assert passes_of(comfy, "three") == [[2, 1, 0]] * n_steps
    assert passes_of(comfy, "four") == [[3, 2, 1, 0]] * n_steps
    assert_agree(found, expected)


def test_passes_one_by_one_equal_passes_in_one_forward(comfy, planned):
    planned["keyframes_guider"]["inputs"] |= {**GENTLE, "audio_scale": 1.8}
    expected = latent_of(comfy, planned, file="batched")
    one_by_one = {"keyframes_watched": {"one_by_one": True}}
    found = latent_of(comfy, planned, one_by_one, file="one_by_one")
    n_steps = planned["keyframes_sigmas"]["inputs"]["steps"]
    assert passes_of(comfy, "batched") == [[3, 2, 1, 0]] * n_steps
    alone = [[0], [1], [2], [3]]
    assert sorted(passes_of(comfy, "one_by_one")) == sorted(alone * n_steps)
    assert_agree(found, expected)


def test_two_files_in_one_graph_each_paint_as_alone(comfy, planned):
    first = latent_of(comfy, planned, file="first_alone")
    name = put_whole_file(comfy, "other_generator.safetensors", seed=9, folder="checkpoints")
    other = {"parts": {"ckpt_name": name}}
    second = latent_of(comfy, planned, other, file="second_alone")
    both = {**planned}
    for key, entry in with_inputs(planned, other).items():
        inputs = {
            k: [f"other_{v[0]}", *v[1:]] if isinstance(v, list) else v
            for k, v in entry["inputs"].items()
        }
        both[f"other_{key}"] = {**entry, "inputs": inputs}
    files = {"other_latent": {"file": "other_both.safetensors"}}
    found = latent_of(comfy, both, files, file="first_both")
    assert torch.equal(found, first)
    found = saved_tensors(comfy, "other_both.safetensors")["samples"] * LATENT_SCALE
    assert torch.equal(found, second)
    assert (first - second).abs().max() > 1e-2


def test_comfyuis_own_ksampler_paints_with_the_same_conditioning(comfy):
    prompt = keyframe_graph(comfy, file="ksampler.safetensors")
    prompt["keyframes"] = node(
        "KSampler",
        model=["parts", 0],
        positive=["keyframes_conditioning", 0],
        negative=["keyframes_conditioning", 1],
        latent_image=["keyframes_conditioning", 2],
        seed=1,
        steps=4,
        cfg=3.0,
        sampler_name="euler",
        scheduler="simple",
        denoise=1.0,
    )
    succeed(comfy, prompt)
    latent = saved_tensors(comfy, "latent_ksampler.safetensors")["samples"]
    assert latent.shape[1:3] == (4, len(FRAMES.split(",")))
    assert latent.isfinite().all() and latent.std() > 0.1
