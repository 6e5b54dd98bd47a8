"""The parameters of a model by name, in PyTorch's layout."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from .errors import ShapeError, UnknownNameError, UsageError

__all__ = ["Weights"]

Floats = npt.NDArray[np.float32]


class Weights(Mapping[str, Floats]):
    """The parameters by name, in PyTorch's layout: read-only views of where they lie, which change as the model
    trains. ``{name: array.copy() for name, array in model.weights.items()}`` keeps them."""

    def __init__(self, core: _core.Learner) -> None:
        self._core = core

    def __getitem__(self, name: str) -> Floats:
        names = self._core.parameters
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise UnknownNameError(f"[weights] {self._core.name} has no parameter {name}{hint}")
        view, shape = self._core.weight(name)
        array: Floats = view.reshape(shape)
        array.flags.writeable = False
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._core.parameters)

    def __len__(self) -> int:
        return len(self._core.parameters)

    def __repr__(self) -> str:
        return f"<firn.Weights {list(self)}>"


def load(core: _core.Learner, weights: Mapping[str, Any]) -> None:
    """Gives the parameters these numbers. Nothing is changed unless all of it fits."""
    own = Weights(core)
    extra = [name for name in weights if name not in own and not name.endswith("num_batches_tracked")]
    missing = [name for name in own if name not in weights]
    if extra or missing:
        said = [f"no {', '.join(missing)}"] if missing else []
        said += [f"unknown {', '.join(extra)}"] if extra else []
        raise UnknownNameError(f"[weights] {'; '.join(said)}: {core.name} has {', '.join(own)}")
    taken: dict[str, Floats] = {}
    for name, now in own.items():
        array = np.array(_arrays.as_array(weights[name]), np.float32, order="C")
        if array.shape != now.shape:
            raise ShapeError(f"[weights] {name} is {now.shape}, not {array.shape}")
        if not np.isfinite(array).all():
            raise UsageError(f"[weights] {name} holds a NaN or an infinity")
        taken[name] = array
    for name, array in taken.items():
        core.set_weight(name, array)
