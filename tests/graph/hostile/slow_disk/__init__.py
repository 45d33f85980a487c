"""A pack without nodes: while the file `hold` is in the models folder, a conversion stops before its last step."""

import os
import pathlib
import time

import folder_paths

NODE_CLASS_MAPPINGS = {}

_models = pathlib.Path(folder_paths.models_dir)
_fsync = os.fsync


def _held(file):
    # a download ends with the same call, and has no such file yet
    while (_models / "hold").exists() and any(_models.rglob("*.partial")):
        time.sleep(0.05)
    _fsync(file)


os.fsync = _held
