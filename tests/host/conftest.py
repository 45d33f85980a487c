"""The real ComfyUI inside the test process: for what a server would hide, such as single forwards."""

import sys
import types

import pytest
from keyvid_pack.tools import environment


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
