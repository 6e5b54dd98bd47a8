"""How a fit goes, on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .callbacks import Callback, Step

if TYPE_CHECKING:
    from .model import Model
    from .records import Epoch

__all__ = ["Progress"]


def _tqdm() -> Any:
    try:
        from tqdm.auto import tqdm  # type: ignore[import-untyped,import-not-found,unused-ignore]
    except ImportError:
        return None
    return tqdm


class Progress(Callback):
    """A line for each epoch on ``sys.stdout``; where tqdm is installed also a bar over the steps of the epoch, on
    ``sys.stderr`` or in the notebook. ``fit(verbose=True)`` has one."""

    def __init__(self) -> None:
        self._tqdm = _tqdm()
        self._bar: Any = None

    def on_epoch_begin(self, model: Model, epoch: int) -> None:
        self._close()
        if self._tqdm is not None:
            self._bar = self._tqdm(desc=f"epoch {epoch}", unit="step", leave=False)

    def on_step_end(self, model: Model, step: Step) -> None:
        if self._bar is None:
            return
        if self._bar.total != step.steps:
            self._bar.reset(step.steps)
        self._bar.update(step.step - self._bar.n)
        self._bar.set_postfix(loss=f"{step.loss:.4f}", refresh=False)

    def on_epoch_end(self, model: Model, record: Epoch) -> None:
        score = f"  validation {model.metrics[0]} {record.validation_score:.4f}" if record.validated else ""
        text = f"epoch {record.epoch}  loss {record.loss:.4f}{score}  {record.seconds:.2f} s"
        self._close()
        print(text, flush=True)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __del__(self) -> None:
        self._close()
