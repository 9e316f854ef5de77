"""One text read unit by unit in as few calls as can be: what sampling waits for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman.engines.next_units import NextUnits, States

__all__ = ["OneText"]


class OneText:
    """What `elman.decoding.stepper.Stepper` calls ``follow``.

    Args:
        steps: of one text.
        state: (1, S) where it stands; it stays as it is.
        log_probs: (1, H) -> (1, V), where `steps` has no softmax.

    Attributes:
        vocabulary: V.
        draw: as `elman.engines.next_units.NextUnits.draw` from where the text stands; None without a softmax.
    """

    draw: Callable[..., tuple[list[int], list[float]] | None] | None

    def __init__(self, steps: NextUnits, state: States, log_probs: Callable[[Tensor], Tensor] | None) -> None:
        self._steps, self._log_probs = steps, log_probs
        self._places = [state.copy(), np.empty_like(state)]
        self.vocabulary = steps.log_probs.shape[1]
        self.draw = self._draw if log_probs is None else None

    def __call__(self, unit: int) -> NDArray[np.float64]:
        """(V,) ln p of what follows."""
        self._steps([unit], *self._places)
        self._places.reverse()
        if self._log_probs is None:
            found: NDArray[np.float64] = self._steps.log_probs[0]
            return found
        return self._log_probs(self._steps.h)[0].to(torch.float64, copy=True).numpy()

    def _draw(
        self, unit: int, chances: Sequence[float], temperature: float, banned: NDArray[np.int64], end: int | None,
        unended: int,
    ) -> tuple[list[int], list[float]] | None:  # fmt: skip
        """See `elman.engines.next_units.NextUnits.draw`."""
        found = self._steps.draw(unit, self._places, chances, temperature, banned, end, unended)
        if len(chances) % 2:
            self._places.reverse()
        return found
