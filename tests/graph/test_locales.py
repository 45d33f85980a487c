"""The nodes in the artist's language: complete against what the server says of them, and served to the page."""

import json
import re

import pytest
from keyvid_pack.tools.environment import ROOT
from keyvid_pack.tools.locales.node_definitions import (
    LANGUAGES,
    OURS,
    definitions,
    english_texts,
    table_of,
)

# parts of the path of a category that ComfyUI translates itself
ITS_CATEGORIES = {"loaders", "advanced"}
# vue-i18n reads these in names and descriptions as its own syntax (tooltips are shown as they are)
SYNTAX = re.compile(r"[{}@|]")


@pytest.fixture(scope="module")
def object_info(comfy):
    return {name: info for name, info in comfy.object_info().items() if name.startswith(OURS)}


def written(language, name="nodeDefs"):
    return json.loads((ROOT / "locales" / language / f"{name}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_every_node_is_translated_and_nothing_else(object_info, language):
    english, table = english_texts(object_info), table_of(language)
    assert len(english) > 300
    assert english - table.keys() == set(), "python dev.py locales says what a changed text needs"
    assert table.keys() - english == set()
    assert [text for text, said in table.items() if not said.strip()] == []
    # sentences in another language than English are never equal to the English ones
    assert [text for text, said in table.items() if text == said and text.count(" ") > 3] == []


def test_the_files_are_what_the_command_writes(object_info):
    assert written("en") == definitions(object_info, lambda text: text)
    for language in LANGUAGES:
        assert written(language) == definitions(object_info, table_of(language).__getitem__)


def test_a_text_that_changed_is_noticed(object_info):
    changed = json.loads(json.dumps(object_info))
    changed["KeyVID_ClipAudio"]["description"] = "Cuts."
    assert english_texts(changed) - table_of("ko").keys() == {"Cuts."}
    assert written("en") != definitions(changed, lambda text: text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_that_are_typed_or_chosen_stay_english(object_info, language):
    """ComfyUI does not translate the values of a list, so a tooltip has to name them as they are."""
    table, n_values = table_of(language), 0
    for info in object_info.values():
        for group in ("required", "optional"):
            for kind, *rest in info["input"].get(group, {}).values():
                options = rest[0] if rest else {}
                tooltip = options.get("tooltip") or ""
                for value in options.get("options", []) if kind == "COMBO" else []:
                    if re.search(rf"(?<!\w){re.escape(str(value))}:", tooltip):
                        n_values += 1
                        assert str(value) in table[tooltip], (value, table[tooltip])
    assert n_values > 15


@pytest.mark.parametrize("language", ("en", *LANGUAGES))
def test_names_and_descriptions_have_no_syntax_of_the_page(language):
    for node in written(language).values():
        slots = [*node["inputs"].values(), *node["outputs"].values()]
        texts = [node["display_name"], node["description"], *(slot["name"] for slot in slots)]
        assert [text for text in texts if SYNTAX.search(text)] == []


@pytest.mark.parametrize("language", ("en", *LANGUAGES))
def test_categories_and_sockets_have_names(object_info, language):
    names = written(language, "main")
    parts = {part for info in object_info.values() for part in info["category"].split("/")}
    assert names["nodeCategories"].keys() == parts - ITS_CATEGORIES
    kinds = {kind for info in object_info.values() for kind in info["output"]}
    assert names["dataTypes"].keys() == {kind for kind in kinds if kind.startswith("KEYVID_")}


def test_comfyui_serves_them(comfy):
    served = comfy.get("/i18n")
    for language in ("en", *LANGUAGES):
        assert served[language]["nodeDefs"]["KeyVID_ClipAudio"]["display_name"].endswith("(KeyVID)")
        assert served[language]["nodeCategories"]["KeyVID"] == "KeyVID"


def test_the_pack_has_no_settings_and_commands_that_would_need_a_translation():
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "js").glob("*.js"))
    assert "registerExtension(" in code
    assert re.findall(r"\b(?:settings|commands|menuCommands|keybindings):", code) == []
