"""A batch of sequences of different lengths, as one type.

Padding exists because tensors are rectangular; it is never data. Everything that reads a batch reads
`lengths` with it, and nothing past a sequence's own length may reach a result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from elman.errors import InputError, InputTypeError

__all__ = ["Sequences", "bucket_batches", "check_lengths", "within"]

_WHOLE = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def check_lengths(lengths: Tensor | Sequence[int], T: int, B: int) -> Tensor:
    """`lengths` as an int64 CPU tensor (B,), each in 1..T.

    Raises:
        InputError: a wrong count, fractions, an empty sequence, or a length beyond T.
    """
    if isinstance(lengths, Tensor) and lengths.is_meta:
        raise InputError("lengths are on meta, where tensors have no values", remedy="give whole numbers")
    try:
        out = torch.as_tensor(lengths, device="cpu").detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputTypeError(f"lengths are not whole numbers: {lengths!r}", remedy="give one per sequence") from error
    if out.dtype not in _WHOLE and out.numel():
        raise InputTypeError(f"lengths are {str(out.dtype).removeprefix('torch.')}", remedy="give whole numbers")
    out = out.to(torch.int64)
    if out.shape != (B,):
        raise InputError(
            f"lengths has shape {tuple(out.shape)}, the batch has {B} sequences", remedy="give one length per sequence"
        )
    if torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None:
        return out  # values are not known yet: the operation that a tracer writes down asks when it runs
    if B and int(out.min()) < 1:
        where = int(out.argmin())
        raise InputError(
            f"sequence {where} has length {int(out[where])}", remedy="a sequence needs at least one time step: drop it"
        )
    if B and int(out.max()) > T:
        where = int(out.argmax())
        raise InputError(f"sequence {where} has length {int(out[where])}, the batch has T = {T} time steps")
    return out


def within(lengths: Tensor, T: int, *, batch_first: bool = False, device: torch.device | str | None = None) -> Tensor:
    """The time steps that each sequence has: bool (T, B), or (B, T); False is padding.

    Args:
        lengths: (B,) whole numbers.
        T: time steps of the batch.
        device: of the answer; by default that of the lengths.
    """
    lengths = lengths.to(lengths.device if device is None else device)
    steps = torch.arange(T, device=lengths.device)
    return steps < lengths[:, None] if batch_first else steps[:, None] < lengths


@dataclass(frozen=True)
class Sequences:
    """B sequences, time first.

    Attributes:
        data: (T, B, ...) values; `data[t, b]` means something only for `t < lengths[b]`.
        lengths: (B,) int64 on the CPU, each in 1..T.
    """

    data: Tensor
    lengths: Tensor

    def __post_init__(self) -> None:
        object.__setattr__(self, "lengths", check_lengths(self.lengths, self.data.shape[0], self.data.shape[1]))

    @classmethod
    def pack(cls, items: Sequence[Tensor | np.ndarray | Sequence[int]], pad: float = 0) -> Sequences:
        """Stack single sequences, each (T_b, ...), behind one another.

        Args:
            items: at least one sequence, none empty, all of the same trailing shape.
            pad: what fills the places past each length; no result depends on it.

        Raises:
            InputError: no items, or an empty one.
        """
        tensors = [torch.as_tensor(item) for item in items]
        if not tensors:
            raise InputError("a batch needs at least one sequence")
        lengths = torch.tensor([len(t) for t in tensors])
        T, B = max(map(len, tensors)), len(tensors)
        check_lengths(lengths, T, B)
        data = tensors[0].new_full((B, T, *tensors[0].shape[1:]), pad)
        data[within(lengths, T, batch_first=True)] = torch.cat(tensors)  # the places that exist, row after row
        return cls(data.transpose(0, 1).contiguous(), lengths)  # (T, B, ...)

    @classmethod
    def numbers(cls, rows: Sequence[Sequence[int]]) -> Sequences:
        """`pack` for many short lists of integers, without a tensor for each."""
        T = max(map(len, rows), default=0)
        data = torch.tensor([[*row, *[0] * (T - len(row))] for row in rows], dtype=torch.int64).view(len(rows), T)
        return cls(data.T.contiguous(), torch.tensor([len(row) for row in rows], dtype=torch.int64))

    def __len__(self) -> int:
        return self.data.shape[1]

    def __iter__(self) -> Iterator[Tensor]:
        """Each sequence alone, (T_b, ...), without its padding."""
        for b, length in enumerate(self.lengths.tolist()):
            yield self.data[:length, b]

    @property
    def mask(self) -> Tensor:
        """(T, B) bool, on the data's device: True where there is data."""
        return within(self.lengths, len(self.data), device=self.data.device)

    def with_data(self, data: Tensor) -> Sequences:
        """The same lengths around other values, (T, B, ...)."""
        return Sequences(data, self.lengths)

    def spoiled(self, steps: int) -> Sequences:
        """The same sequences behind `steps` more time steps of padding, and in all padding what nothing may read.

        That is NaN; among integers it is the largest of the data: a word, say, that does occur.
        """
        fill = torch.nan if self.data.is_floating_point() else int(self.data.max())
        data = torch.cat([self.data, self.data.new_zeros(steps, *self.data.shape[1:])])
        out = Sequences(data, self.lengths)
        out.data[~out.mask] = fill
        return out

    def to(self, device: torch.device | str) -> Sequences:
        return Sequences(self.data.to(device), self.lengths)


