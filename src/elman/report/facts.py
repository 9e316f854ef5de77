"""What went in and what it took: lengths, classes, vocabulary, settings, seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from elman.pages.drawing import SERIES_PAINT, canvas, drawing, svg
from elman.pages.markup import Html, join, tag
from elman.pages.numbers import count, percent, seconds, short
from elman.text.corpus import Corpus
from elman.text.vocabulary import Vocabulary

__all__ = ["bars", "class_table", "fact_list", "length_figure", "timing_bars", "vocabulary_facts"]


def fact_list(facts: Mapping[str, object]) -> Html | None:
    """Pairs, as a definition list; a float between 0 and 1 whose name says share, unknown or rate is a percentage."""
    if not facts:
        return None
    return tag(
        "dl", [(tag("dt", k.replace("_", " ")), tag("dd", _fact(k, v))) for k, v in facts.items()], class_="facts"
    )


def _fact(key: str, value: object) -> str:
    if isinstance(value, float) and 0 <= value < 1 and any(w in key for w in ("share", "unknown", "covered")):
        return percent(value)
    return short(value)


def bars(values: Mapping[str, float], written: Mapping[str, str] | None = None, top: float | None = None) -> Html:
    """Horizontal bars from zero, each with its value written at its end.

    Args:
        top: the value of a whole bar, 1 for probabilities; None: the greatest of them.
    """
    if top is None:
        top = max([v for v in values.values() if np.isfinite(v)], default=0.0)
    rows = [
        (
            tag("dt", name),
            tag("dd", class_="bar", style=f"--v:{100 * max(v, 0) / top if top > 0 else 0:.1f}%", aria_hidden="true"),
            tag("dd", (written or {}).get(name, short(v))),
        )
        for name, v in values.items()
    ]
    return tag("dl", rows, class_="bars")


def timing_bars(timings: Mapping[str, float]) -> Html | None:
    """Where the time went."""
    if not timings:
        return None
    return bars(timings, {name: seconds(v) for name, v in timings.items()})


def class_table(labels: Sequence[str], counts: Mapping[str, Sequence[int]]) -> Html | None:
    """How many examples of each class each split holds."""
    if not counts:
        return None
    splits = list(counts)
    head = tag("tr", tag("th", "class"), [tag("th", s, class_="n") for s in splits])
    rows = [
        tag(
            "tr",
            tag("th", tag("bdi", label), scope="row"),
            [
                tag(
                    "td",
                    count(counts[s][k]),
                    tag("span", f" \u00b7 {percent(counts[s][k] / max(sum(counts[s]), 1))}", class_="muted"),
                    class_="n",
                )
                for s in splits
            ],
        )
        for k, label in enumerate(labels)
    ]
    total = tag("tr", tag("th", "all"), [tag("td", count(sum(counts[s])), class_="n") for s in splits])
    table = tag("table", tag("thead", head), tag("tbody", rows, total))
    return tag("div", table, class_="scroll")


@drawing
def _histogram(named: Mapping[str, np.ndarray], title: str, unit: str) -> Html:
    figure, ax = canvas(4.3, 2.5)
    top = max(float(np.quantile(v, 0.995)) for v in named.values())
    least = min(int(v.min()) for v in named.values())
    width = max(1, int(np.ceil((top - least + 1) / 40)))
    edges = np.arange(least, top + 2 * width, width) - 0.5
    texts = []
    for (name, lengths), paint in zip(named.items(), SERIES_PAINT):
        shares = np.histogram(np.minimum(lengths, edges[-1] - 0.5), edges)[0] / len(lengths)
        ax.stairs(shares, edges, color=paint, linewidth=1.6)
        ax.stairs(shares, edges, color=paint, fill=True, alpha=0.14)
        texts.append((name, paint))
    for i, (name, paint) in enumerate(texts):
        ax.text(0.99, 0.96 - 0.12 * i, name, color=paint, ha="right", va="top", transform=ax.transAxes)
    ax.set(title=title, xlabel=unit, ylabel="share")
    ax.set_ylim(bottom=0)
    ax.locator_params(axis="y", nbins=4)
    return svg(figure, f"{title}: histogram")


def length_figure(lengths: Mapping[str, Sequence[int]], unit: str = "words", most: int = 0) -> Html | None:
    """Lengths of the sequences of each split, with their median and longest below; `most` are read, if not 0."""
    named = {name: np.asarray(v) for name, v in lengths.items() if len(v)}
    if not named:
        return None
    caption = "; ".join(
        f"{name}: median {count(np.median(v))}, longest {count(v.max())}"
        f"{f', of which {count(most)} are read' if 0 < most < v.max() else ''}, "
        f"95\u202f% have at most {count(np.quantile(v, 0.95))}"
        for name, v in named.items()
    )
    return join(tag("figure", _histogram(named, "Lengths", unit), tag("figcaption", caption + ".")))


def vocabulary_facts(
    vocabulary: Vocabulary | None, features: int, train: Sequence[Sequence[str]], test: Sequence[Sequence[str]]
) -> dict[str, float]:
    """How much of the tokens of training and test the vocabulary knows."""
    if vocabulary is None:
        return {"features a step": features}
    counts, others = (Corpus.of(texts).counted() for texts in (train, test))
    return {
        "words known": len(vocabulary) - 2,
        "different words in training": len(counts),
        "seen only once": sum(c == 1 for c in counts.values()),
        "unknown share in training": _unknown_share(vocabulary, counts),
        "unknown share in test": _unknown_share(vocabulary, others),
    }


def _unknown_share(vocabulary: Vocabulary, counts: Mapping[str, int]) -> float:
    return sum(n for word, n in counts.items() if vocabulary.index(word) == 1) / max(1, sum(counts.values()))
