"""From matplotlib to a drawing that belongs to the page: its colours, its letters, its light or dark paper."""

from __future__ import annotations

import hashlib
import io
import math
import re
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from elman.pages.markup import Html, clean, tag
from elman.pages.palette import COLOURS, SERIES

__all__ = ["PAINT", "SERIES_PAINT", "canvas", "drawing", "label_ends", "svg"]

PAINT = {name: light for name, (light, _) in COLOURS.items()}
SERIES_PAINT = [PAINT[name] for name in SERIES]

STYLE: Any = {
    "svg.hashsalt": "elman",  # the same drawing has the same bytes
    "svg.fonttype": "none",  # text stays text: sharp, selectable, read aloud
    "text.parse_math": False,  # a label is data: a dollar sign in it is a dollar sign
    "font.family": "DejaVu Sans",  # what widths are measured with; the page's own font draws it
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 10,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "text.color": PAINT["ink"],
    "axes.labelcolor": PAINT["muted"],
    "axes.titlecolor": PAINT["ink"],
    "axes.edgecolor": PAINT["line"],
    "xtick.color": PAINT["line"],
    "ytick.color": PAINT["line"],
    "xtick.labelcolor": PAINT["muted"],
    "ytick.labelcolor": PAINT["muted"],
    "grid.color": PAINT["line"],
    "grid.linewidth": 0.7,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "figure.constrained_layout.use": True,
    "savefig.transparent": True,
    "axes.prop_cycle": cycler(color=SERIES_PAINT),
}

P = ParamSpec("P")


def drawing(function: Callable[P, Html]) -> Callable[P, Html]:
    """Decorates a function that draws: matplotlib has our style while it runs, and the user's again after."""

    @wraps(function)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Html:
        with mpl.rc_context(STYLE):
            return function(*args, **kwargs)

    return styled


def canvas(width: float = 4.3, height: float = 2.7) -> tuple[Figure, Axes]:
    """A figure of one plot, in inches of 72 units; a unit is about a pixel on the page."""
    figure = Figure(figsize=(width, height))
    return figure, figure.add_subplot()


def svg(figure: Figure, label: str) -> Html:
    """The figure as inline SVG, read aloud as `label`.

    Palette colours become the page's variables, so the same drawing serves light and dark. Identifiers are made
    unique by content, since one page holds many drawings and `clip-path` looks them up in all of it.
    """
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # a letter the measuring font lacks is drawn by the reader's own font
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>|<style .*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    start = text.index("<svg")
    inside = text[text.index(">", start) + 1 : text.rindex("</svg>")]
    prefix = "d" + hashlib.sha256(inside.encode()).hexdigest()[:8]
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', inside))
    inside = re.sub(r"<[^>]*>", lambda m: _at_home(m[0], prefix, used), inside)  # tags only: text is the user's
    inside = re.sub(r">\s*\n\s*<", "><", inside)
    width, height = figure.get_size_inches() * 72
    return tag(
        "svg", tag("title", clean(label)), Html(inside), viewBox=f"0 0 {width:g} {height:g}", role="img",
        class_="drawing", style=f"max-width:{width * 1.6:.0f}px",
    )  # fmt: skip


def label_ends(ax: Axes, x: float, ends: list[tuple[float, str, str]], apart: float = 0.1) -> None:
    """Names at the right end of their lines, pushed apart, by a share of the axis, where they would overlap."""
    low, high = ax.get_ylim()
    gap = (high - low) * apart
    y = -math.inf
    for value, name, paint in sorted(ends):
        y = max(value, y + gap)
        ax.annotate(
            name, (x, y), xytext=(6, 0), textcoords="offset points", color=paint, va="center", fontsize=8.5,
            annotation_clip=False,
        )  # fmt: skip


def _at_home(element: str, prefix: str, used: set[str]) -> str:
    """One tag of matplotlib's, in the page's colours and font, with short numbers and names of its own."""
    element = element.replace("xlink:href", "href")
    element = re.sub(r' id="([^"]+)"', lambda m: f' id="{prefix}-{m[1]}"' if m[1] in used else "", element)
    element = re.sub(r'(url\(|href=")#', rf"\1#{prefix}-", element)
    for name, light in PAINT.items():
        element = element.replace(light, f"var(--{name})")
    element = re.sub(r"font: ([^;\"]*?)([\d.]+px) [^;\"]*", lambda m: _font(m[1], m[2]), element)
    element = re.sub(r"font-family: [^;\"]*;? ?", "", element)
    element = re.sub(r"\d+\.\d{3,}", lambda m: f"{float(m[0]):.2f}", element)
    return re.sub(r"\s+", " ", element)


def _font(style: str, size: str) -> str:
    weight = re.search(r"\b(bold|[5-9]00)\b", style)
    return f"font-size: {size}" + ("; font-weight: 650" if weight else "")
