"""What freezing does, measured: a study, its table and its page."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from . import _program
from ._tables import html_table, number_or_text, text_table
from .errors import DataError, UsageError

__all__ = ["Study", "study"]


class Study:
    """What a study came to, in a folder."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._records: list[dict[str, Any]]
        if not (self.folder / "results.csv").exists():
            raise DataError(f"[study] {self.folder} holds no study: it has no results.csv")
        with open(self.folder / "results.csv", newline="", encoding="utf-8") as file:
            titles, *rows = csv.reader(file)
        at = titles.index("model")
        self._records = []
        for row in rows:
            more = len(row) - len(titles)  # the text of a network stands there without quotes, commas and all
            row[at : at + more + 1] = [",".join(row[at : at + more + 1])]
            self._records.append({name: _number(text) for name, text in zip(titles, row, strict=True)})

    @property
    def page(self) -> Path:
        """The page for a browser, which needs no network."""
        return self.folder / "report.html"

    def records(self) -> list[dict[str, Any]]:
        """A dictionary for each arm, for ``pandas.DataFrame``: results.csv, with numbers as numbers and None where
        there is none; differences are to the arm of the same source that tunes everything."""
        return [dict(row) for row in self._records]

    _titles = ("source", "labels", "arm", "accuracy", "95 %", "difference", "MACs")
    _left = (True, False, True, False, False, False, False)

    def _rows(self) -> list[list[str]]:
        def number(value: Any, form: str = ".3f") -> str:
            return "-" if value is None else format(value, form)

        return [
            [
                str(row["source"]),
                str(row["labels"]),
                str(row["arm"]),
                number(row["accuracy_mean"]),
                f"{number(row['accuracy_low'])} to {number(row['accuracy_high'])}",
                number(row["difference"], "+.3f"),
                number(row["macs"], ".3g"),
            ]
            for row in self._records
        ]

    def __str__(self) -> str:
        return text_table(self._titles, self._rows(), self._left)

    def __repr__(self) -> str:
        return f"<firn.Study of {len(self._records)} arms in {self.folder}>"

    def _repr_html_(self) -> str:
        if self.page.exists():
            page = escape(self.page.read_text(encoding="utf-8"), quote=True)
            return f'<iframe srcdoc="{page}" style="width:100%;height:640px;border:0"></iframe>'
        iced = [bool(row["freeze"]) for row in self._records]
        return html_table(self._titles, self._rows(), self._left, iced)


def _number(text: str) -> Any:
    return None if text == "" else number_or_text(text)


def _words(value: Any) -> list[str]:
    if isinstance(value, (str, os.PathLike)):
        return [os.fspath(value)]
    if isinstance(value, Sequence):
        return [",".join(str(part) for part in value)]
    return [str(value)]


def study(
    data: str = "digits",
    *,
    model: str = "",
    weights: str | os.PathLike[str] = "",
    preset: str = "",
    freeze: str | Sequence[int | str] = "",
    labels: str | int | Sequence[int | str] = "",
    seeds: int = 0,
    steps: int = 0,
    policies: Sequence[Any] = (),
    budget: str = "",
    run: str = "study",
    overwrite: bool = False,
    verbose: bool = False,
    **options: Any,
) -> Study:
    """Runs a study, or goes on with the one in ``runs/RUN``: what ``firn study`` does, in a process of its own.

    ``data``: as ``firn.data`` takes it. ``weights``: trained before, with ``model``; else the study learns them on a
    source. ``freeze``: cuts, [0, 1, 2] or "*"; ``labels``: labels a class, [5, 20, "all"]; ``seeds``: repetitions;
    ``policies``: besides, by name or of ``firn.policies``; ``budget``: "10m", what says the most in that time. Other
    options of ``firn study`` under their names with underscores: ``source="half"``, ``test_samples=500``. What is
    left away is as there (docs/study.md). ``verbose`` prints how it goes.

    Raises UsageError for options that do not fit. Ctrl-C ends it with what is done kept.
    """
    if not isinstance(data, (str, os.PathLike)):
        raise UsageError(f'[study] data {data!r}: want its name or path as firn.data takes it, "digits" or "folder:photos"')
    given: dict[str, Any] = {
        "data": data, "model": model, "weights": weights, "preset": preset, "freeze": freeze, "labels": labels,
        "seeds": seeds, "steps": steps, "budget": budget, "run": run, "overwrite": overwrite, **options,
    }  # fmt: skip
    words = ["study"]
    for name, value in given.items():
        option = "--" + name.replace("_", "-")
        if value is True:
            words.append(option)
        elif value is not False and value is not None and (name in options or value not in ("", 0, (), [])):
            words += [option, *_words(value)]
    for policy in policies:
        words += ["--policy", str(policy)]
    _program.run(words if verbose else [*words, "--quiet"], print if verbose else None)
    return Study(Path("runs") / run)
