"""A scalp seen from above, the nose upward, with a number at each place of the 10-20 system (Jasper 1958)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Circle, Ellipse, Polygon

from elman.pages.drawing import PAINT, canvas, drawing, svg
from elman.pages.markup import Html

__all__ = ["place_of", "scalp_figure"]

_RING = 0.8  # of the head's radius: where the outermost places lie, a tenth above ears and nose
_NEWER = {"T7": "T3", "T8": "T4", "P7": "T5", "P8": "T6"}  # as they have been called since 1991
_LEAST = 3  # channels of known places make a map


def _places() -> dict[str, tuple[float, float]]:
    """By degrees on the outer ring, and halfway inside it."""
    ring = {"Fpz": 90, "Fp2": 72, "F8": 36, "T4": 0, "T6": -36, "O2": -72, "Oz": -90, "O1": -108, "T5": -144, "T3": 180,
            "F7": 144, "Fp1": 108}  # fmt: skip
    found = {
        name: (_RING * math.cos(math.radians(at)), _RING * math.sin(math.radians(at))) for name, at in ring.items()
    }
    half = _RING / 2
    found |= {"Cz": (0.0, 0.0), "Fz": (0.0, half), "Pz": (0.0, -half), "C3": (-half, 0.0), "C4": (half, 0.0)}
    for name, (side, middle) in {
        "F3": ("F7", "Fz"),
        "F4": ("F8", "Fz"),
        "P3": ("T5", "Pz"),
        "P4": ("T6", "Pz"),
    }.items():
        found[name] = ((found[side][0] + found[middle][0]) / 2, (found[side][1] + found[middle][1]) / 2)
    return found | {"A1": (-1.04, -0.08), "A2": (1.04, -0.08)}


_PLACES = {name.lower(): (name, place) for name, place in _places().items()}


def place_of(channel: str) -> tuple[str, tuple[float, float]] | None:
    """Its name in the 10-20 system and where it lies, the head being of radius 1; None: it is of no place of it.

    ``EEG Fp1``, ``FP1-REF`` and ``Fp1`` are one; what is measured between two places is at none.
    """
    bare = re.sub(r"^\s*eeg[\s.:-]*|[\s.-]*(ref|le|avg|ar)?\s*$", "", channel, flags=re.I)
    return _PLACES.get(_NEWER.get(bare.upper(), bare).lower())


def scalp_figure(values: Mapping[str, float], title: str, said: str = "{:.2f}") -> Html | None:
    """Numbers of channels, the larger the stronger in colour: blue above 0, orange below; None: few have a place."""
    known = {found[0]: (found[1], value) for name, value in values.items() if (found := place_of(name)) is not None}
    return _drawn(known, title, said) if len(known) >= _LEAST else None


@drawing
def _drawn(known: Mapping[str, tuple[tuple[float, float], float]], title: str, said: str) -> Html:
    figure, ax = canvas(3.6, 3.7)
    _head(ax)
    most = max(abs(value) for _, value in known.values()) or 1.0
    for name, ((x, y), value) in known.items():
        paint = PAINT["blue" if value > 0 else "orange"]
        ax.add_patch(Circle((x, y), 0.145, facecolor=PAINT["panel"], edgecolor=PAINT["line"], linewidth=0.8, zorder=2))
        ax.add_patch(Circle((x, y), 0.145, facecolor=paint, alpha=0.85 * abs(value) / most, linewidth=0, zorder=3))
        _words(ax, x, y, (name, said.format(value)))
    ax.set_title(title)
    return svg(figure, f"{title}: " + ", ".join(f"{name} {said.format(value)}" for name, (_, value) in known.items()))


def _words(ax: Axes, x: float, y: float, lines: Sequence[str]) -> None:
    for line, shift, size in zip(lines, (0.045, -0.05), (7.5, 6.0)):
        ax.text(x, y + shift, line, ha="center", va="center", fontsize=size, color=PAINT["ink"], zorder=4)


def _head(ax: Axes) -> None:
    ax.set_axis_off()
    ax.set_aspect("equal")
    ax.set_xlim(-1.22, 1.22)
    ax.set_ylim(-1.06, 1.2)
    outline: dict[str, Any] = {"facecolor": "none", "edgecolor": PAINT["muted"], "linewidth": 1.2}
    ax.add_patch(Polygon([(-0.13, 0.99), (0.0, 1.15), (0.13, 0.99)], closed=False, **outline))
    for side in (-1, 1):
        ax.add_patch(Ellipse((1.04 * side, 0.0), 0.12, 0.36, **outline, zorder=0))
    ax.add_patch(Circle((0, 0), 1.0, facecolor=PAINT["paper"], edgecolor=PAINT["muted"], linewidth=1.2, zorder=1))
