"""How a word goes on: the likeliest words behind the letters typed, given all text before them.

    p(word | context, letters) = p(word | context) / sum of p(w | context) over all words w that begin with the letters

A word is a path of units and ends where a unit follows that does not go on with it. The words are found best first
(Hart et al. 1968, with the probability of what is left bounded by 1): a path is opened only while it is likelier than
the last word to be given, so that nothing is missed. Where typing goes on, what was opened already is kept.

A completer may learn what is typed: its words are counted, up to the one that is being typed, and the counts change
what the reader says (`elman.models.typed_counts`).
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.models.reading import Reader
from elman.models.typed_counts import TypedCounts, contexts_of
from elman.text.running import BEGIN, RunningUnits
from elman.text.spelling import Spelling, typed_word

__all__ = ["Completer", "Completion"]

_UNKNOWN = 1
_WIDTH = 8  # paths that are opened at once: about the price of one
_LONGEST = 24  # units of a word
_LEAST = 1e-6  # ways to write the typed letters that are less likely than this, compared with the likeliest, are left
_KEPT = 128  # steps back that deleting costs nothing
_READ = 512  # units at a time of a text that comes at once


class Completion(NamedTuple):
    """A word that continues a text.

    Attributes:
        word: with the letters typed.
        insert: what to put behind the text, so that the word stands there.
        probability: of the word, given all text before and the letters typed.
    """

    word: str
    insert: str
    probability: float


class _Node:
    """A path of units, read: where the text stands behind it, and what may follow.

    Attributes:
        read: (V,) ln p of the unit after it, as the reader says.
        context: the last units, where what is typed is counted.
        opened: by unit, the nodes behind it.
        said: what the reader says, changed by the counts when `told` was what they had been told.
    """

    __slots__ = ("context", "opened", "read", "row", "said", "state", "told")

    def __init__(self, state: Any, row: int, read: NDArray[np.float32], context: Sequence[int]) -> None:
        self.state, self.row, self.read, self.context = state, row, read, context
        self.opened: dict[int, _Node] = {}
        self.said, self.told = read, 0


class _Path(NamedTuple):
    """What is still to be opened: the `rank`-th likeliest of some units behind a node.

    Attributes:
        bound: ln p of the path with that unit, turned round, for the heap.
        tie: no two are equal, so that nodes are never compared.
    """

    bound: float
    tie: int
    rank: int
    node: _Node
    units: NDArray[np.int64]
    before: float
    letters: str
    length: int


class Completer:
    """Completes a text as it is typed: asked of one text after another, it reads only what is new.

    Args:
        reader: of the units.
        units: how text is read.
        most: paths that are opened for one answer at most; the best words found until then are given.
        learn: what is typed is counted, too.

    Attributes:
        steps: times that the reader was asked, of all answers so far.
    """

    def __init__(self, reader: Reader, units: RunningUnits, most: int = 400, *, learn: bool = False) -> None:
        self.reader, self.units, self.most = reader, units, most
        self.counts = TypedCounts(contexts_of(units.kind)) if learn else None
        self.spelling = Spelling(units)
        self.steps = 0
        self._numbers: list[int] = []
        self._lines: tuple[str | None, list[int]] = (None, [])
        self._stack: dict[int, _Node] = {}
        self._ties = 0

    def __call__(self, text: str, number: int = 3) -> list[Completion]:
        """The likeliest words that go on with the last letters of a text, the likeliest first.

        The word that stands there already is none of them. Behind a blank they are the likeliest next words, and behind
        a sign as well, with a blank before them.
        """
        typed = self.spelling.typed(text)
        found, whole = self.words(text, number + 1)
        wanted = [pair for pair in found if pair[0] != typed][:number]
        lead = self.spelling.lead(text)
        return [Completion(word, lead + word[len(typed) :], p / whole) for word, p in wanted]

    def words(self, text: str, number: int) -> tuple[list[tuple[str, float]], float]:
        """Words that begin with the letters typed, with p(word | context), and the sum of p over all such words.

        Of characters p is that of what is behind the letters typed, which are read already, and the sum is 1.
        """
        typed, context = self._parted(text)
        if self.counts is not None:
            letters = 0 if self.spelling.blanks else len(self.spelling.typed(text))
            self.counts.tell(context[: len(context) - letters])
        root = self._reach(context)
        if self.spelling.blanks:
            ways, whole = self._ways(root, typed)
            return (self._search(ways, number), whole) if whole else ([], 1.0)
        return self._spelt(root, text, number), 1.0

    def _spelt(self, root: _Node, text: str, number: int) -> list[tuple[str, float]]:
        """Words of characters, of which those typed are read."""
        letters, before = self.spelling.typed(text), 0.0
        if any(letter not in self.spelling.letters for letter in letters):
            return []
        if text and not (letters or text[-1].isspace()):
            (blank,) = self.units.encode(" ").tolist()
            if blank == _UNKNOWN:
                return []
            before = float(self._log_probs(root)[blank])
            self._open([(root, blank)])
            root = root.opened[blank]
        paths = list(self._followers(root, self.spelling.continues, before, letters, 0))
        ended = {letters: float(np.exp(self._ending(root)))} if letters else {}
        return self._search(paths, number, ended)

    # -- the text before

    def _parted(self, text: str) -> tuple[str, list[int]]:
        """The letters that first units must agree with, and the units of all before them."""
        if not self.spelling.blanks:
            return "", self._encoded(text)
        typed = self.spelling.typed(text)
        # counted as they were typed: in lower case a letter may be two (as a capital I with a dot is)
        before = text[: len(text) - len(typed_word(text, self.spelling.tokens))]
        if typed and self.units.kind in ("word", "token"):
            return typed, self._encoded(f"{before}x")[:-1]
        return typed, self._encoded(before)

    def _encoded(self, text: str) -> list[int]:
        """The units of a text, of which all lines but the last are mostly known from the text before."""
        head, end, tail = text.rpartition("\n")
        if end and self._lines[0] != head:
            self._lines = head, [BEGIN, *self.units.encode(head).tolist(), *self.units.encode(end).tolist()]
        return [*(self._lines[1] if end else [BEGIN]), *self.units.encode(tail).tolist()]

    def _reach(self, numbers: list[int]) -> _Node:
        """The node behind these units; those that it shares with the text before are not read again."""
        same = min(len(numbers), len(self._numbers))
        if numbers[:same] != self._numbers[:same]:
            same = next(i for i, (a, b) in enumerate(zip(numbers, self._numbers)) if a != b)
        at = max((place for place in self._stack if place <= same), default=0)
        self._stack = {place: node for place, node in self._stack.items() if place <= at}
        self._numbers = numbers
        early = max(at, len(numbers) - _KEPT)
        state = self.reader.begin() if not at else self._stack[at].state
        for a in range(at, early, _READ):
            part = numbers[a : min(a + _READ, early)]
            log_probs, state = self.reader.skip(part, state)
            self._keep(a + len(part), _Node(state, 0, log_probs, self._last(numbers[: a + len(part)])))
        for place in range(max(at, early), len(numbers)):
            self._keep(place + 1, self._next(self._stack.get(place), numbers[place]))
        return self._stack[len(numbers)]

    def _next(self, node: _Node | None, unit: int) -> _Node:
        """The node behind a unit, by itself; of what was opened besides it nothing is kept."""
        if node is None:
            self.steps += 1
            log_probs, state = self.reader.skip([unit], self.reader.begin())
            return _Node(state, 0, log_probs, self._last([unit]))
        self._open([(node, unit)])
        opened = node.opened[unit]
        node.opened = {}
        kept = _Node(self.reader.alone(opened.state, opened.row), 0, opened.read, opened.context)
        kept.opened = opened.opened
        return kept

    def _last(self, numbers: Sequence[int]) -> Sequence[int]:
        """Of units those that the counts look at."""
        return () if self.counts is None else numbers[-self.counts.contexts.longest :]

    def _log_probs(self, node: _Node) -> NDArray[np.floating[Any]]:
        """(V,) ln p of the unit behind a node."""
        if self.counts is not None and node.told != self.counts.told:
            p = self.counts.over(np.exp(node.read.astype(float)), node.context)
            node.said, node.told = np.log(np.maximum(p, 1e-300)), self.counts.told
        return node.said

    def _keep(self, place: int, node: _Node) -> None:
        self._stack[place] = node
        old = place - _KEPT
        if old % _KEPT:
            self._stack.pop(old, None)

    # -- words

    def _ways(self, root: _Node, typed: str) -> tuple[list[_Path], float]:
        """The paths that hold all the letters typed, ready to be searched, and what they are worth together."""
        paths: list[_Path] = []
        whole, best = 0.0, 0.0
        inside = [(0.0, root, "", 0)]
        while inside:
            further: list[tuple[float, _Node, int, str, int]] = []
            for before, node, letters, length in inside:
                fits, some = self.spelling.fitting(typed[len(letters) :], node is root)
                paths += self._followers(node, fits, before, letters, length)
                log_probs = self._log_probs(node)
                worth = float(np.exp(before + log_probs[fits].astype(float)).sum())
                whole, best = whole + worth, max(best, worth)
                further += [
                    (before + float(log_probs[u]), node, u, letters + self.spelling.letters[u], length + 1)
                    for u in some.tolist()
                ]
            further = [f for f in further if np.exp(f[0]) > max(_LEAST * best, 1e-30)]
            self._open([(node, unit) for _, node, unit, _, _ in further])
            inside = [(p, node.opened[unit], letters, n) for p, node, unit, letters, n in further]
        return paths, whole if typed else 1.0

    def _followers(
        self, node: _Node, units: NDArray[np.int64], before: float, letters: str, length: int
    ) -> Iterable[_Path]:
        """The paths from a node on by some units, as one entry of the heap."""
        if len(units) and length < _LONGEST:
            log_probs = self._log_probs(node)
            ordered = units[np.argsort(-log_probs[units], kind="stable")]
            self._ties += 1
            bound = -(before + float(log_probs[ordered[0]]))
            yield _Path(bound, self._ties, 0, node, ordered, before, letters, length)

    def _search(self, heap: list[_Path], number: int, found: dict[str, float] | None = None) -> list[tuple[str, float]]:
        """The likeliest words of all paths, best first."""
        words = defaultdict(float, found or {})
        heapq.heapify(heap)
        opened, ending = 0, len(self.spelling.continues) > 0
        while heap and opened < self.most:
            least = heapq.nlargest(number, words.values())[-1] if len(words) >= number else 0.0
            best: list[tuple[_Path, int, str]] = []
            while heap and len(best) < _WIDTH and np.exp(-heap[0].bound) > least:
                path = heapq.heappop(heap)
                unit = int(path.units[path.rank])
                best.append((path, unit, path.letters + self.spelling.letters[unit]))
                if path.rank + 1 < len(path.units):
                    self._ties += 1
                    bound = -(path.before + float(self._log_probs(path.node)[path.units[path.rank + 1]]))
                    heapq.heappush(heap, path._replace(bound=bound, tie=self._ties, rank=path.rank + 1))
            if not best:
                break
            opened += len(best)
            if not ending:  # a unit is a word
                for path, _, letters in best:
                    words[letters] += float(np.exp(-path.bound))
                continue
            self._open([(path.node, unit) for path, unit, _ in best])
            for path, unit, letters in best:
                node, at = path.node.opened[unit], -path.bound
                if letters:
                    words[letters] += float(np.exp(at + self._ending(node)))
                for entry in self._followers(node, self.spelling.continues, at, letters, path.length + 1):
                    heapq.heappush(heap, entry)
        ranked = sorted(words.items(), key=lambda pair: (-pair[1], pair[0]))
        return ranked[:number]

    def _ending(self, node: _Node) -> float:
        """ln of the probability that a word ends here: that no unit follows which goes on with it."""
        further = np.exp(self._log_probs(node)[self.spelling.continues].astype(float)).sum()
        return float(np.log(max(1.0 - further, 1e-300)))

    def _open(self, wanted: Sequence[tuple[_Node, int]]) -> None:
        """Read these units behind their nodes, all at once, but for those that were read already."""
        new = [(node, unit) for node, unit in wanted if unit not in node.opened]
        for a in range(0, len(new), _WIDTH):
            part = new[a : a + _WIDTH]
            rows, after = self.reader.step([unit for _, unit in part], [(node.state, node.row) for node, _ in part])
            self.steps += 1
            for row, (node, unit) in enumerate(part):
                node.opened[unit] = _Node(after, row, rows[row], self._last([*node.context, unit]))
