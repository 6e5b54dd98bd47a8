"""Forecasts, advice and studies."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import firn
import numpy as np
import pytest

Arrays = tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def test_a_step_is_priced_as_it_would_be_frozen(cnn: firn.Model) -> None:
    cnn.freeze("conv1.bias")
    outlook = cnn.forecast("conv*", batch=16, optimizer=firn.Adam())
    assert cnn.frozen() == ["conv1.bias"]
    rows = outlook.records()
    assert [row["block"] for row in rows] == cnn.blocks and [row["frozen"] for row in rows][:3] == [True, True, False]
    assert rows[0]["weight_gradient"] == 0 < rows[2]["weight_gradient"]
    assert outlook.seconds > 0 and outlook.state_bytes > 0 and outlook.bytes > outlook.arena_bytes
    assert "predicted at" in str(outlook) and "#dff1fb" in outlook._repr_html_()
    with pytest.raises(KeyError, match="did you mean conv1"):
        cnn.forecast("conv11")
    assert cnn.frozen() == ["conv1.bias"]


def test_advice_is_by_trials_on_copies(cnn: firn.Model, arrays: Arrays) -> None:
    before = {name: array.copy() for name, array in cnn.weights.items()}
    advice = cnn.advise(*arrays, epochs=2, time=20, probe_time=2)
    assert len(advice.records()) == len(cnn.blocks) and advice.chosen >= 0 and "trained" in advice.reason
    assert advice.cuts[advice.chosen].known == "trained" and "<- take" in str(advice)
    assert all(np.array_equal(before[name], array) for name, array in cnn.weights.items())
    assert cnn.fit(*arrays, epochs=1, freeze=advice.freeze).epochs
    with pytest.raises(firn.UsageError, match="validation part"):
        cnn.advise(firn.data("digits", labels=10).train)


def test_ctrl_c_ends_trials(cnn: firn.Model, arrays: Arrays) -> None:
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        cnn.advise(*arrays, epochs=100_000)
    assert len(cnn.fit(*arrays, epochs=1).epochs) == 1


def test_a_study_is_a_table_and_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    options = dict(labels=[2], freeze=[0, 1], seeds=1, steps=5, source="half", source_epochs=1, test_samples=50)
    study = firn.study(model="dense 8, relu, dense", **options, run="a")
    assert capfd.readouterr() == ("", "")
    rows = study.records()
    assert {row["freeze"] for row in rows} >= {0, 1} and all(0 <= row["accuracy_mean"] <= 1 for row in rows)
    assert {row["model"] for row in rows} == {"dense 8, relu, dense"}
    assert study.folder == Path("runs/a") and study.page.exists() and "<iframe" in study._repr_html_()
    assert "full tuning" in str(study)
    assert repr(firn.Study("runs/a")) == repr(study)
    with pytest.raises(firn.DataError, match=r"runs/c holds no study"):
        firn.Study("runs/c")
    with pytest.raises(firn.UsageError, match="want its name or path"):
        firn.study(firn.data("digits"))
    with pytest.raises(firn.UsageError, match="did you mean --seeds"):
        firn.study(seedz=3, run="b")
    with pytest.raises(firn.UsageError, match=r"^\[model\].*did you mean cnn"):
        firn.study(model="cnnn", run="b")


def test_ctrl_c_ends_a_study_which_goes_on_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = dict(model="mlp", labels=[2], freeze=[0, 1], seeds=3, source="half", source_epochs=1, test_samples=50)
    timer = threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        firn.study(**options, steps=200_000, run="long")
    assert (tmp_path / "runs" / "long" / "results.sqlite").exists()
    # Nobody holds the folder any more.
    assert firn.study(**options, steps=5, run="long", overwrite=True).records()
