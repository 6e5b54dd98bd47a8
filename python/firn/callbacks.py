"""What is told of a fit while it goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .model import Model
    from .records import Epoch

__all__ = ["Callback", "Step"]


@dataclass(frozen=True)
class Step:
    """A training step that is done: the ``step``-th of ``steps`` in this epoch, counted from 1."""

    step: int
    steps: int
    loss: float


class Callback:
    """Override what you want to be told. What a method raises ends the fit and comes out as itself; True, from
    any of them, ends it after this step. The model may be frozen and thawed from here: the next step has it so.

    A method that is not overridden costs nothing.
    """

    def on_epoch_begin(self, model: Model, epoch: int) -> bool | None:
        """Before an epoch, counted from 1."""
        return None

    def on_step_end(self, model: Model, step: Step) -> bool | None:
        """After each training step."""
        return None

    def on_epoch_end(self, model: Model, record: Epoch) -> bool | None:
        """After an epoch, with its losses and scores."""
        return None


_METHODS = ("on_epoch_begin", "on_step_end", "on_epoch_end")


def checked(callbacks: Sequence[Callback]) -> list[Callback]:
    """Raises TypeError for what has none of the methods."""
    if not isinstance(callbacks, Iterable):
        raise TypeError(f"[fit] callbacks {callbacks!r}: want a list of them")
    for one in callbacks:
        if isinstance(one, type):
            raise TypeError(f"[fit] callback {one.__name__} is a class: {one.__name__}() is one")
        if not any(hasattr(one, method) for method in _METHODS):
            raise TypeError(f"[fit] callback {one!r} has none of {', '.join(_METHODS)}: see firn.Callback")
    return list(callbacks)


def overridden(callbacks: Sequence[Callback], method: str) -> list[Callback]:
    """Those that do something there."""
    usual = getattr(Callback, method)
    return [c for c in callbacks if hasattr(c, method) and getattr(type(c), method, None) is not usual]
