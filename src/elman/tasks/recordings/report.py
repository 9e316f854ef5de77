"""What a classifier of recordings shows of its training: person by person, and a recording as it goes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from elman.data.labelled_recordings import LEAKS, Recordings
from elman.metric import Paired
from elman.models.recording_settings import SignalSettings
from elman.pages.drawing import PAINT, SERIES_PAINT, canvas, drawing, svg
from elman.pages.markup import Html, tag
from elman.pages.numbers import fraction, percent
from elman.pages.page import Section, section
from elman.report.facts import fact_list
from elman.report.scores import confusion_table
from elman.tasks.contract import Baseline, Look, Trained
from elman.tasks.recordings.deciding import course, latency
from elman.tasks.recordings.estimator import RecordingClassifier
from elman.tasks.recordings.figures import paired
from elman.tasks.recordings.report_channels import channels
from elman.tasks.recordings.windows import Windowed

__all__ = ["look"]

_SHOWN = 4  # recordings that are shown as they go


def look(trained: Trained[RecordingClassifier, Recordings], usual: Look) -> Look:
    """The usual sections, and before them whom it knows, and what it says while a recording goes on."""
    estimator, test = trained.estimator, trained.data.test
    read = estimator.encoded(test)
    P = estimator.window_probabilities(read)
    sections = [
        _persons(trained), _confused(trained), channels(estimator, test, read, P),
        _as_it_goes(estimator, test, read, P), *usual.sections,
    ]  # fmt: skip
    leaks = bool(trained.recipe.data.leak)
    what = "stretches of recordings that it knows" if leaks else "recordings it never saw"
    chain = section("The signal chain", tag("ol", [tag("li", label) for label in estimator.signal_chain_.labels]))
    sections.insert(-1, chain)
    return replace(
        usual,
        said=f"{trained.recipe.description or usual.ours}; judged on {len(test)} {what}.",
        sections=sections,
        show=("balanced_accuracy", "recording_balanced_accuracy"),
        errors=_errors(trained),
        alarm=LEAKS if leaks else "",
        doubt="Neither figure tells of a recording that is new." if leaks else "",
        paired={} if leaks else _paired(trained),
    )


def _errors(trained: Trained[RecordingClassifier, Recordings]) -> dict[str, float]:
    """How far the figures would move on other persons: windows of one person say little beside those of another."""
    each = trained.test.get("persons")
    values = [row["balanced_accuracy"] for row in each.values()] if isinstance(each, dict) else []
    if len(values) < 2:
        return {}
    error = float(np.std(np.asarray(values, float), ddof=1) / len(values) ** 0.5)
    return {"balanced_accuracy": error, "person_balanced_accuracy": error}


def _side_by_side(
    trained: Trained[RecordingClassifier, Recordings], other: Baseline
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Whose balanced accuracy is known of both, and what it is: ours, and that of a baseline."""
    ours, theirs = trained.test.get("persons"), other.scores.get("persons")
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        return [], np.zeros(0), np.zeros(0)
    keys = list(ours)
    mine, others = (np.array([rows[key]["balanced_accuracy"] for key in keys], float) for rows in (ours, theirs))
    return keys, mine, others


def _paired(trained: Trained[RecordingClassifier, Recordings]) -> dict[str, Paired]:
    """How far ours is from each baseline, person by person."""
    rows = {other.name: _side_by_side(trained, other) for other in trained.baselines}
    return {name: paired(ours, theirs) for name, (keys, ours, theirs) in rows.items() if keys}


