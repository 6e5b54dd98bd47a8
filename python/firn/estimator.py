"""Estimators of scikit-learn that fine-tune a firn model. Imported when they are asked for."""

from __future__ import annotations

import copy
import os
from typing import Any

import numpy as np
from sklearn.base import (  # type: ignore[import-untyped,import-not-found,unused-ignore]
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
)
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

__all__ = ["FineTuneRegressor", "FineTuner"]

_DTYPES = [np.float32, np.float64, np.uint8]


class _Tuner(BaseEstimator):  # type: ignore[misc,unused-ignore]
    """What the two have in common: parameters, and the model that a fit begins with."""

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

    def _seed(self) -> int:
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(1, 2**31 - 1))

    def _loaded(self) -> Model:
        """The weights as they are given; ``weights`` itself stays as it is."""
        assert self.weights is not None
        return copy.deepcopy(self.weights) if isinstance(self.weights, Model) else load(self.weights)

    def _train(self, model: Model, X: Any, y: Any, seed: int) -> None:
        self.model_ = model
        self.history_ = model.fit(
            X, y, epochs=self.epochs, batch=self.batch, optimizer=self.optimizer, rate=self.rate,
            freeze=self.freeze, policy=self.policy, seed=seed, **self.options or {},
        )  # fmt: skip

    def _asked(self, X: Any) -> Any:
        check_is_fitted(self)
        return validate_data(self, X, dtype=_DTYPES, allow_nd=True, reset=False)

    def _layout(self) -> str | None:
        return (self.options or {}).get("layout")


class FineTuner(ClassifierMixin, _Tuner):  # type: ignore[misc,unused-ignore]
    """Fine-tunes a trained network as a classifier of scikit-learn.

    ``weights``: a weights file, a run's folder, a .pt2 or .onnx file, or a ``firn.Model``, which stays as it is;
    None: a new network of the text ``network``. Where the classes of ``y`` are not those of the weights the last
    block starts anew. ``freeze``: as ``Model.fit`` takes it; None: what the weights have frozen. ``options``: more
    of what ``Model.fit`` takes. Each ``fit`` begins with the weights again.

    ``X``: (n_samples, n_features), or images (n_samples, H, W, C) and sequences as ``Model.fit`` takes them.
    After ``fit`` the network is ``model_``, what the fit came to is ``history_``.
    """

    def fit(self, X: Any, y: Any) -> FineTuner:
        """Begins with the weights and trains. Returns itself."""
        X, y = validate_data(self, X, y, dtype=_DTYPES, allow_nd=True)
        check_classification_targets(y)
        self.classes_, places = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise UsageError("[fit] y holds 1 class, FineTuner wants two or more")
        seed = self._seed()
        names = [_labels._text(value) for value in self.classes_.tolist()]
        model = self._start(X, names, seed)
        known = [_labels._text(value) for value in model.classes_.tolist()]
        self._order = [known.index(name) for name in names]
        self._train(model, X, np.array(names)[places], seed)
        return self

    def _start(self, X: Any, names: list[str], seed: int) -> Model:
        if self.weights is None:
            return Model.from_spec(self.network, input=X.shape[1:], classes=names, seed=seed)
        model = self._loaded()
        if set(names) != {_labels._text(value) for value in model.classes_.tolist()}:
            model.new_head(names, seed=seed)
        return model

    def predict_proba(self, X: Any) -> Any:
        """Probabilities (n_samples, n_classes), in the order of ``classes_``."""
        X = self._asked(X)
        return self.model_.predict_proba(X, layout=self._layout())[:, self._order]

    def predict(self, X: Any) -> Any:
        """A class for each sample."""
        places = self.predict_proba(X).argmax(1)
        return self.classes_[places]


class FineTuneRegressor(RegressorMixin, _Tuner):  # type: ignore[misc,unused-ignore]
    """The same as a regressor: ``y`` is (n_samples,) or (n_samples, n_targets), in whatever unit it has.

    The last block starts anew unless the weights are of a regression with as many targets.
    """

    def fit(self, X: Any, y: Any) -> FineTuneRegressor:
        """Begins with the weights and trains. Returns itself."""
        X, y = validate_data(self, X, y, dtype=_DTYPES, allow_nd=True, multi_output=True, y_numeric=True)
        self._flat = y.ndim == 1
        seed = self._seed()
        self._train(self._start(X, 1 if self._flat else y.shape[1], seed), X, y, seed)
        return self

    def _start(self, X: Any, targets: int, seed: int) -> Model:
        if self.weights is None:
            return Model.from_spec(self.network, input=X.shape[1:], classes=targets, task="regression", seed=seed)
        model = self._loaded()
        if model.task != "regression" or len(model.classes_) != targets:
            model.new_head(targets, task="regression", seed=seed)
        return model

    def predict(self, X: Any) -> Any:
        """The numbers of each sample, in the shape and the unit of ``y``."""
        X = self._asked(X)
        numbers = self.model_.predict(X, layout=self._layout()).astype(np.float64)
        return numbers.reshape((len(X),) if self._flat else (len(X), -1))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
