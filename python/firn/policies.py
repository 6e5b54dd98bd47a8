"""What decides, while a model trains, which blocks train: ``Model.fit(policy=...)``.

Those that firn knows are functions here, with the options of docs/freezing.md: ``firn.policies.gradual(every=2)``,
``firn.policies.freezeout(t0=0.5, scaled=False)``; ``firn.policies.names()`` lists them. One of your own is a
:class:`Policy`.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import _core
from ._tables import number_or_text
from .errors import UnknownNameError, UsageError

__all__ = ["Moment", "Named", "Policy", "Run", "names"]

BlockStatistics = _core.BlockStatistics
Run = _core.PolicyRun
"""``blocks`` (names, from the input to the head), ``epochs``, ``steps_per_epoch``, ``seed``."""

_NEEDS = ("gradient_norm", "weight_norm", "change")


class Moment:
    """A step that is about to be made: ``step`` (made so far, over all epochs), ``epoch`` (from 0),
    ``step_of_epoch``, ``schedule_factor`` of the rate, ``epoch_loss`` (mean of the epoch before), and ``blocks``
    by name, with what is known of each (what ``needs`` does not name stays as it was)."""

    def __init__(self, now: _core.Moment, names: Sequence[str]) -> None:
        self.step = now.step
        self.epoch = now.epoch
        self.step_of_epoch = now.step_of_epoch
        self.schedule_factor = now.schedule_factor
        self.epoch_loss = now.epoch_loss
        self.blocks: dict[str, BlockStatistics] = dict(zip(names, now.blocks, strict=False))


class Policy:
    """Override :meth:`decide`. Deterministic, please: then the same seed gives the same bits."""

    needs: Sequence[str] = ()
    """What is measured of each block in every step: "gradient_norm", "weight_norm", "change". Each costs a pass
    over the parameters."""

    def start(self, run: Run) -> None:
        """Before the first step."""

    def decide(self, now: Moment) -> Mapping[str, bool | float] | None:
        """Before each step: for blocks by name whether they train, or the factor on their rate (0: frozen). What is
        not named stays as it was; at first everything trains. What this raises ends the fit and comes out as
        itself."""
        raise NotImplementedError(f"{type(self).__name__}.decide(now)")


class Named:
    """One that firn knows, with its options; its text is the program's ``--policy``."""

    def __init__(self, text: str) -> None:
        _core.check_policy(text)
        self._text = text

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"<firn policy {self._text}>"


_KNOWN = {name.replace("-", "_"): (name, text, keys) for name, text, keys in _core.policies()}


def names() -> list[str]:
    """What the policies are called in the program."""
    return [name for name, _, _ in _KNOWN.values()]


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return value if isinstance(value, str) else repr(value)


def _told(text: str) -> Any:
    """What such a text stands for."""
    return text == "on" if text in ("on", "off") else number_or_text(text)


def __getattr__(name: str) -> Callable[..., Named]:
    if name not in _KNOWN:
        near = difflib.get_close_matches(name, _KNOWN, 1)
        hint = f" (did you mean {near[0]}?)" if near and not name.startswith("_") else ""
        raise AttributeError(f"no policy is called {name}{hint}")
    called, text, keys = _KNOWN[name]

    def make(**options: Any) -> Named:
        return Named(",".join([called, *(f"{key}={_value(value)}" for key, value in options.items())]))

    make.__name__ = make.__qualname__ = name
    make.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=_told(usual)) for key, usual, _ in keys]
    )
    options = "\n".join(f"{key} (usually {usual}): {line}" for key, usual, line in keys)
    make.__doc__ = f"{text}\n\n{options}"
    return make


def __dir__() -> list[str]:
    return [*_KNOWN, *__all__]


def apply(options: _core.FitOptions, policy: str | Named | Policy | None) -> None:
    """Sets what ``Model.fit`` was given. Raises UsageError for what is no policy."""
    if policy is None:
        return
    if isinstance(policy, (str, Named)):
        options.policy = str(policy)
        return
    if not isinstance(policy, Policy):
        raise UsageError(f"[policy] {policy!r} is none: want a name, one of firn.policies or a firn.Policy")
    unknown = [need for need in policy.needs if need not in _NEEDS]
    if unknown:
        raise UnknownNameError(f"[policy] needs '{unknown[0]}': want some of {', '.join(_NEEDS)}")
    blocks: list[str] = []
    plan: dict[str, tuple[bool, float]] = {}

    def begin(run: Run) -> None:
        blocks[:] = run.blocks
        plan.clear()
        plan.update({name: (True, 1.0) for name in blocks})
        policy.start(run)

    def decide(now: _core.Moment) -> list[tuple[bool, float]] | None:
        wanted = policy.decide(Moment(now, blocks))
        if wanted is None:
            return None
        if not isinstance(wanted, Mapping):
            raise TypeError(f"[policy] {type(policy).__name__}.decide gives {wanted!r}: want a dict by block, or None")
        for name, what in wanted.items():
            if name not in plan:
                near = difflib.get_close_matches(name, blocks, 1)
                hint = f" (did you mean {near[0]}?)" if near else f": there are {', '.join(blocks)}"
                raise UnknownNameError(f"[policy] {type(policy).__name__} names the block {name}{hint}")
            rate = 1.0 if what is True else float(what)
            if not 0 <= rate < float("inf"):
                raise UsageError(f"[policy] {type(policy).__name__} gives {name} the rate {rate}: want 0 or more")
            plan[name] = (rate > 0, rate if rate > 0 else 1.0)
        return list(plan.values())

    needs = [need in policy.needs for need in _NEEDS]
    _core.set_policy(options, type(policy).__name__, begin, decide, *needs)
