"""A published file fetched over HTTP: in pieces if need be, checked, and never half under its own name.

While it comes, the file is called NAME.part, beside NAME.json with what the page said about it. Cut off or killed
anywhere, the next call asks for the rest by a range request. Standard library only.
"""

import contextlib
import hashlib
import http.client
import json
import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from ..errors import DownloadError
from .published_files import PublishedFile

BLOCK_BYTES = 2**20
TIMEOUT_S = 60
TRIES = 4  # in a row without a single byte, once something has come
PAUSE_S = 2.0  # before the second try; twice as long before each one after it
SHA256 = re.compile(r"[0-9a-f]{64}")
_CUT = (ConnectionError, TimeoutError, http.client.HTTPException)

Step = Callable[
    [str, int, int], None
]  # (what is going on, bytes done, bytes in all); may raise to stop


@dataclass(frozen=True)
class Facts:
    """What the page says about a file; etag and sha256 are empty when it says nothing."""

    address: str
    n_bytes: int
    etag: str = ""
    sha256: str = ""


class _StaleError(ConnectionResetError):
    """What is here does not belong to the file that the page has now."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, to another scheme only to https. Keeps what Hugging Face says of the file in the first one."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in ("https", urlsplit(req.full_url).scheme):
            raise DownloadError(
                "The page leads to an address of another kind, which is not followed."
            )
        self.said = {name.lower(): value for name, value in headers.items()} | self.said
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(
    file: PublishedFile,
    folder: Path,
    *,
    step: Step,
    extra_bytes: int = 0,
    pause_s: float = PAUSE_S,
) -> Path:
    """The path of the whole, checked file in `folder`, fetched as far as it is not there yet.

    step(what, n_done, n_all) is called after every block, and may raise to stop: what has come stays. extra_bytes:
    room on the disk that is needed besides the file. Nobody else may work in `folder` meanwhile (lock.alone). Raises
    DownloadError, whose message says why in one sentence.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whole, part, note = (folder / f"{file.name}{end}" for end in ("", ".part", ".json"))
    if whole.exists():
        return whole
    n_failed, has_come = 0, False
    while True:
        facts, before = _read_note(note), _size_of(part)
        try:
            facts = _fetch_rest(file, part, note, facts, extra_bytes, step)
            break
        except _CUT as error:
            if isinstance(error, _StaleError):
                part.unlink(missing_ok=True)
                has_come = True
            has_come = has_come or _size_of(part) > before
            n_failed = 0 if _size_of(part) > before else n_failed + 1
            if n_failed >= TRIES or not has_come:
                raise DownloadError(f"The internet does not answer ({_why(error)}).") from error
        _wait(pause_s * 2 ** max(n_failed - 1, 0), part, facts, step)
    _check(file, part, note, facts, step)
    os.replace(part, whole)
    return whole


def _fetch_rest(
    file: PublishedFile, part: Path, note: Path, facts: Facts | None, extra_bytes: int, step: Step
) -> Facts:
    """Append what is missing to the .part. Raises one of _CUT when the connection breaks off."""
    have = _size_of(part) if facts is not None and facts.address == file.address else 0
    if facts is not None and have == facts.n_bytes:
        return facts
    with _opened(file, have) as (response, said):
        start, n_bytes = _span(response)
        found = Facts(file.address, n_bytes, said.get("etag", ""), said.get("x-linked-etag", ""))
        _check_size(file, found, said)
        if start and (start != have or not _is_same(found, facts)):
            raise _StaleError("the file on the page has changed")
        # what is made of a file is never larger than it, however small the page's own is
        needed = n_bytes - start + min(extra_bytes, n_bytes)
        free = shutil.disk_usage(part.parent).free
        if needed > free:
            raise DownloadError(
                f"{needed / 1e9:.1f} GB are needed in {part.parent}, and {free / 1e9:.1f} GB are free."
            )
        note.write_text(json.dumps(asdict(found)), encoding="utf-8")
        _append(response, part, start, n_bytes, step)
    return found


def _append(
    response: http.client.HTTPResponse, part: Path, start: int, n_bytes: int, step: Step
) -> None:
    done = start
    with part.open("ab" if start else "wb") as out:
        while done < n_bytes:
            try:
                block = response.read1(min(BLOCK_BYTES, n_bytes - done))
            except _CUT:
                raise
            except OSError as error:  # such as those of TLS
                raise ConnectionResetError(_why(error)) from error
            if not block:
                raise ConnectionResetError(f"it ended {n_bytes - done:,} bytes early")
            try:
                out.write(block)
            except OSError as error:
                raise DownloadError(f"{part} cannot be written: {error.strerror}.") from error
            done += len(block)
            step("downloading", done, n_bytes)
        out.flush()
        os.fsync(out.fileno())


