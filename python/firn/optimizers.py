"""Update rules, as ``Model.fit(optimizer=...)`` takes them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop"]


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent. ``decay`` is added to the gradient, as PyTorch does."""

    rate: float = 0.05
    momentum: float = 0.9
    nesterov: bool = False
    decay: float = 0.0
    name = "sgd"


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma and Ba 2015). ``betas``: how long the mean of gradients and that of their squares last."""

    rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    decay: float = 0.0
    name = "adam"


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    decay: float = 0.0
    name = "adamw"


@dataclass(frozen=True)
class RMSprop:
    """RMSprop as PyTorch has it. ``alpha``: how long the mean of the gradients' squares lasts."""

    rate: float = 1e-3
    alpha: float = 0.99
    epsilon: float = 1e-8
    momentum: float = 0.0
    decay: float = 0.0
    name = "rmsprop"


Optimizer = SGD | Adam | AdamW | RMSprop
