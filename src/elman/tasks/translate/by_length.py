"""BLEU by the length of the source: where a fixed context breaks, and attention does not.

Bahdanau et al. 2015, figure 2.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from elman.data.parallel import Pairs
from elman.pages.markup import tag
from elman.pages.page import Section, section
from elman.report.by_length import Span, by_length_figure, length_spans
from elman.tasks.figures import Json
from elman.tasks.translate.estimator import Translator
from elman.tasks.translate.faults import tokens_of
from elman.tasks.translate.figures import bleu_of, bootstrap, sentence_counts

__all__ = ["READ", "WAYS", "as_json", "by_length", "length_curve", "translated_curve"]

READ = 2000  # test pairs that are looked into
WAYS = {
    "none": "fixed context",
    "after": "attention after",
    "inside": "attention inside",
    "fed": "input feeding",
}
_FOUR = 4  # words in a row that BLEU counts
_DRAWS = 200


def length_curve(pairs: Pairs, answers: Sequence[str]) -> list[Span]:
    """BLEU of answers by the length of their source, each with the interval that holds 95 % of what as many sentences
    drawn with replacement come to.

    The groups depend on the pairs alone, so that several models' curves have the same; fewer than two: no curve.
    """
    lengths = list(map(len, map(tokens_of(pairs.source), pairs.source)))
    counts, groups = sentence_counts(answers, pairs.target), length_spans(lengths)
    while len(groups) > 1 and counts[groups[0], -1].max() < _FOUR:  # of so short texts BLEU says nothing
        groups[:2] = [np.concatenate(groups[:2])]
    found = []
    for group in groups if len(groups) > 1 else []:
        least, most = np.quantile(bootstrap(counts[group], _DRAWS), (0.025, 0.975)).tolist()
        some = [lengths[i] for i in group]
        found.append(Span(min(some), max(some), len(group), bleu_of(counts[group].sum(0)), least, most))
    return found


def translated_curve(translator: Translator, test: Pairs) -> list[Span]:
    """The curve of a translator on the first test pairs."""
    some = test.take(range(min(len(test), READ)))
    return length_curve(some, translator.predict(list(some.source)))


def by_length(curve: Sequence[Span], ours: str, ablation: Json) -> Section | None:
    """The section of the report.

    Args:
        ours: what our curve is called.
        ablation: what metrics.json calls so: its variants' curves stand beside ours.
    """
    if not curve:
        return None
    curves = {ours: list(curve)}
    if isinstance(ablation, Mapping):
        shown: Any = ablation.get("shown", {})
        curves |= {name: [Span(**span) for span in spans] for name, spans in shown.items() if spans}
    lead = "BLEU of the test pairs by the length of their source, with 95 % intervals (bootstrap over sentences)."
    if len(curves) == 1:
        lead += " With --ablate the other ways to look at the source stand beside it, the fixed context among them."
    figure = tag("figure", by_length_figure(curves if len(curves) > 1 else {"BLEU": curve}, "BLEU"))
    return section("By length", figure, lead=lead)


def as_json(curve: Sequence[Span]) -> Json:
    """As metrics.json holds a variant's curve."""
    return [dataclasses.asdict(span) for span in curve]
