"""The list of a batch: which image, sound, prompt and edit each clip is made of."""

import csv
import hashlib
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import KeyVIDError

COLUMNS = ("name", "image", "sound", "prompt", "edit", "seed")
NAME = re.compile(r"[^\x00-\x1f<>:\"|?*\\]+")  # of a file, on every system; / makes folders


class BatchClip(NamedTuple):
    """A clip to make. image, sound: files, None for the workflow's own; likewise prompt, edit and seed.

    edit: the text of Edit Keyframes: an edit document, a plan, or frames such as "0, 7, 12".
    """

    name: str
    image: Path | None
    sound: Path | None
    prompt: str | None
    edit: str | None
    seed: int | None


def read_list(path: str | Path) -> list[BatchClip]:
    """The clips of a list: CSV with a header of COLUMNS, or a JSON object with these names per line (.jsonl).

    Files are named relative to the list. A column may be left out; an empty cell is the workflow's own value. edit may
    be the name of a .json file instead of the text. Raises KeyVIDError that names the line.
    """
    path = Path(path).expanduser()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyVIDError(
            f"The list {path} cannot be read ({error}). Save it as text in UTF-8."
        ) from None
    rows = _json_rows(text, path) if path.suffix.lower() == ".jsonl" else _csv_rows(text, path)
    clips, seen = [], {}
    for number, row in rows:
        clip = _clip(row, path.parent, where := f"line {number} of {path}")
        key = clip.name.casefold()  # names of files, on systems that ignore case too
        if key in seen:
            raise KeyVIDError(
                f'Two clips are called "{clip.name}", in {seen[key]} and {where}. Give each a name of its own.'
            )
        seen[key] = where
        clips.append(clip)
    if not clips:
        raise KeyVIDError(
            f"There are no clips in {path}. Its first line names the columns: {', '.join(COLUMNS)}."
        )
    return clips


def file_hash(path: Path) -> str:
    """The SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _csv_rows(text: str, path: Path) -> list[tuple[int, dict[str, Any]]]:
    reader = csv.DictReader(text.splitlines(keepends=True))
    unknown = set(reader.fieldnames or ()) - set(COLUMNS)
    if unknown:
        raise KeyVIDError(
            f"The list {path} has the column {sorted(unknown)[0]!r}; there are {', '.join(COLUMNS)}."
        )
    rows = []
    for row in reader:
        if None in row:  # where csv puts what is left over
            raise KeyVIDError(
                f"Line {reader.line_num} of {path} has more cells than its first line has columns. Put a text with a "
                'comma in quotes: "a dog, barking".'
            )
        rows.append((reader.line_num, row))
    return rows


def _json_rows(text: str, path: Path) -> list[tuple[int, dict[str, Any]]]:
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise KeyVIDError(
                f"Line {number} of {path} is no JSON ({error}). Correct it."
            ) from None
        if not isinstance(row, dict) or set(row) - set(COLUMNS):
            raise KeyVIDError(
                f"Line {number} of {path} is no JSON object of {', '.join(COLUMNS)}. Correct it."
            )
        rows.append((number, row))
    return rows


def _clip(row: dict[str, Any], folder: Path, where: str) -> BatchClip:
    cells = {name: row.get(name) for name in COLUMNS}
    image, sound = (_file(cells[name], name, folder, where) for name in ("image", "sound"))
    name = str(cells["name"] or (sound or image or Path()).stem).strip()
    if not NAME.fullmatch(name) or any(part in ("", ".", "..") for part in name.split("/")):
        raise KeyVIDError(
            f"In {where} the name is {name!r}, which cannot be a file's. Give another."
        )
    edit = cells["edit"] if isinstance(cells["edit"], str | None) else json.dumps(cells["edit"])
    if edit and edit.strip().lower().endswith(".json"):
        edit_file = _file(edit, "edit", folder, where)
        edit = _text(edit_file, where) if edit_file else None
    return BatchClip(
        name, image, sound, cells["prompt"] or None, edit or None, _seed(cells["seed"], where)
    )


def _file(cell: Any, column: str, folder: Path, where: str) -> Path | None:
    if not cell:
        return None
    path = folder / Path(str(cell).strip()).expanduser()
    if not path.is_file():
        raise KeyVIDError(f"In {where} the {column} is {cell}, but there is no file {path}.")
    return path


def _text(path: Path, where: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyVIDError(
            f"In {where} the edit is {path.name}, which cannot be read ({error}). Save it as text in UTF-8."
        ) from None


def _seed(cell: Any, where: str) -> int | None:
    if cell in (None, ""):
        return None
    try:
        seed = int(str(cell))
    except ValueError:
        seed = -1
    if not 0 <= seed < 2**63:
        raise KeyVIDError(f"In {where} the seed is {cell}; it is a whole number from 0 on.")
    return seed
