"""A search that writes known words alone, against every path: of all texts those that are such words, and no other."""

from __future__ import annotations

import math

import pytest

from decoding.paths import drawn, every_text
from decoding.test_prefix_beam import Table
from elman.decoding.lexicon import Lexicon
from elman.decoding.prefix_beam import prefix_beam
from elman.errors import InputError

BLANK = 3  # between words
WORDS = [(1,), (1, 2), (2, 2)]
ALL = {"beam": 10**6, "nbest": 10**6, "least": 0, "most": 0}


def allowed(text: tuple[int, ...], words: list[tuple[int, ...]]) -> bool:
    """By cutting at the blanks, without a tree."""
    cut: list[list[int]] = [[]]
    for symbol in text:
        if symbol == BLANK:
            cut.append([])
        else:
            cut[-1].append(symbol)
    return not text or all(tuple(word) in words for word in cut)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weight", [0.0, 0.8])
def test_all_texts_of_known_words_and_no_others(seed, weight):
    log_probs, model = drawn(6, 4, seed=seed), Table(4)
    found = prefix_beam(
        log_probs, **ALL, lexicon=Lexicon(WORDS, BLANK), language=model, weight=weight, bonus=0.3 * bool(weight)
    )
    wanted = {
        text: math.log(p) + (weight * model.of(text) + 0.3 * len(text) if weight else 0.0)
        for text, p in every_text(log_probs).items()
        if allowed(text, WORDS)
    }
    assert {tuple(one.symbols): pytest.approx(one.score) for one in found} == wanted
    assert any(BLANK in text for text in wanted)
    assert (1, 2, 2) not in wanted


def test_symbols_that_only_the_lexicon_makes_likely_are_tried():
    """Of eight likelier symbols none begins a word: what does is tried all the same."""
    log_probs = drawn(3, 14, seed=1, sharp=0.1)
    log_probs[:, 13] -= 2.0  # the least likely of all
    best = prefix_beam(log_probs, lexicon=Lexicon([(13,)], 12), most=8, bonus=9.0)[0]
    assert best.symbols[0] == 13


def test_without_a_blank_a_text_is_one_word():
    found = prefix_beam(drawn(5, 4), **ALL, lexicon=Lexicon(WORDS, -1))
    assert {tuple(one.symbols) for one in found} == {(), *WORDS}


def test_a_beam_that_ends_within_a_word_gives_the_words_before_it():
    """Frames that say one word and half of another, followed by a beam of one."""
    p = [[0.05] * 5 for _ in range(4)]
    for t, symbol in enumerate((1, BLANK, 2, 4)):
        p[t][symbol] = 0.8
    log_probs = drawn(4, 5)
    for t in range(4):
        log_probs[t] = [math.log(x) for x in p[t]]
    lexicon = Lexicon([(1,), (2, 4, 1)], BLANK)
    (best,) = prefix_beam(log_probs, beam=1, lexicon=lexicon)
    assert best.symbols == [1]
    assert math.exp(best.log_prob) == pytest.approx(every_text(log_probs)[(1,)])
    (half,) = prefix_beam(log_probs[2:], beam=1, lexicon=lexicon)
    assert half.symbols == []


@pytest.mark.parametrize(("words", "said"), [([], "without words"), ([()], "none"), ([(1, BLANK, 2)], "several")])
def test_what_is_no_lexicon(words, said):
    with pytest.raises(InputError, match=said):
        Lexicon(words, BLANK)
