"""What a person sees while the set-up works: a line that is kept up to date, and an error message when it fails.

Standard library only. On a terminal one line is rewritten; elsewhere (CI, a pipe) a plain line comes now and then.
"""

import contextlib
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

TERMINAL_EVERY_S, PLAIN_EVERY_S = 0.5, 15
UNITS = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}
DOWNLOADING = re.compile(r"\s*(Downloading|Using cached) (\S+) \(([\d.]+) (bytes|kB|MB|GB)\)")
# what goes wrong outside, as pip, apt and Playwright write it, and what to do about it
CAUSES = (
    (
        r"No space left on device|ENOSPC|not enough space|don't have enough free space",
        "The disk is full. Make room and run the same command again; it goes on from here.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|unable to get local issuer",
        "A certificate on the way to the internet is not trusted, as behind a company's proxy. "
        "Name the file of its certificate in the variable PIP_CERT and run the same command again.",
    ),
    (
        r"NewConnectionError|NameResolutionError|Failed to resolve|failure in name resolution|"
        r"Temporary failure resolving|getaddrinfo|ENOTFOUND|Network is unreachable|"
        r"(Connect|Read)TimeoutError|Read timed out|ProxyError|Max retries exceeded|"
        r"Failed to establish a new connection|Connection (refused|reset|aborted|timed out)|"
        r"ECONNREFUSED|ConnectionResetError|IncompleteRead",
        "The internet cannot be reached, or broke off. Connect this machine (behind a proxy, set "
        "HTTPS_PROXY) and run the same command again; what is already here is not fetched again.",
    ),
)


class Line:
    """The line of one step: its title, what it is doing now, how long that has taken."""

    def __init__(self, title: str, out: TextIO | None = None) -> None:
        self.title, self.out = title, out or sys.stdout
        self.started_s = self.shown_s = time.monotonic()
        self.rewrites = self.out.isatty()
        self.n_plain = 0
        self._write(f"  {title} ... ")

    def show(self, status: str) -> None:
        """Show what is going on; called often, shown as often as suits a terminal or a log."""
        now_s = time.monotonic()
        if now_s - self.shown_s < (TERMINAL_EVERY_S if self.rewrites else PLAIN_EVERY_S):
            return
        self.shown_s = now_s
        seconds = int(now_s - self.started_s)
        text = f"{seconds // 60}:{seconds % 60:02}  {status}"
        if self.rewrites:
            room = shutil.get_terminal_size().columns - 1
            self._write("\r" + f"  {self.title} ... {text}"[:room] + "\033[K")
        else:
            self._write("" if self.n_plain else "\n")
            self._write(f"    {text}\n")
            self.n_plain += 1

    def note(self, text: str) -> None:
        """Say something once, above the line as it goes on."""
        if self.rewrites:
            self._write(f"\r  {text}\033[K\n  {self.title} ... ")
        else:
            self._write(f"\n    {text}\n")
            self.n_plain += 1

    def end(self, words: str) -> None:
        """Finish the line: how long the step took, or how it ended."""
        if self.rewrites:
            self._write(f"\r  {self.title} ... {words}\033[K\n")
        else:
            self._write(f"    {words}\n" if self.n_plain else f"{words}\n")

    def _write(self, text: str) -> None:
        self.out.write(text)
        self.out.flush()


@contextlib.contextmanager
def waiting(title: str) -> Iterator[None]:
    """A line that is kept up to date while the body of the `with` waits for something without output."""
    line, done = Line(title), threading.Event()

    def update() -> None:
        while not done.wait(0.2):
            line.show("the first time takes longest")

    thread = threading.Thread(target=update, daemon=True)
    thread.start()
    words = "not finished"
    try:
        yield
        words = f"{time.monotonic() - line.started_s:.0f} s"
    finally:
        done.set()
        thread.join()
        line.end(words)


