"""Values from other programs: checked by type, converted to Python's own types, quoted in error messages."""

import json
import math
from collections.abc import Iterable
from typing import Any, TypeGuard

from ..errors import KeyVIDError


def is_whole(value: object) -> TypeGuard[int]:
    """Whether a value is an int, and not True or False, which Python counts among them."""
    return isinstance(value, int) and not isinstance(value, bool)


def shown(value: object) -> str:
    """A value as an error message quotes it: as JSON writes it, and short, whatever it is."""
    if is_whole(value) and abs(value) >= 10**12:
        return "a number of more than 12 digits"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= 40 else text[:37] + "..."


def whole_number(value: Any, name: str, *, least: int, most: int) -> int:
    """A whole number that came over a wire, where ComfyUI checks none. Raises KeyVIDError, with the number's name."""
    number = plain_number(value)
    if not is_whole(number) or not least <= number <= most:
        raise KeyVIDError(
            f"The {name} is {shown(value)}; it has to be a whole number from {least} to {most}."
        )
    return number


def real_number(value: Any, name: str) -> float:
    """One number that came over a wire, such as 0.5 or 1. Raises KeyVIDError, with the number's name."""
    number = plain_value(value)
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise KeyVIDError(f"The {name} is {shown(value)}; it has to be one number.")
    try:
        return float(number)
    except OverflowError:  # a whole number of more than 300 digits
        return math.inf if number > 0 else -math.inf


def choice(value: Any, options: Iterable[str], name: str) -> str:
    """One of a list's values that came over a wire. Raises KeyVIDError, with the list's name."""
    options = list(options)
    if not isinstance(value, str) or value not in options:
        raise KeyVIDError(
            f"The {name} is {shown(value)}; it has to be one of {', '.join(options)}."
        )
    return value


def plain_value(value: Any) -> Any:
    """A value of another library (numpy, PyTorch) as Python has it: a number, or lists of them; others as they are."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "tolist"):
        return value
    try:
        return value.tolist()
    except (RuntimeError, TypeError, ValueError):
        # a tensor that holds no values, such as a sparse one
        return value


def plain_number(value: Any) -> Any:
    """As plain_value, and a whole number as int: 12 for 12.0, which is what most other nodes give."""
    value = plain_value(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value
