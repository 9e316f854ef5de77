"""Speech on a page: its features over time, what was heard where under them, and the words one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from elman.pages.drawing import PAINT, drawing, svg
from elman.pages.markup import Html, tag

__all__ = ["attended_figure", "edited", "spoken_figure"]

_SEEN = 0.05  # probability from which a symbol is drawn
_WIDEST = 12.0  # inches
_SPREAD = 2.5  # standard deviations from where a feature is at its strongest colour


@drawing
def spoken_figure(
    features: np.ndarray,
    probabilities: np.ndarray,
    names: Sequence[str],
    step: float,
    seconds: float,
    words: Sequence[tuple[str, float, float]],
) -> Html:
    """Features above, the probability of each symbol below, each word between where it was heard.

    Args:
        features: (T, F). probabilities: (S, V), the first symbol being the blank. names: V.
        step: seconds from one row of the probabilities to the next. seconds: of the recording.
        words: each with its start and end, in seconds.
    """
    figure = Figure(figsize=(min(_WIDEST, max(5.0, 1.6 * seconds)), 3.2))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.2, 1))
    above.imshow(
        _coloured(features), aspect="auto", origin="lower", interpolation="nearest",
        extent=(0, seconds, -0.5, features.shape[1] - 0.5),
    )  # fmt: skip
    above.set(ylabel="feature")
    above.grid(visible=False)
    at = (np.arange(len(probabilities)) + 0.5) * step
    below.plot(at, probabilities[:, 0], color=PAINT["line"], linewidth=1)
    for symbol in np.flatnonzero(probabilities.max(0) >= _SEEN).tolist():
        if symbol:
            below.plot(at, np.where(probabilities[:, symbol] > 1e-3, probabilities[:, symbol], np.nan),
                       color=PAINT["blue"], linewidth=1.2)  # fmt: skip
            for s in _peaks(probabilities[:, symbol]):
                below.text(at[s], probabilities[s, symbol] + 0.05, names[symbol].replace(" ", "\u2423"), ha="center",
                           fontsize=8)  # fmt: skip
    for word, start, end in words:
        for ax in (above, below):
            ax.axvspan(start, end, color=PAINT["line"], alpha=0.35, linewidth=0, zorder=0)
        above.text((start + end) / 2, features.shape[1] - 0.3, word, ha="center", va="bottom", fontsize=8.5)
    below.set(xlim=(0, seconds), ylim=(0, 1.25), xlabel="seconds", ylabel="p(symbol)")
    below.set_yticks([0, 0.5, 1])
    told = ", ".join(f"{word} from {start:.2f} to {end:.2f} s" for word, start, end in words)
    return svg(figure, f"Features of {seconds:.1f} seconds, and what was heard: {told or 'nothing'}")


@drawing
def attended_figure(
    features: np.ndarray, looks: np.ndarray, pieces: Sequence[str], step: float, seconds: float
) -> Html:
    """Features above, and below for each unit that was written what was listened to, from the first to the last.

    Args:
        features: (T, F). looks: (N, S), rows sum to one. pieces: N.
        step: seconds from one column of `looks` to the next. seconds: of the recording.
    """
    height = 1.6 + 0.22 * max(3, len(pieces))
    figure = Figure(figsize=(min(_WIDEST, max(5.0, 2.0 * seconds)), height))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1.2, max(1.0, height - 1.6)))
    above.imshow(
        _coloured(features), aspect="auto", origin="lower", interpolation="nearest",
        extent=(0, seconds, -0.5, features.shape[1] - 0.5),
    )  # fmt: skip
    paint = np.zeros((*looks.shape, 4))
    paint[..., :3] = to_rgb(PAINT["blue"])
    paint[..., 3] = np.clip(looks / max(float(looks.max()), 1e-9), 0, 1)
    extent = (0, looks.shape[1] * step, len(pieces) - 0.5, -0.5)
    below.imshow(paint, aspect="auto", interpolation="nearest", extent=extent)
    below.set_yticks(range(len(pieces)), [piece if piece.strip() else "\u2423" for piece in pieces])
    above.set(ylabel="feature")
    below.set(xlim=(0, seconds), xlabel="seconds")
    for ax in (above, below):
        ax.grid(visible=False)
    return svg(figure, f"What was listened to in {seconds:.1f} seconds when {', '.join(pieces)} was written")


def _coloured(features: np.ndarray) -> np.ndarray:
    """(F, T, 4): what is above a feature's mean in one colour, what is below in another, paler the nearer."""
    level = (features - features.mean(0)) / (features.std(0) + 1e-6) / _SPREAD
    out = np.zeros((*level.T.shape, 4))
    out[..., :3] = np.where(level.T[..., None] > 0, to_rgb(PAINT["blue"]), to_rgb(PAINT["muted"]))
    out[..., 3] = np.clip(np.abs(level.T), 0, 1)
    return out


def _peaks(p: np.ndarray) -> list[int]:
    """Where a probability is higher than before and after, and high enough to be seen."""
    left, right = np.pad(p, 1)[:-2], np.pad(p, 1)[2:]
    found: list[int] = np.flatnonzero((p >= max(_SEEN, 0.15)) & (p > left) & (p >= right)).tolist()
    return found


def edited(pairs: Sequence[tuple[str, str]]) -> Html:
    """The words of a reference and an answer side by side, two rows; what differs stands out.

    Args:
        pairs: one of two is empty where a word is missing or too much.
    """
    rows = []
    for name, k in (("said", 0), ("heard", 1)):
        cells = [
            tag("td", pair[k] or "\u00b7") if pair[0] == pair[1] else tag("td", tag("mark", pair[k] or "\u00b7"))
            for pair in pairs
        ]
        rows.append(tag("tr", tag("th", name, scope="row"), cells))
    return tag("div", tag("table", tag("tbody", rows)), class_="scroll")
