"""A clip longer than the model's in the real ComfyUI, with the weights of the pack: the drum strikes when it is heard,
a retake changes its frames only, and a server that was killed goes on where it was."""

import copy
import json
import sys
import time

import av
import numpy as np
import pytest
import safetensors.torch
from keyvid_pack.evaluation.measures.matching import count_matches, figures
from keyvid_pack.evaluation.tracker.reader import read_events
from keyvid_pack.keyframes.timebase import n_samples_at
from keyvid_pack.tools import environment, server

from ...helpers.graphs.prompts import succeed
from ...helpers.graphs.workflow_files import api_form

SEED, SCENE = 1_000_021, "drum"  # of keyvid_world_drum.png
N_FRAMES = 100
# strikes of keyvid_snare_accelerate.wav in its first 100 frames, read off librosa's annotation of the whole file
TRUE_FRAMES = [0, 20, 39, 58, 75, 91]


def song(prefix, **render):
    """The workflow's API form for its first N_FRAMES; render: inputs of Render Video."""
    changes = {
        "KeyVID_ClipAudio": {"n_frames": N_FRAMES},
        "KeyVID_RenderVideo": {"filename_prefix": prefix, **render},
    }
    prompt = api_form("keyvid_song")
    for node in prompt.values():
        node["inputs"].update(changes.get(node["class_type"], {}))
    return prompt


def latents(folder):
    """The latents of every frame of the finished render, (n_frames, 4, h, w)."""
    stretches = json.loads((folder / "frames.json").read_text())["stretches"]
    pieces = []
    for s in stretches:
        kept = safetensors.torch.load_file(folder / f"{s['key']}.safetensors")["latents"][0]
        pieces.append(kept[:, s["offset"] : s["offset"] + s["end"] - s["first"]])
    return np.concatenate([piece.numpy() for piece in pieces], axis=1).swapaxes(0, 1)


@pytest.fixture(scope="module")
def rendered(comfy):
    """(the video's path, the latents of its frames)."""
    prompt = song("song/drum")
    outputs = succeed(comfy, prompt)
    shown = {prompt[key]["class_type"]: ui for key, ui in outputs.items()}
    (saved,) = shown["KeyVID_RenderVideo"]["images"]
    folder = comfy.base / "output" / saved["subfolder"]
    return folder / saved["filename"], latents(folder / "drum_windows")


def test_the_drum_strikes_when_it_is_heard(rendered):
    path, _ = rendered
    with av.open(str(path)) as container:
        stream, sound = container.streams.video[0], container.streams.audio[0]
        assert stream.average_rate == 24
        rate = sound.sample_rate
        expected = n_samples_at(N_FRAMES, fps=24, sample_rate=rate)
        assert sound.duration * sound.time_base * rate == expected
        frames = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(stream)])
    assert len(frames) == N_FRAMES
    found = read_events(frames, seed=SEED, scene=SCENE).events
    # a strike on frame 0 is not seen coming, and the tracker needs that
    seen = figures(count_matches([found], [TRUE_FRAMES[1:]], tolerance=2))
    assert seen["recall"] >= 0.8 and seen["precision"] >= 0.8, (TRUE_FRAMES, list(found))


def test_a_retake_keeps_every_other_frame_to_the_bit(comfy, rendered):
    _, before = rendered
    prompt = song("song/drum", retake="40-57", retake_seed=4)
    succeed(comfy, prompt)
    after = latents(comfy.base / "output" / "song" / "drum_windows")
    changed = [i for i in range(N_FRAMES) if not np.array_equal(before[i], after[i])]
    assert changed and set(changed) <= set(range(40, 58))


@pytest.mark.long
def test_a_server_killed_in_the_middle_goes_on(tmp_path, rendered):
    _, whole = rendered
    arguments = {"python": sys.executable, "pack": environment.ROOT}
    with server.running(tmp_path, **arguments) as comfy:
        comfy.post("/prompt", {"prompt": copy.deepcopy(song("song"))})
        folder = tmp_path / "output" / "song_windows"
        ends_s = time.monotonic() + 3600
        while not list(folder.glob("*.safetensors")):
            assert comfy.process.poll() is None and time.monotonic() < ends_s, "nothing was painted"
            time.sleep(0.1)
        comfy.process.kill()
        comfy.process.wait()
    painted = {path: path.stat().st_mtime_ns for path in folder.glob("*.safetensors")}
    assert not list((tmp_path / "output").glob("*.mp4"))
    with server.running(tmp_path, **arguments) as comfy:
        succeed(comfy, song("song"))
    assert {path: path.stat().st_mtime_ns for path in painted} == painted, "painted again"
    assert np.array_equal(latents(folder), whole)
