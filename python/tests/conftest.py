"""Data and models that the tests share."""

from __future__ import annotations

import firn
import numpy as np
import pytest


@pytest.fixture(scope="session")
def digits() -> firn.Data:
    return firn.data("digits", labels=20)


@pytest.fixture(scope="session")
def arrays(digits: firn.Data) -> tuple[np.ndarray, np.ndarray]:
    return digits.train.arrays()


@pytest.fixture
def cnn() -> firn.Model:
    return firn.models.cnn(input=(8, 8, 1), classes=10)
