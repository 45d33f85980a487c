"""The converter: the same tensors come out, nothing in the file is run, nothing is lost when it fails."""

import io
import itertools
import json
import tracemalloc
import weakref
import zipfile

import numpy as np
import pytest
import torch
from keyvid_pack.keyframes.errors import (
    CheckpointFileError,
    CheckpointUnknownError,
    CheckpointUnsafeError,
)
from keyvid_pack.models import checkpoint_files, pickle_data, torch_file
from keyvid_pack.tools import convert as tool
from keyvid_pack.tools.convert import convert
from safetensors.torch import load_file, save_file

from .weight_files import (
    HARM,
    SAVES,
    replace_pickle,
    same_tensors,
    save_training_file,
    small_state,
)


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


@pytest.mark.parametrize(("harm", "save"), list(itertools.product(HARM, SAVES)))
def test_commands_are_refused_and_not_run(tmp_path, harm, save):
    trace, source, target = tmp_path / "trace", tmp_path / "x.ckpt", tmp_path / "out.safetensors"
    state = small_state()
    places = {
        "beside the weights": {"state_dict": state, "hyper_parameters": {"a": [HARM[harm](trace)]}},
        "among the weights": {**state, "extra": HARM[harm](trace)},
        "instead of the weights": HARM[harm](trace),
        "as a tensor's dictionary": {"state_dict": HARM[harm](trace), "state": state},
    }
    for content in places.values():
        torch.save(content, source, **SAVES[save])
        with pytest.raises(CheckpointUnsafeError, match="Nothing was run"):
            checkpoint_files.read_file(source)
        with pytest.raises(CheckpointUnsafeError, match="Nothing was run"):
            checkpoint_files.load_tensors(source)
        with pytest.raises(CheckpointUnsafeError, match="Nothing was run"):
            convert(source, target)
    assert not trace.exists()
    assert not target.exists()


@pytest.mark.parametrize("harm", HARM)
def test_the_harm_is_real(tmp_path, harm):
    """The objects of the test above do leave a file when Python's own machine reads them."""
    source = tmp_path / "x.ckpt"
    torch.save({"extra": HARM[harm](tmp_path / "trace")}, source)
    outcome = torch.load(source, weights_only=False)["extra"]
    if hasattr(outcome, "wait"):
        outcome.wait()
    assert (tmp_path / "trace").exists()


OPCODES = {
    "INST": b"(S'echo > \"%s\"'\nios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nS'echo > \"%s\"'\no.",
    "REDUCE": b"cposix\nsystem\n(S'echo > \"%s\"'\ntR.",
    "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x06system\x93S'echo > \"%s\"'\n\x85R.",
    "BUILD": b"cposix\nsystem\n(S'echo > \"%s\"'\ntR}S'a'\nK\x01sb.",
    "named but not called": b"}S'a'\ncposix\nsystem\ns.",
}


@pytest.mark.parametrize("opcode", OPCODES)
def test_every_way_to_call_is_seen(tmp_path, opcode):
    trace, plain, source = tmp_path / "trace", tmp_path / "plain.ckpt", tmp_path / "x.ckpt"
    torch.save(small_state(), plain)
    code = OPCODES[opcode]
    replace_pickle(plain, source, code % str(trace).encode() if b"%s" in code else code)
    for read in (
        checkpoint_files.read_file,
        lambda path: convert(path, tmp_path / "o.safetensors"),
    ):
        with pytest.raises(CheckpointUnsafeError, match="system"):
            read(source)
    assert not trace.exists()


def test_a_pickle_is_data():
    """Containers and numbers come out as pickle reads them; names and calls as records."""
    import collections
    import pickle

    plain = {
        "list": [1, 2.5, None, True, "text", b"bytes", 2**70, -3],
        "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
        "nested": {1: {"a": [[]]}},
        "ordered": collections.OrderedDict(a=1, b=2),
    }
    plain["again"] = plain["list"]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        read = pickle_data.read_pickle(pickle.dumps(plain, protocol=protocol))
        expected = dict(plain)
        if protocol < 3:  # bytes are a call there
            assert isinstance(read.value["list"][5], pickle_data.Call)
            expected["list"] = expected["again"] = [
                *plain["list"][:5],
                read.value["list"][5],
                *plain["list"][6:],
            ]
        assert read.value == expected
        assert read.value["again"] is read.value["list"]


def test_deep_nesting_and_rubbish_end_in_an_error():
    deep = b"(" * 200_000 + b"t" * 200_000
    for data in (
        b"",
        b"\x80",
        b"N",
        b"0.",
        b"R.",
        b"}K\x01K\x02",
        b"\x80\x02]q\x00h\x05.",
        b"t.",
        deep + b".",
    ):
        try:
            read = pickle_data.read_pickle(data)
        except pickle_data.PickleDataError:
            continue
        assert data.startswith(b"((")  # the only well-formed one
        assert read.value is not None
    for length in (2**31, 2**40, 2**63 - 1):  # promised, but not there
        for code in (b"\x8e", b"\x8d", b"\x96"):
            with pytest.raises(pickle_data.PickleDataError):
                pickle_data.read_pickle(code + length.to_bytes(8, "little"))
    key = deep + b"N"
    assert len(pickle_data.read_pickle(b"}" + key + b"s.").value) == 1  # not hashed to the bottom


