"""Damaged weight files of every kind: each is read, or refused with a message that names it; nothing is left behind.

10,000 of them with `python dev.py test networks --long -k hostile`. Damaged are the bytes of a file, the list of
tensors of a safetensors file, and the pickle of a file of PyTorch or of Lightning.
"""

import json
import random
import shutil
import zipfile

import pytest
import torch
from keyvid_pack.errors import CheckpointError
from keyvid_pack.models.checkpoint.checkpoint import open_checkpoint
from keyvid_pack.models.checkpoint.files import load_tensors, read_file
from keyvid_pack.released.convert import convert

from ...helpers.hostile.damage import damaged, places
from ...helpers.weight_files import replace_pickle, save, save_training_file, small_state

KINDS = ("safetensors", "safetensors, its list", "zip", "zip, its pickle", "legacy", "Lightning")
ODD = (None, True, -1, 0, 1.5, 2**31, 2**63, 10**400, "", "F32", "F99", "../../x", "a" * 10_000, "\ud800", [], [[]],
       [-1], [2**62, 2**62], [1] * 40, {}, {"dtype": "F32"})  # fmt: skip
FEW = [12, pytest.param(10_000 // len(KINDS) + 1, marks=pytest.mark.long)]
# a whole message, with two names of tensors in full; a file's own text could be of any length
LONGEST = 2500


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    """{kind: path} of files without damage."""
    folder = tmp_path_factory.mktemp("whole")
    paths = {}
    for kind in KINDS:
        paths[kind] = folder / kind.replace(", ", "_").replace(" ", "_")
        state = {
            name: tensor.detach().clone().contiguous() for name, tensor in small_state().items()
        }
        if kind == "Lightning":
            save_training_file(paths[kind], state)
        else:
            save(state, paths[kind], kind.partition(",")[0], metadata=None)
    return paths


def damaged_list(data, rng):
    """A safetensors file whose list of tensors says something else at one or two places."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    if rng.random() < 0.3:
        header["__metadata__"] = rng.choice(
            [*ODD, {"keyvid": rng.choice(('{"version": 9}', "{", "[]", "9" * 5000))}]
        )
    for _ in range(rng.randint(1, 2)):
        container, key = rng.choice(list(places(header)))
        if isinstance(container, dict) and rng.random() < 0.2:
            container[rng.choice(("", "../x", "a\0b", "\ud800"))] = container.pop(key)
        else:
            container[key] = rng.choice(ODD)
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def write_damaged(kind, source, target, rng):
    """A damaged copy of a file."""
    data = source.read_bytes()
    if kind == "safetensors, its list":
        target.write_bytes(damaged_list(data, rng))
    elif kind == "zip, its pickle":
        with zipfile.ZipFile(source) as archive:
            (name,) = [one for one in archive.namelist() if one.endswith("data.pkl")]
            replace_pickle(source, target, damaged(archive.read(name), rng))
    else:
        target.write_bytes(damaged(data, rng, front=rng.choice((0.2, 1.0))))


@pytest.mark.parametrize("n_files", FEW)
@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_weight_file_is_read_or_refused_with_a_message(
    tmp_path, whole_files, kind, n_files
):
    rng = random.Random(kind)
    inner = tmp_path / "models"
    inner.mkdir()
    path, target = inner / "file.ckpt", inner / "converted.safetensors"
    reads = (
        read_file,
        load_tensors,
        open_checkpoint,
        lambda path: convert(path, target, force=True),
    )
    n_refused = 0
    for number in range(n_files):
        write_damaged(kind, whole_files[kind], path, rng)
        for read in reads:
            try:
                read(path)
            except CheckpointError as error:
                said = str(error)
                assert path.name in said or read is open_checkpoint, (number, said)
                assert len(said) < LONGEST and said.isprintable(), (number, said)
                n_refused += 1
        left = {one.name for one in inner.iterdir()} - {path.name, target.name}
        assert not left and list(tmp_path.iterdir()) == [inner], (number, left)
        target.unlink(missing_ok=True)
    assert n_refused > n_files // 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_files_without_damage_are_read(tmp_path, whole_files, kind):
    """The comparison above can fail: it is the damage that is refused."""
    target = tmp_path / "converted.safetensors"
    source = shutil.copy(whole_files[kind], tmp_path / "file.ckpt")
    convert(source, target)
    found, expected = load_tensors(target), small_state()
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name].detach()) for name in expected)
