"""Networks of other programs, from files and from PyTorch's modules."""

from __future__ import annotations

import pickle
from pathlib import Path

import firn
import numpy as np
import pytest
from foreign import write_onnx, write_pt2

IMAGE = np.array([1, -2, 3, 6], np.float32).reshape(1, 1, 2, 2)


@pytest.fixture
def pt2(tmp_path: Path) -> Path:
    path = tmp_path / "net.pt2"
    write_pt2(path)
    return path


def test_a_pt2_answers_and_says_what_is_frozen(pt2: Path) -> None:
    for model in (firn.Model.from_pt2(pt2), firn.load(pt2), pickle.loads(pickle.dumps(firn.Model.from_pt2(pt2)))):
        assert model.name == "net" and model.input == (2, 2, 1)
        assert model.logits(IMAGE, layout="nchw").tolist() == [[2.5, 1.75]]
        assert model.frozen() == ["net.conv.weight"]
    assert "1 of the 2 tensors" in firn.Model.from_pt2(pt2).notes[-1]


def test_classes_have_names(pt2: Path) -> None:
    model = firn.Model.from_pt2(pt2, classes=["ice", "snow"])
    assert model.predict(IMAGE, layout="nchw").tolist() == ["ice"]
    model.fit(IMAGE.repeat(4, 0), ["snow", "ice"] * 2, layout="nchw", epochs=1)
    assert model.weights["net.conv.weight"].ravel().tolist() == [1, -1]
    assert model.weights["net.conv.bias"].tolist() != [0, 3]
    with pytest.raises(firn.UsageError, match="3 classes, net answers in 2"):
        firn.Model.from_pt2(pt2, classes=["a", "b", "c"])


def test_an_onnx_file_with_open_sizes(tmp_path: Path) -> None:
    write_onnx(tmp_path / "net.onnx")
    model = firn.Model.from_onnx(tmp_path / "net.onnx", input=(3,))
    assert model.logits(np.array([[1, 0, 2]], np.float32)).tolist() == [[21, 34]]
    assert list(model.weights) == ["head.weight", "head.bias"]
    with pytest.raises(firn.UsageError, match="want the shape of one sample"):
        firn.Model.from_onnx(tmp_path / "net.onnx", input=3)


def test_an_onnx_file_of_a_model_is_that_model_again(
    cnn: firn.Model, arrays: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    cnn.fit(*arrays, epochs=1)
    cnn.to_onnx(tmp_path / "cnn.onnx")
    for again in (firn.load(tmp_path / "cnn.onnx"), firn.Model.from_onnx(tmp_path / "cnn.onnx")):
        assert np.array_equal(again.predict_proba(arrays[0]), cnn.predict_proba(arrays[0]))
        assert list(again.classes_) == list(cnn.classes_) and again.frozen() == []
    norms = firn.models.bncnn(input=(8, 8, 1), classes=10)
    norms.to_onnx(tmp_path / "folded.onnx", fold=True)
    folded = firn.Model.from_onnx(tmp_path / "folded.onnx")
    assert len(folded.weights) < len(norms.weights)
    assert np.allclose(folded.logits(arrays[0]), norms.logits(arrays[0]), atol=1e-4)


def test_what_is_no_network_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.pt2").write_bytes(b"no zip")
    for make in (firn.Model.from_pt2, firn.Model.from_onnx):
        with pytest.raises(firn.ModelFileError, match="neither an exported program"):
            make(tmp_path / "x.pt2")
        with pytest.raises(firn.Error, match=r"missing\.pt2"):
            make(tmp_path / "missing.pt2")


def test_without_pytorch_it_is_said(cnn: firn.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(firn.UsageError, match="pip install torch"):
        firn.Model.from_torch(object(), IMAGE)
    with pytest.raises(firn.UsageError, match="pip install torch"):
        cnn.to_torch(object())
