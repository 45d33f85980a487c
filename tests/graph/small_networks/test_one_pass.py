"""Every frame at once, without keyframes, by the pack's generator in the real ComfyUI."""

import av

from ...helpers.graphs.prompts import succeed
from ...helpers.graphs.workflow_files import api_form


def test_the_workflow_makes_a_video_of_all_frames(comfy):
    prompt = api_form("keyvid_one_pass")
    (schedule,) = [n for n in prompt.values() if n["class_type"] == "KeyVID_Schedule"]
    schedule["inputs"]["steps"] = 1
    outputs = succeed(comfy, prompt)
    (saved,) = [
        ui["images"][0] for key, ui in outputs.items() if prompt[key]["class_type"] == "SaveVideo"
    ]
    with av.open(comfy.base / "output" / saved["subfolder"] / saved["filename"]) as video:
        assert len(list(video.decode(video=0))) == 48
        assert [stream.type for stream in video.streams] == ["video", "audio"]
