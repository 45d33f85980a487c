"""The workflows for models that artists own are ComfyUI's own graphs, but for where this pack is put in."""

import copy

import pytest

from ..helpers.graphs.official_graphs import Built, differences, official_graph, our_graph
from ..helpers.graphs.workflow_files import ui_form

QWEN = "Image Edit (Qwen-Image 2511)"
LTX_SOUND = Built(
    workflow="keyvid_ltx_sound",
    subgraph="Video from keyframes and sound (LTX-2.3)",
    official=("video_ltx2_3_ia2v", "Video Generation (LTX-2.3)"),
    # rate, length and cut of the sound come with the plan, the sound is not decoded again, and the prompt is not
    # rewritten by a language model, which needs one more file
    left_out=frozenset({303, 304, 323, 329, 331, 332, 345, 346, 347, 348, 349}),
    added=(
        "ImageFromBatch",
        "KeyVID_KeyframeGuides",
        "KeyVID_KeyframeGuides",
        "KeyVID_PlanInfo",
        "LTXVCropGuides",
    ),
    rewired=frozenset(
        {
            (306, "text"),
            (325, "image"),
            (296, "image"),
            (315, "positive"),
            (315, "negative"),
            (326, "video_latent"),
            (292, "positive"),
            (292, "negative"),
            (295, "samples"),
            (290, "positive"),
            (290, "negative"),
            (287, "video_latent"),
            (316, "samples"),
        }
    ),
    values=frozenset({319}),  # the prompt
)
LTX_EDITS = Built(
    workflow="keyvid_ltx_edits",
    subgraph="Keyframes to Video (LTX-2.3)",
    official=("First-Last-Frame to Video", "First-Last-Frame to Video"),
    # the guides of the first and the last frame, the silent sound and its decoding, rate and length
    left_out=frozenset({195, 197, 198, 204, 205, 206, 212, 214, 220, 226}),
    added=(
        "KeyVID_KeyframeGuides",
        "KeyVID_PlanInfo",
        "LTXVAudioVAEEncode",
        "SetLatentNoiseMask",
        "SolidMask",
    ),
    rewired=frozenset(),
    values=frozenset({222}),
)
VACE = Built(
    workflow="keyvid_wan_vace_edits",
    subgraph="Keyframes to Video (Wan2.1 VACE)",
    official=("video_wan_vace_flf2v", "FLF2V (Wan2.1 VACE)"),
    left_out=frozenset({131, 191, 215}),  # the batch of first and last frame, and the length
    added=("KeyVID_KeyframeControlVideo", "KeyVID_PlanInfo"),
    rewired=frozenset(),
    values=frozenset({6, 193, 194}),  # the prompt and the size
)
SEGMENTS = Built(
    workflow="keyvid_wan_segments",
    subgraph="First-Last-Frame to Video (Wan 2.2)",
    official=("video_wan2_2_14B_flf2v", None),
    # the images, the video, the half without the LoRAs, and the notes
    left_out=frozenset({60, 61, 62, 68, 70, *range(72, 91), *range(93, 97)} - {75, 82}),
    added=(),
    rewired=frozenset(),
    values=frozenset({6, 67}),  # the prompt and the size
)
INTERPOLATE = Built(
    workflow="keyvid_storyboard_interpolate",
    subgraph="Frames between images",
    official=("utility_video_frame_interpolation", "Frame Interpolation"),
    # the video, its parts, its rate and the multiplier: those come with the plan
    left_out=frozenset({3, 9, 10, 11, 13}),
    added=(
        "FrameInterpolate",
        "KeyVID_JoinSegments",
        "KeyVID_KeyframeImages",
        "KeyVID_KeyframeSegments",
    ),
    rewired=frozenset({(5, "images")}),
    values=frozenset({5}),  # the frame rate
)
EDITS = tuple(
    Built(
        workflow=workflow,
        subgraph=QWEN,
        official=("image_qwen_image_edit_2511", QWEN),
        left_out=frozenset(),
        added=(),
        rewired=frozenset(),
        values=frozenset({168}),  # the 4-step LoRA is on
    )
    for workflow in ("keyvid_ltx_edits", "keyvid_wan_vace_edits")
)
BUILT = (LTX_SOUND, LTX_EDITS, VACE, SEGMENTS, INTERPOLATE, *EDITS)


@pytest.mark.parametrize("built", BUILT, ids=lambda built: f"{built.workflow}-{built.subgraph}")
def test_a_graph_is_the_official_one_but_for_what_is_put_in(built):
    official = official_graph(*built.official)
    ours = our_graph(built.workflow, built.subgraph)
    assert differences(ours, official, built) == []
    # what the list allows is there to allow: nothing in it is left over from an earlier version
    nodes, links = ours
    assert built.left_out.isdisjoint(nodes) and built.left_out <= official[0].keys()
    assert built.values <= nodes.keys()
    assert built.rewired <= {link[2:] for link in official[1]}


@pytest.mark.parametrize("built", BUILT, ids=lambda built: f"{built.workflow}-{built.subgraph}")
def test_every_box_that_loads_a_file_says_where_the_file_is(built):
    """ComfyUI offers what is missing by these."""
    nodes, _ = our_graph(built.workflow, built.subgraph)
    named, told = set(), set()
    for node in nodes.values():
        values = node.get("widgets_values") or ()
        named |= {v for v in values if isinstance(v, str) and v.endswith(".safetensors")}
        for model in node.get("properties", {}).get("models") or ():
            assert model["url"].startswith("https://huggingface.co/")
            assert model["name"] in model["url"] and model["directory"]
            told.add(model["name"])
    assert named == told and named


def test_the_notes_name_every_file_and_its_page():
    for name in {built.workflow for built in BUILT}:
        workflow = ui_form(name)
        (note,) = [node for node in workflow["nodes"] if node.get("title") == "Model files"]
        (text,) = note["widgets_values"]
        for graph in (workflow, *(workflow["definitions"] or {}).get("subgraphs", ())):
            for node in graph["nodes"]:
                for model in node.get("properties", {}).get("models") or ():
                    page = "/".join(model["url"].split("/")[:5])
                    assert f"**{model['name']}**" in text and f"({page})" in text
        assert "Licences" in text


def changed(graph, change):
    nodes, links = copy.deepcopy(graph)
    change(nodes, links)
    return nodes, links


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda nodes, links: nodes.pop(290), "CFGGuider 290 is missing"),
        (lambda nodes, links: nodes[288].update(widgets_values=["dpmpp_2m"]), "KSamplerSelect 288"),
        (lambda nodes, links: nodes[293].update(widgets_values=["mine.safetensors", 0.5]), "293"),
        (lambda nodes, links: nodes[317]["properties"].update(models=[]), "models []"),
        (lambda nodes, links: nodes.update({999: {"type": "KSampler"}}), "'KSampler'"),
        (lambda nodes, links: links.discard((293, 0, 315, "model")), "to model of 315 is missing"),
        (lambda nodes, links: links.add((317, 0, 315, "model")), "to model of 315 is new"),
    ],
)
def test_a_change_of_the_official_part_is_noticed(change, words):
    ours = changed(our_graph(LTX_SOUND.workflow, LTX_SOUND.subgraph), change)
    found = differences(ours, official_graph(*LTX_SOUND.official), LTX_SOUND)
    assert len(found) == 1 and words in found[0], found