class Reader:
    """Understands one line of a program's output after the other; `status` says what it is at.

    downloads: where pip keeps what it is fetching; packages: the folder it installs into.
    """

    def __init__(self, downloads: Path | None = None, packages: Path | None = None) -> None:
        self.downloads, self.packages = downloads, packages
        self.doing, self.done_mb, self.file, self.file_mb = "working", 0.0, None, 0.0
        self.names, self.n_before = [], 0

    def read(self, line: str) -> None:
        """Take in one line of the output."""
        found = DOWNLOADING.match(line)
        words = line.split()
        if found:
            self._file_is_done()
            name = found[2].rpartition("/")[2]
            if not name.endswith(".metadata"):
                self.file, self.file_mb = name, float(found[3]) * UNITS[found[4]]
        elif line.startswith("Installing collected packages: "):
            self._file_is_done()
            self.names = line.partition(": ")[2].strip().split(", ")
            self.n_before = self._n_packages()
        elif "Retrying" in line and line.startswith("WARNING"):
            self.doing = "the internet does not answer, trying again"
        elif words and words[0] in ("Collecting", "Processing") and len(words) > 1:
            self._file_is_done()
            self.doing = f"looking up {re.split(r'[=<>!~;@-]', words[1].rpartition('/')[2])[0]}"
        elif re.match(r"Get:\d+ ", line) and len(words) > 4:  # apt
            self.doing = f"downloading {words[4] if len(words) > 5 else words[2]}"
        elif words and words[0] in ("Unpacking", "Setting") and len(words) > 2:
            self.doing = f"installing {words[2] if words[1] == 'up' else words[1]}"
        elif re.match(r"\|[\s\u25a0]*\|\s+\d+% of ", line):  # Playwright
            self.doing = f"downloading {line.rpartition('|')[2].strip()}"

    def status(self) -> str:
        """For example: downloading torch 2.14.1, 312 of 823 MB (1400 MB before it)."""
        if self.names:
            n_done = min(max(self._n_packages() - self.n_before, 0), len(self.names) - 1)
            return f"installing {self.names[n_done]} ({n_done + 1} of {len(self.names)})"
        before = f" ({self.done_mb:.0f} MB before it)" if self.done_mb >= 1 else ""
        if self.file:
            name, version = (re.sub(r"\.(tar\.gz|zip)$", "", self.file).split("-") + [""])[:2]
            here = f", {self._partial_mb():.0f} of {self.file_mb:.0f} MB"
            return f"downloading {name} {version}{here if self.file_mb >= 1 else ''}{before}"
        return self.doing + (f" ({self.done_mb:.0f} MB so far)" if before else "")

    def _file_is_done(self) -> None:
        self.done_mb += self.file_mb
        self.file, self.file_mb = None, 0.0

    def _partial_mb(self) -> float:
        if self.downloads is None:
            return 0.0
        try:
            sizes = [path.stat().st_size for path in self.downloads.glob(f"*/{self.file}")]
        except OSError:  # it was there a moment ago
            sizes = []
        return min(max(sizes, default=0) / 1e6, self.file_mb)

    def _n_packages(self) -> int:
        return len(list(self.packages.glob("*.dist-info"))) if self.packages else 0


def run(command: Sequence[str], log: Path, line: Line, reader: Reader, **options: Any) -> int:
    """Run a command with its output in `log` and its progress in `line`; its exit code.

    However this ends, the command has ended too, and a killed dev.py ends it by the closed pipe.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        **options,
    )

    def read() -> None:
        with log.open("w", encoding="utf-8") as copy:
            for text in process.stdout or ():
                copy.write(text)
                copy.flush()
                reader.read(text)

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    try:
        while process.poll() is None:
            time.sleep(0.2)
            line.show(reader.status())
        return process.returncode
    finally:
        process.kill()
        process.wait()
        reading.join(5)  # what the command started may hold the pipe for as long as it likes
        if process.stdout and not reading.is_alive():
            process.stdout.close()


def cause(text: str) -> str:
    """The error message for a cause outside the pack that a log shows, and the last line that shows it; or ''."""
    for pattern, message in CAUSES:
        lines = [line.strip() for line in text.splitlines() if re.search(pattern, line)]
        if lines:
            return f"{message}\n{lines[-1]}"
    return ""


def lacking_space(folder: Path, needed_gb: float, kept_gb: float) -> str:
    """The error message when the disk of a folder is too small, else ''."""
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb >= needed_gb:
        return ""
    return (
        f"The set-up needs {needed_gb:.0f} GB of free space in {folder} while it works, of which {kept_gb:.0f} GB "
        f"stay, and {free_gb:.1f} GB are free. Make room, or clone the pack to a larger disk, and run "
        "the same command again."
    )
