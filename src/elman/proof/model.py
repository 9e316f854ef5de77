"""The proof of a whole model on real items, and of each recurrent layer inside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from torch import Tensor, nn

from elman.layers.recurrent import Recurrent
from elman.proof.contract import evaluation, name_of, verify
from elman.proof.example import Example
from elman.proof.verdict import Check, Proof, gathered, judge

__all__ = ["prove_model", "varied"]

Item = TypeVar("Item")


def prove_model(
    model: nn.Module, outputs: Callable[[Sequence[Item], int], Sequence[Tensor]], items: Sequence[Item]
) -> Proof:
    """Prove the contract of a whole model on real items, and of each recurrent layer inside it on what it then reads.

    Args:
        model: the module; its recurrent layers are found inside.
        outputs: `outputs(items, padding)` runs the model on a batch of these items with so many steps of padding more
            than needed, filled with anything but zeros, and returns one tensor for each item, without padding.
        items: some examples of different lengths, at least two.
    """
    checks: list[Check] = []
    layers = {name: m for name, m in model.named_modules() if isinstance(m, Recurrent)}
    seen: dict[str, Example] = {}

    def watch(name: str) -> Callable[..., None]:
        def keep(layer: nn.Module, args: tuple[Any, ...], options: dict[str, Any]) -> None:
            lengths = options.get("lengths")
            time, batch = (1, 0) if layer.batch_first else (0, 1)
            if name not in seen and isinstance(args[0], Tensor) and args[0].dim() == 3:
                seen[name] = Example((args[0].detach().clone(),), time, batch, lengths, "state")

        return keep

    with evaluation(model):
        hooks = [m.register_forward_pre_hook(watch(name), with_kwargs=True) for name, m in layers.items()]
        try:
            whole = list(outputs(items, 0))
        finally:
            for hook in hooks:
                hook.remove()
        alone = [outputs([item], 0)[0] for item in items]
        checks.append(judge("alone = in a batch", list(zip(alone, whole, strict=True))))
        backwards = list(outputs(items[::-1], 0))[::-1]
        checks.append(judge("in any order", list(zip(backwards, whole, strict=True))))
        padded = list(outputs(items, 5))
        checks.append(judge("padded (with other values)", list(zip(padded, whole, strict=True))))
    inside: list[Check] = []
    for name, example in seen.items():
        if example.lengths is None:  # where the model gave none, the layer still takes them
            example = Example(example.args, example.time, example.batch, "lengths", "state")
        proof = verify(layers[name], example)
        inside += [Check(f"{name}: {c.name}", c.holds, c.error, c.tolerance, c.note) for c in proof.checks]
    if seen and all(c.holds is not False for c in inside):
        around = "likely cause: the layers inside hold, so what stands around them (pooling, masks, normalisation)"
        checks = [c.noted(around) if c.holds is False else c for c in checks]
    return Proof(name_of(model), checks + gathered(inside))


def varied(lengths: Sequence[int], most: int) -> list[int]:
    """At most `most` indices of sequences, from the shortest to the longest: what to prove the contract on."""
    by_length = sorted(range(len(lengths)), key=lambda i: lengths[i])
    return [by_length[i] for i in sorted(set(np.linspace(0, len(by_length) - 1, most).astype(int).tolist()))]
