"""Modules of PyTorch in and out; skipped where it is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import firn
import numpy as np
import pytest

torch = pytest.importorskip("torch")
nn = torch.nn


def small() -> object:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Dropout(0.5), nn.Linear(8, 4),
    )  # fmt: skip


X = np.random.default_rng(1).standard_normal((24, 3, 10, 10), np.float32)
Y = np.arange(24) % 4


def difference(module: object, model: firn.Model) -> float:
    with torch.no_grad():
        theirs = module.eval()(torch.from_numpy(X)).numpy()
    return float(np.abs(theirs - model.logits(X, layout="nchw")).max())


def test_a_module_in_and_out() -> None:
    module = small()
    for p in module[0].parameters():
        p.requires_grad = False
    module.train()
    module[1].eval()
    model = firn.Model.from_torch(module, torch.zeros(2, 3, 10, 10))
    assert module.training and module[6].training and not module[1].training
    assert model.frozen() == ["0.weight"]
    assert difference(module, model) < 1e-5
    before = module[0].weight.clone()
    model.fit(X, Y, layout="nchw", epochs=3, optimizer=firn.SGD(0.1))
    assert difference(module, model) > 1e-2
    assert model.to_torch(module) is module
    assert difference(module, model) < 1e-5
    assert torch.equal(before, module[0].weight)


def test_weights_are_read_where_they_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    module = small()
    module[6].weight = nn.Parameter(module[6].weight.detach().repeat(1, 2)[:, ::2], requires_grad=False)
    of_program, seen = firn._core.Learner.of_program, []

    class Learner:
        @staticmethod
        def of_program(program: np.ndarray, name: str, weights: list) -> object:
            seen.append((program.nbytes, dict(weights)))
            return of_program(program, name, weights)

    monkeypatch.setattr(firn._core, "Learner", Learner)
    model = firn.Model.from_torch(module, X[:1])
    (_, taken), state = seen[0], module.state_dict()
    for name, array in taken.items():
        assert np.shares_memory(array, state[name].numpy()) and array.shape == state[name].shape
    # What is in another order, a number or counted is in the program, and copied.
    assert set(state) - set(taken) == {"6.weight", "1.num_batches_tracked"}
    assert model.frozen() == ["6.weight"] and difference(module, model) < 1e-5
    assert all(p.requires_grad for p in (module[0].weight, module[6].bias)) and module[0].weight.is_contiguous()

    seen.clear()
    wide = nn.Sequential(nn.Linear(1000, 1000, bias=False), nn.ReLU(), nn.Linear(1000, 4))
    firn.Model.from_torch(wide, torch.zeros(1, 1000))
    assert seen[0][0] < 100_000  # of 4 MB


def test_example_arrays_and_tensors_of_samples() -> None:
    model = firn.Model.from_torch(small(), X[:1], classes=list("abcd"))
    assert set(model.predict(torch.from_numpy(X), layout="nchw")) <= set("abcd")


def test_what_does_not_fit_is_said() -> None:
    model = firn.Model.from_torch(small(), X[:2])
    with pytest.raises(firn.UsageError, match="takes an nn.Module, not list"):
        firn.Model.from_torch([], X)
    with pytest.raises(firn.UsageError, match="want a batch of samples"):
        firn.Model.from_torch(small(), "x")
    model.new_head(2)
    module = small()
    before = module[0].weight.clone()
    with pytest.raises(firn.ShapeError, match=r"6\.weight is \(2, 8\) in Sequential and \(4, 8\) in the module"):
        model.to_torch(module)
    with pytest.raises(firn.UnknownNameError, match="which the module has not"):
        model.to_torch(nn.Linear(3, 3))
    with pytest.raises(firn.ModelFileError, match="aten"):
        firn.Model.from_torch(nn.Sequential(nn.Conv2d(3, 8, 3), nn.LogSigmoid(), nn.Flatten()), X[:1])
    assert torch.equal(before, module[0].weight)


def test_ten_lines(tmp_path: Path) -> None:
    pytest.importorskip("torchvision")
    example = Path(__file__).parent.parent / "examples" / "torch" / "from_pytorch.py"
    done = subprocess.run([sys.executable, str(example)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    before, after = (float(line.split()[-1]) for line in done.stdout.splitlines()[-2:])
    assert before < 1e-4 and after < 1e-4
