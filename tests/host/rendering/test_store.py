"""What is kept of a render: whole or not at all, and nothing that is not the render's own is touched."""

import json

import pytest
import torch
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.host.rendering.store import LIST, WindowStore
from keyvid_pack.keyframes.long_clips.kept_frames import Stretch

MADE_OF = {"shape": [1, 4, 4, 2, 3], "fps": 24.0, "sound": "s"}
KEYS = ["a" * 32, "b" * 32, "c" * 32]


@pytest.fixture
def store(tmp_path):
    return WindowStore(tmp_path / "video_windows")


def test_latents_come_back_as_they_were(store):
    assert not store.has(KEYS[0])
    latents = torch.randn(1, 4, 5, 2, 3)[:, :, 1:]
    store.put(KEYS[0], latents)
    assert store.has(KEYS[0]) and torch.equal(store.get(KEYS[0]), latents)


@pytest.mark.parametrize("n_bytes", [0, 7, 60])
def test_a_damaged_window_counts_as_missing(store, n_bytes):
    store.put(KEYS[0], torch.randn(1, 4, 2, 2, 3))
    path = store.folder / f"{KEYS[0]}.safetensors"
    path.write_bytes(path.read_bytes()[:n_bytes])
    assert not store.has(KEYS[0])
    with pytest.raises(KeyVIDError, match="gone or damaged"):
        store.get(KEYS[0])


def test_a_finished_render_drops_what_it_does_not_use_and_nothing_else(store):
    for key in KEYS:
        store.put(key, torch.zeros(1, 4, 2, 2, 3))
    own = store.folder / "notes.txt"
    own.write_text("mine")
    (store.folder / f"{'d' * 32}.safetensors.partial").write_bytes(b"half")
    stretches = [Stretch(0, 2, KEYS[0]), Stretch(2, 4, KEYS[2])]
    store.finish(stretches, n_frames=4, made_of=MADE_OF)
    names = {path.name for path in store.folder.iterdir()}
    assert names == {LIST, "notes.txt", f"{KEYS[0]}.safetensors", f"{KEYS[2]}.safetensors"}
    assert store.finished(n_frames=4, made_of=MADE_OF) == stretches and store.is_whole()


@pytest.mark.parametrize(
    ("n_frames", "changes", "words"),
    [
        (5, {}, "has 4 frames, this clip 5"),
        (4, {"shape": [1, 4, 4, 4, 3]}, "another size"),
        (4, {"sound": "t", "fps": 25.0}, "another frame rate and another sound"),
    ],
)
def test_the_render_of_another_clip_is_named(store, n_frames, changes, words):
    store.put(KEYS[0], torch.zeros(1, 4, 4, 2, 3))
    store.finish([Stretch(0, 4, KEYS[0])], n_frames=4, made_of=MADE_OF)
    assert words in store.finished(n_frames=n_frames, made_of={**MADE_OF, **changes})


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"version": 2}', '{"version": 1, "stretches": [{"first": 0}]}',
     '{"version": 1, "stretches": [{"first": 0, "end": 4, "key": "../other", "offset": 0}]}',
     '{"version": 1, "stretches": [{"first": 0, "end": 4.0, "key": "' + KEYS[0] + '", "offset": 0}]}',
     '{"version": 1, "stretches": [{"first": 0, "end": 4, "key": "' + KEYS[0] + '", "offset": -1}]}'],
)  # fmt: skip
def test_a_list_that_is_none_is_no_render(store, text):
    store.put(KEYS[0], torch.zeros(1, 4, 4, 2, 3))
    (store.folder.parent / "other.safetensors").write_bytes(
        (store.folder / f"{KEYS[0]}.safetensors").read_bytes()
    )
    (store.folder / LIST).write_text(text)
    assert "none that is whole" in store.finished(n_frames=4, made_of=MADE_OF)
    assert not store.is_whole()


def test_a_render_whose_window_is_gone_is_not_finished(store):
    store.put(KEYS[0], torch.zeros(1, 4, 4, 2, 3))
    store.finish([Stretch(0, 4, KEYS[0])], n_frames=4, made_of=MADE_OF)
    assert json.loads((store.folder / LIST).read_text())["n_frames"] == 4
    (store.folder / f"{KEYS[0]}.safetensors").unlink()
    assert not store.is_whole()


def test_a_full_disk_is_named(store, monkeypatch):
    import os

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(KeyVIDError, match="No space left"):
        store.put(KEYS[0], torch.zeros(1, 4, 1, 2, 3))
    assert list(store.folder.iterdir()) == []
