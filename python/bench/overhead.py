"""What a call from Python costs beside the C++ call that it is made of, in microseconds: the least of many. Wants a
machine that does nothing else.

usage: python overhead.py [FIT_BENCH]

FIT_BENCH: the program of that name, of a build: the training is then held against it, in turns.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import firn
import numpy as np

ROUNDS, CALLS = 15, 5


def least(call: Callable[[], object], rounds: int = 20, calls: int = 200) -> float:
    best = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter()
        for _ in range(calls):
            call()
        best = min(best, (time.perf_counter() - begin) / calls)
    return best * 1e6


def seconds(call: Callable[[], object]) -> float:
    """The least of some calls."""
    times = []
    for _ in range(CALLS):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)


def in_cpp(program: str) -> float:
    return min(map(float, subprocess.check_output([program, str(CALLS)]).split()))


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
    if len(sys.argv) > 1:
        model = firn.models.cnn(data=digits)
        model.fit(digits, epochs=5)
        ratios = [seconds(lambda: model.fit(digits, epochs=5)) / in_cpp(sys.argv[1]) for _ in range(ROUNDS)]
        middle, low, high = statistics.median(ratios), min(ratios), max(ratios)
        print(f"cnn: fit of the digits {middle:.3f} times C++'s, {low:.3f} to {high:.3f} in {ROUNDS} rounds")
    for what in ("numpy", "firn", "numpy, firn", "firn; firn.Model"):
        code = f"import time; t = time.perf_counter(); import {what}; print(time.perf_counter() - t, time.process_time())"
        times = [subprocess.check_output([sys.executable, "-c", code]).split() for _ in range(9)]
        wall, cpu = (min(float(row[i]) for row in times) * 1e3 for i in (0, 1))
        print(f"import {what}: {wall:.0f} ms; {cpu:.0f} ms of a processor with Python's own start")


main()
