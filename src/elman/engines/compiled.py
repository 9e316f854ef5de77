"""Programs in the native library's hands: compiled once for a cell at given sizes, run over tensors where they lie."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from ctypes import addressof, byref, c_int64, c_void_p
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import Tensor

from elman.engines import library
from elman.engines.addresses import Parameters, lies
from elman.engines.lowering import Lowered, lower
from elman.engines.program import Program
from elman.engines.unchanged import Watch
from elman.equations.graph import Graph, size_of
from elman.training.threads import count

__all__ = ["Compiled", "Step", "compiled", "lowered", "packs"]

FEW = 64  # rows of all steps: with no more than these, to pack a matrix for one call takes longer than its products


class Compiled:
    """One program.

    Args:
        products: "full"; "eight": its matrices are packed in 8 bits, with a scale for each of their rows, of programs
            forward; "half": of numbers rounded to bfloat16, and summed in float32.
    """

    def __init__(self, program: Program, dtype: torch.dtype, products: library.Products = "full") -> None:
        self.tensors = list(program.tensors)
        self.handle = library.program_new(program.words(), dtype == torch.float64, products)
        self.functions = library.load()
        self.packed_bytes = int(self.functions.elman_packed_bytes(self.handle))
        count = len(self.tensors)
        self._pointers = c_void_p * count
        self._strides = c_int64 * count
        self._parameters = c_void_p * max(1, len(program.parameters))
        self._sizes = c_int64 * max(1, len(program.parameters))
        self._kept: dict[tuple[int, ...], tuple[Watch, Tensor]] = {}
        self.generation = 0  # rises when what was packed before must not be used again
        weakref.finalize(self, self.functions.elman_program_free, self.handle)

    def tape_bytes(self, call: library.Call) -> int:
        """How much a training call writes for the step back."""
        return self._checked(self.functions.elman_tape_bytes(self.handle, byref(call)))

    def run(
        self, call: library.Call, tensors: Mapping[str, Tensor | None], parameters: Parameters,
        gradients: Sequence[int | None] | None, packed: Tensor | None, pack: bool,
    ) -> None:  # fmt: skip
        """Run the program.

        Args:
            call: sizes, lengths and threads; the rest is filled in here.
            tensors: by name, (T, B, W) or (B, W) with the last axis contiguous; missing ones are not read or written.
            parameters: where they lie.
            gradients: addresses to write the parameters' gradients to, which lie as they do; None where not wanted.
            packed: room for the packed matrices; None if they are not to be kept.
            pack: whether they have to be packed. Else they lie in that room, or are read as the parameters lie.
        """
        at, by_time, by_row, extents = zip(*[lies(tensors.get(name)) for name in self.tensors], strict=True)
        pointers, times, rows = self._pointers(*at), self._strides(*by_time), self._strides(*by_row)
        call.tensors, call.by_time, call.by_row = addressof(pointers), addressof(times), addressof(rows)
        rooms, params, sizes = (
            self._strides(*extents),
            self._parameters(*parameters.at),
            self._sizes(*parameters.extents),
        )
        call.extents, call.parameters, call.parameter_extents = addressof(rooms), addressof(params), addressof(sizes)
        if gradients is not None:
            grads = self._parameters(*gradients)
            call.gradients = addressof(grads)
        call.pack = int(pack)
        call.packed, call.packed_bytes = (None, 0) if packed is None else (packed.data_ptr(), packed.nbytes)
        self.invoke(byref(call))

    def invoke(self, call: Any) -> None:
        """Run a call that is complete (a ctypes reference to it)."""
        if self.functions.elman_run(self.handle, call) < 0:
            self._checked(-1)

    def prepared(self, call: Any) -> int:
        """A handle for a call (a ctypes reference to it) that is made again and again; see native/elman.h."""
        handle = self.functions.elman_prepare(self.handle, call)
        if not handle:
            self._checked(-1)
        return int(handle)

    def room(self) -> Tensor:
        """For packed matrices."""
        return torch.empty(self.packed_bytes, dtype=torch.uint8, device="cpu")

    def kept(self, stored: Sequence[Tensor]) -> Tensor | None:
        """The packed matrices of these stored tensors, if they lie packed as the tensors are now."""
        found = self._kept.get(tuple([t.data_ptr() for t in stored]))
        return found[1] if found is not None and found[0].same(stored) else None

    def keep(self, watch: Watch, packed: Tensor) -> None:
        """Keep what a run has packed, in inference, for as long as the tensors live and do not change.

        Not before it is packed: another thread would read it half-made.
        """
        for key, (old, _) in list(self._kept.items()):  # dead, or of these tensors when they lay elsewhere
            if old.overlaps(watch):
                self._kept.pop(key, None)
        if watch.counted:
            self._kept[watch.pointers] = watch, packed

    def forget(self) -> None:
        """Pack anew at the next call."""
        self.generation += 1
        self._kept.clear()

    def _checked(self, result: int) -> int:
        if result < 0:
            raise RuntimeError(f"native engine: {self.functions.elman_error().decode()}")
        return result


def packs(call: library.Call) -> bool:
    """Whether a call that keeps nothing for the next one packs its matrices."""
    return bool(call.steps * call.batch > FEW)


@dataclass(frozen=True, eq=False)
class Step:
    """A cell at given sizes, compiled.

    Attributes:
        forward: y and final states. eight: the same by matrices in 8 bits.
        training: the same, and a tape.
        back: all gradients from that tape.
        training_half, back_half: these two by products of bfloat16.
        output_width: features of y.
        work: multiply-adds of one step of one sequence, roughly.
        writes_d_x: whether the step reads x at all.
    """

    graph: Graph
    sizes: Mapping[str, int]
    dtype: torch.dtype
    programs: Lowered
    output_width: int
    work: int
    writes_d_x: bool

    @cached_property
    def forward(self) -> Compiled:
        return Compiled(self.programs.forward, self.dtype)

    @cached_property
    def eight(self) -> Compiled:
        return Compiled(self.programs.forward, self.dtype, "eight")

    @cached_property
    def training(self) -> Compiled:
        return Compiled(self.programs.training, self.dtype)

    @cached_property
    def back(self) -> Compiled:
        return Compiled(self.programs.back, self.dtype)

    @cached_property
    def training_half(self) -> Compiled:
        return Compiled(self.programs.training, self.dtype, "half")

    @cached_property
    def back_half(self) -> Compiled:
        return Compiled(self.programs.back, self.dtype, "half")

    def forget(self) -> None:
        """Pack anew at the next call, whatever was packed for inference."""
        for name in ("forward", "eight"):
            if isinstance(made := vars(self).get(name), Compiled):
                made.forget()

    def threads(self, T: int, B: int) -> tuple[int, int]:
        """(parts of the batch, threads to a part): rows are dealt before hidden units, which meet at every product."""
        threads = count()
        if threads == 1 or self.work * T * B < 200_000:
            return 1, 1
        if 2 * threads <= B:
            return threads, 1
        if self.work * B >= 60_000:  # a step is long enough to meet in it
            return 1, threads
        return min(threads, B), 1


@lru_cache(maxsize=256)
def lowered(graph: Graph, sizes: tuple[tuple[str, int], ...]) -> Lowered:
    """The programs of a cell, see `elman.engines.lowering`."""
    return lower(graph, dict(sizes))


@lru_cache(maxsize=256)
def compiled(graph: Graph, sizes: tuple[tuple[str, int], ...], dtype: torch.dtype) -> Step:
    """A cell at given sizes, ready to run."""
    known: dict[str, Any] = dict(sizes)
    programs = lowered(graph, sizes)
    work = sum(
        size_of(p.dims[0], known) * (size_of(p.dims[1], known) if p.is_matrix else 4) for p in graph.parameters.values()
    )
    writes = any(o.kind == "scatter" for o in programs.back.operations)
    return Step(graph, known, dtype, programs, size_of(graph.output.width, known), work, writes)
