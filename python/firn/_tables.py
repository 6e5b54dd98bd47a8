"""Tables as text and as HTML that needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

ICE = "#dff1fb"
"""What is frozen stands on it."""


def text_table(titles: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[bool]) -> str:
    """Columns parted by two spaces."""
    all_rows = [list(titles), *map(list, rows)]
    widths = [max(len(row[c]) for row in all_rows) for c in range(len(titles))]
    lines = [
        "  ".join(cell.ljust(w) if l else cell.rjust(w) for cell, w, l in zip(row, widths, left, strict=True))
        for row in all_rows
    ]
    return "\n".join(line.rstrip() for line in lines)


def html_table(
    titles: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[bool], iced: Sequence[bool], foot: str = ""
) -> str:
    """The same for a notebook; rows that are ``iced`` in ice blue."""
    sides = ["left" if l else "right" for l in left]

    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(
            f'<{tag} style="text-align:{side}">{escape(cell)}</{tag}>' for cell, side in zip(row, sides, strict=True)
        )

    body = "".join(
        f'<tr style="background:{ICE};color:#5b7684">{cells(row, "td")}</tr>' if ice else f"<tr>{cells(row, 'td')}</tr>"
        for row, ice in zip(rows, iced, strict=True)
    )
    caption = f"<p>{escape(foot)}</p>" if foot else ""
    return f"<table><thead><tr>{cells(titles, 'th')}</tr></thead><tbody>{body}</tbody></table>{caption}"


def short(value: float) -> str:
    """Three digits and a decimal prefix: 1.50 M."""
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}"
    return f"{value:.3g}"


def short_bytes(value: float) -> str:
    """The same of bytes, with a binary prefix."""
    for factor, prefix in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}"
    return f"{value:.0f} B"


def number_or_text(text: str) -> int | float | str:
    """The number that the text is, else the text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text