@pytest.mark.parametrize("seed", range(20))
def test_damaged_files_end_in_a_named_error(tmp_path, seed):
    """Flipped bytes and cut ends: the sentence of a CheckpointError, or the file still reads."""
    rng = np.random.default_rng(seed)
    for save in SAVES:
        path = tmp_path / "x.ckpt"
        torch.save({"state_dict": small_state()}, path, **SAVES[save])
        data = bytearray(path.read_bytes())
        for at in rng.integers(0, len(data), 8):
            data[at] = rng.integers(0, 256)
        path.write_bytes(data[: rng.integers(1, len(data) + 1)] if seed % 2 else data)
        target = tmp_path / f"{seed}.safetensors"
        for read in (
            checkpoint_files.load_tensors,
            lambda path, to=target: convert(path, to, force=True),
        ):
            try:
                read(path)
            except (CheckpointFileError, CheckpointUnsafeError) as error:
                assert "x.ckpt" in str(error)


def test_half_keeps_what_does_not_fit(tmp_path):
    state = {
        "weight": torch.tensor([0.1, -2.0]),
        "large": torch.tensor([1e6, 1.0]),
        "infinite": torch.tensor([float("inf"), 1.0]),
        "half": torch.tensor([0.1]).half(),
        "count": torch.tensor([3]),
    }
    torch.save(state, tmp_path / "x.pt")
    result = convert(tmp_path / "x.pt", tmp_path / "x.safetensors", half=True)
    expected = {
        name: tensor.half() if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }
    assert same_tensors(
        load_file(tmp_path / "x.safetensors"), {**expected, "large": state["large"]}
    )
    assert result.full_precision == ("large",)


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


def test_tensors_that_reach_beyond_their_data_are_refused(tmp_path):
    torch.save({"a": torch.arange(4.0)}, tmp_path / "plain.pt")
    with zipfile.ZipFile(tmp_path / "plain.pt") as archive:
        pickle = archive.read("plain/data.pkl")
    # K\x00 is the offset, K\x04\x85 the shape: (offset, (4,), (1,), ...)
    for old, new in ((b"K\x00K\x04\x85", b"K\x09K\x04\x85"), (b"K\x04\x85", b"M\xff\xff\x85")):
        assert pickle.count(old) == 1
        replace_pickle(tmp_path / "plain.pt", tmp_path / "x.pt", pickle.replace(old, new))
        with pytest.raises(CheckpointFileError, match="larger than its data"):
            convert(tmp_path / "x.pt", tmp_path / "x.safetensors")
        with pytest.raises(CheckpointFileError, match="larger than its data"):
            checkpoint_files.read_file(tmp_path / "x.pt")


def test_shapes_read_as_data_are_those_that_were_saved(tmp_path):
    for save in SAVES:
        torch.save({"state_dict": small_state()}, tmp_path / "x.pt", **SAVES[save])
        found, left_out, wrapper = checkpoint_files.stored_tensors(
            torch_file.read_torch_file(tmp_path / "x.pt")
        )
        assert {name: (t.dtype, t.shape, t.stride) for name, t in found.items()} == {
            name: (t.dtype, tuple(t.shape), t.stride()) for name, t in small_state().items()
        }
        assert (left_out, wrapper) == ([], "state_dict")


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
    """Ten tensors of 400 kB, each shared by five names that stand far apart in the file's list."""
    whole = [torch.full((100_000,), float(k)) for k in range(10)]
    state = {f"{i}.{k}": part[i : i + 100] for i in range(5) for k, part in enumerate(whole)}
    torch.save(state, tmp_path / "x.pt", **SAVES[save])
    monkeypatch.setattr(torch_file, "open", lambda *a: CountingFile(io.FileIO(a[0])), raising=False)
    CountingFile.n_bytes = 0
    tracemalloc.start()
    convert(tmp_path / "x.pt", tmp_path / "x.safetensors", half=half)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    n_passes = 2 if half else 1  # what fits into fp16 is found out first
    assert CountingFile.n_bytes == n_passes * 10 * 400_000
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


@pytest.mark.parametrize("member", ["data.pkl", "byteorder", "version"])
def test_compressed_members_are_refused_before_they_are_read(tmp_path, member):
    torch.save(small_state(), tmp_path / "plain.pt")
    source = tmp_path / "x.pt"
    with zipfile.ZipFile(tmp_path / "plain.pt") as old, zipfile.ZipFile(source, "w") as new:
        names = {info.filename for info in old.infolist()}
        assert f"plain/{member}" in names
        for name in names:
            packed = zipfile.ZIP_DEFLATED if name == f"plain/{member}" else zipfile.ZIP_STORED
            new.writestr(name, old.read(name), compress_type=packed)
    for read in (checkpoint_files.read_file, lambda p: convert(p, tmp_path / "o.safetensors")):
        with pytest.raises(CheckpointFileError, match="compressed zip archive"):
            read(source)


