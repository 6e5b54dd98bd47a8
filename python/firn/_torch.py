"""Modules of PyTorch on their way in and out. PyTorch is imported when it is used, not before."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import ShapeError, UnknownNameError, UsageError


def _torch() -> Any:
    try:
        import torch  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise UsageError("[torch] PyTorch is not installed: pip install torch") from None
    return torch


Floats = npt.NDArray[np.float32]


def exported(module: Any, example: Any) -> tuple[npt.NDArray[np.uint8], list[tuple[str, Floats]]]:
    """What ``torch.export.save`` writes of a module in its evaluating mode, in memory, and its weights where they lie:
    views of all that are float32 and contiguous, which the former then does not hold. The module stays as it is."""
    torch = _torch()
    if not isinstance(module, torch.nn.Module):
        raise UsageError(f"[torch] from_torch takes an nn.Module, not {type(module).__name__}")
    inputs = example if isinstance(example, tuple) else (example,)
    inputs = tuple(torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in inputs)
    if not all(isinstance(x, torch.Tensor) for x in inputs):
        raise UsageError("[torch] example: want a batch of samples as a tensor, as the module takes it")
    modes = [(part, part.training) for part in module.modules()]
    file = io.BytesIO()
    try:
        module.eval()
        program = torch.export.export(module, inputs)
        weights = _taken(torch, program.state_dict)
        torch.export.save(program, file)
    finally:
        for part, training in modes:
            part.training = training
    return np.frombuffer(file.getbuffer(), np.uint8), weights


def _taken(torch: Any, tensors: dict[str, Any]) -> list[tuple[str, Floats]]:
    """Views of tensors, in whose place one number is left."""
    taken = []
    for name, tensor in tensors.items():
        plain = tensor.dtype == torch.float32 and tensor.layout == torch.strided and tensor.device.type == "cpu"
        if not plain or tensor.ndim == 0 or tensor.numel() == 0 or not tensor.is_contiguous():
            continue
        taken.append((name, tensor.detach().numpy()))
        left = torch.zeros(1)
        if isinstance(tensor, torch.nn.Parameter):
            left = torch.nn.Parameter(left, requires_grad=tensor.requires_grad)
        tensors[name] = left
    return taken


def put_weights(weights: Mapping[str, Any], module: Any, name: str) -> None:
    """Copies weights into a module's own tensors, by name. Nothing is changed unless all of them fit."""
    torch = _torch()
    if not isinstance(module, torch.nn.Module):
        raise UsageError(f"[torch] to_torch takes an nn.Module, not {type(module).__name__}")
    state = module.state_dict()
    left = [n for n, _ in module.named_parameters() if n not in weights]
    unknown = [n for n in weights if n not in state]
    if unknown or left:
        said = [f"{name} has {', '.join(unknown[:5])}, which the module has not"] if unknown else []
        said += [f"the module has {', '.join(left[:5])}, which {name} has not"] if left else []
        raise UnknownNameError(f"[torch] {'; '.join(said)}")
    for n, array in weights.items():
        if tuple(state[n].shape) != array.shape:
            raise ShapeError(f"[torch] {n} is {array.shape} in {name} and {tuple(state[n].shape)} in the module")
    with torch.no_grad():
        for n, array in weights.items():
            state[n].copy_(torch.from_numpy(array.copy()))
