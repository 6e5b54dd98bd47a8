"""How the rate goes over the steps, as ``Model.fit(schedule=...)`` takes it. A factor on the optimizer's rate;
``warm_up``: steps over which it rises from 0 at first."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Constant", "Cosine", "OneCycle", "Schedule", "Steps"]


@dataclass(frozen=True)
class Constant:
    """The rate as it is."""

    warm_up: int = 0

    def __str__(self) -> str:
        return _text("constant", self.warm_up)


@dataclass(frozen=True)
class Cosine:
    """Down to 0 along half a cosine (Loshchilov and Hutter 2017)."""

    warm_up: int = 0

    def __str__(self) -> str:
        return _text("cosine", self.warm_up)


@dataclass(frozen=True)
class OneCycle:
    """Up from a twenty-fifth in the first three tenths of the steps, then down to nearly 0 (Smith 2018)."""

    warm_up: int = 0

    def __str__(self) -> str:
        return _text("one-cycle", self.warm_up)


@dataclass(frozen=True)
class Steps:
    """Times ``gamma`` each ``every`` steps."""

    every: int
    gamma: float = 0.1
    warm_up: int = 0

    def __str__(self) -> str:
        return _text(f"step:{self.every}:{self.gamma!r}", self.warm_up)


Schedule = Constant | Cosine | OneCycle | Steps


def _text(name: str, warm_up: int) -> str:
    return f"{name},warm-up:{warm_up}" if warm_up else name
