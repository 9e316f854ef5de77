"""Memory made visible: how gradients fade, who reads whom, the unrolled network shaded, and gates over a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from elman.pages.drawing import PAINT, SERIES_PAINT, canvas, drawing, label_ends, svg
from elman.pages.markup import Html, tag
from elman.pages.page import Section, section

__all__ = ["fading_figure", "gate_figure", "influence_figure", "memory", "shaded_network"]

STEPS = 28  # words on one picture
FLOOR = 1e-8  # of the logarithmic scale


def memory(
    fading: Mapping[str, Tensor] | None = None,
    influence: Tensor | None = None,
    words: Sequence[str] = (),
    gates: Mapping[str, Tensor] | None = None,
    half_lives: Mapping[str, float] | None = None,
) -> Section | None:
    """What the model remembers.

    Args:
        fading: name -> (T,) by distance, of `gradients.by_distance` or `memory.remembered`.
        influence: (T, T) of one sentence, of `memory.influence`; not drawn where weights have grown so large that it
            is no number.
        words: the T words of that sentence.
        gates: name -> (T, H) over it, of `gates.activations`.
        half_lives: name -> steps, said below the first picture.
    """
    figures: list[Html] = []
    if influence is not None and not (len(words) and bool(influence.isfinite().all())):
        influence = None
    if fading:
        said = [
            f"{name}: half is gone after {steps:.1f} steps"
            for name, steps in (half_lives or {}).items()
            if np.isfinite(steps)
        ]
        caption = "How much the last state still depends on the input some steps before it, relative to the last input."
        figures.append(_figure(fading_figure(fading), " ".join([caption, *(s + "." for s in said)])))
    if influence is not None:
        figures.append(
            _figure(
                influence_figure(influence, words),
                "Each row is an output, each column an input: the stronger the colour, the more it depends on it.",
            )
        )
    blocks: list[Html] = [tag("div", figures, class_="grid")] if figures else []
    if influence is not None:
        blocks.append(
            _figure(
                shaded_network(influence[:, 0], words),
                f"The network unrolled, every state shaded by how sensitive it still is to the first word, "
                f"\u201c{words[0]}\u201d (after Graves 2012, fig. 4.1).",
                wide=True,
            )
        )
    if gates and len(words):
        caption = (
            "Gates while the sentence is read: mean over the units, with the middle half of them as a band. 1 is open."
        )
        blocks.append(_figure(gate_figure(gates, words), caption, wide=True))
    if not blocks:
        return None
    return section(
        "What it remembers", blocks, lead="Derivatives of later states by earlier inputs, taken from this model."
    )


def _figure(drawn: Html, caption: str, wide: bool = False) -> Html:
    return tag("figure", tag("div", drawn, class_="scroll") if wide else drawn, tag("figcaption", caption),
               class_="wide" if wide else None)  # fmt: skip


@drawing
def fading_figure(curves: Mapping[str, Tensor]) -> Html:
    """Curves by distance, each relative to its value at distance 0; on a logarithmic scale where they fall far."""
    figure, ax = canvas(4.3, 2.9)
    bottom = 1.0
    for i, ((name, curve), paint) in enumerate(zip(curves.items(), SERIES_PAINT * len(curves))):
        values = curve.detach().double().numpy()
        values = values[np.isfinite(values)]
        if not len(values) or values[0] <= 0:
            continue
        relative = np.maximum(values / values[0], FLOOR)
        bottom = min(bottom, float(relative.min()))
        ax.plot(relative, color=paint)
        if len(curves) > 1:
            ax.text(0.99, 0.97 - 0.1 * i, name, color=paint, ha="right", va="top", transform=ax.transAxes)
    ax.set(xlabel="steps before the end", ylabel="relative to the last input")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    if bottom > 0.03:
        ax.set_ylim(bottom=0)
    else:
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(lambda v, _: _power(v))
        ax.set_ylim(bottom=max(bottom / 2, FLOOR))
        ax.minorticks_off()
    return svg(figure, "Memory by distance: " + ", ".join(curves))


@drawing
def influence_figure(influence: Tensor, words: Sequence[str]) -> Html:
    """(T, T) as a chart of squares, each row relative to its strongest."""
    values = influence.detach().double().numpy()[:STEPS, :STEPS]
    T = len(values)
    figure, ax = canvas(4.3, 4.3)
    for t in range(T):
        top = values[t].max()
        for s in range(T):
            if top > 0 and values[t, s] / top > 0.01:
                shade = float(values[t, s] / top)
                ax.add_patch(Rectangle((s - 0.46, t - 0.46), 0.92, 0.92, color=PAINT["blue"], alpha=shade, linewidth=0))
    labels = _words(words, T)
    ax.set_xticks(range(T), labels, rotation=90)
    ax.set_yticks(range(T), labels)
    ax.set(xlim=(-0.5, T - 0.5), ylim=(T - 0.5, -0.5), aspect="equal", xlabel="input", ylabel="output")
    ax.grid(visible=False)
    ax.tick_params(labelsize=7.5)
    return svg(figure, "Dependence of each output on each input")


@drawing
def shaded_network(sensitivity: Tensor, words: Sequence[str]) -> Html:
    """The unrolled network with state t shaded by sensitivity[t], relative to the largest."""
    values = np.abs(sensitivity.detach().double().numpy())[:STEPS]
    T = len(values)
    shades = values / values.max() if values.max() > 0 else values
    room = max(T, 12)  # a short sentence is not blown up
    figure = Figure(figsize=(8.8, 8.8 * 2.4 / (room + 0.7)))
    figure.set_layout_engine("none")
    ax = figure.add_axes((0, 0, 1, 1))
    size = min(10.0, 150.0 / room)
    for t, shade in enumerate(shades):
        if t:
            ax.annotate(
                "", (t - 0.33, 1), (t - 0.67, 1), arrowprops={"arrowstyle": "->", "color": PAINT["muted"], "lw": 0.8}
            )
        ax.annotate("", (t, 0.66), (t, 0.3), arrowprops={"arrowstyle": "->", "color": PAINT["muted"], "lw": 0.8})
        ax.add_patch(Circle((t, 1), 0.31, facecolor=PAINT["blue"], alpha=float(shade), edgecolor="none"))
        ax.add_patch(Circle((t, 1), 0.31, facecolor="none", edgecolor=PAINT["muted"], linewidth=0.8))
        ax.text(
            t, 0.22, _words([words[t]], 1)[0], rotation=45, ha="right", va="top", rotation_mode="anchor", fontsize=size
        )
    ax.set(xlim=(-1.1, room - 0.4), ylim=(-0.95, 1.45), aspect="equal")
    ax.axis("off")
    said = ", ".join(f"{s:.2f}" for s in shades)
    return svg(figure, f"Unrolled network, relative sensitivity to the first input: {said}")


@drawing
def gate_figure(gates: Mapping[str, Tensor], words: Sequence[str]) -> Html:
    """Each gate's mean over its units, word by word, with the middle half as a band."""
    T = min(len(words), STEPS)
    figure, ax = canvas(8.8, 3.0)
    ends: list[tuple[float, str, str]] = []
    for (name, values), paint in zip(gates.items(), SERIES_PAINT * len(gates)):
        v = values.detach().double().numpy()[:T]
        ax.fill_between(
            range(T), np.quantile(v, 0.25, 1), np.quantile(v, 0.75, 1), color=paint, alpha=0.15, linewidth=0
        )
        ax.plot(v.mean(1), color=paint, marker="o", markersize=2.5)
        ends.append((float(v[-1].mean()), name, paint))
    ax.set_xticks(range(T), _words(words, T), rotation=45, ha="right", rotation_mode="anchor")
    ax.set(ylim=(-0.03, 1.03), xlim=(-0.3, T - 0.7 + 0.02 * T))
    label_ends(ax, T - 1, ends, apart=0.065)
    return svg(figure, "Gates over the words: " + ", ".join(gates))


def _power(value: float) -> str:
    """A power of ten as text: 1, .1, .01, then 10 with a raised exponent."""
    exponent = round(math.log10(value)) if value > 0 else 0
    if exponent > -3:
        return f"{10.0**exponent:g}".replace("0.", ".")
    return "10" + str(exponent).translate(
        str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
    )


def _words(words: Sequence[str], T: int) -> list[str]:
    return [w if len(w) <= 14 else w[:13] + "\u2026" for w in words[:T]]