def _persons(trained: Trained[RecordingClassifier, Recordings]) -> Section | None:
    first = trained.baselines[0]
    keys, ours, theirs = _side_by_side(trained, first)
    if len(keys) < 2:
        return None
    gap = paired(ours, theirs)
    facts = {
        "persons": len(keys),
        "mean and spread": f"{fraction(float(ours.mean()))} \u00b1 {fraction(float(ours.std(ddof=1)))}",
        f"beside {first.name}": f"{gap.gap:+.3f}, 95 % interval {gap.low:+.3f} to {gap.high:+.3f}",
        "beside chance": f"{ours.mean() - 1 / len(trained.estimator.labels):+.3f}",
    }
    few = " So few persons say little." if len(keys) < 10 else ""
    lead = f"Balanced accuracy of each person's windows, paired with the linear model's on the same windows.{few}"
    figure = tag("figure", _person_figure(keys, ours, theirs, first.name), class_="wide")
    return section("Person by person", figure, fact_list(facts), lead=lead)


@drawing
def _person_figure(names: list[str], ours: np.ndarray, theirs: np.ndarray, other: str) -> Html:
    order = np.argsort(ours)
    figure, ax = canvas(7.5, 0.8 + 0.17 * len(names))
    rows = np.arange(len(names))
    ax.plot(theirs[order], rows, "o", color=PAINT["muted"], markersize=4, label=other)
    ax.plot(ours[order], rows, "o", color=SERIES_PAINT[0], markersize=5, label="ours")
    ax.set_yticks(rows, [names[i] for i in order], fontsize=7)
    ax.set_xlabel("balanced accuracy of windows")
    ax.legend(frameon=False, fontsize=8)
    return svg(figure, "balanced accuracy of every person")


def _confused(trained: Trained[RecordingClassifier, Recordings]) -> Section:
    matrix = np.asarray(trained.test["confusion"])
    return section("Which windows", confusion_table(matrix, trained.estimator.labels))


def _as_it_goes(estimator: RecordingClassifier, test: Recordings, read: Windowed, P: np.ndarray) -> Section:
    figures = []
    for i in range(min(_SHOWN, len(test))):
        own = read.owners == i
        title = f"{test.names[i]}: {test.labels[i]}"
        figures.append(tag("figure", _course(title, read.starts[own], P[own], estimator.labels)))
    size = max(len(item) for item in read.items) / estimator.signal_chain_.layout(estimator.layout_).rate
    waits, computed = latency(estimator, test, size)
    soon = course(P, read, waits)
    facts = {
        "the first decision": f"{waits:g} s after the signal begins, and {1000 * computed:.0f} ms of computing",
        **{f"after {soon.seconds[n]:g} s": f"balanced accuracy of recordings {fraction(soon.right[n])}, "
           f"{percent(soon.settled[n])} of the answers as at the end" for n in _some(len(soon.seconds))},
    }  # fmt: skip
    normalise = estimator.settings(SignalSettings).normalise
    live = (
        "It was made from the whole recording: in real time, filters and calibration would have to know the past alone."
    )
    if not estimator.signal_chain_.waits and normalise in ("none", "past"):
        live = "Nothing later than a window is looked at: so it would have been in real time."
    lead = f"What each window says, and what all windows so far say together. {live}"
    return section("As it goes", fact_list(facts), tag("div", figures, class_="grid wide"), lead=lead)


def _some(count: int) -> list[int]:
    """The first of so many, every one twice as far as that before it, and the last."""
    return sorted({min(2**k, count) - 1 for k in range(count.bit_length() + 1)})


@drawing
def _course(title: str, starts: np.ndarray, P: np.ndarray, labels: list[str]) -> Html:
    figure, ax = canvas(4.3, 2.2)
    together = np.cumsum(np.log(np.maximum(P, 1e-12)), 0) / np.arange(1, len(P) + 1)[:, None]
    together = np.exp(together - together.max(1, keepdims=True))
    together /= together.sum(1, keepdims=True)
    ax.plot(starts, P[:, -1], "o", color=PAINT["muted"], markersize=3)
    ax.plot(starts, together[:, -1], color=SERIES_PAINT[0])
    ax.set_ylim(-0.02, 1.02)
    ax.set_title(title)
    ax.set_xlabel("seconds")
    ax.set_ylabel(f"p({labels[-1]})")
    return svg(figure, title)
