"""Small files of other programs, byte by byte."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path


def _sizes(*sizes: int) -> list[dict[str, int]]:
    return [{"as_int": size} for size in sizes]


def _tensor(path: str, sizes: list[int], strides: list[int], trains: bool) -> dict[str, object]:
    meta = {
        "dtype": 7, "sizes": _sizes(*sizes), "strides": _sizes(*strides), "storage_offset": {"as_int": 0},
        "layout": 7, "requires_grad": trains,
    }  # fmt: skip
    return {"path_name": path, "is_param": True, "use_pickle": False, "tensor_meta": meta}


def _node(target: str, inputs: dict[str, object], output: str) -> dict[str, object]:
    return {
        "target": f"torch.ops.aten.{target}", "inputs": [{"name": n, "arg": a} for n, a in inputs.items()],
        "outputs": [{"as_tensor": {"name": output}}], "metadata": {},
    }  # fmt: skip


def write_pt2(path: Path) -> None:
    """A convolution 1 to 2 channels of 1x1 on 2x2 images, ReLU, a mean over the image: weights 1 and -1, frozen,
    biases 0 and 3."""

    def tensor(name: str) -> dict[str, object]:
        return {"as_tensor": {"name": name}}

    nodes = [
        _node("conv2d.default", {"input": tensor("x"), "weight": tensor("w"), "bias": tensor("b")}, "conv"),
        _node("relu_.default", {"self": tensor("conv")}, "relu"),
        _node("mean.dim", {"self": tensor("relu"), "dim": {"as_ints": [2, 3]}}, "mean"),
    ]
    inputs = [
        {"parameter": {"arg": {"name": "w"}, "parameter_name": "net.conv.weight"}},
        {"parameter": {"arg": {"name": "b"}, "parameter_name": "net.conv.bias"}},
        {"user_input": {"arg": tensor("x")}},
    ]
    graph = {"inputs": [], "outputs": [], "nodes": nodes, "tensor_values": {"x": {"dtype": 7, "sizes": _sizes(2, 1, 2, 2)}}}
    model = {
        "graph_module": {
            "graph": graph,
            "signature": {"input_specs": inputs, "output_specs": [{"user_output": {"arg": tensor("mean")}}]},
        },
        "schema_version": {"major": 8, "minor": 20},
    }
    weights = {
        "config": {
            "net.conv.weight": _tensor("weight_0", [2, 1, 1, 1], [1, 1, 1, 1], False),
            "net.conv.bias": _tensor("weight_1", [2], [1], True),
        }
    }
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("m/data/weights/weight_0", struct.pack("<2f", 1, -1))
        file.writestr("m/data/weights/weight_1", struct.pack("<2f", 0, 3))
        file.writestr("m/data/weights/model_weights_config.json", json.dumps(weights))
        file.writestr("m/models/model.json", json.dumps(model))
        for name, text in (("archive_format", "pt2"), ("archive_version", "0"), ("byteorder", "little")):
            file.writestr(f"m/{name}", text)


def _varint(value: int) -> bytes:
    out = b""
    while value >= 128:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _whole(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _counted(field: int, body: bytes | str) -> bytes:
    raw = body.encode() if isinstance(body, str) else body
    return _varint(field << 3 | 2) + _varint(len(raw)) + raw


def write_onnx(path: Path) -> None:
    """x (N, open) times (3, 2), weights 1 to 6, plus 10 and 20."""

    def numbers(name: str, sizes: list[int], *values: float) -> bytes:
        shape = b"".join(_whole(1, size) for size in sizes)
        return _counted(5, shape + _whole(2, 1) + _counted(9, struct.pack(f"<{len(values)}f", *values)) + _counted(8, name))

    def value(field: int, name: str, sizes: list[int | str]) -> bytes:
        shape = b"".join(_counted(1, _counted(2, s) if isinstance(s, str) else _whole(1, s)) for s in sizes)
        return _counted(field, _counted(1, name) + _counted(2, _counted(1, _whole(1, 1) + _counted(2, shape))))

    def node(kind: str, a: str, b: str, out: str) -> bytes:
        return _counted(1, _counted(1, a) + _counted(1, b) + _counted(2, out) + _counted(3, f"/head/{kind}") + _counted(4, kind))

    graph = node("MatMul", "x", "w", "p") + node("Add", "p", "b", "y")
    graph += numbers("w", [3, 2], 1, 2, 3, 4, 5, 6) + numbers("b", [2], 10, 20)
    graph += value(11, "x", ["n", "open"]) + value(12, "y", ["n", 2])
    path.write_bytes(_whole(1, 8) + _counted(2, "test") + _counted(7, graph) + _counted(8, _counted(1, "") + _whole(2, 17)))
