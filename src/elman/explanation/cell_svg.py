"""The drawing of a cell as SVG: one file that follows the reader's light or dark paper."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from elman.equations.graph import Graph
from elman.equations.printing import equations
from elman.explanation.cell_picture import Drawing, Shape, drawing
from elman.explanation.layered import Box, Placed, place
from elman.pages.markup import Html
from elman.pages.palette import COLOURS

__all__ = ["cell_svg", "place_of", "svg_of"]

MARGIN = 22.0
NAME = 18.0  # room for the name above a shape, and as much below, so that it stays level
_PARTS = re.compile(r"[A-Za-zα-ω]+(?:_[A-Za-z0-9−]+)?|\^[-−.\d]+|\s+|.")
_STYLE = """
.cell text{font-family:"STIX Two Text","Latin Modern Roman",Cambria,Georgia,"DejaVu Serif",serif;font-size:14px;
fill:var(--ink);text-anchor:middle}
.cell .i{font-style:italic}.cell .m{font-weight:600}.cell .s{font-size:10px}.cell .small{font-size:12px}
.cell .line{fill:none;stroke:var(--muted);stroke-width:1.3;stroke-linecap:round;opacity:.85}
.cell .tip{fill:var(--muted);stroke:none}
.cell .line.state{stroke:var(--blue)}.cell .tip.state{fill:var(--blue)}
.cell .line.input{stroke:var(--green)}.cell .tip.input{fill:var(--green)}
.cell .dot{fill:var(--muted)}.cell .dot.state{fill:var(--blue)}.cell .dot.input{fill:var(--green)}
.cell .shape{fill:var(--panel);stroke:var(--muted);stroke-width:1.2}
.cell .shape.sum{stroke:var(--line);stroke-width:1.5}
.cell .shape.state,.cell .shape.new{stroke:var(--blue);stroke-width:1.6}
.cell .shape.input{stroke:var(--green);stroke-width:1.6}
.cell .shape.output{stroke:var(--purple);stroke-width:1.6}
.cell .shape.gate{stroke:var(--purple);stroke-width:1.5}
.cell .shape.sigmoid{stroke:var(--orange);stroke-width:1.8}
.cell .shape.tanh{stroke:var(--gold);stroke-width:1.8}
.cell .name{font-size:14px}.cell .title{font-size:17px;font-weight:600;text-anchor:start}
"""


def svg_of(graph: Graph) -> str:
    """The picture as a file of its own."""
    return str(cell_svg(graph, alone=True))


def cell_svg(graph: Graph, *, alone: bool = False) -> Html:
    """The picture as an element for a page that has the palette's variables; `alone`, with them and a paper."""
    shown = drawing(graph)
    placed, sizes = place_of(shown)
    top = MARGIN + (34 if alone else 12)
    width, height = placed.width + 2 * MARGIN, placed.height + top + MARGIN
    said = html.escape(f"The cell {graph.name}: " + "; ".join(str(equations(graph)).splitlines()))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" class="cell" '
        + (f'width="{width:.0f}" height="{height:.0f}">' if alone else f'style="max-width:{width:.0f}px;width:100%">'),
        f"<title>{said}</title>",
        f"<style>{_palette() if alone else ''}{_STYLE}</style>",
    ]
    if alone:
        parts.append(f'<rect width="{width:.0f}" height="{height:.0f}" rx="10" fill="var(--paper)"/>')
        parts.append(f'<text class="title" x="{MARGIN}" y="{MARGIN + 8}">{html.escape(graph.name)}</text>')
    parts.append(f'<g transform="translate({MARGIN} {top:.0f})">')
    parts += _lines(shown, placed)
    parts += [_shape(s, *placed.centre[s.key], *sizes[s.key]) for s in shown.shapes]
    parts.append("</g></svg>")
    return Html("\n".join(parts))


def place_of(shown: Drawing) -> tuple[Placed, dict[str, tuple[float, float]]]:
    """Where each shape is, and its width and height."""
    sizes = {s.key: _size(s) for s in shown.shapes}
    sides = {"state": "left", "input": "left", "given": "left", "new": "right", "output": "right"}
    boxes = [
        Box(s.key, sizes[s.key][0], sizes[s.key][1] + (NAME if s.name else 0), sides.get(s.kind, ""), s.opposite)
        for s in shown.shapes
    ]
    return place(boxes, shown.lines), sizes


