"""What a caller hands to a layer: checked, and brought into the dtype and the shapes that it runs on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from elman.engines.weights import kind
from elman.errors import InputError, InputTypeError, a_type

__all__ = ["State", "changed", "check_rate", "check_size", "check_tensor", "in_kind", "of_type", "parts", "state_of",
           "states_like", "unusual"]  # fmt: skip

State = Tensor | tuple[Tensor, ...]


def of_type(what: str, value: object, wanted: type) -> None:
    """In torch's words."""
    real = isinstance(value, (int, float)) if wanted is float else isinstance(value, wanted)
    if not real or (isinstance(value, bool) and wanted is not bool):
        raise InputTypeError(f"{what} should be of type {wanted.__name__}, got: {type(value).__name__}")


def check_size(what: str, size: int) -> None:
    of_type(what, size, int)
    if size < 1:
        raise InputError(f"{what} is {size}", remedy=f"{what} must be greater than zero")


def check_rate(what: str, rate: float) -> None:
    of_type(what, rate, float)
    if not 0 <= rate < 1 and not (what == "dropout" and rate == 1):
        raise InputError(f"{what} is {rate!r}", remedy="give a chance of at least 0 and below 1")


def check_tensor(what: str, x: object, then: str = "") -> None:
    """That x is a tensor; `then`: what follows once a nested one is padded."""
    if not isinstance(x, Tensor):
        raise InputTypeError(f"{what} is {a_type(x)}", remedy="give a tensor: torch.as_tensor(x)")
    if x.is_nested:
        raise InputTypeError(f"{what} is a nested tensor", remedy=f"pad it: {what}.to_padded_tensor(0.0){then}")


def in_kind(x: Tensor, some: object) -> Tensor:
    """x, of the dtype and device of a parameter; under autocast, where a layer before may give bfloat16, made so."""
    if not isinstance(some, Tensor) or (x.dtype == some.dtype and x.device == some.device):
        return x  # what a parameter is that is no tensor, its check says
    if x.device == some.device and x.is_floating_point() and torch.is_autocast_enabled(x.device.type):
        return x.to(some.dtype)
    if x.device != some.device:
        raise InputError(f"x is {kind(x)}, the layer {kind(some)}", remedy="bring them together: x.to(device)")
    in_torchs_words = f"RNN input dtype {x.dtype} does not match weight dtype {some.dtype}"
    raise InputError(
        f"x is {kind(x)}, the layer {kind(some)}: {in_torchs_words}",
        remedy=f"Convert input: input.to({some.dtype}), or convert model: model.to({x.dtype})",
    )


def state_of(state: object, names: Sequence[str]) -> State | None:
    """The state of a call, known to be one tensor a state of the cell."""
    if state is None:
        return None
    count = len(names)
    if count == 1 and isinstance(state, Tensor):
        return state
    given = state if isinstance(state, (tuple, list)) else (state,)
    if all(isinstance(s, Tensor) for s in given):  # how many, and of which shapes, `states_like` asks
        return tuple(given)
    wanted = "one tensor" if count == 1 else f"a tuple of {count} tensors ({', '.join(names)})"
    found = ", ".join(type(s).__name__ for s in given)
    raise InputTypeError(
        f"the state is {type(state).__name__} of {found}" if given is state else f"the state is a {found}",
        remedy=f"give {wanted}, or None",
    )


def states_like(x: Tensor, state: State, shapes: Sequence[tuple[int, ...]], names: Sequence[str]) -> list[Tensor]:
    """The states before the first step, in x's dtype under autocast.

    Raises:
        InputError: of another dtype, device or shape.
    """
    given = parts(state)
    if torch.is_autocast_enabled(x.device.type):
        given = [s.to(x.dtype) if s.is_floating_point() and s.device == x.device else s for s in given]
    if any(s.dtype != x.dtype or s.device != x.device for s in given):
        kinds = ", ".join(kind(s) for s in given)
        raise InputError(f"the state is {kinds}, x is {kind(x)}", remedy="bring them together: state.to(x)")
    if [tuple(s.shape) for s in given] != list(shapes):
        wanted = ", ".join(f"{n} {w}" for n, w in zip(names, shapes, strict=True))
        raise InputError(f"the state has shapes {[tuple(s.shape) for s in given]}, the layer wants {wanted}")
    return given


def parts(state: State) -> list[Tensor]:
    """The tensors of a state."""
    return [state] if isinstance(state, Tensor) else list(state)


def changed(state: State | None, change: Callable[[Tensor], Tensor]) -> State | None:
    """A state with each of its tensors changed."""
    if state is None or isinstance(state, Tensor):
        return None if state is None else change(state)
    return tuple(change(s) for s in state)


_USUAL = (
    ("num_layers", 1), ("nonlinearity", "tanh"), ("bias", True), ("batch_first", False), ("dropout", 0.0),
    ("bidirectional", False), ("proj_size", 0), ("reset", "after"), ("recurrent_dropout", 0.0), ("zoneout", 0.0),
    ("weight_drop", 0.0), ("engine", "auto"),
)  # fmt: skip


def unusual(layer: object) -> list[str]:
    """A layer's sizes and options as its text shows them, those alone that are not the usual ones."""
    said = [str(getattr(layer, size)) for size in ("input_size", "hidden_size")]
    for name, usual in _USUAL:
        if (value := getattr(layer, name, usual)) != usual:
            said.append(f"{name}={getattr(value, '__name__', repr(value))}")
    return said
