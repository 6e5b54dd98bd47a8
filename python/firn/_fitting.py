"""What ``Model.fit`` is told, as its C++ half reads it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import _core, policies
from ._options import set_options
from ._specs import freeze_text
from .callbacks import Callback, Step, checked, overridden
from .errors import DataError, UsageError
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
    given["block_rates"] = [float(rate) for rate in given["block_rates"]]
    if not isinstance(given["thaw"], Mapping):
        raise TypeError(f'[fit] thaw {given["thaw"]!r}: want {{epoch: what}}, {{3: "conv2"}}')
    given["thaw"] = [f"{epoch}:{freeze_text(what)}" for epoch, what in given["thaw"].items()]
    set_options(options, "fit", **given)
    return options


@contextmanager
def kept(model: Model, path: str | os.PathLike[str] | None) -> Iterator[None]:
    """Saves the model behind a fit, also one that is broken off after it has begun. Raises UsageError before, where
    there is no folder for it."""
    if path is None:
        yield
        return
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise UsageError(f"[save] {os.fspath(path)!r}: there is no folder {folder}")
    try:
        yield
    except (UsageError, DataError):
        raise  # nothing has been changed
    except BaseException:
        model.save(path)
        raise
    model.save(path)


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
    set_options(options, "fit", rate=rate)
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
    betas = [float(beta) for beta in getattr(optimizer, "betas", ())]
    numbers = {name: getattr(optimizer, name, None) for name in ("rate", "decay", "alpha", "epsilon", "momentum")}
    set_options(options, "fit", betas=betas, nesterov=getattr(optimizer, "nesterov", False), **numbers)
