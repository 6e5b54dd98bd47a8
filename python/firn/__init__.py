"""firn: a neural-network engine for the CPU in which freezing layers is native.

    import firn

    digits = firn.data("digits")
    model = firn.models.cnn(data=digits)
    model.fit(digits, epochs=3)
    model.freeze("conv*")
    model.fit(digits, epochs=2)
    print(model.score(digits.test))
"""

from __future__ import annotations

from . import _core, errors, models
from .callbacks import Callback, Step
from .datasets import Data, Part, data
from .errors import (
    CopyWarning,
    DataError,
    Error,
    FailureError,
    ModelFileError,
    NonFiniteError,
    ShapeError,
    UnknownNameError,
    UsageError,
)
from .model import Model, load
from .optimizers import SGD, Adam, AdamW, RMSprop
from .records import Epoch, History, Summary

__version__: str = _core.version()

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Callback",
    "CopyWarning",
    "Data",
    "DataError",
    "Epoch",
    "Error",
    "FailureError",
    "History",
    "Model",
    "ModelFileError",
    "NonFiniteError",
    "Part",
    "RMSprop",
    "ShapeError",
    "Step",
    "Summary",
    "UnknownNameError",
    "UsageError",
    "data",
    "errors",
    "load",
    "models",
    "set_threads",
    "threads",
]


def threads() -> int:
    """How many threads firn uses: those of ``set_threads``, of OMP_NUM_THREADS, or one a core."""
    return _core.threads()


def set_threads(n: int) -> None:
    """From 1 to 256. Results do not depend on it."""
    _core.set_threads(n)
