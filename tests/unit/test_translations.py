"""The editor and the help pages in other languages: no text is missing, and none is left of what was there before."""

import json
import re

import pytest
from keyvid_pack.tools.environment import ROOT
from keyvid_pack.tools.locales import editor_words
from keyvid_pack.tools.locales.javascript_text import texts_of
from keyvid_pack.tools.locales.node_definitions import LANGUAGES

HELP = ROOT / "js" / "docs"
# the nodes that artists meet first
FIRST = {
    "BlendBetweenKeyframes", "ClipAudio", "EditKeyframes", "FitPlanToModel", "KeyframeConditioning", "KeyframeImages",
    "KeyframeSheet", "LocalizeKeyframes", "MotionFromVideo", "PlanInfo", "SelectKeyframes", "TimingPreview",
}  # fmt: skip
PLACEHOLDER = re.compile(r"\{(\d)\}")


def words_of(language):
    return json.loads((ROOT / editor_words.WORDS / f"{language}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_editor_is_translated_and_nothing_else(language):
    texts, table = editor_words.all_texts(ROOT), words_of(language)
    words = {text for text in texts if editor_words.is_words(text)}
    assert len(words) > 300
    assert sorted(words - table.keys()) == []
    assert sorted(table.keys() - texts) == []
    assert [text for text, said in table.items() if not said.strip()] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_put_in_that_is_not_there(language):
    for english, said in words_of(language).items():
        assert set(PLACEHOLDER.findall(said)) <= set(PLACEHOLDER.findall(english)), english


def test_a_text_with_something_put_in_has_enough_words_of_its_own():
    """Else it would be taken for any other text, such as one of the artist's."""
    for english in words_of("ko"):
        if PLACEHOLDER.search(english):
            assert len(re.sub(r"\{\d\}|\W", "", english)) >= 3, english


def test_texts_are_found_in_code():
    code = """
      // "a comment"
      const a = "one" + `two ${f("three")} ` + "four"; /* `five` */
      const b = /["`]/.test(c) ? `six ${d ? `seven ${e}` : ""}` : 'eight \\\\n';
      const half = a / 2 / b;
    """
    found = [text.text for text in texts_of(code)]
    assert found == ["onetwo {0} four", "three", "six {0}", "eight \\n", "seven {0}", ""]
    assert editor_words.is_words("Moved to {0}.") and editor_words.is_words("Lock")
    assert not any(map(editor_words.is_words, ("keyvid-row", "{0}px", "Escape", "peak", "{0} s")))


def outline(text):
    """What a translation keeps of a page: its headings' levels, rows and cells of tables, code, and pages linked to."""
    lines = text.splitlines()
    return {
        "headings": [line.split(" ")[0] for line in lines if line.startswith("#")],
        "rows": [line.count(" | ") for line in lines if line.startswith("|")],
        "code": set(re.findall(r"`[^`]+`", text)),
        "links": set(re.findall(r"\]\(([^)]+)\)", text)),
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_of_the_first_nodes_say_the_same_in_every_language(language):
    pages = {path.parent.name: path for path in HELP.glob(f"*/{language}.md")}
    assert pages.keys() == {f"KeyVID_{name}" for name in FIRST}
    for name, path in pages.items():
        english = outline((HELP / f"{name}.md").read_text(encoding="utf-8"))
        assert outline(path.read_text(encoding="utf-8")) == english, path
