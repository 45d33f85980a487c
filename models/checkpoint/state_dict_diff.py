"""Which tensors of a network are missing from a file, left over in it, of another shape, or quantised."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from ..config_inference import Shape

_SHOWN = 3  # names per list in a message
_LONGEST = 120  # characters of a name from a file in a message; ComfyUI's own have 80 at most


@dataclass(frozen=True)
class NameReport:
    """missing and unexpected: names, sorted; misshaped: (name, the shape that is needed, the shape found)."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshaped: tuple[tuple[str, Shape, Shape], ...]

    @property
    def fits(self) -> bool:
        """Whether everything needed is there in the right shape; leftovers do no harm."""
        return not self.missing and not self.misshaped

    def __str__(self) -> str:
        wrong = [
            f"{name} is {list(found)}, not {list(need)}" for name, need, found in self.misshaped
        ]
        lists = (
            ("missing", self.missing),
            ("of another shape", wrong),
            ("not needed", self.unexpected),
        )
        parts = [f"{len(names)} {what} ({few(names)})" for what, names in lists if names]
        return "; ".join(parts) or "all names and shapes agree"


def compare_names(expected: Mapping[str, Shape], found: Mapping[str, Shape]) -> NameReport:
    """The NameReport of {name: shape} that a network needs and {name: shape} that a file has."""
    common = sorted(expected.keys() & found.keys())
    return NameReport(
        missing=tuple(sorted(expected.keys() - found.keys())),
        unexpected=tuple(sorted(found.keys() - expected.keys())),
        misshaped=tuple(
            (name, tuple(expected[name]), tuple(found[name]))
            for name in common
            if tuple(expected[name]) != tuple(found[name])
        ),
    )


def quantised_names(expected: Iterable[str], dtypes: Mapping[str, torch.dtype]) -> list[str]:
    """The names by which a file is known to be quantised: needed weights of integers, and scales of fp8 weights.

    expected: the names that a network needs. dtypes: {name: dtype} of the file. Weights in fp8 alone are rounded
    and can be used; with scales beside them they mean something else.
    """
    expected = set(expected)
    needed = {name: dtype for name, dtype in dtypes.items() if name in expected}
    found = sorted(name for name, dtype in needed.items() if not dtype.is_floating_point)
    if any(dtype.is_floating_point and dtype.itemsize == 1 for dtype in needed.values()):
        found += sorted(name for name in dtypes if name not in expected and "scale" in name)
    return found


def few(names: Sequence[str], count: int = _SHOWN) -> str:
    """The first `count` names separated by commas, and how many more there are."""
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(map(printable, names[:count])) + more


def printable(text: str, longest: int = _LONGEST) -> str:
    """A text from a file, for a message: cut, and what cannot be printed spelled out; a terminal would obey it."""
    cut = text if len(text) <= longest else text[: longest - 3] + "..."
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
