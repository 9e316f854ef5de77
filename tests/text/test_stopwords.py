"""Stop words: the lists, their sizes, what goes and what stays."""

from __future__ import annotations

import pytest

from elman.errors import InputError
from elman.text import Chain
from elman.text.stopwords import Size, list_stop_words, stop_word
from elman.text.tables import read_table


def left(text: str, **options: object) -> list[str]:
    return Chain(["words", {"name": "stop_words", **options}])(text)


def test_short_and_long() -> None:
    assert left("This is not the Camera I would want") == ["Camera", "want"]
    assert left("This is not the Camera I would want", size="long") == ["Camera"]
    assert left("Ich habe das Haus nicht gesehen", language="de") == ["Haus", "gesehen"]
    assert left("我 的 书", size="long", language="zh") == ["书"]


def test_extra_and_keep() -> None:
    assert left("this is Not a good camera", keep=["not"], extra=["Camera"]) == ["Not", "good"]


@pytest.mark.parametrize(("size", "count"), [("short", 174), ("long", 1298), ("sklearn", 318)])
def test_the_english_lists_are_the_known_ones(size: Size, count: int) -> None:
    words = list_stop_words(size)
    assert len(words) == count
    assert {"the", "and", "not"} <= words
    assert "camera" not in words


def test_short_lists_are_lower_case_and_short() -> None:
    for language, words in read_table("stopwords")["short"].items():
        listed = words.split()
        assert listed == sorted(set(listed)), language
        assert all(w == w.lower() for w in listed)
        assert 80 < len(listed) < 320
        assert stop_word(listed[0].upper(), language=language) == ""


def test_what_there_is_not() -> None:
    with pytest.raises(InputError, match="sklearn stop-word list for german"):
        left("x", size="sklearn", language="de")
    with pytest.raises(InputError, match="language of the long stop-word lists 'yiddish'"):
        left("x", size="long", language="yiddish")
