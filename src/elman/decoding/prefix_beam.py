"""The likeliest texts, given scores for every frame: the sum over all paths of a text, not one path (Graves 2012).

Each beginning of a text keeps two sums over the paths that lead to it: those that end in a blank, and those that end in
its last symbol, after which the same symbol is no new one. A language model has its say whenever a beginning grows:

    score(l) = ln p(l | frames) + weight ln p_language(l) + bonus |l|

shallow fusion with an insertion bonus (Hannun et al. 2014, *First-pass large vocabulary continuous speech recognition
using bi-directional recurrent DNNs*, eq. 5, by symbols). A lexicon (`elman.decoding.lexicon`) lets no other words grow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.decoding.ctc_path import log_likelihood
from elman.decoding.lexicon import Lexicon
from elman.errors import InputError
from elman.layers.ctc import BLANK

__all__ = ["Heard", "NextSymbol", "prefix_beam"]

_NEVER = -math.inf


class NextSymbol(Protocol):
    """A language model: what follows a beginning of a text, symbol by symbol."""

    def begin(self) -> Any:
        """Where it stands before the first symbol."""

    def log_probs(self, state: Any) -> Sequence[float]:
        """(V,) ln p of each symbol that may follow; in the blank's place that of the end."""

    def advance(self, state: Any, symbol: int) -> Any:
        """Where it stands behind one symbol more."""


@dataclass(frozen=True)
class Heard:
    """A text that was found.

    Attributes:
        symbols: of the text. score: what it was ranked by.
        log_prob: ln p(text | frames), over those of its paths that were followed.
        language: ln p of the text and its end by the language model; 0 without one.
    """

    symbols: list[int]
    score: float
    log_prob: float
    language: float = 0.0


class _Prefix:
    """A beginning of a text, a node of the tree of all beginnings."""

    __slots__ = ("children", "follow", "language", "last", "length", "parent", "place", "state")

    def __init__(self, parent: _Prefix | None, last: int, place: int = 0) -> None:
        self.parent, self.last, self.place = parent, last, place
        self.length: int = 0 if parent is None else parent.length + 1
        self.children: dict[int, _Prefix] = {}
        self.language = 0.0
        self.state: Any = None
        self.follow: Sequence[float] | None = None

    def symbols(self) -> list[int]:
        found, node = [], self
        while node.parent is not None:
            found.append(node.last)
            node = node.parent
        return found[::-1]


def prefix_beam(
    log_probs: NDArray[np.float64],
    *,
    beam: int = 16,
    nbest: int = 1,
    least: float = 1e-3,
    most: int = 8,
    language: NextSymbol | None = None,
    weight: float = 0.0,
    bonus: float = 0.0,
    lexicon: Lexicon | None = None,
) -> list[Heard]:
    """The best texts, the best first.

    Args:
        log_probs: (T, V), normalised over V.
        beam: beginnings that are followed at once.
        nbest: texts to return, at most.
        least: symbols below this probability are not tried in a frame, and at most `most` of the others; 0 and 0: all.
        language, weight, bonus: see above; without a weight the model is not asked.
        lexicon: the words of which texts are made; then all symbols above `least` that go on with one are tried. Where
            no beginning that was followed is whole words at the end, the best is cut to those that are.

    Raises:
        InputError: no beam, or scores that are no numbers.
    """
    if beam < 1 or nbest < 1:
        raise InputError(f"a beam of {beam}, {nbest} answers", remedy="give at least 1 of each")
    if np.isnan(log_probs).any():
        raise InputError("the scores of a frame are no numbers", remedy="look for NaN in the frames")
    model = language if weight else None
    root = _Prefix(None, BLANK, 0 if lexicon is None else lexicon.begin)
    if model is not None:
        root.state = model.begin()
    cut = math.log(least) if least > 0 else _NEVER
    alive: dict[_Prefix, tuple[float, float]] = {root: (0.0, _NEVER)}
    for frame in log_probs:
        tried = np.flatnonzero(frame > cut)
        if 0 < most < len(tried) and lexicon is None:
            tried = tried[np.argpartition(-frame[tried], most)[: most + 1]]  # the blank may be one of them
        symbols = [s for s in tried.tolist() if s != BLANK]
        alive = _kept(_grown(alive, frame.tolist(), symbols, model, lexicon), beam, weight, bonus)
    if lexicon is not None:
        alive = _whole(alive, lexicon, log_probs, model)
    return _ended(alive, nbest, model, weight, bonus)


