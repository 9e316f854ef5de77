"""A transcriber that follows a stream: chunks of any size in, and out what the whole recording would have given.

Each stage keeps what the next frames still need of the last ones: the derivatives the frames around, a running level
its sums, the stack the frames of a step that is not whole, the look-ahead the steps before, the layers their states.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman.decoding.ctc_path import Said
from elman.errors import InputError
from elman.layers.arguments import State
from elman.layers.ctc import BLANK
from elman.models.frames import delta_filters, steps_of
from elman.models.spoken_words import Clock, Word, grouped, timed
from elman.models.symbols import Symbols
from elman.models.transcriber import TranscriberNetwork

__all__ = ["Listener", "Listening", "Piece", "check_streams", "chunked", "streams"]


def check_streams(model: TranscriberNetwork) -> None:
    """Raises InputError for a network that needs the whole recording before it can say anything."""
    frames = model.reader.settings
    if model.settings.bidirectional:
        raise InputError("this model reads recordings from both ends, and cannot follow a stream",
                         remedy="train one with model.bidirectional=false")  # fmt: skip
    if frames.normalise == "utterance":
        raise InputError("this model brings each recording to its own level, which a stream does not have yet",
                         remedy="train one with frames.normalise=running, or training")  # fmt: skip


def streams(model: TranscriberNetwork) -> bool:
    """Whether a network can follow a stream."""
    return not model.settings.bidirectional and model.reader.settings.normalise != "utterance"


def chunked(model: TranscriberNetwork, x: Tensor, size: int) -> Tensor:
    """What a stream gives, (S, V), that brings frames (T, F) in chunks of so many."""
    listener = Listener(model)
    return torch.cat([*(listener.push(part) for part in torch.split(x, size)), listener.close()])


class Listener:
    """One stream.

    Args:
        model: a network in one direction, in evaluation mode.

    Attributes:
        steps: that were given so far.

    Raises:
        InputError: see `check_streams`.
    """

    def __init__(self, model: TranscriberNetwork) -> None:
        check_streams(model)
        self.model, self.settings = model.eval(), model.reader.settings
        self.steps = 0
        filters = delta_filters(self.settings.deltas)
        self._weights = torch.tensor(filters).T.contiguous()  # (2 half + 1, orders + 1)
        self._half = len(filters[0]) // 2
        self._around = torch.zeros(0, model.reader.features)  # frames, from `half` before the first that is not derived
        self._level: Tensor | None = None
        width = model.reader.features * (1 + self.settings.deltas)
        self._read = torch.zeros(0, width)  # frames on one level, from the first that is in no step
        self._ready = torch.zeros(0, width * self.settings.stack)  # steps, from the first that the layers have not read
        self._frames, self._stacked = 0, 0
        self._state: State | None = None
        self._closed = False

    @property
    def latency(self) -> int:
        """Frames from the first one of a step to the last one that its answer needs."""
        return self.settings.seen_ahead

    def push(self, frames: Tensor) -> Tensor:
        """Frames (n, F) more -> ln p of each symbol at the steps that can be answered now, (s, V); s may be 0.

        Raises:
            InputError: other frames than it reads, or a stream that was closed.
        """
        if self._closed:
            raise InputError("this stream was closed", remedy="begin another")
        if frames.ndim != 2 or frames.shape[1] != self.model.reader.features:
            raise InputError(f"frames of shape {tuple(frames.shape)}", remedy=f"give (n, {self.model.reader.features})")
        frames = frames.to(self._around.dtype)
        if not self._frames and len(frames):
            self._around = frames[:1].repeat(self._half, 1)
        self._frames += len(frames)
        return self._on(torch.cat([self._around, frames]), last=False)

    def close(self) -> Tensor:
        """The stream has ended: what its last frames still say, (s, V)."""
        self._closed = True
        if not self._frames:
            return torch.zeros(0, self.model.out.out_features)
        return self._on(torch.cat([self._around, self._around[-1:].repeat(self._half, 1)]), last=True)

    @torch.no_grad()
    def _on(self, around: Tensor, last: bool) -> Tensor:
        self._read = torch.cat([self._read, self._levelled(self._derived(around))])
        self._ready = torch.cat([self._ready, self._steps(last)])
        x = self._windows(last)
        if not len(x):
            return torch.zeros(0, self.model.out.out_features)
        found, self._state = self.model.answer(x[:, None], self._state)
        self.steps += len(x)
        return found[:, 0]

    def _derived(self, around: Tensor) -> Tensor:
        """(n, D) of the frames that have all others around them."""
        count = max(0, len(around) - 2 * self._half)
        self._around = around[count:]
        if not count:
            return torch.zeros(0, self._read.shape[1])
        wide = around.unfold(0, 2 * self._half + 1, 1) @ self._weights  # (n, F, orders + 1)
        return wide.transpose(1, 2).reshape(count, -1)

    def _levelled(self, x: Tensor) -> Tensor:
        if not len(x):
            return x
        found, self._level = self.model.reader.levels(x[:, None], torch.tensor([len(x)]), self._level)
        return found[:, 0]  # type: ignore[no-any-return]

    def _steps(self, last: bool) -> Tensor:
        """The steps that are whole; of a stream that has ended all, the frames that they lack being 0."""
        stack, stride = self.settings.stack, self.settings.stride
        there = len(self._read)
        if last:
            wanted = int(steps_of(self._frames, stride)) - self._stacked
            self._read = torch.cat([self._read, self._read.new_zeros(wanted * stride + stack, self._read.shape[1])])
        else:
            wanted = max(0, (there - stack) // stride + 1)
        if not wanted:
            return self._ready[:0]
        found = self._read.unfold(0, stack, stride)[:wanted].reshape(wanted, -1)
        self._read = self._read[wanted * stride :]
        self._stacked += wanted
        return found

    def _windows(self, last: bool) -> Tensor:
        """The steps that have those behind them that they look ahead to, each with these."""
        ahead = self.settings.ahead
        if last and ahead:
            self._ready = torch.cat([self._ready, self._ready.new_zeros(ahead, self._ready.shape[1])])
        count = max(0, len(self._ready) - ahead)
        if not count:
            return self._ready.new_zeros(0, self.model.reader.width)
        found = self._ready.unfold(0, ahead + 1, 1).reshape(count, -1)
        self._ready = self._ready[count:]
        return found


@dataclass(frozen=True)
class Piece:
    """What one more piece of a stream says.

    Attributes:
        words: that are final, since another has begun behind them, or the stream has ended.
        changing: the letters of the word that is being said, which may go on.
    """

    words: Sequence[Word]
    changing: str


class Listening:
    """A stream as text: the likeliest symbol of each step, so that what was said is never taken back.

    Args:
        model: a network in one direction.
        clock: when its steps are.

    Raises:
        InputError: see `check_streams`.
    """

    def __init__(self, model: TranscriberNetwork, symbols: Symbols, clock: Clock) -> None:
        self._listener, self._symbols, self._clock = Listener(model), symbols, clock
        self._said: list[Said] = []  # of the word that is being said
        self._log_probs = np.zeros((0, len(symbols)))  # of the steps from `first` on
        self._first, self._last, self._steps = 0, BLANK, 0

    @property
    def latency(self) -> int:
        """Frames that are waited for, see `Listener.latency`."""
        return self._listener.latency

    def push(self, frames: NDArray[np.float32]) -> Piece:
        """Frames (n, F) more, n being what it may."""
        return self._heard(self._listener.push(torch.from_numpy(np.ascontiguousarray(frames, np.float32))), False)

    def close(self) -> Piece:
        """The stream has ended: the last word is final."""
        return self._heard(self._listener.close(), True)

    def _heard(self, log_probs: Tensor, last: bool) -> Piece:
        for symbol in log_probs.argmax(1).tolist() if len(log_probs) else ():
            if symbol == self._last != BLANK:
                self._said[-1] = self._said[-1]._replace(end=self._steps + 1)
            elif symbol != BLANK:
                self._said.append(Said(symbol, self._steps, self._steps + 1))
            self._last, self._steps = symbol, self._steps + 1
        self._log_probs = np.concatenate([self._log_probs, log_probs.double().numpy()])
        groups = grouped(self._said, self._symbols)
        final = groups if last else groups[:-1]
        # the next word's beginning bounds the end of the last one that is final
        words = timed(groups, self._log_probs, self._first, self._symbols, self._clock)[: len([*filter(None, final)])]
        self._said = [] if last else self._said[len(self._said) - self._open() :]
        first = self._said[0].first if self._said else self._steps
        self._log_probs, self._first = self._log_probs[first - self._first :], first
        return Piece(words, self._symbols.decode([one.symbol for one in self._said]))

    def _open(self) -> int:
        """How many of the last symbols are of the word that is being said, the blank before it among them."""
        names = self._symbols.names
        for n, one in enumerate(reversed(self._said), 1):
            if names[one.symbol] == " " or names[one.symbol].startswith("\u2581"):
                return n
        return len(self._said)
