"""Graphs, operations and programs, against numpy."""

from __future__ import annotations

import gc

import firn
import numpy as np
import pytest
from firn import ops

rng = np.random.default_rng(1)


def array(*shape: int) -> np.ndarray:
    return rng.standard_normal(shape, np.float32)


def close(a: np.ndarray, b: np.ndarray) -> bool:
    return np.allclose(a, b, rtol=1e-4, atol=1e-5)


def test_a_backward_pass_is_that_of_hand() -> None:
    x, t, w1, b1, w2 = array(5, 3), array(5, 2), array(3, 4), array(4), array(4, 2)
    g = firn.Graph()
    p1, pb, p2 = (firn.Parameter(n, v) for n, v in (("w1", w1), ("b1", b1), ("w2", w2)))
    with g.scope("fc1"):
        h = g.output("h", ops.relu(ops.dense(g.feed("x", (5, 3)), g.parameter(p1), g.parameter(pb))))
    y = ops.dense(h, g.parameter(p2))
    step = g.training(ops.mean_squared_error(y, g.feed("t", (5, 2))))
    step.run(x=x, t=t)

    hand = np.maximum(x @ w1 + b1, 0)
    error = hand @ w2 - t
    dy = 2 * error / error.size
    dh = dy @ w2.T * (hand > 0)
    assert close(step["h"], hand) and np.isclose(step.loss, (error**2).mean(), rtol=1e-5)
    gradients = step.gradients
    assert list(gradients) == ["b1", "w1", "w2"]
    assert close(gradients["w2"], hand.T @ dy) and close(gradients["w1"], x.T @ dh) and close(gradients["b1"], dh.sum(0))
    before = step.loss
    for p in (p1, pb, p2):
        p.value = p.value - 0.1 * gradients[p.name]
    assert step.run().loss < before
    assert "fc1" in step.listing() and list(step) == ["h", "loss"]


def test_what_is_frozen_is_not_in_the_program() -> None:
    w1 = firn.Parameter("w1", array(3, 4), trainable=False)
    w2 = firn.Parameter("w2", array(4, 2))

    def step() -> firn.Program:
        g = firn.Graph()
        y = ops.dense(ops.tanh(ops.dense(g.feed("x", (5, 3)), g.parameter(w1))), g.parameter(w2))
        return g.training(ops.cross_entropy(y, g.feed("labels", (5,), indices=True)))

    frozen = step().run(x=array(5, 3), labels=np.array([0, 1, 0, 1, 1]))
    assert list(frozen.gradients) == ["w2"]
    assert any("w1" in what and reason == "frozen" for what, reason in frozen.left_out)
    w1.trainable = True
    assert step().left_out == [] and "frozen" not in repr(w1)