def _is_same(found: Facts, facts: Facts | None) -> bool:
    """Whether the page still has the file that it had; one server's etag may differ from another's, a checksum not."""
    if facts is None or found.n_bytes != facts.n_bytes:
        return False
    return found.sha256 == facts.sha256 if found.sha256 else found.etag == facts.etag


@contextlib.contextmanager
def _opened(
    file: PublishedFile, have: int
) -> Iterator[tuple[http.client.HTTPResponse, dict[str, str]]]:
    """(response, headers of it and of the redirect before it) for the bytes from `have` on."""
    headers = {"User-Agent": "ComfyUI-KeyVID", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    redirects = _Redirects()
    opener = urllib.request.build_opener(redirects)
    try:
        with opener.open(
            urllib.request.Request(file.address, headers=headers), timeout=TIMEOUT_S
        ) as response:
            said = {name.lower(): value for name, value in response.headers.items()}
            first = {**said, **redirects.said}
            size = first.get("x-linked-size", "")
            digest = first.get("x-linked-etag", "").removeprefix("W/").strip('"').lower()
            said["x-linked-etag"] = digest if SHA256.fullmatch(digest) else ""
            said["x-linked-size"] = size
            if said.get("content-type", "").startswith("text/html"):
                raise DownloadError("The address was answered with a web page instead of the file.")
            yield response, said
    except urllib.error.HTTPError as error:
        if error.code == 416:
            raise _StaleError("more is here than the page has") from error
        if (
            error.code in (408, 429) or error.code >= 500
        ):  # busy: the same question may be answered later
            raise ConnectionRefusedError(f"the server says {error.code}") from error
        raise DownloadError(_refusal(error.code)) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, OSError) and "CERTIFICATE" in str(error.reason):
            raise DownloadError(
                "A certificate on the way to the page is not trusted, as behind a company's proxy."
            ) from error
        raise ConnectionRefusedError(str(error.reason)) from error


def _refusal(code: int) -> str:
    if code in (401, 403):
        return f"The page refuses the file without a login or an agreement (answer {code})."
    if code in (404, 410):
        return f"The page does not have the file any more (answer {code})."
    return f"The page does not give the file (answer {code})."


def _span(response: http.client.HTTPResponse) -> tuple[int, int]:
    """(first byte that comes, bytes of the whole file) of a response."""
    if response.status == 206:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", ""))
        if found is None:
            raise DownloadError("The page does not say which part of the file it sends.")
        return int(found[1]), int(found[2])
    length = response.headers.get("Content-Length", "")
    if not length.isdigit():
        raise DownloadError("The page does not say how large the file is.")
    return 0, int(length)


def _check_size(file: PublishedFile, facts: Facts, said: dict[str, str]) -> None:
    expected = {file.n_bytes} if file.n_bytes is not None else set()
    if said["x-linked-size"].isdigit():
        expected.add(int(said["x-linked-size"]))
    for n_bytes in expected - {facts.n_bytes}:
        raise DownloadError(
            f"The file on the page has {facts.n_bytes:,} bytes, and the right one has {n_bytes:,}."
        )


def _check(file: PublishedFile, part: Path, note: Path, facts: Facts, step: Step) -> None:
    """Raise DownloadError, and drop what came, unless its size and every known checksum are right."""
    expected = {sum_ for sum_ in (file.sha256, facts.sha256) if sum_}
    problem = ""
    if _size_of(part) != facts.n_bytes:
        problem = f"{_size_of(part):,} bytes came instead of {facts.n_bytes:,}"
    elif expected and expected != {_sha256(part, facts.n_bytes, step)}:
        problem = "its checksum is wrong"
    if problem:
        part.unlink(missing_ok=True)
        note.unlink(missing_ok=True)
        raise DownloadError(f"What came is not the file: {problem}. It was removed.")


def _sha256(path: Path, n_bytes: int, step: Step) -> str:
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            step("checking", done, n_bytes)
    return digest.hexdigest()


def _read_note(note: Path) -> Facts | None:
    try:
        return Facts(**json.loads(note.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _why(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _wait(seconds: float, part: Path, facts: Facts | None, step: Step) -> None:
    """Wait, so that stopping is still noticed."""
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        step("waiting for the internet", _size_of(part), facts.n_bytes if facts else 0)
        time.sleep(min(0.2, seconds))
