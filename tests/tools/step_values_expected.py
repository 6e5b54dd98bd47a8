#!/usr/bin/env python3
"""Prints what step_values_test.cpp expects: losses, values and gradients of three small networks by PyTorch.

usage: tests/tools/step_values_expected.py     (needs torch; made with 2.15, in float64)
"""
import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)


def waves(shape, step, phase, size=0.4, middle=0.0):
    """Numbers by a formula, rounded to float32: middle + size * sin(step * i + phase)."""
    count = torch.Size(shape).numel()
    return (middle + size * torch.sin(step * torch.arange(count) + phase)).float().double().reshape(shape)


def fill(module):
    for j, (name, p) in enumerate(module.named_parameters()):
        norm = "norm" in name and name.endswith("weight")
        p.data = waves(p.shape, 1.3, 0.2 + 0.7 * j, *((0.2, 1.0) if norm else (0.4, 0.0)))


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.dense1, self.dense2 = nn.Conv2d(2, 3, 3, padding=1), nn.Linear(27, 4), nn.Linear(4, 3)

    def forward(self, x):
        self.seen = F.max_pool2d(torch.relu(self.conv1(x)), 2)
        return self.dense2(torch.relu(self.dense1(torch.flatten(self.seen, 1))))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm1, self.dense1 = nn.LSTM(3, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x):
        self.seen = self.lstm1(x)[0][:, -1]
        return self.dense1(self.seen)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.conv2, self.norm2 = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.dense1 = nn.Linear(4, 3)

    def forward(self, x):
        h = torch.relu(self.norm1(self.conv1(x)))
        h = torch.relu(self.norm2(self.conv2(h)) + h)
        self.seen = h.mean((2, 3))
        return self.dense1(self.seen)


def show(title, module, sample, frozen=()):
    fill(module)
    for name in frozen:
        part = getattr(module, name)
        part.eval()
        for p in part.parameters():
            p.requires_grad_(False)
    x = waves((4, *sample), 0.9, 0.1, 1.0)
    if len(sample) == 3:
        x = x.permute(0, 3, 1, 2)
    logits = module(x)
    if module.seen.requires_grad:
        module.seen.retain_grad()
    loss = F.cross_entropy(logits, torch.arange(4) % 3)
    loss.backward()
    print(f"// {title}\n{loss.item():.9g},")
    seen = module.seen[1, 2].flatten()[0].item()
    slope = module.seen.grad[1, 2].flatten()[0].item() if module.seen.requires_grad else "none"
    print(f"seen {seen:.9g}, {slope}")
    for name, p in module.named_parameters():
        if p.grad is None:
            print(f'{{"{name}", -1, 0}},')
            continue
        place = p.grad.abs().flatten().argmax().item()
        print(f'{{"{name}", {place}, {p.grad.flatten()[place].item():.9g}}},')


show("cnn", Cnn(), (6, 6, 2))
show("cnn, conv1 frozen", Cnn(), (6, 6, 2), ["conv1"])
show("lstm", Lstm(), (4, 3))
show("lstm, lstm1 frozen", Lstm(), (4, 3), ["lstm1"])
show("residual", Residual(), (6, 6, 2))
show("residual, conv1 and norm1 frozen", Residual(), (6, 6, 2), ["conv1", "norm1"])
