"""What the documents name is there: files they link to, test files, tests, and the modules of the editor."""

import re

import pytest
from keyvid_pack.tools import environment

TEXT = (environment.ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TESTS = environment.ROOT / "tests"


DOCUMENTS = [*environment.ROOT.glob("*.md"), *(environment.ROOT / "docs").rglob("*.md")]
TASKS = [
    path
    for path in sorted((environment.ROOT / "docs" / "tasks").glob("*.md"))
    if path.name != "README.md"
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_file_that_is_linked_to_is_there(document):
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)\)", text) + re.findall(r"src(?:set)?=\"([^\":]+)\"", text)
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("page", TASKS, ids=lambda path: path.name)
def test_a_page_of_a_task_has_a_picture_and_names_workflows_that_are_there(page):
    text = page.read_text(encoding="utf-8")
    assert re.search(r"^!\[.+\]\(.+\)$", text, re.MULTILINE)
    named = set(re.findall(r"`(keyvid_\w+)`", text))
    assert named
    assert [n for n in named if not (environment.ROOT / "workflows" / f"{n}.json").exists()] == []
    for index in (environment.ROOT / "README.md", page.with_name("README.md")):
        assert f"{page.name})" in index.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[\w./-]+)`", TEXT))))
def test_a_file_of_tests_that_is_named_is_there(path):
    assert (environment.ROOT / path).exists()


def test_tests_that_are_named_are_there():
    named = set(re.findall(r"`(test_\w+)`", TEXT))
    assert named
    code = "\n".join(path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py"))
    assert [name for name in named if f"def {name}(" not in code] == []


def test_each_module_of_the_editor_is_in_its_table():
    editor = environment.ROOT / "js" / "editor"
    _, section = TEXT.split("| folder of `js/editor/` | modules | what |\n", 1)
    named, folder = set(), "."
    for line in section.split("\n\n", 1)[0].splitlines()[1:]:
        of, modules, _ = line.strip("|").split("|")
        folder = of.strip(" `/") or folder
        named |= {f"{folder}/{name}" for name in re.findall(r"`(\w+)`", modules)}
    modules = {path.relative_to(editor) for path in editor.rglob("*.mjs")}
    assert named == {f"{path.parent}/{path.stem}" for path in modules}


CITATION = re.compile(
    r"published-model ([a-k](?:\.\d)?(?:, [a-k](?:\.\d)?)*(?:(?:-| and )[a-k](?:\.\d)?)*)"
)
SECTION = re.compile(r"^(?:#{2,3} ([a-k](?:\.\d)?)\.? |(\d)\. )", re.MULTILINE)
SOURCES = [
    path
    for folder in ("nodes", "host", "models", "keyframes", "preview", "training", "evaluation")
    for path in (environment.ROOT / folder).rglob("*.py")
]


def cited_sections(text):
    """The sections of docs/published-model.md that a text cites, such as {"b.6", "e"}."""
    words = " ".join(line.strip().lstrip("# ") for line in text.splitlines())
    groups = CITATION.findall(words)
    return {section for group in groups for section in re.findall(r"[a-k](?:\.\d)?", group)}


def sections_of(page):
    """Names of headings, such as "b" and "b.6", and of the numbered points under a heading, such as "c.2"."""
    sections, heading = set(), ""
    for title, point in SECTION.findall(page):
        heading = title or heading
        sections.add(title or f"{heading[:1]}.{point}")
    return sections


def test_every_cited_section_of_the_published_model_is_there():
    page = (environment.ROOT / "docs" / "published-model.md").read_text(encoding="utf-8")
    sections = sections_of(page)
    paths = [*SOURCES, *TESTS.rglob("*.py")]
    cited = {path: cited_sections(path.read_text(encoding="utf-8")) for path in paths}
    assert sum(map(len, cited.values())) > 60
    assert {str(p): c - sections for p, c in cited.items() if c - sections} == {}
    assert "b.10" not in sections and "c.5" not in sections


def test_nothing_cites_a_document_that_is_not_in_the_project():
    found = [
        p
        for p in SOURCES
        if re.search(r"\breference,? (?:sections? )?[a-k](\.\d|\b[,)])", p.read_text("utf-8"))
    ]
    assert found == []
