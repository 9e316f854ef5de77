"""A recurrent model of characters as the search asks it: what it says of whole texts, letter by letter."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from elman.errors import InputError
from elman.models.language_network import LanguageNetwork
from elman.models.language_settings import LanguageSettings
from elman.models.learned_letters import LearnedSymbols
from elman.models.symbols import Symbols
from elman.models.text_stream import surprises
from elman.text.running import BEGIN, END, RunningUnits

TEXTS = ["go to a", "to go", "a goat"]


def model(units: RunningUnits) -> LanguageNetwork:
    torch.manual_seed(0)
    return LanguageNetwork(LanguageSettings(embedding=6, hidden=7, layers=1), len(units)).eval()


def cost(letters: LearnedSymbols, symbols: Symbols, text: str) -> float:
    state, total = letters.begin(), 0.0
    for symbol in [*symbols.encode([text])[0], 0]:
        total += letters.log_probs(state)[symbol]
        state = letters.advance(state, symbol) if symbol and total > -math.inf else state
    return total


@pytest.mark.parametrize("lines", [False, True])
def test_letter_by_letter_it_is_the_text(lines):
    """ln p of the letters and of the end: of a text, or of a line behind another."""
    units = RunningUnits.fit(["\n".join(TEXTS)] if lines else TEXTS)
    network, symbols = model(units), Symbols.fit(TEXTS)
    letters = LearnedSymbols(network, units, symbols)
    for text in (*TEXTS, "", "ttt"):
        (end,) = units.encode("\n") if lines else [END]
        read = [BEGIN, *([end] if lines else []), *units.encode(text), end]
        told = torch.cat([*surprises(network, np.array(read))])
        assert cost(letters, symbols, text) == pytest.approx(float(told[int(lines) :].sum()), abs=1e-4)


def test_letters_that_it_does_not_know_are_impossible():
    units = RunningUnits.fit(TEXTS)
    letters = LearnedSymbols(model(units), units, Symbols.fit([*TEXTS, "xyz"]))
    symbols = Symbols.fit([*TEXTS, "xyz"])
    assert cost(letters, symbols, "x") == -math.inf
    assert cost(letters, symbols, "go") > -100


def test_units_that_are_no_letters():
    words = RunningUnits.fit(TEXTS, "word")
    with pytest.raises(InputError, match="not asked letter by letter"):
        LearnedSymbols(model(words), words, Symbols.fit(TEXTS))
    letters = RunningUnits.fit(TEXTS)
    with pytest.raises(InputError, match="not asked letter by letter"):
        LearnedSymbols(model(letters), letters, Symbols.fit(TEXTS * 5, "bpe", 20))
