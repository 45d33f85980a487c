"""The workflow in which a drum's video makes a ball bounce, as it is shipped, looked at by the benchmark's tracker."""

import av
import numpy as np
import pytest
from keyvid_pack.evaluation.measures.matching import count_matches, figures
from keyvid_pack.evaluation.tracker.reader import read_events
from keyvid_pack.tools.demo_clip import SHIPPED_SEED
from keyvid_pack.tools.environment import ROOT
from keyvid_pack.training.world.clip import render_clip

from ...helpers.graphs.prompts import succeed
from ...helpers.graphs.workflow_files import api_form

REFERENCE_SEED = 1_003_002
REFERENCE = ROOT / "workflows" / "media" / "keyvid_reference_drum.mp4"
MAX_BYTES = 300_000


@pytest.fixture(scope="module")
def reference():
    return render_clip(REFERENCE_SEED, scene="drum")


def frames_of(path):
    with av.open(str(path)) as video:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)])


def test_the_reference_is_a_clip_that_the_networks_have_not_seen(reference):
    shown = frames_of(REFERENCE)
    small = shown.reshape(48, 96, 4, 128, 4, 3).mean(axis=(2, 4))
    assert np.abs(small - reference.frames).mean() < 4  # levels; it is compressed
    assert REFERENCE.stat().st_size < MAX_BYTES


def test_the_ball_bounces_when_the_drum_is_struck(comfy, reference):
    prompt = api_form("keyvid_motion_from_video")
    outputs = succeed(comfy, prompt)
    by_class = {prompt[key]["class_type"]: ui for key, ui in outputs.items()}
    strikes = [event.frame for event in reference.events]
    plan = by_class["KeyVID_EditKeyframes"]["keyvid_edit"][0]["plan"]
    peaks = [k["frame"] for k in plan["keyframes"] if k["kind"] == "peak"]
    assert [abs(a - b) <= 1 for a, b in zip(peaks, strikes, strict=True)] == [True] * len(strikes)
    (saved,) = by_class["SaveVideo"]["images"]
    video = frames_of(comfy.base / "output" / saved["subfolder"] / saved["filename"])
    assert video.shape == (48, 96, 128, 3)
    found = read_events(video, seed=SHIPPED_SEED, scene="ball").events
    seen = figures(count_matches([found], [strikes], tolerance=2))
    assert seen["recall"] == 1 and seen["precision"] >= 0.75, (strikes, list(found))