def test_endless_pickles_are_given_up(monkeypatch):
    with pytest.raises(pickle_data.PickleDataError, match="unreasonably long"):
        pickle_data.read_pickle(b"\x8e" + (1 << 25).to_bytes(8, "little"))
    monkeypatch.setattr(pickle_data, "MAX_OPCODES", 1000)
    assert pickle_data.read_pickle(b"]" * 999 + b".").value == []
    with pytest.raises(pickle_data.PickleDataError, match="unreasonably long"):
        pickle_data.read_pickle(b"]" * 1000 + b".")


def test_a_dictionary_is_made_of_pairs_alone():
    """A long text named many times as a "pair" would become as many lists of letters."""
    made = b"ccollections\nOrderedDict\n(%stR."
    good = made % b"(lp0\n(S'a'\nK\x01la"
    assert pickle_data.read_pickle(good).value == {"a": 1}
    for bad in (b"S'ab'\n", b"(S'a'\nl", b"(S'a'\nK\x01K\x02l", b"K\x01"):
        with pytest.raises(pickle_data.PickleDataError, match="pairs"):
            pickle_data.read_pickle(made % (b"(l" + bad + b"a"))


def storage(key, n_elements=4, kind="FloatStorage"):
    name = pickle_data.Global("torch", kind)
    return pickle_data.PersistentId(("storage", name, key, "cpu", n_elements))


def described(*arguments, name="_rebuild_tensor_v2", module="torch._utils"):
    return pickle_data.Call(pickle_data.Global(module, name), arguments)


def deep_tuple():
    value = ()
    for _ in range(200_000):
        value = (value,)
    return value


def shared_tuple():
    value = ("x",)
    for _ in range(60):  # 2**60 letters when written out
        value = (value, value)
    return value


HOSTILE = {"deep": deep_tuple, "shared": shared_tuple, "long": lambda: 1 << 40_000}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_is_no_text_is_never_put_into_words(hostile):
    value = HOSTILE[hostile]()
    for bad in (storage(value), storage("0", value), pickle_data.PersistentId(value), value):
        with pytest.raises(torch_file.TorchFileError):
            torch_file.stored_tensor(described(bad, 0, (4,), (1,)))
    key = value if isinstance(value, int) else pickle_data.Call(None, (value,))
    fine = described(storage("0"), 0, (4,), (1,))
    for content, others in (
        ({"a": fine, key: fine}, ["an unnamed object"]),
        ({"state_dict": {"a": fine}, key: 1}, ["an unnamed object"]),
    ):
        found, left_out, _ = checkpoint_files.stored_tensors(torch_file.TorchFile("x", content))
        assert (list(found), left_out) == (["a"], others)


BAD_SIZES = {
    "33 axes": (0, (1,) * 33, (1,) * 33),
    "huge sizes": (0, (1 << 200_000,) * 32, (1,) * 32),
    "huge stride": (0, (1,), (2**70,)),
    "huge offset": (2**70, (0,), (1,)),
    "shape 5": (0, 5, (1,)),
    "lists": (0, [4], [1]),
    "lengths": (0, (4,), (4, 1)),
    "true": (0, (True,), (1,)),
    "negative": (0, (-1,), (1,)),
    "text": ("0", (4,), (1,)),
}


@pytest.mark.parametrize("case", BAD_SIZES)
def test_sizes_are_checked_before_they_are_used(case):
    with pytest.raises(torch_file.TorchFileError, match="sizes are no sizes"):
        torch_file.stored_tensor(described(storage("0"), *BAD_SIZES[case]))


def test_calls_with_other_arguments_end_in_a_named_error():
    rebuild = described(name="_rebuild_tensor_v2").function
    for argument in (None, 5, [storage("0"), 0, (4,), (1,)]):
        typed = described(
            rebuild, None, argument, name="_rebuild_from_type_v2", module="torch._tensor"
        )
        with pytest.raises(torch_file.TorchFileError, match="no sense"):
            torch_file.stored_tensor(typed)
    untyped = storage("0", 5, "UntypedStorage")
    rest = (0, (1,), (1,), False, {}, pickle_data.Global("torch", "float32"))
    with pytest.raises(torch_file.TorchFileError, match="middle of a number"):
        torch_file.stored_tensor(described(untyped, *rest, name="_rebuild_tensor_v3"))


def test_types_come_from_a_table():
    def typed(name):
        rest = (0, (1,), (1,), False, {}, name)
        return described(storage("0", 8, "UntypedStorage"), *rest, name="_rebuild_tensor_v3")

    for dtype in (torch.uint16, torch.bfloat16, torch.complex64):
        name = pickle_data.Global(*str(dtype).split("."))
        assert torch_file.stored_tensor(typed(name)).dtype == dtype
    for name in (
        pickle_data.Global("os", "float32"),
        pickle_data.Global("torch", "float"),
        pickle_data.Global("torch", "nn"),
        "float32",
    ):
        with pytest.raises(torch_file.TorchFileError, match="unknown type"):
            torch_file.stored_tensor(typed(name))


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
