"""Ctrl-C, callbacks, threads, forks and streams."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import firn
import numpy as np
import pytest

Arrays = tuple[np.ndarray, np.ndarray]


def test_ctrl_c_ends_a_fit_with_the_model_whole_and_saved(cnn: firn.Model, arrays: Arrays, tmp_path: Path) -> None:
    timer = threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        cnn.fit(*arrays, epochs=3000, save=tmp_path / "w.safetensors")
    assert time.monotonic() - begin < 10
    logits = cnn.logits(arrays[0])
    assert np.isfinite(logits).all() and np.array_equal(firn.load(tmp_path / "w.safetensors").logits(arrays[0]), logits)
    assert len(cnn.fit(*arrays, epochs=1).epochs) == 1


def test_other_threads_run_meanwhile(cnn: firn.Model, arrays: Arrays) -> None:
    counted = 0
    over = threading.Event()

    def count() -> None:
        nonlocal counted
        while not over.is_set():
            counted += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    cnn.fit(*arrays, epochs=20)
    over.set()
    thread.join()
    assert counted > 10


def test_what_a_callback_raises_comes_out_as_itself(cnn: firn.Model, arrays: Arrays) -> None:
    class Mine(Exception):
        pass

    class Raise(firn.Callback):
        def __init__(self, where: str) -> None:
            self.where = where

        def on_epoch_begin(self, model: firn.Model, epoch: int) -> None:
            if self.where == "begin":
                raise Mine(epoch)

        def on_step_end(self, model: firn.Model, step: firn.Step) -> None:
            if self.where == "step" and step.step == 2:
                raise Mine(step)

        def on_epoch_end(self, model: firn.Model, record: firn.Epoch) -> None:
            if self.where == "end":
                raise Mine(record.loss)

    for where in ("begin", "step", "end"):
        with pytest.raises(Mine):
            cnn.fit(*arrays, callbacks=[Raise(where)])
    assert len(cnn.fit(*arrays, epochs=1).epochs) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"callbacks": [print]}, "has none of on_epoch_begin"),
        ({"callbacks": firn.Callback()}, "want a list of them"),
        ({"callbacks": [firn.Callback]}, r"Callback is a class: Callback\(\) is one"),
        ({"epochs": "3"}, r"^\[fit\] epochs '3' is str, want a whole number"),
        ({"epochs": 2.0}, r"^\[fit\] epochs 2.0 is float, want a whole number"),
        ({"rate": "0.1"}, r"^\[fit\] rate '0.1' is str, want a number"),
        ({"cache": 3}, r"^\[fit\] cache 3 is int, want str"),
        ({"thaw": "conv1"}, r"want \{epoch: what\}"),
        ({"freeze": 1.5}, r"^\[freeze\] 1.5: want a name"),
    ],
)
def test_arguments_of_another_type_are_said(cnn: firn.Model, arrays: Arrays, options: dict, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        cnn.fit(*arrays, **options)


def test_threads_that_share_a_model_take_turns(arrays: Arrays) -> None:
    """Each gets what it would alone, whatever the others ask meanwhile."""
    x = arrays[0]
    model = firn.Model.from_spec("conv 8 3x3, relu, pool 2, dense", input=(8, 8, 1), classes=10)
    parts = [x[: 10 + 9 * i] for i in range(8)]
    want = [model.logits(part) for part in parts]
    wrong = []

    def ask(i: int) -> None:
        for _ in range(150):
            if not np.array_equal(model.logits(parts[i]), want[i]):
                wrong.append(i)

    def fit() -> None:
        other.fit(*arrays, epochs=30, callbacks=[Look()])

    class Look(firn.Callback):
        def on_epoch_end(self, model: firn.Model, record: firn.Epoch) -> None:
            model.logits(x)  # within its turn

    other = firn.models.cnn(input=(8, 8, 1), classes=10)
    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(parts))]
    threads += [threading.Thread(target=fit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        assert "0 of 8 tensors frozen" in repr(other)
        other.summary("conv1")
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert not wrong
    alone = firn.models.cnn(input=(8, 8, 1), classes=10)
    for _ in range(2):
        alone.fit(*arrays, epochs=30)
    assert np.array_equal(alone.logits(x), other.logits(x))


def test_true_ends_a_fit(cnn: firn.Model, arrays: Arrays) -> None:
    seen = []

    class Stop(firn.Callback):
        def on_step_end(self, model: firn.Model, step: firn.Step) -> bool:
            seen.append((step.step, step.steps, step.loss))
            return len(seen) == 2

    history = cnn.fit(*arrays, epochs=4, callbacks=[Stop()])
    assert history.interrupted and len(seen) == 2 and seen[0][0] == 1


def test_nothing_is_printed_unless_it_is_asked_for(
    cnn: firn.Model, arrays: Arrays, capfd: pytest.CaptureFixture[str]
) -> None:
    cnn.fit(*arrays, epochs=1)
    assert capfd.readouterr() == ("", "")
    cnn.fit(*arrays, epochs=2, verbose=True)
    assert capfd.readouterr().out.count("epoch ") == 2


def test_all_that_is_said_goes_through_python_s_streams(
    arrays: Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        model = firn.Model.from_spec("conv 4 3x3, relu, dense", input=(8, 8, 1), classes=10)
        model.fit(*arrays, epochs=2, verbose=True, policy="gradual", save="w.safetensors")
        model.forecast("conv*", batch=16), model.explain(), model.summary()
        model.advise(*arrays, epochs=1, probe_time=1)
        firn.load("w.safetensors").to_onnx("w.onnx")
        firn.study("digits", freeze=[0, 1], labels=5, seeds=1, steps=5, model="cnn", source_epochs=1, verbose=True)
    assert capfd.readouterr() == ("", "")
    assert out.getvalue().startswith("epoch 1  loss ") and out.getvalue().count("\n") > 3


def test_progress_is_a_bar_where_tqdm_is(
    cnn: firn.Model, arrays: Arrays, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tqdm")
    cnn.fit(*arrays, epochs=1, verbose=True)
    shown = capsys.readouterr()
    assert "epoch 1" in shown.err and "step" in shown.err and shown.out.startswith("epoch 1  loss ")
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    cnn.fit(*arrays, epochs=1, callbacks=[firn.Progress()])
    shown = capsys.readouterr()
    assert shown.err == "" and shown.out.startswith("epoch 1  loss ")


def test_ctrl_c_is_heard_within_50_ms_of_a_step(cnn: firn.Model, arrays: Arrays) -> None:
    def due(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, due)
    late = []
    try:
        for _ in range(5):
            begin = time.monotonic()
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):
                cnn.fit(*arrays, batch=8, epochs=200)
            late.append(time.monotonic() - begin - 0.1)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert min(late) < 0.05  # the machine may have others to do: of some the best


def test_faults_have_the_text_of_the_program(cnn: firn.Model, arrays: Arrays, tmp_path: Path) -> None:
    def program(*words: str) -> str:
        command = [sys.executable, "-m", "firn", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stderr.strip().splitlines()[-1]

    for call, words in (
        (lambda: firn.data("digts"), ["data", "digts"]),
        (lambda: cnn.fit(*arrays, schedule="cosin"), ["train", "--model", "cnn", "--data", "digits", "--schedule", "cosin"]),
        (lambda: firn.load("none.safetensors"), ["inspect", "--weights", "none.safetensors"]),
        (lambda: firn.models.cnn(input=(3,), classes=2), None),
    ):
        with pytest.raises(firn.Error) as caught:
            call()
        assert str(caught.value).startswith("[") and "\n" not in str(caught.value)
        assert words is None or program(*words) == f"firn: {caught.value}"


def _child(x: np.ndarray, y: np.ndarray, answers: multiprocessing.Queue) -> None:
    model = firn.models.cnn(input=(8, 8, 1), classes=10)
    model.fit(x, y, epochs=1)
    answers.put(model.logits(x).tobytes())


def test_a_fork_after_a_fit_neither_hangs_nor_differs(cnn: firn.Model, arrays: Arrays) -> None:
    firn.set_threads(2)
    cnn.fit(*arrays, epochs=1)
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    children = [context.Process(target=_child, args=(*arrays, answers), daemon=True) for _ in range(2)]
    for child in children:
        child.start()
    got = [answers.get(timeout=60) for _ in children]
    for child in children:
        child.join(20)
        assert child.exitcode == 0
    assert got == [cnn.logits(arrays[0]).tobytes()] * 2


def test_threads_are_what_was_said(tmp_path: Path) -> None:
    code = "import firn; print(firn.threads())"
    environment = {**os.environ, "OMP_NUM_THREADS": "3"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True).stdout == "3\n"
    with pytest.raises(ValueError):
        firn.set_threads(0)


def test_threadpoolctl_counts_and_limits_them() -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl")
    firn.set_threads(2)
    with threadpoolctl.threadpool_limits(1):
        assert firn.threads() == 1
    assert firn.threads() == 2
    with threadpoolctl.threadpool_limits({"firn": 1}):
        assert firn.threads() == 1
    mine = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "firn"]
    assert len(mine) == 1 and mine[0]["num_threads"] == 2 and mine[0]["version"] == firn.__version__


def test_the_program_comes_along(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "firn", "trian"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and "did you mean train" in done.stderr and done.stderr.count("\n") == 1
    done = subprocess.run([sys.executable, "-m", "firn", "--version"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.startswith(f"firn {firn.__version__}")


_EVERYTHING = """
import firn, numpy as np
from firn import ops
firn._core.set_leak_warnings(True)

class Once(firn.Policy):
    def decide(self, now):
        if now.step == 3:
            raise ZeroDivisionError
        return dict.fromkeys(now.blocks, True)

class Seen(firn.Callback):
    def on_step_end(self, model, step):
        self.model = model

def main():
    x, y = firn.data("digits", labels=5).train.arrays()
    model = firn.Model.from_spec("dense 8, relu, dense", input=(8, 8, 1), classes=10)
    model.fit(x, y, epochs=2, callbacks=[Seen()], validation="split")
    for wrong in (lambda: model.fit(x, y, batch=5, policy=Once()), lambda: model.freeze("x"), lambda: firn.load("none")):
        try:
            wrong()
        except (ZeroDivisionError, firn.Error):
            pass
        else:
            raise AssertionError
    model.predict(x), model.features(x, model.blocks[0]), dict(model.weights), model.summary()
    g = firn.Graph()
    w = firn.Parameter("w", np.ones((2, 1)))
    step = g.training(ops.mean(ops.dense(g.feed("x", (3, 2)), g.parameter(w))))
    step.run(x=np.ones((3, 2))), step.gradients, step["loss"], w.value

main()
"""


def test_nothing_leaks(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _EVERYTHING], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
