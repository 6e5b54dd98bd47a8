"""A model: made, frozen, trained, asked, kept."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from . import _arrays, _core, _fitting, _labels, _torch, policies
from . import weights as weights_module
from ._freezing import Freezing
from ._options import set_options, whole
from ._specs import Spec, freeze_text
from .callbacks import Callback
from .datasets import Data, Part
from .errors import UsageError
from .optimizers import Optimizer
from .outlooks import Advice
from .records import History
from .schedules import Schedule
from .weights import Weights

__all__ = ["Model", "load"]


class Model(Freezing):
    """A network with all that it takes to train it, to ask it and to keep it.

    Made by :meth:`from_spec`, ``firn.models``, ``firn.load``, or of other programs' networks by :meth:`from_torch`,
    :meth:`from_pt2` and :meth:`from_onnx`. ``fit`` twice goes on with the weights of the first time. Threads that share
    a model take turns.
    """

    # Making

    @classmethod
    def from_spec(
        cls,
        spec: str | os.PathLike[str],
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
        else:
            width, names = _labels.named(classes)
        if not isinstance(spec, (str, os.PathLike)):
            raise TypeError(f"[model] spec {spec!r} is {type(spec).__name__}, want the text of a network")
        lengths = lengths or vocabulary > 0 and task != "next-token"
        core = _core.Learner(
            os.fspath(spec), _arrays.sizes(input), whole(vocabulary, "model", "vocabulary"), lengths, width,
            task or "classification", init, whole(seed, "model", "seed"),
        )
        return cls(core, names, None if names is None else _labels.kind_of(classes))

    @classmethod
    def from_torch(cls, module: Any, example: Any, *, classes: Sequence[Any] | None = None) -> Model:
        """A module of PyTorch (2.9 or later) with its weights, as it stands: ``torch.export`` of its evaluating mode.
        ``example``: a batch as the module takes it; its first axis is the samples, how many does not matter. What
        has ``requires_grad=False`` is frozen, running statistics with it. The weights are read where they lie in the
        module and copied once, since firn lays them out otherwise; :meth:`to_torch` brings them back.

        ``classes``: what the answers are called, in their order. Samples are taken as they are: what the module
        wants done before (a mean taken off) is to be done. Images are (N, H, W, C) here too, unless
        ``layout="nchw"`` is said. What can be taken: docs/import.md. Raises ModelFileError for what cannot."""
        program, weights = _torch.exported(module, example)
        return cls._named(_core.Learner.of_program(program, type(module).__name__, weights), classes)

    @classmethod
    def from_pt2(cls, path: str | os.PathLike[str], *, classes: Sequence[Any] | None = None) -> Model:
        """The same of what ``torch.export.save`` has written."""
        return cls._named(_core.Learner.of_file(os.fspath(path), []), classes)

    @classmethod
    def from_onnx(
        cls,
        path: str | os.PathLike[str],
        *,
        input: Sequence[int] | None = None,
        classes: Sequence[Any] | None = None,
    ) -> Model:
        """A network of an ONNX file. ``input``: the shape of one sample, (H, W, C), where the file leaves it open."""
        return cls._named(_core.Learner.of_file(os.fspath(path), _arrays.sizes(input or ())), classes)

    @classmethod
    def _named(cls, core: _core.Learner, classes: Sequence[Any] | None) -> Model:
        width, names = (core.width, None) if classes is None else _labels.named(classes)
        if width != core.width:
            raise UsageError(f"[model] {width} classes, {core.name} answers in {core.width}")
        return cls(core, names, None if names is None else _labels.kind_of(classes))

    # Looking

    @property
    def network(self) -> str:
        """The text of the network, as ``from_spec`` takes it."""
        return self._core.network

    @property
    def input(self) -> tuple[int, ...]:
        """The shape of one sample."""
        return tuple(self._core.sample)

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
        with self._turn:
            weights_module.load(self._core, weights)

    def advise(
        self,
        x: Any,
        y: Any = None,
        *,
        validation: Any = None,
        time: float = 0,
        memory: float = 0,
        accuracy: float = 0,
        probe_time: float = 60,
        epochs: int = 5,
        batch: int = 64,
        optimizer: str | Optimizer | None = None,
        rate: float | None = None,
        schedule: str | Schedule = "cosine",
        seed: int = 1,
        layout: str | None = None,
        lengths: Any = None,
    ) -> Advice:
        """How many of the first blocks to freeze for ``fit`` with these options: cuts are trained on copies, the
        cheapest first, as many as ``probe_time`` seconds allow. The model stays as it is.

        ``time``: seconds for trials and training together; ``memory``: bytes; ``accuracy``: what is wanted, from 0 to
        1; 0: no bound, and the best. ``validation`` as in ``fit``; a part is held out where there is none."""
        held = "split" if validation is None and not isinstance(x, (Data, Part)) else validation
        train, chosen_by = self._feeding().parts(x, y, held, layout, lengths)
        options = _core.FitOptions()
        _fitting.take_optimizer(options, optimizer, rate)
        set_options(options, "fit", epochs=epochs, batch=batch, schedule=str(schedule), seed=seed)
        with self._turn:
            advice = _core.advise(self._core, train, chosen_by, options, time, memory, accuracy, probe_time)
        return Advice(advice, self.blocks)

    def __repr__(self) -> str:
        frozen = len(self.frozen())
        return (
            f"<firn.Model {self.name}: {self.input} to {self._core.width} ({self.task}), "
            f"{len(self.blocks)} blocks, {frozen} of {len(self.weights)} tensors frozen>"
        )

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def new_head(
        self, classes: int | Sequence[Any], *, task: str = "classification", init: str = "zero", seed: int = 1
    ) -> None:
        """Another last block, for other ``classes`` (their number, or their names): from "zero" or "random" numbers.
        The rest stays, with what is frozen of it."""
        width, names = _labels.named(classes)
        with self._turn:
            self._core.new_head(width, task, init, whole(seed, "head", "seed"))
            self._names = names
            self._label_kind = None if names is None else _labels.kind_of(classes)

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
        schedule: str | Schedule = "cosine",
        freeze: Spec | None = None,
        thaw: Mapping[int, Spec] | None = None,
        policy: str | policies.Named | policies.Policy | None = None,
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
        precision: str = "fp32",
        frozen_precision: str = "fp32",
        frozen_state: str = "drop",
        thaw_warm_up: int = 0,
        cache: str = "auto",
        exact: bool = False,
        save: str | os.PathLike[str] | None = None,
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
        ",warm-up:STEPS", or ``firn.Cosine(warm_up=100)`` and so on. ``freeze``: this and nothing else is frozen, as
        :meth:`freeze` takes it. ``thaw``: {epoch: what}. ``policy``: what decides while it trains: "lp-ft", "gradual",
        "freezeout,t0=0.5" (docs/freezing.md), ``firn.policies.freezeout(t0=0.5)``, or a ``firn.Policy`` of your own.
        ``augment``: "flip,shift:2,crop:4". ``patience`` epochs without a better score end it; ``restore_best`` leaves
        the best epoch's weights instead of the last. ``verbose`` prints a line an epoch (``firn.Progress``).

        ``block_rates``: a factor on the rate for each block. ``clip``: all gradients together are cut to this 2-norm (0:
        not). ``smoothing`` of labels, below 1. ``class_weights``: "balanced", or a number for each class. Of what is frozen:
        ``frozen_norm`` "frozen" (batch norms use what they know) or "batch", ``frozen_dropout`` "off" or "on" below the
        lowest layer that trains, ``frozen_state`` of the optimizer "drop", "keep" or "decay:F", ``thaw_warm_up``: steps over
        which the rate of what is thawed rises. ``precision`` "fp32" or "bf16" of the whole step, ``frozen_precision`` of what
        lies below the lowest layer that trains. ``cache``: whether what the frozen part gives is kept between epochs:
        "auto" (where that is measured to pay), "on", "off", "ram", "disk". ``exact``: no convolution by Winograd's
        algorithm. More in docs/freezing.md.

        Ctrl-C ends it after the step: the model is whole, KeyboardInterrupt is raised. ``save``: the weights file that
        is written then, and at the end (:meth:`save`); what else breaks a fit off leaves it with the last whole step.
        """
        train, held = self._feeding().parts(x, y, validation, layout, lengths)
        options = _fitting.options_of(
            optimizer, rate,
            epochs=epochs, batch=batch, seed=seed, schedule=schedule, clip=clip, smoothing=smoothing, augment=augment,
            block_rates=block_rates, patience=patience, class_weights=class_weights, policy=policy, exact=exact,
            thaw=thaw or {}, frozen_state=frozen_state, cache=cache, thaw_warm_up=thaw_warm_up,
            frozen_norm=frozen_norm, frozen_dropout=frozen_dropout, precision=precision,
            frozen_precision=frozen_precision, restore_best=restore_best,
        )  # fmt: skip
        hooks = _fitting.hooks(self, callbacks, verbose)
        with self._turn, _fitting.kept(self, save):
            if freeze is not None:
                self._set_freeze(freeze_text(freeze))
            known = self._names or self._core.names
            history = self._core.fit(train, held, options, *hooks)
            if y is not None and not known:
                self._label_kind = _labels.kind_of(y)
            return History(history, self)

    # Keeping

    def save(self, path: str | os.PathLike[str]) -> None:
        """A weights file (safetensors, PyTorch's names) with the network and how samples are prepared: for
        ``firn.load``, the program, and PyTorch."""
        with self._turn:
            self._core.save(os.fspath(path))

    def to_onnx(self, path: str | os.PathLike[str], *, fold: bool = False) -> None:
        """The network for inference as an ONNX file: input "x", images (N, C, H, W), any batch; output "logits". Samples
        reach it as they reach the network, standardised where ``fit`` did that; how is in the file's metadata.
        ``fold``: batch norms become part of the layers before them. ``firn.load`` has the model again from it."""
        with self._turn:
            self._core.export_onnx(os.fspath(path), fold)

    def to_torch(self, module: Any) -> Any:
        """Puts the weights into a module of PyTorch that has parameters and buffers of these names and shapes, and
        gives it back. Nothing is changed unless all of them fit. With a new head the module wants one too."""
        _torch.put_weights(self.weights, module, self.name)
        return module

    def __getstate__(self) -> dict[str, Any]:
        with self._turn:
            return {
                "file": self._core.to_bytes(),
                "prepared": self._core.prepared,
                "names": self._names,
                "label_kind": self._label_kind,
                "frozen": self.frozen(),
            }

    def __setstate__(self, state: dict[str, Any]) -> None:
        Model.__init__(self, _core.Learner.from_bytes(state["file"], state["prepared"]), state["names"], state["label_kind"])
        self._put_back(state["frozen"])


def load(path: str | os.PathLike[str], *, model: str = "") -> Model:
    """A model from a weights file, or from the folder of a run (``runs/NAME``). ``model``: its name or network, for
    files that firn has not written."""
    return Model(_core.Learner.load(os.fspath(path), model))
