"""What is told of a fit while it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _core

if TYPE_CHECKING:
    from .model import Model

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

    def on_epoch_end(self, model: Model, record: _core.Epoch) -> bool | None:
        """After an epoch, with its losses and scores."""
        return None


def overridden(callbacks: list[Callback], method: str) -> list[Callback]:
    """Those that do something there."""
    return [c for c in callbacks if getattr(type(c), method, None) is not getattr(Callback, method)
            and hasattr(c, method)]
