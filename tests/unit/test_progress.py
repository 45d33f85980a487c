"""What a person sees while packages come down, from recorded output of pip, apt and Playwright."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from keyvid_pack.tools import environment, progress

# as pip 23.0 (Python 3.10 brings it), 24.2 and 26.3 print into a pipe
PIP = """\
Looking in indexes: https://pypi.org/simple
Collecting torch==2.14.1
  Downloading torch-2.14.1-cp310-cp310-manylinux_2_28_x86_64.whl.metadata (29 kB)
  Downloading torch-2.14.1-cp310-cp310-manylinux_2_28_x86_64.whl (500.0 MB)
     ━━━━━━━━━━━━━━━━━━━━ 500.0/500.0 MB 22.0 MB/s eta 0:00:00
Collecting sympy>=1.13.3
  Using cached sympy-1.14.0-py3-none-any.whl (6.3 MB)
WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by 'NewConnectionError'
Downloading https://host/files/networkx-3.4.2-py3-none-any.whl (1700 kB)
Installing collected packages: sympy, networkx, torch
"""


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_pips_output_is_shown_package_by_package(tmp_path):
    reader = progress.Reader()
    found = []
    for line in PIP.splitlines():
        reader.read(line)
        found.append(reader.status())
    assert found == [
        "working",
        "looking up torch",
        "looking up torch",
        "downloading torch 2.14.1, 0 of 500 MB",
        "downloading torch 2.14.1, 0 of 500 MB",
        "looking up sympy (500 MB so far)",
        "downloading sympy 1.14.0, 0 of 6 MB (500 MB before it)",
        "downloading sympy 1.14.0, 0 of 6 MB (500 MB before it)",
        "downloading networkx 3.4.2, 0 of 2 MB (506 MB before it)",
        "installing sympy (1 of 3)",
    ]


def test_the_file_on_its_way_and_the_packages_already_there_are_counted(tmp_path):
    (tmp_path / "pip-unpack-x").mkdir()
    packages = tmp_path / "site-packages"
    (packages / "pip-23.0.dist-info").mkdir(parents=True)
    reader = progress.Reader(tmp_path, packages)
    reader.read("  Downloading big-1.0-py3-none-any.whl (3.0 MB)")
    (tmp_path / "pip-unpack-x" / "big-1.0-py3-none-any.whl").write_bytes(bytes(2_000_000))
    assert reader.status() == "downloading big 1.0, 2 of 3 MB"
    reader.read("Installing collected packages: small, big")
    (packages / "small-1.0.dist-info").mkdir()
    assert reader.status() == "installing big (2 of 2)"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (
            "Get:7 http://deb.debian.org/debian bookworm/main amd64 chromium amd64 140.0 [78.2 MB]",
            "downloading chromium",
        ),
        ("Unpacking chromium (140.0) ...", "installing chromium"),
        ("Setting up chromium (140.0) ...", "installing chromium"),
        ("|■■■■■■■■         |  20% of 173.7 MiB", "downloading 20% of 173.7 MiB"),
    ],
)
def test_other_programs_are_understood_too(line, status):
    reader = progress.Reader()
    reader.read(line)
    assert reader.status() == status


def test_a_terminal_has_one_line_and_a_log_has_a_line_now_and_then(monkeypatch):
    now_s = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now_s[0])
    shown = {}
    for out in (Terminal(), io.StringIO()):
        now_s[0] = 0.0
        line = progress.Line("packages", out)
        for second in range(1, 41):
            now_s[0] = float(second)
            line.show("downloading torch")
        line.end("40 s")
        shown[type(out)] = out.getvalue()
    assert shown[io.StringIO] == (
        "  packages ... \n    0:15  downloading torch\n    0:30  downloading torch\n    40 s\n"
    )
    assert shown[Terminal].count("\n") == 1
    assert shown[Terminal].count("\r") == 41
    assert shown[Terminal].endswith("\r  packages ... 40 s\033[K\n")


def test_a_slow_program_is_shown_while_it_works_and_logged_whole(monkeypatch, tmp_path):
    monkeypatch.setattr(progress, "TERMINAL_EVERY_S", 0)
    waits = "print('Collecting torch', flush=True); open({!r}).read(); print('end')"
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    out = Terminal()

    class Opens(progress.Line):
        def show(self, status):
            super().show(status)
            if status == "looking up torch" and gate.exists():
                gate.open("w").close()
                gate.unlink()

    log = tmp_path / "log"
    command = [sys.executable, "-c", waits.format(str(gate))]
    assert progress.run(command, log, Opens("step", out), progress.Reader()) == 0
    assert "looking up torch" in out.getvalue()
    assert log.read_text() == "Collecting torch\nend\n"


def test_waiting_is_shown_and_its_end_too(monkeypatch, capsys):
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 0)
    shown = threading.Event()
    show = progress.Line.show
    monkeypatch.setattr(
        progress.Line, "show", lambda line, status: (show(line, status), shown.set())
    )
    with progress.waiting("Starting ComfyUI"):
        assert shown.wait(timeout=60)
    with pytest.raises(ZeroDivisionError), progress.waiting("Stopping"):
        raise ZeroDivisionError
    printed = capsys.readouterr().out
    assert "  Starting ComfyUI ... \n    0:00  the first time takes longest\n" in printed
    assert printed.endswith("not finished\n")


STARTS = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tools import progress
child = "import os, time\\nwhile True: print(os.getpid(), flush=True); time.sleep(0.05)"
progress.run([sys.executable, "-c", child], Path(sys.argv[2]), progress.Line("x"), progress.Reader())
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to end a process with")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_the_program_does_not_outlive_the_set_up(tmp_path, name):
    log = tmp_path / "log"
    command = [sys.executable, "-c", STARTS, str(environment.ROOT), str(log)]
    starter = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(lambda: log.is_file() and log.read_text().count("\n"))
        pid = int(log.read_text().split()[0])
        starter.send_signal(getattr(signal, name))
        starter.wait(timeout=600)
        _wait_for(lambda: not Path(f"/proc/{pid}").exists() and not _is_running(pid))
    finally:
        starter.kill()
        starter.wait()


def _is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _wait_for(condition):
    deadline_s = time.monotonic() + 600
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come"
        time.sleep(0.05)
