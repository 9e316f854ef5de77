"""A method of a module called as the module itself is: with its hooks before and after it.

torch runs hooks around `forward` alone. Some of them make the weights (`torch.nn.utils.weight_norm`, `spectral_norm`,
`prune`), so that a step without them would compute with weights of the call before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as _torch

from elman.errors import InputError

__all__ = ["EVERYWHERE", "call", "hooked"]

# before and after the forward of all modules; private to torch: where a version has none, a module's own alone are run
EVERYWHERE: tuple[dict[int, Any], dict[int, Any]] = (
    getattr(_torch, "_global_forward_pre_hooks", {}),
    getattr(_torch, "_global_forward_hooks", {}),
)


def call(module: nn.Module, method: Callable[..., Any], *args: Any) -> Any:
    """`method(*args)` between the hooks that `module(*args)` would run between.

    Raises:
        InputError: a hook on the module's gradient, which torch ties to its forward.
    """
    if torch.is_grad_enabled() and (module._backward_hooks or module._backward_pre_hooks):
        raise InputError(
            f"{type(module).__name__} has a backward hook, which runs around whole sequences only",
            remedy="call layer(x, state) with one time step, or take the hook away",
        )
    options: dict[str, Any] = {}
    for key, hook in (*EVERYWHERE[0].items(), *module._forward_pre_hooks.items()):
        if key in module._forward_pre_hooks_with_kwargs:
            if (changed := hook(module, args, options)) is not None:
                args, options = changed
        elif (changed := hook(module, args)) is not None:
            args = changed if isinstance(changed, tuple) else (changed,)
    result = method(*args, **options)
    for key, hook in (*EVERYWHERE[1].items(), *module._forward_hooks.items()):
        if key in module._forward_hooks_with_kwargs:
            changed = hook(module, args, options, result)
        else:
            changed = hook(module, args, result)
        result = result if changed is None else changed
    return result


def hooked(module: nn.Module) -> bool:
    """Whether a hook runs around the forward of the module or of any within it."""
    if EVERYWHERE[0] or EVERYWHERE[1]:
        return True
    return any(part._forward_pre_hooks or part._forward_hooks for part in module.modules())
