"""Arrays: where they are read, and what is said of those that do not fit."""

from __future__ import annotations

import resource
import warnings

import firn
import numpy as np
import pytest


def test_layout_is_said_never_guessed(cnn: firn.Model, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = arrays
    model = firn.Model.from_spec("conv 4 3x3, relu, dense", input=(8, 4, 3), classes=2)
    rng = np.random.default_rng(0)
    nhwc = rng.normal(size=(10, 8, 4, 3)).astype(np.float32)
    nchw = np.ascontiguousarray(nhwc.transpose(0, 3, 1, 2))
    assert np.array_equal(model.logits(nhwc), model.logits(nchw, layout="nchw"))
    with pytest.raises(firn.ShapeError, match=r'x is \(10, 3, 8, 4\).*\(N, 8, 4, 3\); layout="nchw" would fit'):
        model.logits(nchw)
    with pytest.raises(firn.UsageError, match="layout 'nhcw'"):
        model.logits(nchw, layout="nhcw")
    assert np.array_equal(cnn.logits(x), cnn.logits(x[..., 0]))
    with pytest.raises(firn.ShapeError, match=r"x\[None\]"):
        cnn.logits(x[0])


def test_any_strides_and_types(cnn: firn.Model, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    x = arrays[0][:20]
    want = cnn.logits(x)
    assert np.array_equal(cnn.logits(x[::-1])[::-1], want)
    assert np.array_equal(cnn.logits(np.asfortranarray(x)), want)
    assert np.array_equal(cnn.logits(x.astype(np.float64)), want)
    read_only = x.copy()
    read_only.flags.writeable = False
    assert np.array_equal(cnn.logits(read_only), want)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cnn.logits(np.asfortranarray(x.astype(np.float64)))


def test_a_copy_is_said_once(cnn: firn.Model) -> None:
    x = np.zeros((4, 8, 8, 1), np.float16)
    with pytest.warns(firn.CopyWarning, match="float16 is read as float32") as told:
        cnn.logits(x)
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cnn.logits(x)


def test_bytes_are_pictures(cnn: firn.Model) -> None:
    x = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), np.uint8)
    assert np.allclose(cnn.logits(x), cnn.logits(x.astype(np.float32) / 255), atol=1e-6)


def test_no_copy_of_a_large_array() -> None:
    x = np.zeros((200_000, 200), np.float32)  # 160 MB
    x[:] = 1
    model = firn.Model.from_spec("dense", input=(200,), classes=2)
    model.predict(x[:1000])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model.predict(x)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 60_000, "KiB"


def test_the_array_outlives_its_name(cnn: firn.Model, digits: firn.Data) -> None:
    class Drop(firn.Callback):
        def on_step_end(self, model: firn.Model, step: firn.Step) -> None:
            np.ones((64, 64)).sum()

    assert len(cnn.fit(*digits.train.arrays(), epochs=2, callbacks=[Drop()]).epochs) == 2


