"""Language models that a search asks symbol by symbol: counted symbols, and counted words spelled out.

Each is an `elman.decoding.prefix_beam.NextSymbol`. A word model becomes one of letters without waiting for the word's
end: the next letter is as likely as all words together that go on with it,

    p(c | h, s) = sum of p(w | h) over words w that begin with s c / the same over words that begin with s,

so that letters that no known word has are impossible, or rare where a model of letters is mixed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.decoding.prefix_beam import NextSymbol
from elman.errors import InputError
from elman.layers.ctc import BLANK
from elman.models.kneser_ney import KneserNey
from elman.models.symbols import Symbols

__all__ = ["CountedSymbols", "CountedWords", "Mixed"]

_END = 0  # of a text, in both models: the blank's place among symbols, no word among words
_LEAST = 1e-300


class CountedSymbols:
    """n-grams of symbols (modified Kneser-Ney); the blank's place is the end of the text.

    Args:
        order: n. size: V, the blank among them.
        texts: to count, as symbols.
    """

    def __init__(self, order: int, size: int, texts: Sequence[Sequence[int]]) -> None:
        self.order = order
        self._counts = KneserNey(order, size).fit([[*text, BLANK] for text in texts])
        self._known: dict[tuple[int, ...], list[float]] = {}

    def begin(self) -> tuple[int, ...]:
        return ()

    def log_probs(self, state: tuple[int, ...]) -> Sequence[float]:
        found = self._known.get(state)
        if found is None:
            found = self._known[state] = np.log(self._counts.distribution(state)).tolist()
        return found

    def advance(self, state: tuple[int, ...], symbol: int) -> tuple[int, ...]:
        # one more than is read, so that the beginning of a text is told from its middle
        return (*state, symbol)[-max(1, self.order - 1) :]


class _Place(NamedTuple):
    """Where a text stands: the words before, and the letters of the word that has begun."""

    words: tuple[int, ...]
    letters: tuple[int, ...]


class _Next(NamedTuple):
    """What may follow some words: p of each word, in the order of their spelling, and that of the end."""

    p: NDArray[np.float64]
    end: float


class CountedWords:
    """n-grams of words (modified Kneser-Ney) over letters; words that were never counted are impossible.

    Args:
        order: n.
        symbols: letters, the blank between words among them.
        texts: to count.
        lexicon: words besides those of the texts.

    Raises:
        InputError: symbols that are no letters, or none that stands between words.
    """

    def __init__(self, order: int, symbols: Symbols, texts: Sequence[str], lexicon: Sequence[str] = ()) -> None:
        if symbols.units.kind != "character":
            what = f"symbols of the kind {symbols.units.kind} spell no words"
            raise InputError(what, remedy="choose a language model of symbols")
        self.order, self.size = order, len(symbols)
        # a text without blanks teaches no blank: then a text is one word
        self._blank = next((s for s, name in enumerate(symbols.names) if name == " "), -1)
        spelled = {word: tuple(row) for word, row in _spelling(symbols, texts, lexicon).items()}
        self.words = sorted(spelled, key=spelled.__getitem__)
        self._spelling = [spelled[word] for word in self.words]
        number = {word: n for n, word in enumerate(self.words, 1)}
        counted = [[*(number[word] for word in text.split()), _END] for text in texts]
        self._counts = KneserNey(order, len(self.words) + 2).fit(counted)
        self._after: dict[tuple[int, ...], _Next] = {}
        self._found: dict[_Place, list[float]] = {}
        self._range: dict[tuple[int, ...], tuple[int, int]] = {(): (0, len(self.words))}

    def begin(self) -> _Place:
        return _Place((), ())

    def log_probs(self, state: _Place) -> Sequence[float]:
        found = self._found.get(state)
        if found is None:
            with np.errstate(divide="ignore"):  # what no word goes on with is impossible
                found = self._found[state] = np.log(self._following(state)).tolist()
        return found

    def advance(self, state: _Place, symbol: int) -> _Place:
        if symbol != self._blank:
            return _Place(state.words, (*state.letters, symbol))
        low, high = self._with(state.letters)
        known = low < high and self._spelling[low] == state.letters
        return _Place(self._behind(state.words, low if known else len(self.words)), ())

    # -- parts

    def _following(self, at: _Place) -> NDArray[np.float64]:
        """(V,) p of each letter, of a blank, and, in the blank symbol's place, of the end."""
        out = np.zeros(self.size)
        low, high = self._with(at.letters)
        known = self._spread(at.words)
        if low == high:
            return out
        p = known.p[low:high]
        whole = p.sum()
        if not at.letters:  # behind a blank a word must come; at the beginning the text may be empty
            out[BLANK] = known.end if not at.words else 0.0
            whole = whole / (1 - out[BLANK]) if whole > 0 else 0.0
        if whole <= _LEAST:
            return out
        depth = len(at.letters)
        for spelling, share in zip(self._spelling[low:high], (p / whole).tolist()):
            if len(spelling) > depth:
                out[spelling[depth]] += share
            else:  # the word is whole
                end = self._spread(self._behind(at.words, low)).end
                out[BLANK] += share * end
                if self._blank > 0:
                    out[self._blank] += share * (1 - end)
        return out

    def _with(self, letters: tuple[int, ...]) -> tuple[int, int]:
        """Which words, in the order of their spelling, begin with these letters."""
        found = self._range.get(letters)
        if found is None:
            low, high = self._with(letters[:-1])
            depth = len(letters) - 1
            inside = [n for n in range(low, high) if self._spelling[n][depth : depth + 1] == letters[-1:]]
            found = (inside[0], inside[-1] + 1) if inside else (low, low)
            self._range[letters] = found
        return found

    def _behind(self, words: tuple[int, ...], word: int) -> tuple[int, ...]:
        return (*words, word + 1)[-max(1, self.order - 1) :]

    def _spread(self, words: tuple[int, ...]) -> _Next:
        found = self._after.get(words)
        if found is None:
            p = self._counts.distribution(words)
            found = self._after[words] = _Next(p[1:-1], float(p[_END]))
        return found


class Mixed:
    """Two models, letter by letter: share p_1 + (1 - share) p_2; where the first holds nothing possible, the second."""

    def __init__(self, first: NextSymbol, second: NextSymbol, share: float) -> None:
        self.first, self.second, self.share = first, second, share

    def begin(self) -> tuple[object, object]:
        return self.first.begin(), self.second.begin()

    def log_probs(self, state: tuple[object, object]) -> Sequence[float]:
        a, b = (np.exp(model.log_probs(at)) for model, at in zip((self.first, self.second), state))
        share = self.share if a.sum() > 0 else 0.0
        found: list[float] = np.log(np.maximum(share * a + (1 - share) * b, _LEAST)).tolist()
        return found

    def advance(self, state: tuple[object, object], symbol: int) -> tuple[object, object]:
        return self.first.advance(state[0], symbol), self.second.advance(state[1], symbol)


def _spelling(symbols: Symbols, texts: Sequence[str], lexicon: Sequence[str]) -> dict[str, list[int]]:
    words = sorted(
        {word for text in texts for word in text.split()} | {word for line in lexicon for word in line.split()}
    )
    if not words:
        raise InputError("there are no words to count", remedy="give texts that are not empty")
    return dict(zip(words, symbols.encode(words)))
