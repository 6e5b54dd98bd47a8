"""The models that firn knows, each as a function: ``firn.models.cnn(input=(28, 28, 1), classes=10)``.

They take what :meth:`firn.Model.from_spec` takes but for the network. ``firn.models.names()`` lists them.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Sequence
from typing import Any, Protocol

from . import _core
from .datasets import Data
from .errors import UnknownNameError
from .model import Model


class Maker(Protocol):
    """Makes a model for samples of a shape and a number of classes."""

    def __call__(
        self,
        *,
        input: Sequence[int] | None = None,
        classes: int | Sequence[Any] | None = None,
        data: Data | None = None,
        task: str | None = None,
        vocabulary: int = 0,
        lengths: bool = False,
        init: str = "pytorch",
        seed: int = 1,
    ) -> Model: ...


_TEXTS = dict(_core.models())


def names() -> list[str]:
    """The known models, in the order of ``firn models``."""
    return list(_TEXTS)


def _maker(name: str, text: str) -> Maker:
    def make(**options: Any) -> Model:
        return Model.from_spec(name, **options)

    make.__name__ = make.__qualname__ = name
    options = inspect.signature(Model.from_spec)
    make.__signature__ = options.replace(parameters=list(options.parameters.values())[1:])  # type: ignore[attr-defined]
    make.__doc__ = f"{text}\n\nTakes what ``Model.from_spec`` takes."
    return make


def __getattr__(name: str) -> Maker:
    if name.startswith("_") or name not in _TEXTS:
        if name.startswith("__"):
            raise AttributeError(name)
        near = difflib.get_close_matches(name, _TEXTS, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise AttributeError(f"no model is called {name}{hint}")
    return _maker(name, _TEXTS[name])


def __dir__() -> list[str]:
    return [*_TEXTS, "find", "names"]


def find(name: str) -> Maker:
    """The maker of a model by its name. Raises UnknownNameError with the nearest one."""
    try:
        return __getattr__(name)
    except AttributeError as error:
        raise UnknownNameError(f"[model] {error}") from None
