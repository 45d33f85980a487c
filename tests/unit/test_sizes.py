"""No file, function or folder grows past what a reader takes in at once."""

import ast
import subprocess
from collections import Counter
from pathlib import PurePosixPath

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


def test_no_function_is_longer_than_a_screen():
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path in _tracked(".py")
        for node in ast.walk(ast.parse(_text(path)))
        if isinstance(node, functions) and node.end_lineno - node.lineno >= MAX_LINES_PER_FUNCTION
    ]
    assert long == []


def test_no_folder_has_more_files_than_a_reader_looks_through():
    folders = Counter(str(path.parent) for path in _tracked(".py", ".js", ".mjs", ".md"))
    crowded = {name for name, n in folders.items() if n > MAX_FILES_PER_FOLDER}
    assert crowded == FULL_FOLDERS
