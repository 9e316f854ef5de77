"""Texts as numbers, to be read on and on: by rows that each go through a part of all text, the state carried along."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from elman.models.language_network import LanguageNetwork, Standing
from elman.sequences import Sequences
from elman.text.running import BEGIN, END

__all__ = ["Piece", "Stream", "StreamedTexts", "Window", "surprises"]

_READ = 512  # steps at a time where nothing is trained


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

    numbers: NDArray[np.int64]
    pieces: int = 60

    @classmethod
    def of(cls, texts: Sequence[NDArray[np.int64]]) -> StreamedTexts:
        """Of a single text the end is not learned: it goes on as far as one likes."""
        ended = [*([END] if len(texts) > 1 else [])]
        return cls(np.concatenate([np.array([BEGIN, *text, *ended], np.int64) for text in texts]))

    @property
    def targets(self) -> int:
        """How many units are foretold: all but the begins."""
        return int((self.numbers[1:] != BEGIN).sum())

    @property
    def lengths(self) -> Sequence[int]:
        """Of pieces from the beginning on, of 2, 3, ... steps up to `pieces`."""
        found, left, n = [], len(self.numbers), 2
        while left >= n:
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
        self._validate = validate
        count = len(train.numbers) - 1
        rows = max(1, min(rows, count // 2))
        length = -(-count // rows)
        units = np.zeros(rows * length, np.int64)
        units[:count] = train.numbers[:-1]
        targets = np.zeros(rows * length, np.int64)
        targets[:count] = train.numbers[1:]
        self._units = torch.from_numpy(units.reshape(rows, length).T.copy())
        self._targets = torch.from_numpy(targets.reshape(rows, length).T.copy())
        self._real = (self._targets > 0) & (self._targets != BEGIN)

    def plan(self, generator: torch.Generator) -> list[list[int]]:
        length = len(self._units)
        first = int(torch.randint(1, min(self.window, length) + 1, (1,), generator=generator))
        windows: list[list[int]] = []
        start = 0
        for end in (*range(first, length, self.window), length):
            if bool(self._real[start:end].any()):  # a begin sign alone is read with what comes after it
                windows.append([start, end])
                start = end
        return windows

    def collate(self, picks: Sequence[int]) -> Window:
        a, b = picks
        return Window(self._units[a:b], self._targets[a:b], self._real[a:b], a == 0)

    def loss(self, batch: Window, state: list[Standing] | None) -> tuple[Tensor, float, list[Standing]]:
        if state is None or batch.first:
            state = self._network.begin(batch.units.shape[1])
        state = [Standing(*at) for at in state]  # from a checkpoint they come as they are kept, as tuples
        loss, _, after = self._network.loss(batch.units, batch.targets, state, batch.real)
        return loss, float(batch.real.sum()), after

    def validate(self) -> dict[str, float]:
        return {} if self._validate is None else self._validate()


def surprises(model: LanguageNetwork, numbers: NDArray[np.int64], steps: int = _READ) -> Iterator[Tensor]:
    """ln p of each unit of a text given all before it, (T,) at a time; the begin signs' own are left out."""
    model.eval()
    device = model.embedding.weight.device
    row = torch.from_numpy(numbers).to(device)[:, None]
    state = model.begin(1)
    with torch.no_grad():
        for a in range(0, len(row) - 1, steps):
            units, targets = row[a : min(a + steps, len(row) - 1)], row[a + 1 : a + 1 + steps]
            found, state = model.scored(units, targets, state)
            yield found[targets != BEGIN]
