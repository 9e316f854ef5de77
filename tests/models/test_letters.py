"""Language models by letters: each is a distribution, and words spelled out cost what the words cost."""

from __future__ import annotations

import math

import numpy as np
import pytest

from elman.errors import InputError
from elman.models.kneser_ney import KneserNey
from elman.models.letters import CountedSymbols, CountedWords, Mixed
from elman.models.symbols import Symbols

TEXTS = ["go to a", "go to the ant", "the ant", "a", "an ant to go", "go", "to the a"]
SYMBOLS = Symbols.fit(TEXTS)


def cost(model: object, text: str) -> float:
    """ln p of a text and its end, letter by letter; on the way, that what follows adds up to 1."""
    (symbols,) = SYMBOLS.encode([text])
    state, total = model.begin(), 0.0
    for symbol in [*symbols, 0]:
        log_probs = model.log_probs(state)
        assert len(log_probs) == len(SYMBOLS)
        assert np.exp(log_probs).sum() == pytest.approx(1)
        total += log_probs[symbol]
        if symbol:
            state = model.advance(state, symbol)
    return total


@pytest.mark.parametrize("order", [1, 2, 4])
def test_symbols_are_those_counted(order):
    model = CountedSymbols(order, len(SYMBOLS), SYMBOLS.encode(TEXTS))
    counts = KneserNey(order, len(SYMBOLS)).fit([[*text, 0] for text in SYMBOLS.encode(TEXTS)])
    for text in ("go to", "a", "", "ant ant ant"):
        (symbols,) = SYMBOLS.encode([text])
        assert cost(model, text) == pytest.approx(counts.log_probs([[*symbols, 0]]).sum())


@pytest.mark.parametrize("order", [1, 2, 3])
def test_spelled_words_cost_what_words_cost(order):
    """Over words: p(w_1) .. p(w_n) p(end); behind a word that is not the last no end may come."""
    model = CountedWords(order, SYMBOLS, TEXTS)
    words = ["", *model.words]
    number = {word: n for n, word in enumerate(words)}
    counts = KneserNey(order, len(words) + 1).fit([[*(number[w] for w in text.split()), 0] for text in TEXTS])

    def p(word: int, before: list[int]) -> float:
        """Among the words that were counted, and the end."""
        found = counts.distribution(before[-max(1, order - 1) :] if order > 1 else before)
        if word == 0:
            return float(found[0])
        known = found[1:-1] / found[1:-1].sum()
        return float(known[word - 1] * (1 - found[0]))

    for text in ("go", "go to a", "the ant to go", "a a a a"):
        said = [number[w] for w in text.split()]
        wanted = sum(math.log(p(w, said[:i])) for i, w in enumerate([*said, 0]))
        assert cost(model, text) == pytest.approx(wanted)


def test_a_word_that_was_never_counted_is_impossible():
    model = CountedWords(2, SYMBOLS, TEXTS)
    with pytest.raises(AssertionError):  # behind "og" nothing can come
        cost(model, "og go")
    state = model.advance(model.begin(), SYMBOLS.encode(["n"])[0][0])
    assert max(model.log_probs(state)) == -math.inf
    assert np.exp(model.log_probs(model.begin()))[SYMBOLS.encode(["n"])[0][0]] == 0
    wide = CountedWords(2, SYMBOLS, TEXTS, lexicon=["neat"])
    assert math.isfinite(cost(wide, "neat"))
    assert cost(wide, "neat") < cost(wide, "go")


def test_mixed_with_letters_all_is_possible():
    words, letters = CountedWords(2, SYMBOLS, TEXTS), CountedSymbols(3, len(SYMBOLS), SYMBOLS.encode(TEXTS))
    model = Mixed(words, letters, 0.9)
    assert cost(model, "go to the ant") > cost(letters, "go to the ant")
    assert math.isfinite(cost(model, "og tog the ant"))
    assert cost(model, "the ant og") < cost(model, "the ant go")


def test_subwords_spell_no_words():
    symbols = Symbols.fit(TEXTS * 5, "bpe", 20)
    with pytest.raises(InputError, match="spell no words"):
        CountedWords(2, symbols, TEXTS)


def test_texts_and_symbols():
    for kind in ("character", "bpe", "unigram"):
        symbols = Symbols.fit(TEXTS * 5, kind, 24)
        for text, row in zip(TEXTS, symbols.encode(TEXTS)):
            assert symbols.decode(row) == text
            assert 0 < min(row) <= max(row) < len(symbols) == len(symbols.names)
        again = Symbols.from_dict(symbols.to_dict())
        assert again.encode(TEXTS) == symbols.encode(TEXTS)
    assert SYMBOLS.decode([0, *SYMBOLS.encode([" go"])[0], 0]) == "go"
    assert SYMBOLS.unknown("go zzz!") == ["z", "!"]
    assert SYMBOLS.encode(["gzo"]) == SYMBOLS.encode(["go"])
