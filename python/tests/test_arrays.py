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
