"""A recurrent language model of characters, asked symbol by symbol: shallow fusion with a learned state.

An `elman.decoding.prefix_beam.NextSymbol` over `elman.models.language_network.LanguageNetwork`. Where it was learned
from lines, a transcript is a line: its end is the line's, and it begins behind one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from elman.errors import InputError
from elman.layers.ctc import BLANK
from elman.models.language_network import LanguageNetwork
from elman.models.symbols import Symbols
from elman.text.running import BEGIN, END, RunningUnits

__all__ = ["LearnedSymbols"]

_LINE = "\n"
_State = tuple[list[float], Any]  # ln p of each symbol that may follow, and where the network stands


class LearnedSymbols:
    """The model.

    Args:
        network, units: of the language model; its units are characters.
        symbols: what the search writes, characters, too.

    Raises:
        InputError: units that are none.
    """

    def __init__(self, network: LanguageNetwork, units: RunningUnits, symbols: Symbols) -> None:
        for kind in (units.kind, symbols.units.kind):
            if kind != "character":
                raise InputError(f"a model of the kind {kind} is not asked letter by letter",
                                 remedy="train one with text.units=character")  # fmt: skip
        self._network = network.eval()
        number = {word: n for n, word in enumerate(units.words)}
        known = [number.get(name.lower() if units.lowercase else name, -1) for name in symbols.names]
        self._lines = _LINE in number
        known[BLANK] = number.get(_LINE, END)
        self._units = known

    def begin(self) -> _State:
        state = self._read(BEGIN, self._network.begin(1))
        return self._read(self._units[BLANK], state[1]) if self._lines else state

    def log_probs(self, state: _State) -> Sequence[float]:
        return state[0]

    def advance(self, state: _State, symbol: int) -> _State:
        return self._read(self._units[symbol], state[1])

    @torch.no_grad()
    def _read(self, unit: int, before: Any) -> _State:
        found, after = self._network.step(torch.tensor([unit]), before)
        row = found[0].tolist()
        return [row[n] if n >= 0 else -math.inf for n in self._units], after
