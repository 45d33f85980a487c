"""The converter: the same tensors come out, one at a time, and nothing is lost when it fails."""

import io
import json
import shlex
import tracemalloc
import weakref

import pytest
import torch
from keyvid_pack.errors import CheckpointFileError, CheckpointUnknownError, CheckpointUnsafeError
from keyvid_pack.models.checkpoint import files as checkpoint_files
from keyvid_pack.models.checkpoint import torch_file
from keyvid_pack.released import convert as tool
from keyvid_pack.released.convert import convert
from safetensors.torch import load_file, save_file

from ...helpers.weight_files import SAVES, same_tensors, save_training_file, small_state


@pytest.mark.parametrize("save", SAVES)
def test_training_file_becomes_the_same_tensors(tmp_path, save):
    state = small_state()
    source, target = tmp_path / "epoch=859.ckpt", tmp_path / "out.safetensors"
    save_training_file(source, state, **SAVES[save])
    result = convert(source, target)
    assert same_tensors(load_file(target), state)
    assert same_tensors(checkpoint_files.load_tensors(target), state)
    assert result.n_tensors == len(state)
    assert {"callbacks", "hyper_parameters", "optimizer_states", "metric"} <= set(result.left_out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch=859.ckpt", "out.safetensors"]


@pytest.mark.parametrize("save", SAVES)
def test_the_training_file_itself_is_refused_by_the_loader(tmp_path, save):
    source = tmp_path / "epoch=859.ckpt"
    save_training_file(source, small_state(), **SAVES[save])
    for read in (checkpoint_files.read_file, checkpoint_files.load_tensors):
        with pytest.raises(CheckpointUnsafeError, match="training_tool.*dev.py convert"):
            read(source)


def test_the_refusal_gives_a_command_that_can_be_pasted(tmp_path):
    source = tmp_path / "my models" / "epoch=859.ckpt"
    source.parent.mkdir()
    save_training_file(source, small_state(), **next(iter(SAVES.values())))
    with pytest.raises(CheckpointUnsafeError) as refusal:
        checkpoint_files.read_file(source)
    words = shlex.split(str(refusal.value).partition("python dev.py convert ")[2].split(". ")[0])
    assert words == [str(source), str(source.with_suffix(".safetensors")), "--half", "--prune"]


def test_half_keeps_what_does_not_fit(tmp_path):
    state = {
        "weight": torch.tensor([0.1, -2.0]),
        "large": torch.tensor([1e6, 1.0]),
        "infinite": torch.tensor([float("inf"), 1.0]),
        "no number": torch.tensor([float("nan"), 1.0]),
        "largest": torch.tensor([65519.0, -65519.0]),
        "too large by rounding": torch.tensor([-65520.0]),
        "infinite and large": torch.tensor([float("inf"), 1e6]),
        "empty": torch.empty(0, 3),
        "half": torch.tensor([0.1]).half(),
        "count": torch.tensor([3]),
    }
    torch.save(state, tmp_path / "x.pt")
    result = convert(tmp_path / "x.pt", tmp_path / "x.safetensors", half=True)
    expected = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }
    kept = ("large", "too large by rounding", "infinite and large")
    found = load_file(tmp_path / "x.safetensors")
    assert found.pop("no number").half().isnan().tolist() == [True, False]
    del expected["no number"]
    assert same_tensors(found, {**expected, **{name: state[name] for name in kept}})
    assert sorted(result.full_precision) == sorted(kept)


def test_safetensors_keeps_its_metadata(tmp_path):
    block = {"keyvid": json.dumps({"version": 1, "name": "ours"}), "note": "täst"}
    save_file({"a": torch.arange(6.0).reshape(2, 3)}, tmp_path / "a.safetensors", metadata=block)
    convert(tmp_path / "a.safetensors", tmp_path / "b.safetensors", half=True)
    file = checkpoint_files.read_file(tmp_path / "b.safetensors")
    assert file.metadata == {"format": "pt", **block}
    assert file.dtypes == {"a": torch.float16}


def test_nothing_is_overwritten_unless_asked(tmp_path):
    source, target = tmp_path / "x.pt", tmp_path / "out.safetensors"
    torch.save(small_state(), source)
    target.write_text("precious")
    with pytest.raises(CheckpointFileError, match="--force"):
        convert(source, target)
    assert target.read_text() == "precious"
    convert(source, target, force=True)
    assert same_tensors(load_file(target), small_state())
    with pytest.raises(CheckpointFileError, match="made from"):
        convert(target, target, force=True)
    assert same_tensors(load_file(target), small_state())


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    source, target = tmp_path / "x.pt", tmp_path / "out.safetensors"
    torch.save(small_state(), source)
    target.write_text("precious")

    def full_disk(file, *_arguments):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tool.safetensors_file, "write_stream", full_disk)
    with pytest.raises(CheckpointFileError, match="No space left"):
        convert(source, target, force=True)
    assert target.read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 2


