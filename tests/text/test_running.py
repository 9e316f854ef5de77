"""Running text as units, and back."""

from __future__ import annotations

import json

import pytest

from elman.errors import InputError
from elman.text.running import RunningUnits

TEXT = "To be, or not to be:\nthat is the question.\n\nWhether 'tis nobler\n"


@pytest.mark.parametrize("kind", ["character", "token", "word", "bpe", "unigram"])
def test_lines_come_back_as_they_were(kind):
    units = RunningUnits.fit([TEXT, TEXT.upper()], kind, 100)
    numbers = units.encode(TEXT)
    assert units.decode(numbers) == TEXT
    assert min(numbers) > 3
    assert [units.words[n] for n in numbers].count("\n") == TEXT.count("\n")
    again = RunningUnits.from_dict(json.loads(json.dumps(units.to_dict())))
    assert again.encode(TEXT).tolist() == numbers.tolist()
    assert again.words == units.words


def test_tokens_are_what_blanks_part_as_corpora_have_them():
    units = RunningUnits.fit(["the <unk> of N %\nthe N"], "token")
    assert [units.words[n] for n in units.encode("the <unk> N\nof")] == ["the", "<unk>", "N", "\n", "of"]
    assert units.encode("never").tolist() == [1]


def test_characters_keep_every_blank():
    units = RunningUnits.fit(["a\tb  c"], "character")
    assert units.decode(units.encode("a  b\tc ")) == "a  b\tc "


def test_rare_units_are_unknown_and_capitals_may_go():
    units = RunningUnits.fit(["a a b"], "token", min_count=2)
    assert units.encode("a b").tolist() == [4, 1]
    assert RunningUnits.fit(["Ab"], "character", lowercase=True).encode("AB").tolist() == [4, 5]
    assert len(RunningUnits.fit(["a b c d e f"], "token", 7)) == 7


@pytest.mark.parametrize("kind", ["word", "bpe", "unigram"])
def test_words_have_the_units_that_they_have_in_their_line(kind, monkeypatch):
    text = (
        TEXT + "3.14 don't,  'tis\t(no)! \u3000na\u00efve \u2581x \ud83d\ude00 \u6f22\u5b57 e\u0301 ...?!\n\n nobler\n"
    )
    units = RunningUnits.fit([text], kind, 100)
    end = len(units.words) - 1
    wanted = [n for line in units._units.encode(text.split("\n")) for n in (*line, end)][:-1]
    for most in (10**6, 4, 0):
        monkeypatch.setattr("elman.text.running._CACHED", most)
        again = RunningUnits.from_dict(units.to_dict())
        for _ in range(2):
            assert again.encode(text).tolist() == wanted
            assert again.encode("nobler to").tolist() == units.encode("nobler to").tolist()
        assert len(again._cache) <= most


def test_what_makes_no_sense():
    with pytest.raises(InputError, match="no units are called 'letters'"):
        RunningUnits.fit(["a"], "letters")
    with pytest.raises(InputError, match="no text to learn units from"):
        RunningUnits.fit([" \n"], "character")


@pytest.mark.parametrize(
    ("kind", "text", "unknown"),
    [
        ("character", "to zee\nß z", ["z", "ß"]),
        ("token", "to not seen\nor seen", ["seen"]),
        ("word", 'the "sea", the sea', ['"', "sea"]),
        ("bpe", "to ße\n\n ß bß", ["ß"]),
        ("unigram", "to ße", ["ß"]),
    ],
)
def test_what_is_unknown_is_named_as_it_stands(kind, text, unknown):
    units = RunningUnits.fit([TEXT.lower()], kind, 100)
    assert units.unknown(text) == unknown
    assert (units.encode(text) == 1).any()
    assert units.unknown("to be, or not") == []


def test_a_token_that_is_called_as_a_sign_is_a_word_that_nobody_knows():
    """Else it would begin a text in the midst of another, and not be foretold."""
    units = RunningUnits.fit(["a <begin> <end> <pad> b"], "token")
    assert units.encode("a <begin> <end> <pad> b").tolist() == [4, 1, 1, 1, 5]


@pytest.mark.parametrize("kind", ["character", "token", "word", "bpe"])
def test_a_vocabulary_that_knows_nothing_is_none(kind):
    signs = 5 if kind in ("word", "bpe") else 4
    for size in (1, signs):
        with pytest.raises(
            InputError, match=f"a vocabulary of {size} units has room for nothing beside its {signs} signs"
        ):
            RunningUnits.fit([TEXT], kind, size)
    if kind != "bpe":  # which has a unit for every letter in any case
        assert len(RunningUnits.fit([TEXT], kind, signs + 1)) == signs + 1
        with pytest.raises(
            InputError, match=r"each seen 1000 times has room.*text\.vocabulary, or a smaller text\.min"
        ):
            RunningUnits.fit([TEXT], kind, min_count=1000)
