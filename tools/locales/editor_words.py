"""Which texts of the timeline editor are words for a person, and so belong into the tables of js/editor/words."""

import re
from pathlib import Path

from .javascript_text import texts_of

WORDS = "js/editor/words"
MESSAGES = (  # beside those of the editor itself
    "js/errors.js",
    *(
        f"js/comfy/{name}.mjs"
        for name in ("timeline_node", "uploads", "weights_panel", "weights_words")
    ),
)
NO_WORDS = {"styles.mjs", "icons.mjs", "keys.mjs"}  # files without any
_PLACEHOLDER = re.compile(r"\{\d\}")
_WORD = re.compile(r"[A-Za-z]{2,}")
# what looks like words and is none: classes of elements, keys, drawing, and what other programs read
_OTHER = re.compile(
    r"(keyvid-|margin:|padding:|rgba?\(|\.\.?/|Arrow|KeyVID|TITLE: |console|--).*|"
    r".*(Error|\|C:.*|px|px \{\d\}|\.(mjs|js|json))|"
    r"Escape|Enter|Tab|Files|Shift|Alt|Control|Meta|Space|Cue|Name|Start|Duration|Time Format|Type|Description|"
    r"marker name|time format|no clipboard|None|Edit Keyframes",
    re.DOTALL,
)


def is_words(text: str) -> bool:
    """Whether a text is shown to a person: several words, a word with something put in, or a word with a capital."""
    plain = _PLACEHOLDER.sub("", text)
    n_words = len(_WORD.findall(plain))
    looks_so = (
        (n_words > 1 and " " in plain.strip())
        or (n_words == 1 and plain != text and " " in plain)
        or re.match(r"[A-Z][a-z]{2}", text) is not None
    )
    return looks_so and _OTHER.fullmatch(text) is None


def all_texts(root: Path) -> set[str]:
    """Every text of the editor's code, words or not."""
    files = [*(root / "js" / "editor").rglob("*.mjs"), *(root / name for name in MESSAGES)]
    code = [path.read_text(encoding="utf-8") for path in files if path.name not in NO_WORDS]
    return {one.text for text in code for one in texts_of(text)}
