#!/usr/bin/python3
"""Makes the golden numbers of this folder with PyTorch (README.md tells how to read them).

usage: /usr/bin/python3 tests/golden/make_goldens.py      (Debian: python3-torch; made with 1.13)

Inputs are float32 numbers; everything is computed from them in float64 and rounded once, so that the
numbers are PyTorch's formulas without PyTorch's rounding. Run twice, the files have the same bytes.
"""
import json
import os
import struct

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

HERE = os.path.dirname(os.path.abspath(__file__))
DTYPES = {torch.float32: "F32", torch.float64: "F64", torch.int32: "I32"}


class Goldens:
    """The cases of one file: tensors `case.what`, and the options of each case as metadata."""

    def __init__(self):
        self.tensors, self.options = {}, {}

    def case(self, name, options, tensors):
        assert name not in self.options
        self.options[name] = json.dumps(options)
        for what, t in tensors.items():
            t = t.detach()
            if t.dtype == torch.int64:
                t = t.int()
            elif t.dtype == torch.float64 and what not in ("losses", "rates"):
                t = t.float()
            self.tensors[f"{name}.{what}"] = t.contiguous()

    def write(self, path):
        header, blocks, at = {"__metadata__": {"format": "pt", "torch": torch.__version__, **self.options}}, [], 0
        for name, t in self.tensors.items():
            data = t.numpy().tobytes()
            header[name] = {"dtype": DTYPES[t.dtype], "shape": list(t.shape), "data_offsets": [at, at + len(data)]}
            blocks.append(data)
            at += len(data)
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(os.path.join(HERE, path), "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text + b"".join(blocks))
        print(path, 8 + len(text) + at, "bytes,", len(self.options), "cases")


ops = Goldens()


def numbers(*shape, scale=1.0):
    """Random float32 numbers as float64."""
    return (torch.randn(*shape, dtype=torch.float32) * scale).double()


def record(name, options, leaves, forward, extra=None):
    """Runs `forward` on the leaves, pulls a random cotangent back, and keeps everything.
    Float leaves get a gradient d_<leaf>; the output's cotangent is d_output."""
    leaves = {k: v.clone().requires_grad_() if v.is_floating_point() else v for k, v in leaves.items()}
    output = forward(**leaves)
    d_output = numbers(*output.shape) if output.dim() > 0 else torch.ones((), dtype=torch.float64)
    output.backward(d_output)
    tensors = {**leaves, "output": output, "d_output": d_output}
    tensors.update({"d_" + k: v.grad for k, v in leaves.items() if v.requires_grad})
    tensors.update(extra() if extra else {})
    ops.case(name, options, tensors)


def dense():
    for name, bias in (("dense", True), ("dense_no_bias", False)):
        leaves = {"input": numbers(5, 7), "weight": numbers(6, 7, scale=0.4)}
        if bias:
            leaves["bias"] = numbers(6)
        record(name, {"op": "dense"}, leaves, lambda input, weight, bias=None: F.linear(input, weight, bias))


def conv2d():
    # name, batch, in, height, width, out, kernel, stride, padding, groups, bias
    for name, n, c, h, w, o, k, s, p, g, bias in (
            ("conv2d", 2, 3, 7, 6, 5, (3, 3), (1, 1), (0, 0), 1, True),
            ("conv2d_same", 2, 3, 6, 7, 4, (3, 3), (1, 1), (1, 1), 1, False),
            ("conv2d_stride", 2, 3, 9, 8, 4, (3, 3), (2, 2), (1, 1), 1, True),
            ("conv2d_kernel5", 2, 2, 9, 9, 3, (5, 5), (3, 3), (2, 2), 1, True),
            ("conv2d_oblong", 2, 2, 8, 7, 3, (3, 2), (1, 2), (1, 0), 1, True),
            ("conv2d_point", 2, 6, 5, 4, 7, (1, 1), (1, 1), (0, 0), 1, True),
            ("conv2d_point_stride", 2, 4, 5, 6, 3, (1, 1), (2, 2), (0, 0), 1, False),
            ("conv2d_wide", 1, 16, 6, 6, 16, (3, 3), (1, 1), (1, 1), 1, True),
            ("conv2d_groups", 2, 4, 6, 5, 6, (3, 3), (1, 1), (1, 1), 2, True),
            ("conv2d_groups_stride", 2, 6, 7, 7, 9, (3, 3), (2, 2), (1, 1), 3, True),
            ("conv2d_depthwise", 2, 5, 6, 7, 5, (3, 3), (1, 1), (1, 1), 5, True),
            ("conv2d_depthwise_twice", 2, 3, 7, 7, 6, (3, 3), (2, 2), (1, 1), 3, False)):
        leaves = {"input": numbers(n, c, h, w), "weight": numbers(o, c // g, *k, scale=0.5)}
        if bias:
            leaves["bias"] = numbers(o)
        record(name, {"op": "conv2d", "stride": s, "padding": p, "groups": g}, leaves,
               lambda input, weight, bias=None: F.conv2d(input, weight, bias, s, p, 1, g))


def pools():
    for name, k, s, p, ceil in (("2", 2, 2, 0, False), ("3_stride2_ceil", 3, 2, 0, True), ("3_stride2_padded", 3, 2, 1, False),
                                ("3_stride1_padded", 3, 1, 1, False), ("3_stride2_padded_ceil", 3, 2, 1, True)):
        options = {"kernel": k, "stride": s, "padding": p, "ceil": ceil}
        x = {"input": numbers(2, 3, 8, 7)}
        record("max_pool_" + name, {"op": "max_pool", **options}, x, lambda input: F.max_pool2d(input, k, s, p, 1, ceil))
        for include in (True, False) if p else (True,):
            record("avg_pool_" + name + ("" if include else "_exclude"),
                   {"op": "avg_pool", **options, "count_include_pad": include}, x,
                   lambda input: F.avg_pool2d(input, k, s, p, ceil, include))
    record("global_avg_pool", {"op": "global_avg_pool"}, {"input": numbers(2, 3, 5, 4)}, lambda input: input.mean((2, 3)))


def norms():
    for shape, tag in (((4, 3, 5, 2), ""), ((6, 5), "_flat")):
        for training in (True, False):
            mean, var = numbers(shape[1]), numbers(shape[1]).abs() + 0.5
            var = var.float().double()
            after = {"running_mean_after": mean.clone(), "running_var_after": var.clone()}
            record("batch_norm" + ("_training" if training else "_eval") + tag,
                   {"op": "batch_norm", "training": training, "momentum": 0.1, "epsilon": 1e-5},
                   {"input": (numbers(*shape) * 2 + 1).float().double(), "weight": numbers(shape[1]), "bias": numbers(shape[1])},
                   lambda input, weight, bias: F.batch_norm(input, after["running_mean_after"], after["running_var_after"],
                                                            weight, bias, training, 0.1, 1e-5),
                   lambda: {"running_mean": mean, "running_var": var, **after})
    for name, shape in (("layer_norm", (4, 6)), ("layer_norm_sequence", (2, 3, 9))):
        record(name, {"op": "layer_norm", "epsilon": 1e-5},
               {"input": numbers(*shape), "weight": numbers(shape[-1]), "bias": numbers(shape[-1])},
               lambda input, weight, bias: F.layer_norm(input, shape[-1:], weight, bias, 1e-5))


def activations():
    x = torch.cat([torch.linspace(-6, 6, 48), torch.tensor([-30., 30., -90., 90., 1e-4, -1e-4])]).reshape(6, 9).double()
    for name, options, f in (("relu", {}, F.relu), ("leaky_relu", {"slope": 0.01}, F.leaky_relu),
                             ("leaky_relu_steep", {"slope": 0.2}, lambda v: F.leaky_relu(v, 0.2)),
                             ("gelu", {"approximate": "none"}, F.gelu),
                             ("gelu_tanh", {"approximate": "tanh"}, lambda v: F.gelu(v, approximate="tanh")),
                             ("silu", {}, F.silu), ("sigmoid", {}, torch.sigmoid), ("tanh", {}, torch.tanh),
                             ("softmax", {}, lambda v: F.softmax(v, -1))):
        op = name.replace("_steep", "").replace("_tanh", "")
        record(name, {"op": op, **options}, {"input": x}, lambda input: f(input))


def embedding():
    record("embedding", {"op": "embedding"}, {"indices": torch.tensor([[0, 3, 3, 6], [1, 0, 3, 2], [6, 6, 6, 6]]),
                                               "weight": numbers(7, 5)}, lambda indices, weight: F.embedding(indices, weight))


def recurrent():
    # name, layers, both directions, lengths
    for kind, name, layers, both, lengths in (
            ("LSTM", "lstm", 1, False, None), ("LSTM", "lstm_layers", 2, False, None), ("LSTM", "lstm_both", 1, True, None),
            ("LSTM", "lstm_layers_both", 2, True, None), ("LSTM", "lstm_lengths", 1, False, [5, 2, 1, 4]),
            ("LSTM", "lstm_layers_both_lengths", 2, True, [3, 5, 1, 2]), ("GRU", "gru", 1, False, None),
            ("GRU", "gru_layers_both", 2, True, None), ("GRU", "gru_lengths", 1, False, [1, 5, 3, 2]),
            ("GRU", "gru_layers_both_lengths", 2, True, [4, 1, 5, 2])):
        n, t, f, h = 4, 5, 3, 4
        net = getattr(nn, kind)(f, h, layers, batch_first=True, bidirectional=both)
        net = net.double()  # float32 numbers, from PyTorch's own initialisation
        states = {}

        def forward(input, **weights):
            x = pack_padded_sequence(input, lengths, batch_first=True, enforce_sorted=False) if lengths else input
            net._flat_weights = [weights[name] for name in net._flat_weights_names]
            output, last = net(x)
            if lengths:
                output = pad_packed_sequence(output, batch_first=True, total_length=t)[0]
            states["h_n"], states["c_n"] = last if kind == "LSTM" else (last, None)
            return output

        def extra():
            kept = {k: v for k, v in states.items() if v is not None}
            return {**kept, "lengths": torch.tensor(lengths)} if lengths else kept

        record(name, {"op": kind.lower(), "layers": layers, "both_directions": both, "hidden": h},
               {"input": numbers(n, t, f), **{k: v.detach() for k, v in net.named_parameters()}}, forward, extra)


def losses():
    targets = torch.tensor([0, 3, 2, 2, 4, 1])
    for name, smoothing, weighted in (("cross_entropy", 0.0, False), ("cross_entropy_smoothed", 0.1, False),
                                      ("cross_entropy_weighted", 0.0, True), ("cross_entropy_weighted_smoothed", 0.1, True)):
        weights = (numbers(5).abs() + 0.2).float().double()
        extra = (lambda: {"class_weights": weights}) if weighted else None
        record(name, {"op": "cross_entropy", "label_smoothing": smoothing}, {"input": numbers(6, 5, scale=3), "targets": targets},
               lambda input, targets: F.cross_entropy(input, targets, weights if weighted else None, label_smoothing=smoothing),
               extra)
    goal = torch.rand(4, 3).double()
    record("bce_with_logits", {"op": "bce_with_logits"}, {"input": numbers(4, 3, scale=4)},
           lambda input: F.binary_cross_entropy_with_logits(input, goal), lambda: {"targets": goal})
    aim = numbers(4, 3)
    record("mse", {"op": "mse"}, {"input": numbers(4, 3)}, lambda input: F.mse_loss(input, aim), lambda: {"targets": aim})


def optimizers():
    goldens = Goldens()
    x, targets = numbers(8, 4), torch.tensor([0, 1, 2, 0, 1, 2, 2, 1])
    start = {"0.weight": numbers(5, 4, scale=0.5), "0.bias": numbers(5, scale=0.1), "2.weight": numbers(3, 5, scale=0.5),
             "2.bias": numbers(3, scale=0.1)}
    goldens.case("problem", {"model": "dense(4,5), tanh, dense(5,3)", "loss": "cross_entropy (mean)"},
                 {"input": x, "targets": targets, **start})
    sgd, adam, adamw, rms = torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop
    for name, make, options in (
            ("sgd", sgd, {"lr": 0.5}), ("sgd_momentum", sgd, {"lr": 0.2, "momentum": 0.9}),
            ("sgd_nesterov", sgd, {"lr": 0.2, "momentum": 0.9, "nesterov": True}),
            ("sgd_decay", sgd, {"lr": 0.2, "weight_decay": 0.1}),
            ("sgd_all", sgd, {"lr": 0.1, "momentum": 0.8, "nesterov": True, "weight_decay": 0.05}),
            ("adam", adam, {"lr": 0.05}), ("adam_options", adam, {"lr": 0.1, "betas": [0.8, 0.95], "eps": 1e-3}),
            ("adam_decay", adam, {"lr": 0.05, "weight_decay": 0.1}),
            ("adamw", adamw, {"lr": 0.05}), ("adamw_decay", adamw, {"lr": 0.05, "weight_decay": 0.5}),
            ("rmsprop", rms, {"lr": 0.02}), ("rmsprop_momentum", rms, {"lr": 0.01, "momentum": 0.9, "alpha": 0.9}),
            ("rmsprop_centered", rms, {"lr": 0.02, "centered": True, "eps": 1e-4}),
            ("rmsprop_decay", rms, {"lr": 0.02, "weight_decay": 0.1})):
        net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()
        net.load_state_dict(start)
        optimizer = make(net.parameters(), **options)
        values = []
        for _ in range(10):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), targets)
            loss.backward()
            optimizer.step()
            values.append(loss.item())
        defaults = {k: v for k, v in optimizer.defaults.items()
                    if k in ("lr", "momentum", "nesterov", "weight_decay", "betas", "eps", "alpha", "centered", "dampening")}
        goldens.case(name, {"optimizer": make.__name__, **defaults},
                     {"losses": torch.tensor(values, dtype=torch.float64), **net.state_dict()})
    goldens.write("optimizers.safetensors")


def schedules():
    goldens = Goldens()
    lr = torch.optim.lr_scheduler

    def sequence(optimizer, warm, steps, low):
        return lr.SequentialLR(optimizer, [lr.LinearLR(optimizer, warm, 1.0, 5), lr.CosineAnnealingLR(optimizer, steps - 5, low)], [5])

    for name, make, options in (
            ("step", lr.StepLR, {"step_size": 6, "gamma": 0.3}),
            ("cosine", lr.CosineAnnealingLR, {"T_max": 20, "eta_min": 0.0}),
            ("cosine_floor", lr.CosineAnnealingLR, {"T_max": 20, "eta_min": 0.01}),
            ("one_cycle", lr.OneCycleLR, {"max_lr": 0.5, "total_steps": 20}),
            ("one_cycle_options", lr.OneCycleLR, {"max_lr": 0.5, "total_steps": 20, "pct_start": 0.45, "div_factor": 10.0,
                                                  "final_div_factor": 100.0}),
            ("warm_up", lr.LinearLR, {"start_factor": 0.1, "total_iters": 5}),
            ("warm_up_cosine", sequence, {"warm": 0.2, "steps": 20, "low": 0.0})):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
        schedule, rates = make(optimizer, **options), []
        for _ in range(20):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        goldens.case(name, {"schedule": make.__name__, "base_rate": 0.1, **options},
                     {"rates": torch.tensor(rates, dtype=torch.float64)})
    goldens.write("schedules.safetensors")


torch.set_num_threads(1)
for number, part in enumerate((dense, conv2d, pools, norms, activations, embedding, recurrent, losses)):
    torch.manual_seed(number)
    part()
ops.write("ops.safetensors")
torch.manual_seed(100)
optimizers()
schedules()
