"""python dev.py release: makes and scans the archive, prints a version's notes, draws the registry's pictures."""

import argparse
import subprocess
from pathlib import Path

from .. import environment
from . import archive, scanners
from .notes import notes_of


def main(words: list[str]) -> int:
    """The exit code: 1 when the archive is larger than the registry's page may ask artists to download."""
    parser = argparse.ArgumentParser(prog="dev.py release", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    make = commands.add_parser("archive", help="the ZIP file that the registry gives to artists")
    make.add_argument("target", nargs="?", help="default: .dev/NAME-VERSION.zip")
    notes = commands.add_parser(
        "notes", help="the section of CHANGELOG.md for a tag, such as v0.2.0"
    )
    notes.add_argument("tag")
    commands.add_parser("pictures", help="draw icon and banner anew (docs/media)")
    commands.add_parser("scan", help="what scanners of code say of the archive")
    options = parser.parse_args(words)
    if options.command == "scan":
        return scanners.scan()
    if options.command == "pictures":
        script = environment.ROOT / "tools" / "processes" / "run_in_pack.py"
        command = [environment.setup(), script, "tools.release.pictures"]
        return subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    if options.command == "notes":
        print(notes_of(options.tag), end="")
        return 0
    target = archive.write(Path(options.target).expanduser().absolute() if options.target else None)
    size, n_files = target.stat().st_size, len(archive.published_files())
    print(f"{target}: {n_files} files, {size / 1e6:.1f} MB ({archive.MAX_BYTES / 1e6:.0f} at most)")
    return int(size > archive.MAX_BYTES)
