"""A score by the length of what was read: where long sequences are harder, and for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from elman.pages.drawing import SERIES_PAINT, canvas, drawing, label_ends, svg
from elman.pages.markup import Html

__all__ = ["Span", "by_length_figure", "length_spans"]


@dataclass(frozen=True)
class Span:
    """The score of sequences of `low` to `high` units, n of them, and the ends of its interval."""

    low: int
    high: int
    n: int
    value: float
    least: float
    most: float

    @property
    def name(self) -> str:
        return f"{self.low}\u2013{self.high}" if self.low < self.high else str(self.low)


def length_spans(lengths: Sequence[int], parts: int = 6, fewest: int = 20) -> list[np.ndarray]:
    """Which sequences to score together: about as many in each part, none with fewer than `fewest`, equal lengths
    together."""
    values = np.asarray(lengths)
    parts = max(1, min(parts, len(values) // fewest))
    cuts = np.unique(np.quantile(values, np.arange(1, parts) / parts, method="higher"))
    part = np.searchsorted(cuts, values, side="right")
    groups = [np.flatnonzero(part == k) for k in range(len(cuts) + 1)]
    found: list[np.ndarray] = []
    for group in groups:
        if found and (len(group) < fewest or len(found[-1]) < fewest):
            found[-1] = np.concatenate([found[-1], group])
        elif len(group):
            found.append(group)
    return found


@drawing
def by_length_figure(
    curves: Mapping[str, Sequence[Span]], score: str, of: str = "words of the source, and how many texts"
) -> Html:
    """Curves of a score, named at their ends, each point with its interval; `of` names the axis below."""
    figure, ax = canvas(6.4, 3.2)
    ends = []
    for (name, spans), paint in zip(curves.items(), SERIES_PAINT):
        x, y = np.arange(len(spans)), [span.value for span in spans]
        ax.fill_between(x, [s.least for s in spans], [s.most for s in spans], color=paint, alpha=0.15, linewidth=0)
        ax.plot(x, y, color=paint, marker="o", markersize=4)
        ends.append((y[-1], name, paint))
    first = next(iter(curves.values()))
    ax.set_xticks(range(len(first)), [f"{span.name}\n{span.n:,}" for span in first])
    ax.set(xlabel=of, ylabel=score)
    ax.set_ylim(bottom=0)
    if len(curves) > 1:
        label_ends(ax, len(first) - 1, ends)
    told = {name: ", ".join(f"{span.name}: {span.value:.1f}" for span in spans) for name, spans in curves.items()}
    said = "; ".join(f"{name}: {values}" for name, values in told.items())
    return svg(figure, f"{score} by length. {said}")
