"""dev.py's parts that need no network: stamps, recovery after an interruption, links, processes."""

import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from types import SimpleNamespace

import pytest
from keyvid_pack.tools import environment, progress, run_workflow, server, unfinished_packages

from ..conftest import MOST_WORKERS, piece_of_work, pytest_xdist_auto_num_workers

TOOLS = environment.ROOT / "tools"


def test_a_stamped_step_is_not_done_again(tmp_path):
    done = []
    for key in ("a", "a", "b"):
        environment._step("step", tmp_path / "stamp", key, lambda _line: done.append(1))
    assert len(done) == 2


def test_an_interrupted_step_is_done_again(tmp_path):
    def interrupted(_line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        environment._step("step", tmp_path / "stamp", "a", interrupted)
    done = []
    environment._step("step", tmp_path / "stamp", "a", lambda _line: done.append(1))
    assert done


def _package(site, name, files):
    """A package as pip leaves it; files: {name: (content, recorded size)}."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    rows = [f"{name}/__pycache__/m.pyc,,", f"{info.name}/RECORD,,"]
    for file, (content, size) in files.items():
        (site / name).mkdir(exist_ok=True)
        if content is not None:
            (site / name / file).write_text(content)
        rows.append(f"{name}/{file},sha256=x,{size}")
    (info / "RECORD").write_text("\n".join(rows))
    return info


def test_half_installed_packages_are_forgotten(tmp_path):
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    whole = _package(site, "whole", {"m.py": ("12345", 5)})
    broken = [
        _package(site, "lacks_a_file", {"m.py": (None, 5)}),
        _package(site, "lacks_an_end", {"m.py": ("123", 5)}),
        _package(site, "lacks_its_record", {"m.py": ("12345", 5)}),
    ]
    (broken[2] / "RECORD").unlink()
    unfinished_packages.forget_unfinished_packages(tmp_path)
    assert whole.is_dir()
    assert not any(info.exists() for info in broken)


def test_an_unpacked_tree_is_kept_only_if_it_is_whole(tmp_path):
    source = tmp_path / "x-1" / "vendor" / "ComfyUI"
    (source / "comfy").mkdir(parents=True)
    (source / "main.py").write_text("main")
    (source / "comfy" / "a.py").write_text("a")
    (tmp_path / "x-1" / "setup.py").write_text("not ComfyUI's")
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "x-1", "x-1")
    files = environment._tree(tmp_path / "x.tar.gz")
    assert {name: content for name, (content, _) in files.items()} == {
        "main.py": b"main",
        "comfy/a.py": b"a",
    }
    (source / "added.txt").write_text("allowed")
    assert environment._holds(source, files)
    (source / "comfy" / "a.py").write_text("b")
    assert not environment._holds(source, files)
    assert not environment._holds(tmp_path / "nowhere", files)


def test_the_link_follows_the_pack_and_spares_a_real_folder(tmp_path):
    link = tmp_path / "base" / "custom_nodes" / environment.PACK_NAME
    for name in ("old place", "new place", "new place"):
        (tmp_path / name).mkdir(exist_ok=True)
        environment.link_pack(tmp_path / "base", tmp_path / name)
        assert os.path.realpath(link) == str((tmp_path / name).resolve())

    real = tmp_path / "other" / "custom_nodes" / environment.PACK_NAME
    real.mkdir(parents=True)
    (real / "mine.txt").write_text("precious")
    with pytest.raises(OSError):
        environment.link_pack(tmp_path / "other", tmp_path / "new place")
    assert (real / "mine.txt").read_text() == "precious"


@pytest.mark.parametrize(("extra", "tool"), [("test", "pytest"), ("train", "accelerate")])
def test_every_tool_has_one_exact_version(extra, tool):
    tools = environment.extra_tools(extra)
    assert any(name.startswith(f"{tool}==") for name in tools)
    assert all("==" in name for name in tools)


def _toy_comfyui(folder, source):
    folder.mkdir()
    (folder / "main.py").write_text(source)
    return folder


def test_a_server_that_does_not_start_shows_its_log(tmp_path):
    comfyui = _toy_comfyui(tmp_path / "toy", "print('the disk is full'); raise SystemExit(3)")
    with (
        pytest.raises(server.ServerError, match="(?s)code 3.*the disk is full"),
        server.running(tmp_path / "base", python=sys.executable, comfyui=comfyui),
    ):
        pass


RESPONDS = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"{}")
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
STARTS_AND_WAITS = """
import signal, sys, time
# a shell that runs the tests in the background has Ctrl-C ignored, and children inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, sys.argv[1])
from tools import server
with server.running(sys.argv[2], python=sys.executable, comfyui=sys.argv[3]) as comfy:
    print(comfy.process.pid, flush=True)
    time.sleep(3600)
"""


def _is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _ends(pid):
    deadline_s = time.monotonic() + 600
    while _is_running(pid) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    return not _is_running(pid)


def test_the_server_stops_when_the_work_with_it_fails(tmp_path):
    comfyui = _toy_comfyui(tmp_path / "toy", RESPONDS)
    with (
        pytest.raises(ZeroDivisionError),
        server.running(tmp_path / "base", python=sys.executable, comfyui=comfyui) as comfy,
    ):
        assert comfy.get("/system_stats") == {}
        raise ZeroDivisionError
    assert comfy.process.poll() is not None


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to end a process with")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_the_server_does_not_outlive_its_starter(tmp_path, name):
    comfyui = _toy_comfyui(tmp_path / "toy", RESPONDS)
    arguments = [str(environment.ROOT), str(tmp_path / "base"), str(comfyui)]
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTS_AND_WAITS, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        pid = int(starter.stdout.readline())
        assert _is_running(pid)
        starter.send_signal(getattr(signal, name))
        starter.wait(timeout=600)
        assert _ends(pid)
    finally:
        starter.kill()
        starter.wait()
        starter.stdout.close()


def test_problems_are_shown_with_the_nodes_title():
    titles = {"3": "Select Keyframes"}
    refused = {
        "error": {"message": "Prompt outputs failed validation"},
        "node_errors": {"3": {"errors": [{"message": "Value too big", "details": "count"}]}},
    }
    assert run_workflow.problems(refused, titles) == ["Select Keyframes: Value too big (count)"]
    failed = {"node_id": "3", "exception_message": "The clip has 48 frames."}
    entry = {"status": {"messages": [["execution_error", failed]]}}
    assert run_workflow.problems(entry, titles) == ["Select Keyframes: The clip has 48 frames."]
    assert run_workflow.problems({"status": {"messages": []}}, titles) == []


def test_a_refused_graph_ends_with_its_sentence(monkeypatch, capsys, tmp_path):
    """It ended in a KeyError, as when ComfyUI could not import the pack."""
    graph = tmp_path / "graph.json"
    graph.write_text('{"2": {"class_type": "KeyVID_ClipAudio", "_meta": {"title": "Clip Audio"}}}')
    refused = {"error": {"message": "Node 'Clip Audio' not found."}, "node_errors": {}}
    monkeypatch.setattr(run_workflow.client, "run_blocking", lambda *_, **__: (refused, []))
    assert run_workflow.main("http://127.0.0.1:9", graph, tmp_path) == 3
    assert capsys.readouterr().out == "Node 'Clip Audio' not found.\n"


def _dev(*words, **options):
    command = [sys.executable, "dev.py", *words]
    return subprocess.run(
        command, cwd=environment.ROOT, capture_output=True, text=True, timeout=600, **options
    )


@pytest.mark.parametrize(
    ("nodeid", "piece"),
    [
        ("tests/graph/test_demo.py::test_x", "graph"),
        ("tests/graph/timing/test_files.py::test_x[a]", "graph"),
        ("tests/host/test_images.py::test_x", "host"),
        ("tests/browser/test_editor_node.py::test_x[nodes2]", "browser, nodes2"),
        ("tests/browser/test_edit_as_text.py::test_x[classic-null]", "browser, classic"),
        ("tests/browser/workflows/test_templates.py::test_x[keyvid_full-True]", "browser"),
        ("tests/unit/test_plan.py::test_x[classic]", "tests/unit/test_plan.py"),
    ],
)
def test_tests_that_share_something_stay_in_one_process(nodeid, piece):
    assert piece_of_work(nodeid) == piece


def test_there_is_a_worker_and_not_too_many():
    assert 1 <= pytest_xdist_auto_num_workers() <= MOST_WORKERS


def test_help_names_every_command():
    shown = _dev("help").stdout
    for name in ("setup", "demo", "test", "lint", "bench", "workflows"):
        assert f"\n    {name}" in shown


@pytest.mark.parametrize(
    ("version", "python", "words"),
    [
        (None, None, "older than ComfyUI 0.30"),
        ('__version__ = "0.3.64"', None, "older than ComfyUI 0.30"),
        ('__version__ = "0.30.0"', "nowhere/python", "no Python program at nowhere/python"),
    ],
)
def test_an_installation_that_cannot_be_used_is_named(tmp_path, version, python, words):
    (tmp_path / "main.py").touch()
    if version:
        (tmp_path / "comfyui_version.py").write_text(version)
    result = _dev("demo", "--comfyui", str(tmp_path), *(["--python", python] if python else []))
    assert result.returncode == 1
    assert words in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("ci", [True, False])
def test_a_missing_browser_fails_under_ci_and_nowhere_else(monkeypatch, capsys, ci):
    monkeypatch.setattr(environment, "find_browser", lambda: None)
    monkeypatch.setattr(environment, "_browser_commands", lambda: [])
    monkeypatch.setenv("CI", "true") if ci else monkeypatch.delenv("CI", raising=False)
    if ci:
        with pytest.raises(environment.SetupError, match="no browser"):
            environment._get_browser()
    else:
        environment._get_browser()
    assert "install Chromium" in capsys.readouterr().out


def test_an_installation_that_is_not_there_is_named(tmp_path):
    result = _dev("demo", "--comfyui", str(tmp_path))
    assert result.returncode == 1
    assert f"no ComfyUI (main.py) in {tmp_path}" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_locale_without_the_letters_of_the_folder_starts_again_in_utf8(tmp_path):
    """`python -m venv` failed in a folder with umlauts under LC_ALL=C."""
    copy = tmp_path / "Ordner mit \u00dcml\u00e4ut"
    parts = [*TOOLS.rglob("*.py"), *(environment.ROOT / "released").glob("*.py")]
    for source in (environment.ROOT / "dev.py", *parts):
        target = copy / source.relative_to(environment.ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())
    (copy / "show.py").write_text(
        "import sys, dev\n"
        "show = lambda _: print(sys.getfilesystemencoding(), dev.ROOT)\n"
        "dev.command_help = show\n"
        "sys.exit(dev.main())\n"
    )
    plain = {**os.environ, "LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"}
    command = [sys.executable, "show.py", "help"]
    done = subprocess.run(
        command,
        cwd=copy,
        env=plain,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split(maxsplit=1) == ["utf-8", f"{copy}\n"]


def test_a_failing_step_says_what_is_wrong_in_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "WORK", tmp_path)
    fails = "print('x' * 20); print({!r}); raise SystemExit(1)"
    line = progress.Line("step", io.StringIO())
    for text, words in (
        (
            "NewConnectionError('[Errno -2] Name or service not known')",
            "internet cannot be reached",
        ),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("certificate verify failed: CERTIFICATE_VERIFY_FAILED", "PIP_CERT"),
        ("KeyError: 'name'", "It failed. The end of"),
    ):
        with pytest.raises(environment.SetupError, match=words) as raised:
            environment._run(line, [sys.executable, "-c", fails.format(text)], "It failed")
        assert text in str(raised.value)
        assert str(tmp_path / "setup.log") in str(raised.value)


def test_too_small_a_disk_is_named_before_the_download(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "VENV", tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1.5e9))
    monkeypatch.setattr(environment, "_install", lambda *_: pytest.fail("it has begun"))
    with pytest.raises(environment.SetupError, match=r"1\.5 GB are free"):
        environment._install_packages(progress.Line("step", io.StringIO()))


def test_an_isolated_python_finds_the_tools():
    """As ComfyUI's Windows build runs scripts: without their folder on the path."""
    command = [sys.executable, "-I", str(environment.ROOT / "dev.py"), "help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "convert" in done.stdout
