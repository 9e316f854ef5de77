"""Cells whose state meets no matrix: all their products are hoisted out of the loop over time."""

from __future__ import annotations

from typing import Any

from elman.equations import Cell, relu, sigmoid, softplus


class IndRNN(Cell):
    """Li et al. 2018, *Independently recurrent neural network*, eq. 2: each unit sees its own past only."""

    def step(self, x: Any, h: Any) -> Any:
        return relu(self.w * h + self.U @ x + self.b)


class SRU(Cell):
    """Lei et al. 2018, *Simple recurrent units*, eq. 1-4. The highway reads U_h x, so that I and H may differ."""

    def step(self, x: Any, c: Any) -> Any:
        f = sigmoid(self.U_f @ x + self.v_f * c + self.b_f)
        r = sigmoid(self.U_r @ x + self.v_r * c + self.b_r)
        c = f * c + (1 - f) * (self.U @ x)
        return r * c + (1 - r) * (self.U_h @ x), c


class MinGRU(Cell):
    """Feng et al. 2024, *Were RNNs all we needed?*, minGRU: gates and candidate see the input alone."""

    def step(self, x: Any, h: Any) -> Any:
        z = sigmoid(self.U_z @ x + self.b_z)
        n = self.U @ x + self.b
        return (1 - z) * h + z * n


class MinLSTM(Cell):
    """Feng et al. 2024, *Were RNNs all we needed?*, minLSTM: forget and input gate are scaled to sum to 1, by way of
    their logarithms (the paper's appendix B), since both may be too small for a number."""

    def step(self, x: Any, h: Any) -> Any:
        odds = softplus(-(self.U_f @ x + self.b_f)) - softplus(-(self.U_i @ x + self.b_i))  # log(i / f)
        f, i = sigmoid(-odds), sigmoid(odds)
        n = self.U @ x + self.b
        return f * h + i * n
