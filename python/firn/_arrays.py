"""Arrays as the C++ half reads them: in place where it can, else one copy, said once."""

from __future__ import annotations

import operator
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from .errors import CopyWarning, ShapeError, UsageError

Array = npt.NDArray[Any]

_said: set[str] = set()
_HERE = os.path.dirname(__file__) + os.sep


def _say_copy(why: str) -> None:
    if why not in _said:
        _said.add(why)
        frame, level = sys._getframe(), 1
        while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
            frame, level = frame.f_back, level + 1
        warnings.warn(f"firn copies this array: {why}", CopyWarning, stacklevel=level)


def as_array(x: Any) -> Array:
    """Numpy arrays as they are; tensors of others by DLPack, without a copy. Raises UsageError for what is none."""
    if type(x) is np.ndarray:
        return x
    kind = type(x).__name__
    if isinstance(x, np.ndarray) and np.any(getattr(x, "mask", False)):
        raise UsageError(f"[data] a {kind} with masked values: x.filled(...) says what they are")
    if hasattr(x, "toarray") and not isinstance(x, np.ndarray):
        raise UsageError(f"[data] a sparse {kind}: x.toarray() is wanted")
    try:
        if hasattr(x, "detach"):
            x = x.detach()
        if hasattr(x, "__dlpack__") and not isinstance(x, np.ndarray):
            return np.from_dlpack(x)
        return np.asarray(x)
    except (BufferError, RuntimeError, TypeError, ValueError) as error:  # another device, another type, ragged rows
        said = str(error).partition("\n")[0].rstrip(".")
        raise UsageError(f"[data] a {kind} is no array that numpy can read: {said}") from None


def numbers(x: Array) -> Array:
    """float32, float64 or uint8 in any strides, without a copy where ``x`` is that."""
    if x.dtype not in (np.float32, np.float64, np.uint8):
        if x.dtype.kind not in "fiubO":
            raise UsageError(f"[data] an array of {x.dtype} holds no numbers")
        try:
            copy = x.astype(np.float32)
        except (TypeError, ValueError) as error:  # of objects: what a table of several kinds of columns becomes
            raise UsageError(f"[data] an array of {x.dtype} holds no numbers: {error}") from None
        _say_copy(f"{x.dtype} is read as float32")
        return copy
    steps = all(stride % x.itemsize == 0 for stride in x.strides)
    if not (x.dtype.isnative and x.flags.aligned and steps):
        _say_copy("its elements are not aligned or in another byte order")
        return np.array(x, dtype=x.dtype.newbyteorder("="), order="C")
    return x


# Where the axes of a layout lie in the one that firn has.
_LAYOUTS: dict[str, dict[str, tuple[int, ...]]] = {
    "image": {"nhwc": (0, 1, 2, 3), "nchw": (0, 2, 3, 1)},
    "sequence": {"ntf": (0, 1, 2), "nft": (0, 2, 1)},
}


def laid_out(x: Array, kind: str, sample: Sequence[int], layout: str | None, name: str) -> Array:
    """A view of ``x`` with the axes (N, H, W, C), (N, T, F) or (N, F)."""
    known = _LAYOUTS.get(kind, {})
    if layout is not None and layout not in known:
        choices = ", ".join(known) or "none"
        raise UsageError(f"[data] layout '{layout}': samples of kind {kind} have {choices}")
    want = tuple(sample)
    if kind == "image" and layout is None and want[2] == 1 and x.ndim == 3 and x.shape[1:] == want[:2]:
        x = x[..., np.newaxis]  # (N, H, W)
    if x.ndim == len(want) and layout is None and x.shape == want:
        raise ShapeError(f"[data] {name} is one sample {x.shape}: {name}[None] is a batch of it")
    if x.ndim != len(want) + 1:
        raise ShapeError(f"[data] {name} is {x.shape}, the model takes (N, {', '.join(map(str, want))})")
    axes = known.get(layout or "", tuple(range(x.ndim)))
    view = x.transpose(axes)
    free = 1 if kind == "sequence" else 0  # steps may be as many as they are
    if view.shape[1 + free :] != want[free:]:
        other = next((n for n, a in known.items() if n != layout and x.transpose(a).shape[1:] == want), None)
        hint = f'; layout="{other}" would fit' if other else ""
        said = f" as {layout}" if layout else ""
        raise ShapeError(f"[data] {name}{said} is {x.shape}, the model takes (N, {', '.join(map(str, want))}){hint}")
    return view


def ints(x: Any, what: str) -> npt.NDArray[np.int32]:
    """Whole numbers as int32, (N,)."""
    array = np.asarray(x)
    if array.dtype.kind not in "iub" or array.ndim != 1:
        raise ShapeError(f"[data] {what} are {array.dtype} {array.shape}, whole numbers (N,) are wanted")
    return np.ascontiguousarray(array, np.int32)


def whole(value: Any) -> int | None:
    """A whole number of Python's or numpy's; None for anything else."""
    try:
        return operator.index(value)
    except TypeError:
        return None


def sizes(shape: Any) -> list[int]:
    """The shape of one sample."""
    try:
        return [operator.index(size) for size in shape]
    except TypeError:
        raise UsageError(f"[model] input={shape!r}: want the shape of one sample, (H, W, C), (T, F) or (F,)") from None


def make(
    kind: str,
    x: Array,
    sample: Sequence[int],
    layout: str | None,
    lengths: Any,
    labels: npt.NDArray[np.int32] | None,
    classes: list[str],
    vocabulary: list[str],
    name: str,
) -> _core.Samples:
    """Samples over ``x``, of labels that are places of ``classes`` (None: no labels)."""
    if kind == "tokens":
        if x.dtype.kind not in "iu" or x.ndim != 2:
            raise ShapeError(f"[data] {name} is {x.dtype} {x.shape}, the model takes tokens: whole numbers (N, T)")
        count = np.full(len(x), x.shape[1], np.int32) if lengths is None else ints(lengths, "lengths")
        if len(count) != len(x) or (len(count) and (count.min() < 1 or count.max() > x.shape[1])):
            raise ShapeError(f"[data] lengths of {name}: want {len(x)} whole numbers from 1 to {x.shape[1]}")
        valid = np.arange(x.shape[1]) < count[:, np.newaxis]
        flat = np.ascontiguousarray(x[valid], np.int32)
        return _core.tokens(name, flat, count, labels, classes, vocabulary)
    view = laid_out(numbers(x), kind, sample, layout, name)
    white = 255 if kind == "image" and view.dtype == np.uint8 else 1
    steps = None if lengths is None else ints(lengths, "lengths")
    return _core.numbers(name, kind, view, labels, classes, white, steps)
