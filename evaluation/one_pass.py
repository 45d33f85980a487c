"""The demo's graph without keyframes: its generator paints every frame of the clip at once.

The generator was trained on few frames, so it attends over time in windows of as many (Windowed Attention), as
FreeNoise (arXiv 2310.15169) makes longer videos with such a model. It takes as many steps as make it no cheaper than
the two stages with keyframes.
"""

import math
from typing import Any

GENERATE, FILL = "KeyVID_KeyframeConditioning", "KeyVID_InterpolationConditioning"
READS_MODEL = (GENERATE, "KeyVID_MultimodalCFG", "KeyVID_Schedule")

Graph = dict[str, dict[str, Any]]


def paint_in_one_pass(graph: Graph) -> list[Any]:
    """Change a graph of both stages in API form; returns where the images of the video come from.

    What is behind the keyframes stays in the graph, and ComfyUI does not run it.
    """
    ((_, generate),) = _kind(graph, GENERATE)
    ((_, clip),) = _kind(graph, "KeyVID_ClipAudio")
    ((_, select),) = _kind(graph, "KeyVID_SelectKeyframes")
    ((_, fill),) = _kind(graph, FILL)
    model = generate["inputs"]["model"]
    n_frames = clip["inputs"]["n_frames"]
    n_keyframes = select["inputs"]["count"]
    schedules = {
        node["inputs"]["model"] == model: node for _, node in _kind(graph, "KeyVID_Schedule")
    }
    n_steps = {is_first: node["inputs"]["steps"] for is_first, node in schedules.items()}
    schedules[True]["inputs"]["steps"] = equal_steps(
        n_frames, n_keyframes=n_keyframes, keyframe_steps=n_steps[True], fill_steps=n_steps[False]
    )
    select["inputs"] |= {"strategy": "uniform", "count": n_frames}
    graph["windowed"] = {
        "class_type": "KeyVID_WindowedAttention",
        "inputs": {"model": model, "window": n_keyframes, "stride": n_keyframes // 2},
        "_meta": {"title": "Windowed Attention"},
    }
    for kind in READS_MODEL:
        for _, node in _kind(graph, kind):
            if node["inputs"]["model"] == model:
                node["inputs"]["model"] = ["windowed", 0]
    return fill["inputs"]["keyframes"]


def equal_steps(n_frames: int, *, n_keyframes: int, keyframe_steps: int, fill_steps: int) -> int:
    """How many steps over all frames read at least as many frames as the two stages together."""
    frames_read = n_keyframes * keyframe_steps + n_frames * fill_steps
    return math.ceil(frames_read / n_frames)


def _kind(graph: Graph, kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [(key, node) for key, node in graph.items() if node["class_type"] == kind]
