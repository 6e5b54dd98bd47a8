"""Numbers and names that people give, on their way into the C++ half."""

from __future__ import annotations

import operator
from typing import Any

from .errors import UsageError


def whole(value: Any, operation: str, what: str, least: int = 0) -> int:
    """A whole number of Python's or numpy's. Raises TypeError for anything else, UsageError for one below ``least``."""
    try:
        number = operator.index(value)
    except TypeError:
        kind = type(value).__name__
        raise TypeError(f"[{operation}] {what} {value!r} is {kind}, want a whole number") from None
    if number < least:
        raise UsageError(f"[{operation}] {what} {number}: want a whole number from {least} on")
    return number


def set_options(options: Any, operation: str, **given: Any) -> None:
    """Sets fields of such options of the C++ half. Raises TypeError for what is of another type."""
    for name, value in given.items():
        now = getattr(options, name)
        if type(now) is int:
            value = whole(value, operation, name)
        elif hasattr(value, "item"):
            value = value.item()  # a number of numpy's
        try:
            setattr(options, name, value)
        except TypeError:
            kind = "a number" if now is None else type(now).__name__
            raise TypeError(f"[{operation}] {name} {value!r} is {type(value).__name__}, want {kind}") from None
