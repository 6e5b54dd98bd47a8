"""What is installed: versions, licences, size, and what an import brings with it."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import firn
import pytest

ROOT = Path(__file__).parent.parent.parent


def test_one_version() -> None:
    assert importlib.metadata.version("firn-engine") == firn.__version__
    log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\d+\.\d+\.\d+)", log, re.MULTILINE)
    assert newest is not None and newest[1] == firn.__version__


def test_licences_come_along() -> None:
    names = {str(file) for file in importlib.metadata.files("firn-engine") or ()}
    for wanted in ("LICENSE", "THIRD_PARTY.txt"):
        assert any(name.endswith(f"dist-info/licenses/{wanted}") for name in names), names


def test_the_wheel() -> None:
    """The file that tools/python has built: its size, and what lies in it."""
    path = os.environ.get("FIRN_WHEEL")
    if path is None:
        pytest.skip("FIRN_WHEEL names no wheel: tools/python does")
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
    assert 1e6 < os.path.getsize(path) < 8e6
    for ending in (
        "firn/_core.pyi", "firn/py.typed", ".dist-info/licenses/LICENSE", ".dist-info/licenses/THIRD_PARTY.txt",
    ):  # fmt: skip
        assert any(name.endswith(ending) for name in names), names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"firn", "firn_engine"}
    newer = sys.version_info >= (3, 12)
    assert ("-cp312-abi3-" if newer else f"-cp3{sys.version_info.minor}-cp3{sys.version_info.minor}-") in Path(path).name


def test_an_import_brings_nothing_heavy(tmp_path: Path) -> None:
    code = "import sys, firn; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    heavy = {"sklearn", "scipy", "torch", "tqdm", "pandas", "IPython", "joblib", "sqlite3", "numpy", "subprocess"}
    assert not heavy & set(done.stdout.split())
    assert done.stderr == ""


def test_the_public_names_are_there() -> None:
    assert all(hasattr(firn, name) for name in firn.__all__) and len(set(firn.__all__)) == len(firn.__all__)
    assert set(firn.__all__) < set(dir(firn)) and "sys" not in dir(firn)
    with pytest.raises(AttributeError) as caught:
        firn.Modle
    assert caught.value.name == "Modle" and caught.value.obj is firn  # of which Python makes "Did you mean"
