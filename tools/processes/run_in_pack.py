"""Runs the function main of a module of the pack: python run_in_pack.py MODULE WORDS...

Inside the pack all imports are relative, so it is loaded as a package first, under one name as in tests/conftest.py.
The path of this script is enough to find it: ComfyUI's Python on Windows does not look into the current folder.
"""

import importlib
import importlib.util
import os
import sys

NAME = "keyvid_pack"


def _load_pack() -> None:
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    spec = importlib.util.spec_from_file_location(
        NAME, os.path.join(root, "__init__.py"), submodule_search_locations=[root]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"There is no pack in {root}.")
    sys.modules[NAME] = pack = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pack)


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != here]
    _load_pack()
    module, *words = sys.argv[1:]
    sys.exit(importlib.import_module(f"{NAME}.{module}").main(*words))
