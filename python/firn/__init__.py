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

import sys
from typing import TYPE_CHECKING, Any

from . import _core, _threadpools, errors, models, ops, policies
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
from .graph import Graph, Parameter, Program, Value
from .model import Model, load
from .optimizers import SGD, Adam, AdamW, RMSprop
from .outlooks import Advice, Outlook
from .policies import Policy
from .progress import Progress
from .records import Epoch, History, Summary
from .schedules import Constant, Cosine, OneCycle, Steps
from .studies import Study, study

if TYPE_CHECKING:
    from .estimator import FineTuner as FineTuner
    from .estimator import FineTuneRegressor as FineTuneRegressor

__version__: str = _core.version()
_core.set_own_program([sys.executable, "-m", "firn"])
_threadpools.register()

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Advice",
    "Callback",
    "Constant",
    "CopyWarning",
    "Cosine",
    "Data",
    "DataError",
    "Epoch",
    "Error",
    "FailureError",
    "Graph",
    "History",
    "Model",
    "ModelFileError",
    "NonFiniteError",
    "OneCycle",
    "Outlook",
    "Parameter",
    "Part",
    "Policy",
    "Program",
    "Progress",
    "RMSprop",
    "ShapeError",
    "Step",
    "Steps",
    "Study",
    "Summary",
    "UnknownNameError",
    "UsageError",
    "Value",
    "data",
    "errors",
    "load",
    "models",
    "ops",
    "policies",
    "set_threads",
    "study",
    "threads",
]


_ESTIMATORS = ("FineTuneRegressor", "FineTuner")  # only who asks for them needs scikit-learn


def threads() -> int:
    """How many threads firn uses: those of ``set_threads`` or threadpoolctl, of OMP_NUM_THREADS, or one a core."""
    return _core.threads()


def set_threads(n: int) -> None:
    """From 1 to 256. Results do not depend on it."""
    _core.set_threads(n)


def __getattr__(name: str) -> Any:
    if name in _ESTIMATORS:
        from . import estimator

        return getattr(estimator, name)
    raise AttributeError(f"module 'firn' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ESTIMATORS})
