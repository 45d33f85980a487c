"""The names, descriptions and tooltips of our nodes as ComfyUI's frontend reads them (locales/LANGUAGE/nodeDefs.json).

English is what the schemas say. Another language has a table, tables/LANGUAGE.json, from each English text to its
translation, so that a text that changes is noticed in every language, and one that occurs often is translated once.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

LANGUAGES = ("ja", "ko", "zh")  # beside English
TABLES = Path(__file__).resolve().parent / "tables"
OURS = "KeyVID_"  # what the ids of our nodes begin with

Words = Mapping[str, str]  # English: translation


def table_of(language: str) -> dict[str, str]:
    """The translations of a language by their English texts."""
    return json.loads((TABLES / f"{language}.json").read_text(encoding="utf-8"))


def definitions(object_info: Mapping[str, Any], say: Callable[[str], str]) -> dict[str, Any]:
    """What nodeDefs.json holds of our nodes in ComfyUI's /object_info; say: from an English text to the language."""
    ours = sorted(name for name in object_info if name.startswith(OURS))
    return {name: _definition(object_info[name], say) for name in ours}


def english_texts(object_info: Mapping[str, Any]) -> set[str]:
    """Every text that a language has to translate."""
    found: set[str] = set()

    def note(text: str) -> str:
        found.add(text)
        return text

    definitions(object_info, note)
    return found


def _definition(info: Mapping[str, Any], say: Callable[[str], str]) -> dict[str, Any]:
    tooltips = info.get("output_tooltips") or [None] * len(info["output_name"])
    outputs = enumerate(zip(info["output_name"], tooltips, strict=True))
    return {
        "display_name": say(info["display_name"]),
        "description": say(info["description"]),
        "inputs": {
            key: _entry(options.get("display_name") or key, options.get("tooltip"), say)
            for key, options in _inputs(info)
        },
        "outputs": {str(i): _entry(name, tooltip, say) for i, (name, tooltip) in outputs},
    }


def _inputs(info: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for group in ("required", "optional"):
        for key, (_, *options) in info["input"].get(group, {}).items():
            yield key, options[0] if options else {}


def _entry(name: str, tooltip: str | None, say: Callable[[str], str]) -> dict[str, str]:
    return {"name": say(name), **({"tooltip": say(tooltip)} if tooltip else {})}
