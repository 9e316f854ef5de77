"""What comes next, from a fixed window of the m units before: the neural language model of Bengio et al. (2003).

    h_t = tanh(d + H [e_{t-m+1}, ..., e_t]),    p(x_{t+1} | h_t) = softmax(W h_t + b)        (their eq. 1, C = e)

Nothing older than the window is seen, which is what a recurrent state is compared with.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from elman.errors import InputError
from elman.models.language_network import LanguageNetwork, Standing
from elman.models.language_settings import LanguageSettings

__all__ = ["WindowLayer", "window_network"]


class WindowLayer(nn.Module):
    """m vectors of width I side by side -> H; before the first step the window holds zeros."""

    def __init__(self, inputs: int, hidden: int, m: int) -> None:
        super().__init__()
        if m < 1:
            raise InputError(f"a window of {m} units", remedy="give at least 1")
        self.m, self.width = m, inputs
        self.weight = nn.Conv1d(inputs, hidden, m)

    def begin(self, B: int, like: Tensor) -> Standing:
        """What is seen of B texts before their first unit."""
        return Standing(None, like.new_zeros(self.m - 1, B, self.width))

    def forward(self, x: Tensor, at: Standing) -> tuple[Tensor, Standing]:
        seen = torch.cat([at.before, x])  # (m - 1 + T, B, I)
        h = self.weight(seen.permute(1, 2, 0)).tanh().permute(2, 0, 1)
        return h, Standing(None, seen[len(seen) - self.m + 1 :])


def window_network(settings: LanguageSettings, size: int, m: int) -> LanguageNetwork:
    """A language network of one layer that sees m units, the newest among them, in place of its recurrent ones.

    Args:
        settings: embedding, hidden, dropout and the like; what they say of cells is not read.
        size: V.
    """
    width = settings.embedding if settings.tied else settings.hidden
    return LanguageNetwork(settings, size, layers=[WindowLayer(settings.embedding, width, m)])
