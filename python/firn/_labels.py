"""Labels of any kind, and the classes that they stand for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _arrays
from .errors import DataError, ShapeError, UnknownNameError, UsageError

Array = npt.NDArray[Any]


def column(y: Any, count: int) -> Array:
    """Labels as (N,); (N, 1) is taken for it. Raises ShapeError, and DataError where one is missing."""
    array = _arrays.as_array(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.shape[0] != count:
        hint = ": of rows of 0 and 1, y.argmax(1) are the labels" if array.ndim == 2 and len(array) == count else ""
        raise ShapeError(f"[data] labels are {array.shape}, {count} samples want ({count},){hint}")
    if array.dtype.kind in "fO":
        for i, label in enumerate(array.tolist()):
            if label is None or type(label).__name__ == "NAType" or (isinstance(label, float) and label != label):
                raise DataError(f"[data] label {i} is {label}: each sample wants one")
    return array


def rows(y: Any, count: int, width: int, name: str) -> npt.NDArray[np.float64]:
    """Targets as (N, ``width``), which the model ``name`` answers with; (N,) is (N, 1). Raises ShapeError."""
    array = _arrays.as_array(y)
    if array.ndim not in (1, 2) or array.shape[0] != count:
        raise ShapeError(f"[data] targets are {array.shape}, {count} samples want ({count},) or ({count}, K)")
    try:
        numbers = np.ascontiguousarray(array, np.float64)
    except (TypeError, ValueError):
        raise UsageError(f"[data] targets of {array.dtype} are no numbers") from None
    targets = numbers.reshape(count, array.shape[1] if array.ndim == 2 else 1)
    if targets.shape[1] != width:
        raise ShapeError(f"[data] {targets.shape[1]} targets a sample, {name} answers with {width}")
    return targets


def named(classes: Any) -> tuple[int, list[str] | None]:
    """The number of the classes, and their names where these are given. Raises UsageError."""
    count = _arrays.whole(classes)
    if count is not None:
        return count, None
    if isinstance(classes, str) or not isinstance(classes, Iterable):
        raise UsageError(f"[model] classes {classes!r}: want their number, or their names in a list")
    names = [_text(name) for name in (classes.tolist() if isinstance(classes, np.ndarray) else classes)]
    again = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if again is not None:
        raise UsageError(f"[model] two of the {len(names)} classes are called '{again}'")
    return len(names), names


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def is_number(name: str) -> bool:
    """Whether a class is called as a whole number is written."""
    digits = name[1:] if name.startswith("-") else name
    return digits.isascii() and digits.isdigit() and str(int(name)) == name


def new_names(y: Array, width: int) -> list[str]:
    """What the classes are called where nothing is known of them: 0 to ``width`` - 1 for whole numbers in that
    range, else what occurs, sorted."""
    if y.dtype.kind in "iu" and y.size and y.min() >= 0 and y.max() < width:
        return [str(i) for i in range(width)]
    names = [_text(v) for v in np.unique(y).tolist()]
    if len(names) != width:
        shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        raise UsageError(f"[data] the labels have {len(names)} classes ({shown}), the model answers in {width}")
    return names


def places(y: Array, names: Sequence[str]) -> npt.NDArray[np.int32]:
    """The place of each label among ``names``; whole numbers are places where no name is a number."""
    values, inverse = np.unique(y, return_inverse=True)
    where = {name: i for i, name in enumerate(names)}
    by_place = y.dtype.kind in "iu" and not any(is_number(name) for name in names)
    found = np.empty(len(values), np.int32)
    for i, value in enumerate(values.tolist()):
        if by_place and 0 <= value < len(names):
            found[i] = value
            continue
        text = _text(value)
        if text not in where:
            near = difflib.get_close_matches(text, names, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise UnknownNameError(f"[data] label '{text}' is none of the {len(names)} classes{hint}")
        found[i] = where[text]
    return np.ascontiguousarray(found[inverse.reshape(-1)], np.int32)


def kind_of(labels: Any) -> str | None:
    """What ``classes_array`` makes of labels that are given back as they came: "b", "i", "f" or "U"; None: as they read."""
    array = np.asarray(labels)
    kind: str = array.dtype.kind
    if kind == "O":
        return "U" if all(isinstance(label, str) for label in array.ravel().tolist()) else None
    return {"u": "i", "T": "U"}.get(kind, kind)


def classes_array(names: Sequence[str], kind: str | None = None) -> Array:
    """The classes as a read-only array of a kind of numpy's. None: whole numbers or truths where all are called so, else
    texts."""
    return _classes_array(tuple(names), kind)


@lru_cache(64)
def _classes_array(names: tuple[str, ...], kind: str | None) -> Array:
    truths = bool(names) and set(names) <= {"False", "True"}
    if kind in ("i", None) and names and all(is_number(name) for name in names):
        array: Array = np.array([int(name) for name in names])
    elif kind in ("b", None) and truths:
        array = np.array([name == "True" for name in names])
    elif kind == "f" and all(_is_float(name) for name in names):
        array = np.array([float(name) for name in names])
    else:
        array = np.array(names, dtype=np.str_)
    array.flags.writeable = False
    return array


def _is_float(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True
