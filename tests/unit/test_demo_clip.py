"""The demo's clip: any of the world takes the place of the shipped one, and its true video goes along."""

import json
import wave

import numpy as np
import pytest
from keyvid_pack.tools import demo_clip
from keyvid_pack.tools.environment import ROOT
from keyvid_pack.training.world.clip import CAPTIONS, render_clip
from PIL import Image

WORKFLOWS = ROOT / "workflows" / "api"
DEMO, TIMING = WORKFLOWS / "keyvid_demo.json", WORKFLOWS / "keyvid_timing.json"


def inputs_of(path):
    """{(class, key of the node, input): value} of everything in a graph that is no wire."""
    return {
        (node["class_type"], key, name): value
        for key, node in json.loads(path.read_text(encoding="utf-8")).items()
        for name, value in node["inputs"].items()
        if not isinstance(value, list)
    }


def changes(path, other):
    """{(class, input): value in the other graph} where two graphs differ."""
    before, after = inputs_of(path), inputs_of(other)
    assert before.keys() == after.keys()
    return {(key[0], key[2]): after[key] for key in before if before[key] != after[key]}


def truth_in(folder):
    with np.load(folder / "truth.npz") as file:
        return file["frames"]


def test_without_a_choice_the_graph_is_the_shipped_one(tmp_path, capsys):
    assert demo_clip.main(DEMO, tmp_path) == 0
    assert changes(DEMO, tmp_path / "graph.json") == {}
    shipped = render_clip(demo_clip.SHIPPED_SEED)
    np.testing.assert_array_equal(truth_in(tmp_path), shipped.frames)
    assert not (tmp_path / "input").exists() and capsys.readouterr().out == ""


def test_a_clip_takes_the_place_of_sound_image_and_prompt(tmp_path, capsys):
    choice = json.dumps({"seed": 1_000_003, "scene": "drum"})
    assert demo_clip.main(DEMO, tmp_path, choice) == 0
    clip = render_clip(1_000_003, scene="drum")
    sound, image = "keyvid_drum_1000003.wav", "keyvid_drum_1000003.png"
    assert changes(DEMO, tmp_path / "graph.json") == {
        ("LoadAudio", "audio"): sound,
        ("LoadImage", "image"): image,
        ("CLIPTextEncode", "text"): clip.caption,
    }
    np.testing.assert_array_equal(truth_in(tmp_path), clip.frames)
    with Image.open(tmp_path / "input" / image) as shown:
        np.testing.assert_array_equal(np.asarray(shown), clip.frames[0])
    with wave.open(str(tmp_path / "input" / sound)) as file:
        assert (file.getframerate(), file.getnframes()) == (clip.sample_rate, len(clip.audio))
    said = capsys.readouterr().out
    assert clip.caption in said and sound in said and image in said and "learned" not in said


@pytest.mark.parametrize("scene", CAPTIONS)
def test_a_scene_alone_is_one_that_no_network_saw(tmp_path, capsys, scene):
    assert demo_clip.main(DEMO, tmp_path, json.dumps({"scene": scene})) == 0
    values = inputs_of(tmp_path / "graph.json").values()
    assert any(caption in values for caption in CAPTIONS[scene])
    assert "learned" not in capsys.readouterr().out


def test_a_clip_of_the_training_is_said_to_be_one(tmp_path, capsys):
    assert demo_clip.main(DEMO, tmp_path, '{"seed": 7}') == 0
    assert "may have learned" in capsys.readouterr().out


def test_the_timing_workflow_takes_a_clip_too(tmp_path):
    assert demo_clip.main(TIMING, tmp_path, '{"seed": 1000003}') == 0
    changed = changes(TIMING, tmp_path / "graph.json")
    assert changed.keys() == {("LoadAudio", "audio"), ("LoadImage", "image")}


@pytest.mark.parametrize(
    ("choice", "words"), [('{"seed": -1}', "whole number"), ('{"scene": "violin"}', "no scene")]
)
def test_a_clip_that_does_not_exist_is_refused(tmp_path, capsys, choice, words):
    assert demo_clip.main(DEMO, tmp_path / "base", choice) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "base").exists()