def test_targets_that_cannot_be_written(tmp_path):
    source = tmp_path / "x.pt"
    torch.save(small_state(), source)
    (tmp_path / "folder.safetensors").mkdir()
    for name, said in (
        ("x.ckpt", "must end in"),
        ("folder.safetensors", "folder"),
        ("no/x.safetensors", "no folder"),
    ):
        with pytest.raises(CheckpointFileError, match=said):
            convert(source, tmp_path / name, force=True)


def test_prune_needs_to_know_the_file(tmp_path):
    torch.save(small_state(), tmp_path / "x.pt")
    with pytest.raises(CheckpointUnknownError):
        convert(tmp_path / "x.pt", tmp_path / "x.safetensors", prune=True)


def test_a_file_of_objects_alone_has_nothing_to_convert(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "x.pt")
    with pytest.raises(CheckpointFileError, match="holds no tensors"):
        convert(tmp_path / "x.pt", tmp_path / "x.safetensors")


def test_one_tensor_is_in_memory_at_a_time(tmp_path, monkeypatch):
    torch.save({f"t{i}": torch.full((1000,), float(i)) for i in range(20)}, tmp_path / "x.pt")
    alive = []
    original = torch_file.tensor_reader

    def counting(file):
        read, close = original(file)

        def counted(tensor):
            assert not any(ref() is not None for ref in alive)
            result = read(tensor)
            alive.append(weakref.ref(result))
            return result

        return counted, close

    monkeypatch.setattr(torch_file, "tensor_reader", counting)
    convert(tmp_path / "x.pt", tmp_path / "x.safetensors")
    assert len(alive) == 20


class CountingFile(io.BufferedReader):
    n_bytes = 0

    def readinto(self, buffer):
        CountingFile.n_bytes += len(buffer)
        return super().readinto(buffer)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("save", SAVES)
def test_a_shared_storage_is_read_once_and_held_alone(tmp_path, monkeypatch, save, half):
    """Ten tensors of 400 kB, each shared by five names far apart in the file's list."""
    whole = [torch.full((100_000,), float(k)) for k in range(10)]
    state = {f"{i}.{k}": part[i : i + 100] for i in range(5) for k, part in enumerate(whole)}
    torch.save(state, tmp_path / "x.pt", **SAVES[save])
    monkeypatch.setattr(torch_file, "open", lambda *a: CountingFile(io.FileIO(a[0])), raising=False)
    CountingFile.n_bytes = 0
    tracemalloc.start()
    convert(tmp_path / "x.pt", tmp_path / "x.safetensors", half=half)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert CountingFile.n_bytes == 10 * 400_000
    assert 400_000 < peak < 1_200_000
    expected = {name: tensor.half() if half else tensor for name, tensor in state.items()}
    assert same_tensors(load_file(tmp_path / "x.safetensors"), expected)


def test_main_says_what_it_did(tmp_path, capsys):
    save_training_file(tmp_path / "x.ckpt", small_state())
    arguments = str(tmp_path / "x.ckpt"), str(tmp_path / "Übung 日本.safetensors")
    assert tool.main(*arguments) == 0
    said = capsys.readouterr().out
    assert "Kept 12 tensors" in said and "Left out" in said and "callbacks" in said
    assert tool.main(*arguments) == 1
    assert "--force" in capsys.readouterr().err
    assert tool.main(*arguments, "--force") == 0


def test_names_that_safetensors_cannot_hold_are_left_out(tmp_path):
    one = torch.ones(2)
    torch.save({"a": one, "__metadata__": one, "b\ud800": one}, tmp_path / "x.pt")
    result = convert(tmp_path / "x.pt", tmp_path / "x.safetensors")
    assert result.left_out == ("__metadata__", "b\\ud800")
    assert same_tensors(load_file(tmp_path / "x.safetensors"), {"a": one})


def test_a_partial_file_of_somebody_else_stays(tmp_path):
    torch.save(small_state(), tmp_path / "x.pt")
    theirs = tmp_path / "x.safetensors.partial"
    theirs.write_text("precious")
    convert(tmp_path / "x.pt", tmp_path / "x.safetensors")
    assert theirs.read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("half", [False, True])
def test_tensors_that_cannot_be_read_are_named(tmp_path, monkeypatch, half):
    def reader(_file):
        def read(_tensor):
            raise torch_file.TorchFileError("is cut short")

        return read, lambda: None

    torch.save(small_state(), tmp_path / "x.pt")
    monkeypatch.setattr(torch_file, "tensor_reader", reader)
    with pytest.raises(CheckpointFileError, match="is cut short"):
        convert(tmp_path / "x.pt", tmp_path / "x.safetensors", half=half)
    assert len(list(tmp_path.iterdir())) == 1
