"""What each part is worth: the same training without it, over several seeds, beside the whole."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from elman.metric import Figure
from elman.pages.drawing import PAINT, canvas, drawing, svg
from elman.pages.markup import Html, tag
from elman.pages.page import Section, section
from elman.report.scores import written

__all__ = ["ablation", "ablation_table", "measured"]


def ablation(
    runs: Mapping[str, Sequence[float]],
    reference: str,
    *,
    figure: Figure,
    title: str = "What each stage is worth",
    lead: str = "",
) -> Section:
    """A table and a plot of variants of one training.

    Args:
        runs: name of the variant -> the figure of each of its seeds.
        reference: the variant that the others are compared with.
        figure: what was measured.
        title, lead: of the section.
    """
    lead = lead or (
        f"{figure.title}, mean over seeds. A stage is worth something where leaving it out costs more than the spread."
    )
    return section(title, _figure(runs, reference, figure), ablation_table(runs, reference, figure), lead=lead)


def measured(found: Mapping[str, Any], figure: Figure) -> Section:
    """What `elman train --ablate` measured: what metrics.json calls ``ablation``."""
    nan = float("nan")
    runs = {name: [nan if v is None else v for v in row["runs"]] for name, row in found["variants"].items()}
    side = "below" if figure.better == "high" else "above"
    lead = (
        "Each row is the recipe with one thing left out, changed or added, trained again with the seeds "
        f"{', '.join(map(str, found['seeds']))} and judged on the validation split, never on the test split. What is "
        f"left out was worth something where the difference is {side} zero by more than its standard error, twice "
        "over. "
        "The best epoch is chosen on the same split, which flatters every row a little, and alike."
    )
    idle = found["changes nothing"]
    if idle:
        lead += f" These change not one token of these texts, so nothing was trained: {', '.join(idle)}."
    return ablation(runs, found["reference"], figure=figure, lead=lead)


def _spread(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def _order(runs: Mapping[str, Sequence[float]], reference: str, figure: Figure) -> list[str]:
    """The reference first, then the best; last what came to no number."""
    others = sorted((n for n in runs if n != reference), key=lambda n: -figure.worth(float(np.mean(runs[n]))))
    return [reference, *others]


def ablation_table(runs: Mapping[str, Sequence[float]], reference: str, figure: Figure) -> Html:
    """Mean, spread over seeds, and the difference to the reference with its standard error (Welch's)."""
    head = tag(
        "tr", tag("th", "variant"), [tag("th", h, class_="n") for h in (figure.title, "sd", "seeds", "difference")]
    )
    base = runs[reference]
    rows = []
    for name in _order(runs, reference, figure):
        values = runs[name]
        gap = float(np.mean(values)) - float(np.mean(base))
        error = math.sqrt(_spread(values) ** 2 / len(values) + _spread(base) ** 2 / len(base))
        said = "\u2013" if name == reference else ("+" if gap > 0 else "") + written(figure, gap)
        if name != reference and math.isfinite(error):
            said += f" \u00b1 {written(figure, error)}"
        rows.append(
            tag(
                "tr",
                tag("th", name, scope="row"),
                tag("td", written(figure, float(np.mean(values))), class_="n"),
                tag("td", written(figure, _spread(values)), class_="n"),
                tag("td", len(values), class_="n"),
                tag("td", said, class_="n"),
                class_="best" if name == reference else None,
            )
        )
    return tag("div", tag("table", tag("thead", head), tag("tbody", rows)), class_="scroll")


@drawing
def _figure(runs: Mapping[str, Sequence[float]], reference: str, of: Figure) -> Html:
    names = _order(runs, reference, of)
    figure, ax = canvas(6.4, 0.75 + 0.27 * len(names))
    middle = float(np.mean(runs[reference]))
    ax.axvline(middle, color=PAINT["muted"], linewidth=1, linestyle=(0, (4, 3)))
    for y, name in enumerate(names):
        values, sd = np.asarray(runs[name], dtype=float), _spread(runs[name])
        paint = PAINT["blue"] if name == reference or of.gain(float(values.mean()), middle) >= 0 else PAINT["orange"]
        if len(values) > 1:
            ax.hlines(y, values.mean() - sd, values.mean() + sd, color=paint, linewidth=4, alpha=0.3)
        ax.plot(values, np.full(len(values), y), linestyle="", marker="o", markersize=3, color=paint, alpha=0.5)
        ax.plot([values.mean()], [y], marker="o", markersize=7, color=paint)
    ax.set_yticks(range(len(names)), [n if len(n) <= 42 else n[:41] + "\u2026" for n in names])
    ax.tick_params(axis="y", labelcolor=PAINT["ink"])
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(of.title)
    caption = "Large dots: means. Small dots: single seeds. Bars: one standard deviation. Dashed: the reference."
    return tag("figure", svg(figure, f"{of.title} of {len(names)} variants"), tag("figcaption", caption))
