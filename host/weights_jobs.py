"""Published weights fetched from inside ComfyUI, when an artist asks on a loader node: a job with progress and Cancel.

The page names a file of the pack's own list and nothing else: no address, no folder. That requests come from
ComfyUI's own page is checked by ComfyUI (its origin check), and by asking for JSON, which other sites may not send,
unless ComfyUI was started with --enable-cors-header.
"""

import itertools
import logging
import os
import secrets
import threading
import time
from pathlib import Path
from typing import Any

import folder_paths
from aiohttp import web

from ..errors import KeyVIDError
from ..released.fetch import fetch
from ..released.published_files import FILES, FOLDER, PublishedFile
from .loaders.model_files import (
    AUDIO_ENCODERS,
    EMBEDDED,
    LOCALIZERS,
    VIDEO_MODELS,
    WHOLE_FILES,
)

ROUTE = "/keyvid/weights"
EVENT = "keyvid_weights"
EVERY_S = 0.5  # between two messages of progress
# audio networks are small and stay as precise as they are published
HALVED_ABOVE_MILLION_VALUES = 1000
log = logging.getLogger("keyvid")


class _StoppedError(Exception):
    """The artist pressed Cancel."""


class Jobs:
    """What is being fetched, one file at a time; `state` is what the page is told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._running: str | None = None
        self._progress: dict[str, Any] = {}
        self._said: dict[str, dict[str, str]] = {}  # key -> the last word on it
        self._sent_s = 0.0
        self._name, self._numbers = secrets.token_hex(8), itertools.count()

    def state(self) -> dict[str, Any]:
        """{"files": {key: what to show of a file}, "lists": {what a loader loads: keys}, "at": ...}, as JSON.

        at: [what names this server, a number that rises], since answers and messages overtake each other.
        """
        at = [self._name, next(self._numbers)]
        lists = (VIDEO_MODELS, WHOLE_FILES, AUDIO_ENCODERS, LOCALIZERS)
        return {
            "at": at,
            "files": {key: self._shown(file) for key, file in FILES.items()},
            "lists": {one.what: [file.key for file in one.sources] for one in lists},
        }

    def start(self, file: PublishedFile, *, delete_original: bool) -> str | None:
        """Begin to fetch a file in a thread of its own; why not, if another one is being fetched."""
        with self._lock:
            if self._running is not None:
                return f"{FILES[self._running].target} is being fetched; one file at a time."
            self._running, self._progress = file.key, {"what": "asking the page"}
            self._said.pop(file.key, None)
            self._stop.clear()
        thread = threading.Thread(
            target=self._fetch, args=(file, delete_original), name="keyvid-weights", daemon=True
        )
        thread.start()
        return None

    def cancel(self, file: PublishedFile) -> None:
        """Stop fetching this file, if that is going on; what has come stays."""
        if self._running == file.key:
            self._stop.set()

    def _fetch(self, file: PublishedFile, delete_original: bool) -> None:
        said = {"kind": "done", "text": f"{file.target} is here."}
        try:
            fetch(
                file,
                models_folder(),
                step=self._step,
                half=_is_halved(file),
                delete_original=delete_original,
            )
        except _StoppedError:
            said = {"kind": "stopped", "text": "Stopped. It goes on from here the next time."}
        except KeyVIDError as error:
            said = {"kind": "failed", "text": str(error)}
        except Exception:
            log.exception("KeyVID could not fetch %s", file.target)
            said = {"kind": "failed", "text": f"{file.target} was not made; the log says why."}
        with self._lock:
            self._running, self._progress = None, {}
            self._said[file.key] = said
        self._tell()

    def _step(self, what: str, n_done: int, n_all: int) -> None:
        if self._stop.is_set():
            raise _StoppedError
        self._progress = {"what": what, "n_done": n_done, "n_all": n_all}
        if time.monotonic() - self._sent_s >= EVERY_S:
            self._tell()

    def _tell(self) -> None:
        """Send the state to every open page."""
        from server import PromptServer  # late: it belongs to a running server

        self._sent_s = time.monotonic()
        server = getattr(PromptServer, "instance", None)
        if server is not None:
            server.send_sync(EVENT, self.state())

    def _shown(self, file: PublishedFile) -> dict[str, Any]:
        return {
            "target": file.target,
            "what": file.what,
            "path": file.path,
            "page": file.where,
            "address": file.address,
            "size": file.size,
            "licence": file.licence,
            "kept_gb": round(file.kept_bytes(half=_is_halved(file)) / 1e9, 1),
            "is_here": folder_paths.get_full_path(FOLDER, file.target) is not None,
            "progress": self._progress if self._running == file.key else None,
            "said": self._said.get(file.key),
        }


def models_folder() -> Path:
    """The first folder that ComfyUI has for `keyvid`, which is not the pack's own."""
    folders = (one for one in folder_paths.get_folder_paths(FOLDER) if one != EMBEDDED)
    return Path(next(folders, os.path.join(folder_paths.models_dir, FOLDER)))


def _is_halved(file: PublishedFile) -> bool:
    return file.million_values > HALVED_ABOVE_MILLION_VALUES


def add_routes() -> None:
    """Let ComfyUI's server answer GET ROUTE, POST ROUTE/KEY/get and POST ROUTE/KEY/cancel."""
    from server import PromptServer

    server = getattr(PromptServer, "instance", None)
    if server is None:  # ComfyUI's modules without its server, as in tests
        return
    jobs, routes = Jobs(), server.routes

    @routes.get(ROUTE)
    async def state(request: web.Request) -> web.Response:
        _refuse_nameless(request)
        return web.json_response(jobs.state())

    @routes.post(ROUTE + "/{key}/get")
    async def get(request: web.Request) -> web.Response:
        file, body = await _asked(request)
        refusal = jobs.start(file, delete_original=body.get("delete_original") is True)
        return web.json_response({"refused": refusal, **jobs.state()})

    @routes.post(ROUTE + "/{key}/cancel")
    async def cancel(request: web.Request) -> web.Response:
        file, _ = await _asked(request)
        jobs.cancel(file)
        return web.json_response(jobs.state())


async def _asked(request: web.Request) -> tuple[PublishedFile, dict[str, Any]]:
    """(file of the list, JSON body) of a request; answers 403, 404 or 415 to anything else."""
    _refuse_nameless(request)
    file = FILES.get(request.match_info["key"])
    if file is None:
        raise web.HTTPNotFound
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        body = await request.json()
    except ValueError as error:
        raise web.HTTPBadRequest from error
    return file, body if isinstance(body, dict) else {}


def _refuse_nameless(request: web.Request) -> None:
    """Answers 403 to a page that hides where it comes from, such as a sandboxed frame of another site.

    ComfyUI compares the origin with its own address, and "null" has none, so it lets it pass.
    """
    if request.headers.get("Origin", "").strip().lower() == "null":
        raise web.HTTPForbidden
