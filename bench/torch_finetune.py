#!/usr/bin/env python3
"""Trains a new head on pretrained weights in PyTorch, the rest frozen by requires_grad=False: the time and the accuracy
that `firn finetune` is held against (bench/README.md).

usage: torch_finetune.py --task doodlenet-mnist|resnet20-cifar10 --data FOLDER [--epochs 3] [--batch 64]
                         [--rate 1e-3] [--seed 1] [--threads 2] [--limit N] [--standardised]

FOLDER holds doodlenet/ and mnist/, or resnet20/ and cifar10/. As in `firn finetune`: the head starts from zero, Adam,
cosine to 0, frozen batch norms in evaluation mode. --standardised trains the head behind (x - mean) / deviation of the
features of 1024 training samples, its weight decaying by d / (4 n), as firn's defaults do; else it is firn's
`--head-features raw --augment none`. --limit trains on the first N samples, for a machine that is short of time. Prints one JSON object an epoch: loss, test_accuracy, seconds (training only), eval_seconds.
"""
import argparse, gzip, json, os, struct, time
import torch
from torch import nn
from torch.nn import functional as F


def safetensors(path):
    b = open(path, "rb").read()
    n = struct.unpack("<Q", b[:8])[0]
    out = {}
    for name, v in json.loads(b[8:8 + n]).items():
        if name != "__metadata__":
            begin, end = v["data_offsets"]
            out[name] = torch.frombuffer(bytearray(b[8 + n + begin:8 + n + end]), dtype=torch.float32).reshape(v["shape"])
    return out


def idx(path):
    b = gzip.open(path + ".gz").read() if os.path.exists(path + ".gz") else open(path, "rb").read()
    dims = [int.from_bytes(b[4 + 4 * i:8 + 4 * i], "big") for i in range(b[3])]
    return torch.frombuffer(bytearray(b[4 + 4 * b[3]:]), dtype=torch.uint8).reshape(dims)


def mnist(d):
    def part(p):
        return idx(f"{d}/mnist/{p}-images-idx3-ubyte")[:, None].float() / 255, idx(f"{d}/mnist/{p}-labels-idx1-ubyte").long()
    return part("train"), part("t10k")


def cifar(d):
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    def part(p):
        b = torch.frombuffer(bytearray(open(f"{d}/cifar10/{p}.bin", "rb").read()), dtype=torch.uint8).reshape(-1, 3073)
        x = b[:, 1:].reshape(-1, 3, 32, 32).float() / 255
        return (x - mean[:, None, None]) / deviation[:, None, None], b[:, 0].long()
    return part("data_batch_1"), part("test_batch")


class Standardised(nn.Module):
    def __init__(self, x, dense):
        super().__init__()
        variance = x.var(0, unbiased=False)
        self.dense, self.mean, self.deviation = dense, x.mean(0), (variance + 1e-3 * variance.mean()).sqrt()

    def forward(self, x):
        return self.dense((x - self.mean) / self.deviation)


class Doodlenet(nn.Module):
    def __init__(self):
        super().__init__()
        sizes = [1, 16, 16, 32, 32, 64, 64]
        for i in range(6):
            self.add_module(f"conv{i + 1}", nn.Conv2d(sizes[i], sizes[i + 1], 3, padding=1))
        self.fc1, self.fc2 = nn.Linear(576, 512), nn.Linear(512, 10)

    def forward(self, x):
        for i in range(1, 7):
            x = F.relu(getattr(self, f"conv{i}")(x))
            x = F.max_pool2d(x, 2) if i % 2 == 0 else x
        return self.fc2(torch.tanh(self.fc1(x.flatten(1))))


class Block(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.stride, self.pad = stride, b - a

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.pad:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad // 2, self.pad - self.pad // 2))
        return F.relu(x + y)


class Resnet20(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        a = 16
        for stage, b in ((1, 16), (2, 32), (3, 64)):
            self.add_module(f"layer{stage}", nn.Sequential(*[Block(a if i == 0 else b, b, 2 if stage > 1 and i == 0 else 1) for i in range(3)]))
            a = b
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--task", required=True, choices=["doodlenet-mnist", "resnet20-cifar10"])
    p.add_argument("--data", required=True)
    p.add_argument("--epochs", type=int, default=3)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--rate", type=float, default=1e-3)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--limit", type=int, default=0)
    p.add_argument("--standardised", action="store_true")
    a = p.parse_args()
    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    doodle = a.task == "doodlenet-mnist"
    (x, y), (tx, ty) = mnist(a.data) if doodle else cifar(a.data)
    if a.limit:
        x, y = x[:a.limit], y[:a.limit]
    net, name = (Doodlenet(), "fc2") if doodle else (Resnet20(), "linear")
    folder = os.path.join(a.data, "doodlenet" if doodle else "resnet20")
    file = [f for f in sorted(os.listdir(folder)) if f.endswith(".safetensors")][0]
    weights = {k: v for k, v in safetensors(os.path.join(folder, file)).items() if not k.startswith(name)}
    missing, unexpected = net.load_state_dict(weights, strict=False)
    assert not unexpected and all(k.startswith(name) or k.endswith("num_batches_tracked") for k in missing), (missing, unexpected)
    net.requires_grad_(False)
    head = getattr(net, name)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    head.requires_grad_(True)
    net.eval()  # a frozen batch norm must not move; nothing else here knows of modes
    decay = 0
    if a.standardised:
        decay = head.in_features / (4 * len(x))
        setattr(net, name, nn.Identity())
        with torch.no_grad():
            setattr(net, name, Standardised(net(x[torch.randperm(len(x))[:1024]]), head))
    opt = torch.optim.Adam([{"params": [head.weight], "weight_decay": decay}, {"params": [head.bias]}], a.rate)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, a.epochs * ((len(x) + a.batch - 1) // a.batch))
    for e in range(a.epochs):
        t, total = time.perf_counter(), 0.0
        for i in torch.randperm(len(x)).split(a.batch):
            opt.zero_grad(set_to_none=True)
            loss = F.cross_entropy(net(x[i]), y[i])
            loss.backward()
            opt.step()
            sched.step()
            total += loss.item() * len(i)
        seconds, t = time.perf_counter() - t, time.perf_counter()
        with torch.no_grad():
            right = sum((net(tx[i]).argmax(1) == ty[i]).sum().item() for i in torch.arange(len(tx)).split(a.batch))
        print(json.dumps(dict(peer="torch", task=a.task, epoch=e + 1, samples=len(x), loss=round(total / len(x), 4),
                              test_accuracy=round(right / len(tx), 4), seconds=round(seconds, 3),
                              eval_seconds=round(time.perf_counter() - t, 3), threads=a.threads, torch=torch.__version__)), flush=True)


main()
