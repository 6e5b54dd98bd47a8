#!/usr/bin/env python3
"""Writes a network of PyTorch (2.9 or later) as the .pt2 that firn reads; to be run where PyTorch is.

usage: export_pt2.py MODULE:FUNCTION SHAPE OUT.pt2 [WEIGHTS.pth]

FUNCTION() gives the nn.Module ("torchvision.models:resnet18"); SHAPE is that of a batch, 2,3,224,224, or for
tokens i2,12. Parameters whose requires_grad is False are frozen in firn until --freeze says otherwise.
"""
import importlib
import sys

import torch


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    module, function = sys.argv[1].split(":")
    net = getattr(importlib.import_module(module), function)()
    if len(sys.argv) == 5:
        net.load_state_dict(torch.load(sys.argv[4], map_location="cpu", weights_only=True))
    tokens = sys.argv[2].startswith("i")
    shape = [int(n) for n in sys.argv[2].lstrip("i").split(",")]
    batch = torch.zeros(shape, dtype=torch.int64) if tokens else torch.randn(shape)
    torch.export.save(torch.export.export(net.eval(), (batch,)), sys.argv[3])


main()
