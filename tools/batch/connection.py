"""What a batch asks of a ComfyUI server, over HTTP alone, so that it may be on any machine."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

RESPONSE_TIMEOUT_S = 30
# from the first failure on: one that is silent fails after RESPONSE_TIMEOUT_S and is asked once more
GONE_AFTER_S = 30.0
RETRY_S, POLL_S = 1.0, 0.25
# a server of one's own network is not behind a proxy
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ServerGoneError(Exception):
    """The server does not answer any more."""


class RefusedError(Exception):
    """The server refuses what it is asked for; the text says why."""


class Connection:
    """A ComfyUI server by its address.

    ended: says that the server's process has ended, where that is known; then nothing is tried again.
    """

    def __init__(self, url: str, *, ended: Callable[[], bool] = lambda: False) -> None:
        self.url, self.ended = url.rstrip("/"), ended

    def known_ids(self) -> set[str]:
        """The ids of the graphs that it has run, runs, or is to run."""
        return self._queued() | set(self._json("/history"))

    def is_queued(self, prompt_id: str) -> bool:
        """Whether a graph is running or waits."""
        return prompt_id in self._queued()

    def result(self, prompt_id: str) -> dict[str, Any] | None:
        """The history entry of a graph that has ended, else None."""
        return self._json(f"/history/{prompt_id}").get(prompt_id)

    def queue(self, graph: dict[str, Any], prompt_id: str) -> None:
        """Let it run a graph under this id. Raises RefusedError.

        The server may have it although the answer was lost, so that is asked before the graph is sent again: it would
        run twice.
        """
        headers = {"Content-Type": "application/json"}
        body = json.dumps({"prompt": graph, "prompt_id": prompt_id}).encode()
        self._ask(
            urllib.request.Request(f"{self.url}/prompt", body, headers),
            # in this order: a graph that ends goes from the queue to the results
            has_arrived=lambda: self.is_queued(prompt_id) or self.result(prompt_id) is not None,
        )

    def upload(self, name: str, path: Path) -> None:
        """Put a file into its input folder under this name."""
        mark = uuid.uuid4().hex
        head = (
            f'--{mark}\r\nContent-Disposition: form-data; name="overwrite"\r\n\r\ntrue\r\n'
            f'--{mark}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        body = head.encode() + path.read_bytes() + f"\r\n--{mark}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
        self._ask(urllib.request.Request(f"{self.url}/upload/image", body, headers))

    def download(self, item: dict[str, str]) -> bytes:
        """The content of a file that a graph saved, by its entry in the history."""
        words = {name: item[name] for name in ("filename", "subfolder", "type")}
        return self._ask(urllib.request.Request(f"{self.url}/view?{urllib.parse.urlencode(words)}"))

    def _queued(self) -> set[str]:
        """The ids of the graphs that run or wait."""
        parts = self._json("/queue")
        try:
            return {item[1] for part in ("queue_running", "queue_pending") for item in parts[part]}
        except (KeyError, TypeError, IndexError):  # another program's
            raise self._other_program() from None

    def _other_program(self) -> ServerGoneError:
        return ServerGoneError(
            f"{self.url} does not answer as ComfyUI does. See whether ComfyUI runs at that address."
        )

    def _json(self, path: str) -> dict[str, Any]:
        content = self._ask(urllib.request.Request(self.url + path))
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):  # such as the page of a proxy, or another program's
            raise self._other_program()
        return answer

    def _ask(
        self, request: urllib.request.Request, *, has_arrived: Callable[[], bool] = lambda: False
    ) -> bytes:
        """The answer, asked for again while the server cannot be reached.

        has_arrived: says of what must not be sent twice whether it did arrive; then the answer is empty.
        """
        failed_s = None
        while True:
            try:
                with _OPENER.open(request, timeout=RESPONSE_TIMEOUT_S) as response:
                    return response.read()
            except urllib.error.HTTPError as error:
                text = error.read().decode(errors="replace")
                if error.code < 500:
                    raise RefusedError(text or str(error)) from None
                why = str(error)
            except (OSError, EOFError) as error:  # URLError and timeouts are OSErrors
                why = str(error)
            except Exception as error:  # http.client has errors of its own for an answer cut short
                why = repr(error)
            failed_s = time.monotonic() if failed_s is None else failed_s
            if self.ended() or time.monotonic() - failed_s > GONE_AFTER_S:
                raise ServerGoneError(f"{self.url} does not answer any more ({why}).")
            time.sleep(RETRY_S)
            if has_arrived():
                return b""
