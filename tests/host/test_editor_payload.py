"""Edit Keyframes hands its editor what it shows and plays, small and once."""

import json
import os
import types
import wave

import numpy as np
import pytest
import torch
from keyvid_pack.errors import PlanMismatchError
from keyvid_pack.keyframes.curve import motion_curve
from keyvid_pack.keyframes.plan import plan_at_frames
from keyvid_pack.keyframes.plan_document import plan_to_document

from ..helpers.plan_cases import plan_to_json

RATE = 16_000


def plan_of(frames=(0, 12, 24), n_frames=48):
    return plan_at_frames(frames, fps=24.0, n_frames=n_frames)


def sound(seed=0, length_s=2.0, n_channels=1):
    generator = torch.Generator().manual_seed(seed)
    waveform = torch.rand(1, n_channels, round(length_s * RATE), generator=generator) - 0.5
    return {"waveform": waveform, "sample_rate": RATE}


def shown_by(*arguments, **options):
    from keyvid_pack.nodes.edit import EditKeyframes

    ui = EditKeyframes.execute(*arguments, **options).ui
    assert set(ui) == {"keyvid_edit"}
    (shown,) = json.loads(json.dumps(ui))["keyvid_edit"]
    return shown


def test_a_plan_alone_is_shown_alone(comfyui):
    shown = shown_by(plan_of())
    assert shown["plan"] == shown["prediction"] == plan_to_document(plan_of())
    assert (shown["n_frames"], shown["fps"], shown["notice"], shown["error"]) == (48, 24, "", "")
    assert shown["curve"] is shown["peaks"] is shown["audio"] is None
    assert shown["onsets"] == shown["beats"] == shown["curve_peaks"] == []


def test_the_sound_is_written_once_and_never_under_anothers_name(comfyui):
    first, again, other = (shown_by(plan_of(), audio=sound(seed))["audio"] for seed in (0, 0, 1))
    assert first == again != other
    assert first["type"] == "temp"
    path = comfyui.base / "temp" / first["subfolder"] / first["filename"]
    with wave.open(str(path)) as file:
        assert (file.getnframes(), file.getframerate()) == (2 * RATE, RATE)
    written = os.stat(path).st_mtime_ns
    shown_by(plan_of(), audio=sound(0))
    assert os.stat(path).st_mtime_ns == written
    path.unlink()  # as someone who tidies the temp folder
    shown_by(plan_of(), audio=sound(0))
    assert path.is_file()


def test_a_sound_is_heard_once_for_any_number_of_edits(comfyui, monkeypatch):
    from keyvid_pack.host import editor_payload

    heard = []

    def outline(samples, sample_rate, **options):
        heard.append(options["n_frames"])
        return {"onsets": [7]}

    monkeypatch.setattr(editor_payload, "sound_outline", outline)
    monkeypatch.setattr(editor_payload, "_outlines", {})
    for edit in ("", "0, 5", "0, 6"):
        assert shown_by(plan_of(), audio=sound(2), edit=edit)["onsets"] == [7]
    assert len(heard) == 1
    for seed in range(3, 3 + 2 * editor_payload.N_KEPT):
        shown_by(plan_of(), audio=sound(seed))
    assert len(editor_payload._outlines) == editor_payload.N_KEPT


def test_a_sound_too_long_for_a_browser_is_drawn_but_not_played(comfyui, monkeypatch):
    from keyvid_pack.host import editor_payload

    monkeypatch.setattr(editor_payload, "MAX_PLAYED_S", 1.0)
    shown = shown_by(plan_of(), audio=sound(2))
    assert shown["audio"] is None
    assert "Timing Preview" in shown["audio_notice"]
    assert len(shown["peaks"]["min"]) == 8 * 48


def test_the_curve_is_shown(comfyui):
    score = np.zeros(48)
    score[20] = 0.75
    shown = shown_by(plan_of(), curve=motion_curve(score, fps=24.0, source="test"))
    assert shown["curve"] == score.tolist()
    assert shown["curve_peaks"] == [20]


def test_the_prediction_is_shown_although_the_edit_does_not_fit_it(comfyui, monkeypatch):
    from comfy_execution.utils import CurrentNodeContext
    from server import PromptServer

    sent = []
    server = types.SimpleNamespace(client_id="me", send_sync=lambda *message: sent.append(message))
    monkeypatch.setattr(PromptServer, "instance", server, raising=False)
    text = json.dumps(
        {"version": 1, "plan": json.loads(plan_to_json(plan_of(n_frames=96))), "base": None}
    )
    with pytest.raises(PlanMismatchError) as raised, CurrentNodeContext("a run", "4:2"):
        shown_by(plan_of(), audio=sound(), edit=text)
    ((event, message, receiver),) = sent
    assert (event, receiver) == ("executed", "me")
    assert (message["node"], message["display_node"], message["prompt_id"]) == (
        "4:2",
        "4:2",
        "a run",
    )
    (shown,) = message["output"]["keyvid_edit"]
    assert shown["prediction"]["n_frames"] == 48
    assert shown["plan"] is None
    assert shown["error"] == str(raised.value)
    assert shown["audio"] and shown["peaks"]


def test_without_a_browser_the_error_is_all(comfyui):
    with pytest.raises(PlanMismatchError):
        shown_by(plan_of(), edit=plan_to_json(plan_of(n_frames=96)))


STRIKES = [(0.25, 1.0, True), (0.5, 0.3, False), (1.0, 0.5, True)]


def test_the_strikes_shown_are_those_of_the_curve(comfyui):
    curve = motion_curve(np.linspace(0, 1, 48), fps=24, source="onset", strikes=STRIKES)
    for more in ({}, {"audio": sound(3)}):
        shown = shown_by(plan_of(), curve=curve, **more)
        assert (shown["onsets"], shown["candidates"]) == ([6, 24], [12])


def test_the_strikes_of_a_beats_curve_are_its_beats(comfyui):
    curve = motion_curve(np.linspace(0, 1, 48), fps=24, source="beats", strikes=STRIKES)
    shown = shown_by(plan_of(), curve=curve, audio=sound(3))
    assert shown["beats"] == [6, 12, 24] and shown["onsets"] != [6, 24]


@pytest.mark.parametrize("source", ["onset", "beats"])
def test_a_curve_of_an_old_file_leaves_the_strikes_to_the_sound(comfyui, source):
    curve = motion_curve(np.linspace(0, 1, 48), fps=24, source=source)
    alone, beside = (
        shown_by(plan_of(), audio=sound(3)),
        shown_by(plan_of(), curve=curve, audio=sound(3)),
    )
    for name in ("onsets", "candidates", "beats"):
        assert alone[name] == beside[name]
