"""Values from other programs: checked by type, converted to Python's own types, quoted in error messages."""

import json
from typing import Any, TypeGuard


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
