"""tools/to_safetensors.py, on what PyTorch and Keras have written; skipped where they are not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import firn
import numpy as np
import pytest

TOOL = Path(__file__).parent.parent.parent / "tools" / "to_safetensors.py"


def converted(source: Path) -> Path:
    target = source.with_suffix(".safetensors")
    done = subprocess.run([sys.executable, str(TOOL), str(source), str(target)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


def test_a_pth_of_torchvision(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torchvision = pytest.importorskip("torchvision")
    pytest.importorskip("safetensors")
    torch.manual_seed(1)
    module = torchvision.models.mobilenet_v3_small(num_classes=4).eval()
    torch.save({"epoch": 3, "state_dict": module.state_dict()}, tmp_path / "net.pth")
    model = firn.load(converted(tmp_path / "net.pth"))
    assert model.name == "mobilenet_v3_small" and model.input == (224, 224, 3)
    x = np.random.default_rng(1).random((2, 224, 224, 3), np.float32)
    mean, deviation = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    with torch.no_grad():
        theirs = module(torch.from_numpy(((x - mean) / deviation).transpose(0, 3, 1, 2))).numpy()
    assert np.abs(model.logits(x) - theirs).max() < 1e-4


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> object:
    pytest.importorskip("safetensors")
    monkeypatch.setitem(os.environ, "KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "torch"))
    pytest.importorskip("torch")
    return pytest.importorskip("keras")


def check(keras: object, folder: Path, layers: list, text: str, x: np.ndarray, **how: object) -> None:
    """A model of Keras with numbers of all kinds, and firn's of the same layers, have the same answers."""
    rng = np.random.default_rng(2)
    module = keras.Sequential([keras.layers.Input(x.shape[1:], dtype=str(x.dtype)), *layers])
    for weight in module.weights:
        if "seed" not in weight.path:
            numbers = rng.normal(size=weight.shape) * 0.3
            weight.assign(np.abs(numbers) + 0.5 if "variance" in weight.path else numbers)
    module.save(folder / "net.keras")
    model = firn.Model.from_spec(text, input=x.shape[1:], classes=3, **how)
    model.load_weights(_read(converted(folder / "net.keras")))
    theirs = keras.ops.convert_to_numpy(module(x))
    ours = model.logits(x, lengths=np.full(len(x), x.shape[1]) if "vocabulary" in how else None)
    assert np.abs(ours - theirs).max() < 1e-4


def _read(path: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(path)


def test_images_of_keras(keras: object, tmp_path: Path) -> None:
    la = keras.layers
    layers = [
        la.Conv2D(6, 3, padding="same", name="a"), la.BatchNormalization(name="n", scale=False), la.ReLU(),
        la.DepthwiseConv2D(3, padding="same", name="b"), la.PReLU(shared_axes=[1, 2], name="p"),
        la.SeparableConv2D(8, 3, padding="same", name="c"), la.MaxPooling2D(2), la.Flatten(), la.Dropout(0.5),
        la.Dense(5, activation="relu", name="d"), la.Dense(3, name="e"),
    ]  # fmt: skip
    text = (
        "a: conv 6 3x3, n: norm epsilon 0.001, relu, b: conv in 3x3 groups in, p: prelu, "
        "c.depthwise: conv in 3x3 groups in no_bias, c.pointwise: conv 8 1x1, pool 2, flatten, dropout 0.5, "
        "d: dense 5, relu, e: dense"
    )
    check(keras, tmp_path, layers, text, np.random.default_rng(1).random((3, 8, 10, 2), np.float32))


def test_sequences_of_keras(keras: object, tmp_path: Path) -> None:
    la = keras.layers
    x = np.random.default_rng(1).standard_normal((4, 7, 5), np.float32)
    layers = [la.LSTM(8, return_sequences=True, name="a"), la.GRU(6, name="b"), la.Dense(3, name="c")]
    check(keras, tmp_path, layers, "a: lstm 8, b: gru 6, last, c: dense", x)
    layers = [la.Bidirectional(la.GRU(4, return_sequences=True), name="a"), la.GlobalMaxPooling1D(), la.Dense(3, name="c")]
    check(keras, tmp_path, layers, "a: gru 4 bidirectional, max over 1, c: dense", x)
    layers = [la.Conv1D(4, 3, padding="same", name="a"), la.SimpleRNN(5, name="b"), la.Dense(3, name="c")]
    check(keras, tmp_path, layers, "a: conv 4 3, b: rnn 5, last, c: dense", x)


def test_tokens_of_keras(keras: object, tmp_path: Path) -> None:
    la = keras.layers
    x = np.random.default_rng(1).integers(1, 30, (4, 9)).astype(np.int32)
    layers = [la.Embedding(30, 8, name="a"), la.LSTM(6, name="b"), la.Dense(3, name="c")]
    check(keras, tmp_path, layers, "a: embedding 8, b: lstm 6, last, c: dense", x, vocabulary=30)


def test_what_it_does_not_know_is_a_sentence(keras: object, tmp_path: Path) -> None:
    la = keras.layers
    for layer, words in (
        (la.GRU(3, reset_after=False, name="g"), "g: a GRU with reset_after=False"),
        (la.MultiHeadAttention(2, 4, name="m"), "bring the model as ONNX"),
    ):
        x = la.Input((7, 5))
        keras.Model(x, layer(x, x) if layer.name == "m" else layer(x)).save(tmp_path / "net.keras")
        done = subprocess.run(
            [sys.executable, str(TOOL), str(tmp_path / "net.keras"), str(tmp_path / "t")], capture_output=True, text=True
        )
        assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr
