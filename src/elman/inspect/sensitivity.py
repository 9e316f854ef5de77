"""Which words moved the answer: of any model that reads embedded sequences, many sequences at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from elman.sequences import Sequences

__all__ = ["Sensitivity", "explain_answers", "gradient_times_input", "leave_one_out"]

Scores = Callable[[Tensor, Tensor], Tensor]  # embedded (T, B, E), lengths (B,) -> logits (B, K)

_AT_ONCE = 2**24  # numbers in the altered sequences that run together


@dataclass(frozen=True)
class Sensitivity:
    """How much each token of one test sequence moved the score of the class that was predicted.

    Attributes:
        index: of the sequence, into the test split (`y_true` and `tokens` of a report's `Results`).
        values: one number a token; for `kind="signed"`, the fall of the predicted class' log-probability when the
            token's embedding is taken away to first order (gradient times input): positive speaks for the
            prediction, negative against it.
        kind: ``"signed"`` (gradient times input) or ``"norm"`` (length of the gradient, never negative).
    """

    index: int
    values: Sequence[float]
    kind: str = "signed"


def gradient_times_input(scores: Scores, x: Sequences, target: Tensor | None = None, kind: str = "signed") -> Tensor:
    """To first order, how far the answer's log-probability would fall without each step's input.

    Args:
        scores: the model from its embedding on, in evaluation mode.
        x: embedded sequences, data (T, B, E).
        target: (B,) the class asked about; None: the one predicted.
        kind: ``signed``: gradient . input (positive speaks for the class); ``norm``: length of the gradient.

    Returns:
        (T, B), zero past each length.
    """
    data = x.data.detach().clone().requires_grad_()
    with torch.enable_grad():
        log_p = torch.log_softmax(scores(data, x.lengths), -1)  # (B, K)
        chosen = log_p.argmax(-1) if target is None else target
        total = log_p.gather(1, chosen[:, None]).sum()  # sequences do not mix: one backward serves all
        (gradient,) = torch.autograd.grad(total, data)
    found = gradient.norm(dim=-1) if kind == "norm" else (gradient * data.detach()).sum(-1)
    return torch.where(x.mask, found, 0)


@torch.no_grad()
def leave_one_out(
    scores: Scores, x: Sequences, target: Tensor | None = None, rows: int = 256, first: int | None = None
) -> Tensor:
    """How far the answer's log-probability does fall when each step's input is set to zero, one step at a time.

    Exact where `gradient_times_input` is a first-order estimate, at the cost of one forward pass a word.

    Args:
        scores, x, target: as there.
        rows: altered sequences run together; fewer where they are long, so that memory does not grow with them.
        first: only so many steps of each are left out, each from the whole sequence; None: every one.

    Returns:
        (T, B), zero past each length, and past `first`.
    """
    before = torch.log_softmax(scores(x.data, x.lengths), -1)
    chosen = before.argmax(-1) if target is None else target
    where = torch.nonzero(x.mask[:first])  # (steps, 2): t, b
    found = before.new_zeros(x.data.shape[:2])
    rows = max(1, min(rows, _AT_ONCE // max(1, x.data[:, 0].numel())))
    for start in range(0, len(where), rows):
        t, b = where[start : start + rows].unbind(1)
        lengths = x.lengths[b.cpu()]
        altered = x.data[: int(lengths.max()), b].clone()  # (T', rows, E)
        altered[t, torch.arange(len(t), device=t.device)] = 0
        after = torch.log_softmax(scores(altered, lengths), -1)
        picked = chosen[b][:, None]
        found[t, b] = (before[b].gather(1, picked) - after.gather(1, picked)).squeeze(1)
    return found


def explain_answers(
    scores: Scores, x: Sequences, indices: Sequence[int], target: Tensor | None = None, kind: str = "signed"
) -> list[Sensitivity]:
    """`gradient_times_input` of a batch, as a report wants it.

    Args:
        indices: which test sequence each of the B is.
    """
    values = gradient_times_input(scores, x, target, kind)  # (T, B)
    return [
        Sensitivity(int(i), values[:n, b].tolist(), kind)
        for b, (i, n) in enumerate(zip(indices, x.lengths.tolist(), strict=True))
    ]
