"""What a model is given, as the samples that its C++ half reads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _arrays, _core, _labels
from .datasets import Data, Part
from .errors import UsageError


class Feeding:
    """Samples for a model, whose classes are called ``names`` (empty: not known yet)."""

    def __init__(self, core: _core.Learner, names: Sequence[str]) -> None:
        self.core = core
        self.names = list(names)

    def labelled(
        self, x: Any, y: Any, layout: str | None, lengths: Any, name: str, names: Sequence[str]
    ) -> _core.Samples:
        """Samples of an array with labels that stand for ``names``."""
        array = _arrays.as_array(x)
        count = array.shape[0] if array.ndim else 0
        if y is None:
            raise UsageError(f"[data] {name} is an array: its labels are wanted too")
        vocabulary = [str(i) for i in range(self.core.vocabulary)]
        sample = self.core.sample
        if self.core.task in ("classification", "next-token"):
            labels = _labels.column(y, count)
            known = list(names) or _labels.new_names(labels, self.core.width)
            places = _labels.places(labels, known)
            return _arrays.make(self.core.kind, array, sample, layout, lengths, places, known, vocabulary, name)
        targets = _labels.rows(y, count, self.core.width, self.core.name)
        columns = list(names) or (["y"] if targets.shape[1] == 1 else [f"y{i}" for i in range(targets.shape[1])])
        nothing = np.zeros(count, np.int32)
        plain = _arrays.make(self.core.kind, array, sample, layout, lengths, nothing, ["?"], vocabulary, name)
        return _core.with_targets(plain, "labels" if self.core.task == "labels" else "numbers", columns, targets)

    def parts(
        self, x: Any, y: Any, validation: Any, layout: str | None, lengths: Any
    ) -> tuple[_core.Samples, _core.Samples | None]:
        """To train on, and to choose by."""
        if isinstance(x, Data):
            if x.train is None:
                raise UsageError(f"[data] {x.name} has no training part")
            held = x.validation if validation is None else validation
            return _whole(x.train, y, layout, lengths), self._validation(held, layout, self.names)
        if isinstance(x, Part):
            return _whole(x, y, layout, lengths), self._validation(validation, layout, self.names)
        train = self.labelled(x, y, layout, lengths, "x", self.names)
        if isinstance(validation, str):
            if validation != "split":
                raise UsageError(f"[data] validation '{validation}': want (x, y), a part of firn.data, or 'split'")
            parts = _core.draw_parts(train, _core.DataOptions())
            assert parts.train is not None
            return parts.train, parts.validation
        return train, self._validation(validation, layout, train.classes)

    def judged(self, x: Any, y: Any, layout: str | None, lengths: Any) -> _core.Samples:
        """Samples with labels."""
        if isinstance(x, Data):
            if x.test is None:
                raise UsageError(f"[data] {x.name} has no test part")
            x = x.test
        if isinstance(x, Part):
            return _whole(x, y, layout, lengths)
        return self.labelled(x, y, layout, lengths, "x", self.names)

    def _validation(self, given: Any, layout: str | None, names: Sequence[str]) -> _core.Samples | None:
        if given is None or isinstance(given, Part):
            return None if given is None else given._core
        if not isinstance(given, Sequence) or len(given) not in (2, 3):
            shown = f" {given!r}" if isinstance(given, (int, float, Data)) else ""
            raise UsageError(f"[data] validation{shown}: want (x, y), (x, y, lengths), a part of firn.data, or 'split'")
        return self.labelled(
            given[0], given[1], layout, given[2] if len(given) == 3 else None, "validation x", names
        )

    def asked(self, x: Any, layout: str | None, lengths: Any) -> _core.Samples:
        """Samples that need no labels."""
        if isinstance(x, Data):
            raise UsageError("[predict] say which part: data.test")
        if isinstance(x, Part):
            return _whole(x, None, layout, lengths)
        if isinstance(x, (str, os.PathLike)):
            x = [x]
        if isinstance(x, (list, tuple)) and x and all(isinstance(one, (str, os.PathLike)) for one in x):
            words = [os.fspath(one) for one in x]
            return self.core.texts(words) if self.core.kind == "tokens" else self.core.pictures(words)
        vocabulary = [str(i) for i in range(self.core.vocabulary)]
        array = _arrays.as_array(x)
        return _arrays.make(self.core.kind, array, self.core.sample, layout, lengths, None, [], vocabulary, "x")


def _whole(part: Part, y: Any, layout: str | None, lengths: Any) -> _core.Samples:
    """The samples of a part. Raises UsageError for what it has said already."""
    for name, given in (("y", y), ("layout", layout), ("lengths", lengths)):
        if given is not None:
            raise UsageError(f"[data] {part!r} has its own {name}: leave {name} away")
    return part._core