def test_operations_are_what_they_say() -> None:
    x, image = array(4, 6), array(4, 6, 6, 3)
    weight, bias, table = array(3, 3, 3, 5), array(5), array(7, 3)
    tokens = np.array([[1, 6, 0], [2, 2, 5], [0, 0, 0], [4, 3, 6]], np.int32)
    g = firn.Graph(training=False)
    v, i = g.feed("x", (4, 6)), g.feed("image", (4, 6, 6, 3))
    six, three = g.constant("six", np.full(6, 2)), g.constant("ones", np.ones(3))
    values = {
        "add": ops.add(v, six),
        "subtract": ops.subtract(v, v),
        "multiply": ops.multiply(v, v),
        "scale": ops.scale(v, 3),
        "sum": ops.sum(v),
        "mean": ops.mean(v),
        "mean_over": ops.mean_over(i, 3),
        "sum_over": ops.sum_over(i, 1),
        "leaky": ops.activate(v, "leaky_relu", 0.2),
        "sigmoid": ops.sigmoid(v),
        "softmax": ops.softmax(v),
        "conv": ops.conv2d(i, g.constant("w", weight), g.constant("b", bias), padding=1),
        "max_pool": ops.max_pool(i, 2),
        "average_pool": ops.average_pool(i, 3),
        "global": ops.global_average_pool(i),
        "embedding": ops.embedding(g.feed("tokens", (4, 3), indices=True), g.constant("table", table)),
        "layer_norm": ops.layer_norm(i, three, g.constant("zeros", np.zeros(3))),
        "reshape": ops.reshape(v, (4, 2, 3)),
        "flatten": ops.flatten(i),
        "permute": ops.permute(i, (0, 3, 1, 2)),
        "slice": ops.slice(v, 1, 1, 6, 2),
        "concatenate": ops.concatenate([v, v], 1),
        "dropout": ops.dropout(v, 0.5),
        "last_step": ops.last_step(ops.reshape(v, (4, 2, 3))),
    }
    for name, value in values.items():
        g.output(name, value)
    got = g.inference().run(x=x, image=image, tokens=tokens)
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))  # N,H,W,C,3,3
    e = np.exp(x - x.max(1, keepdims=True))
    blocks = image.reshape(4, 3, 2, 3, 2, 3)
    centred = image - image.mean(3, keepdims=True)
    want = {
        "add": x + 2, "subtract": x * 0, "multiply": x * x, "scale": 3 * x, "sum": x.sum(), "mean": x.mean(),
        "mean_over": image.mean(3), "sum_over": image.sum(1), "leaky": np.where(x > 0, x, 0.2 * x),
        "sigmoid": 1 / (1 + np.exp(-x)), "softmax": e / e.sum(1, keepdims=True),
        "conv": np.einsum("nhwcij,ijco->nhwo", windows, weight) + bias, "max_pool": blocks.max((2, 4)),
        "average_pool": image.reshape(4, 2, 3, 2, 3, 3).mean((2, 4)), "global": image.mean((1, 2)),
        "embedding": table[tokens], "layer_norm": centred / np.sqrt((centred**2).mean(3, keepdims=True) + 1e-5),
        "reshape": x.reshape(4, 2, 3), "flatten": image.reshape(4, -1), "permute": image.transpose(0, 3, 1, 2),
        "slice": x[:, 1:6:2], "concatenate": np.concatenate([x, x], 1), "dropout": x, "last_step": x[:, 3:],
    }  # fmt: skip
    assert set(want) == set(got)
    for name, value in want.items():
        assert got[name].shape == np.shape(value), name
        assert np.allclose(got[name], value, rtol=1e-4, atol=2e-5), name


def test_a_recurrent_layer_learns() -> None:
    shapes = {"ih": (2, 12), "hh": (3, 12), "bi": (12,), "bh": (12,), "head": (3, 1)}
    own = {name: firn.Parameter(name, array(*shape) * 0.3) for name, shape in shapes.items()}
    g = firn.Graph()
    h = ops.lstm(g.feed("x", (8, 5, 2)), *(g.parameter(own[n]) for n in ("ih", "hh", "bi", "bh")))
    loss = ops.mean_squared_error(ops.dense(ops.last_step(h), g.parameter(own["head"])), g.feed("y", (8, 1)))
    step = g.training(loss)
    step.run(x=array(8, 5, 2), y=array(8, 1))
    first = step.loss
    for _ in range(200):
        for name, gradient in step.gradients.items():
            own[name].value = own[name].value - 0.5 * gradient
        step.run()
    assert step.loss < 0.7 * first


def test_faults_are_said_when_the_graph_is_built() -> None:
    g = firn.Graph()
    x = g.feed("x", (5, 3))
    with pytest.raises(ValueError, match=r"\(5,3\).*\(4,2\)|\[dense\]"):
        ops.dense(x, g.constant("w", array(4, 2)))
    with pytest.raises(firn.UsageError, match="did you mean sigmoid"):
        ops.activate(x, "sigmod")
    with pytest.raises(firn.UsageError, match="two graphs"):
        ops.add(x, firn.Graph().feed("x", (5, 3)))
    with pytest.raises(firn.UsageError, match="loss"):
        firn.Graph().training(x)
    with pytest.raises(firn.UsageError):
        g.training(ops.mean(x))
    g = firn.Graph()
    program = g.output("y", ops.relu(g.feed("x", (2, 3)))) and g.inference()
    with pytest.raises(firn.UsageError, match="is a program already"):
        g.feed("z", (1, 1))
    with pytest.raises(firn.UsageError, match="not run yet"):
        program["y"]
    with pytest.raises(firn.UsageError, match="there is no feed z"):
        program.run(z=array(2, 3))
    with pytest.raises(firn.UsageError):
        program.run(x=array(3, 2))
    with pytest.raises(firn.UsageError, match="x"):
        program.run()
    with pytest.raises(KeyError, match="there is no output yy"):
        program.run(x=array(2, 3))["yy"]
    w = firn.Parameter("w", np.ones(3))
    with pytest.raises(firn.UsageError, match=r"w is \(3\), not \(2\)"):
        w.value = np.ones(2)


