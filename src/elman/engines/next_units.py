"""A unit further in N texts: embedding, layers and softmax in one call of the native library (native/next.cpp).

`elman.engines.streaming` asks before each step whether the weights are as they were and where everything lies. Here all
of it is laid down once; whoever takes many steps asks `stale` as often as the weights may have changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import addressof, byref, c_double, c_int64
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman.engines import library
from elman.engines.eight import Kept
from elman.engines.streaming import Layer, Prepared, prepared
from elman.engines.unchanged import Watch
from elman.engines.weights import PLAIN, Weights
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.training.threads import count, own

__all__ = ["Followed", "NextUnits", "States", "able", "flat"]

_LARGE = 500_000  # weights of a softmax: with fewer, one thread is done before another comes
States = NDArray[Any]


class Followed(NamedTuple):
    """A unidirectional network in inference.

    Attributes:
        graph: of its cell, without masks.
        weights: of each of its layers.
        start: the states before the next step, (L, N, width) each.
    """

    graph: Graph
    weights: Sequence[Weights]
    start: Sequence[Tensor]


def able(tables: Sequence[Tensor]) -> bool:
    """Whether the library can read these where they lie, an embedding and what belongs to a softmax."""
    return all(
        type(t) in PLAIN and t.is_cpu and t.dtype is tables[0].dtype and t.is_contiguous() and t.data_ptr()
        and not t.is_neg() for t in tables
    )  # fmt: skip


def flat(networks: Sequence[Followed]) -> States:
    """(N, S), the states of networks of one layer or several: of each layer side by side, in their order."""
    parts = [s[k] for network in networks for k in range(len(network.weights)) for s in network.start]
    found: States = torch.cat(parts, 1).numpy()
    return found


class NextUnits:
    """N texts, a unit further at a time; by one thread at a time, since what a step gives lies in the same place.

    Args:
        networks: each reads what the one before it gives; of N sequences.
        embedding: (V, E), multiplied by `scale` as it is read.
        softmax: its matrix (V, H), and perhaps a bias (V,); nothing: `log_probs` are not made.
        eight: matrices are read in 8 bits, the softmax's as it is kept here (`elman.engines.eight`): other figures, and
            a quarter of the bytes.

    Attributes:
        h: (N, H), what the last layer gave.
        log_probs: (N, V) ln p of what follows, in float64; the next step writes over both.
    """

    def __init__(
        self, networks: Sequence[Followed], embedding: Tensor, scale: float, softmax: Sequence[Tensor],
        eight: Kept | None = None,
    ) -> None:  # fmt: skip
        N, V, dtype = networks[0].start[0].shape[1], len(embedding), embedding.dtype
        self._tensors = [embedding, *softmax, *(t for network in networks for w in network.weights for t in w.tensors)]
        self._watch = Watch(self._tensors)
        layers = [prepared(network.graph, w, dtype, eight is not None) for network in networks for w in network.weights]
        self.size = sum(layer.widths[i] for layer in layers for i in layer.first)
        self._x = self.h = torch.empty(N, embedding.shape[1], dtype=dtype)
        self._room = np.zeros((2, N, self.size), dtype=self._x.numpy().dtype)
        self._kept: list[Any] = [layers]  # what the library reads
        rows = [self._laid(layer, N) for layer in layers]
        offsets = np.cumsum([0, *(layer.widths[i] for layer in layers for i in layer.first)]).tolist()
        table = (library.NextLayer * len(layers))()
        for entry, layer, handle in zip(table, layers, rows, strict=True):
            here = [offsets.pop(0) * dtype.itemsize for _ in layer.first]
            numbers = (c_int64 * len(here))(*here)
            self._kept += [handle, numbers]
            entry.step, entry.states, entry.offset = handle.handle, len(here), addressof(numbers)
        self._units = c_int64 * N
        self.log_probs = np.empty((N, V if softmax else 0))
        call = library.Next(
            dtype == torch.float64, eight is not None, N, V, embedding.shape[1], self.h.shape[1], len(layers),
            count() if softmax and softmax[0].numel() > _LARGE else 1, own(), table, scale, embedding.data_ptr(),
            self._x.data_ptr(), self.h.data_ptr(),
        )  # fmt: skip
        call.embedding_extent, call.state_bytes = embedding.numel(), self._room[0].nbytes
        if softmax:
            scores, room = torch.empty(N, V, dtype=dtype), np.empty(V)
            self._kept += [scores, room]
            weight, bias = softmax[0], softmax[1] if len(softmax) > 1 else None
            if eight is not None:
                weight = eight(weight)
                self._kept.append(weight)
            call.weight, call.weight_extent = weight.data_ptr(), weight.numel()
            if bias is not None:
                call.bias, call.bias_extent = bias.data_ptr(), bias.numel()
            call.scores, call.log_probs, call.room = scores.data_ptr(), _at(self.log_probs), _at(room)
            call.scores_extent, call.log_probs_extent, call.room_extent = N * V, self.log_probs.size, V
        self._call, self._reference, self._library = call, byref(call), library.load()
        if any(layer.call.pack for layer in layers):
            self([0] * N, *self._room)
            for layer in layers:
                if layer.call.pack:
                    layer.program.keep(layer.watch, layer.packed)
                    layer.call.pack = 0

    def _laid(self, layer: Layer, N: int) -> Prepared:
        """A layer prepared for steps that read what the one before it gives."""
        layer.sized(1, N)
        layer.pointers[layer.x] = self.h.data_ptr()
        self._kept.append(self.h)
        self.h = torch.empty(N, layer.widths[layer.y], dtype=self._x.dtype)
        layer.pointers[layer.y] = self.h.data_ptr()
        for i in (*layer.first, *layer.last):
            layer.pointers[i], layer.by_row[i] = _at(self._room), self.size
            layer.extents[i] = (N - 1) * self.size + layer.widths[i]
        return Prepared(layer, 0, torch.Size([N]))

    @property
    def stale(self) -> bool:
        """Whether a weight is not what it was."""
        return not self._watch.counted or not self._watch.unchanged(self._tensors)

    def __call__(self, units: Sequence[int], before: States, after: States) -> None:
        """Read one unit of each text.

        Args:
            units: N of 0..V-1.
            before, after: (N, S) where the texts stand, in the weights' dtype, C-contiguous; the second is written.

        Raises:
            InputError: states of another shape, dtype or order.
            RuntimeError: what the library refuses: a unit that there is not, states that overlap, a second thread.
        """
        if len(units) != len(self.h):
            raise InputError(f"{len(units)} units for {len(self.h)} texts", remedy="give one for each")
        read = self._units(*units)  # of this call, lest another thread's be read
        if self._library.elman_next_step(self._reference, read, self._place(before, False), self._place(after)):
            raise RuntimeError(f"native engine: {self._library.elman_error().decode()}")

    def draw(
        self, unit: int, places: Sequence[States], chances: Sequence[float], temperature: float,
        banned: NDArray[np.int64], end: int | None, unended: int,
    ) -> tuple[list[int], list[float]] | None:  # fmt: skip
        """Of one text: units, each drawn from softmax(ln p / temperature) behind the one before, until the end, or as
        many as there are chances.

        Args:
            unit: that is read first.
            places: two states; the text stands at the first before it, then at the second, and so on.
            chances: from 0 to below 1.
            unended: the first so many are no end.

        Returns:
            the units, and ln p of each, -inf of a last one if none was possible; None where the model's scores are no
            numbers.

        Raises:
            InputError, RuntimeError: as of one unit.
        """
        n, banned = len(chances), np.ascontiguousarray(banned, np.int64)
        units, values, given = np.empty(n, np.int64), np.empty(n), (c_double * n)(*chances)
        never = end is None or end >= self.log_probs.shape[1]
        how = library.Draws(temperature, _at(banned), len(banned), -1 if never else end, unended)
        found = self._library.elman_next_draw(
            self._reference, byref(how), unit, *map(self._place, places), given, n, _at(units), _at(values)
        )
        if found == -1:
            raise RuntimeError(f"native engine: {self._library.elman_error().decode()}")
        return None if found < 0 else (units[:found].tolist(), values[:found].tolist())

    def _place(self, states: States, written: bool = True) -> int:
        """Where they lie, if they lie as the library is going to read or write them."""
        own, flags = self._room[0], states.flags
        lies = flags.c_contiguous and flags.aligned and (flags.writeable or not written)
        if states.shape != own.shape or states.dtype != own.dtype or not lies:
            raise InputError(
                f"states of texts are {states.dtype} {states.shape}, or do not lie side by side in memory of their own",
                remedy=f"hand on {own.dtype} {own.shape}, C-contiguous",
            )
        return _at(states)


def _at(array: NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
