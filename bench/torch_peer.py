#!/usr/bin/env python3
"""PyTorch 2 as the peer of `firn bench compare` (bench/README.md): times a training step and a forward pass in every way
that PyTorch has, and prints the row of the best.

usage: torch_peer.py --models M --freeze 0|half|head|all --threads T --seconds S [--batch B]   (what firn adds)
                     [--ways eager,compiled,bf16,compiled-bf16] [--network FUNCTION --size 96 [--classes 10] [--export FILE]]

A way is eager or through torch.compile, in fp32 or under autocast to bf16 with master weights in fp32; images lie as NCHW
and as NHWC, and the better counts. M is a reference model of firn or, with --network torchvision.models.mobilenet_v2 (or any
importable function), whatever file firn reads: --export writes that file first, as .pt2. A step: gradients to zero, forward,
softmax cross-entropy, backward, SGD with momentum 0.9. What is frozen needs no gradient, its batch norms evaluate.
"""
import argparse, contextlib, importlib, json, resource, statistics, sys, time
import torch
from torch import nn
from torch.nn import functional as F


class ShortcutA(nn.Module):
    """A residual block of two 3x3 convolutions; where the size changes the shortcut strides and pads with zeros
    (He et al. 2015, section 4.2, option A)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(*convolution(inputs, outputs, stride), *convolution(outputs, outputs)[:2])
        self.stride, self.more = stride, outputs - inputs

    def forward(self, x):
        short = x[:, :, ::self.stride, ::self.stride]
        if self.more:
            short = F.pad(short, (0, 0, 0, 0, self.more // 2, self.more - self.more // 2))
        return F.relu(self.body(x) + short)


class Sequence(nn.Module):
    """An LSTM; its last hidden state alone where `last`."""

    def __init__(self, inputs, units, last):
        super().__init__()
        self.lstm, self.last = nn.LSTM(inputs, units, batch_first=True), last

    def forward(self, x):
        hidden = self.lstm(x)[0]
        return hidden[:, -1] if self.last else hidden


def convolution(inputs, outputs, stride=1):
    return [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def dense(*sizes):
    return [nn.Sequential(nn.Linear(i, o), nn.ReLU()) for i, o in zip(sizes, sizes[1:])]


def reference(name):
    """Batch, shape of a sample, blocks: the last one is the head."""
    pool = nn.MaxPool2d(2)
    if name == "mlp":
        return 128, (784,), dense(784, 512, 512) + [nn.Linear(512, 10)]
    if name == "cnn":
        convolutions = [nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), pool) for i, o in ((1, 32), (32, 64))]
        return 64, (1, 28, 28), convolutions + [nn.Sequential(nn.Flatten(), *dense(3136, 128)), nn.Linear(128, 10)]
    if name == "vgg":
        widths, blocks = (3, 64, 64, 128, 128, 256, 256), []
        for n, (i, o) in enumerate(zip(widths, widths[1:])):
            blocks.append(nn.Sequential(*convolution(i, o), *([pool] if n % 2 else [])))
        return 64, (3, 32, 32), blocks + [nn.Sequential(nn.Flatten(), nn.Linear(4096, 10))]
    if name == "resnet20":
        blocks = [nn.Sequential(*convolution(3, 16))]
        for stage, width in enumerate((16, 32, 64)):
            for n in range(3):
                first = n == 0 and stage > 0
                blocks.append(ShortcutA(width // 2 if first else width, width, 2 if first else 1))
        return 128, (3, 32, 32), blocks + [nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))]
    if name == "lstm":
        return 32, (50, 64), [Sequence(64, 128, True), nn.Linear(128, 10)]
    if name == "lstm2":
        return 64, (100, 128), [Sequence(128, 256, False), Sequence(256, 256, True), nn.Linear(256, 10)]
    sys.exit(f"torch_peer.py: {name} is no reference model; say what it is by --network")


def network(a):
    module, function = a.network.rsplit(".", 1)
    return getattr(importlib.import_module(module), function)(num_classes=a.classes)


def build(a):
    """Batch, shape of a sample, the network, the modules that are frozen."""
    torch.manual_seed(0)
    if a.network:
        net = network(a)
        leaves = [m for m in net.modules() if not list(m.children())]
        head = [m for m in leaves if isinstance(m, nn.Linear)][-1:]
        if a.freeze not in ("0", "head", "all"):
            sys.exit("torch_peer.py: --network takes --freeze 0, head or all")
        return 32, (3, a.size, a.size), net, [m for m in leaves if a.freeze == "all" or (a.freeze == "head" and m not in head)]
    batch, shape, blocks = reference(a.models)
    count = {"0": 0, "half": len(blocks) // 2, "head": len(blocks) - 1, "all": len(blocks)}
    frozen = count[a.freeze] if a.freeze in count else int(a.freeze)
    return batch, shape, nn.Sequential(*blocks), blocks[:frozen]


def median_ms(f, seconds):
    for _ in range(3):
        f()
    taken, end = [], time.perf_counter() + seconds
    while len(taken) < 5 or time.perf_counter() < end:
        begin = time.perf_counter()
        f()
        taken.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(taken)


def measure(a, way, nhwc):
    batch, shape, net, frozen = build(a)
    net.train()
    for m in frozen:
        m.requires_grad_(False).eval()
    batch = a.batch or batch
    x, y = torch.randn(batch, *shape), torch.randint(0, a.classes, (batch,))
    if nhwc:
        x, net = x.to(memory_format=torch.channels_last), net.to(memory_format=torch.channels_last)
    run = torch.compile(net, dynamic=False) if "compiled" in way else net
    cast = (lambda: torch.autocast("cpu", torch.bfloat16)) if "bf16" in way else contextlib.nullcontext
    trained = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trained, 0.01, momentum=0.9) if trained else None

    def forward():
        with torch.no_grad(), cast():
            run(x)

    def step():
        if optimizer is None:
            return forward()
        optimizer.zero_grad(set_to_none=True)
        with cast():
            loss = F.cross_entropy(run(x), y)
        loss.backward()
        optimizer.step()

    return batch, median_ms(step, a.seconds), median_ms(forward, a.seconds / 2)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    for option, usual in (("--models", "mlp"), ("--freeze", "0"), ("--network", ""), ("--export", ""),
                          ("--ways", "eager,compiled,bf16,compiled-bf16")):
        p.add_argument(option, default=usual)
    for option, usual in (("--threads", 1), ("--batch", 0), ("--size", 96), ("--classes", 10)):
        p.add_argument(option, type=int, default=usual)
    p.add_argument("--seconds", type=float, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    if a.export:
        x = torch.randn(2, 3, a.size, a.size)
        some = {"x": {0: torch.export.Dim("n")}}
        torch.export.save(torch.export.export(build(a)[2].eval(), (x,), dynamic_shapes=tuple(some.values())), a.export)
        return
    images = a.network or a.models in ("cnn", "vgg", "resnet20")
    steps, forwards, batch = {}, {}, 0
    for way in a.ways.split(","):
        for nhwc in (False, True) if images else (False,):
            name = way + (" nhwc" if nhwc else "")
            try:
                batch, steps[name], forwards[name] = measure(a, way, nhwc)
            except Exception as failed:  # a way that this network or machine does not have is none
                print(f"{name}: {type(failed).__name__}: {str(failed).splitlines()[:1]}", file=sys.stderr)
            if "compiled" in way:
                torch._dynamo.reset()
    if not steps:
        sys.exit("torch_peer.py: no way worked")
    best = min(steps, key=steps.get)
    row = dict(model=a.models, freeze=a.freeze, batch=batch, threads=a.threads, step_ms=steps[best],
               forward_ms=min(forwards.values()), way=best, forward_way=min(forwards, key=forwards.get),
               version="PyTorch " + torch.__version__, steps_ms=steps, forwards_ms=forwards,
               rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(row), flush=True)


main()
