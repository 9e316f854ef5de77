"""The section on which channels and moments mattered: scalp maps, and a recording's course channel by channel."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from elman.data.labelled_recordings import Recordings
from elman.pages.drawing import PAINT, canvas, drawing, svg
from elman.pages.markup import Html, tag
from elman.pages.numbers import percent
from elman.pages.page import Section, section
from elman.report.scalp import scalp_figure
from elman.tasks.recordings.estimator import RecordingClassifier
from elman.tasks.recordings.mattering import Mattered, what_mattered
from elman.tasks.recordings.windows import Windowed

__all__ = ["channels"]

_SHOWN = 2  # recordings whose moments are shown
_MOST = 300.0  # seconds of one
_ROWS = 64  # channels of a table


def channels(estimator: RecordingClassifier, test: Recordings, read: Windowed, P: np.ndarray) -> Section | None:
    """What moved the answers P (N, K) to the windows; None where features tell of no channel, or of one alone."""
    found = what_mattered(estimator, read)
    if found is None or len(found.channels) < 2:
        return None
    weights = np.mean([np.abs(one).mean(0) for one in found.evidence], 0)  # (C,)
    weights = weights / max(float(weights.sum()), 1e-12)
    each = dict(zip(found.channels, weights.tolist()))
    lost = dict(zip(found.channels, (100 * found.lost).tolist()))
    maps = [
        scalp_figure({name: 100 * share for name, share in each.items()}, "Gradient times input, %", "{:.0f}"),
        scalp_figure(lost, "Left out, points lost", "{:+.1f}"),
    ]
    captions = (
        "Whose features move the answers, to first order: each channel's share of the size of gradient times input.",
        "How many points of balanced accuracy the windows lose without the channel; below 0: they gain.",
    )
    drawn = [tag("figure", map_, tag("figcaption", said)) for map_, said in zip(maps, captions) if map_]
    blocks = [tag("div", drawn, class_="grid")] if drawn else [_table(each, lost)]
    for i in range(min(_SHOWN, len(test))):
        own = np.flatnonzero(read.owners == i)
        if len(own):
            title = f"{test.names[i]}: {test.labels[i]}"
            blocks.append(tag("figure", _moments(title, estimator, read, found, own, P), class_="wide"))
    if len(blocks) > 1:
        blocks.append(tag("p", "Blue speaks for what the window was taken for, orange against it.", class_="muted"))
    lead = "Every map is of this network, on the test recordings; what it can do without, another may need."
    return section("Which channels, which moments", *blocks, lead=lead)


def _table(shares: dict[str, float], lost: dict[str, float]) -> Html:
    """Of channels that have no place on a scalp."""
    rows = [
        tag("tr", tag("th", name), tag("td", percent(shares[name]), class_="n"),
            tag("td", f"{lost[name]:+.1f}", class_="n"))
        for name in sorted(shares, key=lambda name: -shares[name])[:_ROWS]
    ]  # fmt: skip
    head = tag("tr", tag("th", "channel"), tag("th", "share of gradient times input", class_="n"),
               tag("th", "points lost when left out", class_="n"))  # fmt: skip
    return tag("div", tag("table", tag("thead", head), tag("tbody", rows)), class_="scroll")


@drawing
def _moments(
    title: str, estimator: RecordingClassifier, read: Windowed, found: Mattered, own: np.ndarray, P: np.ndarray
) -> Html:
    rate = estimator.signal_chain_.layout(estimator.layout_).rate
    own = own[read.starts[own] - read.starts[own[0]] < _MOST]
    figure, ax = canvas(8.0, 0.9 + 0.13 * len(found.channels))
    colours = LinearSegmentedColormap.from_list("", [PAINT["orange"], PAINT["paper"], PAINT["blue"]])
    most = max(float(np.abs(np.concatenate([found.evidence[i] for i in own])).max()), 1e-12)
    for i in own.tolist():
        frames = found.evidence[i]  # (T, C)
        edges = read.starts[i] + np.arange(len(frames) + 1) / rate
        ax.pcolormesh(edges, np.arange(len(found.channels) + 1), frames.T[::-1], cmap=colours, vmin=-most, vmax=most,
                      rasterized=True)  # fmt: skip
    ax.set_yticks(np.arange(len(found.channels)) + 0.5, list(found.channels)[::-1], fontsize=6.5)
    ax.grid(False)
    ax.set_xlabel("seconds")
    taken = [estimator.labels[k] for k in P[own].argmax(1)]
    ax.set_title(
        f"{title}, taken for it in {sum(k == title.rsplit(': ', 1)[-1] for k in taken)} of {len(taken)} windows"
    )
    return svg(figure, f"{title}: gradient times input by channel and second")
