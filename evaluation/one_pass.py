"""The demo's graph without keyframes: its generator paints every frame of the clip at once.

The generator was trained on few frames, so it attends over time in windows of as many (Windowed Attention), as
FreeNoise (arXiv 2310.15169) makes longer videos with such a model. It takes as many steps as make it no cheaper than
the two stages with keyframes.
"""

import math
from typing import Any

from ..tools.run_workflow import nodes_of

GENERATE, FILL = "KeyVID_KeyframeConditioning", "KeyVID_InterpolationConditioning"
READS_MODEL = (GENERATE, "KeyVID_MultimodalCFG", "KeyVID_Schedule")

Graph = dict[str, dict[str, Any]]


def paint_in_one_pass(graph: Graph) -> list[Any]:
    """Change a graph of both stages in API form; returns where the images of the video come from.

    What is behind the keyframes stays in the graph, and ComfyUI does not run it.
    """
    (generate,), (fill,) = nodes_of(graph, GENERATE), nodes_of(graph, FILL)
    (clip,), (select,) = (
        nodes_of(graph, "KeyVID_ClipAudio"),
        nodes_of(graph, "KeyVID_SelectKeyframes"),
    )
    model = generate["inputs"]["model"]
    n_frames, n_keyframes = clip["inputs"]["n_frames"], select["inputs"]["count"]
    first, second = sorted(
        (node["inputs"] for node in nodes_of(graph, "KeyVID_Schedule")),
        key=lambda inputs: inputs["model"] != model,
    )
    first["steps"] = equal_steps(
        n_frames,
        n_keyframes=n_keyframes,
        keyframe_steps=first["steps"],
        fill_steps=second["steps"],
    )
    select["inputs"] |= {"strategy": "uniform", "count": n_frames}
    graph["windowed"] = {
        "class_type": "KeyVID_WindowedAttention",
        "inputs": {"model": model, "window": n_keyframes, "stride": n_keyframes // 2},
        "_meta": {"title": "Windowed Attention"},
    }
    for kind in READS_MODEL:
        for node in nodes_of(graph, kind):
            if node["inputs"]["model"] == model:
                node["inputs"]["model"] = ["windowed", 0]
    return fill["inputs"]["keyframes"]


def equal_steps(n_frames: int, *, n_keyframes: int, keyframe_steps: int, fill_steps: int) -> int:
    """How many steps over all frames read at least as many frames as the two stages together."""
    frames_read = n_keyframes * keyframe_steps + n_frames * fill_steps
    return math.ceil(frames_read / n_frames)
