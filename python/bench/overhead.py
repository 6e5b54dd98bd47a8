"""What a call from Python costs beside the C++ call that it is made of, in microseconds: the least of many. Wants a
machine that does nothing else.

usage: python overhead.py
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import firn
import numpy as np


def least(call: Callable[[], object], rounds: int = 20, calls: int = 200) -> float:
    best = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(calls):
            call()
        best = min(best, (time.perf_counter() - begin) / calls)
    return best * 1e6


def main() -> None:
    digits = firn.data("digits")
    for name, model in (
        ("dense 16, relu, dense", firn.Model.from_spec("dense 16, relu, dense", data=digits)),
        ("cnn", firn.models.cnn(data=digits)),
    ):
        model.fit(digits, epochs=1)
        one = digits.test.arrays()[0][:1] if digits.test else np.zeros((1, 8, 8, 1), np.float32)
        samples = model._feeding().asked(one, None, None)
        within = least(lambda: model._core.answers(samples))
        for call in (model.predict, model.predict_proba):
            print(f"{name}: {call.__name__} of one sample {least(lambda: call(one)) - within:.1f} us over {within:.1f}")
    model = firn.models.cnn(data=digits)
    shares = []
    for _ in range(5):
        begin = time.perf_counter()
        history = model.fit(digits, epochs=5)
        within = sum(epoch.seconds + epoch.validation_seconds for epoch in history.epochs)
        shares.append((time.perf_counter() - begin) / within - 1)
    print(f"cnn: fit of the digits {100 * min(shares):.1f} % over its steps and evaluations")
    for what in ("numpy", "firn", "numpy, firn", "firn; firn.Model"):
        code = f"import time; t = time.perf_counter(); import {what}; print(time.perf_counter() - t, time.process_time())"
        times = [subprocess.check_output([sys.executable, "-c", code]).split() for _ in range(9)]
        wall, cpu = (min(float(row[i]) for row in times) * 1e3 for i in (0, 1))
        print(f"import {what}: {wall:.0f} ms; {cpu:.0f} ms of a processor with Python's own start")


main()
