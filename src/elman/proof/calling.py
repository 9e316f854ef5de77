"""A module with its example: called on some sequences, some time steps, with some padding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from elman.errors import InputError
from elman.proof.example import Example, Key, parameter_names
from elman.proof.padding import garbage, lengths_like
from elman.proof.reading import Input, Reading
from elman.proof.states import handed, mapped, split
from elman.sequences import Sequences

__all__ = ["Axes", "Result", "Subject", "tensors"]


@dataclass(frozen=True)
class Result:
    """What a call gave: its outputs, and the state after, as it was returned."""

    outputs: list[Tensor]
    state: Any = None

    @property
    def leaves(self) -> list[Tensor]:
        """Outputs, then the tensors of the state."""
        return self.outputs + tensors(self.state)


@dataclass(frozen=True)
class Axes:
    """Of one tensor that a call returns: where the sequences lie, and where time does."""

    batch: int | None
    times: tuple[int, ...]

    def rows(self, t: Tensor, rows: Sequence[int]) -> Tensor:
        """The part of these sequences."""
        return t if self.batch is None else t.index_select(self.batch, torch.tensor(list(rows), device=t.device))

    def cut(self, t: Tensor, sizes: Sequence[int]) -> Tensor:
        """The time steps that a tensor of these sizes has."""
        for axis in self.times:
            if t.dim() == len(sizes) and t.shape[axis] > sizes[axis]:
                t = t.narrow(axis, 0, sizes[axis])
        return t


class Subject:
    """A module with its example.

    Attributes:
        T, B: time steps and sequences of the example.
        neighbour: whether it held one sequence, and another was put beside it.
        lengths: of each sequence; None where nothing tells the module.
        ends: ``lengths``, ``mask``, ``sequences`` or ``packed``: what tells it.
        states: the arguments that take the state, none if there is none.
    """

    def __init__(self, module: Callable[..., Any], example: Example | tuple[Any, ...]) -> None:
        read = Reading(module, example)
        self.module, self.example = module, read.example
        self.T, self.B, self.neighbour = read.T, read.B, read.neighbour
        self.lengths, self.ends, self.states = read.lengths, read.ends, read.states
        self._read, self._inputs = read, read.inputs
        self._settle_state()

    def spoiled(self, rows: Sequence[int], steps: Sequence[int] = ()) -> Subject:
        """The same example with other values in these sequences: in all their time steps, or in these."""
        other = copy(self)
        other._inputs = dict(self._inputs)
        for key, given in self._inputs.items():
            if given.time is None or given.batch is None:
                continue
            value = given.value.movedim((given.time, given.batch), (0, 1)).clone()
            at = torch.tensor(list(steps) or list(range(self.T)), device=value.device)[:, None]
            which = torch.tensor(list(rows), device=value.device)[None, :]
            if value.is_floating_point():
                value[at, which] = 0.5 - 2 * value[at, which]
            else:
                value[at, which] = value.flatten()[value.flatten().argmin()]
            other._inputs[key] = replace(given, value=value.movedim((0, 1), (given.time, given.batch)))
        return other

    def _settle_state(self) -> None:
        """The batch axis of the state that the example starts from: where it has B, and where a cut one is taken."""
        self._state_axes: list[int] | None = None
        leaves = tensors(self._given_state())
        if not leaves:
            return
        B = 1 if self.neighbour else self.B
        choices = [[a for a in (t.dim() - 2, *range(t.dim())) if 0 <= a < t.dim() and t.shape[a] == B] for t in leaves]
        if not all(choices):
            raise InputError(f"the state has no axis of {B} sequences", remedy="give one that fits the example")
        rows = [0] * (self.B + 1)  # as many as no axis has by chance
        for axes in _alike(choices):
            self._state_axes = axes
            try:
                result = self.call(rows)
            except Exception:  # a state cut along the wrong axis: the module may say so in any way
                continue
            if [t.shape for t in tensors(result.state)] == [t.shape for t in tensors(self.start(rows))]:
                return
        self._state_axes = [c[0] for c in choices]

    # -- calling -------------------------------------------------------------------------------------------------

    def call(
        self, rows: Sequence[int], start: int = 0, stop: int | None = None,
        padding: int = 0, fill: str = "", state: Any = None,
    ) -> Result:  # fmt: skip
        """Outputs and the state after, for these sequences and time steps.

        Args:
            padding: time steps more than there are.
            fill: ``nan`` or ``other``: what stands in all padding; "" leaves what the example has there.
            state: from the call before; None for the start.
        """
        stop = self.T if stop is None else stop
        ends = [min(self.lengths[b], stop) - start for b in rows] if self.lengths is not None else None
        arguments = {k: self._cut(k, a, rows, start, stop, padding, fill, ends) for k, a in self._inputs.items()}
        arguments |= handed(self.states, state if state is not None else self.start(rows))
        args = [arguments[i] for i in sorted(k for k in arguments if isinstance(k, int))]
        result = self.module(*args, **{k: v for k, v in arguments.items() if isinstance(k, str)})
        if not self.states:
            return Result(tensors(result))
        places, _, _ = parameter_names(self.module)
        names = [k if isinstance(k, str) else "".join(places[k : k + 1]) for k in self.states]
        outputs, after = split(result, self.states, names)
        return Result(tensors(outputs), after)

    def start(self, rows: Sequence[int]) -> Any:
        """The state that the example starts these sequences from, if it names one."""
        given = self._given_state()
        if given is None or self._state_axes is None:
            return given
        axes = iter(self._state_axes)
        at = [0] * len(rows) if self.neighbour else list(rows)
        return mapped(given, lambda t: t.index_select(next(axes), torch.tensor(at, device=t.device)))

    def _given_state(self) -> Any:
        """The state that the example starts from; None if it gives none."""
        parts = [self._inputs[k].value for k in self.states if k in self._inputs]
        if not parts or len(parts) < len(self.states) or any(p is None for p in parts):
            return None
        return parts[0] if len(self.states) == 1 else tuple(parts)

    def drop_guessed_state(self) -> bool:
        """Forget a state that was guessed by its name and proved to be none; whether there was one."""
        if self._read.state_guessed and self.states and self._given_state() is None:
            self.states = ()
            return True
        return False

    def _cut(
        self, key: Key, given: Input, rows: Sequence[int], start: int, stop: int,
        padding: int, fill: str, ends: list[int] | None,
    ) -> Any:  # fmt: skip
        if key == self._read.ends_at and ends is not None:
            if self._read.mask is None:
                return lengths_like(given.value, ends)
            return self._read.mask.written(torch.tensor(ends), stop - start + padding)
        if given.batch is None:
            return given.value
        part = given.value.index_select(given.batch, torch.tensor(list(rows), device=given.value.device))
        if given.time is None:
            return part
        part = part.narrow(given.time, start, stop - start)
        if (padding or fill) and ends is not None:
            part = part.movedim((given.time, given.batch), (0, 1))
            wide = garbage(part, padding, fill)
            for i, n in enumerate(ends):
                wide[:n, i] = part[:n, i]
            part = wide.movedim((0, 1), (given.time, given.batch))
        if not given.kind:
            return part
        lengths = torch.tensor(ends if ends is not None else [stop - start] * len(rows))
        if given.kind == "packed":
            return pack_padded_sequence(part, lengths, enforce_sorted=False)
        return Sequences(part, lengths)

    def stream(self) -> Iterator[Tensor]:
        """The sequence of the example, one time step (B, ...) after the other."""
        x = self._inputs[self._read.x_at]
        assert x.time is not None and x.batch is not None  # noqa: PT018
        for x_t in x.value.movedim((x.time, x.batch), (0, 1)):
            yield torch.nan_to_num(x_t) if x_t.is_floating_point() else x_t

    def holds_floats(self) -> bool:
        """Whether any padding can hold NaN."""
        return any(i.time is not None and i.value.is_floating_point() for i in self._inputs.values())

    def all_alike(self) -> bool:
        """Whether no two sequences of the example differ, so that mixing them would not be seen."""
        return all(
            bool((i.value == i.value.narrow(i.batch, 0, 1)).all()) for i in self._inputs.values() if i.batch is not None
        )

    # -- what comes out ------------------------------------------------------------------------------------------

    def axes(self, whole: Result) -> list[Axes]:
        """Of every tensor in a call's result: the axes that shrink with fewer sequences, and with fewer time steps."""
        full = [t.shape for t in whole.leaves]
        longest = self.longest
        one = self._shapes([max(range(self.B), key=self.length)], self.T)
        short = self._shapes(range(self.B), longest - 1) if longest > 1 else None
        e, found = self.example, []
        for i, shape in enumerate(full):
            batch: int | None = None
            if one is not None and len(one) == len(full) and len(one[i]) == len(shape):
                batch = next((a for a, n in enumerate(shape) if one[i][a] != n), None)
            elif len(shape) > e.batch and shape[e.batch] == self.B:
                batch = e.batch
            times: tuple[int, ...] = ()
            if short is not None and len(short) == len(full) and len(short[i]) == len(shape):
                times = tuple(a for a, n in enumerate(shape) if short[i][a] != n and a != batch)
            elif i < len(whole.outputs) and len(shape) > e.time and shape[e.time] in (self.T, longest):
                times = (e.time,)
            found.append(Axes(batch, times))
        return found

    def _shapes(self, rows: Sequence[int], stop: int) -> list[torch.Size] | None:
        try:
            return [t.shape for t in self.call(rows, 0, stop).leaves]
        except Exception:  # it may refuse in any way: the check that needs this call says how
            return None

    @property
    def longest(self) -> int:
        """Time steps of the longest sequence."""
        return max(self.lengths) if self.lengths is not None else self.T

    def length(self, b: int) -> int:
        """Time steps of one sequence."""
        return self.lengths[b] if self.lengths is not None else self.T


def tensors(result: Any) -> list[Tensor]:
    """Every tensor in what a module returned, in order."""
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, Sequences):
        return [result.data]
    if isinstance(result, PackedSequence):
        return [pad_packed_sequence(result)[0]]
    if isinstance(result, Mapping):
        result = list(result.values())
    elif is_dataclass(result) and not isinstance(result, type):
        result = [getattr(result, f.name) for f in fields(result)]
    return [t for part in result for t in tensors(part)] if isinstance(result, list | tuple) else []


def _alike(choices: list[list[int]]) -> Iterator[list[int]]:
    """The axes to try: for every tensor its first, its second, ..."""
    for i in range(max(map(len, choices))):
        yield [c[min(i, len(c) - 1)] for c in choices]
