"""An epoch of fine-tuning a network with a frozen part by firn and by PyTorch, in turns and with the same numbers of
threads: seconds of the steps alone, the least and the middle of some. Wants PyTorch, torchvision and a machine that does
nothing else.

usage: python beside_torch.py [NETWORK [TRAINED-PREFIX...]] [--size 64] [--samples 64] [--batch 16] [--rounds 7]

    python beside_torch.py                            ResNet-18, its last layer
    python beside_torch.py resnet18 layer4 fc         the last stage besides
    python beside_torch.py mobilenet_v2 classifier

firn runs the frozen part in the first epoch alone where what it gives can be kept (cache="auto"): later epochs are the
rest. It is also made to run all of it in each (cache="off"), as PyTorch does. PyTorch as in its
guides: frozen parameters have requires_grad=False, the network is in its evaluating mode, so norms use what they know, as
firn's frozen ones do; no torch.compile.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any

import firn
import numpy as np
import torch
import torchvision


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def load() -> str:
    return f"{os.getloadavg()[0]:.2f} on {os.cpu_count()} cores"


def told(name: str, seconds: list[float]) -> float:
    print(f"{name:24} {min(seconds):9.4f} s an epoch, {statistics.median(seconds):.4f} in the middle of {len(seconds)}")
    return min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(usage="see the file's head")
    parser.add_argument("network", nargs="?", default="resnet18")
    parser.add_argument("trained", nargs="*", default=["fc", "classifier"])
    for name, usual in (("size", 64), ("samples", 64), ("batch", 16), ("rounds", 7)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    given = parser.parse_args()
    rng = np.random.default_rng(1)
    x = rng.standard_normal((given.samples, 3, given.size, given.size), np.float32)
    y = rng.integers(0, 5, len(x))
    images, labels = torch.from_numpy(x), torch.from_numpy(y)
    torch.manual_seed(1)
    net = torchvision.models.get_model(given.network, num_classes=5).eval()
    for name, parameter in net.named_parameters():
        parameter.requires_grad = name.startswith(tuple(given.trained))
    torch.set_num_threads(firn.threads())
    model = firn.Model.from_torch(net, torch.zeros(1, 3, given.size, given.size))

    def apart() -> float:
        with torch.no_grad():
            return float(np.abs(model.logits(x, layout="nchw") - net(images).numpy()).max())

    print(f"{processor()}; load {load()}; firn {firn.__version__}, PyTorch {torch.__version__}, {firn.threads()} threads each")
    print(f"{given.network}, {', '.join(given.trained)} trained; {len(x)} images of {given.size}, batches of {given.batch}")
    print(f"logits differ by {apart():.1e} at first", end="")
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], 0.01, 0.9)

    def theirs() -> float:
        begin = time.perf_counter()
        for i in range(0, len(x), given.batch):
            optimizer.zero_grad()
            logits = net(images[i : i + given.batch])
            torch.nn.functional.cross_entropy(logits, labels[i : i + given.batch]).backward()
            optimizer.step()
        return time.perf_counter() - begin

    options: dict[str, Any] = {
        "layout": "nchw", "batch": given.batch, "optimizer": firn.SGD(0.01), "schedule": "constant",
    }  # fmt: skip

    def ours(cache: str, epochs: int) -> list[float]:
        return [epoch.seconds for epoch in model.fit(x, y, epochs=epochs, cache=cache, **options).epochs]

    ours("off", 1), theirs()  # memory is taken, kernels are chosen
    rounds = [(*ours("off", 1), theirs(), *ours("auto", 2)) for _ in range(given.rounds)]
    model.to_torch(net)
    print(f", {apart():.1e} with the weights that firn has trained")
    whole, peer, first, later = map(list, zip(*rounds, strict=True))
    one, other = told("firn, all in each epoch", whole), told("PyTorch", peer)
    told("firn, the first epoch", first), told("its later ones", later)
    print(f"PyTorch takes {other / one:.2f} times as long as firn that keeps no features; load {load()}")


main()
