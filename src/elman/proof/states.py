"""The state of a call: the arguments that take it, and where a result holds the next one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from elman.errors import InputError
from elman.proof.example import Key

__all__ = ["handed", "mapped", "split"]


def handed(keys: tuple[Key, ...], state: Any) -> dict[Key, Any]:
    """A state as arguments: of several keys each takes its part. Keywords are left out where there is no state."""
    if state is None:
        return {k: None for k in keys if isinstance(k, int)}
    return {keys[0]: state} if len(keys) == 1 else dict(zip(keys, state, strict=True))


def split(result: Any, keys: tuple[Key, ...], names: list[str]) -> tuple[Any, Any]:
    """What a call returned as (outputs, state): ``(y, state)``, ``(y, h, c)`` of several keys, or a dictionary.

    Args:
        names: of the arguments that take the state.

    Raises:
        InputError: no state in it.
    """
    if isinstance(result, Mapping):
        usual = ["state", "states", "hidden", "hidden_state"] if len(keys) == 1 else []
        found = [name for name in [*names, *usual] if name in result][: len(keys)]
        if len(found) == len(keys):
            after = result[found[0]] if len(keys) == 1 else tuple(result[name] for name in found)
            return {k: v for k, v in result.items() if k not in found}, after
    elif isinstance(result, tuple | list) and not isinstance(result, PackedSequence):
        if len(keys) > 1 and len(result) == 2 and isinstance(result[1], tuple | list) and len(result[1]) == len(keys):
            return result[0], tuple(result[1])  # y, (h, c) of a module that takes h, c
        if len(result) > len(keys):
            after = result[1] if len(keys) == 1 else tuple(result[1 : 1 + len(keys)])
            return [result[0], *result[1 + len(keys) :]], after
    raise InputError(
        f"{', '.join(map(repr, keys))} carries the state, but the module returns no (y, state)",
        remedy="name no state, or return it beside y",
    )


def mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same structure around changed tensors."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, tuple | list):
        parts = [mapped(v, change) for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, Mapping):
        return {k: mapped(v, change) for k, v in value.items()}
    return value
