"""Entity schemes against seqeval, on well-formed and on random tags, and there and back again."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.schemes import SCHEMES, Span, convert, detect_scheme, spans, to_tags
from elman.errors import InputError

# a person of two words, then one of one word right behind, then a place
SPELLINGS = {
    "IOB1": ["I-PER", "I-PER", "O", "I-PER", "B-PER", "I-LOC"],
    "IOB2": ["B-PER", "I-PER", "O", "B-PER", "B-PER", "B-LOC"],
    "IOBES": ["B-PER", "E-PER", "O", "S-PER", "S-PER", "S-LOC"],
    "BILOU": ["B-PER", "L-PER", "O", "U-PER", "U-PER", "U-LOC"],
}
ENTITIES = [Span("PER", 0, 2), Span("PER", 3, 4), Span("PER", 4, 5), Span("LOC", 5, 6)]

any_tags = st.lists(st.sampled_from(["O", *(f"{letter}-{type}" for letter in "BIES" for type in ("A", "B-c"))]))


@st.composite
def entities(draw: st.DrawFn) -> tuple[list[Span], int]:
    out, place = [], 0
    for _ in range(draw(st.integers(0, 6))):
        start = place + draw(st.integers(0, 2))
        place = start + draw(st.integers(1, 4))
        out.append(Span(draw(st.sampled_from("ABC")), start, place))
    return out, place + draw(st.integers(0, 2))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_same_entities_in_every_spelling(scheme: str) -> None:
    assert spans(SPELLINGS[scheme], scheme) == ENTITIES
    assert to_tags(ENTITIES, 6, scheme) == SPELLINGS[scheme]
    for other in SCHEMES:
        assert convert(SPELLINGS[scheme], scheme, other) == SPELLINGS[other]


@settings(max_examples=300, deadline=None)
@given(entities(), st.sampled_from(SCHEMES))
def test_there_and_back(drawn: tuple[list[Span], int], scheme: str) -> None:
    found, length = drawn
    assert spans(to_tags(found, length, scheme), scheme) == found


def test_entities_are_seqevals_however_malformed() -> None:
    from seqeval.metrics.sequence_labeling import get_entities

    draw = random.Random(0)
    every = ["O", "O", *(f"{letter}-{type}" for letter in "BIES" for type in ("A", "B-c"))]
    for _ in range(5000):
        tags = draw.choices(every, k=draw.randint(1, 12))
        assert [(s.type, s.start, s.end - 1) for s in spans(tags)] == get_entities(tags)


@settings(max_examples=500, deadline=None)
@given(any_tags)
def test_mending_keeps_the_entities(tags: list[str]) -> None:
    for scheme in SCHEMES:
        assert spans(convert(tags, "IOBES", scheme), scheme) == spans(tags)


@settings(max_examples=300, deadline=None)
@given(st.lists(entities(), min_size=1, max_size=5), st.sampled_from(["IOB1", "IOBES", "BILOU"]))
def test_a_scheme_is_found_out(drawn: list[tuple[list[Span], int]], scheme: str) -> None:
    found = detect_scheme([to_tags(e, n, scheme) for e, n in drawn])
    written = {tag[0] for e, n in drawn for tag in to_tags(e, n, scheme)} - {"O"}
    if not written:
        assert found == "none"
    elif scheme == "IOB1":
        assert found == "IOB1"
    elif written & set("ESLU"):
        assert found == scheme


def test_slips_do_not_change_the_scheme() -> None:
    assert detect_scheme([["B-A", "I-A"], ["O", "B-A"], ["O", "I-A"]]) == "IOB2"
    assert detect_scheme([["I-A", "I-A"], ["O", "I-A"], ["O", "B-A"]]) == "IOB1"
    assert detect_scheme([["NOUN", "VERB"], ["O"]]) == "none"
    # one label without a letter among entities is a slip to be reported, not a sign of plain labels
    assert detect_scheme([["B-A", "I-A"], ["A"]]) == "IOB2"
    with pytest.raises(InputError, match="in one file"):
        detect_scheme([["B-A", "E-A"], ["U-A"]])
