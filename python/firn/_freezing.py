"""What of a model is frozen, and what that makes of its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from . import _core, _fitting
from ._asking import Asking
from ._options import whole
from ._specs import Spec, freeze_text, named
from .errors import UsageError
from .graph import Program
from .optimizers import Optimizer
from .outlooks import Outlook
from .records import Summary


class Freezing(Asking):
    """The half of ``firn.Model`` that is frozen and looked at."""

    @property
    def blocks(self) -> list[str]:
        """What freezing counts in."""
        return self._core.blocks

    def freeze(self, *specs: Spec) -> list[str]:
        """Freezes besides what is frozen already; the names of the tensors that ``specs`` name.

        A spec: a glob on names ("conv*"), a block's name, "role:norm", "conv3.weight[0:48]" (units), "half", "head"
        (all but the last block), "all", 3 (the first three blocks), [0, 2] (these blocks). Raises UnknownNameError
        (a KeyError) with the nearest name; nothing is changed then."""
        return self._each(self._core.freeze, specs)

    def thaw(self, *specs: Spec) -> list[str]:
        """Lets train again: "all", a block by name, a glob, a role or units; the names of what they name."""
        return self._each(self._core.thaw, specs)

    def frozen(self) -> list[str]:
        """The names of the tensors that do not train; with their units where that is a part."""
        return self._core.frozen()

    def _each(self, call: Callable[[str], list[str]], specs: Sequence[Spec]) -> list[str]:
        if not specs:
            raise UsageError('[freeze] say what: "conv*", "head", 2')
        names: dict[str, None] = {}
        with self._turn, self._unchanged_by_faults():
            for spec in specs:
                names.update(dict.fromkeys(named(call, freeze_text(spec))))
        return list(names)

    def _set_freeze(self, spec: str) -> None:
        with self._unchanged_by_faults():
            self._core.thaw("all")
            if spec != "none":
                named(self._core.freeze, spec)

    def _put_back(self, frozen: Iterable[str]) -> None:
        self._core.thaw("all")
        for name in frozen:
            self._core.freeze(name)

    @contextmanager
    def _unchanged_by_faults(self) -> Iterator[None]:
        before = self.frozen()
        try:
            yield
        except BaseException:
            self._put_back(before)
            raise

    @contextmanager
    def _as_if(self, freeze: Spec | None) -> Iterator[None]:
        """As if ``freeze`` alone were frozen."""
        before = self.frozen()
        try:
            if freeze is not None:
                self._set_freeze(freeze_text(freeze))
            yield
        finally:
            if freeze is not None:
                self._put_back(before)

    def summary(self, freeze: Spec | None = None, *, batch: int = 64) -> Summary:
        """The blocks, and what a training step of ``batch`` samples does for each: multiply-adds of the forward pass
        (F), of input gradients (X) and weight gradients (W), bytes kept. With ``freeze`` as if that alone were
        frozen."""
        spec = None if freeze is None else freeze_text(freeze)
        batch = whole(batch, "summary", "batch")
        rows: list[_core.BlockSummary] = []

        def look(text: str) -> list[str]:
            rows.extend(self._core.summary(batch, text))
            return []

        with self._turn:
            if spec is None:
                rows = self._core.summary(batch, None)
            else:
                named(look, spec)
        return Summary(rows, self.name, batch)

    def step(self, batch: int = 64, *, seed: int = 1) -> Program:
        """A training step on ``batch`` samples with what is frozen now, to be looked into:

            step = model.step(8).run(x=x, targets=places)
            step["conv1"], step["logits"], step.loss, step.gradients["conv1.weight"]

        ``x``: samples as they reach the network, standardised if they are to be, images (N, H, W, C); ``lengths`` where
        the model has them; ``targets``: the places of the classes, or numbers (N, K). The outputs are those of each
        block by its name. The weights are the model's, where they lie, and stay; running statistics of batch norms
        that train move with each run."""
        with self._turn:
            core = _core.model_step(self._core, whole(batch, "step", "batch"), whole(seed, "step", "seed"))
        called = {name: f"block{i}" for i, name in enumerate(self.blocks)}
        return Program(core, {**called, "logits": "logits", "loss": "loss"})

    def explain(self, freeze: Spec | None = None, *, batch: int = 64) -> str:
        """The listing of a training step: every kernel, what is kept and for whom, what is left out and why."""
        batch = whole(batch, "explain", "batch")
        with self._turn:
            if freeze is None:
                return self._core.explain(batch, None)
            return named(lambda spec: self._core.explain(batch, spec), freeze_text(freeze))

    def forecast(
        self,
        freeze: Spec | None = None,
        *,
        batch: int = 64,
        optimizer: str | Optimizer | None = None,
    ) -> Outlook:
        """What a training step of ``batch`` samples is predicted to take on this machine, from times of its kernels:
        those that are not known yet are measured first and kept (docs/freezing.md). ``freeze``: as if that alone were
        frozen. The accuracy of the forecast wants a machine that does nothing else."""
        options = _core.FitOptions()
        _fitting.take_optimizer(options, optimizer, None)
        with self._turn, self._as_if(freeze):
            frozen = [0 == b.trainable < b.parameters for b in self._core.summary(1, None)]
            core = _core.forecast(self._core, whole(batch, "forecast", "batch"), options)
            return Outlook(core, frozen, batch, self.name)
