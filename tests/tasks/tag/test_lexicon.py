"""What a tagger sees of a word."""

from __future__ import annotations

import json

import pytest
import torch

from elman.errors import InputError
from elman.models.lexicon import CASES, Lexicon, case_of, normal_form

SENTENCES = [["The", "cats", "sat", "in", "1984"], ["the", "Cats", "sit"], ["Rats", "sat"]]


@pytest.mark.parametrize(
    ("word", "case"),
    [
        ("the", "lower"),
        ("The", "Title"),
        ("I", "Title"),
        ("NATO", "UPPER"),
        ("iPhone", "miXed"),
        ("1,984.5", "digits"),
        ("mp3", "digits+"),
        ("...", "punctuation"),
        ("#", "punctuation"),
        ("#news", "#tag"),
        ("@elman", "@name"),
        ("http://bit.ly/x", "link"),
        ("a.b@c.org", "link"),
        ("Ελλάδα", "Title"),
        ("東京", "lower"),  # a script without capitals
        ("", "punctuation"),
    ],
)
def test_case(word: str, case: str) -> None:
    assert CASES[case_of(word)] == case


def test_normal_form() -> None:
    assert normal_form("McDonald's") == "mcdonald's"
    assert normal_form("24/7") == "00/0"
    assert normal_form("@you") == "<name>"
    assert normal_form("https://t.co/9") == "<link>"


def test_a_batch_looks_at_each_distinct_word_once() -> None:
    lexicon = Lexicon.build(SENTENCES, min_affix_count=2)
    batch = lexicon.batch([["sat", "The", "sat"], ["The"]])
    assert batch.index.data.tolist() == [[0, 1], [1, 0], [0, 0]]
    assert batch.lengths.tolist() == [3, 1]
    assert len(batch.words) == 2
    assert lexicon.words.decode(batch.words.tolist()) == ["sat", "the"]
    assert batch.chars.lengths.tolist() == [3, 3]
    assert [CASES[k] for k in batch.cases.tolist()] == ["lower", "Title"]


def test_beginnings_and_endings_that_training_did_not_show_are_left_out() -> None:
    lexicon = Lexicon.build(SENTENCES, min_affix_count=2, longest_affix=3)
    batch = lexicon.batch([["bats", "x"]])
    first = [lexicon.affixes.words[n] for n in batch.affixes[0].tolist() if n]
    # "Rats", "cats" and "Cats" end in s, ts, ats; nothing begins with b
    assert sorted(first) == ["ats$", "s$", "ts$"]
    assert not batch.affixes[1].any()


def test_known_vectors_are_found_as_written_then_in_lower_case() -> None:
    lexicon = Lexicon.build(SENTENCES, known=["Paris", "paris", "tree", "0000"])
    batch = lexicon.batch([["Paris", "PARIS", "Tree", "1999", "bush"]])
    assert batch.known.tolist() == [1, 2, 3, 4, 0]


def test_signs_find_their_vectors_as_vectors_spell_them() -> None:
    """`elman vectors train --tokens treebank` writes runs and typographic signs plainly; two pieces are no one word."""
    lexicon = Lexicon.build(SENTENCES, known=["!", "...", "'", '"', "it", "'s"])
    batch = lexicon.batch([["!!!", "..", "…", "’", "“", "it's", "?!"]])
    assert batch.known.tolist() == [1, 2, 2, 3, 4, 0, 0]


def test_counts_are_those_of_normal_forms() -> None:
    lexicon = Lexicon.build(SENTENCES)
    counts = lexicon.counts(SENTENCES)
    assert counts[lexicon.words.index("the")] == 2
    assert counts[lexicon.words.index("cats")] == 2
    assert counts[:2].tolist() == [0, 0]


def test_a_very_long_word_is_read_at_both_ends() -> None:
    lexicon = Lexicon.build([["ab" * 30, "xy" * 30, "ab" * 30 + "z", "z" + "xy" * 30]])
    batch = lexicon.batch([["ab" * 5000 + "xy" * 5000]])
    assert batch.chars.data.shape == (24, 1)
    assert "".join(lexicon.chars.decode(batch.chars.data[:, 0].tolist())) == "ab" * 6 + "xy" * 6


def test_survives_json() -> None:
    lexicon = Lexicon.build(SENTENCES, known=["cats"])
    again = Lexicon.from_dict(json.loads(json.dumps(lexicon.to_dict())))
    a, b = (lx.batch([["cats", "new", "Sat"]]) for lx in (lexicon, again))
    for name in ("words", "known", "cases", "affixes"):
        assert torch.equal(getattr(a, name), getattr(b, name))
    assert torch.equal(a.chars.data, b.chars.data)


def test_an_empty_sentence_is_refused() -> None:
    with pytest.raises(InputError, match="sequence 1 has length 0"):
        Lexicon.build(SENTENCES).batch([["a"], []])
