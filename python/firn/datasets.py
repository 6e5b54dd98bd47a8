"""Data that the program opens: by name, from files and folders."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._labels import classes_array
from ._options import set_options
from .errors import DataError

__all__ = ["Data", "Part", "data"]


class Part:
    """One part of a set of data: samples with their labels."""

    def __init__(self, core: _core.Samples) -> None:
        self._core = core

    def __len__(self) -> int:
        return len(self._core)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample: images (H, W, C), sequences (T, F), vectors (F), tokens (T)."""
        return tuple(self._core.shape)

    @property
    def kind(self) -> str:
        """"image", "sequence", "vector" or "tokens"."""
        return self._core.kind

    @property
    def classes(self) -> npt.NDArray[Any]:
        """The classes, labels or targets, in the order of a model's answers."""
        return classes_array(self._core.classes)

    def arrays(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
        """Copies as numpy arrays: x (N, ...) float32, y (N,) classes or (N, K) targets."""
        if self.kind == "tokens":
            raise DataError("[data] texts are not rectangular: give this part to fit, predict and score as it is")
        if self._core.targets == "classes":
            return self._core.x(), self.classes[np.array(self._core.label_places(), np.intp)]
        return self._core.x(), np.array(self._core.target_rows())

    def __repr__(self) -> str:
        return f"<firn.Part of {self._core.name}: {len(self)} samples {self.shape}, {self.kind}>"


class Data:
    """A set with its parts: ``train``, ``validation`` (what choices are made on), ``test`` (looked at once) and
    ``all`` in the order of the files. Parts that its files do not hold are drawn as the program draws them."""

    def __init__(self, core: _core.DataParts) -> None:
        self._core = core

        def part(samples: _core.Samples | None) -> Part | None:
            return None if samples is None else Part(samples)

        self.train = part(core.train)
        self.validation = part(core.validation)
        self.test = part(core.test)
        self.all = part(core.all)

    def _first(self) -> Part:
        for part in (self.train, self.validation, self.test):
            if part is not None:
                return part
        raise DataError("[data] the set has no part")

    @property
    def name(self) -> str:
        return self._first()._core.name

    @property
    def kind(self) -> str:
        return self._first().kind

    @property
    def shape(self) -> tuple[int, ...]:
        return self._first().shape

    @property
    def classes(self) -> npt.NDArray[Any]:
        return self._first().classes

    @property
    def notes(self) -> list[str]:
        """What is worth knowing: how it was read, what was drawn."""
        return [*self._first()._core.notes, *self._core.notes]

    def __repr__(self) -> str:
        sizes = ", ".join(
            f"{len(part)} {name}"
            for name, part in (("train", self.train), ("validation", self.validation), ("test", self.test))
            if part is not None
        )
        return f"<firn.Data {self.name}: {sizes}; samples {self.shape}, {len(self.classes)} classes>"


def data(
    spec: str | os.PathLike[str],
    *,
    task: str = "",
    labels: int = 0,
    seed: int = 1,
    split_seed: int = 0,
    validation: bool = True,
    group: str = "",
    size: int = 0,
    label: str = "",
    drop: Sequence[str] = (),
    layout: str = "",
    labels_file: str | os.PathLike[str] = "",
    tokens: str = "",
    lower_case: bool = False,
    vocabulary: int = 0,
    text_column: str = "",
    header: str = "",
    window: int = 64,
    limit: int = 5000,
    skip_bad: bool = False,
) -> Data:
    """Opens data as ``firn train --data`` does.

    ``spec``: ``"digits"``, ``"drawn"``, ``"fashion-mnist"``, ``"words"``; ``"kind:path"`` with kind idx, cifar10,
    bitmaps, folder, tsv, csv, npy, ts or text; or a path, recognised by what lies there.

    ``labels``: so many samples of each class, drawn by ``seed`` (0: all). The other options are those of the
    program and are for some kinds of data alone: docs/data.md.

    Raises DataError for what is missing or damaged, UsageError with the nearest name for an unknown one.
    """
    options = _core.DataOptions()
    set_options(
        options, "data",
        task=task, labels=labels, label_seed=seed, split_seed=split_seed, validation=validation, group=group, size=size,
        label=label, drop=list(drop), layout=layout, labels_file=os.fspath(labels_file), tokens=tokens, header=header,
        lower_case=lower_case, vocabulary_limit=vocabulary, text_column=text_column, window=window, limit=limit,
        skip_bad=skip_bad,
    )  # fmt: skip
    return Data(_core.open_data(os.fspath(spec), options))
