"""Subword units: a hand-worked merge, the way back, the same model from the same texts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.errors import InputError
from elman.text import Chain, Vocabulary
from elman.text.stopwords import list_stop_words
from elman.text.subwords import fit_subwords, join_subwords, read_subwords, subwords

TEXTS = ["the lower house", "lowest of the low", "newer and wider", "a new, newest house"] * 5
Model = Literal["bpe", "unigram"]


def test_bpe_merges_worked_by_hand() -> None:
    """Pairs in ▁ab ▁ab ▁ab ▁ac: ▁a 4 times, ab 3, ac 1. After five pieces, <unk> and the letters, come ▁a and ▁ab."""
    texts = ["ab ab ab ac"]
    assert subwords("ab ac", state=read_subwords(fit_subwords(texts, size=5))) == ["▁", "a", "b", "▁", "a", "c"]
    assert subwords("ab ac", state=read_subwords(fit_subwords(texts, size=6))) == ["▁a", "b", "▁a", "c"]
    assert subwords("ab ac", state=read_subwords(fit_subwords(texts, size=7))) == ["▁ab", "▁a", "c"]


@pytest.mark.parametrize("model", ["bpe", "unigram"])
def test_frequent_words_are_whole_and_rare_ones_in_pieces(model: Model) -> None:
    words = sorted(list_stop_words("long", "en"))  # pieces are worth learning only where endings come again
    chain = Chain(["lower", {"name": "subwords", "model": model, "size": 120}]).fit([*words, *["the house"] * 200])
    assert chain("The") == ["▁the"]
    assert len(chain("house")) < len("house") / 2
    assert len(chain("wildest")) > 2


@pytest.mark.parametrize("model", ["bpe", "unigram"])
def test_the_same_texts_give_the_same_model(model: Model) -> None:
    assert len({fit_subwords(TEXTS, model=model, size=50) for _ in range(5)}) == 1


@pytest.mark.parametrize("model", ["bpe", "unigram"])
def test_a_letter_never_seen_is_unknown_to_the_vocabulary(model: Model) -> None:
    chain = Chain([{"name": "subwords", "model": model, "size": 60}]).fit(TEXTS)
    vocabulary = Vocabulary.build(chain(text) for text in TEXTS)
    assert vocabulary.encode(chain("the Ω"))[-1] == 1
    assert 1 not in vocabulary.encode(chain("the house"))


@pytest.mark.parametrize("model", ["bpe", "unigram"])
@settings(max_examples=100, deadline=None)
@given(words=st.lists(st.text(alphabet="thelowrnsadiu", min_size=1, max_size=8), min_size=1, max_size=5))
def test_pieces_join_back_to_the_text(model: Model, words: list[str]) -> None:
    assert join_subwords(subwords(" ".join(words), state=_trained(model))) == " ".join(words)


@lru_cache
def _trained(model: Model) -> Any:
    return read_subwords(fit_subwords(TEXTS, model=model, size=60))


@pytest.mark.parametrize("texts", [[], [""], ["  "]])
def test_nothing_to_learn_from(texts: list[str]) -> None:
    with pytest.raises(InputError, match="no text to learn subword units from"):
        fit_subwords(texts)


@pytest.mark.parametrize("size", [0, -3])
def test_a_size_that_is_none_is_refused(size: int) -> None:
    with pytest.raises(InputError, match="size"):
        Chain([{"name": "subwords", "size": size}])
