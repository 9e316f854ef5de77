"""The parameters of a cell as a layer keeps them: each a tensor of its own, or several stacked in one.

An engine that reads a `Weights` as a mapping gets each parameter by the name its equations use, cut out with autograd
watching. The native engine looks behind it and works on the stored tensors themselves: no view to make, no gradient to
stack.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from elman.equations.graph import Graph
from elman.errors import InputError, a_type

__all__ = ["PLAIN", "Place", "Plan", "Weights", "by_name", "disguise", "freed", "kind", "span"]


PLAIN = frozenset({Tensor, nn.Parameter})
_marks = attrgetter("__class__", "shape", "dtype", "device", "layout")


class Reader(Protocol):
    """What a layout offers, see `elman.layers.layout`."""

    def read(self, graph: Graph, stored: Mapping[str, Tensor]) -> dict[str, Tensor]: ...


@dataclass(frozen=True)
class Place:
    """Where a parameter lies: in which stored tensor, and from which of its elements on.

    Attributes:
        plus: a second stored tensor whose same elements are added to it (torch's two biases), or -1.
    """

    tensor: int
    first: int = 0
    plus: int = -1


@dataclass(frozen=True, eq=False)
class Plan:
    """How the parameters of one cell, at given sizes, are kept.

    Attributes:
        graph: the cell's.
        reader: cuts the stored tensors up.
        stored: their names.
        names: those that the layer gives them, for errors.
        shapes: theirs.
        places: of each parameter, in the order of ``graph.parameters``.
        sizes: the numbers behind the widths' names.
        sound: how the tensors stood when they were last found to be what they have to be, see `Weights.check`.
    """

    graph: Graph
    reader: Reader
    stored: tuple[str, ...]
    names: tuple[str, ...]
    shapes: list[tuple[int, ...]]
    places: tuple[Place, ...]
    sizes: tuple[tuple[str, int], ...]
    sound: list[Any] = field(default_factory=list)

    def read(self, tensors: Sequence[Tensor]) -> dict[str, Tensor]:
        """The parameters by name."""
        return self.reader.read(self.graph, dict(zip(self.stored, tensors, strict=True)))

    @cached_property
    def extents(self) -> list[int]:
        """How many elements lie from each parameter on, in the tensor that holds it."""
        return [math.prod(self.shapes[p.tensor]) - p.first for p in self.places]

    @cached_property
    def sums(self) -> tuple[tuple[int, int], ...]:
        """Pairs of stored tensors of which sums are wanted."""
        return tuple(dict.fromkeys((p.tensor, p.plus) for p in self.places if p.plus >= 0))

    @cached_property
    def shared(self) -> tuple[tuple[int, int, int, int], ...]:
        """What two stored tensors have in common of a gradient: (tensor, plus, first element, behind the last)."""
        found: list[tuple[int, int, int, int]] = []
        for tensor, plus in self.sums:
            starts = sorted({p.first for p in self.places if plus in (p.plus, p.tensor)})
            ends = dict(zip(starts, [*starts[1:], math.prod(self.shapes[tensor])], strict=True))
            for first in sorted(p.first for p in self.places if (p.tensor, p.plus) == (tensor, plus)):
                if found and found[-1][:2] == (tensor, plus) and found[-1][3] == first:
                    found[-1] = (*found[-1][:3], ends[first])
                else:
                    found.append((tensor, plus, first, ends[first]))
        return tuple(found)


class Weights(Mapping[str, Tensor]):
    """Stored tensors with their plan; a mapping from the names of the equations.

    Attributes:
        disguise: after `check`, which of them is not what it seems; None if all are.
    """

    __slots__ = ("_read", "checked", "disguise", "plan", "tensors")

    def __init__(self, plan: Plan, tensors: Sequence[Tensor]) -> None:
        self.plan, self.tensors = plan, tensors
        self._read: dict[str, Tensor] | None = None
        self.checked = False
        self.disguise: str | None = None

    def check(self, x: Tensor) -> None:
        """That each is a tensor of its shape, and of x's dtype and device: what an engine takes for granted.

        Raises:
            InputError: one is not, with its name.
        """
        if self.checked:
            return
        dtype, device = x.dtype, x.device
        sound = self.plan.sound
        try:  # as they were when they were last found sound: a storage that is freed or cut moves
            marks = list(map(_marks, self.tensors)), list(map(Tensor.data_ptr, self.tensors))
            if sound and sound[0] == marks and sound[1] is dtype and sound[2] == device:
                self.checked = True
                return
        except (AttributeError, TypeError, RuntimeError):  # what is no tensor, or has no memory
            marks = None
        for name, t, shape in zip(self.plan.names, self.tensors, self.plan.shapes, strict=True):
            if not isinstance(t, Tensor):
                raise InputError(f"{name} is {_said(t)}, not a tensor", remedy=f"give it one of shape {shape}")
            if t.is_nested:  # asked first: it has no shape to compare
                raise InputError(f"{name} is a nested tensor, the layer wants one of shape {shape}")
            if t.dtype is not dtype or t.device != device:
                raise InputError(f"{name} is {kind(t)}, x is {kind(x)}", remedy="bring them together: layer.to(x)")
            if t.shape != shape:
                raise InputError(f"{name} has shape {tuple(t.shape)}, the layer wants {shape}")
            try:
                if hidden := disguise(t):
                    self.disguise = f"{name} is {hidden}"
                elif device.type == "cpu" and (freed(t) or (t.data_ptr() == 0 and not torch._is_functional_tensor(t))):
                    raise InputError(f"{name} has no memory: its storage was freed or cut short")
            except NotImplementedError:  # torch's, for what has no storage
                self.disguise = f"{name} is wrapped by a transform"
        self.checked = True
        if self.disguise is None and marks is not None:
            sound[:] = marks, dtype, device

    def _all(self) -> dict[str, Tensor]:
        if self._read is None:
            self._read = self.plan.read(self.tensors)
        return self._read

    def __getitem__(self, name: str) -> Tensor:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.plan.graph.parameters)

    def __len__(self) -> int:
        return len(self.plan.graph.parameters)


def kind(t: Tensor) -> str:
    """Its dtype and device, in words."""
    return f"{str(t.dtype).removeprefix('torch.')} on {t.device}"


def _said(value: object) -> str:
    """A value in a few words: lists and arrays are not printed out."""
    return repr(value) if value is None or isinstance(value, (bool, int, float)) else a_type(value)


def disguise(t: Tensor) -> str | None:
    """Why a tensor's numbers cannot be read from memory as its shape and strides say; None if they can.

    A subclass (DTensor, FakeTensor ...) means by its operations what it likes.
    """
    if type(t) not in PLAIN:
        return f"{a_type(t)}, of which only torch's operations know what it holds"
    if t.layout is not torch.strided:
        return f"sparse ({str(t.layout).removeprefix('torch.')})"
    return None


def span(t: Tensor) -> int:
    """From its first element to behind its last, in elements."""
    return 1 + sum([(n - 1) * s for n, s in zip(t.shape, t.stride(), strict=True)])


def freed(t: Tensor) -> bool:
    """Whether its storage ends before it does: resized from under it, as some sharding does with weights at rest. torch
    itself would read on."""
    there, first = t.untyped_storage().nbytes(), t.storage_offset()
    if first == 0 and t.is_contiguous():
        return there < t.nbytes
    return there < (first + span(t)) * t.element_size()


class _Named:
    """Each parameter under its own name."""

    def read(self, graph: Graph, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return dict(stored)


def by_name(graph: Graph, params: Mapping[str, Tensor], sizes: Mapping[str, int]) -> Weights:
    """Any mapping as `Weights`; `sizes` are completed from the parameters' shapes."""
    if isinstance(params, Weights):
        return params
    names = tuple(graph.parameters)
    found = dict(sizes)
    for p in graph.parameters.values():
        shape = params[p.name].shape
        if len(shape) != len(p.dims):
            raise InputError(f"{p.name} has shape {tuple(shape)}, the cell wants ({', '.join(p.dims)})")
        for dim, size in zip(p.dims, shape, strict=True):
            if not dim.isdigit():
                found.setdefault(dim, size)
    places = tuple(Place(i) for i in range(len(names)))
    shapes = [p.shape(found) for p in graph.parameters.values()]
    plan = Plan(graph, _Named(), names, names, shapes, places, tuple(sorted(found.items())))
    return Weights(plan, tuple(params[n] for n in names))
