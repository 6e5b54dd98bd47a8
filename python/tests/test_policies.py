"""Policies by name and in Python, schedules and optimizers as objects."""

from __future__ import annotations

import gc
import weakref

import firn
import numpy as np
import pytest

Arrays = tuple[np.ndarray, np.ndarray]


def bits(model: firn.Model) -> bytes:
    return b"".join(array.tobytes() for array in model.weights.values())


def test_policies_by_name_are_those_of_the_program(arrays: Arrays) -> None:
    assert "lp-ft" in firn.policies.names() and "gradual" in dir(firn.policies)
    assert str(firn.policies.freezeout(t0=0.5, scaled=False)) == "freezeout,t0=0.5,scaled=off"
    assert "fastai" in firn.policies.fine_tune.__doc__ and "spread" in firn.policies.fine_tune.__doc__
    models = [firn.models.cnn(input=(8, 8, 1), classes=10) for _ in range(2)]
    for model, policy in zip(models, ("gradual,every=1", firn.policies.gradual(every=1)), strict=True):
        assert model.fit(*arrays, epochs=2, policy=policy).changes
    assert bits(models[0]) == bits(models[1])


def test_policies_that_are_none_are_said(cnn: firn.Model, arrays: Arrays) -> None:
    with pytest.raises(AttributeError, match="did you mean gradual"):
        firn.policies.gradul
    with pytest.raises(firn.UsageError, match="divide"):
        firn.policies.gradual(divid=2)
    with pytest.raises(firn.UsageError, match="no number"):
        firn.policies.gradual(divide="x")
    with pytest.raises(firn.UsageError, match=r"want a name, one of firn\.policies"):
        cnn.fit(*arrays, policy=3)
    before = bits(cnn)
    with pytest.raises(firn.UsageError, match="exclude each other"):
        cnn.fit(*arrays, policy=firn.Policy(), thaw={2: "all"})
    with pytest.raises(NotImplementedError, match="decide"):
        cnn.fit(*arrays, policy=firn.Policy())
    assert bits(cnn) == before


class Upwards(firn.Policy):
    """One more block from the input frozen each epoch."""

    needs = ("gradient_norm", "change")

    def start(self, run: firn.policies.Run) -> None:
        self.blocks = run.blocks
        self.seen: list[firn.policies.Moment] = []
        assert (run.epochs, run.seed) == (3, 1) and run.steps_per_epoch > 1

    def decide(self, now: firn.policies.Moment) -> dict[str, bool | float] | None:
        self.seen.append(now)
        if now.step_of_epoch:
            return None
        return {name: i >= now.epoch for i, name in enumerate(self.blocks)}


def test_a_policy_in_python(cnn: firn.Model, arrays: Arrays) -> None:
    policy = Upwards()
    history = cnn.fit(*arrays, epochs=3, batch=32, policy=policy)
    assert policy.blocks == cnn.blocks
    assert [(c.block, c.frozen) for c in history.changes] == [("conv1", True), ("conv2", True)]
    moments = policy.seen
    assert [m.step for m in moments] == list(range(len(moments))) and moments[-1].epoch == 2
    assert 0 < moments[-1].schedule_factor < 0.2 and moments[-1].epoch_loss == history.epochs[1].loss
    last = moments[-1].blocks
    assert not last["conv1"].trains and last["conv1"].gradient_norm == 0
    assert last["fc1"].trains and last["fc1"].gradient_norm > 0 and 0 < last["fc1"].change < 10
    assert moments[0].blocks["fc1"].change == float("inf")


def test_the_same_decisions_give_the_same_bits(arrays: Arrays) -> None:
    class Gradual(firn.Policy):
        def start(self, run: firn.policies.Run) -> None:
            self.blocks = run.blocks

        def decide(self, now: firn.policies.Moment) -> dict[str, bool | float]:
            count = len(self.blocks)
            return {
                name: 2.6 ** -(count - 1 - i) if i >= count - 1 - now.epoch else False
                for i, name in enumerate(self.blocks)
            }

    models = [firn.models.cnn(input=(8, 8, 1), classes=10) for _ in range(2)]
    for model, policy in zip(models, ("gradual", Gradual()), strict=True):
        model.fit(*arrays, epochs=2, policy=policy)
    for name, array in models[0].weights.items():
        np.testing.assert_allclose(models[1].weights[name], array, rtol=0, atol=1e-6)


def test_what_a_policy_raises_comes_out_and_nothing_is_kept(cnn: firn.Model, arrays: Arrays) -> None:
    class Mine(Exception):
        pass

    class Wrong(firn.Policy):
        def __init__(self, answer: object) -> None:
            self.answer = answer

        def decide(self, now: firn.policies.Moment) -> dict[str, bool | float]:
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

    with pytest.raises(Mine):
        cnn.fit(*arrays, policy=Wrong(Mine()))
    with pytest.raises(firn.UnknownNameError, match="did you mean conv1"):
        cnn.fit(*arrays, policy=Wrong({"conv11": True}))
    with pytest.raises(firn.UsageError, match="the rate -1"):
        cnn.fit(*arrays, policy=Wrong({"conv1": -1}))
    with pytest.raises(firn.UnknownNameError, match="gradient_norm"):
        policy = Wrong({})
        policy.needs = ["loss"]
        cnn.fit(*arrays, policy=policy)
    gone = weakref.ref(policy)
    del policy
    gc.collect()
    assert gone() is None


def test_a_policy_may_not_freeze_everything(cnn: firn.Model, arrays: Arrays) -> None:
    class Ice(firn.Policy):
        def decide(self, now: firn.policies.Moment) -> dict[str, bool | float]:
            return dict.fromkeys(now.blocks, False)

    with pytest.raises(firn.Error):
        cnn.fit(*arrays, policy=Ice())


def test_schedules_are_those_of_the_program(arrays: Arrays) -> None:
    pairs = [
        (firn.Constant(), "constant"), (firn.Cosine(warm_up=3), "cosine,warm-up:3"), (firn.OneCycle(), "one-cycle"),
        (firn.Steps(5, 0.5), "step:5:0.5"),
    ]  # fmt: skip
    for schedule, text in pairs:
        assert str(schedule) == text
        models = [firn.Model.from_spec("dense", input=(8, 8, 1), classes=10) for _ in range(2)]
        for model, given in zip(models, (schedule, text), strict=True):
            model.fit(*arrays, epochs=1, schedule=given)
        assert bits(models[0]) == bits(models[1])
    with pytest.raises(firn.UsageError, match="schedule"):
        models[0].fit(*arrays, schedule=firn.Steps(0))
