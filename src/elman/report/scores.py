"""How good it is: the figures beside the honest baselines, class by class, and what is taken for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from elman.metric import Figure, Paired
from elman.pages.markup import Child, Html, join, tag
from elman.pages.numbers import count, fraction, percent, short, significant
from elman.pages.page import Section, section

__all__ = [
    "confusion_table",
    "is_better",
    "macro_f1",
    "per_class",
    "score_table",
    "scoreboard",
    "standard_error",
    "verdict",
    "written",
]

_NUMBERS = 1 << 22  # drawn at once


def scores_by_class(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 of each class, (..., K) each, of confusion matrices (..., K, K); 0 where undefined."""
    hits = np.diagonal(matrix, axis1=-2, axis2=-1).astype(float)
    predicted, true = matrix.sum(-2), matrix.sum(-1)
    precision = np.divide(hits, predicted, out=np.zeros_like(hits), where=predicted > 0)
    recall = np.divide(hits, true, out=np.zeros_like(hits), where=true > 0)
    f1 = np.divide(2 * hits, predicted + true, out=np.zeros_like(hits), where=predicted + true > 0)
    return precision, recall, f1


def macro_f1(matrix: np.ndarray) -> np.ndarray:
    """Mean of the classes' F1 over the classes that occur, true or predicted, as scikit-learn has it: (...)."""
    return _macro_f1(np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(-2) + matrix.sum(-1))


def _macro_f1(hits: np.ndarray, both: np.ndarray) -> np.ndarray:
    """Of (..., K) hits of each class, and how often it is predicted plus how often it is true."""
    f1 = np.divide(2 * hits, both, out=np.zeros(hits.shape), where=both > 0)
    return np.asarray(f1.sum(-1) / np.maximum((both > 0).sum(-1), 1))


