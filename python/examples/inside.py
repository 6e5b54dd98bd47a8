"""A graph of operations, the program that it becomes, and what a frozen parameter takes out of it."""

import firn
import numpy as np
from firn import ops

rng = np.random.default_rng(1)
w1 = firn.Parameter("w1", 0.3 * rng.standard_normal((3, 8)))
w2 = firn.Parameter("w2", 0.3 * rng.standard_normal((8, 1)))


# %% A step that trains what is not frozen.
def step() -> firn.Program:
    g = firn.Graph()
    hidden = g.output("hidden", ops.tanh(ops.dense(g.feed("x", (64, 3)), g.parameter(w1))))
    loss = ops.mean_squared_error(ops.dense(hidden, g.parameter(w2)), g.feed("y", (64, 1)))
    return g.training(loss)


program = step()
x = rng.standard_normal((64, 3))
program.run(x=x, y=x[:, :1] * x[:, 1:2])
print(program.loss, program["hidden"].shape, {name: gradient.shape for name, gradient in program.gradients.items()})

# %% Gradient descent by hand.
for _ in range(300):
    for parameter in (w1, w2):
        parameter.value = parameter.value - 0.3 * program.gradients[parameter.name]
    program.run()
print(program.loss)

# %% Frozen, its gradient is not computed: it is not there.
w1.trainable = False
print(step().left_out)
print(step().listing())
