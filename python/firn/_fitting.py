"""What ``Model.fit`` is told, as its C++ half reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from . import _core, policies
from .callbacks import Callback, Step, checked, overridden
from .errors import UsageError
from .optimizers import Optimizer
from .progress import Progress
from .records import Epoch

if TYPE_CHECKING:
    from .model import Model

Hooks = tuple[
    Callable[[int], bool] | None, Callable[[int, int, float], bool] | None, Callable[[_core.Epoch], bool] | None
]

_OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop")


def options_of(optimizer: str | Optimizer | None, rate: float | None, **given: Any) -> _core.FitOptions:
    """The options of ``Model.fit`` under their names. Raises UsageError or TypeError for what is none."""
    options = _core.FitOptions()
    take_optimizer(options, optimizer, rate)
    weights = given["class_weights"]
    if not isinstance(weights, str):
        given["class_weights"] = ",".join(repr(float(w)) for w in weights)
    policies.apply(options, given.pop("policy"))
    given["schedule"] = str(given["schedule"])
    given["block_rates"] = list(given["block_rates"])
    given["thaw"] = [f"{epoch}:{what}" for epoch, what in given["thaw"].items()]
    set_options(options, **given)
    return options


def set_options(options: _core.FitOptions, **given: Any) -> None:
    """Sets fields. Raises TypeError for what is of another type."""
    for option, value in given.items():
        try:
            setattr(options, option, value)
        except TypeError:
            raise TypeError(f"[fit] {option} {value!r} is {type(value).__name__}, want another type") from None


def hooks(model: Model, callbacks: Sequence[Callback], verbose: bool) -> Hooks:
    """What is called before an epoch, after a step and after an epoch; None where nobody listens."""
    given = [*checked(callbacks), *([Progress()] if verbose else [])]
    begin = overridden(given, "on_epoch_begin")
    step = overridden(given, "on_step_end")
    end = overridden(given, "on_epoch_end")

    def on_begin(epoch: int) -> bool:
        return any([c.on_epoch_begin(model, epoch) is True for c in begin])

    def on_step(number: int, steps: int, loss: float) -> bool:
        return any([c.on_step_end(model, Step(number, steps, loss)) is True for c in step])

    def on_end(core: _core.Epoch) -> bool:
        record = Epoch.of(core)
        return any([c.on_epoch_end(model, record) is True for c in end])

    return on_begin if begin else None, on_step if step else None, on_end if end else None


def take_optimizer(options: _core.FitOptions, optimizer: str | Optimizer | None, rate: float | None) -> None:
    options.rate = rate
    if optimizer is None:
        return
    if isinstance(optimizer, str):
        options.optimizer = optimizer
        return
    if getattr(optimizer, "name", None) not in _OPTIMIZERS:
        raise UsageError(f"[fit] optimizer {optimizer!r}: want one of {', '.join(_OPTIMIZERS)} or firn.Adam(...)")
    if rate is not None:
        raise UsageError(f"[fit] rate {rate} and one in {optimizer!r}: say it once")
    options.optimizer = optimizer.name
    options.rate = optimizer.rate
    options.decay = optimizer.decay
    options.betas = list(getattr(optimizer, "betas", ()))
    options.alpha = getattr(optimizer, "alpha", None)
    options.epsilon = getattr(optimizer, "epsilon", None)
    options.momentum = getattr(optimizer, "momentum", None)
    options.nesterov = getattr(optimizer, "nesterov", False)