def standard_error(matrix: np.ndarray, metric: str = "macro_f1", draws: int = 2000, seed: int = 0) -> float:
    """How far the figure would move on another test set of this size: the bootstrap's standard deviation.

    Examples are drawn with replacement; for a figure of the confusion matrix that is a multinomial draw of its cells.
    """
    N = int(matrix.sum())
    if N == 0 or metric not in ("macro_f1", "accuracy"):
        return float("nan")
    cells = np.flatnonzero(matrix)  # of K * K, few: with many classes whole matrices would fill the memory
    true, predicted = np.divmod(cells, len(matrix))
    hit, classes = true == predicted, np.concatenate([true, predicted])
    order = np.argsort(classes, kind="stable")
    starts = np.flatnonzero(np.diff(classes[order], prepend=-1))
    occurring = classes[order][starts]
    rng, values = np.random.default_rng(seed), []
    at_once = max(1, _NUMBERS // len(cells))
    for done in range(0, draws, at_once):
        drawn = rng.multinomial(N, matrix.ravel()[cells] / N, size=min(at_once, draws - done))  # (draws, cells)
        if metric == "accuracy":
            values.append(drawn[:, hit].sum(1) / N)
            continue
        both = np.add.reduceat(np.concatenate([drawn, drawn], 1)[:, order], starts, axis=1)  # (draws, classes)
        hits = np.zeros_like(both)
        hits[:, np.searchsorted(occurring, true[hit])] = drawn[:, hit]
        values.append(_macro_f1(hits, both))
    return float(np.concatenate(values).std(ddof=1))


def written(figure: Figure, value: float, digits: int = 3) -> str:
    """A value as people read it: a fraction without its leading zero, points to one place, others to four digits."""
    if figure.unit == "fraction":
        return fraction(value, digits)
    if not np.isfinite(value):
        return "\u2013"
    return f"{value:.1f}" if figure.unit == "points" else significant(float(value))


def verdict(
    figure: Figure, ours: float, error: float, baselines: Mapping[str, Mapping[str, float]], doubt: str = "",
    paired: Mapping[str, Paired] | None = None,
) -> str:  # fmt: skip
    """Ours beside the best baseline, in standard errors, neither praised nor hidden; and which of the two to use, where
    that is not ours: what is as good within the error of the test set, and simpler, is the better choice. In place of
    this advice a `doubt` is told, where there is one: neither is worth its use then. Where differences to a baseline
    are `paired`, their interval decides."""
    known = {name: m[figure.key] for name, m in baselines.items() if figure.key in m}
    what = figure.title if figure.better == "high" else f"{figure.title} (lower is better)"
    if not known:
        return f"{what} {written(figure, ours)} on the test split. No baseline was computed."
    best = list(known)[figure.best(list(known.values()))]
    gap = ours - known[best]
    said = f"{what} {written(figure, ours)}, beside {written(figure, known[best])} for {best}: "
    if not np.isfinite(gap):
        return said + "they cannot be compared."
    apart = f"{written(figure, abs(gap))} {'above' if gap > 0 else 'below'} it"
    open_ = error if np.isfinite(error) else 0.0  # how far the test set leaves the figure open
    level, gain = abs(gap) <= open_, figure.gain(ours, known[best])
    found = paired.get(best) if paired else None
    if found is not None:
        level, gain = found.open, figure.gain(found.gap, 0.0)
        apart = f"{written(figure, abs(found.gap))} {'above' if found.gap > 0 else 'below'} it"
    instead = f" Use that one: it is {'as good' if level else 'better'}, and smaller and faster."
    advice, always = (f" {doubt}", True) if doubt else (instead, False)
    if found is not None:
        if not np.isfinite(found.high - found.low):
            return f"{said}level with it, since {found.whose} says nothing of others.{advice}"
        known_by = f"over {found.whose}, 95 % interval {found.low:+.3f} to {found.high:+.3f}"
        return f"{said}{'level with it' if level else apart}, {known_by}.{advice * (always or level or gain < 0)}"
    if not open_:
        return said + ("level with it." if level else f"{apart}.") + advice * (always or gain <= 0)
    if level:
        return f"{said}level with it, since a test set of this size leaves \u00b1{written(figure, error)} open.{advice}"
    strength = "more than two standard errors" if abs(gap) > 2 * error else "between one and two standard errors"
    return f"{said}{apart}, {strength} of the test set (\u00b1{written(figure, error)}).{advice * (always or gain < 0)}"


def is_better(
    figure: Figure, ours: float, error: float, baselines: Mapping[str, Mapping[str, float]],
    paired: Mapping[str, Paired] | None = None,
) -> bool:  # fmt: skip
    """Whether `verdict` says that ours is better than the best baseline, rather than level with it or worse."""
    known = {name: figure.worth(m[figure.key]) for name, m in baselines.items() if figure.key in m}
    best = max(known, key=lambda name: known[name], default="")
    if paired and best in paired:
        return not paired[best].open and figure.gain(paired[best].gap, 0.0) > 0
    return bool(figure.worth(ours) - known.get(best, -np.inf) > (error if np.isfinite(error) else 0.0))


def scoreboard(
    metrics: Mapping[str, float],
    baselines: Mapping[str, Mapping[str, float]],
    *,
    show: Sequence[Figure],
    errors: Mapping[str, float] | None = None,
    seeds: Sequence[Mapping[str, float]] = (),
    baseline_texts: Mapping[str, str] | None = None,
    ours: str = "this model",
    title: str = "Result",
    notes: Sequence[str] = (),
    alarm: str = "",
    doubt: str = "",
    paired: Mapping[str, Paired] | None = None,
) -> Section:
    """The headline: large figures, one honest sentence, and each figure on a line beside the baselines'.

    Args:
        metrics: ours on the test split.
        baselines: name -> theirs on the same split.
        show: figures in order of weight; those that ours lacks are left out.
        errors: metric -> standard error of the test set.
        seeds: figures of single seeds, drawn as small rings.
        baseline_texts: name -> what the baseline is.
        ours: what our row is called.
        title: of the section.
        notes: sentences under the figures (how the data were split).
        alarm: a sentence in red above the figures, where they are not to be believed.
        doubt, paired: see `verdict`.
    """
    errors = errors or {}
    shown = [figure for figure in show if figure.key in metrics]
    tiles = [
        tag(
            "div",
            tag("span", written(f, metrics[f.key]), _plus_minus(f, errors.get(f.key)), class_="big"),
            tag("span", f.title, _seed_spread(f, seeds), class_="of"),
            class_="tile",
        )
        for f in shown
    ]
    said = None
    if shown:
        first = shown[0].key
        told = verdict(shown[0], metrics[first], errors.get(first, float("nan")), baselines, doubt, paired)
        said = tag("p", told, class_="verdict")
    strips = [_strips(f, metrics[f.key], baselines, errors.get(f.key), seeds, ours) for f in shown]
    described = [join(tag("b", name), f": {text}") for name, text in (baseline_texts or {}).items() if text]
    remarks: list[Child] = [tag("p", text, class_="muted") for text in (*described, *map(_sentence, notes))]
    warned = tag("p", alarm, class_="alarm", role="alert") if alarm else None
    return section(title, warned, tag("div", tiles, class_="tiles"), said, strips, *remarks)


def _sentence(note: str) -> str:
    """A note as a sentence: a capital first, unless it begins with the name of a file, and a full stop last."""
    note = note.strip()
    file = "." in note.split(" ", 1)[0].rstrip(".")
    return (note[:1] if file else note[:1].upper()) + note[1:] + ("" if note.endswith((".", "!", "?", ":")) else ".")


def _plus_minus(figure: Figure, error: float | None) -> Html | None:
    return tag("small", f"\u00b1 {written(figure, error)}") if error is not None and np.isfinite(error) else None


def _seed_spread(figure: Figure, seeds: Sequence[Mapping[str, float]]) -> str:
    values = [s[figure.key] for s in seeds if figure.key in s]
    if len(values) < 2:
        return ""
    mean, sd = float(np.mean(values)), float(np.std(values, ddof=1))
    return f", {len(values)} seeds: {written(figure, mean)} mean, {written(figure, sd)} sd"


def _scale(figure: Figure, values: Sequence[float]) -> tuple[float, float]:
    """The ends of a line that holds all these values: of a fraction, tenths."""
    finite = [v for v in values if np.isfinite(v)] or [0.0]
    if figure.unit == "fraction":
        low = max(min(float(np.floor(min(finite) * 10) / 10), 0.9), -1.0)
        high = max(float(np.ceil(max(finite) * 10) / 10), low + 0.1)
        return low, high if figure.better == "low" else min(high, 1.0)  # more words can be wrong than were said
    low, high = min(0.0, min(finite)), max(finite)
    step = 10.0 ** np.floor(np.log10(max(high - low, 1e-9)))  # to one digit
    return float(np.floor(low / step) * step), float(max(np.ceil(high / step), np.floor(low / step) + 1) * step)


def _strips(
    figure: Figure,
    value: float,
    baselines: Mapping[str, Mapping[str, float]],
    error: float | None,
    seeds: Sequence[Mapping[str, float]],
    ours: str,
) -> Html:
    """One figure as dots on lines of a common scale, best first."""
    key = figure.key
    rows = [(name, m[key], False) for name, m in baselines.items() if key in m] + [(ours, value, True)]
    rows.sort(key=lambda row: -figure.worth(row[1]))
    single = [s[key] for s in seeds if key in s]
    spread = error if error is not None and np.isfinite(error) else 0.0
    low, high = _scale(figure, [v for _, v, _ in rows] + single + [value - spread, value + spread])
    span = high - low

    def at(v: float) -> str:
        return f"{100 * (v - low) / span:.2f}%" if np.isfinite(v) else "100%"

    lines = []
    for name, v, mine in rows:
        marks: list[Child] = []
        if mine and spread:
            marks.append(tag("i", class_="span", style=f"--at:{at(v - spread)};--wide:{200 * spread / span:.2f}%"))
        if mine:
            marks += [tag("i", class_="seed", style=f"--at:{at(s)}") for s in single]
        marks.append(tag("i", class_="dot", style=f"--at:{at(v)}"))
        lines.append(
            tag(
                "div",
                tag("span", name, class_="name"),
                tag("span", marks, class_="track", aria_hidden="true"),
                tag("span", written(figure, v), class_="n"),
                class_="row ours" if mine else "row",
            )
        )
    plain = figure.unit in ("nats", "number")  # the ends of the scale are no figures
    marks = [tag("span", short(float(end)) if plain else written(figure, end, 1)) for end in (low, high)]
    ends = tag("span", marks, class_="axis", aria_hidden="true")
    lines.append(tag("div", tag("span", class_="name"), ends, tag("span"), class_="row scale"))
    return join(tag("h3", figure.title), tag("div", lines, class_="strips"))


def per_class(matrix: np.ndarray, labels: Sequence[str]) -> Html:
    """Precision, recall, F1 and support of each class, as a table."""
    return score_table(labels, *scores_by_class(matrix), matrix.sum(1))


def score_table(
    labels: Sequence[str], precision: np.ndarray, recall: np.ndarray, f1: np.ndarray, examples: np.ndarray
) -> Html:
    """The same of figures (K,) that are known already."""
    head = tag("tr", tag("th", "class"), [tag("th", h, class_="n") for h in ("precision", "recall", "F1", "examples")])
    rows = [
        tag(
            "tr",
            tag("th", tag("bdi", label), scope="row"),
            tag("td", fraction(p), class_="n"),
            tag("td", fraction(r), class_="n"),
            tag("td", fraction(f), tag("span", tag("i", style=f"--v:{100 * f:.1f}%"), class_="meter"), class_="n"),
            tag("td", count(n), class_="n"),
        )
        for label, p, r, f, n in zip(labels, precision, recall, f1, examples)
    ]
    return tag("div", tag("table", tag("thead", head), tag("tbody", rows)), class_="scroll")


def confusion_table(matrix: np.ndarray, labels: Sequence[str], limit: int = 20) -> Html:
    """What was taken for what: rows true, columns predicted, each cell shaded by its share of the row.

    Of more than `limit` classes the most frequent are shown, and the caption says so.
    """
    caption = "Rows: the class in the data. Columns: the class predicted. Shade and percentage: share of the row."
    if len(labels) > limit:
        keep = np.sort(np.argsort(-matrix.sum(1), kind="stable")[:limit])
        caption += f" The {limit} most frequent of {len(labels)} classes."
        matrix, labels = matrix[np.ix_(keep, keep)], [labels[k] for k in keep]
    totals = np.maximum(matrix.sum(1, keepdims=True), 1)
    shares = matrix / totals
    many = len(labels) > 6
    head = tag("tr", tag("th", ""), [tag("th", tag("bdi", label), scope="col") for label in labels])
    rows = []
    for i, label in enumerate(labels):
        cells = [
            tag(
                "td",
                tag("b", count(matrix[i, j])),
                None if many else tag("span", percent(shares[i, j])),
                class_="hit" if i == j else None,
                style=f"--v:{60 * shares[i, j]:.0f}%",
            )
            for j in range(len(labels))
        ]
        rows.append(tag("tr", tag("th", tag("bdi", label), scope="row"), cells))
    table = tag(
        "table", tag("caption", caption), tag("thead", head), tag("tbody", rows),
        class_="confusion many" if many else "confusion",
    )  # fmt: skip
    return tag("div", table, class_="scroll")
