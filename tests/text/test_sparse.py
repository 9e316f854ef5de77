"""Sparse words by count and by share of documents, on documents one can count by eye."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import InputError
from elman.text import Chain
from elman.text.sparse import fit_sparse

DOCUMENTS = [["the", "cat", "cat"], ["the", "dog"], ["the", "dog"], ["the", "bird"]]


def test_by_count() -> None:
    assert fit_sparse(DOCUMENTS, count=2) == ["cat", "dog", "the"]
    assert fit_sparse(DOCUMENTS, count=3) == ["the"]


def test_by_share_of_documents() -> None:
    # cat comes twice, but in one document of four
    assert fit_sparse(DOCUMENTS, count=1, share=0.5) == ["dog", "the"]
    assert fit_sparse(DOCUMENTS, count=1, share=0.25) == ["bird", "cat", "dog", "the"]
    assert fit_sparse(DOCUMENTS, count=1, most=0.5) == ["bird", "cat", "dog"]


def test_a_share_that_is_a_whole_number_of_documents_is_not_missed() -> None:
    documents = [["a"]] * 3 + [["b"]] * 27  # .1 * 30 is 3.0000000000000004 or so
    assert fit_sparse(documents, count=1, share=0.1) == ["a", "b"]
    assert fit_sparse(documents, count=1, most=0.1) == ["a"]


def test_words_never_seen_are_sparse_and_can_be_named() -> None:
    texts = [" ".join(d) for d in DOCUMENTS]
    assert Chain(["sparse"]).fit(texts)("the zebra dog bird") == ["the", "dog"]
    named = Chain([{"name": "sparse", "instead": "<unk>"}]).fit(texts)
    assert named("the zebra dog bird") == ["the", "<unk>", "dog", "<unk>"]


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=6), max_size=8), st.integers(1, 4), st.floats(0, 1))
def test_what_stays_is_what_counting_says(documents: list[list[str]], count: int, share: float) -> None:
    kept = fit_sparse(documents, count=count, share=share)
    for word in "abcdef":
        enough = sum(d.count(word) for d in documents) >= count
        holding = sum(word in d for d in documents)
        if enough and holding and abs(holding - share * len(documents)) > 1e-6:
            assert (word in kept) == (holding > share * len(documents))
        elif not enough or not holding:
            assert word not in kept


@pytest.mark.parametrize("options", [{"share": 1.5}, {"most": -0.1}, {"count": -1}, {"share": 0.5, "most": 0.2}])
def test_limits_that_make_no_sense_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match="stage 'sparse'"):
        Chain([{"name": "sparse", **options}])
