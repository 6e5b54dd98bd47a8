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

from . import _core, _threadpools

if TYPE_CHECKING:
    from . import errors, models, ops, policies
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
    from .estimator import FineTuner as FineTuner
    from .estimator import FineTuneRegressor as FineTuneRegressor
    from .graph import Graph, Parameter, Program, Value
    from .model import Model, load
    from .optimizers import SGD, Adam, AdamW, RMSprop
    from .outlooks import Advice, Outlook
    from .policies import Policy
    from .progress import Progress
    from .records import Epoch, History, Summary
    from .schedules import Constant, Cosine, OneCycle, Steps
    from .studies import Study, study

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


# The module of each name. They are imported when they are asked for: the program (python -m firn) wants none of them,
# numpy among them, and only the estimators want scikit-learn.
_WHERE = {
    name: module
    for module, names in {
        "callbacks": "Callback Step",
        "datasets": "Data Part data",
        "errors": "CopyWarning DataError Error FailureError ModelFileError NonFiniteError ShapeError UnknownNameError UsageError",
        "estimator": "FineTuner FineTuneRegressor",
        "graph": "Graph Parameter Program Value",
        "model": "Model load",
        "optimizers": "SGD Adam AdamW RMSprop",
        "outlooks": "Advice Outlook",
        "policies": "Policy",
        "progress": "Progress",
        "records": "Epoch History Summary",
        "schedules": "Constant Cosine OneCycle Steps",
        "studies": "Study study",
    }.items()
    for name in names.split()
}
_MODULES = ("errors", "models", "ops", "policies")


def threads() -> int:
    """How many threads firn uses: those of ``set_threads`` or threadpoolctl, of OMP_NUM_THREADS, or one a core."""
    return _core.threads()


def set_threads(n: int) -> None:
    """From 1 to 256. Results do not depend on it."""
    from ._options import whole

    _core.set_threads(whole(n, "threads", "n"))


if not TYPE_CHECKING:  # which knows the names from above, and that there are no others

    def __getattr__(name: str) -> Any:
        from importlib import import_module

        if name in _MODULES:
            return import_module("." + name, __name__)
        if name not in _WHERE:
            raise AttributeError(f"module 'firn' has no attribute '{name}'", name=name, obj=sys.modules[__name__])
        found = getattr(import_module("." + _WHERE[name], __name__), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*__all__, *_WHERE, *(name for name in globals() if name.startswith("__"))})