def _palette() -> str:
    light, dark = ("".join(f"--{name}:{pair[k]};" for name, pair in COLOURS.items()) for k in (0, 1))
    return f".cell{{{light}}}@media (prefers-color-scheme:dark){{.cell{{{dark}}}}}"


# -- shapes -----------------------------------------------------------------------------------------------------------


def _size(shape: Shape) -> tuple[float, float]:
    wide = _text_width(shape.text)
    match shape.kind:
        case "sum":
            return wide * 1.03 + 30, 32
        case "gate":
            return max(36, wide + 14), 36
        case "sign":
            return max(24, wide * 1.08 + 14), 24
    return wide + 24, 28


def _text_width(text: str) -> float:
    """About what a serif of 14 pixels takes."""
    total = 0.0
    for part in _PARTS.findall(text):
        letter, _, below = part.partition("_")
        for char in letter:
            total += 10 if char.isupper() or char in "+−=×⊙÷" else 4 if char in " ·.,()il" else 7.6
        total += 5.6 * len(below)
    return total


def _shape(shape: Shape, x: float, y: float, w: float, h: float) -> str:
    kinds = {"σ": " sigmoid", "tanh": " tanh"} if shape.kind == "gate" else {}
    radius = h / 2 if shape.kind != "sum" else 9
    drawn = (
        f'<rect class="shape {shape.kind}{kinds.get(shape.text, "")}" x="{x - w / 2:.1f}" y="{y - h / 2:.1f}" '
        f'width="{w:.1f}" height="{h:.1f}" rx="{radius:.1f}"/>'
    )
    small = " small" if shape.text in ("tanh", "relu", "mean", "sign") else ""
    drawn += f'<text class="{shape.kind}{small}" x="{x:.1f}" y="{y + 4.5:.1f}">{_typeset(shape.text)}</text>'
    if shape.name:
        drawn += f'<text class="name" x="{x:.1f}" y="{y - h / 2 - 5:.1f}">{_typeset(shape.name)}</text>'
    return drawn


def _typeset(text: str) -> str:
    """Letters italic, matrices bold and upright, subscripts below; SVG has no better way than small shifts."""
    out, shift = [], 0.0
    for part in _PARTS.findall(text):
        letter, _, below = part.partition("_")
        if part[0] == "^":
            out.append(f'<tspan class="s" dy="{-5 - shift:g}">{html.escape(part[1:])}</tspan>')
            shift = -5.0
            continue
        style = ""
        if letter.isalpha() and letter not in (
            "tanh",
            "relu",
            "exp",
            "log",
            "mean",
            "min",
            "max",
            "if",
            "sign",
            "LN",
            "s",
        ):
            style = "m" if letter[0].isupper() else "i"
        if letter == "s" and text != "s+":
            style = "i"
        dy = f' dy="{-shift:g}"' if shift else ""
        out.append(f"<tspan{f' class={chr(34)}{style}{chr(34)}' if style else ''}{dy}>{html.escape(letter)}</tspan>")
        shift = 0.0
        if below:
            out.append(f'<tspan class="s" dy="4">{html.escape(below)}</tspan>')
            shift = 4.0
    return "".join(out)


# -- lines ------------------------------------------------------------------------------------------------------------


def _lines(shown: Drawing, placed: Placed) -> list[str]:
    kinds = {s.key: s.kind if s.kind in ("state", "input") else "" for s in shown.shapes}
    round_ = {s.key: _size(s)[1] / 2 for s in shown.shapes if s.kind in ("gate", "sign")}
    drawn = []
    for (a, b), points in placed.lines.items():
        x, y = points[-1]
        if b in round_:  # a circle's edge gives way above and below its middle
            off = y - placed.centre[b][1]
            x += round_[b] - (round_[b] ** 2 - off**2) ** 0.5
        path = _path([*points[:-1], (x - 5, y)])
        drawn.append(f'<path class="line {kinds[a]}" d="{path}"/>')
        tip = f"M{x:.1f} {y:.1f}l-7 -3.2v6.4z"
        drawn.append(f'<path class="tip {kinds[a]}" d="{tip}"/>')
    return drawn


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Level at every point, an S between two."""
    (x, y), *rest = points
    path = f"M{x:.1f} {y:.1f}"
    for nx, ny in rest:
        if abs(ny - y) < 0.5:
            path += f"H{nx:.1f}"
        else:
            mid = (x + nx) / 2
            path += f"C{mid:.1f} {y:.1f} {mid:.1f} {ny:.1f} {nx:.1f} {ny:.1f}"
        x, y = nx, ny
    return path
