"""One word for each thing: words that were replaced do not come back."""

import re
import subprocess
from pathlib import PurePosixPath

from keyvid_pack.tools.environment import ROOT

REPLACED = {  # the word: what the code and its documents say instead
    "shelf": "model folder, file list",
    "shelves": "model folders",
    "leash": "scope",
    "untie": "detach",
    "ears": "audio encoder, audio input",
    "deaf": "without audio input",
    "lively": "random",
    "weakened": "scaled",
    "mend": "fix",
    "mended": "fixed",
    "wish": "request, user edit",
    "wishes": "requests, user edits",
    "pictured": "shown, painted",
    "rooms": "packages",
    "scenery": "static scene",
    "sights": "tracked objects",
    "passings": "loop crossings",
    "in_portions": "chunked",
    "painted_by": "render fingerprint",
    "author_of": "fingerprint",
}
# history, the words of the published code, a negative prompt of ComfyUI's own, this list, and checksums in which any
# letters may meet
EXEMPT = {
    "CHANGELOG.md",
    "docs/published-model.md",
    "tests/unit/test_words.py",
    "package-lock.json",
    "workflows/keyvid_ltx_edits.json",
    "workflows/api/keyvid_ltx_edits.json",
}
# underscores separate the words of a name
PATTERN = re.compile(rf"(?<![A-Za-z0-9])({'|'.join(REPLACED)})(?![A-Za-z0-9])", re.IGNORECASE)


def _texts():
    """{path: text} of every tracked text file that is not exempt."""
    command = ["git", "ls-files", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    texts = {}
    for name in filter(None, names.split("\0")):
        data = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b"\0"
        if name not in EXEMPT and b"\0" not in data[:8000]:
            texts[PurePosixPath(name)] = data.decode("utf-8", errors="replace")
    return texts


def _replaced_words(texts):
    """["path:line: word -> the word to use"], by file and line."""
    return [
        f"{name}:{number}: {word} -> {REPLACED[word.lower()]}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), start=1)
        for word in PATTERN.findall(line)
    ]


def test_replaced_words_do_not_come_back():
    assert _replaced_words(_texts()) == []


def test_a_replaced_word_is_found_in_prose_and_in_names():
    text = "# no years, gears or bookshelf\nclass Ears:\n    narrow_ears = 1  # a shelf.\n"
    assert _replaced_words({"a.py": text}) == [
        "a.py:2: Ears -> audio encoder, audio input",
        "a.py:3: ears -> audio encoder, audio input",
        "a.py:3: shelf -> model folder, file list",
    ]
    names = {str(name) for name in _texts()}
    assert {"README.md", "js/editor/editor.mjs", "nodes/__init__.py", "pyproject.toml"} <= names
    assert not names & EXEMPT
