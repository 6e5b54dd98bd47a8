"""What is to be frozen, as people say it and as the C++ half reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ._arrays import whole
from .errors import UnknownNameError, UsageError

Answer = TypeVar("Answer")
Spec = str | int | Sequence[int | str]


def named(call: Callable[[str], Answer], spec: str) -> Answer:
    """``call(spec)``; a name that is not there is an UnknownNameError."""
    try:
        return call(spec)
    except UsageError as error:
        text = str(error)
        unknown = any(words in text for words in ("no block", "is called", "has the role", "there is no", "blocks, not"))
        if not unknown:
            raise
        raise UnknownNameError(text, error.operation) from None


def freeze_text(spec: Spec) -> str:
    """As the program's ``--freeze`` takes it."""
    if isinstance(spec, str):
        return spec
    count = whole(spec)
    if count is not None:
        return str(count)
    if not isinstance(spec, Sequence) or not all(isinstance(part, str) or whole(part) is not None for part in spec):
        raise TypeError(f'[freeze] {spec!r}: want a name or pattern ("conv*"), a number of blocks (2) or a list ([0, 2])')
    parts = [str(part) for part in spec]
    # A number alone means so many blocks; one in a list that block.
    return parts[0] + "," + parts[0] if len(parts) == 1 and parts[0].isdigit() else ",".join(parts)
