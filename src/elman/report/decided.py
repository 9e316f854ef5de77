"""What was decided from the data before training, and what was tried to that end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from elman.config.told import in_words
from elman.metric import known_figure
from elman.pages.markup import Html, tag
from elman.pages.numbers import seconds
from elman.pages.page import Section, section
from elman.report.scores import written

__all__ = ["decided"]


def decided(found: Mapping[str, Any]) -> Section:
    """A section of what metrics.json calls ``decided``: a line a decision, and a table of what was tried."""
    lead = (
        "What nobody set was decided from the training and validation parts; the test part had no say. Each of these "
        "can be set by hand: --set KEY=VALUE."
    )
    lines = tag("ul", [tag("li", line) for line in found["lines"]])
    return section(
        "What was decided", lines, _tried(found["tried"], found["by"]) if found["tried"] else None, lead=lead
    )


def _tried(rows: Sequence[Mapping[str, Any]], by: str) -> Html:
    """In the order in which they were tried: the settings, what they were given, and what they reached."""
    figure = known_figure(by)
    heads = ("steps", figure.title.lower(), "nll", "time")
    head = tag("tr", tag("th", "tried"), [tag("th", name, class_="n") for name in heads])
    body = []
    for row in rows:
        reached = [_or_dash(row["figure"], lambda v: written(figure, v)), _or_dash(row["nll"], lambda v: f"{v:.3f}")]
        cells = [f"{row['steps']:,}", *reached, seconds(row["seconds"])]
        body.append(
            tag(
                "tr", tag("th", in_words(row["settings"]), scope="row"), [tag("td", cell, class_="n") for cell in cells]
            )
        )
    return tag("div", tag("table", tag("thead", head), tag("tbody", body)), class_="scroll")


def _or_dash(value: float | None, write: Any) -> str:
    return "\u2013" if value is None else write(value)
