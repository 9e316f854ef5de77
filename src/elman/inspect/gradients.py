"""Back-propagation through time taken apart: who contributed what to the gradient, and how far back it reached.

dL/dW = sum over t of (dL/dW) at step t (Werbos 1990): the parameters are the same at every step, and each step has a
share of its own. Here every step is given its own copy of the parameters; what autograd says about copy t is share t.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from elman.errors import InputError
from elman.inspect.watching import Watch, watched
from elman.layers.recurrent import Recurrent
from elman.sequences import within

__all__ = ["by_distance", "state_gradients", "step_shares"]


def step_shares(layer: Recurrent, loss: Callable[[], Tensor]) -> dict[str, Tensor]:
    """Each time step's own share of the gradient of every parameter of the layer's cells.

    Args:
        layer: a recurrent layer, alone or inside a model.
        loss: runs the layer (once) and returns a scalar.

    Returns:
        Parameter by the name its equation uses, with ``_l{k}`` and ``_reverse`` as in the layer -> (T, *shape), on the
        time axis of the input in both directions. The sum over T is what autograd gives for the parameter itself.

    Raises:
        InputError: `loss` never called the layer, or does not depend on it.
    """
    with watched(layer, own_parameters=True) as watch, torch.enable_grad():
        value = _scalar(loss, watch)
    shares: dict[str, Tensor] = {}
    for suffix, seen in watch.named():
        for name in seen.graph.parameters:
            copies = [own[name] for own in seen.parameters]
            grads = torch.autograd.grad(value, copies, retain_graph=True, allow_unused=True)
            parts = [torch.zeros_like(c) if g is None else g for g, c in zip(grads, copies, strict=True)]
            shares[name + suffix] = torch.stack(parts)
    return shares


def state_gradients(layer: Recurrent, loss: Callable[[], Tensor]) -> dict[str, Tensor]:
    """The whole derivative of the loss by the state after each step: dL/dh_t, through everything that follows.

    Args:
        layer, loss: as for `step_shares`.

    Returns:
        State with ``_l{k}`` and ``_reverse`` -> (T, B, width); zero past each length.
    """
    with watched(layer) as watch, torch.enable_grad():
        if not any(p.requires_grad for p in layer.parameters()):
            raise InputError("every parameter of the layer is frozen", remedy="call layer.requires_grad_() first")
        value = _scalar(loss, watch)
    found: dict[str, Tensor] = {}
    for suffix, seen in watch.named():
        inside = within(seen.lengths, len(seen.y))  # (T, B)
        for i, name in enumerate(seen.graph.state_names):
            states = [m.states[i] for m in seen.moments]
            grads = torch.autograd.grad(value, states, retain_graph=True, allow_unused=True)
            parts = [torch.zeros_like(s) if g is None else g for g, s in zip(grads, states, strict=True)]
            stacked = seen.by_sequence(torch.stack(parts))
            found[name + suffix] = torch.where(inside[..., None].to(stacked.device), stacked, 0)
    return found


def by_distance(gradients: Tensor, lengths: Tensor | None = None, reverse: bool = False) -> Tensor:
    """The mean norm of a gradient by its distance, in steps, from the end of its sequence.

    Args:
        gradients: (T, B, width), as of `state_gradients`.
        lengths: (B,); None: all T.
        reverse: of a layer that runs from the end, whose last step is t = 0.

    Returns:
        (T,): [0] at the last step, [d] d steps before it, over the sequences that are long enough.
    """
    T, B, _ = gradients.shape
    ends = torch.full((B,), T) if lengths is None else lengths
    norms = gradients.norm(dim=-1).cpu()  # (T, B)
    found = torch.zeros(T, dtype=norms.dtype)
    for d in range(T):
        long = torch.nonzero(ends > d).flatten()
        steps = torch.full_like(long, d) if reverse else ends[long] - 1 - d
        found[d] = norms[steps, long].mean() if len(long) else float("nan")
    return found


def _scalar(loss: Callable[[], Tensor], watch: Watch) -> Tensor:
    value = loss()
    if not watch.passes:
        raise InputError("the loss never called the layer", remedy="call the layer, or the model it is in, inside loss")
    if value.dim() or not value.requires_grad:
        raise InputError(f"the loss has shape {tuple(value.shape)} and requires_grad={value.requires_grad}",
                         remedy="return one number that depends on the layer")  # fmt: skip
    return value
