"""Units: numbers and back to exactly the text, for every kind and script."""

from __future__ import annotations

import json
from functools import lru_cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from elman.errors import InputError
from elman.text.joined import JOINER, join_words, split_words
from elman.text.units import BEGIN, END, Kind, Units

KINDS: tuple[Kind, ...] = ("bpe", "unigram", "word", "character")
TEXTS = [
    'The "old" house (1987) isn\'t far: 3.5 km!',
    "Das Haus – nein, wirklich? – kostet 12.000 €; gut.",
    "誰 が 一番 に 着 く か 私 に は 分か り ま せ ん 。",
    "駅はどこですか。",
    "שלום עולם, הנה English בתוך",
    "नमस्ते दुनिया।",
] * 3


@lru_cache
def fitted(kind: Kind, lowercase: bool = False) -> Units:
    return Units.fit(TEXTS, kind, 300, lowercase=lowercase)


@pytest.mark.parametrize("kind", KINDS)
def test_the_texts_come_back_exactly(kind: Kind) -> None:
    units = fitted(kind)
    for text, numbers in zip(TEXTS, units.encode(TEXTS), strict=True):
        assert units.decode(numbers) == text
        assert units.decode([BEGIN, *numbers, END, 0, 0]) == text
        assert min(numbers) > END
        assert max(numbers) < len(units)
        assert units.join(units.pieces(text)) == text
        assert [units.words[n] for n in numbers] == units.pieces(text)


@pytest.mark.parametrize("kind", KINDS)
def test_json_and_back(kind: Kind) -> None:
    units = fitted(kind)
    again = Units.from_dict(json.loads(json.dumps(units.to_dict())))
    assert (again.words, again.kind, again.encode(TEXTS)) == (units.words, kind, units.encode(TEXTS))


@lru_cache
def of_signs(kind: Kind) -> Units:
    return Units.fit(
        ["a b c d e f g h i j k l m n o ' \" ( ) , . ! ? - – : ; 1 2 3 4 5 é 誰 が 着 ש ל ו ם ।"], kind, 400
    )


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None)
@given(text=st.text(alphabet=st.sampled_from("abcdefghijklmno 'klm\"(),.!?-–:;12345 é誰が着שלום।"), max_size=30))
@example("('a)")
@example("'' ''a'")
@example("3.5.1,2 a-b-c -- .5")
def test_any_text_of_known_signs_comes_back(kind: Kind, text: str) -> None:
    units = Units.fit(
        ["a b c d e f g h i j k l m n o k l m ' \" ( ) , . ! ? - – : ; 1 2 3 4 5 é 誰 が 着 ש ל ו ם ।"], kind, 400
    )
    plain = " ".join(text.split())
    assert units.join(units.pieces(text)) == plain
    (numbers,) = units.encode([text])
    if 1 not in numbers:
        assert units.decode(numbers) == plain


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=30))
def test_words_join_back_to_any_text(text: str) -> None:
    plain = " ".join(text.replace(JOINER, "").split())
    tokens = split_words(text)
    assert join_words(tokens) == plain
    assert not any(any(sign.isspace() for sign in token) for token in tokens)


def test_words_by_hand() -> None:
    assert split_words('"No, don\'t (3.5 km)!"') == [
        f'"{JOINER}', "No", f"{JOINER},", "don't", f"({JOINER}", "3.5", "km", f"{JOINER})", f"{JOINER}!", f'{JOINER}"'
    ]  # fmt: skip
    assert split_words("can 't नमस्ते") == ["can", "'t", "नमस्ते"]


def test_what_is_unknown_stays_in_the_pieces() -> None:
    for kind in KINDS:
        units = fitted(kind)
        (numbers,) = units.encode(["The Ω"])
        assert numbers[-1] == 1
        assert units.pieces("The Ω")[-1] == "Ω"
    rare = Units.fit(["a a b"], "word", min_count=2)
    assert rare.encode(["a b"]) == [[4, 1]]
    assert Units.fit(["a a b b b c"], "word", 5).words[4:] == ["b"]


def test_lower_case_if_asked() -> None:
    for kind in KINDS:
        units = fitted(kind, lowercase=True)
        assert units.decode(units.encode(["The OLD House"])[0]) == "the old house"
        assert Units.from_dict(units.to_dict()).lowercase


def test_signs_stand_apart_from_letters() -> None:
    units = Units.fit(["the end. the end. the (end). in 1999 and 1999."] * 50, "bpe", 200)
    for word in units.words[4:]:
        letters = [sign.isalpha() for sign in word.removeprefix("▁")]
        assert all(letters) or len(letters) <= 1, word


def test_special_words_in_a_text_are_no_specials() -> None:
    for kind in KINDS:
        units = Units.fit(["<pad> <end> <begin> a"] * 3, kind, 100)
        (numbers,) = units.encode(["<pad> <end> a"])
        assert not {0, BEGIN, END} & set(numbers)


def test_what_is_refused_and_what_is_odd() -> None:
    with pytest.raises(InputError, match="no text to learn units from"):
        Units.fit(["", "  "], "word")
    with pytest.raises(InputError, match="4 units"):
        Units.fit(["a"], "word", 4)
    for kind in KINDS:  # a vocabulary of one
        units = Units.fit(["aaa aaa"], kind, 20 if kind in ("bpe", "unigram") else 5)
        assert units.encode([""]) == [[]]
        assert units.decode([]) == ""
        assert units.encode(["\ud800"])[0]
