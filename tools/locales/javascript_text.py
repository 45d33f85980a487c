"""The texts in JavaScript code, with {0}, {1} ... for what is put into them when it runs."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<regex>/(?![*/])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*)
    |(?P<word>[\w$#]+)
    |(?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
# behind these a slash divides; behind anything else it begins a regular expression
_VALUE_ENDS = re.compile(r"[\w$)\]}\"`]$")


class Text(NamedTuple):
    """A text, with placeholders, and the line it begins on."""

    text: str
    line: int


def texts_of(code: str) -> list[Text]:
    """Every text in double quotes or backticks; those joined by + are one."""
    pieces: list[list[_Token]] = []
    _scan(code, 0, pieces)
    return sorted(
        (text for piece in pieces for text in _joined(code, piece)), key=lambda one: one.line
    )


class _Token(NamedTuple):
    kind: str
    value: str | list[str]  # of a template the texts between what is put in
    start: int


def _scan(code: str, at: int, pieces: list[list[_Token]]) -> int:
    """Add a list of the tokens from `at` on, without spaces and comments, up to a brace that nothing opened.

    What is put into a template is a list of its own. Returns where the scan stopped.
    """
    found: list[_Token] = []
    pieces.append(found)
    depth, before = 0, ""
    while at < len(code):
        if code[at] == "`":
            start, (parts, at) = at, _template(code, at + 1, pieces)
            found.append(_Token("template", parts, start))
            before = "`"
            continue
        token = _TOKEN.match(code, at)
        if token is None or token.lastgroup is None:
            raise ValueError(f"The code cannot be read from character {at} on.")
        kind, value = token.lastgroup, token[0]
        if kind == "regex" and _VALUE_ENDS.search(before) and before != "return":
            kind, value = "other", "/"
        depth += {"{": 1, "}": -1}.get(value, 0)
        if depth < 0:
            return at
        at += len(value)
        if kind != "space":
            found.append(_Token(kind, value, at - len(value)))
            before = value
    return at


def _template(code: str, at: int, pieces: list[list[_Token]]) -> tuple[list[str], int]:
    """A template from behind its backtick on: its texts between what is put in, and where the code goes on."""
    parts = [""]
    while code[at] != "`":
        if code.startswith("${", at):
            at = _scan(code, at + 2, pieces) + 1
            parts.append("")
        else:
            n = 2 if code[at] == "\\" else 1
            parts[-1] += code[at : at + n]
            at += n
    return parts, at + 1


def _joined(code: str, tokens: Sequence[_Token]) -> Iterator[Text]:
    literals = ("text", "template")
    parts: list[str] = []
    start, wants_more = 0, False
    for token in [*tokens, _Token("other", ";", len(code))]:
        if token.kind in literals and (wants_more or not parts):
            own = token.value if isinstance(token.value, list) else [token.value[1:-1]]
            start = start if parts else token.start
            parts = [*parts[:-1], parts[-1] + own[0], *own[1:]] if parts else own
            wants_more = False
        elif token.value == "+" and parts and not wants_more:
            wants_more = True
        else:
            if parts:
                yield Text(_with_placeholders(parts), code.count("\n", 0, start) + 1)
            parts, wants_more = [], False
            if token.kind in literals:
                parts, start = (
                    token.value if isinstance(token.value, list) else [token.value[1:-1]],
                    token.start,
                )


def _with_placeholders(parts: list[str]) -> str:
    text = parts[0]
    for number, part in enumerate(parts[1:]):
        text += f"{{{number}}}{part}"
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)
