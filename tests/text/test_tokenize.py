"""Splitting: known answers, nothing lost, nothing slow."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.text.tokenize import _word_pattern, characters, join_words, whitespace, words


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("It's a well-made, 7-megapixel camera!!!", ["It's", "a", "well-made", ",", "7-megapixel", "camera", "!!!"]),
        ("$1,200.50 at 12:30", ["$", "1,200.50", "at", "12:30"]),
        ("the U.S. and e.g. this. End.", ["the", "U.S.", "and", "e.g.", "this", ".", "End", "."]),
        (
            "Mr. X, Acme Inc. 08/16/2000 ==> (( $$$",
            ["Mr.", "X", ",", "Acme", "Inc.", "08/16/2000", "==", ">", "(", "(", "$$$"],
        ),
        ("mail a@b.org or http://x.com/y.", ["mail", "a@b.org", "or", "http://x.com/y", "."]),
        ("@you #tag :-) <url>", ["@you", "#tag", ":-)", "<url>"]),
        ("👍🏽👨‍👩‍👧🇩🇪", ["👍🏽", "👨‍👩‍👧", "🇩🇪"]),
        ("日本語が好き。Good", ["日", "本", "語", "が", "好", "き", "。", "Good"]),
        ("สวัสดี हिन्दी", ["ส", "วั", "ส", "ดี", "हिन्दी"]),
        ("한국어 좋아", ["한국어", "좋아"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_words_known_answers(text: str, plain: list[str]) -> None:
    assert words(text) == plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [  # as Universal Dependencies' English treebank writes them
        ("I can't, don't, cannot.", "I ca n't , do n't , can not ."),
        ("It's John's; they'll've", "It 's John 's ; they 'll 've"),
        ("DON’T CAN'T we'd", "DO N’T CA N'T we 'd"),
        ("a well-made thing", "a well - made thing"),
        ("notable canteen isn", "notable canteen isn"),
    ],
)
def test_words_as_the_treebank_splits_them(text: str, expected: str) -> None:
    assert words(text, style="treebank") == expected.split()


def test_characters_are_what_a_reader_counts() -> None:
    assert characters("e\u0301a 👍🏽") == ["e\u0301", "a", "👍🏽"]
    assert characters("a b", blanks=True) == ["a", " ", "b"]
    assert whitespace(" a  b,\n") == ["a", "b,"]


PIECES = ["a", "n't", "cannot", "don’t", "'s", ".", ",", "-", "1", "1.5", "@", "http://", ".com", "<url>", ":)", "😀",
          "\u200d", "\ufe0f", "🇩", "\u0301", "日", "ด", "ี", "U.S.", " ", "\x1c", "\u2028", "#", "_", "!!"]  # fmt: skip
anything = st.text(max_size=40) | st.lists(st.sampled_from(PIECES), max_size=14).map("".join)


@pytest.mark.parametrize("style", ["plain", "treebank"])
@settings(max_examples=400, deadline=None)
@given(text=anything)
def test_words_lose_nothing_but_blanks(style: str, text: str) -> None:
    tokens = words(text, style=style)  # type: ignore[arg-type]
    assert "".join(tokens) == "".join(text.split())
    assert all(tokens)
    assert not any(c.isspace() for token in tokens for c in token)


@settings(max_examples=200, deadline=None)
@given(text=anything)
def test_characters_lose_nothing(text: str) -> None:
    assert "".join(characters(text, blanks=True)) == text
    assert all(not c.isspace() for c in characters(text))


def test_words_join_to_a_line_that_splits_the_same_again() -> None:
    for line in ["It's good, isn't it? (Yes!) 12:30.", "I can't.", "日本語が好き。"]:
        assert join_words(words(line)) == line
        assert join_words(words(line, style="treebank")) == line


@pytest.mark.parametrize(
    "unit", ["a", "a.", "a-", "a'", "n't", "@", "a@", "http://", "www.", "<a", "1,", ":)", "😀\u200d", "日", "\u0301"]
)
@pytest.mark.parametrize("style", ["plain", "treebank"])
def test_no_text_makes_it_slow(style: str, unit: str) -> None:
    start = time.process_time()
    words(unit * (20_000 // len(unit)), style=style)  # type: ignore[arg-type]
    assert time.process_time() - start < 2


@given(
    st.lists(
        st.sampled_from(["!", "?", "a", "Mr", "XD", "U", "etc", ".", ",", "'", "-", "é", "1", ":", "@", "com", "の"])
    ).map("".join)
)
def test_the_long_pattern_is_spared_only_where_it_says_the_same(piece: str) -> None:
    for style in ("plain", "treebank"):
        expected = [match[0] for match in _word_pattern(style).finditer(piece)]
        assert words(piece, style=style) == expected  # type: ignore[arg-type]
