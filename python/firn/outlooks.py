"""What training will cost, and what to freeze of a model."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from . import _core
from ._tables import html_table, short_bytes, text_table

__all__ = ["Advice", "Cut", "Outlook"]


class Outlook:
    """What a training step is predicted to take on this machine."""

    def __init__(self, core: _core.StepOutlook, frozen: list[bool], batch: int, name: str) -> None:
        self.seconds = core.seconds
        """Of the step; forward, input gradients and weight gradients of ``records`` are seconds of one thread."""
        self.optimizer_seconds = core.optimizer
        self.bytes = core.arena + core.once + core.parameters + core.state + core.feeds
        """Memory of it: ``arena_bytes`` of values, weights, ``state_bytes`` of the optimizer, a batch."""
        self.arena_bytes = core.arena
        self.state_bytes = core.state
        self.batch = batch
        self._name = name
        self._records: list[dict[str, Any]] = [
            {
                "block": b.name,
                "frozen": one,
                "forward": b.forward,
                "input_gradient": b.input_gradient,
                "weight_gradient": b.weight_gradient,
            }
            for b, one in zip(core.blocks, frozen, strict=True)
        ]

    def records(self) -> list[dict[str, Any]]:
        """A dictionary for each block."""
        return [dict(row) for row in self._records]

    _titles = ("block", "frozen", "ms F", "ms X", "ms W")
    _left = (True, True, False, False, False)

    def _rows(self) -> list[list[str]]:
        def ms(seconds: float) -> str:
            return f"{seconds * 1e3:.3f}" if seconds else "-"

        times = ("forward", "input_gradient", "weight_gradient")
        return [[b["block"], "yes" if b["frozen"] else "no", *(ms(b[time]) for time in times)] for b in self._records]

    def _foot(self) -> str:
        return (
            f"{self._name}: a step of {self.batch} predicted at {self.seconds * 1e3:.3f} ms, "
            f"{self.optimizer_seconds * 1e3:.3f} of them the optimizer, in {short_bytes(self.bytes)}"
        )

    def __str__(self) -> str:
        return text_table(self._titles, self._rows(), self._left) + "\n" + self._foot()

    def __repr__(self) -> str:
        return f"<firn.Outlook of {self._foot()}>"

    def _repr_html_(self) -> str:
        return html_table(self._titles, self._rows(), self._left, [b["frozen"] for b in self._records], self._foot())


@dataclass(frozen=True)
class Cut:
    """Freezing the first ``frozen`` blocks."""

    frozen: int
    step: float
    """Seconds of a step, predicted."""
    seconds: float
    """Of the training: as it was, or predicted."""
    bytes: float
    """Resident, without the data."""
    accuracy: float
    """On the validation part; -1: not known."""
    low: float
    """Where the test part's is to be expected, with 95 %."""
    high: float
    known: str
    """"trained" to the end, "between" two that were, or "unknown"."""
    fits: bool
    """In the time and memory that were given."""


class Advice:
    """Which blocks to freeze, by trials."""

    def __init__(self, core: _core.LearnerAdvice, blocks: list[str]) -> None:
        self.cuts = [Cut(**{field.name: getattr(cut, field.name) for field in fields(Cut)}) for cut in core.cuts]
        self.chosen = core.chosen
        """So many of the first blocks; -1: no cut fits."""
        self.freeze: str | None = None if core.chosen < 0 else str(core.chosen) if core.chosen else "none"
        """The same for ``fit(freeze=...)``."""
        self.reason = core.reason
        self._blocks = blocks

    def records(self) -> list[dict[str, Any]]:
        """A dictionary for each cut."""
        return [{field.name: getattr(cut, field.name) for field in fields(Cut)} for cut in self.cuts]

    _titles = ("frozen", "last frozen", "ms a step", "seconds", "memory", "accuracy", "95 %", "", "")
    _left = (False, True, False, False, False, False, False, True, True)

    def _rows(self) -> list[list[str]]:
        rows = []
        for cut in self.cuts:
            told = cut.accuracy >= 0
            last = self._blocks[cut.frozen - 1] if cut.frozen else "-"
            accuracy = [f"{cut.accuracy:.3f}", f"{cut.low:.3f} to {cut.high:.3f}"] if told else ["-", "-"]
            take = "<- take" if cut.frozen == self.chosen else "" if cut.fits else "too much"
            rows.append(
                [str(cut.frozen), last, f"{cut.step * 1e3:.3f}", f"{cut.seconds:.1f}", short_bytes(cut.bytes),
                 *accuracy, cut.known, take]
            )  # fmt: skip
        return rows

    def _foot(self) -> str:
        return f"freeze {self.chosen}: {self.reason}" if self.chosen >= 0 else self.reason

    def __str__(self) -> str:
        return text_table(self._titles, self._rows(), self._left) + "\n" + self._foot()

    def __repr__(self) -> str:
        return f"<firn.Advice: {self._foot()}>"

    def _repr_html_(self) -> str:
        iced = [cut.frozen == self.chosen for cut in self.cuts]
        return html_table(self._titles, self._rows(), self._left, iced, self._foot())
