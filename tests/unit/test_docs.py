"""What the documents name is there: files they link to, test files, tests, and the modules of the editor."""

import re

import pytest
from keyvid_pack.tools import environment

TEXT = (environment.ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TESTS = environment.ROOT / "tests"


DOCUMENTS = [*environment.ROOT.glob("*.md"), *(environment.ROOT / "docs").glob("*.md")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_file_that_is_linked_to_is_there(document):
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text) + re.findall(r"src(?:set)?=\"([^\":]+)\"", text)
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[\w./-]+)`", TEXT))))
def test_a_file_of_tests_that_is_named_is_there(path):
    assert (environment.ROOT / path).exists()


def test_tests_that_are_named_are_there():
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    assert named
    code = "\n".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    assert [name for name in named if f"def {name}(" not in code] == []


def test_each_module_of_the_editor_is_in_its_table():
    _, section = TEXT.split("| rooms | what |\n", 1)
    rooms = set(re.findall(r"`(\w+\*?)`", section.split("\n\n", 1)[0]))
    modules = {path.stem for path in (environment.ROOT / "js" / "editor").glob("*.mjs")}
    unnamed = {m for m in modules if m not in rooms and f"{m.split('_')[0]}*" not in rooms}
    assert unnamed == set()
