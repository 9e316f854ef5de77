"""BLEU by the length of the source: a model that breaks at a length breaks there in the curve, beside others."""

from __future__ import annotations

import re

from tests.tasks.translate.conftest import pairs

import elman
from elman.data.parallel import Pairs
from elman.tasks.contract import Split
from elman.tasks.translate.by_length import as_json, by_length, length_curve
from elman.tasks.translate.figures import bleu_points
from elman.tasks.translate.task import TASK

TEST = Pairs(*pairs(120, seed=3))


def test_where_it_breaks() -> None:
    """What answers up to five words rightly, and of longer texts nothing right."""
    answers = [b if len(a.split()) <= 5 else "Z Z Z Z Z Z Z" for a, b in zip(TEST.source, TEST.target)]
    curve = length_curve(TEST, answers)
    assert [(span.low, span.high) for span in curve] == sorted({(span.low, span.high) for span in curve})
    assert sum(span.n for span in curve) == 120
    for span in curve:
        if span.high <= 5:
            assert span.least == span.value == span.most == 100
        elif span.low > 5:
            assert span.value < 20
    some = next(span for span in curve if span.low > 5)
    mine = [i for i, text in enumerate(TEST.source) if some.low <= len(text.split()) <= some.high]
    assert len(mine) == some.n
    assert abs(some.value - bleu_points([answers[i] for i in mine], [TEST.target[i] for i in mine])) < 1e-9
    assert some.least <= some.value <= some.most


def test_the_groups_are_those_of_the_pairs() -> None:
    """So that curves of several models have their points above each other, whatever they answer."""
    good, bad = length_curve(TEST, TEST.target), length_curve(TEST, ["X"] * len(TEST))
    assert [(s.low, s.high, s.n) for s in good] == [(s.low, s.high, s.n) for s in bad]
    assert length_curve(TEST.take(range(10)), TEST.target[:10]) == []
    assert by_length([], "attention", None) is None


def test_a_variant_s_curve_stands_beside_ours(translator: elman.Translator) -> None:
    kept = TASK.shown(translator, Split(TEST, TEST, TEST))
    assert kept == as_json(length_curve(TEST, translator.predict(list(TEST.source))))
    ours = length_curve(TEST, TEST.target)
    section = by_length(ours, "attention after", {"shown": {"fixed context": kept}})
    assert section is not None
    page = str(section.body)
    assert re.search("attention after: .*100.0.*; fixed context: ", page)
    assert "--ablate" not in page
    alone = by_length(ours, "attention after", None)
    assert alone is not None
    assert "--ablate" in str(alone.body)
