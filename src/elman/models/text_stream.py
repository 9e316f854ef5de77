"""Texts as numbers, to be read on and on: by rows that each go through a part of all text, the state carried along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from elman.models.kneser_ney import KneserNey
from elman.models.language_network import LanguageNetwork, Standing
from elman.sequences import Sequences
from elman.text.running import BEGIN, END
from elman.text.stream_numbers import Ints, StreamNumbers

__all__ = ["Piece", "Stream", "StreamedTexts", "Window", "foretold", "surprises"]

_READ = 512  # steps at a time where nothing is trained
_AT_ONCE = 1 << 18  # units that n-grams foretell
_UNKNOWN = 1
_LOOKED = 10_000  # pieces that a look at some of a text is chosen from


@dataclass(frozen=True)
class Piece:
    """Some pieces of text, each with the unit before it.

    Attributes:
        sequences: (T + 1, B): T targets each, behind what is read before the first of them.
    """

    sequences: Sequences

    @property
    def lengths(self) -> Tensor:
        return self.sequences.lengths

    def spoiled(self, steps: int) -> Piece:
        return Piece(self.sequences.spoiled(steps))


@dataclass(frozen=True)
class StreamedTexts:
    """All texts one behind the other: begin, units, end, begin ...; the state crosses from each into the next.

    Attributes:
        numbers: (N,) units with the signs between texts; the first is the begin.
        pieces: how long the pieces are that it is cut into for a look at some of it.
    """

    numbers: StreamNumbers
    pieces: int = 60

    @classmethod
    def of(cls, texts: Sequence[NDArray[np.int64]]) -> StreamedTexts:
        """From the units of each text."""
        return cls.read(([text] for text in texts), len(texts) > 1, 1 << 31)

    @classmethod
    def read(cls, texts: Iterable[Iterable[NDArray[np.int64]]], several: bool, size: int) -> StreamedTexts:
        """From the units of each text, in pieces.

        Args:
            several: of a single text the end is not learned: it goes on as far as one likes.
            size: V.
        """
        numbers = StreamNumbers(size)
        begin, end = np.array([BEGIN], np.int64), np.array([END] * several, np.int64)
        for text in texts:
            for part in chain([begin], text, [end]):
                numbers.add(part)
        return cls(numbers)

    @property
    def unknown(self) -> int:
        """How many units are none that the model knows."""
        return sum(int((part == _UNKNOWN).sum()) for part in self.numbers.pieces())

    @cached_property
    def targets(self) -> int:
        """How many units are foretold: all but the begins, of which none stands within a text."""
        return sum(int((part != BEGIN).sum()) for part in self.numbers.pieces())

    @property
    def lengths(self) -> Sequence[int]:
        """Of pieces from the beginning on, of 2, 3, ... steps up to `pieces`; of a long text there are more."""
        found, left, n = list[int](), len(self.numbers), 2
        while left >= n and len(found) < _LOOKED:
            found.append(n)
            left, n = left - n, min(self.pieces, n + 1)
        return found

    def batch(self, picks: Sequence[int]) -> Piece:
        starts = np.cumsum([0, *self.lengths])
        return Piece(Sequences.pack([torch.from_numpy(self.numbers[starts[i] : starts[i + 1]]) for i in picks]))


@dataclass(frozen=True)
class Window:
    """(T, B) units, what follows each, and which of it counts; `first` where the rows begin anew."""

    units: Tensor
    targets: Tensor
    real: Tensor
    first: bool

    def to(self, device: torch.device | str) -> Window:
        return Window(self.units.to(device), self.targets.to(device), self.real.to(device), self.first)


class Stream:
    """What the training loop asks of a language model (`elman.training.loop.Trainable`).

    B rows go through all text side by side, `window` steps at a time; each row takes up its state where the window
    before left it, and every unit is foretold once an epoch, the last ones too. Where a window begins is drawn anew
    each epoch, so that the state is not cut at the same places (Merity et al. 2018, sec. 5).

    Args:
        validate: figures on the validation text; None where there is none.
    """

    stateful = True
    model: nn.Module

    def __init__(
        self, model: LanguageNetwork, train: StreamedTexts, rows: int, window: int,
        validate: Callable[[], dict[str, float]] | None, select: str,
    ) -> None:  # fmt: skip
        self.model, self._network, self.window = model, model, window
        self.select = select if validate is not None else ""
        self._validate, self._numbers = validate, train.numbers
        count = len(train.numbers) - 1
        self._rows = max(1, min(rows, count // 2))
        self._length = -(-count // self._rows)

    def plan(self, generator: torch.Generator) -> list[list[int]]:
        length = self._length
        first = int(torch.randint(1, min(self.window, length) + 1, (1,), generator=generator))
        windows: list[list[int]] = []
        start = 0
        for end in (*range(first, length, self.window), length):
            # a begin sign alone is read with what comes after it; of two steps of the first row one is foretold
            if end - start > 1 or bool(self.collate((start, end)).real.any()):
                windows.append([start, end])
                start = end
        return windows

    def collate(self, picks: Sequence[int]) -> Window:
        a, b = picks
        units, targets = np.zeros((2, b - a, self._rows), np.int64)
        for row in range(self._rows):
            start = row * self._length + a
            part = self._numbers[start : start + b - a + 1]
            n = max(0, len(part) - 1)  # less at the end of the text
            units[:n, row], targets[:n, row] = part[:-1], part[1:]
        real = (targets > 0) & (targets != BEGIN)
        return Window(torch.from_numpy(units), torch.from_numpy(targets), torch.from_numpy(real), a == 0)

    def loss(self, batch: Window, state: list[Standing] | None) -> tuple[Tensor, float, list[Standing]]:
        if state is None or batch.first:
            state = self._network.begin(batch.units.shape[1])
        state = [Standing(*at) for at in state]  # from a checkpoint they come as they are kept, as tuples
        loss, _, after = self._network.loss(batch.units, batch.targets, state, batch.real)
        return loss, float(batch.real.sum()), after

    def validate(self) -> dict[str, float]:
        return {} if self._validate is None else self._validate()


def surprises(model: LanguageNetwork, numbers: Ints, steps: int = _READ) -> Iterator[Tensor]:
    """ln p of each unit of a text given all before it, (T,) at a time; the begin signs' own are left out."""
    model.eval()
    device = model.embedding.weight.device
    state = model.begin(1)
    with torch.no_grad():
        for a in range(0, len(numbers) - 1, steps):
            row = torch.from_numpy(numbers[a : a + steps + 1]).to(device)[:, None]
            found, state = model.scored(row[:-1], row[1:], state)
            yield found[row[1:] != BEGIN]


def foretold(model: KneserNey, read: StreamedTexts) -> Iterator[NDArray[np.float64]]:
    """ln p of every unit that is foretold, some at a time; what is before a text is not foretold, yet counted on."""
    numbers, before = read.numbers, model.order - 1
    for start in range(0, len(numbers), _AT_ONCE):
        seen = min(start, before)
        part = numbers[start - seen : start + _AT_ONCE]
        yield model.log_probs([part])[seen:][part[seen:] != BEGIN]
