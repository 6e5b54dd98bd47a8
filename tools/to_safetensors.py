#!/usr/bin/env python3
"""to_safetensors.py FROM TO.safetensors: the weights of a .pth or .pt of PyTorch (a state dict, or a checkpoint that
holds one), or of a .keras or .h5 model of Keras, as safetensors with PyTorch's names and layouts, which firn reads."""

import sys

import numpy as np

NAMES = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var",
         "kernel": "weight", "bias": "bias", "embeddings": "weight"}


def turned(kernel):
    """(..., in, out) to (out, in, ...)"""
    return np.moveaxis(kernel, (-1, -2), (0, 1))


def depthwise(kernel):
    """(height, width, channels, multiplier) to (channels * multiplier, 1, height, width)"""
    return np.moveaxis(kernel.reshape(*kernel.shape[:2], 1, -1), (-1, -2), (0, 1))


def recurrent(kind, name, numbers, ending=""):
    bias = np.atleast_2d(numbers.get("bias", np.zeros(numbers["kernel"].shape[1], np.float32)))
    if kind == "GRU" and len(bias) < 2:
        sys.exit(f"{name}: a GRU with reset_after=False, PyTorch's and firn's have True")
    order = [1, 0, 2] if kind == "GRU" else range(bias.shape[1] // numbers["recurrent_kernel"].shape[0])
    for part, array in (("weight_ih", numbers["kernel"].T), ("weight_hh", numbers["recurrent_kernel"].T),
                        ("bias_ih", bias[0]), ("bias_hh", bias[1] if len(bias) > 1 else np.zeros_like(bias[0]))):
        gates = np.split(array, len(order))  # Keras has z r h where PyTorch has r z n
        yield f"{name}.{part}_l0{ending}", np.concatenate([gates[g] for g in order])


def of_layer(layer, image):
    """`image`: (H, W, C) where a Flatten of that stands before the layer."""
    kind, name = type(layer).__name__, layer.name
    if kind == "Bidirectional":
        for half, ending in ((layer.forward_layer, ""), (layer.backward_layer, "_reverse")):
            yield from recurrent(type(half).__name__, name, numbers_of(half), ending)
        return
    numbers = numbers_of(layer)
    if "recurrent_kernel" in numbers:
        yield from recurrent(kind, name, numbers)
    elif kind.startswith("Separable"):
        yield f"{name}.depthwise.weight", depthwise(numbers["depthwise_kernel"])
        yield f"{name}.pointwise.weight", turned(numbers["pointwise_kernel"])
        if "bias" in numbers:
            yield f"{name}.pointwise.bias", numbers["bias"]
    elif kind == "DepthwiseConv2D":
        kernel = numbers.get("kernel", numbers.get("depthwise_kernel"))
        yield f"{name}.weight", depthwise(kernel)
        if "bias" in numbers:
            yield f"{name}.bias", numbers["bias"]
    elif kind == "PReLU":
        slopes = numbers["alpha"].reshape(-1, numbers["alpha"].shape[-1])
        if (slopes != slopes[0]).any():
            sys.exit(f"{name}: a PReLU with a slope for each place; make it with shared_axes=[1, 2]")
        yield f"{name}.weight", slopes[0]
    else:
        if kind == "BatchNormalization":  # scale=False and center=False leave these away
            numbers = {"gamma": np.ones_like(numbers["moving_mean"]), "beta": np.zeros_like(numbers["moving_mean"]), **numbers}
        for part, array in numbers.items():
            if part not in NAMES:
                sys.exit(f"{name}: {kind} has {part}, which this script does not know: bring the model as ONNX")
            if part == "kernel":
                if kind == "Dense" and image:  # rows run over H,W,C, PyTorch's over C,H,W
                    array = array.reshape(*image, -1).transpose(2, 0, 1, 3).reshape(array.shape)
                array = turned(array)
            elif image and kind != "Dense" and len(array) == np.prod(image):
                sys.exit(f"{name}: {kind} stands between Flatten and Dense: bring the model as ONNX")
            yield f"{name}.{NAMES[part]}", array


def numbers_of(layer):
    from keras import ops

    return {weight.name.split("/")[-1].split(":")[0]: ops.convert_to_numpy(weight) for weight in layer.weights
            if "seed_generator" not in weight.path}


def of_layers(layers):
    image = None
    for layer in layers:
        if hasattr(layer, "layers"):  # a model in a model
            yield from of_layers(layer.layers)
            continue
        if type(layer).__name__ == "Flatten":
            shape = tuple(layer.input.shape[1:])
            image = shape if len(shape) == 3 and max(shape[:2]) > 1 else None
            continue
        if layer.weights:
            yield from of_layer(layer, image)
        if type(layer).__name__ == "Dense":
            image = None


def from_keras(path):
    import keras

    return of_layers(keras.models.load_model(path, compile=False).layers)


def from_torch(path):
    import pickle

    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        sys.exit(f"{path} holds more than weights (a whole module, or objects of its program), which is not loaded: write "
                 "torch.save(model.state_dict(), FILE) where it comes from")
    if not isinstance(state, dict):
        sys.exit(f"{path} holds a {type(state).__name__}, wanted is a state dict or a checkpoint that holds one")
    for key in ("state_dict", "model", "model_state_dict"):
        state = state[key] if isinstance(state.get(key), dict) else state
    return ((name, tensor.float().numpy()) for name, tensor in state.items()
            if isinstance(tensor, torch.Tensor) and tensor.is_floating_point())


if __name__ == "__main__":
    from safetensors.numpy import save_file

    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, target = sys.argv[1:]
    read = from_keras if source.endswith((".keras", ".h5")) else from_torch
    tensors = {name: np.ascontiguousarray(array, np.float32) for name, array in read(source)}
    save_file(tensors, target)
    print(f"{target}: {len(tensors)} tensors of {source}")
