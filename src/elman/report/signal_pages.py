"""A recording after every stage of its chain: `elman signal` as a table, and as a page of pictures."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.errors import InputError
from elman.pages.drawing import PAINT, canvas, drawing, svg
from elman.pages.markup import Html, tag
from elman.pages.page import Section, section, write
from elman.report.facts import fact_list
from elman.signals.chain import Chain, Did
from elman.signals.signal import Signal

__all__ = ["chain_for", "signal_figure", "signal_page", "told"]

_SOUND: tuple[str, ...] = ("mono", "logmel")
_BRAIN: tuple[str | dict[str, Any], ...] = ("reference", {"name": "bandpass", "low": 0.5, "high": 45}, "bands")
_SOUNDS = 4000.0  # Hz: what is measured as often is sound
_MOST = 2000  # points that a line is drawn with
_LINES = 8  # channels that are drawn as lines; more are an image
_IMAGE = 600  # columns of one
Row = dict[str, str | int | float]


def chain_for(signal: Signal, stages: str | None = None) -> Chain:
    """The chain that `stages` writes in TOML, or without it a usual one for sound, or for brain waves.

    Raises:
        InputError: it is no list of stages.
    """
    if stages is not None:
        try:
            return Chain(tomllib.loads(f"stages = {stages}")["stages"], "--stages")
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"no list of stages ({error})", where="--stages",
                             remedy="""write '["mono", {name = "logmel", bins = 40}]'""") from error  # fmt: skip
    if signal.layout.rate >= _SOUNDS:
        return Chain(_SOUND)
    usable = _BRAIN if len(signal.layout.channels) > 1 else _BRAIN[1:]
    return Chain(usable if signal.layout.rate > 90 else ())


def told(signal: Signal, did: Sequence[Did]) -> list[Row]:
    """A row for the file, and one for each stage."""
    rows = [_row("file", "", signal)]
    return rows + [_row(one.stage, one.said, one.signal) for one in did]


def _row(stage: str, said: str, signal: Signal) -> Row:
    values = signal.values[np.isfinite(signal.values).all(1)] if len(signal) else signal.values
    return {
        "stage": stage,
        "frames": len(signal),
        "a second": round(signal.layout.rate, 3),
        "channels": len(signal.layout.channels),
        "mean": f"{values.mean():.4g}" if values.size else "-",
        "spread": f"{values.std():.4g}" if values.size else "-",
        "what it did": said,
    }


def signal_page(out: Path, name: str, signal: Signal, did: Sequence[Did], remarks: Sequence[str]) -> None:
    """Write the page: the file and every stage, each with its figures and its picture."""
    sections = [_section("The file", signal, {"notes": "; ".join(remarks)} if remarks else {})]
    sections += [_section(one.stage, one.signal, {"what it did": one.said} if one.said else {}) for one in did]
    write(out, name, f"{signal.seconds:.2f} s, {len(signal.layout.channels)} channels; stage by stage.", sections)


def _section(title: str, signal: Signal, facts: dict[str, object]) -> Section:
    layout = signal.layout
    facts = {"frames": len(signal), "frames a second": round(layout.rate, 3), "channels": len(layout.channels), **facts}
    picture = tag("figure", signal_figure(signal), class_="wide") if len(signal) else None
    return section(title, picture, fact_list(facts))


@drawing
def signal_figure(signal: Signal) -> Html:
    """Few channels as lines over one another, many as an image: time to the right."""
    values, layout = signal.values, signal.layout
    label = f"{len(layout.channels)} channels over {signal.seconds:.2f} seconds"
    if len(layout.channels) > _LINES:
        figure, ax = canvas(8.0, 2.8)
        every = -(-len(values) // _IMAGE)
        rows = [values[t : t + every].mean(0) for t in range(0, len(values), every)]
        image = np.nan_to_num(np.stack(rows, 1), nan=float(np.nanmin(values)) if np.isfinite(values).any() else 0.0)
        low, high = np.percentile(image, (1, 99))
        edges = np.linspace(signal.start, signal.start + signal.seconds, image.shape[1] + 1)
        ax.pcolormesh(edges, np.arange(len(image) + 1), image, cmap="viridis", vmin=low, vmax=max(high, low + 1e-9),
                      rasterized=True)  # fmt: skip
        ax.grid(False)
        ax.set_ylabel(f"{layout.channels[0]} ... {layout.channels[-1]}")
    else:
        figure, ax = canvas(8.0, 0.9 + 0.5 * len(layout.channels))
        every = max(1, len(values) // (_MOST // 2))
        apart = float(np.nanstd(values)) * 5 or 1.0
        for k, name in enumerate(layout.channels):
            pieces = [values[t : t + every, k] for t in range(0, len(values), every)]
            line = np.array([extreme for piece in pieces for extreme in (piece.min(), piece.max())])
            at = signal.start + np.repeat(np.arange(len(pieces)) * every / layout.rate, 2)
            ax.plot(at, line - k * apart, color=PAINT["ink"], linewidth=0.6)
            ax.annotate(name, (at[0], -k * apart), xytext=(-4, 0), textcoords="offset points", ha="right", va="center",
                        fontsize=8, color=PAINT["muted"])  # fmt: skip
        ax.set_yticks([])
    ax.set_xlabel("seconds")
    return svg(figure, label)
