"""`python dev.py weights`: published weight files fetched and converted, with a line per step."""

import sys
from pathlib import Path

from ...errors import KeyVIDError
from ...released.convert import report
from ...released.fetch import fetch
from ...released.published_files import FILES, PublishedFile
from .. import progress


class _Lines:
    """One line of progress for each step of a file."""

    def __init__(self) -> None:
        self.what, self.line = "", None

    def step(self, what: str, n_done: int, n_all: int) -> None:
        """Show how far a step is."""
        if what != self.what or self.line is None:
            self.end("done")
            self.what, self.line = what, progress.Line(what)
        share = f" of {n_all / 1e9:.2f} GB, {100 * n_done // n_all} %" if n_all else " GB"
        self.line.show(f"{n_done / 1e9:.2f}{share}")

    def end(self, words: str) -> None:
        """Finish the line of the step that is going on."""
        if self.line is not None:
            self.line.end(words)
        self.what, self.line = "", None


def _fetch_one(file: PublishedFile, folder: Path, source: Path | None, flags: set[str]) -> None:
    lines = _Lines()
    print(f"\n{file.target}", flush=True)
    try:
        result = fetch(
            file,
            folder,
            step=lines.step,
            half="--half" in flags,
            source=source,
            delete_original="--delete-original" in flags,
            force="--force" in flags,
        )
    except BaseException:
        lines.end("not finished")
        raise
    lines.end("done")
    if result is None:
        print(f"  It is there already: {folder / file.target} (--force makes it anew)")
        return
    for line in report(result, folder / file.target):
        print(f"  {line}")


def main(folder: str, source: str, flags: str, *keys: str) -> int:
    """Fetch the files of these keys into `folder`; the exit code.

    source: a file that was downloaded by hand, or "". flags: --half, --force, --delete-original, with spaces between.
    """
    try:
        for key in keys:
            _fetch_one(
                FILES[key], Path(folder), Path(source) if source else None, set(flags.split())
            )
    except KeyVIDError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on from here.", file=sys.stderr)
        return 130
    print("\nPress R in ComfyUI to refresh its lists.")
    return 0
