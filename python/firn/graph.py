"""What is under a model: graphs of operations, and the programs that they become.

    g = firn.Graph()
    w = firn.Parameter("w", np.ones((3, 1)))
    loss = ops.mean_squared_error(ops.dense(g.feed("x", (4, 3)), g.parameter(w)), g.feed("y", (4, 1)))
    step = g.training(loss)
    step.run(x=..., y=...)
    step.loss, step.gradients["w"]

Building a graph checks shapes and computes nothing. It is compiled for what trains then: what a frozen parameter would
take is not in the program. Arrays lie as the kernels want them: images (N, H, W, C), weights of dense layers (in, out),
of convolutions (KH, KW, C, O).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _arrays, _core
from .errors import UnknownNameError, UsageError

__all__ = ["Graph", "Parameter", "Program", "Value"]

Floats = npt.NDArray[np.float32]
Value = _core.Value


def _floats(x: Any) -> Floats:
    return np.ascontiguousarray(_arrays.as_array(x), np.float32)


class Parameter:
    """A named array that trains, unless ``trainable`` is False when a graph is built with it."""

    def __init__(self, name: str, value: Any, *, trainable: bool = True) -> None:
        self._core = _core.Parameter(name, _floats(value), trainable)

    @property
    def name(self) -> str:
        return self._core.name

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._core.shape)

    @property
    def trainable(self) -> bool:
        return self._core.trainable

    @trainable.setter
    def trainable(self, on: bool) -> None:
        self._core.trainable = on

    @property
    def value(self) -> Floats:
        """A read-only view of where it lies. Assigning copies: ``w.value = w.value - 0.1 * step.gradients["w"]``."""
        view: Floats = _core.parameter_value(self._core)
        view.flags.writeable = False
        return view

    @value.setter
    def value(self, value: Any) -> None:
        _core.set_parameter(self._core, _floats(value))

    def __repr__(self) -> str:
        return f"<firn.Parameter {self.name} {self.shape}{'' if self.trainable else ', frozen'}>"


class Graph:
    """Operations on named feeds and parameters (``firn.ops``). ``training``: dropout acts; ``seed``: of what is
    random."""

    def __init__(self, *, training: bool = True, seed: int = 0) -> None:
        self._core = _core.GraphHolder(training, seed)

    def feed(self, name: str, shape: Sequence[int], *, indices: bool = False) -> Value:
        """What each run is given: numbers, or whole numbers (labels, tokens). The first axis is the samples."""
        return _core.GraphHolder.feed(self._core, name, list(shape), indices)

    def parameter(self, parameter: Parameter) -> Value:
        return _core.GraphHolder.parameter(self._core, parameter._core)

    def constant(self, name: str, value: Any) -> Value:
        return _core.GraphHolder.constant(self._core, name, _floats(value))

    @contextmanager
    def scope(self, label: str) -> Iterator[None]:
        """What is added meanwhile is called so in listings: ``with g.scope("fc1"): ...``."""
        self._core.set_label(label)
        try:
            yield
        finally:
            self._core.set_label("")

    def output(self, name: str, value: Value) -> Value:
        """Names a value that is read after a run; gives it back."""
        _core.GraphHolder.output(self._core, name, value)
        return value

    def inference(self, *, fuse: bool = True) -> Program:
        """The program that computes the outputs. The graph is used up."""
        self._core.compile(None, fuse)
        return Program(self._core)

    def training(self, loss: Value, *, fuse: bool = True) -> Program:
        """The program that computes the outputs, ``loss`` (a scalar) and its gradient for each parameter that trains.
        ``fuse=False`` leaves each operation a kernel of its own."""
        self.output("loss", loss)
        self._core.compile(loss, fuse)
        return Program(self._core)


class Program(Mapping[str, Floats]):
    """A flat list of kernel calls. After :meth:`run` its outputs are read by name: ``program["h"]``."""

    def __init__(self, core: _core.GraphHolder, called: Mapping[str, str] | None = None) -> None:
        self._core = core
        self._called = called if called is not None else {name: name for name in core.outputs}
        self._steps = 0

    def run(self, **feeds: Any) -> Program:
        """Runs it; arrays by the names of the feeds. What was fed before is fed again."""
        for name, array in feeds.items():
            given = _arrays.as_array(array)
            if not self._core.takes_indices(name):
                self._core.feed_numbers(name, _floats(given))
            elif given.dtype.kind in "iu":
                self._core.feed_indices(name, np.ascontiguousarray(given, np.int32))
            else:
                raise UsageError(f"[feed] {name} takes whole numbers, not {given.dtype}")
        self._core.run(self._steps)
        self._steps += 1
        return self

    @property
    def loss(self) -> float:
        return float(self["loss"])

    @property
    def gradients(self) -> dict[str, Floats]:
        """Of the last run, by the parameters' names: copies, of a model's in PyTorch's layout. What is frozen has none;
        the units that are frozen of one that trains are zero."""
        gradients: dict[str, Any] = self._core.gradients()
        return gradients

    @property
    def left_out(self) -> list[tuple[str, str]]:
        """What a full step would hold and this one does not, and why."""
        return [(what, reason) for what, reason in self._core.left_out()]

    def listing(self) -> str:
        """Every kernel, what is kept and for whom, what is left out and why."""
        return self._core.listing()

    def __getitem__(self, name: str) -> Floats:
        try:
            array: Any = self._core.value(self._called.get(name, name))
        except UsageError as error:
            if "no output" not in str(error):
                raise
            raise UnknownNameError(str(error), error.operation) from None
        floats: Floats = array
        return floats

    def __iter__(self) -> Iterator[str]:
        return iter(self._called)

    def __len__(self) -> int:
        return len(self._called)

    def __repr__(self) -> str:
        return f"<firn.Program of {', '.join(self) or 'no outputs'}>"
