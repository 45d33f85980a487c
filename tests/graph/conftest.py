"""The real ComfyUI with the pack in it, started once for all graph tests."""

import pathlib
import sys

import pytest
from keyvid_pack.tools import environment, server


@pytest.fixture(scope="session")
def comfy(tmp_path_factory):
    """A running ComfyUI (tools/server.py, Server) whose folders are empty but for what the pack puts there.

    Beside the pack it has the test-only nodes of stub_pack/.
    comfy.run(prompt) -> (history, events), comfy.object_info(), comfy.log(), comfy.base, comfy.interrupt()
    """
    base = tmp_path_factory.mktemp("comfy")
    stub = pathlib.Path(__file__).parent / "stub_pack"
    with server.running(
        base,
        python=sys.executable,
        pack=environment.ROOT,
        other_packs=[stub],
        # the default cache drops results when memory is short, which the machine decides, not the pack
        arguments=["--cache-classic"],
    ) as running:
        yield running