def test_weights_are_read_only_views(cnn: firn.Model, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    weight = cnn.weights["conv1.weight"]
    assert weight.shape == (32, 1, 3, 3) and not weight.flags.owndata
    with pytest.raises(ValueError):
        weight[0] = 0
    before = weight.copy()
    cnn.fit(*arrays, epochs=1)
    assert not np.array_equal(weight, before)  # the same memory
    del cnn
    assert np.isfinite(weight).all()


def test_weights_from_others(cnn: firn.Model, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    other = firn.models.cnn(input=(8, 8, 1), classes=10, seed=2)
    assert not np.array_equal(cnn.logits(arrays[0]), other.logits(arrays[0]))
    other.load_weights(cnn.weights)
    assert np.array_equal(cnn.logits(arrays[0]), other.logits(arrays[0]))
    state = {name: array.copy() for name, array in cnn.weights.items()}
    state["fc1.bias"] = np.zeros(3)
    with pytest.raises(firn.ShapeError, match=r"fc1.bias is \(128,\), not \(3,\)"):
        other.load_weights(state)
    with pytest.raises(KeyError, match="no fc1.bias"):
        other.load_weights({k: v for k, v in state.items() if k != "fc1.bias"})


class Tensor:
    """As a tensor of another program may be: it is numpy's, but for what does not go over."""

    def __init__(self, array: np.ndarray, fault: Exception | None = None) -> None:
        self.array, self.fault = array, fault

    def detach(self) -> Tensor:
        return self

    def __dlpack__(self, **options: object) -> object:
        if self.fault is not None:
            raise self.fault
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


class NAType:
    """As pandas has what is missing."""

    def __eq__(self, other: object) -> NAType:
        return self

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")

    def __repr__(self) -> str:
        return "<NA>"


class Sparse:
    def toarray(self) -> np.ndarray:
        return np.zeros((2, 3))


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.array([["a", "b", "c"]]), "an array of <U1 holds no numbers"),
        (np.array([[1, "b", 3]], object), "an array of object holds no numbers: could not convert string"),
        (np.zeros((2, 3), complex), "an array of complex128 holds no numbers"),
        ([[1, 2, 3], [1, 2]], "a list is no array that numpy can read: .*inhomogeneous"),
        (None, r"x is \(\), the model takes \(N, 3\)|holds no numbers"),
        (Sparse(), r"a sparse Sparse: x\.toarray\(\) is wanted"),
        (np.ma.masked_less(np.arange(6.0).reshape(2, 3), 1), "masked values"),
        (Tensor(np.zeros((2, 3)), BufferError("it lies on a GPU")), "a Tensor is no array .*: it lies on a GPU"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_what_holds_no_numbers_is_said(x: object, words: str) -> None:
    model = firn.Model.from_spec("dense", input=(3,), classes=2)
    with pytest.raises(firn.UsageError, match=words) as caught:
        model.predict(x)
    assert str(caught.value).startswith("[data] ") and "\n" not in str(caught.value)


def test_objects_that_are_numbers_and_tensors_are_read() -> None:
    model = firn.Model.from_spec("dense", input=(3,), classes=2)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    for same in (x.tolist(), x.astype(object), Tensor(x), np.ma.masked_less(x, -1)):
        assert np.array_equal(model.logits(same), model.logits(x))


def test_no_samples_are_said() -> None:
    model = firn.Model.from_spec("dense", input=(3,), classes=["a", "b"])
    none = np.zeros((0, 3), np.float32)
    for call in (lambda: model.predict(none), lambda: model.fit(none, []), lambda: model.score(none, [])):
        with pytest.raises(firn.UsageError, match="x has no samples"):
            call()


@pytest.mark.parametrize(
    ("y", "error", "words"),
    [
        (np.eye(10)[np.arange(20) % 10], firn.ShapeError, r"labels are \(20, 10\).*y\.argmax\(1\) are the labels"),
        (np.arange(20) % 10 * np.where(np.arange(20) == 3, np.nan, 1.0), firn.DataError, "label 3 is nan"),
        (np.array(["a", None] * 10, object), firn.DataError, "label 1 is None"),
        (np.array(["a", NAType()] * 10, object), firn.DataError, "label 1 is <NA>"),
        (3, firn.ShapeError, r"labels are \(\), 20 samples want \(20,\)"),
    ],
)
def test_labels_that_do_not_fit_are_said(cnn: firn.Model, y: object, error: type[firn.Error], words: str) -> None:
    with pytest.raises(error, match=words):
        cnn.fit(np.zeros((20, 8, 8, 1), np.float32), y)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.zeros(40), r"targets are \(40,\), 20 samples want \(20,\) or \(20, K\)"),
        (np.zeros((20, 3)), "3 targets a sample, .* answers with 2"),
        (["a"] * 20, "targets of <U1 are no numbers"),
    ],
)
def test_targets_that_do_not_fit_are_said(y: object, words: str) -> None:
    model = firn.Model.from_spec("dense", input=(3,), classes=2, task="regression")
    with pytest.raises(firn.UsageError, match=words):
        model.fit(np.zeros((20, 3)), y)


def test_a_part_has_its_own_labels(cnn: firn.Model, digits: firn.Data, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(firn.UsageError, match="has its own y: leave y away"):
        cnn.fit(digits, arrays[1])
    with pytest.raises(firn.UsageError, match="has its own layout"):
        cnn.score(digits.test, layout="nchw")
