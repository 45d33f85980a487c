"""What the benchmark asks a graph for: each variant changes what it is named after, and nothing else."""

import json

import pytest
from keyvid_pack.evaluation import renderer
from keyvid_pack.evaluation.variants import RENDERED
from keyvid_pack.keyframes.select import T_K
from keyvid_pack.training.world.clip import render_clip


@pytest.fixture(scope="module")
def clip():
    return render_clip(1_000_007, scene="drum")


def inputs_of(graph):
    """{(class, key of the node, input): value} of everything in a graph that is no wire."""
    return {
        (node["class_type"], key, name): value
        for key, node in graph.items()
        for name, value in node["inputs"].items()
        if not isinstance(value, list)
    }


def changes(clip, name):
    """What a variant's graph says, where it differs from that of the full pipeline: {(class, input): value}."""
    full = inputs_of(renderer.graph_for(clip, RENDERED["full"])[0])
    other = inputs_of(renderer.graph_for(clip, RENDERED[name])[0])
    assert full.keys() == other.keys()
    return {(key[0], key[2]): other[key] for key in full if full[key] != other[key]}


SELECT, EDIT, GUIDER = "KeyVID_SelectKeyframes", "KeyVID_EditKeyframes", "KeyVID_MultimodalCFG"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("full", {}),
        ("full_6", {(SELECT, "count"): 6}),
        ("uniform", {(SELECT, "strategy"): "uniform"}),
        ("uniform_6", {(SELECT, "strategy"): "uniform", (SELECT, "count"): 6}),
        (
            "uniform_no_audio",
            {(SELECT, "strategy"): "uniform", (GUIDER, "audio_scale"): 0.0},
        ),
    ],
)
def test_graph_of_a_variant_changes_its_own_inputs(clip, name, expected):
    assert changes(clip, name) == expected


def test_one_pass_takes_its_images_from_the_network_of_the_keyframes_at_equal_work(clip):
    graph, _ = renderer.graph_for(clip, RENDERED["one_pass"])
    read, wanted = set(), [renderer.SAVE]
    while wanted:  # what ComfyUI would run
        key = wanted.pop()
        read.add(key)
        wanted += [value[0] for value in graph[key]["inputs"].values() if isinstance(value, list)]
    nodes = {graph[key]["class_type"]: graph[key]["inputs"] for key in read}
    assert "KeyVID_InterpolationConditioning" not in nodes
    assert nodes[SELECT]["strategy"] == "uniform"
    assert nodes[SELECT]["count"] == nodes["KeyVID_ClipAudio"]["n_frames"] == 48
    for kind in ("KeyVID_KeyframeConditioning", GUIDER, "KeyVID_Schedule"):
        assert graph[nodes[kind]["model"][0]]["class_type"] == "KeyVID_WindowedAttention"
    # the demo: 30 steps of 12 frames and 20 of 48
    assert nodes["KeyVID_Schedule"]["steps"] == -(-(30 * 12 + 20 * 48) // 48) == 28
    shipped = (renderer.GRAPH.parent / "keyvid_one_pass.json").read_text(encoding="utf-8")
    schedules = [
        node["inputs"]["steps"]
        for node in json.loads(shipped).values()
        if node["class_type"] == "KeyVID_Schedule"
    ]
    assert schedules == [28]


def test_graph_without_audio_scales_both_stages_to_0(clip):
    graph, _ = renderer.graph_for(clip, RENDERED["uniform_no_audio"])
    scales = [value for key, value in inputs_of(graph).items() if key[2] == "audio_scale"]
    assert scales == [0.0, 0.0]


def test_graph_of_the_truth_plan_edits_the_keyframes(clip):
    changed = changes(clip, "truth_plan")
    assert changed.keys() == {(EDIT, "edit")}
    frames = [int(frame) for frame in changed[EDIT, "edit"].split(",")]
    assert len(frames) == T_K
    assert {event.frame for event in clip.events} <= set(frames)


def test_graph_takes_audio_image_and_caption_of_the_clip(clip):
    graph, names = renderer.graph_for(clip, RENDERED["full"])
    inputs = inputs_of(graph)
    values = {(key[0], key[2]): value for key, value in inputs.items()}
    assert (values["LoadAudio", "audio"], values["LoadImage", "image"]) == names
    assert clip.caption in [value for key, value in inputs.items() if key[2] == "text"]
    # the frames of the video are saved as they are, and no other file is written
    (saved,) = [node for node in graph.values() if node["class_type"] == "SaveImage"]
    full = json.loads(renderer.GRAPH.read_text(encoding="utf-8"))
    (video,) = [node for node in full.values() if node["class_type"] == "CreateVideo"]
    assert saved["inputs"]["images"] == video["inputs"]["images"]
    assert not any(node["class_type"] in ("SaveVideo", "PreviewImage") for node in graph.values())
    wired = {str(w[0]) for n in graph.values() for w in n["inputs"].values() if isinstance(w, list)}
    assert wired <= graph.keys()


def test_graph_of_the_full_variant_uses_the_localizer(clip):
    graph, _ = renderer.graph_for(clip, RENDERED["full"])
    values = {(key[0], key[2]): value for key, value in inputs_of(graph).items()}
    assert values["KeyVID_LocalizeKeyframes", "method"] == "network"
    assert values["KeyVID_LoadLocalizer", "localizer_name"] == "keyvid_small_localizer.safetensors"
    assert (values[SELECT, "strategy"], values[SELECT, "count"]) == ("strongest", T_K)
    assert values[EDIT, "edit"] == ""


def test_graph_noise_depends_on_the_clip_alone(clip):
    def seeds(of, name):
        graph, _ = renderer.graph_for(of, RENDERED[name])
        return [value for key, value in inputs_of(graph).items() if key[2] == "noise_seed"]

    assert len(set(seeds(clip, "full"))) == 2
    assert all(seeds(clip, name) == seeds(clip, "full") for name in RENDERED)
    other = render_clip(clip.seed + 1)
    assert not set(seeds(clip, "full")) & set(seeds(other, "full"))


def test_truth_plan_of_the_sea_follows_its_loudness():
    sea = render_clip(1_000_007, scene="sea")
    graph, _ = renderer.graph_for(sea, RENDERED["truth_plan"])
    values = {(key[0], key[2]): value for key, value in inputs_of(graph).items()}
    frames = [int(frame) for frame in values[EDIT, "edit"].split(",")]
    assert len(frames) == T_K
    assert frames != [keyframe * 4 for keyframe in range(T_K)]
