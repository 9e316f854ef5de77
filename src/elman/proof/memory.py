"""What a module keeps from call to call, besides its parameters: seen, and put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["changed", "kept", "unchanged"]

Kept = dict[str, Any]


def kept(module: object) -> Kept:
    """Buffers and attributes that could be a state (tensors, tuples of them, None, numbers), by name, copied."""
    found: Kept = {}
    for path, part in module.named_modules() if isinstance(module, nn.Module) else ():
        prefix = f"{path}." if path else ""
        found |= {prefix + name: _copied(value) for name, value in [*part._buffers.items(), *vars(part).items()]}
    return {name: value for name, value in found.items() if value is not _OTHER}


def changed(before: Kept, after: Kept) -> list[str]:
    """Names of what is not as it was."""
    return [n for n in before.keys() | after.keys() if not _same(before.get(n), after.get(n))]


@contextmanager
def unchanged(module: object) -> Iterator[None]:
    """What the module keeps is afterwards what it was before."""
    before = kept(module)
    try:
        yield
    finally:
        for name in changed(before, kept(module)):
            path, _, attribute = name.rpartition(".")
            part = module.get_submodule(path) if isinstance(module, nn.Module) else module
            if name in before:
                _put_back(part, attribute, before[name])
            else:
                delattr(part, attribute)


def _put_back(part: object, attribute: str, value: Any) -> None:
    now = getattr(part, attribute, None)
    if isinstance(now, Tensor) and isinstance(value, Tensor) and now.shape == value.shape:
        with torch.no_grad():
            now.copy_(value)  # whoever shares the buffer still does
    else:
        setattr(part, attribute, value)


_OTHER = object()  # no state: a list of names, a function, a module


def _copied(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().clone()
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, tuple | list):
        parts = [_copied(v) for v in value]
        return _OTHER if any(p is _OTHER for p in parts) or hasattr(value, "_fields") else type(value)(parts)
    return _OTHER


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.shape == b.shape and a.dtype == b.dtype and bool(torch.equal(a.nan_to_num(), b.nan_to_num()))
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(map(_same, a, b))
    return type(a) is type(b) and not isinstance(a, Tensor) and bool(a == b)
