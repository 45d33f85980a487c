"""What torch.save writes, read as data: nothing in it is run, and hostile content ends in an error message."""

import itertools
import zipfile

import numpy as np
import pytest
import torch
from keyvid_pack.errors import CheckpointFileError, CheckpointUnsafeError
from keyvid_pack.models.checkpoint import files as checkpoint_files
from keyvid_pack.models.checkpoint import pickle_data, torch_file
from keyvid_pack.released.convert import convert

from ...helpers.weight_files import HARM, SAVES, replace_pickle, small_state


@pytest.mark.parametrize(("harm", "save"), list(itertools.product(HARM, SAVES)))
def test_commands_are_refused_and_not_run(tmp_path, harm, save):
    trace, source, target = tmp_path / "trace", tmp_path / "x.ckpt", tmp_path / "out.safetensors"
    state = small_state()
    contents = {
        "beside the weights": {"state_dict": state, "hyper_parameters": {"a": [HARM[harm](trace)]}},
        "among the weights": {**state, "extra": HARM[harm](trace)},
        "instead of the weights": HARM[harm](trace),
        "as a tensor's dictionary": {"state_dict": HARM[harm](trace), "state": state},
    }
    for content in contents.values():
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


@pytest.mark.parametrize("seed", range(20))
def test_damaged_files_end_in_a_named_error(tmp_path, seed):
    """Flipped bytes and cut ends: a CheckpointError, or the file still reads."""
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
