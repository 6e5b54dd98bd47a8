"""What a trained model answers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core, _labels
from ._feeding import Feeding
from .errors import UnknownNameError, UsageError

_Learner = _core.Learner

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]


class Asking:
    """The half of ``firn.Model`` that answers."""

    def __init__(
        self, core: _core.Learner, names: Sequence[str] | None = None, label_kind: str | None = None
    ) -> None:
        if not isinstance(core, _Learner):
            made = "Model.from_spec(...), models.cnn(...), load(...), Model.from_torch(...)"
            raise TypeError(f"[model] a model is made by firn.{made.replace(', ', ', firn.')}, not by firn.Model(...)")
        self._core = core
        self._names = list(names) if names is not None else None
        self._label_kind = label_kind  # of the labels that the classes are called by, as _labels.kind_of says it
        # Two threads may have one model: what computes with it takes turns. A callback asks within its own turn.
        self._turn = threading.RLock()

    def _feeding(self) -> Feeding:
        return Feeding(self._core, self._names or self._core.names)

    @property
    def name(self) -> str:
        return self._core.name

    @property
    def task(self) -> str:
        return self._core.task

    @property
    def metrics(self) -> list[str]:
        """What ``evaluate`` measures; the first is what ``score`` gives."""
        return self._core.metrics

    @property
    def classes_(self) -> Array:
        """The classes, labels or targets in the order of the answers; numbers from 0 where they are not known yet."""
        names = self._names or self._core.names
        if not names:
            return _labels.classes_array([str(i) for i in range(self._core.width)])
        return _labels.classes_array(names, self._label_kind)

    def predict(self, x: Any, *, layout: str | None = None, lengths: Any = None) -> Array:
        """The class of each sample (N,); of several labels 0 and 1 (N, K), of regression numbers (N,) or (N, K).

        ``x``: as ``fit`` takes it; a part of ``firn.data``; for models that read them also paths of pictures, or
        texts."""
        answers = self.predict_proba(x, layout=layout, lengths=lengths) if self.task != "regression" else None
        if answers is None:
            samples = self._feeding().asked(x, layout, lengths)
            with self._turn:
                numbers = self._core.answers(samples)
            return numbers[:, 0] if numbers.shape[1] == 1 else numbers
        if self.task == "labels":
            return (answers >= 0.5).astype(np.int64)
        return np.asarray(self.classes_[answers.argmax(1)])

    def predict_proba(self, x: Any, *, layout: str | None = None, lengths: Any = None) -> Floats:
        """Probabilities of the classes or labels (N, K), in the order of ``classes_``."""
        if self.task == "regression":
            raise UsageError("[predict] regression has no probabilities: predict gives the numbers")
        samples = self._feeding().asked(x, layout, lengths)
        with self._turn:
            return self._core.answers(samples)

    def logits(self, x: Any, *, layout: str | None = None, lengths: Any = None) -> Floats:
        """The output as the network gives it (N, K)."""
        samples = self._feeding().asked(x, layout, lengths)
        with self._turn:
            return self._core.outputs(samples)

    def features(self, x: Any, upto: str, *, layout: str | None = None, lengths: Any = None) -> Floats:
        """What the block ``upto`` gives for each sample, (N, ...): images (N, H, W, C)."""
        if not isinstance(upto, str):
            raise TypeError(f"[predict] upto {upto!r} is {type(upto).__name__}, want a block: {', '.join(self._core.blocks)}")
        samples = self._feeding().asked(x, layout, lengths)
        try:
            with self._turn:
                return self._core.features(samples, upto)
        except UsageError as error:
            if "no block" not in str(error):
                raise
            raise UnknownNameError(str(error), error.operation) from None

    def score(self, x: Any, y: Any = None, *, layout: str | None = None, lengths: Any = None) -> float:
        """The first of ``metrics``: accuracy, R², or the F1 of several labels."""
        return self.evaluate(x, y, layout=layout, lengths=lengths)[self.metrics[0]]

    def evaluate(
        self, x: Any, y: Any = None, *, layout: str | None = None, lengths: Any = None
    ) -> dict[str, float]:
        """All ``metrics`` and the loss on samples with labels: arrays, or a part of ``firn.data``."""
        samples = self._feeding().judged(x, y, layout, lengths)
        with self._turn:
            result = self._core.evaluate(samples)
        return {**dict(zip(self.metrics, result.metrics, strict=True)), "loss": result.loss}
