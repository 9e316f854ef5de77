"""How the training went: what each epoch's row of the history says, drawn against the epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.ticker import MaxNLocator

from elman.metric import known_figure
from elman.pages.drawing import PAINT, SERIES_PAINT, canvas, drawing, label_ends, svg
from elman.pages.markup import Html, tag
from elman.pages.numbers import fraction
from elman.pages.page import Section, section

__all__ = ["curve", "panels_of", "training"]

IGNORED = {"epoch", "step", "steps", "seconds", "time", "seed", "best", "patience", "examples", "tokens"}


def panels_of(history: Sequence[Mapping[str, float]], loss: str = "Loss, nats") -> dict[str, list[str]]:
    """Which keys of the history belong on one scale: losses together, scores together, the rest alone."""
    keys = [k for k in dict.fromkeys(k for row in history for k in row) if k not in IGNORED]
    panels: dict[str, list[str]] = {}
    for key in keys:
        if any(not isinstance(row.get(key, 0.0), int | float) for row in history):
            continue
        bare = key.removeprefix("train_").removeprefix("valid_")
        if bare in ("loss", "nll"):
            name = loss
        elif _is_score(bare):
            name = "Score on the validation split" if not key.startswith("train_") else "Score"
        elif bare in ("rate", "learning_rate", "lr"):
            name = "Learning rate"
        else:
            name = known_figure(bare).name or bare.replace("_", " ").capitalize()
        panels.setdefault(name, []).append(key)
    order = {loss: 0, "Score on the validation split": 1, "Score": 2, "Learning rate": 4}
    return dict(sorted(panels.items(), key=lambda item: order.get(item[0], 3)))


def _is_score(key: str) -> bool:
    """Whether it belongs on the scale from 0 to 1 on which more is better."""
    figure = known_figure(key)
    return bool(figure.name) and figure.unit == "fraction" and figure.better == "high"


def training(
    history: Sequence[Mapping[str, float]],
    best_epoch: int | None = None,
    loss: str = "Loss, nats",
    again: bool = False,
) -> Section | None:
    """The training curves, or None without a history.

    Args:
        loss: what the loss is called, with its unit.
        again: they are of a first training; what answers was trained anew, from the validation examples too.
    """
    if not history:
        return None
    panels = panels_of(history, loss)
    figures = [
        tag("figure", curve(history, keys, title, None if again else best_epoch)) for title, keys in panels.items()
    ]
    unit = _unit(history)
    rows = "epoch" if unit == "epoch" else "validation"
    lead = f"{len(history)} {rows}s" if len(history) > 1 else f"One {rows}"
    if again:
        lead += ". What answers was then trained anew in the same way, from the validation examples too"
    elif best_epoch is not None:
        lead += f"; the weights of {unit} {best_epoch}, best on the validation split, were kept (the vertical line)"
    return section("Training", tag("div", figures, class_="grid"), lead=lead + ".")


@drawing
def curve(
    history: Sequence[Mapping[str, float]], keys: Sequence[str], title: str, best_epoch: int | None = None
) -> Html:
    """Some keys of the history against the epoch, each labelled at its end rather than in a legend."""
    figure, ax = canvas(4.3, 2.5)
    ends: list[tuple[float, str, str]] = []
    unit = _unit(history)
    epochs = [float(row.get(unit, i + 1)) for i, row in enumerate(history)]
    for key, paint in zip(keys, SERIES_PAINT * (len(keys) // len(SERIES_PAINT) + 1)):
        points = [(e, float(row[key])) for e, row in zip(epochs, history) if key in row and math.isfinite(row[key])]
        if not points:
            continue
        x, y = zip(*points)
        ax.plot(x, y, color=paint, marker="o" if len(points) < 12 else "", markersize=3.5)
        ends.append((y[-1], _name(key), paint))
    if best_epoch is not None and epochs[0] <= best_epoch <= epochs[-1]:
        ax.axvline(best_epoch, color=PAINT["muted"], linewidth=1, linestyle=(0, (2, 2)), zorder=0)
    ax.set_title(title)
    ax.set_xlabel(unit)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.yaxis.set_major_formatter(lambda value, _: f"{value:.4g}")
    ax.margins(x=0.02, y=0.12)
    if epochs[0] == epochs[-1]:
        ax.set_xlim(epochs[0] - 0.5, epochs[0] + 0.5)
        ax.set_xticks([epochs[0]])
    if len(ends) > 1:
        label_ends(ax, epochs[-1], ends)
    said = "; ".join(f"{name} ends at {fraction(value)}" for value, name, _ in ends)
    return svg(figure, f"{title} by {unit}: {said}")


def _unit(history: Sequence[Mapping[str, float]]) -> str:
    """What rows are counted by: where validations lie within epochs, they say the optimiser's step."""
    return "step" if any("step" in row for row in history) else "epoch"


def _name(key: str) -> str:
    bare = key.removeprefix("train_").removeprefix("valid_")
    if bare in ("loss", "nll"):
        return "validation" if key.startswith("valid_") else "training"
    return known_figure(bare).title