def test_indices_that_name_nothing_are_refused() -> None:
    g = firn.Graph(training=False)
    g.output("y", ops.embedding(g.feed("tokens", (2, 3), indices=True), g.constant("t", array(4, 2))))
    program = g.inference()
    for wrong in (4, -1, 2**31 - 1):
        with pytest.raises(firn.UsageError, match=f"tokens holds {wrong}, want whole numbers from 0 to 3"):
            program.run(tokens=np.full((2, 3), wrong))
    model = firn.models.textcnn(input=(9,), classes=2, vocabulary=20)
    feeds = dict(x=np.ones((4, 9), int), lengths=np.full(4, 9), targets=np.zeros(4, int))
    step = model.step(4).run(**feeds)
    for name, wrong in (("x", 20), ("lengths", 10), ("targets", 2)):
        with pytest.raises(firn.UsageError, match=f"{name} holds {wrong}, want"):
            step.run(**{name: np.full_like(feeds[name], wrong)})
    with pytest.raises(firn.UsageError, match="1 sample or more"):
        model.step(0)


def test_values_and_parameters_outlive_what_they_are_of() -> None:
    def value() -> object:
        return firn.Graph().feed("x", (2, 3))

    kept = value()
    view = firn.Parameter("w", np.arange(6)).value
    gc.collect()
    assert kept.shape == [2, 3] and kept.kind == "feed"
    assert view.tolist() == list(range(6)) and not view.flags.writeable


def test_a_step_of_a_model_is_looked_into() -> None:
    rng = np.random.default_rng(2)
    model = firn.Model.from_spec("conv 4 3x3, tanh, dense", input=(6, 6, 2), classes=3)
    x, y = rng.standard_normal((5, 6, 6, 2), np.float32), np.array([0, 1, 2, 1, 0])
    step = model.step(5).run(x=x, targets=y)
    assert list(step) == [*model.blocks, "logits", "loss"] and step[model.blocks[0]].shape == (5, 6, 6, 4)
    gradients = step.gradients
    assert {name: g.shape for name, g in gradients.items()} == {n: w.shape for n, w in model.weights.items()}
    # Central differences of the loss, weight by weight, in PyTorch's layout.
    loss = step.loss
    for name, place in (("conv1.weight", (3, 1, 0, 2)), ("dense1.weight", (2, 5)), ("dense1.bias", (1,))):
        weights = {n: w.copy() for n, w in model.weights.items()}
        either = []
        for nudge in (0.02, -0.02):
            moved = {n: w.copy() for n, w in weights.items()}
            moved[name][place] += nudge
            model.load_weights(moved)
            either.append(step.run().loss)
        model.load_weights(weights)
        assert np.isclose((either[0] - either[1]) / 0.04, gradients[name][place], rtol=0.03, atol=2e-3), name
    assert step.run().loss == loss
    model.freeze("conv1.weight[1:3]", "dense1.bias")
    frozen = model.step(5).run(x=x, targets=y).gradients
    assert "dense1.bias" not in frozen and not frozen["conv1.weight"][1:3].any()
    assert np.allclose(frozen["conv1.weight"][[0, 3]], gradients["conv1.weight"][[0, 3]], atol=1e-6)
    with pytest.raises(firn.UsageError, match="targets"):
        model.step(5).run(x=x)
    with pytest.raises(firn.UsageError, match="takes whole numbers"):
        step.run(targets=np.ones(5))


def test_steps_of_other_kinds_of_models() -> None:
    numbers = firn.Model.from_spec("dense 4, tanh, dense", input=(3,), classes=2, task="regression")
    assert numbers.step(6).run(x=array(6, 3), targets=array(6, 2)).loss > 0
    words = firn.models.textcnn(input=(9,), classes=2, vocabulary=20)
    feeds = dict(x=np.ones((4, 9), int), lengths=np.full(4, 9), targets=np.array([0, 1, 1, 0]))
    assert words.step(4).run(**feeds).gradients
