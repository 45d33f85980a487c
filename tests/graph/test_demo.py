"""The demo with the weights of the pack: made by the real ComfyUI, and looked at by the tracker of the benchmark."""

import json

import numpy as np
import pytest
from keyvid_pack.evaluation.sync import painter
from keyvid_pack.evaluation.sync.conditions import MADE
from keyvid_pack.evaluation.sync.match import count_matches, figures
from keyvid_pack.evaluation.sync.quality import background_variation, colour_drift
from keyvid_pack.evaluation.sync.tracker import read_events
from keyvid_pack.training.world.clip import render_clip

DEMO_SEED = 1_002_013  # the clip that keyvid_demo shows; never trained on


@pytest.fixture(scope="module")
def clip():
    return render_clip(DEMO_SEED)


@pytest.fixture(scope="module")
def video(comfy, clip):
    return painter.paint(comfy, clip, MADE["full"])


def test_the_thing_strikes_when_it_is_heard(clip, video):
    assert video.shape == clip.frames.shape
    found = read_events(video, seed=clip.seed, scene=clip.scene).events
    heard = [event.frame for event in clip.events]
    seen = figures(count_matches([found], [heard], tolerance=2))
    assert seen["recall"] >= 0.75 and seen["precision"] >= 0.75, (heard, list(found))


def test_the_picture_stays_what_it_was(clip, video):
    first = np.abs(video[0].astype(int) - clip.frames[0]).mean()
    assert first < 12, "the first frame is another picture"
    assert background_variation(video, clip.background_mask) < 6  # levels
    assert colour_drift(video, seed=clip.seed, scene=clip.scene) < 40  # levels


def test_the_demo_is_of_this_clip():
    graph = json.loads(painter.GRAPH.read_text(encoding="utf-8"))
    (text,) = [n["inputs"]["text"] for n in graph.values() if n["_meta"]["title"] == "Prompt"]
    assert text == render_clip(DEMO_SEED).caption
