"""What firn raises: one tree, with the text that the program ``firn`` prints."""

from __future__ import annotations

__all__ = [
    "CopyWarning",
    "DataError",
    "Error",
    "FailureError",
    "ModelFileError",
    "NonFiniteError",
    "ShapeError",
    "UnknownNameError",
    "UsageError",
]


class Error(Exception):
    """The root of all errors of firn: one line, ``[operation] what is wrong``.

    ``operation`` names what was tried; ``path`` and ``offset`` the place in a file that was at fault, where
    one was.
    """

    def __init__(self, text: str, operation: str = "", path: str = "", offset: int = 0) -> None:
        super().__init__(text)
        self.operation = operation
        self.path = path
        self.offset = offset

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[type[Error], tuple[str, str, str, int]]:
        return type(self), (str(self), self.operation, self.path, self.offset)


class UsageError(Error, ValueError):
    """A wrong argument."""


class ShapeError(UsageError):
    """An array of another shape than is wanted; the text has both."""


class UnknownNameError(UsageError, KeyError):
    """A name that is not there; the text has the nearest one."""


class DataError(Error, ValueError):
    """Data that is missing or damaged."""


class ModelFileError(Error, ValueError):
    """A weights file that is missing, damaged or of another model."""


class NonFiniteError(Error, ArithmeticError):
    """A NaN or an infinity in a loss, a gradient or data; the weights are those of the step before."""


class FailureError(Error, RuntimeError):
    """The machine: disk full, no permission, memory out."""


class CopyWarning(UserWarning):
    """An array is copied because firn cannot read it where it lies."""


CODES: dict[type[Error], int] = {FailureError: 1, UsageError: 2, DataError: 3, ModelFileError: 4, NonFiniteError: 5}
"""What the program ends with."""

_BY_FAULT = {code: kind for kind, code in CODES.items()}


def from_core(fault: int, text: str, operation: str, path: str, offset: int) -> Error:
    """The exception for an error of the C++ half (``Fault``)."""
    return _BY_FAULT[fault](text, operation, path, offset)
