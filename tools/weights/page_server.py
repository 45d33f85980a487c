"""A stand-in for a page of weight files: a folder served over HTTP as Hugging Face serves one, range requests included.

For rehearsals and tests: point HF_ENDPOINT at its url. It answers `/OWNER/NAME/resolve/COMMIT/PATH` with a redirect
that says size and checksum, and the address behind it with the bytes.
"""

import contextlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from urllib.parse import unquote

_RESOLVE = re.compile(r"/[^/]+/[^/]+/resolve/[^/]+/(.+)")
_BEHIND = "/behind/"
_BLOCK_BYTES = 2**20


class PageServer(ThreadingHTTPServer):
    """The server of one folder. asked: (path, first byte) of every request for bytes; n_sent: bytes that left.

    sha256: {path: what the page says it is}. answer(handler, path) may answer instead, and then returns True.
    """

    daemon_threads = True

    def __init__(self, folder: Path, sha256: Mapping[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.sha256 = folder, dict(sha256)
        self.asked: list[tuple[str, int]] = []
        self.n_sent = 0
        self.answer: Callable[[_Handler, str], bool] = lambda _handler, _path: False

    @property
    def url(self) -> str:
        """The address to put where Hugging Face's would be."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def page(self) -> PageServer:
        """The server that this answers for."""
        return cast(PageServer, self.server)

    def do_GET(self) -> None:
        found = _RESOLVE.fullmatch(unquote(self.path))
        path = found[1] if found else unquote(self.path).removeprefix(_BEHIND)
        with contextlib.suppress(ConnectionError):  # the other side may leave at any time
            if self.page.answer(self, path):
                return
            file = self.page.folder / path
            if ".." in path.split("/") or not file.is_file():
                self.reply(404)
            elif found:
                said = {"X-Linked-Size": str(file.stat().st_size), "Location": _BEHIND + path}
                if path in self.page.sha256:
                    said["X-Linked-ETag"] = f'"{self.page.sha256[path]}"'
                self.reply(302, said)
            else:
                self.send_file(file, path)

    def reply(self, code: int, headers: Mapping[str, str] | None = None, body: bytes = b"") -> None:
        """Answer with a code, headers and a small body."""
        self.send_response(code)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_file(
        self, file: Path, path: str, *, ranges: bool = True, cut_after: int | None = None
    ) -> None:
        """Send a file from the byte that was asked for. cut_after: bytes after which the connection ends."""
        size = file.stat().st_size
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")) if ranges else None
        start = int(asked[1]) if asked else 0
        self.page.asked.append((path, start))
        if asked and start >= size:
            self.reply(416, {"Content-Range": f"bytes */{size}"})
            return
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(size - start))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.send_header("ETag", f'"{size}-{file.stat().st_mtime_ns}"')
        self.end_headers()
        left = size - start if cut_after is None else min(cut_after, size - start)
        with file.open("rb") as source:
            source.seek(start)
            while left > 0 and (block := source.read(min(_BLOCK_BYTES, left))):
                self.wfile.write(block)
                self.page.n_sent += len(block)
                left -= len(block)
        if cut_after is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextlib.contextmanager
def serving(folder: Path, sha256: Mapping[str, str] | None = None) -> Iterator[PageServer]:
    """A PageServer of a folder, in a thread of its own."""
    server = PageServer(folder, sha256 or {})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
