"""What is to be frozen, as people say it and as the C++ half reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .errors import UnknownNameError, UsageError

Spec = str | int | Sequence[int | str]


def named(call: Callable[[str], list[str]], spec: str) -> list[str]:
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
    if isinstance(spec, int):
        return str(spec)
    parts = [str(part) for part in spec]
    # A number alone means so many blocks; one in a list that block.
    return parts[0] + "," + parts[0] if len(parts) == 1 and parts[0].isdigit() else ",".join(parts)
