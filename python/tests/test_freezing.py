"""What freezes, and what that says."""

from __future__ import annotations

import firn
import numpy as np
import pytest


def test_freeze_says_what_it_matched(cnn: firn.Model) -> None:
    assert cnn.freeze("conv1") == ["conv1.weight", "conv1.bias"]
    assert cnn.freeze("*.bias") == ["conv1.bias", "conv2.bias", "fc1.bias", "fc2.bias"]
    assert cnn.frozen() == ["conv1.weight", "conv1.bias", "conv2.bias", "fc1.bias", "fc2.bias"]
    assert cnn.thaw("conv1", "*.bias") == ["conv1.weight", "conv1.bias", "conv2.bias", "fc1.bias", "fc2.bias"]
    assert cnn.frozen() == []
    assert len(cnn.freeze("head")) == 6
    assert cnn.thaw("all") and cnn.freeze(1) == ["conv1.weight", "conv1.bias"]
    cnn.thaw("all")
    assert cnn.freeze([1]) == ["conv2.weight", "conv2.bias"]
    cnn.thaw("all")
    assert cnn.freeze([0, 3]) == ["conv1.weight", "conv1.bias", "fc2.weight", "fc2.bias"]


def test_parts_of_tensors(cnn: firn.Model) -> None:
    assert cnn.freeze("conv2.weight[0:16]") == ["conv2.weight[0:16]"]
    assert cnn.freeze("conv2.weight[16:20]") == ["conv2.weight[16:20]"]
    assert cnn.frozen() == ["conv2.weight[0:20]"]
    cnn.thaw("conv2.weight[4:8]")
    assert cnn.frozen() == ["conv2.weight[0:4+8:20]"]


@pytest.mark.parametrize("call", ["freeze", "thaw"])
def test_unknown_names_are_key_errors_with_the_nearest(cnn: firn.Model, call: str) -> None:
    cnn.freeze("conv1")
    with pytest.raises(KeyError, match="did you mean conv2"):
        getattr(cnn, call)("convv2")
    with pytest.raises(firn.UnknownNameError, match="did you mean conv2"):
        getattr(cnn, call)("conv1", "fc1", "convv2")
    assert cnn.frozen() == ["conv1.weight", "conv1.bias"]
    with pytest.raises(ValueError, match="say what"):
        getattr(cnn, call)()


def test_what_is_frozen_keeps_its_bytes(cnn: firn.Model, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    before = {name: array.copy() for name, array in cnn.weights.items()}
    history = cnn.fit(*arrays, epochs=1, freeze="conv*", optimizer=firn.SGD(0.1, decay=0.1))
    assert history.frozen_watched == 4 and history.frozen_changed == []
    for name, array in cnn.weights.items():
        assert np.array_equal(array, before[name]) == name.startswith("conv"), name


def test_freezing_from_a_callback(cnn: firn.Model, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    kept = {}

    class Freeze(firn.Callback):
        def on_epoch_begin(self, model: firn.Model, epoch: int) -> None:
            if epoch == 2:
                model.freeze("conv*")
                kept.update({name: model.weights[name].copy() for name in model.frozen()})

    history = cnn.fit(*arrays, epochs=3, callbacks=[Freeze()])
    assert [e.trained_share for e in history.epochs] == [1, 0.5, 0.5]
    assert {(c.block, c.frozen) for c in history.changes} == {("conv1", True), ("conv2", True)}
    for name, values in kept.items():
        assert np.array_equal(cnn.weights[name], values)


def test_the_summary_as_if(cnn: firn.Model) -> None:
    summary = cnn.summary(freeze="conv1")
    assert cnn.frozen() == []
    assert (summary.parameters, summary.trainable) == (summary.parameters, summary.parameters - 320)
    first, second = summary.blocks[:2]
    assert first.frozen == "yes" and first.macs_weight_gradient == 0 and second.macs_input_gradient == 0
    assert summary._repr_html_().count("background:#dff1fb") == 1
    assert "conv1" in str(summary) and "background" not in cnn._repr_html_()
    assert "left out" in cnn.explain(freeze="head")
    assert cnn.frozen() == []
    with pytest.raises(KeyError):
        cnn.summary(freeze="convv")


def test_a_policy_moves_what_trains(cnn: firn.Model, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    history = cnn.fit(*arrays, epochs=3, policy="gradual")
    assert history.changes and not history.changes[-1].frozen
    with pytest.raises(ValueError, match="did you mean gradual"):
        cnn.fit(*arrays, policy="graduall")
