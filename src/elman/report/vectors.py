"""The report of word vectors: how they agree with people, their analogies, neighbours, and the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.pages.markup import Html, tag
from elman.pages.numbers import count, fraction, percent
from elman.pages.page import Section, section, write
from elman.report.facts import fact_list
from elman.report.projection import projection
from elman.text.stopwords import list_stop_words
from elman.text.vectors import WordVectors

__all__ = ["write_vectors"]


def write_vectors(path: str | Path, vectors: WordVectors, judged: Mapping[str, Any], name: str) -> Path:
    """Write the report of vectors judged by `elman.text.vectors.evaluate`."""
    words = _telling(vectors, 600)
    rows = np.array([vectors.index[w] for w in words], dtype=int)
    shown = {w: vectors.nearest(w, 6) for w in words[:24]}
    agreement = (
        "Spearman's rank correlation between the cosine of two words and the score that people gave the pair; "
        "pairs with an unknown word are left out."
    )
    analogy = "a is to b as c is to ... Right only if the nearest word is the very one expected."
    sections = [
        section("Agreement with people", _similarity(judged), lead=agreement),
        section("Analogies", _analogies(judged), lead=analogy),
        projection(words, vectors.matrix[rows], neighbours=shown, title="The words in the plane, stop words left out")
        if len(words) > 1
        else None,
        _made(vectors),
    ]
    return write(path, "Word vectors", f"{name}: {count(len(vectors))} words, {vectors.dim} dimensions", sections)


def _telling(vectors: WordVectors, most: int) -> list[str]:
    """The most frequent words that say something: no stop words, no numbers or signs."""
    stop = list_stop_words("long", "en")
    return [w for w in vectors.words[: 20 * most] if w.isalpha() and len(w) > 2 and w not in stop][:most]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Html:
    top = tag("tr", [tag("th", h, scope="col") for h in head])
    body = [tag("tr", tag("th", r[0], scope="row"), [tag("td", v, class_="number") for v in r[1:]]) for r in rows]
    return tag("div", tag("table", tag("thead", top), tag("tbody", body)), class_="scroll")


def _shown(value: float | None) -> str:
    return "\u2013" if value is None else fraction(value)


def _similarity(judged: Mapping[str, Any]) -> Html:
    rows = [(s["name"], _shown(s["spearman"]), f"{s['known']} of {s['pairs']}") for s in judged["similarity"]]
    return _table(("list", "Spearman", "pairs known"), rows)


def _analogies(judged: Mapping[str, Any]) -> Html:
    rows = [(s["name"], _shown(s["accuracy"]), f"{s['known']} of {s['questions']}") for s in judged["analogies"]]
    total = ("all", _shown(judged["analogy_accuracy"]), percent(judged["analogy_coverage"]))
    return _table(("section", "right", "questions known"), [*rows, total])


def _made(vectors: WordVectors) -> Section | None:
    facts = fact_list({k.replace("_", " "): v for k, v in vectors.about.items() if v is not None})
    return section("How they were made", facts) if facts else None
