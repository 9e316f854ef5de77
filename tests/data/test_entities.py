"""Entities against seqeval, on well-formed and on random tags."""

from __future__ import annotations

import random
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import classification_report
from seqeval.metrics.sequence_labeling import get_entities

from elman.data.entities import entity_scores
from elman.data.schemes import convert, spans
from elman.errors import InputError
from elman.models.tag_names import transition_rules

TAGS = ["O", *(f"{position}-{type_}" for position in "BIES" for type_ in ("person", "place", "creative-work"))]
tag = st.sampled_from([*TAGS, "B", "I", "E", "S", "I-"])  # also positions without a type


@settings(max_examples=3000, deadline=None)
@given(st.lists(tag, max_size=12))
def test_spans_equal_seqevals_on_any_tags(tags: list[str]) -> None:
    theirs = [(type_, first, last + 1) for type_, first, last in get_entities(tags)]
    assert [tuple(e) for e in spans(tags)] == theirs


def test_scores_equal_seqevals_on_thousands_of_malformed_sentences() -> None:
    rng = random.Random(7)
    for _ in range(60):
        gold = [rng.choices(TAGS, k=rng.randint(1, 9)) for _ in range(50)]
        predicted = [[t if rng.random() < 0.6 else rng.choice(TAGS) for t in tags] for tags in gold]
        ours = entity_scores(gold, predicted)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = classification_report(gold, predicted, output_dict=True, zero_division=0)
        assert set(ours) - {"all"} == set(theirs) - {"micro avg", "macro avg", "weighted avg"}
        for name, row in ours.items():
            other = theirs["micro avg" if name == "all" else name]
            assert row["precision"] == pytest.approx(other["precision"], abs=1e-12)
            assert row["recall"] == pytest.approx(other["recall"], abs=1e-12)
            assert row["f1"] == pytest.approx(other["f1-score"], abs=1e-12)
            assert row["support"] == other["support"]


def test_scores_by_hand() -> None:
    gold = [["B-a", "I-a", "O", "B-b"], ["O", "B-a"]]
    predicted = [["B-a", "I-a", "O", "B-a"], ["B-b", "B-a"]]
    table = entity_scores(gold, predicted)
    assert table["all"] == {"precision": 2 / 4, "recall": 2 / 3, "f1": pytest.approx(4 / 7), "support": 3}
    assert table["b"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}
    assert entity_scores([["O"]], [["O"]]) == {"all": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}}


def test_scores_refuse_what_cannot_be_compared() -> None:
    with pytest.raises(InputError, match="1 tagged sentences against 2"):
        entity_scores([["O"]], [["O"], ["O"]])
    with pytest.raises(InputError, match="sentence 1: 2 tags against 1"):
        entity_scores([["O"], ["O", "O"]], [["O"], ["O"]])


@pytest.mark.parametrize("scheme", ["IOB2", "IOBES"])
def test_rules_allow_exactly_the_well_formed(scheme: str) -> None:
    """A sequence passes the rules if and only if converting it to its own scheme changes nothing."""
    names = sorted({t for t in TAGS if t[0] in ("BIESO" if scheme == "IOBES" else "BIO")})
    allowed, start, end = transition_rules(names)
    rng = random.Random(1)
    passed = 0
    for _ in range(4000):
        tags = rng.choices(names, k=rng.randint(1, 4))
        index = [names.index(t) for t in tags]
        legal = bool(start[index[0]] and end[index[-1]] and allowed[index[:-1], index[1:]].all())
        assert legal == (convert(tags, scheme, scheme) == tags)
        passed += legal
    assert 100 < passed < 3900
