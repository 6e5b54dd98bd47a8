"""The same data, options and seed give the bytes that the program writes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import firn
import numpy as np
import pytest


def program(folder: Path, *words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "firn", *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_fit_of_named_data(tmp_path: Path) -> None:
    program(tmp_path, "train", "--model", "cnn", "--data", "digits", "--epochs", "2", "--seed", "5", "--run", "a")
    data = firn.data("digits", seed=5)
    model = firn.models.cnn(data=data, seed=5)
    model.fit(data, epochs=2, seed=5)
    model.save(tmp_path / "w.safetensors")
    assert sha256(tmp_path / "w.safetensors") == sha256(tmp_path / "runs/a/last.safetensors")


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_options_and_threads(tmp_path: Path, threads: int) -> None:
    program(
        tmp_path, "train", "--model", "conv 8 3x3, relu, pool 2, dense", "--data", "digits", "--labels", "20",
        "--epochs", "3", "--seed", "2", "--run", "a", "--optimizer", "adam", "--rate", "0.01", "--freeze", "conv1.bias",
        "--thaw", "3:all", "--batch", "32", "--clip", "0.5",
    )  # fmt: skip
    data = firn.data("digits", labels=20, seed=2)
    model = firn.Model.from_spec("conv 8 3x3, relu, pool 2, dense", data=data, seed=2)
    before = firn.threads()
    firn.set_threads(threads)
    try:
        model.fit(
            data, epochs=3, seed=2, optimizer=firn.Adam(0.01), freeze="conv1.bias", thaw={3: "all"}, batch=32,
            clip=0.5, restore_best=True,
        )  # fmt: skip
    finally:
        firn.set_threads(before)
    model.save(tmp_path / "w.safetensors")
    assert sha256(tmp_path / "w.safetensors") == sha256(tmp_path / "runs/a/best.safetensors")


def test_arrays_are_the_files_that_hold_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(120, 5)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0)
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    program(tmp_path, "train", "--model", "dense 8, relu, dense", "--data", "npy:.", "--epochs", "4", "--run", "a")
    parts = firn.data(f"npy:{tmp_path}")
    ax, ay = parts.train.arrays()
    model = firn.Model.from_spec("dense 8, relu, dense", input=(5,), classes=3)
    model.fit(ax, ay, epochs=4, validation=parts.validation.arrays())
    trained = firn.load(tmp_path / "runs/a/last.safetensors")
    for name, values in trained.weights.items():
        assert np.array_equal(values, model.weights[name]), name
    test = parts.test.arrays()[0]
    assert np.array_equal(trained.logits(test), model.logits(test))