def _grown(
    alive: dict[_Prefix, tuple[float, float]],
    frame: list[float],
    tried: list[int],
    model: NextSymbol | None,
    lexicon: Lexicon | None,
) -> dict[_Prefix, list[float]]:
    """All beginnings after one frame more, each with ln p of its paths that end in a blank, and in its last symbol."""
    after: dict[_Prefix, list[float]] = {}

    def add(node: _Prefix, place: int, value: float) -> None:
        if value > _NEVER:
            sums = after.setdefault(node, [_NEVER, _NEVER])
            sums[place] = _added(sums[place], value)

    for node, (blank, same) in alive.items():
        both = _added(blank, same)
        add(node, 0, both + frame[BLANK])
        if node.last != BLANK:
            add(node, 1, same + frame[node.last])
        places = None if lexicon is None else lexicon.follow(node.place)
        for symbol in tried:
            before = blank if symbol == node.last else both
            if before == _NEVER or (places is not None and symbol not in places):
                continue
            child = node.children.get(symbol)
            if child is None:
                child = _child(node, symbol, 0 if places is None else places[symbol], model)
            if child.language > _NEVER:
                add(child, 1, before + frame[symbol])
    return after


def _child(node: _Prefix, symbol: int, place: int, model: NextSymbol | None) -> _Prefix:
    child = node.children[symbol] = _Prefix(node, symbol, place)
    if model is not None:
        child.language = node.language + _follow(model, node)[symbol]
    return child


def _whole(
    alive: dict[_Prefix, tuple[float, float]],
    lexicon: Lexicon,
    log_probs: NDArray[np.float64],
    model: NextSymbol | None,
) -> dict[_Prefix, tuple[float, float]]:
    """Those beginnings that are whole words; if none is, the whole words of the best one."""
    found = {node: sums for node, sums in alive.items() if lexicon.ends(node.place)}
    if found or not alive:
        return found
    node = max(alive, key=lambda node: _added(*alive[node]))
    for _ in range(node.length - len(lexicon.whole(node.symbols()))):
        assert node.parent is not None
        node = node.parent
    return {node: (log_likelihood(log_probs, node.symbols()), _NEVER)}


def _follow(model: NextSymbol, node: _Prefix) -> Sequence[float]:
    if node.follow is None:
        if node.state is None and node.parent is not None:
            _follow(model, node.parent)  # whose state it is advanced from
            node.state = model.advance(node.parent.state, node.last)
        node.follow = model.log_probs(node.state)
    return node.follow


def _kept(
    after: dict[_Prefix, list[float]], beam: int, weight: float, bonus: float
) -> dict[_Prefix, tuple[float, float]]:
    ranked = [(_added(*sums) + weight * n.language + bonus * n.length, n) for n, sums in after.items()]
    if len(ranked) > beam:
        ranked = nlargest(beam, ranked, key=lambda pair: pair[0])
    return {node: (after[node][0], after[node][1]) for _, node in ranked}


def _ended(
    alive: dict[_Prefix, tuple[float, float]], nbest: int, model: NextSymbol | None, weight: float, bonus: float
) -> list[Heard]:
    found = []
    for node, sums in alive.items():
        language = 0.0 if model is None else node.language + _follow(model, node)[BLANK]
        log_prob = _added(*sums)
        score = log_prob + (weight * language if model is not None else 0.0) + bonus * node.length
        found.append(Heard(node.symbols(), score, log_prob, language))
    found.sort(key=lambda heard: -heard.score)
    return found[:nbest]


def _added(a: float, b: float) -> float:
    """ln(e^a + e^b)."""
    if a < b:
        a, b = b, a
    return a if b == _NEVER else a + math.log1p(math.exp(b - a))
