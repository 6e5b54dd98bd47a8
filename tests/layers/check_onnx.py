"""check_onnx.py FOLDER: every NAME.onnx there is valid by onnx's own checker, and onnxruntime computes from NAME.x.npy
(and NAME.lengths.npy) what NAME.logits.npy says, also of one sample alone: the batch is open."""

import pathlib
import sys

import numpy
import onnx
import onnxruntime


def check(path: pathlib.Path) -> float:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    base = path.parent / path.name.replace(".folded", "").removesuffix(".onnx")
    feeds = {"x": numpy.load(f"{base}.x.npy")}
    if pathlib.Path(f"{base}.lengths.npy").exists():
        feeds["lengths"] = numpy.load(f"{base}.lengths.npy")
    feeds = {name: array.astype(numpy.int64) if array.dtype.kind == "i" else array for name, array in feeds.items()}
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = numpy.load(f"{base}.logits.npy")
    one = {name: array[:1] for name, array in feeds.items()}
    got = session.run(["logits"], feeds)[0]
    assert got.shape == wanted.shape, (got.shape, wanted.shape)
    scale = max(1.0, float(numpy.abs(wanted).max()))
    return max(float(numpy.abs(got - wanted).max()), float(numpy.abs(session.run(["logits"], one)[0] - wanted[:1]).max())) / scale


def main() -> int:
    wrong = 0
    files = sorted(pathlib.Path(sys.argv[1]).glob("*.onnx"))
    for path in files:
        # Where the norms are folded other products are rounded.
        bound = 1e-4 if path.name.endswith(".folded.onnx") else 1e-5
        try:
            off = check(path)
        except Exception as error:  # each file is looked at, whatever is wrong with one
            wrong += 1
            print(f"{path.name}: {type(error).__name__}: {error}")
            continue
        print(f"{path.name}: {off:.1e}" + ("" if off <= bound else f", more than {bound:.0e}"))
        wrong += not off <= bound
    print(f"{len(files) - wrong} passed, {wrong} failed")
    return 0 if files and wrong == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
