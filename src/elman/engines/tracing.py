"""Whether somebody looks on: a transform, which takes plain operations alone, or a tracer, which writes them down."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch.autograd import forward_ad

__all__ = ["constant", "traced", "transformed"]

F = TypeVar("F", bound=Callable[..., object])

# none, where a version of torch keeps its transforms elsewhere: the engine says so itself then
_interpreters = getattr(getattr(torch._C, "_functorch", None), "peek_interpreter_stack", lambda: None)
_modes = getattr(torch._C, "_len_torch_dispatch_stack", lambda: 0)


def transformed() -> bool:
    """Whether this runs within a transform of `torch.func` (grad, vmap, jvp ...) or of forward-mode differentiation,
    which only plain operations allow."""
    return _interpreters() is not None or getattr(forward_ad, "_current_level", -1) >= 0


def traced() -> bool:
    """Whether calls are written down or stood in for (torch.compile, torch.export, torch.jit.trace, a mode such as
    FakeTensorMode), so that a library of ours, called behind torch's back, would not be seen."""
    return torch.compiler.is_compiling() or torch._C._get_tracing_state() is not None or _modes() > 0


def constant(function: F) -> F:
    """What torch.compile and torch.export call, and do not read: its result is the same for as long as the settings of
    the layer are."""
    # all that torch.compiler.assume_constant_result does, after it has spent seconds on importing the compiler
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function
