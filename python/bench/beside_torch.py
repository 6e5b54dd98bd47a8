"""An epoch of fine-tuning a frozen network by firn and by PyTorch, with the same numbers of threads: seconds, the least of
some. Wants PyTorch, torchvision and a machine that does nothing else.

usage: python beside_torch.py [NETWORK [TRAINED-PREFIX...]]
"""

import sys
import time

import firn
import numpy as np
import torch
import torchvision


def main() -> None:
    network = sys.argv[1] if len(sys.argv) > 1 else "resnet18"
    trained = tuple(sys.argv[2:]) or ("fc", "classifier")
    rng = np.random.default_rng(1)
    x = rng.standard_normal((64, 3, 64, 64), np.float32)
    y = rng.integers(0, 5, len(x))
    net = torchvision.models.get_model(network, num_classes=5)
    for name, parameter in net.named_parameters():
        parameter.requires_grad = name.startswith(trained)
    torch.set_num_threads(firn.threads())
    model = firn.Model.from_torch(net, torch.zeros(1, 3, 64, 64))
    difference = np.abs(model.logits(x, layout="nchw") - net.eval()(torch.from_numpy(x)).detach().numpy()).max()
    print(f"{network}, {', '.join(trained)} trained, {firn.threads()} threads; logits differ by {difference:.1e}")

    for cache in ("off", "auto"):
        history = model.fit(x, y, layout="nchw", epochs=5, batch=16, optimizer=firn.SGD(0.01), schedule="constant", cache=cache)
        print(f"firn, features kept {cache}: {min(epoch.seconds for epoch in history.epochs):.3f} s an epoch")

    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], 0.01, 0.9)
    images, labels = torch.from_numpy(x), torch.from_numpy(y)
    seconds = []
    for _ in range(5):
        begin = time.perf_counter()
        for i in range(0, len(x), 16):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(images[i : i + 16]), labels[i : i + 16]).backward()
            optimizer.step()
        seconds.append(time.perf_counter() - begin)
    print(f"PyTorch {torch.__version__}: {min(seconds):.3f} s an epoch")


main()
