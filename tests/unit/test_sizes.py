"""No file, function or folder grows past what a reader takes in at once."""

import ast
import math
import re
import subprocess
from collections import Counter
from pathlib import PurePosixPath

import pytest
from keyvid_pack.tools.environment import ROOT

MAX_LINES_PER_FILE, MAX_LINES_PER_FUNCTION, MAX_FILES_PER_FOLDER = 350, 60, 15
# one file per node: an artist's list of nodes is as long as it is
FULL_FOLDERS = {"nodes", "js/docs"}


def _tracked(*suffixes):
    """The tracked files that exist, as paths relative to the checkout."""
    command = ["git", "ls-files", "-z", *(f"*{suffix}" for suffix in suffixes)]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [PurePosixPath(name) for name in names.split("\0") if name and (ROOT / name).is_file()]


def _text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def test_no_file_is_longer_than_a_reader_holds():
    lines = {str(path): len(_text(path).splitlines()) for path in _tracked(".py", ".js", ".mjs")}
    assert [name for name, n in lines.items() if n > MAX_LINES_PER_FILE] == []


def _python_functions(text):
    """(first line, number of lines) of every function, from its `def` to its end."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1


def _javascript_functions(text):
    """As _python_functions, by the indentation of formatted code; calls and loops over several lines count as well.

    The rule in biome.json leaves out every line that begins with { or }, so it lets longer functions pass.
    """
    lines = [re.sub(r"\s+//.*", "", line).rstrip() for line in text.splitlines()]
    indents = [len(line) - len(line.lstrip()) if line else math.inf for line in lines]
    for start, line in enumerate(lines):
        if not (line.endswith(("(", "{", "[")) and ("(" in line or "=>" in line)):
            continue
        later = (n for n in range(start + 1, len(lines)) if indents[n] <= indents[start])
        # `) {` closes the parameters and opens the body
        end = next((n for n in later if not re.match(r"\s*[)}\]].*[({\[]$", lines[n])), start)
        yield start + 1, end - start + 1


def _long_functions(texts, functions):
    return [
        f"{name}:{line}"
        for name, text in texts.items()
        for line, n_lines in functions(text)
        if n_lines > MAX_LINES_PER_FUNCTION
    ]


def test_no_function_is_longer_than_a_screen():
    python = {path: _text(path) for path in _tracked(".py")}
    javascript = {path: _text(path) for path in _tracked(".js", ".mjs")}
    assert _long_functions(python, _python_functions) == []
    assert _long_functions(javascript, _javascript_functions) == []


@pytest.mark.parametrize(
    ("functions", "head", "end"),
    [
        (_python_functions, ["def f(a):"], ["    return a"]),
        (_python_functions, ["async def f(", "    a,", "):"], ["    return a"]),
        (_javascript_functions, ["export function f(a) {"], ["}"]),
        (_javascript_functions, ["async function f(", "  a,", "  b,", ") { // why"], ["}"]),
        (_javascript_functions, ["export function f({", "  a,", "}) {"], ["}"]),
        (_javascript_functions, ["const f = (a) => ({"], ["});"]),
        (_javascript_functions, ["test('f', async (t) => {"], ["});"]),
        (_javascript_functions, ["  get f() {"], ["  }"]),
    ],
)
def test_functions_are_counted_from_head_to_end(functions, head, end):
    comment = "    # comment" if functions is _python_functions else "    // comment"
    body = ["", *[comment] * (MAX_LINES_PER_FUNCTION - 1 - len(head) - len(end))]
    after = ["", "", *[comment.lstrip()] * 9]
    for more, found in (([], []), ([""], ["a:1"])):
        text = "\n".join([*head, *body, *more, *end, *after])
        assert _long_functions({"a": text}, functions) == found


def test_no_folder_has_more_files_than_a_reader_looks_through():
    folders = Counter(str(path.parent) for path in _tracked(".py", ".js", ".mjs", ".md"))
    crowded = {name for name, n in folders.items() if n > MAX_FILES_PER_FOLDER}
    assert crowded == FULL_FOLDERS
