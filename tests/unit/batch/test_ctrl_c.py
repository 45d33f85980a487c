"""Commands of dev.py that go on where they were stopped, and where they look for files."""

import os
import signal
import subprocess
import sys

import pytest
from keyvid_pack.tools import environment

# dev.py with a module of the pack exchanged for a script
DEV = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import dev
dev.RUN_IN_PACK = sys.argv.pop(1)
dev.environment.setup = lambda **_: sys.executable
sys.exit(dev.main())
"""
# after Ctrl-C it needs longer than the quarter of a second that subprocess.run waits before it kills
SAVES_BEFORE_IT_ENDS = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    print(os.getcwd(), *sys.argv[1:], flush=True)
    time.sleep(3600)
except KeyboardInterrupt:
    time.sleep(1)
    print("saved", flush=True)
    sys.exit(7)
"""


def start(tmp_path, *words):
    """dev.py with these words, in tmp_path and in a group of processes of its own, as a terminal has one."""
    script = tmp_path / "saves.py"
    script.write_text(SAVES_BEFORE_IT_ENDS)
    command = [sys.executable, "-c", DEV, str(environment.ROOT), str(script), *words]
    return subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def stop(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no Ctrl-C to a group alone")
@pytest.mark.parametrize("name", ["batch", "label", "train"])
def test_ctrl_c_waits_for_what_the_command_still_saves(tmp_path, name):
    process = start(tmp_path, name, "LIST")
    try:
        assert process.stdout.readline().endswith(" LIST\n")
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.read() == "saved\n"
        assert process.wait(600) == 7
    finally:
        stop(process)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no groups of processes to end")
@pytest.mark.parametrize("name", ["batch", "eval", "label"])
def test_files_are_named_from_where_the_person_stands(tmp_path, name):
    process = start(tmp_path, name, "LIST")
    try:
        assert process.stdout.readline().startswith(f"{tmp_path.resolve()} ")
    finally:
        stop(process)
