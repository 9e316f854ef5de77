"""Whether weights are still what they were when something was prepared from them."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from ctypes import c_char
from operator import attrgetter, is_
from typing import Any

from torch import Tensor

__all__ = ["Watch", "doubt"]

ENDS, WHOLE = 64, 2048  # bytes that are looked at: of a matrix, of a bias
_doubts = 0
_all: weakref.WeakSet[Watch] = weakref.WeakSet()
_listed = threading.RLock()  # two trainings may run in two threads of one process
# mapped: each step asks them
_address, _dense = Tensor.data_ptr, Tensor.is_contiguous
_version, _shape, _raw = attrgetter("_version"), attrgetter("shape"), attrgetter("raw")


def doubt() -> None:
    """Take nothing prepared before for granted, in any layer, and let go of the tensors that were watched (torch swaps
    none that others refer to, see `torch.__future__.set_swap_module_params_on_conversion`)."""
    global _doubts
    _doubts += 1
    with _listed:
        watches = list(_all)
    for watch in watches:
        watch._refs = []


class Watch:
    """Tensors, and how they stand now.

    autograd counts what it sees done to a tensor in place. What is done through ``p.data`` or numpy it does not see, so
    the first and last bytes of a matrix are looked at too, and all of a bias: what is done to all of a tensor shows
    there. A single entry written behind autograd's back, in the middle of a matrix, does not; `doubt` is for those.
    """

    __slots__ = (
        "__weakref__",
        "_bytes",
        "_doubts",
        "_ends",
        "_refs",
        "_shapes",
        "_strides",
        "_versions",
        "pointers",
    )

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self.pointers = tuple(map(_address, tensors))
        self._shapes = list(map(_shape, tensors))
        self._strides = [(i, t.stride()) for i, t in enumerate(tensors) if not t.is_contiguous()]
        self._doubts = _doubts
        self._versions = _versions(tensors)
        self._refs = [weakref.ref(t) for t in tensors]
        with _listed:
            _all.add(self)
        self._ends = [end for t in tensors for end in _ends(t)]
        self._bytes = list(map(_raw, self._ends))

    @property
    def counted(self) -> bool:
        """Whether changes to its tensors are seen at all."""
        return self._versions is not None

    def same(self, tensors: Sequence[Any]) -> bool:
        """Whether these are the same tensors, unchanged."""
        return self.counted and all(map(is_, [r() for r in self._refs], tensors)) and self.unchanged(tensors)

    def unchanged(self, tensors: Sequence[Any]) -> bool:
        """Whether these tensors, known to be the same, are as they were."""
        return (
            self._doubts == _doubts
            and self.pointers == tuple(map(_address, tensors))  # before the bytes: they still lie there
            and self._versions == _versions(tensors)
            # `p.data = p.data.t()` counts as no change, and so do a part of it and another shape
            and self._shapes == list(map(_shape, tensors))
            and (self._lie_as_they_did(tensors) if self._strides else all(map(_dense, tensors)))
            and self._bytes == list(map(_raw, self._ends))
        )

    def _lie_as_they_did(self, tensors: Sequence[Any]) -> bool:
        strides = dict(self._strides)
        return all(t.stride() == strides[i] if i in strides else t.is_contiguous() for i, t in enumerate(tensors))

    def overlaps(self, other: Watch) -> bool:
        """Whether one of its tensors is among the other's, or gone."""
        theirs = {id(t) for r in other._refs if (t := r()) is not None}
        return any((t := r()) is None or id(t) in theirs for r in self._refs)


def _versions(tensors: Sequence[Tensor]) -> list[int] | None:
    """How often each was changed in place; None where one was made in inference mode, which does not count."""
    try:
        return list(map(_version, tensors))
    except RuntimeError:
        return None


def _ends(t: Tensor) -> tuple[Any, ...]:
    """Its first bytes and its last, or all where they are few, as arrays that look at the memory itself."""
    start, size = t.data_ptr(), t.element_size()
    if start == 0:  # freed
        return ()
    if not t.is_contiguous():
        return ((c_char * size).from_address(start),)
    all_of_it = t.numel() * size
    if all_of_it <= WHOLE:
        return ((c_char * all_of_it).from_address(start),)
    end = c_char * ENDS
    return end.from_address(start), end.from_address(start + all_of_it - ENDS)
