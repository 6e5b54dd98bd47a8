#!/usr/bin/env python3
"""to_safetensors.py FROM TO.safetensors: the weights of a .pth or .pt of PyTorch (a state dict, or a checkpoint that
holds one), or of a .keras or .h5 model of Keras, as safetensors with PyTorch's names and layouts, which firn reads.
Of Keras: a dense layer behind a Flatten runs over H,W,C, PyTorch's over C,H,W; export such a model by tf2onnx."""

import sys

import numpy as np

KERAS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var",
         "kernel": "weight", "bias": "bias", "depthwise_kernel": "weight", "embeddings": "weight"}


def from_keras(path):
    import keras

    for layer in keras.models.load_model(path, compile=False).layers:
        numbers = {weight.name.split("/")[-1].split(":")[0]: np.asarray(weight) for weight in layer.weights}
        if "recurrent_kernel" in numbers:
            gates = [1, 0, 2] if type(layer).__name__ == "GRU" else None  # z r h, PyTorch's are r z n
            turn = lambda a: a if gates is None else np.concatenate([np.split(a, 3)[g] for g in gates])
            bias = np.atleast_2d(numbers["bias"])
            yield f"{layer.name}.weight_ih_l0", turn(numbers["kernel"].T)
            yield f"{layer.name}.weight_hh_l0", turn(numbers["recurrent_kernel"].T)
            yield f"{layer.name}.bias_ih_l0", turn(bias[0])
            yield f"{layer.name}.bias_hh_l0", turn(bias[1]) if len(bias) > 1 else np.zeros_like(bias[0])
            continue
        for name, array in numbers.items():
            if name == "depthwise_kernel":
                array = array.reshape(*array.shape[:2], 1, -1)
            if name.endswith("kernel"):  # (..., in, out) to (out, in, ...)
                array = np.moveaxis(array, (-1, -2), (0, 1))
            yield f"{layer.name}.{KERAS[name]}", array


def from_torch(path):
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model", "model_state_dict"):
        state = state[key] if isinstance(state.get(key), dict) else state
    return ((name, tensor.float().numpy()) for name, tensor in state.items() if tensor.is_floating_point())


if __name__ == "__main__":
    from safetensors.numpy import save_file

    source, target = sys.argv[1:]
    read = from_keras if source.endswith((".keras", ".h5")) else from_torch
    save_file({name: np.ascontiguousarray(array) for name, array in read(source)}, target)
