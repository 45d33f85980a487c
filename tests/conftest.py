"""Lets tests import the pack under one name, `keyvid_pack`, as ComfyUI does under a path of its own."""

import importlib.util
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

if "keyvid_pack" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "keyvid_pack", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["keyvid_pack"] = module
    spec.loader.exec_module(module)
