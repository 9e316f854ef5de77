"""One sequence a row, token after token, whatever chooses them: what greedy search and sampling share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor

from elman.decoding.hypotheses import Hypothesis
from elman.decoding.stepper import Stepper, check_shape, picked, seen

__all__ = ["Choose", "rollout"]

S = TypeVar("S")
# (log-probabilities (N, V), the rows that they are of (N,), how many tokens each has) -> log-probability, token: (N,)
Choose = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]
_LEAVE = 0.25  # of the rows have ended: the others are worth a copy of their state


@torch.no_grad()
def rollout(
    stepper: Stepper[S], state: S, choose: Choose, *, begin: int, end: int | None, limits: Tensor, looks: bool = False
) -> list[Hypothesis]:
    """Steps until every row has chosen `end`, or has as many tokens as it may.

    Args:
        choose: -inf as a log-probability says that nothing can follow.
        limits: (rows,), tokens before the end, at most.

    Returns:
        one a row. Its score is its log-probability.
    """
    rows, device = len(limits), limits.device
    steps: list[tuple[Tensor, Tensor]] = []  # (rows,) each
    looked: list[Tensor] = []  # (rows, S)
    sizes, ended = torch.zeros_like(limits), torch.zeros(rows, dtype=torch.bool, device=device)
    active = torch.arange(rows, device=device)  # those whose state is kept
    going = torch.ones_like(ended)
    tokens = torch.full((rows,), begin, device=device)
    t = 0
    if end is None:  # nobody asks whether it would end behind its last token
        going &= limits > 0
    while bool(going.any()):
        log_probs, state = stepper.step(tokens, state)
        check_shape(log_probs, len(active))
        values, tokens = choose(log_probs, active, t)
        ends = tokens == end if end is not None else torch.zeros_like(going)
        counts = going & (values > -torch.inf) & (ends | (limits[active] > t))
        steps.append((tokens.new_zeros(rows), log_probs.new_zeros(rows, dtype=torch.float64)))
        for whole, part in zip(steps[-1], (tokens, values.double()), strict=True):
            whole[active] = part
        if looks:
            look = seen(stepper, state)
            looked.append(look.new_zeros(rows, look.shape[1]).index_copy(0, active, look))
        sizes[active] += counts
        ended[active] |= counts & ends
        going = counts & ~ends
        t += 1
        if end is None:
            going &= limits[active] > t
        if int(going.sum()) <= (1 - _LEAVE) * len(active):
            stay = going.nonzero()[:, 0]
            if len(stay):
                state = picked(stepper, state, stay, len(active))
            active, tokens, going = active[stay], tokens[stay], going[stay]
    return _told(steps, looked, sizes, ended)


def _told(steps: list[tuple[Tensor, Tensor]], looked: list[Tensor], sizes: Tensor, ended: Tensor) -> list[Hypothesis]:
    if not steps:
        return [Hypothesis([], 0.0, 0.0, [], False) for _ in sizes]
    tokens, values = (torch.stack(parts, dim=1).tolist() for parts in zip(*steps, strict=True))
    looks = torch.stack(looked, dim=1) if looked else None  # (rows, T, S)
    found = []
    for row, (n, end) in enumerate(zip(sizes.tolist(), ended.tolist(), strict=True)):
        each = values[row][:n]
        log_prob = float(sum(each))
        kept = tokens[row][: n - 1 if end else n]
        found.append(Hypothesis(kept, log_prob, log_prob, each, end, looks[row, :n] if looks is not None else None))
    return found
