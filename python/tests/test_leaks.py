"""What is let go again: every call is made some times over, and neither Python's memory nor a reference is left behind.

The C++ half's own memory is looked at by ``tools/python FOLDER --sanitize``.
"""

from __future__ import annotations

import copy
import gc
import sys
from collections.abc import Callable

import firn
import numpy as np
import pytest
from firn import ops

ROUNDS = 100
X = np.random.default_rng(1).standard_normal((12, 8, 8, 1), np.float32)
Y = np.arange(12) % 3


class Broken(firn.Callback):
    def on_step_end(self, model: firn.Model, step: firn.Step) -> None:
        raise ZeroDivisionError


class Half(firn.Policy):
    needs = ("change",)

    def decide(self, now: firn.policies.Moment) -> dict[str, bool]:
        return {name: i > 0 for i, name in enumerate(now.blocks)}


class Told(firn.Callback):
    def on_epoch_end(self, model: firn.Model, record: firn.Epoch) -> None:
        self.last = model, record


def failing(call: Callable[[], object]) -> None:
    try:
        call()
    except (ZeroDivisionError, firn.Error):
        return
    raise AssertionError("nothing was wrong")


def graph() -> object:
    g = firn.Graph()
    w = firn.Parameter("w", np.ones((2, 1)))
    step = g.training(ops.mean(ops.dense(g.feed("x", (3, 2)), g.parameter(w))))
    step.run(x=np.ones((3, 2)))
    return step.gradients, step["loss"], w.value, step.listing()


def calls(model: firn.Model) -> dict[str, Callable[[], object]]:
    data = firn.data("digits", labels=3)
    return {
        "make": lambda: firn.Model.from_spec("conv 4 3x3, relu, dense", input=(8, 8, 1), classes=["a", "b", "c"]),
        "fit": lambda: model.fit(X, Y, epochs=2, callbacks=[Told()], validation=(X, Y)),
        "own policy": lambda: model.fit(X, Y, epochs=1, policy=Half()),
        "broken fit": lambda: failing(lambda: model.fit(X, Y, epochs=1, callbacks=[Broken()])),
        "wrong option": lambda: failing(lambda: model.fit(X, Y, optimizer="adm")),
        "wrong name": lambda: failing(lambda: model.freeze("conv1", "conv9")),
        "wrong shape": lambda: failing(lambda: model.predict(X[0])),
        "predict": lambda: (model.predict(X), model.predict_proba(X), model.logits(X)),
        "features": lambda: model.features(X, "conv1"),
        "score": lambda: model.evaluate(X, Y),
        "weights": lambda: {name: array.sum() for name, array in model.weights.items()},
        "load weights": lambda: model.load_weights(model.weights),
        "freeze": lambda: (model.freeze("conv1"), model.frozen(), model.thaw("all")),
        "look": lambda: (repr(model), str(model.summary()), model.summary("conv1")._repr_html_(), model.explain()),
        "copy": lambda: copy.deepcopy(model).predict(X),
        "new head": lambda: copy.deepcopy(model).new_head(2),
        "step": lambda: model.step(4).run(x=X[:4], targets=Y[:4])["logits"],
        "data": lambda: data.train.arrays(),
        "graph": graph,
    }


NAMES = list(calls(firn.Model.from_spec("dense", input=(8, 8, 1), classes=3)))


def left_behind(call: Callable[[], object]) -> int:
    for _ in range(3):
        call()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(ROUNDS):
        call()
    gc.collect()
    return sys.getallocatedblocks() - before


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_behind(name: str) -> None:
    model = firn.Model.from_spec("conv 4 3x3, relu, dense", input=(8, 8, 1), classes=3)
    call = calls(model)[name]
    held = [sys.getrefcount(one) for one in (X, Y, model, model._core)]
    assert min(left_behind(call) for _ in range(3)) < ROUNDS / 2, "blocks of memory"
    assert held == [sys.getrefcount(one) for one in (X, Y, model, model._core)], "references"


def test_it_would_be_seen() -> None:
    kept = []
    assert left_behind(lambda: kept.append(object())) >= ROUNDS or not sys.getallocatedblocks()
