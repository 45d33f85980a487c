"""A real ComfyUI as a server process, for the demo and the tests. Standard library only to start it."""

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from . import environment
from .pins import newer_frontend

END_WITH_PARENT = Path(__file__).resolve().parent / "processes" / "end_with_parent.py"
START_TIMEOUT_S = 1200  # limits end what hangs; a slow or busy machine never meets one
RESPONSE_TIMEOUT_S = 600
RUN_TIMEOUT_S = 3600
# ComfyUI's own address is never behind a proxy, whatever the environment says
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ServerError(Exception):
    """ComfyUI did not start or stopped; the text holds the end of its log."""


class Server:
    """A running ComfyUI. Made by `running`.

    url: "http://127.0.0.1:PORT"; base: its folder of input, output, user; log_path: where it logs to.
    """

    def __init__(self, *, url: str, base: Path, log_path: Path, process: subprocess.Popen) -> None:
        self.url, self.base, self.log_path, self.process = url, base, log_path, process

    def get(self, path: str) -> Any:
        """The JSON response to GET path."""
        return json.loads(self.get_bytes(path))

    def get_bytes(self, path: str) -> bytes:
        """The response to GET path as bytes, such as an image file."""
        with _OPENER.open(self.url + path, timeout=RESPONSE_TIMEOUT_S) as response:
            return response.read()

    def post(self, path: str, body: object) -> str:
        """POST a JSON body; the text of the response."""
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers)
        with _OPENER.open(request, timeout=RESPONSE_TIMEOUT_S) as response:
            return response.read().decode()

    def object_info(self) -> dict:
        """The definitions of all nodes."""
        return self.get("/object_info")

    def interrupt(self) -> None:
        """Cancel what is running."""
        self.post("/interrupt", {})

    def log(self) -> str:
        """Everything ComfyUI has printed so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def run(
        self,
        prompt: dict,
        *,
        on_event: Callable[[str, Any], object] | None = None,
        timeout_s: float = RUN_TIMEOUT_S,
        **extra: Any,
    ) -> tuple[dict, list[tuple[str, Any]]]:
        """Queue an API-format graph and wait for its end: (history entry, [(event type, data), ...]).

        A graph that is refused gives the server's response ({"error", "node_errors"}) and no events.
        `on_event(type, data)` is called as events arrive; `extra` joins the request's body.
        """
        from . import client  # aiohttp, which the plain Python that runs dev.py need not have

        return client.run_blocking(
            self.url, prompt, on_event=on_event, timeout_s=timeout_s, **extra
        )


@contextlib.contextmanager
def running(
    base: Path | str,
    *,
    python: str | Path,
    comfyui: Path = environment.COMFYUI,
    pack: Path | None = None,
    other_packs: Iterable[Path] = (),
    cpu: bool = True,
    arguments: Iterable[str] = (),
    env: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Start ComfyUI on a free port with its own base folder; yields a Server, and always stops it.

    base: its --base-directory, made if absent; pack: the folder to link into custom_nodes, or None for a
    ComfyUI without packs; other_packs: folders to link beside it under their own names. The log goes to
    base/comfyui.log. Raises ServerError when it does not start.
    """
    base = Path(base)
    base.mkdir(parents=True, exist_ok=True)
    packs = {environment.PACK_NAME: pack} if pack else {}
    packs.update({Path(folder).name: folder for folder in other_packs})
    for name, folder in packs.items():
        environment.link_pack(base, folder, name)
    port = _free_port()
    command = [str(python), str(END_WITH_PARENT), str(Path(comfyui) / "main.py")]
    command += ["--port", str(port), "--base-directory", str(base)]
    command += ["--database-url", "sqlite:///:memory:", "--disable-api-nodes"]
    command += ["--disable-all-custom-nodes", *(["--cpu"] if cpu else []), *arguments]
    command += newer_frontend.server_arguments()
    if packs:
        command += ["--whitelist-custom-nodes", *packs]
    log_path = base / "comfyui.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=base,
            env=_environment(env or {}),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    server = Server(url=f"http://127.0.0.1:{port}", base=base, log_path=log_path, process=process)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        _stop(process)


def _environment(changes: Mapping[str, str]) -> dict[str, str]:
    # another Python's folders would mix its packages into ComfyUI's
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH")}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", **changes}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise ServerError(_failure(server, f"ended with code {server.process.returncode}"))
        try:
            server.get("/system_stats")
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise ServerError(_failure(server, f"did not answer within {START_TIMEOUT_S} s"))


def _failure(server: Server, what: str) -> str:
    return f"ComfyUI {what}. The end of {server.log_path}:\n{environment.tail(server.log_path)}"


def _stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        process.stdin.close()
