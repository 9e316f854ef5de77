"""How much of the past is left: the derivative of a later output by an earlier input.

Graves 2012, fig. 4.1 and 4.4, draws an unrolled network, its nodes shaded by how sensitive they still are to the first
input. A traditional network fades because each step overwrites; gates may keep. Here the shades are computed, from any
layer with the weights it has.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from elman.inspect.watching import watched
from elman.layers.recurrent import Recurrent
from elman.sequences import check_lengths, within

__all__ = ["half_life", "influence", "remembered"]

AT_ONCE = 2**22  # numbers of a Jacobian held at a time


def influence(layer: Recurrent, x: Tensor) -> Tensor:
    """Who reads whom: how much the output at each step depends on the input at each step.

    Args:
        layer: in whatever mode it is; masks of dropout are drawn as in a call.
        x: (T, I), one sequence, time first.

    Returns:
        (T, T): [t, s] is the Frobenius norm of d y_t / d x_s. Zero for s > t unless the layer is bidirectional.
    """
    T = len(x)
    source = x.detach().clone()[:, None].requires_grad_()  # (T, 1, I)
    with watched(layer) as _, torch.enable_grad():
        y, _ = layer(source.transpose(0, 1) if layer.batch_first else source)
    y = y.transpose(0, 1) if layer.batch_first else y  # (T, 1, D*H)
    every = torch.eye(y.shape[-1], dtype=y.dtype, device=y.device)
    rows = []
    for t in range(T):
        (jacobian,) = torch.autograd.grad(y[t, 0], source, every, is_grads_batched=True, retain_graph=True)
        rows.append(jacobian[:, :, 0].square().sum((0, 2)).sqrt())  # (D*H, T, I) -> (T,)
    return torch.stack(rows)


def remembered(layer: Recurrent, x: Tensor, lengths: Tensor | Sequence[int] | None = None) -> Tensor:
    """How much the state at the end of each sequence depends on the input d steps before it.

    Args:
        layer: a bidirectional one is asked about the half that runs forwards.
        x: (T, B, I), time first.
        lengths: (B,); None: all T.

    Returns:
        (T, B): [d, b] is the Frobenius norm of d h_end / d x_(end - d) of the last layer's first state; NaN where the
        sequence is shorter.
    """
    T, B, _ = x.shape
    ends = check_lengths(lengths, T, B) if lengths is not None else torch.full((B,), T)
    source = torch.where(within(ends, T, device=x.device)[..., None], x.detach(), 0).requires_grad_()
    with watched(layer) as watch, torch.enable_grad():
        layer(source.transpose(0, 1) if layer.batch_first else source, lengths=ends)
    final = watch.passes[layer.num_layers - 1, 0].after[0]  # (B, width)
    width = final.shape[1]
    every = torch.eye(width, dtype=final.dtype, device=final.device)[:, None].expand(width, B, width)
    norms = source.new_zeros(T, B)
    for unit in torch.split(every, max(1, AT_ONCE // source.numel())):  # units, as many as memory holds well
        (jacobian,) = torch.autograd.grad(final, source, unit, is_grads_batched=True, retain_graph=True)
        norms += jacobian.square().sum((0, 3))  # (units, T, B, I) -> (T, B)
    norms = norms.sqrt()
    found = norms.new_full((T, B), float("nan"))
    for b, end in enumerate(ends.tolist()):
        found[:end, b] = norms[:end, b].flip(0)
    return found


def half_life(curve: Tensor) -> float:
    """Steps after which a memory has fallen to half for good, by a straight line between steps.

    Args:
        curve: (T,) at distances 0, 1, ...; what follows a NaN is not read.

    Returns:
        The distance; infinite if the curve ends above half of its start.
    """
    values: list[float] = list(curve.tolist())
    values = values[: next((i for i, v in enumerate(values) if v != v), len(values))]
    if not values or values[0] <= 0 or values[-1] > values[0] / 2:
        return float("inf")
    half = values[0] / 2
    last = max(i for i, v in enumerate(values) if v > half)
    return last + (values[last] - half) / (values[last] - values[last + 1])
