"""Keys saved, counted by hand."""

from __future__ import annotations

import pytest

from elman.models.completing import Completion
from elman.models.frequent_words import FrequentWords
from elman.tasks.generate.keystrokes import keystrokes
from elman.text.running import RunningUnits
from elman.text.spelling import Spelling

SPELLING = Spelling(RunningUnits.fit(["the cat sat, 'tis it"]))


def always(*words: str):
    def complete(text: str, number: int) -> list[Completion]:
        typed = SPELLING.typed(text)
        return [Completion(w, w[len(typed) :], 0.1) for w in words if w.startswith(typed)][:number]

    return complete


def saved(complete, *texts: str, most: int = 1000) -> tuple[float, float]:
    found = keystrokes(complete, texts, SPELLING, most)
    return found["keystrokes_saved"], found["keystrokes_saved_typing_blanks"]


def test_nothing_known_saves_nothing():
    assert saved(always(), "the cat") == (0, 0)
    assert keystrokes(always(), [], SPELLING, 100) == {}
    assert keystrokes(always(), ["the cat"], SPELLING, 0) == {}


def test_a_word_taken_before_its_first_letter_costs_a_key():
    # "the" 1 of 3 and the blank behind it none, "cat" 1 of 3: of 8 characters 3 keys, or 4 with the blank
    assert saved(always("the", "cat"), "the cat,") == pytest.approx((1 - 3 / 8, 1 - 4 / 8))


def test_only_what_is_shown_can_be_taken():
    # three others come first until "ca" is typed
    assert saved(always("coo", "co", "c", "cat"), "cat") == pytest.approx((0, 0))  # two letters and a key for the third
    assert saved(always("to", "on", "as", "cats"), "cats") == pytest.approx((1 - 2 / 4, 1 - 2 / 4))


def test_a_word_in_part_is_no_word():
    assert saved(always("ca"), "cat") == (0, 0)
    assert saved(always("cats"), "cat") == (0, 0)


def test_some_of_the_text_stands_for_it_and_no_word_is_cut():
    found = keystrokes(always("the", "cat"), ["the cat sat"], SPELLING, 6)
    assert found["keystrokes"] == 6
    assert found["keystrokes_saved"] == pytest.approx(1 - 3 / 6)  # a key for "the ", and "ca" is typed
    assert keystrokes(always("the"), ["the", "the", "the"], SPELLING, 6)["keystrokes_saved"] == pytest.approx(1 - 2 / 6)


def test_the_most_frequent_words_that_begin_so():
    frequent = FrequentWords(["the cat sat", "the car, the 'cat"], SPELLING)
    assert [c.word for c in frequent("a ", 2)] == ["the", "'cat"]
    assert frequent("xyz, ca", 3) == [Completion("car", "r", 0.5), Completion("cat", "t", 0.5)]
    assert frequent("the car", 3) == frequent("zz", 3) == []
    assert frequent("th", 3) == [Completion("the", "e", 1.0)]
    assert frequent("it,", 1) == [Completion("the", " the", 3 / 7)]
