"""Data from folders and files, and arrays of other libraries."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import firn
import numpy as np
import pytest


def write_png(path: Path, grey: np.ndarray) -> None:
    """Of bytes (H, W)."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width = grey.shape
    rows = b"".join(b"\0" + row.tobytes() for row in grey)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Bright and dark pictures of 6x6, in a folder each."""
    rng = np.random.default_rng(1)
    for name, low in (("bright", 150), ("dark", 0)):
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for i in range(20):
            write_png(folder / f"{i}.png", rng.integers(low, low + 100, (6, 6), np.uint8))
    return tmp_path / "pictures"


def test_folders_of_pictures(pictures: Path) -> None:
    data = firn.data(pictures, size=6)
    assert data.kind == "image" and data.shape == (6, 6, 3) and list(data.classes) == ["bright", "dark"]
    assert len(data.train) + len(data.validation) + len(data.test) == 40
    model = firn.Model.from_spec("dense", data=data)
    model.fit(data, epochs=20, batch=8)
    assert model.score(data.test) == 1
    assert model.predict([pictures / "dark" / "3.png", pictures / "bright" / "0.png"]).tolist() == ["dark", "bright"]
    x, y = data.all.arrays()
    assert x.shape == (40, 6, 6, 3) and np.array_equal(model.predict(x), y)
    with pytest.raises(firn.DataError, match="nothing"):
        model.predict(pictures / "nothing.png")


def test_tables_of_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((80, 2))
    rows = [f"{a:.4f},{b:.4f},{3 * a - b + 5:.4f}" for a, b in x]
    (tmp_path / "t.csv").write_text("a,b,y\n" + "\n".join(rows) + "\n")
    data = firn.data(f"csv:{tmp_path / 't.csv'}", task="regression", label="y")
    assert data.kind == "vector" and data.shape == (2,) and list(data.classes) == ["y"]
    model = firn.Model.from_spec("dense", data=data)
    assert model.task == "regression" and model.metrics[0] == "r2"
    model.fit(data, epochs=60, batch=8)
    assert model.score(data.test) > 0.99
    assert np.allclose(model.predict(x[:3]), 3 * x[:3, 0] - x[:3, 1] + 5, atol=0.2)


def test_files_of_numpy(tmp_path: Path, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = arrays
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    data = firn.data(f"npy:{tmp_path / 'x.npy'}", labels_file=tmp_path / "y.npy", layout="nhwc")
    assert data.shape == (8, 8, 1) and len(data.all) == len(x)
    got, labels = data.all.arrays()
    assert np.array_equal(got, x) and np.array_equal(labels, y)


class Foreign:
    """An array of a library that numpy does not know, but for DLPack."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        self.asked = 0

    def __dlpack__(self, **options: object) -> object:
        self.asked += 1
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._array.__dlpack_device__()


def test_whatever_has_dlpack(cnn: firn.Model, arrays: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = arrays
    foreign = Foreign(x)
    cnn.fit(foreign, y, epochs=1)
    assert foreign.asked == 1
    assert np.array_equal(cnn.logits(Foreign(x)), cnn.logits(x))
    weights = {name: Foreign(array.copy()) for name, array in cnn.weights.items()}
    cnn.load_weights(weights)
