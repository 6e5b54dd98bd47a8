"""A network of torchvision with a frozen backbone, fine-tuned by firn, and back in the module."""

import firn
import numpy as np
import torch
import torchvision

rng = np.random.default_rng(1)
x = rng.standard_normal((32, 3, 64, 64), np.float32)  # photos would be better
y = rng.integers(0, 3, 32)

# %% Ten lines
net = torchvision.models.resnet18(num_classes=3)
for name, parameter in net.named_parameters():
    parameter.requires_grad = name.startswith(("layer4", "fc"))

model = firn.Model.from_torch(net, torch.zeros(1, 3, 64, 64))
before = model.logits(x, layout="nchw")
print(model.summary())
print(model.fit(x, y, layout="nchw", epochs=2, batch=16))
model.save("tuned.safetensors")
with torch.no_grad():
    untuned = net.eval()(torch.from_numpy(x)).numpy()
    tuned = model.to_torch(net)(torch.from_numpy(x)).numpy()

# %% The two agree
print("largest difference before:", np.abs(untuned - before).max())
print("largest difference after:", np.abs(tuned - model.logits(x, layout="nchw")).max())
