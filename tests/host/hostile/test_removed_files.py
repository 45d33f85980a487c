"""A weight file is removed while it is loaded: it is loaded whole, or a message names it; whenever that happens.

Python tells of every file that it opens (`sys.addaudithook`), so the file goes at the first opening, the second, and so
on, until it is loaded without being missed.
"""

import contextlib
import shutil
import sys

import pytest
import torch
from keyvid_pack.errors import KeyVIDError

from ...helpers import small_video
from ...helpers.graphs.prompts import check_message
from ...helpers.small_checkpoint import filled, whole_shapes
from ...helpers.weight_files import save

MOST_OPENINGS = 40
_watch = {}  # what the hook does, since a hook cannot be taken away


def _hook(event, arguments):
    if event == "open" and _watch and str(arguments[0]) == _watch["path"]:
        _watch["left"] -= 1
        if _watch["left"] == 0:
            _watch["remove"]()


sys.addaudithook(_hook)


@contextlib.contextmanager
def removed_at_opening(path, number):
    """The file is gone when it is opened for the n-th time."""
    _watch.update(path=str(path), left=number, remove=lambda: path.unlink(missing_ok=True))
    try:
        yield
    finally:
        _watch.clear()


@pytest.fixture(params=["safetensors", "zip", "legacy"])
def kept(request, tmp_path):
    path = tmp_path / "kept"
    state = {name: tensor.contiguous() for name, tensor in filled(whole_shapes()).items()}
    save(state, path, request.param)
    return path


def read_tensors(path):
    """All tensors of a file, as the loaders read them; a copy, so that nothing of it is read later."""
    from keyvid_pack.models.checkpoint.files import load_tensors

    return {name: tensor.clone() for name, tensor in load_tensors(path).items()}


def load_model(path):
    from keyvid_pack.nodes.loaders import LoadModel

    return LoadModel.execute(model_name=path.name, weight_dtype="default")


def check_every_opening(path, kept, load):
    """Remove the file at its n-th opening, for every n until it is not missed."""
    n_refused, is_whole = 0, False
    for number in range(1, MOST_OPENINGS):
        shutil.copyfile(kept, path)
        with removed_at_opening(path, number):
            try:
                load(path)
            except KeyVIDError as error:
                check_message(str(error), [path.name])
                n_refused += 1
        if path.exists():
            is_whole = True
            break
    assert is_whole and n_refused > 0
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_file_that_goes_while_it_is_read_is_named(tmp_path, kept):
    folder = tmp_path / "folder"
    folder.mkdir()
    check_every_opening(folder / "model.ckpt", kept, read_tensors)


def test_a_model_that_goes_while_it_is_loaded_is_named(models_folder, tmp_path):
    kept = small_video.write_model(tmp_path / "kept.safetensors", kind="generator")
    check_every_opening(models_folder / "keyvid" / "model.safetensors", kept, load_model)


def test_a_file_that_was_mapped_is_used_to_its_end(models_folder, kept):
    from keyvid_pack.models.checkpoint.files import load_tensors

    path = models_folder / "keyvid" / "model.safetensors"
    shutil.copyfile(kept, path)
    expected = {name: tensor.clone() for name, tensor in load_tensors(kept).items()}
    found = load_tensors(path)
    path.unlink()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_name_whose_file_is_gone_is_refused_before_a_run(models_folder, kept):
    from keyvid_pack.nodes.loaders import LoadModel

    path = models_folder / "keyvid" / "model.safetensors"
    shutil.copyfile(kept, path)
    assert LoadModel.validate_inputs(model_name=path.name) is True
    path.unlink()
    assert path.name in LoadModel.validate_inputs(model_name=path.name)
