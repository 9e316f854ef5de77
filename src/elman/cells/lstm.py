"""Long short-term memory and its variants: a cell state that gates write, keep and read."""

from __future__ import annotations

from typing import Any

from elman.equations import Cell, sigmoid, tanh


class LSTM(Cell):
    """Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000, eq. 2-6; torch.nn.LSTM."""

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = sigmoid(self.W_i @ h + self.U_i @ x + self.b_i)
        f = sigmoid(self.W_f @ h + self.U_f @ x + self.b_f)
        g = tanh(self.W_g @ h + self.U_g @ x + self.b_g)
        o = sigmoid(self.W_o @ h + self.U_o @ x + self.b_o)
        c = f * c + i * g
        return o * tanh(c), c


class PeepholeLSTM(Cell):
    """Gers, Schraudolph & Schmidhuber 2002, eq. 3-7: the gates see the cell state, unit by unit."""

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = sigmoid(self.W_i @ h + self.U_i @ x + self.p_i * c + self.b_i)
        f = sigmoid(self.W_f @ h + self.U_f @ x + self.p_f * c + self.b_f)
        c = f * c + i * tanh(self.W_g @ h + self.U_g @ x + self.b_g)
        o = sigmoid(self.W_o @ h + self.U_o @ x + self.p_o * c + self.b_o)
        return o * tanh(c), c


class ProjectedLSTM(Cell):
    """Sak, Senior & Beaufays 2014, eq. 7: what returns is a narrower projection of the output (proj_size wide)."""

    widths = {"h": "proj_size"}

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = sigmoid(self.W_i @ h + self.U_i @ x + self.b_i)
        f = sigmoid(self.W_f @ h + self.U_f @ x + self.b_f)
        g = tanh(self.W_g @ h + self.U_g @ x + self.b_g)
        o = sigmoid(self.W_o @ h + self.U_o @ x + self.b_o)
        c = f * c + i * g
        return self.P @ (o * tanh(c)), c
