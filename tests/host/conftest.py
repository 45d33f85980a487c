"""The real ComfyUI inside the test process: for what a server would hide, such as single forwards."""

import sys
import types

import pytest
from keyvid_pack.tools import environment

from ..helpers import small_video


@pytest.fixture(scope="session", autouse=True)
def comfyui(tmp_path_factory):
    """ComfyUI's packages importable, on the CPU, with folders of their own."""
    sys.path.insert(0, str(environment.COMFYUI))
    from comfy.cli_args import args

    args.cpu = True
    import folder_paths

    base = tmp_path_factory.mktemp("comfy")
    folders = types.SimpleNamespace(base=base)
    for name in ("input", "output", "temp", "user"):
        (base / name).mkdir()
        getattr(folder_paths, f"set_{name}_directory")(str(base / name))
    yield folders
    sys.path.remove(str(environment.COMFYUI))


@pytest.fixture(scope="session")
def generator(comfyui, tmp_path_factory):
    """MODEL of a small keyframe generator; tests patch clones of it."""
    return _small_model(tmp_path_factory, "generator")


@pytest.fixture(scope="session")
def interpolator(comfyui, tmp_path_factory):
    return _small_model(tmp_path_factory, "interpolator")


@pytest.fixture(scope="session")
def dynamicrafter(comfyui, tmp_path_factory):
    """MODEL of a small network that cannot hear."""
    return _small_model(tmp_path_factory, "dynamicrafter")


def _small_model(tmp_path_factory, kind):
    from keyvid_pack.host.loaders.video_model import load_video_model

    path = tmp_path_factory.mktemp("models") / f"{kind}.safetensors"
    return load_video_model(small_video.write_model(path, kind=kind))


@pytest.fixture
def models_folder(tmp_path, monkeypatch):
    """An empty models folder of ComfyUI, with the pack's own in it, and a pack without weights."""
    import folder_paths
    from keyvid_pack.host.loaders import model_files

    models = tmp_path / "models"
    monkeypatch.setattr(model_files, "EMBEDDED", str(models / "embedded"))
    known = {
        name: ([str(models / name)], suffixes)
        for name, (_, suffixes) in folder_paths.folder_names_and_paths.items()
    }
    known.pop("keyvid", None)
    monkeypatch.setattr(folder_paths, "models_dir", str(models))
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", known)
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    model_files.register_model_folders()
    return models
