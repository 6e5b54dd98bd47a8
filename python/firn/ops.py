"""The operations that a ``firn.Graph`` is made of. Shapes are said as N samples, H and W of an image, C channels, T steps,
F features; what is wrong with them is said when the graph is built."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from . import _core
from .graph import Value

__all__ = [
    "activate", "add", "average_pool", "batch_norm", "binary_cross_entropy", "concatenate", "conv2d", "cross_entropy", "dense",
    "dropout", "embedding", "flatten", "gelu", "global_average_pool", "gru", "last_step", "layer_norm", "lstm", "max_pool",
    "mean", "mean_over", "mean_squared_error", "multiply", "permute", "relu", "reshape", "scale", "sigmoid", "silu", "slice",
    "softmax", "subtract", "sum", "sum_over", "tanh",
]  # fmt: skip

# Arithmetic


def add(a: Value, b: Value) -> Value:
    """a + b of one shape, or b of the shape of a's last axes, added to each row."""
    return _core.op_add(a, b)


def subtract(a: Value, b: Value) -> Value:
    """a - b of one shape."""
    return _core.op_subtract(a, b)


def multiply(a: Value, b: Value) -> Value:
    """a * b, element by element, of one shape."""
    return _core.op_multiply(a, b)


def scale(x: Value, factor: float) -> Value:
    return _core.op_scale(x, factor)


def sum(x: Value) -> Value:
    """Of all elements, a scalar."""
    return _core.op_sum(x)


def mean(x: Value) -> Value:
    """Of all elements, a scalar."""
    return _core.op_mean(x)


def sum_over(x: Value, axis: int) -> Value:
    """Over one axis, not the samples', which goes away."""
    return _core.op_over(x, axis, False)


def mean_over(x: Value, axis: int) -> Value:
    return _core.op_over(x, axis, True)


# Activations


def activate(x: Value, name: str, slope: float = 0.01) -> Value:
    """By name: "relu", "leaky_relu" (``slope`` below zero), "gelu", "gelu_tanh", "silu", "sigmoid", "tanh", "relu_to" (up to
    ``slope``), "hard_sigmoid", "hard_swish"."""
    return _core.op_activate(x, name, slope)


def _activation(name: str) -> Callable[[Value], Value]:
    def function(x: Value) -> Value:
        return _core.op_activate(x, name, 0.01)

    function.__name__ = function.__qualname__ = name
    return function


relu = _activation("relu")
gelu = _activation("gelu")
silu = _activation("silu")
sigmoid = _activation("sigmoid")
tanh = _activation("tanh")


def softmax(x: Value) -> Value:
    """Over the last axis."""
    return _core.op_softmax(x)


# Layers


def dense(x: Value, weight: Value, bias: Value | None = None) -> Value:
    """(..., in) times weight (in, out), plus bias (out)."""
    return _core.op_dense(x, weight, bias)


def conv2d(
    x: Value, weight: Value, bias: Value | None = None, *, stride: int = 1, padding: int = 0, groups: int = 1
) -> Value:
    """Images (N, H, W, C) with weight (KH, KW, C / groups, O) and bias (O)."""
    return _core.op_conv2d(x, weight, bias, stride, padding, groups)


def max_pool(x: Value, kernel: int, *, stride: int = 0, padding: int = 0) -> Value:
    """Greatest of each window of images; ``stride`` 0: as the kernel."""
    return _core.op_pool(x, kernel, stride, padding, False)


def average_pool(x: Value, kernel: int, *, stride: int = 0, padding: int = 0) -> Value:
    return _core.op_pool(x, kernel, stride, padding, True)


def global_average_pool(x: Value) -> Value:
    """(N, H, W, C) to (N, C)."""
    return _core.op_global_average_pool(x)


def batch_norm(x: Value, gamma: Value, beta: Value, *, epsilon: float = 1e-5) -> Value:
    """Over all but the last axis, with the statistics of the batch."""
    return _core.op_batch_norm(x, gamma, beta, epsilon)


def layer_norm(x: Value, gamma: Value, beta: Value, *, epsilon: float = 1e-5) -> Value:
    """Over the last axis."""
    return _core.op_layer_norm(x, gamma, beta, epsilon)


def dropout(x: Value, p: float) -> Value:
    """Zero with probability p, else divided by 1 - p; nothing in a graph that is not for training, and below all that
    trains."""
    return _core.op_dropout(x, p)


def embedding(tokens: Value, table: Value) -> Value:
    """Rows of table (V, F) for tokens (N, T)."""
    return _core.op_embedding(tokens, table)


def lstm(x: Value, weight_ih: Value, weight_hh: Value, bias_ih: Value, bias_hh: Value) -> Value:
    """(N, T, I) to (N, T, H) from a zero state: PyTorch's parameters transposed, weight_ih (I, 4H), weight_hh (H, 4H)."""
    return _core.op_recurrent(x, weight_ih, weight_hh, bias_ih, bias_hh, False)


def gru(x: Value, weight_ih: Value, weight_hh: Value, bias_ih: Value, bias_hh: Value) -> Value:
    """The same of a GRU, weight_ih (I, 3H), weight_hh (H, 3H)."""
    return _core.op_recurrent(x, weight_ih, weight_hh, bias_ih, bias_hh, True)


def last_step(x: Value) -> Value:
    """(N, T, F) to (N, F)."""
    return _core.op_last_step(x)


# Losses


def cross_entropy(logits: Value, labels: Value, *, smoothing: float = 0.0) -> Value:
    """Mean of -log softmax(logits) at the labels (N), which are fed as indices."""
    return _core.op_cross_entropy(logits, labels, smoothing)


def binary_cross_entropy(logits: Value, targets: Value) -> Value:
    """Mean against targets from 0 to 1 of the same shape."""
    return _core.op_binary_cross_entropy(logits, targets)


def mean_squared_error(x: Value, targets: Value) -> Value:
    return _core.op_mean_squared_error(x, targets)


# Shapes


def reshape(x: Value, shape: Sequence[int]) -> Value:
    """The samples stay the first axis."""
    return _core.op_reshape(x, list(shape))


def flatten(x: Value) -> Value:
    """(N, ...) to (N, rest)."""
    return _core.op_flatten(x)


def permute(x: Value, order: Sequence[int]) -> Value:
    """Axis i of the result is axis order[i]; the samples stay the first."""
    return _core.op_permute(x, list(order))


def slice(x: Value, axis: int, begin: int, end: int, step: int = 1) -> Value:
    """Places begin, begin + step, ... below end of an axis that is not the samples'."""
    return _core.op_slice(x, axis, begin, end, step)


def concatenate(values: Sequence[Value], axis: int) -> Value:
    """One behind the other along an axis that is not the samples'."""
    return _core.op_concatenate(list(values), axis)