_MOST_STEPS = 65_536  # of a padded batch: beyond it memory goes to padding, not to speed


def bucket_batches(
    lengths: Sequence[int], batch_size: int, generator: torch.Generator | None = None, pool: int = 50, *,
    tokens: int = 0,
) -> list[list[int]]:  # fmt: skip
    """Deal examples into batches of similar length, so that little is padded.

    Shuffles, cuts the order into pools of `pool` batches, sorts each pool by length, and shuffles the batches: near
    in length, yet every epoch another grouping.

    Args:
        lengths: one length an example.
        batch_size: sequences in a batch; the last may hold fewer, and so may one with a very long sequence in it,
            for whose sake the others would be padded out of all proportion.
        generator: source of the shuffles; None sorts by length once and shuffles nothing (for evaluation).
        pool: batches sorted together; larger pads less and mixes less.
        tokens: time steps in a batch at most, padding included; a longer sequence is a batch by itself. Batches are
            then of about the same work and memory, whatever the lengths, and `batch_size` is not read. 0: as it says.

    Returns:
        Lists of indices into `lengths`; every index stands in exactly one.
    """
    sizes = np.asarray(lengths, np.int64)
    if generator is None:
        pools = [np.argsort(sizes, kind="stable")]
    else:
        order = torch.randperm(len(sizes), generator=generator).numpy()
        if tokens:
            pools = _steps_long(order, sizes, pool * tokens)
        else:
            pools = _pieces(order, pool * batch_size)
        pools = [part[np.argsort(sizes[part], kind="stable")] for part in pools]
    dealt = pools if tokens else [batch for part in pools for batch in _pieces(part, batch_size)]
    batches = [piece for batch in dealt for piece in _bounded(batch, sizes, tokens or _MOST_STEPS)]
    if generator is None:
        return batches
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]


def _pieces(order: np.ndarray, size: int) -> list[np.ndarray]:
    """Of `size` examples; the last may have fewer."""
    return [order[start : start + size] for start in range(0, len(order), size)]


def _steps_long(order: np.ndarray, sizes: np.ndarray, steps: int) -> list[np.ndarray]:
    """Pieces with at least so many time steps; the last may have fewer."""
    total, found, start = sizes[order].cumsum(), [], 0
    while start < len(order):
        before = total[start - 1] if start else 0
        end = int(np.searchsorted(total, before + steps)) + 1
        found.append(order[start:end])
        start = end
    return found


def _bounded(batch: np.ndarray, sizes: np.ndarray, most: int) -> Iterator[list[int]]:
    """The same batch, sorted by length, in pieces of at most `most` padded steps each."""
    mine, start = sizes[batch], 0
    while start < len(batch):
        # a longer one in a longer batch only adds to the padding: the first that is too much ends the piece
        over = np.flatnonzero(mine[start + 1 :] * np.arange(2, len(batch) - start + 1) > most)
        end = start + 1 + int(over[0]) if len(over) else len(batch)
        yield batch[start:end].tolist()
        start = end
