"""What a fit came to, and what a model is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from . import _core
from ._tables import html_table, short, short_bytes, text_table

if TYPE_CHECKING:
    from .model import Model

__all__ = ["Epoch", "History", "Summary"]


@dataclass(frozen=True)
class Epoch:
    """An epoch as it went."""

    epoch: int
    """Counted from 1."""
    loss: float
    """Mean over the samples, before each step's update."""
    validated: bool
    """Whether there is a validation part."""
    validation_score: float
    """Accuracy, or the task's first metric."""
    validation_loss: float
    validation_metrics: list[float]
    """All of the task's metrics."""
    rate: float
    """Of the last step."""
    gradient_norm: float
    """Mean over the steps."""
    seconds: float
    """Of training alone."""
    validation_seconds: float
    memory_mb: float
    """Greatest resident memory of the process so far."""
    steps: int
    trained_share: float
    """Of the blocks, mean over the steps."""

    @classmethod
    def of(cls, core: _core.Epoch) -> Epoch:
        return cls(**{field.name: getattr(core, field.name) for field in fields(cls)})


@dataclass(frozen=True)
class Change:
    """A block that stopped (``frozen``) or began to train before a step."""

    step: int
    block: str
    frozen: bool


class History:
    """What a fit came to: an epoch a row. ``pandas.DataFrame(history.records())`` has it as a table."""

    def __init__(self, core: _core.History, model: Model) -> None:
        blocks = model.blocks
        self.epochs = [Epoch.of(epoch) for epoch in core.epochs]
        """Each epoch, in order."""
        self.best_epoch = core.best_epoch
        """Of the best score on the validation part, counted from 1; 0: there is none."""
        self.best_score = core.best_score
        self.stopped_early = core.stopped_early
        """Ended by ``patience``."""
        self.interrupted = core.interrupted
        """Ended by a callback."""
        self.changes = [Change(c.step, blocks[c.block], c.frozen) for c in core.changes]
        """Blocks that were frozen and thawed meanwhile."""
        self.frozen_watched = core.audit_watched
        """Tensors that stayed frozen, hashed before and after."""
        self.frozen_changed: list[str] = core.audit_changed
        """Those of them whose bytes changed: none."""
        self.notes = model.notes
        """What is worth knowing of the data and of what was decided."""
        self._metric = model.metrics[0]

    def records(self) -> list[dict[str, float]]:
        """A dictionary for each epoch."""
        rows: list[dict[str, float]] = []
        for e in self.epochs:
            row: dict[str, float] = {"epoch": e.epoch, "loss": e.loss}
            if e.validated:
                row[f"validation_{self._metric}"] = e.validation_score
                row["validation_loss"] = e.validation_loss
            row.update(
                rate=e.rate,
                gradient_norm=e.gradient_norm,
                trained_share=e.trained_share,
                steps=e.steps,
                seconds=e.seconds,
            )
            rows.append(row)
        return rows

    def _rows(self) -> tuple[list[str], list[list[str]]]:
        titles = ["epoch", "loss", f"val. {self._metric}", "val. loss", "seconds"]
        rows = []
        for e in self.epochs:
            score = [f"{e.validation_score:.4f}", f"{e.validation_loss:.4f}"] if e.validated else ["-", "-"]
            rows.append([str(e.epoch), f"{e.loss:.4f}", *score, f"{e.seconds:.2f}"])
        return titles, rows

    def __str__(self) -> str:
        titles, rows = self._rows()
        return text_table(titles, rows, [False] * len(titles))

    def __repr__(self) -> str:
        best = f", best {self._metric} {self.best_score:.4f} in epoch {self.best_epoch}" if self.best_epoch else ""
        return f"<firn.History of {len(self.epochs)} epochs{best}>"

    def _repr_html_(self) -> str:
        titles, rows = self._rows()
        return html_table(titles, rows, [False] * len(titles), [False] * len(rows))


_WIDEST = 60  # characters of what is shown of a block's layers


@dataclass(frozen=True)
class Block:
    """A block of a model, and what a training step does for it."""

    name: str
    layers: str
    output: list[int]
    """Of one sample."""
    parameters: int
    trainable: int
    frozen: str
    """"yes", "no", "1 of 2" tensors."""
    macs_forward: float
    macs_input_gradient: float
    macs_weight_gradient: float
    kept_bytes: int
    """For the backward pass."""


class Summary:
    """The blocks of a model: what each is, whether it trains, and what a training step does for it."""

    def __init__(self, blocks: list[_core.BlockSummary], name: str, batch: int) -> None:
        self.blocks = [Block(**{field.name: getattr(b, field.name) for field in fields(Block)}) for b in blocks]
        self.batch = batch
        self.parameters = sum(b.parameters for b in self.blocks)
        self.trainable = sum(b.trainable for b in self.blocks)
        self._name = name

    _titles = ("block", "layers", "output", "parameters", "train", "frozen", "MACs F", "X", "W", "kept")
    _left = (True, True, True, False, False, True, False, False, False, False)

    def _rows(self) -> list[list[str]]:
        def count(value: float) -> str:
            return short(value) if value else "-"

        return [
            [
                b.name,
                b.layers if len(b.layers) <= _WIDEST else b.layers[: _WIDEST - 3] + "...",
                "(" + ", ".join(map(str, b.output)) + ")",
                str(b.parameters),
                str(b.trainable),
                b.frozen,
                count(b.macs_forward),
                count(b.macs_input_gradient),
                count(b.macs_weight_gradient),
                short_bytes(b.kept_bytes) if b.kept_bytes else "-",
            ]
            for b in self.blocks
        ]

    def records(self) -> list[dict[str, object]]:
        """A dictionary for each block."""
        return [asdict(b) for b in self.blocks]

    def _foot(self) -> str:
        return f"{self._name}: {self.parameters} parameters, {self.trainable} train; a step of {self.batch}"

    def __str__(self) -> str:
        return text_table(self._titles, self._rows(), self._left) + "\n" + self._foot()

    def __repr__(self) -> str:
        return f"<firn.Summary of {self._foot()}>"

    def _repr_html_(self) -> str:
        iced = [b.parameters > 0 and b.trainable == 0 for b in self.blocks]
        return html_table(self._titles, self._rows(), self._left, iced, self._foot())
