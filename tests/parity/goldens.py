"""Where the recorded outputs are that the tests compare with: KEYVID_GOLDENS names another folder."""

import os
import pathlib

GOLDENS = pathlib.Path(
    os.environ.get("KEYVID_GOLDENS") or pathlib.Path(__file__).resolve().parents[1] / "goldens"
)
