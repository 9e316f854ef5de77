"""What a network looked at as it wrote: a chart of squares, a row for each unit written, a column for each unit read.

A table of the page rather than a drawing, so that a square says which two units it joins when it is pointed at.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from elman.pages.markup import Html, tag
from elman.pages.numbers import fraction

__all__ = ["alignment_chart", "shown_pieces"]

_MOST = 40  # units of a side; more are not told apart
_FAINT = 0.02  # attention that leaves a square empty
_BLANK, _JOINER = "\u2581", "\uffed"


def alignment_chart(source: Sequence[str], written: Sequence[str], looks: np.ndarray) -> Html:
    """The chart.

    Args:
        source: S units as they are read. written: T units.
        looks: (T, S) attention, rows sum to one.
    """
    heads, rows = shown_pieces(source)[:_MOST], shown_pieces(written)[:_MOST]
    head = tag("tr", tag("td"), [tag("th", tag("span", tag("bdi", piece)), scope="col") for piece in heads])
    body = []
    for piece, weights in zip(rows, looks[:, : len(heads)].tolist()):
        cells = [
            tag("td", style=f"--v:{100 * weight:.0f}%", title=f"{piece} \u2190 {other}: {fraction(weight, 2)}")
            if weight >= _FAINT
            else tag("td")
            for other, weight in zip(heads, weights)
        ]
        body.append(tag("tr", tag("th", tag("bdi", piece), scope="row"), cells))
    table = tag("table", tag("thead", head), tag("tbody", body), class_="alignment")
    return tag("div", table, class_="scroll")


def shown_pieces(pieces: Sequence[str]) -> list[str]:
    """Units as people read them: one that continues a word begins with a dot."""
    if any(piece.startswith(_BLANK) for piece in pieces):
        return [piece[1:] or "\u2423" if piece[:1] == _BLANK else _dotted(piece) for piece in pieces]
    return [piece.strip(_JOINER) if piece.strip() else "\u2423" for piece in pieces]


def _dotted(piece: str) -> str:
    return f"\u00b7{piece}" if piece[:1].isalnum() else piece
