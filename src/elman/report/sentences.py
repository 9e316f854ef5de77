"""Sentences the reader can judge for himself: what the model answered, how sure it was, and which words moved it."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from elman.pages.markup import Child, Html, join, tag
from elman.pages.numbers import count, fraction
from elman.pages.page import Section, section

__all__ = [
    "Answer",
    "answer_card",
    "answers",
    "first_of_each",
    "interesting",
    "legend",
    "most_telling",
    "moved_words",
    "shaded",
]

WORDS = 160  # of one sentence; a page that shows a whole novel shows nothing


@dataclass(frozen=True)
class Answer:
    """One sequence and what became of it.

    Attributes:
        tokens: as the model saw them.
        weights: one number a token, or empty. Positive speaks for the answer, negative against it.
        predicted, true: class names.
        probability: of `predicted`.
        text: as the user wrote it.
    """

    tokens: Sequence[str]
    weights: Sequence[float]
    predicted: str
    true: str
    probability: float
    text: str = ""

    @property
    def right(self) -> bool:
        return self.predicted == self.true


def shaded(tokens: Sequence[str], weights: Sequence[float] = (), unknown: Collection[int] = ()) -> Html:
    """Words on a ground as strong as their weight, relative to the strongest of the sentence.

    Args:
        unknown: which of the tokens the model has no number for, so that it read `<unk>` in their place.
    """
    known = np.nan_to_num(np.asarray(list(weights), dtype=float)[: len(tokens)])
    values = np.zeros(len(tokens))
    values[: len(known)] = known
    peak = float(np.abs(values).max(initial=0.0))
    words: list[Child] = []
    for i, (token, value) in enumerate(zip(tokens[:WORDS], values)):
        share = abs(value) / peak if peak > 0 else 0.0
        kinds = ["for" if value > 0 else "against"] if share >= 0.06 else []
        kinds += ["strong"] if share >= 0.6 else []
        strange = i in unknown
        kinds += ["unknown"] if strange or token == "<unk>" else []
        style = f"--v:{8 + 42 * share:.0f}%" if share >= 0.06 else None
        hint = ", ".join([f"{value:+.3f}"] * (peak > 0) + ["unknown to the model"] * strange) or None
        words += [tag("bdi", token, class_=" ".join(kinds) or None, style=style, title=hint), " "]
    if len(tokens) > WORDS:
        words.append(tag("span", f"\u2026 and {count(len(tokens) - WORDS)} more", class_="muted"))
    return tag("p", words, class_="words")


def answer_card(answer: Answer) -> Html:
    """One sentence with its answer above it."""
    head: list[Child] = [
        tag(
            "span",
            "\u2713 right" if answer.right else "\u2715 wrong",
            class_=f"mark {'right' if answer.right else 'wrong'}",
        ),
        tag("span", "answered ", tag("b", tag("bdi", answer.predicted)), f" with {fraction(answer.probability, 2)}"),
    ]
    if not answer.right:
        head.append(tag("span", "in the data ", tag("b", tag("bdi", answer.true))))
    written = None
    if answer.text and "<unk>" in answer.tokens:
        text = answer.text if len(answer.text) <= 600 else answer.text[:600] + "\u2026"
        written = tag("p", "As written: ", tag("bdi", text), class_="written")
    return tag("li", tag("div", head, class_="head"), shaded(answer.tokens, answer.weights), written, class_="card")


def legend(hues: Mapping[str, str]) -> Html:
    """What the grounds of words mean: text -> name of the colour."""
    items = [
        tag(
            "span",
            tag("span", class_="swatch", style=f"--hue:color-mix(in srgb,var(--{hue}) 45%,transparent)"),
            text,
        )
        for text, hue in hues.items()
    ]
    return tag("p", items, class_="legend")


def answers(wrong: Sequence[Answer], right: Sequence[Answer], open_: int = 6) -> Html:
    """Mistakes first, then what went well; the first few open, the rest behind a line to click."""
    shading = any(len(a.weights) for a in (*wrong, *right))
    key = legend({"speaks for the answer": "blue", "speaks against it": "orange"}) if shading else None
    return join(key, _group("Wrong", wrong, open_), _group("Right", right, open_))


def most_telling(
    y_true: np.ndarray,
    probabilities: np.ndarray,
    among: Sequence[int] | None = None,
    each: int = 12,
    texts: Sequence[Any] = (),
) -> tuple[list[int], list[int]]:
    """Which sequences to show: the most confident mistakes, and right answers of every class in turn, surest first.

    Args:
        y_true: (N,).
        probabilities: (N, K).
        among: indices to choose from; None for all.
        each: of each kind at most.
        texts: the N inputs; one that stands there several times is shown once.

    Returns:
        Indices of wrong and of right answers.
    """
    chosen = np.arange(len(y_true)) if among is None else np.asarray(list(among), dtype=int)
    if not len(chosen):
        return [], []
    predicted, sure = probabilities.argmax(1), probabilities.max(1)
    order = chosen[np.argsort(-sure[chosen], kind="stable")]
    order = order[first_of_each([texts[i] for i in order])] if len(texts) else order
    hit = predicted == np.asarray(y_true)
    wrong = [int(i) for i in order if not hit[i]][:each]
    queues = [[int(i) for i in order if hit[i] and predicted[i] == k] for k in range(probabilities.shape[1])]
    right: list[int] = []
    while any(queues) and len(right) < each:
        right += [q.pop(0) for q in queues if q]
    return wrong, right[:each]


def first_of_each(inputs: Sequence[Any]) -> list[int]:
    """Indices of the first of equal inputs; arrays, which are hardly ever equal, are all kept."""
    seen: dict[Hashable, int] = {}
    for i, given in enumerate(inputs):
        seen.setdefault(given if isinstance(given, str) else tuple(given) if isinstance(given, list) else i, i)
    return list(seen.values())


def _group(title: str, found: Sequence[Answer], open_: int) -> Html | None:
    if not found:
        return None
    cards = [answer_card(a) for a in found]
    rest = cards[open_:]
    more = tag("details", tag("summary", f"{len(rest)} more"), tag("ol", rest, class_="cards")) if rest else None
    return join(tag("h3", title), tag("ol", cards[:open_], class_="cards"), more)


def interesting(y_true: np.ndarray, probabilities: np.ndarray, texts: Sequence[Any] = (), each: int = 12) -> list[int]:
    """Sequences worth showing: of every class the surest mistakes and the surest right answers, `each` of both.

    Of equal `texts` (N) one alone is worth it.
    """
    predicted, sure = probabilities.argmax(1), probabilities.max(1)
    found: list[int] = []
    for k in np.unique(y_true):
        for kind in (predicted != y_true, predicted == y_true):
            rows = np.flatnonzero(kind & (y_true == k))
            rows = rows[np.argsort(-sure[rows], kind="stable")]
            rows = rows[first_of_each([texts[int(i)] for i in rows])] if len(texts) else rows
            found += rows[:each].tolist()
    return sorted(found)


def _of_words(n: int, of: int) -> str:
    """``2 of its 9 words are``: the beginning of a sentence."""
    if of == 1:
        return "Its only word is"
    return f"1 of its {of} words is" if n == 1 else f"{'All' if n == of else n} of its {of} words are"


def moved_words(
    tokens: Sequence[str],
    exact: Sequence[float],
    first: Sequence[float],
    unknown: Sequence[int],
    answer: str,
    more: str,
) -> Section:
    """Which words moved the answer to one text.

    Args:
        tokens: its words.
        exact, first: of each, how far the answer's log-probability falls without it: left out, and to first order.
        unknown: the places of those that the model does not know.
        answer: the label. more: a sentence about what was left as it is.
    """
    lead = f"How far the log-probability of \u201c{answer}\u201d falls without each word.{more}"
    if unknown:
        lead += f" {_of_words(len(unknown), len(tokens))} unknown to the model, and set in italics."
    return section(
        "Which words moved it",
        legend({"speaks for the answer": "blue", "speaks against it": "orange"}),
        tag("h3", "Left out one at a time"),
        shaded(tokens, exact, unknown),
        tag("h3", "To first order: gradient times input"),
        shaded(tokens, first, unknown),
        lead=lead,
    )
