"""python dev.py locales: writes locales/*/nodeDefs.json from the nodes' schemas and the tables of translations."""

import json
import sys
import tempfile

from .. import server
from ..environment import ROOT
from .node_definitions import LANGUAGES, definitions, english_texts, table_of


def main() -> int:
    """The exit code: 1 when a language lacks a text, which is printed; nothing is written then."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as base,
        server.running(base, python=sys.executable, pack=ROOT) as comfy,
    ):
        object_info = comfy.object_info()
    english = english_texts(object_info)
    tables = {language: table_of(language) for language in LANGUAGES}
    wrong = [
        f"tools/locales/tables/{language}.json {what}: {text}"
        for language, table in tables.items()
        for what, texts in (("lacks", english - set(table)), ("has too much", set(table) - english))
        for text in sorted(texts)
    ]
    if wrong:
        print("\n".join(wrong))
        return 1
    write("en", definitions(object_info, lambda text: text))
    for language, table in tables.items():
        write(language, definitions(object_info, table.__getitem__))
    return 0


def write(language: str, nodes: dict) -> None:
    """Write locales/LANGUAGE/nodeDefs.json."""
    path = ROOT / "locales" / language / "nodeDefs.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(nodes, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{path}: {len(nodes)} nodes")
