"""A model: made, frozen, trained, asked, kept."""

from __future__ import annotations

import difflib
import operator
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _arrays, _core, _labels
from .callbacks import Callback, Step, checked, overridden
from .datasets import Data, Part
from .errors import ShapeError, UnknownNameError, UsageError
from .optimizers import Optimizer
from .records import History, Summary

__all__ = ["Model", "load"]

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

_OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop")


def _named(call: Callable[[str], list[str]], spec: str) -> list[str]:
    try:
        return call(spec)
    except UsageError as error:
        text = str(error)
        unknown = any(words in text for words in ("no block", "is called", "has the role", "there is no", "blocks, not"))
        if not unknown:
            raise
        raise UnknownNameError(text, error.operation) from None


def _freeze_text(spec: str | int | Sequence[int | str]) -> str:
    if isinstance(spec, str):
        return spec
    if isinstance(spec, int):
        return str(spec)
    parts = [str(part) for part in spec]
    # A number alone means so many blocks; one in a list that block.
    return parts[0] + "," + parts[0] if len(parts) == 1 and parts[0].isdigit() else ",".join(parts)


class Weights(Mapping[str, Floats]):
    """The parameters by name, in PyTorch's layout: read-only views of where they lie, which change as the model
    trains. ``{name: array.copy() for name, array in model.weights.items()}`` keeps them."""

    def __init__(self, core: _core.Learner) -> None:
        self._core = core

    def __getitem__(self, name: str) -> Floats:
        names = self._core.parameters
        if name not in names:
            near = difflib.get_close_matches(name, names, 1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise UnknownNameError(f"[weights] {self._core.name} has no parameter {name}{hint}")
        view, shape = self._core.weight(name)
        array: Floats = view.reshape(shape)
        array.flags.writeable = False
        return array

    def __iter__(self) -> Iterator[str]:
        return iter(self._core.parameters)

    def __len__(self) -> int:
        return len(self._core.parameters)

    def __repr__(self) -> str:
        return f"<firn.Weights {list(self)}>"


class Model:
    """A network with all that it takes to train it, to ask it and to keep it.

    Made by :meth:`from_spec`, by ``firn.models`` or by ``firn.load``. ``fit`` twice goes on with the weights of the
    first time. One thread may use a model at a time.
    """

    def __init__(self, core: _core.Learner, names: Sequence[str] | None = None) -> None:
        self._core = core
        self._names = list(names) if names is not None else None

    # Making

    @classmethod
    def from_spec(
        cls,
        spec: str,
        *,
        input: Sequence[int] | None = None,
        classes: int | Sequence[Any] | None = None,
        data: Data | None = None,
        task: str | None = None,
        vocabulary: int = 0,
        lengths: bool = False,
        init: str = "pytorch",
        seed: int = 1,
    ) -> Model:
        """A new model.

        ``spec``: the text of a network (``"conv 32 3x3, relu, pool 2, dense"``, docs/networks.md), a file that holds
        one, or the name of a known model. ``input``: the shape of one sample, images (H, W, C), sequences (T, F),
        vectors (F,), tokens (T,) with their ``vocabulary``. ``classes``: their number or their names, in the order
        of the answers. With ``data`` both are the data's. ``task``: "classification", "regression" (as many numbers
        as ``classes``), "labels" (any of them at once) or "next-token". ``init``: "pytorch", "he", "xavier" or
        "orthogonal", drawn by ``seed``.
        """
        names: list[str] | None = None
        if data is not None:
            if input is not None or classes is not None:
                raise UsageError("[model] data says what input and classes are: leave these away")
            first = data._first()._core
            input, vocabulary = first.shape, len(first.vocabulary)
            lengths = (first.kind == "tokens" and not first.label_each_step) or first.kind == "sequence"
            width = len(first.classes)
            usual = {"numbers": "regression", "labels": "labels"}.get(first.targets, "classification")
            task = task or ("next-token" if first.label_each_step else usual)
        elif input is None or classes is None:
            raise UsageError("[model] input=(H, W, C) and classes=N are needed, or data=")
        elif isinstance(classes, int):
            width = classes
        else:
            names = [_labels._text(name) for name in classes]
            width = len(names)
        lengths = lengths or vocabulary > 0 and task != "next-token"
        core = _core.Learner(
            spec, [operator.index(size) for size in input], vocabulary, lengths, width, task or "classification", init, seed
        )
        return cls(core, names)

    # Looking

    @property
    def name(self) -> str:
        return self._core.name

    @property
    def network(self) -> str:
        """The text of the network, as ``from_spec`` takes it."""
        return self._core.network

    @property
    def input(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return tuple(self._core.sample)

    @property
    def task(self) -> str:
        return self._core.task

    @property
    def metrics(self) -> list[str]:
        """What ``evaluate`` measures; the first is what ``score`` gives."""
        return self._core.metrics

    @property
    def blocks(self) -> list[str]:
        """What freezing counts in."""
        return self._core.blocks

    @property
    def classes_(self) -> Array:
        """The classes, labels or targets in the order of the answers; numbers from 0 where they are not known yet."""
        return _labels.classes_array(self._known_names() or [str(i) for i in range(self._core.width)])

    @property
    def notes(self) -> list[str]:
        """What is worth knowing of the file or the last fit."""
        return self._core.notes

    @property
    def weights(self) -> Weights:
        return Weights(self._core)

    def load_weights(self, weights: Mapping[str, Any]) -> None:
        """Takes arrays by name, in PyTorch's layout: ``module.state_dict()``, or ``other.weights``. Names that the
        model does not have are passed over where they are counters of batch norms; all of its own are wanted.
        Nothing is changed unless all of it fits."""
        own = list(self.weights)
        extra = [name for name in weights if name not in own and not name.endswith("num_batches_tracked")]
        missing = [name for name in own if name not in weights]
        if extra or missing:
            said = [f"no {', '.join(missing)}"] if missing else []
            said += [f"unknown {', '.join(extra)}"] if extra else []
            raise UnknownNameError(f"[weights] {'; '.join(said)}: {self.name} has {', '.join(own)}")
        taken: dict[str, Floats] = {}
        for name in own:
            array = np.array(_arrays.as_array(weights[name]), np.float32, order="C")
            if array.shape != self.weights[name].shape:
                raise ShapeError(f"[weights] {name} is {self.weights[name].shape}, not {array.shape}")
            if not np.isfinite(array).all():
                raise UsageError(f"[weights] {name} holds a NaN or an infinity")
            taken[name] = array
        for name, array in taken.items():
            self._core.set_weight(name, array)

    def summary(self, freeze: str | int | Sequence[int | str] | None = None, *, batch: int = 64) -> Summary:
        """The blocks, and what a training step of ``batch`` samples does for each: multiply-adds of the forward pass
        (F), of input gradients (X) and weight gradients (W), bytes kept. With ``freeze`` as if that alone were
        frozen."""
        spec = None if freeze is None else _freeze_text(freeze)
        rows: list[_core.BlockSummary] = []

        def look(text: str) -> list[str]:
            rows.extend(self._core.summary(batch, text))
            return []

        if spec is None:
            rows = self._core.summary(batch, None)
        else:
            _named(look, spec)
        return Summary(rows, self.name, batch)

    def explain(self, freeze: str | int | Sequence[int | str] | None = None, *, batch: int = 64) -> str:
        """The listing of a training step: every kernel, what is kept and for whom, what is left out and why."""
        return self._core.explain(batch, None if freeze is None else _freeze_text(freeze))

    def __repr__(self) -> str:
        frozen = len(self.frozen())
        return (
            f"<firn.Model {self.name}: {self.input} to {self._core.width} ({self.task}), "
            f"{len(self.blocks)} blocks, {frozen} of {len(self.weights)} tensors frozen>"
        )

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    # Freezing

    def freeze(self, *specs: str | int | Sequence[int | str]) -> list[str]:
        """Freezes besides what is frozen already; the names of the tensors that ``specs`` name.

        A spec: a glob on names ("conv*"), a block's name, "role:norm", "conv3.weight[0:48]" (units), "half", "head"
        (all but the last block), "all", 3 (the first three blocks), [0, 2] (these blocks). Raises UnknownNameError
        (a KeyError) with the nearest name; nothing is changed then."""
        return self._each(self._core.freeze, specs)

    def thaw(self, *specs: str | int | Sequence[int | str]) -> list[str]:
        """Lets train again: "all", a block by name, a glob, a role or units; the names of what they name."""
        return self._each(self._core.thaw, specs)

    def frozen(self) -> list[str]:
        """The names of the tensors that do not train; with their units where that is a part."""
        return self._core.frozen()

    def _each(self, call: Callable[[str], list[str]], specs: Sequence[str | int | Sequence[int | str]]) -> list[str]:
        if not specs:
            raise UsageError('[freeze] say what: "conv*", "head", 2')
        names: dict[str, None] = {}
        for spec in specs:
            names.update(dict.fromkeys(_named(call, _freeze_text(spec))))
        return list(names)

    def new_head(
        self, classes: int | Sequence[Any], *, task: str = "classification", init: str = "zero", seed: int = 1
    ) -> None:
        """Another last block, for other ``classes`` (their number, or their names): from "zero" or "random" numbers.
        The rest stays, with what is frozen of it."""
        names = None if isinstance(classes, int) else [_labels._text(name) for name in classes]
        self._core.new_head(classes if isinstance(classes, int) else len(names or ()), task, init, seed)
        self._names = names

    # Training

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        validation: Any = None,
        epochs: int = 5,
        batch: int = 64,
        optimizer: str | Optimizer | None = None,
        rate: float | None = None,
        schedule: str = "cosine",
        freeze: str | int | Sequence[int | str] | None = None,
        thaw: Mapping[int, str] | None = None,
        policy: str = "",
        callbacks: Sequence[Callback] = (),
        seed: int = 1,
        layout: str | None = None,
        lengths: Any = None,
        clip: float = 0.0,
        smoothing: float = 0.0,
        augment: str = "",
        block_rates: Sequence[float] = (),
        patience: int = 0,
        restore_best: bool = False,
        class_weights: str | Sequence[float] = "",
        frozen_norm: str = "frozen",
        frozen_dropout: str = "off",
        frozen_precision: str = "fp32",
        frozen_state: str = "drop",
        thaw_warm_up: int = 0,
        cache: str = "auto",
        exact: bool = False,
        verbose: bool = False,
    ) -> History:
        """Trains; the same data, options and seed as ``firn train`` give the same bits.

        ``x``: an array, images (N, H, W, C) (or (N, C, H, W) with ``layout="nchw"``), sequences (N, T, F)
        (``"nft"``: (N, F, T)) with their ``lengths``, vectors (N, F), tokens (N, T); or ``firn.data(...)``, whose parts
        are used. float32, float64 and uint8 are read where they lie; images of uint8 as 0 to 1. Numbers are
        standardised by the training samples, which the model remembers: predict takes them as they are.

        ``y``: labels of any kind (N,); of regression numbers (N,) or (N, K), of several labels 0 and 1 (N, K).
        ``validation``: (x, y), or "split" to hold out a part of each class as the program does.

        ``optimizer``: "sgd", "adam", "adamw", "rmsprop" or ``firn.SGD(...)`` and so on (None: by the model, with its
        usual rate). ``schedule``: "cosine", "constant", "one-cycle", "step:EVERY:GAMMA", each also with
        ",warm-up:STEPS". ``freeze``: this and nothing else is frozen, as :meth:`freeze` takes it. ``thaw``:
        {epoch: what}. ``policy``: what decides while it trains: "lp-ft", "gradual", "freezeout,t0=0.5"
        (docs/freezing.md). ``augment``: "flip,shift:2,crop:4". ``patience`` epochs without a better score end it;
        ``restore_best`` leaves the best epoch's weights instead of the last.

        Ctrl-C ends it after the step: the model is whole, KeyboardInterrupt is raised.
        """
        if freeze is not None:
            self._set_freeze(_freeze_text(freeze))
        train, held = self._parts(x, y, validation, layout, lengths)
        options = _core.FitOptions()
        _take_optimizer(options, optimizer, rate)
        weights = class_weights if isinstance(class_weights, str) else ",".join(repr(float(w)) for w in class_weights)
        given: dict[str, Any] = dict(
            epochs=epochs, batch=batch, seed=seed, schedule=schedule, clip=clip, smoothing=smoothing, augment=augment,
            block_rates=list(block_rates), patience=patience, class_weights=weights, policy=policy, exact=exact,
            thaw=[f"{epoch}:{what}" for epoch, what in (thaw or {}).items()], frozen_state=frozen_state, cache=cache,
            thaw_warm_up=thaw_warm_up, frozen_norm=frozen_norm, frozen_dropout=frozen_dropout,
            frozen_precision=frozen_precision, restore_best=restore_best,
        )  # fmt: skip
        for option, value in given.items():
            try:
                setattr(options, option, value)
            except TypeError:
                raise TypeError(f"[fit] {option} {value!r} is {type(value).__name__}, want another type") from None
        return History(self._core.fit(train, held, options, *self._hooks(callbacks, verbose)), self)

    def _set_freeze(self, spec: str) -> None:
        before = self.frozen()
        self._core.thaw("all")
        try:
            if spec != "none":
                _named(self._core.freeze, spec)
        except UsageError:
            for name in before:
                self._core.freeze(name)
            raise

    def _hooks(
        self, callbacks: Sequence[Callback], verbose: bool
    ) -> tuple[
        Callable[[int], bool] | None, Callable[[int, int, float], bool] | None, Callable[[_core.Epoch], bool] | None
    ]:
        given = checked(callbacks)
        begin = overridden(given, "on_epoch_begin")
        step = overridden(given, "on_step_end")
        end = overridden(given, "on_epoch_end")

        def on_begin(epoch: int) -> bool:
            return any([c.on_epoch_begin(self, epoch) is True for c in begin])

        def on_step(number: int, steps: int, loss: float) -> bool:
            return any([c.on_step_end(self, Step(number, steps, loss)) is True for c in step])

        def on_end(record: _core.Epoch) -> bool:
            if verbose:
                score = f"  validation {self.metrics[0]} {record.validation_score:.4f}" if record.validated else ""
                print(f"epoch {record.epoch}  loss {record.loss:.4f}{score}  {record.seconds:.2f} s", flush=True)
            return any([c.on_epoch_end(self, record) is True for c in end])

        return on_begin if begin else None, on_step if step else None, on_end if end or verbose else None

    # Asking

    def predict(self, x: Any, *, layout: str | None = None, lengths: Any = None) -> Array:
        """The class of each sample (N,); of several labels 0 and 1 (N, K), of regression numbers (N,) or (N, K).

        ``x``: as ``fit`` takes it; a part of ``firn.data``; for models that read them also paths of pictures, or
        texts."""
        answers = self.predict_proba(x, layout=layout, lengths=lengths) if self.task != "regression" else None
        if answers is None:
            numbers = self._core.answers(self._asked(x, layout, lengths))
            return numbers[:, 0] if numbers.shape[1] == 1 else numbers
        if self.task == "labels":
            return (answers >= 0.5).astype(np.int64)
        return np.asarray(self.classes_[answers.argmax(1)])

    def predict_proba(self, x: Any, *, layout: str | None = None, lengths: Any = None) -> Floats:
        """Probabilities of the classes or labels (N, K), in the order of ``classes_``."""
        if self.task == "regression":
            raise UsageError("[predict] regression has no probabilities: predict gives the numbers")
        return self._core.answers(self._asked(x, layout, lengths))

    def logits(self, x: Any, *, layout: str | None = None, lengths: Any = None) -> Floats:
        """The output as the network gives it (N, K)."""
        return self._core.outputs(self._asked(x, layout, lengths))

    def features(self, x: Any, upto: str, *, layout: str | None = None, lengths: Any = None) -> Floats:
        """What the block ``upto`` gives for each sample, (N, ...): images (N, H, W, C)."""
        samples = self._asked(x, layout, lengths)
        try:
            return self._core.features(samples, upto)
        except UsageError as error:
            if "no block" not in str(error):
                raise
            raise UnknownNameError(str(error), error.operation) from None

    def score(self, x: Any, y: Any = None, *, layout: str | None = None, lengths: Any = None) -> float:
        """The first of ``metrics``: accuracy, R², or the F1 of several labels."""
        return self.evaluate(x, y, layout=layout, lengths=lengths)[self.metrics[0]]

    def evaluate(
        self, x: Any, y: Any = None, *, layout: str | None = None, lengths: Any = None
    ) -> dict[str, float]:
        """All ``metrics`` and the loss on samples with labels: arrays, or a part of ``firn.data``."""
        if isinstance(x, Data):
            x = x.test
        samples = x._core if isinstance(x, Part) else self._labelled(x, y, layout, lengths, "x", self._known_names())
        result = self._core.evaluate(samples)
        return {**dict(zip(self.metrics, result.metrics, strict=True)), "loss": result.loss}

    # Keeping

    def save(self, path: str | os.PathLike[str]) -> None:
        """A weights file (safetensors, PyTorch's names) with the network and how samples are prepared: for
        ``firn.load``, the program, and PyTorch."""
        self._core.save(os.fspath(path))

    def __getstate__(self) -> dict[str, Any]:
        return {
            "file": self._core.to_bytes(),
            "prepared": self._core.prepared,
            "names": self._names,
            "frozen": self.frozen(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._core = _core.Learner.from_bytes(state["file"], state["prepared"])
        self._names = state["names"]
        for name in state["frozen"]:
            self._core.freeze(name)

    # What arrays become

    def _known_names(self) -> list[str]:
        return self._names or self._core.names

    def _labelled(
        self, x: Any, y: Any, layout: str | None, lengths: Any, name: str, names: Sequence[str]
    ) -> _core.Samples:
        array = _arrays.as_array(x)
        count = array.shape[0] if array.ndim else 0
        if y is None:
            raise UsageError(f"[data] {name} is an array: its labels are wanted too")
        vocabulary = [str(i) for i in range(self._core.vocabulary)]
        sample = self._core.sample
        if self.task in ("classification", "next-token"):
            labels = _labels.column(y, count)
            known = list(names) or _labels.new_names(labels, self._core.width)
            places = _labels.places(labels, known)
            return _arrays.make(self._core.kind, array, sample, layout, lengths, places, known, vocabulary, name)
        targets = np.ascontiguousarray(np.asarray(y), np.float64).reshape(count, -1)
        if targets.shape[1] != self._core.width:
            raise ShapeError(f"[data] {targets.shape[1]} targets a sample, {self.name} answers with {self._core.width}")
        columns = list(names) or (["y"] if targets.shape[1] == 1 else [f"y{i}" for i in range(targets.shape[1])])
        nothing = np.zeros(count, np.int32)
        plain = _arrays.make(self._core.kind, array, sample, layout, lengths, nothing, ["?"], vocabulary, name)
        return _core.with_targets(plain, "labels" if self.task == "labels" else "numbers", columns, targets)

    def _parts(
        self, x: Any, y: Any, validation: Any, layout: str | None, lengths: Any
    ) -> tuple[_core.Samples, _core.Samples | None]:
        if isinstance(x, Data):
            if x.train is None:
                raise UsageError(f"[data] {x.name} has no training part")
            held = x.validation if validation is None else validation
            return x.train._core, self._validation(held, layout, self._known_names())
        if isinstance(x, Part):
            return x._core, self._validation(validation, layout, self._known_names())
        train = self._labelled(x, y, layout, lengths, "x", self._known_names())
        if isinstance(validation, str):
            if validation != "split":
                raise UsageError(f"[data] validation '{validation}': want (x, y), a part, or 'split'")
            parts = _core.draw_parts(train, _core.DataOptions())
            assert parts.train is not None
            return parts.train, parts.validation
        return train, self._validation(validation, layout, train.classes)

    def _validation(self, given: Any, layout: str | None, names: Sequence[str]) -> _core.Samples | None:
        if given is None or isinstance(given, Part):
            return None if given is None else given._core
        if not isinstance(given, Sequence) or len(given) not in (2, 3):
            raise UsageError("[data] validation: want (x, y), or (x, y, lengths)")
        return self._labelled(
            given[0], given[1], layout, given[2] if len(given) == 3 else None, "validation x", names
        )

    def _asked(self, x: Any, layout: str | None, lengths: Any) -> _core.Samples:
        if isinstance(x, Data):
            raise UsageError("[predict] say which part: data.test")
        if isinstance(x, Part):
            return x._core
        if isinstance(x, (str, os.PathLike)):
            x = [x]
        if isinstance(x, (list, tuple)) and x and all(isinstance(one, (str, os.PathLike)) for one in x):
            words = [os.fspath(one) for one in x]
            return self._core.texts(words) if self._core.kind == "tokens" else self._core.pictures(words)
        vocabulary = [str(i) for i in range(self._core.vocabulary)]
        array = _arrays.as_array(x)
        return _arrays.make(self._core.kind, array, self._core.sample, layout, lengths, None, [], vocabulary, "x")


def _take_optimizer(options: _core.FitOptions, optimizer: str | Optimizer | None, rate: float | None) -> None:
    options.rate = rate
    if optimizer is None:
        return
    if isinstance(optimizer, str):
        options.optimizer = optimizer
        return
    if getattr(optimizer, "name", None) not in _OPTIMIZERS:
        raise UsageError(f"[fit] optimizer {optimizer!r}: want one of {', '.join(_OPTIMIZERS)} or firn.Adam(...)")
    if rate is not None:
        raise UsageError(f"[fit] rate {rate} and one in {optimizer!r}: say it once")
    options.optimizer = optimizer.name
    options.rate = optimizer.rate
    options.decay = optimizer.decay
    options.momentum = getattr(optimizer, "momentum", None)
    options.nesterov = getattr(optimizer, "nesterov", False)


def load(path: str | os.PathLike[str], *, model: str = "") -> Model:
    """A model from a weights file, or from the folder of a run (``runs/NAME``). ``model``: its name or network, for
    files that firn has not written."""
    return Model(_core.Learner.load(os.fspath(path), model))
