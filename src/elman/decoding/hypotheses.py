"""What a search finds, and the way back to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["Hypothesis", "Trace"]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A sequence that a search proposes.

    Attributes:
        tokens: without the beginning and the end.
        score: what it is ranked by.
        log_prob: log p(tokens, and the end where it has ended), in nats.
        log_probs: of each token by itself; last that of the end, where it has ended.
        ended: False where a sample was cut at its greatest length, or nothing could follow.
        looks: (len(log_probs), S), what the model looked at in predicting each of them; None where nobody asked.
    """

    tokens: list[int]
    score: float
    log_prob: float
    log_probs: list[float]
    ended: bool
    looks: Tensor | None = field(default=None, compare=False, repr=False)


class Trace:
    """Every step of a search: which token each hypothesis got, and which one it continues.

    Args:
        rows: inputs that are searched.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._steps: list[tuple[NDArray[np.int64], ...]] = []
        self._values: list[NDArray[np.float64]] = []
        self._looks: list[Tensor] = []

    def add(self, active: Tensor, parent: Tensor, token: Tensor, value: Tensor, look: Tensor | None) -> None:
        """One step.

        Args:
            active: (B,), the rows that are still searched.
            parent: (B, K), the place in the beam before it that each one continues.
            token: (B, K).
            value: (B, K), the token's log-probability.
            look: (B * k, S), of the k hypotheses of each row before it.
        """
        place = np.full(self._rows, -1, np.int64)
        place[active.cpu().numpy()] = np.arange(len(active))
        self._steps.append((place, parent.cpu().numpy(), token.cpu().numpy()))
        self._values.append(value.double().cpu().numpy())
        if look is not None:
            self._looks.append(look)

    def read(
        self,
        row: NDArray[np.int64],
        step: NDArray[np.int64],
        slot: NDArray[np.int64],
        ended: NDArray[np.bool_],
        score: NDArray[np.float64],
    ) -> list[Hypothesis]:
        """The hypotheses whose last token was chosen at `step`, into place `slot`; a step of -1: no token. All (M,)."""
        M, T = len(row), len(self._steps)
        tokens = np.zeros((M, T), np.int64)
        values = np.zeros((M, T))
        came = np.zeros((M, T), np.int64)  # which row of the look it was
        slot = slot.copy()
        for t in range(T - 1, -1, -1):
            on = np.flatnonzero(step >= t)
            place, parent, token = self._steps[t]
            b, k = place[row[on]], slot[on]
            tokens[on, t], values[on, t] = token[b, k], self._values[t][b, k]
            slot[on] = parent[b, k]
            if self._looks:
                came[on, t] = b * (len(self._looks[t]) // len(parent)) + parent[b, k]
        found = []
        for m, (n, end) in enumerate(zip((step + 1).tolist(), ended.tolist(), strict=True)):
            each = values[m, :n].tolist()
            found.append(
                Hypothesis(
                    tokens=tokens[m, : n - 1 if end else n].tolist(),
                    score=float(score[m]),
                    log_prob=float(values[m, :n].sum()),
                    log_probs=each,
                    ended=end,
                    looks=self._looked(came[m, :n].tolist()) if self._looks else None,
                )
            )
        return found

    def _looked(self, came: Sequence[int]) -> Tensor:
        if not came:
            return self._looks[0].new_zeros(0, self._looks[0].shape[1])
        return torch.stack([self._looks[t][n] for t, n in enumerate(came)])
