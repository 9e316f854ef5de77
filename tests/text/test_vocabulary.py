"""The vocabulary: its fixed numbers, its order, its limits."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import InputError
from elman.text import Vocabulary

LISTS = [["b", "a", "b"], ["c", "b", "a"], ["d"]]


def test_padding_is_0_unknown_is_1_then_frequent_first_then_alphabet() -> None:
    vocabulary = Vocabulary.build(LISTS)
    assert vocabulary.to_list() == ["<pad>", "<unk>", "b", "a", "c", "d"]
    assert vocabulary.encode(["a", "zebra", "b"]) == [3, 1, 2]
    assert vocabulary.decode([3, 1, 2]) == ["a", "<unk>", "b"]
    assert Vocabulary.build(reversed(LISTS)) == vocabulary


def test_minimum_count_size_and_specials() -> None:
    assert Vocabulary.build(LISTS, min_count=2).to_list() == ["<pad>", "<unk>", "b", "a"]
    assert Vocabulary.build(LISTS, max_size=3).to_list() == ["<pad>", "<unk>", "b"]
    assert Vocabulary.build(LISTS, max_size=0).to_list() == ["<pad>", "<unk>"]
    assert Vocabulary.build([["<bos>", "a"]], specials=["<bos>"]).to_list() == ["<pad>", "<unk>", "<bos>", "a"]


def test_a_text_that_says_pad_is_not_padding() -> None:
    vocabulary = Vocabulary.build([["<pad>", "<unk>", "<pad>", "a"]])
    assert vocabulary.to_list() == ["<pad>", "<unk>", "a"]
    assert vocabulary.encode(["<pad>", "<unk>"]) == [1, 1]
    assert vocabulary.index("<pad>") == 1


def test_unknown_share() -> None:
    vocabulary = Vocabulary.build(LISTS, min_count=2)
    assert vocabulary.unknown_share(LISTS) == pytest.approx(2 / 7)
    assert vocabulary.unknown_share([]) == 0


@pytest.mark.parametrize("words", [[], ["a"], ["<unk>", "<pad>"], ["<pad>", "<unk>", "a", "a"]])
def test_a_list_that_is_no_vocabulary_is_refused(words: list[str]) -> None:
    with pytest.raises(InputError):
        Vocabulary.from_list(words)


@given(st.lists(st.lists(st.text(max_size=4), max_size=6), max_size=6), st.integers(1, 3))
def test_numbers_are_in_range_never_padding_and_survive_json(lists: list[list[str]], min_count: int) -> None:
    vocabulary = Vocabulary.build(lists, min_count=min_count)
    for tokens in lists:
        numbers = vocabulary.encode(tokens)
        assert all(0 < n < len(vocabulary) for n in numbers)
        kept = [t for t, n in zip(tokens, numbers) if n > 1]
        assert vocabulary.decode([n for n in numbers if n > 1]) == kept
        assert all(sum(t.count(w) for t in lists) >= min_count for w in kept)
    assert Vocabulary.from_list(json.loads(json.dumps(vocabulary.to_list()))) == vocabulary
