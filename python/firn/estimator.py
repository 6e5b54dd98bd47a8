"""A classifier of scikit-learn that fine-tunes a firn model. Imported when it is asked for."""

from __future__ import annotations

import copy
import os
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin  # type: ignore[import-untyped,import-not-found,unused-ignore]
from sklearn.utils import check_random_state  # type: ignore[import-untyped,import-not-found,unused-ignore]
from sklearn.utils.multiclass import (  # type: ignore[import-untyped,import-not-found,unused-ignore]
    check_classification_targets,
)
from sklearn.utils.validation import (  # type: ignore[import-untyped,import-not-found,unused-ignore]
    check_is_fitted,
    validate_data,
)

from . import _labels, policies
from ._specs import Spec
from .errors import UsageError
from .model import Model, load
from .optimizers import Optimizer

__all__ = ["FineTuner"]

_DTYPES = [np.float32, np.float64, np.uint8]


class FineTuner(ClassifierMixin, BaseEstimator):  # type: ignore[misc,unused-ignore]
    """Fine-tunes a trained network as an estimator of scikit-learn.

    ``weights``: a weights file, a run's folder, a .pt2 or .onnx file, or a ``firn.Model``, which stays as it is;
    None: a new network of the text ``network``. Where the classes of ``y`` are not those of the weights the last
    block starts anew. ``freeze``: as ``Model.fit`` takes it; None: what the weights have frozen. ``options``: more
    of what ``Model.fit`` takes. Each ``fit`` begins with the weights again.

    ``X``: (n_samples, n_features), or images (n_samples, H, W, C) and sequences as ``Model.fit`` takes them.
    After ``fit`` the network is ``model_``, what the fit came to is ``history_``.
    """

    def __init__(
        self,
        weights: str | os.PathLike[str] | Model | None = None,
        freeze: Spec | None = None,
        *,
        network: str = "dense 64, relu, dense",
        epochs: int = 20,
        batch: int = 32,
        optimizer: str | Optimizer | None = None,
        rate: float | None = None,
        policy: str | policies.Named | policies.Policy | None = None,
        options: dict[str, Any] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.weights = weights
        self.freeze = freeze
        self.network = network
        self.epochs = epochs
        self.batch = batch
        self.optimizer = optimizer
        self.rate = rate
        self.policy = policy
        self.options = options
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> FineTuner:
        """Begins with the weights and trains. Returns itself."""
        X, y = validate_data(self, X, y, dtype=_DTYPES, allow_nd=True)
        check_classification_targets(y)
        self.classes_, places = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise UsageError("[fit] y holds 1 class, FineTuner wants two or more")
        if isinstance(self.random_state, (int, np.integer)):
            seed = int(self.random_state)
        else:
            seed = int(check_random_state(self.random_state).randint(1, 2**31 - 1))
        names = [_labels._text(value) for value in self.classes_.tolist()]
        self.model_ = self._start(X, names, seed)
        known = [_labels._text(value) for value in self.model_.classes_.tolist()]
        self._order = [known.index(name) for name in names]
        self.history_ = self.model_.fit(
            X, np.array(names)[places], epochs=self.epochs, batch=self.batch, optimizer=self.optimizer, rate=self.rate,
            freeze=self.freeze, policy=self.policy, seed=seed, **self.options or {},
        )  # fmt: skip
        return self

    def _start(self, X: Any, names: list[str], seed: int) -> Model:
        if self.weights is None:
            return Model.from_spec(self.network, input=X.shape[1:], classes=names, seed=seed)
        model = copy.deepcopy(self.weights) if isinstance(self.weights, Model) else load(self.weights)
        if set(names) != {_labels._text(value) for value in model.classes_.tolist()}:
            model.new_head(names, seed=seed)
        return model

    def _asked(self, X: Any) -> Any:
        check_is_fitted(self)
        return validate_data(self, X, dtype=_DTYPES, allow_nd=True, reset=False)

    def _layout(self) -> str | None:
        return (self.options or {}).get("layout")

    def predict_proba(self, X: Any) -> Any:
        """Probabilities (n_samples, n_classes), in the order of ``classes_``."""
        X = self._asked(X)
        return self.model_.predict_proba(X, layout=self._layout())[:, self._order]

    def predict(self, X: Any) -> Any:
        """A class for each sample."""
        places = self.predict_proba(X).argmax(1)
        return self.classes_[places]
