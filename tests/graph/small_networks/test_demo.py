"""The demo with the weights of the pack: made by the real ComfyUI, and looked at by the tracker of the benchmark."""

import json
import wave

import numpy as np
import pytest
from keyvid_pack.evaluation import renderer
from keyvid_pack.evaluation.measures.matching import count_matches, figures
from keyvid_pack.evaluation.measures.video_metrics import background_variation, identity_drift
from keyvid_pack.evaluation.tracker.reader import read_events
from keyvid_pack.evaluation.variants import RENDERED
from keyvid_pack.tools.demo_clip import SHIPPED_SEED
from keyvid_pack.tools.environment import ROOT
from keyvid_pack.training.world.clip import render_clip
from PIL import Image

MEDIA = ROOT / "workflows" / "media"


@pytest.fixture(scope="module")
def clip():
    return render_clip(SHIPPED_SEED)


@pytest.fixture(scope="module")
def video(comfy, clip):
    return renderer.render_video(comfy, clip, RENDERED["full"])


def test_the_thing_strikes_when_it_is_heard(clip, video):
    assert video.shape == clip.frames.shape
    found = read_events(video, seed=clip.seed, scene=clip.scene).events
    events = [event.frame for event in clip.events]
    seen = figures(count_matches([found], [events], tolerance=2))
    assert seen["recall"] >= 0.75 and seen["precision"] >= 0.75, (events, list(found))


def test_the_image_stays_what_it_was(clip, video):
    first = np.abs(video[0].astype(int) - clip.frames[0])
    moving = (
        np.abs(clip.frames.astype(int) - clip.frames[0]).max(axis=(0, 3)) > 30
    )  # where the ball goes
    assert first[~moving].mean() < 6 and first[moving].mean() < 12  # levels
    assert background_variation(video, clip.background_mask) < 6
    assert identity_drift(video, seed=clip.seed, scene=clip.scene).colour < 40


def test_the_demo_is_of_this_clip(clip):
    inputs = [node["inputs"] for node in json.loads(renderer.GRAPH.read_text()).values()]
    assert clip.caption in [text for each in inputs if (text := each.get("text"))]
    (image,) = [each["image"] for each in inputs if isinstance(each.get("image"), str)]
    with Image.open(MEDIA / image) as shown:
        assert np.array_equal(np.asarray(shown.convert("RGB")), clip.frames[0])
    (sound,) = [each["audio"] for each in inputs if isinstance(each.get("audio"), str)]
    with wave.open(str(MEDIA / sound)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32767
        assert file.getframerate() == clip.sample_rate
    assert np.abs(samples - clip.audio).max() < 1 / 32767
