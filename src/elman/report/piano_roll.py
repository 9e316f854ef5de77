"""Music on a page: drawn as a piano roll, played at the press of a button, counted."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from elman.notes.counts import Counts
from elman.notes.roll import LOW, PITCH_CLASSES, Roll, name_of, tune_of
from elman.notes.synthesis import sound
from elman.notes.tune import BEATS_A_MINUTE, Tune
from elman.pages.drawing import PAINT, SERIES_PAINT, STYLE, canvas, drawing, svg
from elman.pages.markup import Html, tag
from elman.pages.numbers import percent
from elman.report.player import player

__all__ = ["chord_table", "played", "roll_figure", "roll_picture", "shares_figure"]

_RATE = 11_025  # samples a second of what a page plays
_DPI = 150


def roll_figure(roll: Roll, step: float, title: str = "") -> Html:
    """A piece (T, 88) as a drawing of the page: time to the right, pitch upward."""
    return _drawn(roll, step, title)


def roll_picture(roll: Roll, step: float, kind: str) -> bytes:
    """The same as a file, ``png`` or ``svg``; the same piece has the same bytes."""
    with mpl.rc_context({**STYLE, "savefig.transparent": False}):
        figure = _rolled(roll, step, "")
        buffer = io.BytesIO()
        metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
        figure.savefig(buffer, format=kind, dpi=_DPI, facecolor=PAINT["paper"], metadata=metadata)
    return buffer.getvalue()


@drawing
def _drawn(roll: Roll, step: float, title: str) -> Html:
    notes = len(tune_of(roll, step, BEATS_A_MINUTE).notes)
    return svg(_rolled(roll, step, title), f"{title or 'Piano roll'}: {notes} notes in {len(roll)} frames")


def _rolled(roll: Roll, step: float, title: str) -> Figure:
    figure, ax = canvas(9.0, 3.0)
    keys = np.flatnonzero(roll.any(0)) + LOW
    low, high = (int(keys.min()), int(keys.max())) if len(keys) else (55, 67)
    highest = {(t, int(np.flatnonzero(frame)[-1])) for t, frame in enumerate(roll) if frame.any()}
    boxes: dict[str, list[list[tuple[float, float]]]] = {PAINT["muted"]: [], SERIES_PAINT[0]: []}
    for note in tune_of(roll, step, BEATS_A_MINUTE).notes:
        begin, end = note.onset + 0.06 * step, note.onset + note.duration - 0.06 * step
        frames = range(round(note.onset / step), round((note.onset + note.duration) / step))
        above = sum((t, note.pitch - LOW) in highest for t in frames) * 2 >= len(frames)
        below, over = note.pitch - 0.4, note.pitch + 0.4
        box = [(begin, below), (end, below), (end, over), (begin, over)]
        boxes[SERIES_PAINT[0] if above else PAINT["muted"]].append(box)
    for paint, some in boxes.items():
        ax.add_collection(PolyCollection(some, facecolors=paint, linewidths=0))
    for pitch in range(low - 1, high + 2):
        if "#" in PITCH_CLASSES[pitch % 12] or "b" in PITCH_CLASSES[pitch % 12]:
            ax.axhspan(pitch - 0.5, pitch + 0.5, color=PAINT["line"], alpha=0.35, linewidth=0, zorder=0)
    ticks = [pitch for pitch in range(low, high + 1) if pitch % 12 in (0, 7)]
    ax.set_yticks(ticks, [name_of(pitch) for pitch in ticks])
    ax.set(xlim=(0, max(1, len(roll)) * step), ylim=(low - 1.5, high + 1.5), xlabel="beats", title=title)
    ax.grid(axis="y", visible=False)
    return figure


def played(tune: Tune, name: str) -> Html:
    """A button that plays a tune: its sound is in the page."""
    return player(sound(tune, _RATE), _RATE, name)


@drawing
def shares_figure(title: str, names: Sequence[str], shares: Mapping[str, np.ndarray], label: str = "") -> Html:
    """Shares of the same things in several kinds of music, as bars beside each other."""
    figure, ax = canvas(4.3, 2.6)
    width = 0.8 / len(shares)
    for k, ((kind, values), paint) in enumerate(zip(shares.items(), SERIES_PAINT)):
        ax.bar(np.arange(len(names)) - 0.4 + (k + 0.5) * width, values, width, color=paint, linewidth=0)
        ax.text(0.99, 0.97 - 0.12 * k, kind, color=paint, ha="right", va="top", transform=ax.transAxes)
    every = max(1, -(-len(names) // 13))
    ax.set_xticks(range(0, len(names), every), names[::every])
    ax.set(title=title, xlabel=label, ylabel="share")
    ax.set_ylim(0, 1.25 * max(float(v.max()) for v in shares.values()))
    ax.grid(axis="x", visible=False)
    ax.locator_params(axis="y", nbins=4)
    said = "; ".join(
        f"{kind}: {', '.join(f'{name} {percent(float(v))}' for name, v in zip(names, values) if v > 0.005)}"
        for kind, values in shares.items()
    )
    return svg(figure, f"{title}. {said}")


def chord_table(counted: Mapping[str, Counts], most: int = 10) -> Html:
    """The commonest chords of the first kind of music, and how common they are in the others."""
    first = next(iter(counted.values()))
    head = tag("tr", tag("th", "chord"), [tag("th", kind, class_="n") for kind in counted])
    rows = [
        tag("tr", tag("th", name, scope="row"),
            [tag("td", percent(counts.chords.get(name, 0.0)), class_="n") for counts in counted.values()])
        for name in list(first.chords)[:most]
    ]  # fmt: skip
    known = set(first.chords)
    new = [
        tag("td", percent(sum(share for name, share in counts.chords.items() if name not in known)), class_="n")
        for counts in counted.values()
    ]
    rows.append(tag("tr", tag("th", "in none of them", scope="row"), new))
    return tag("div", tag("table", tag("thead", head), tag("tbody", rows)), class_="scroll")
