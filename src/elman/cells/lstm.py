"""Long short-term memory and its variants: a cell state that gates write, keep and read."""

from __future__ import annotations

from typing import Any

from elman.equations import Cell, exp, layer_norm, maximum, sigmoid, softplus, tanh, where


class LSTM(Cell):
    """Hochreiter & Schmidhuber 1997, *Long short-term memory*, with the forget gate of Gers, Schmidhuber & Cummins
    2000, *Learning to forget*; torch.nn.LSTM."""

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = sigmoid(self.W_i @ h + self.U_i @ x + self.b_i)
        f = sigmoid(self.W_f @ h + self.U_f @ x + self.b_f)
        g = tanh(self.W_g @ h + self.U_g @ x + self.b_g)
        o = sigmoid(self.W_o @ h + self.U_o @ x + self.b_o)
        c = f * c + i * g
        return o * tanh(c), c


class PeepholeLSTM(Cell):
    """Gers, Schraudolph & Schmidhuber 2002, *Learning precise timing*: the gates see the cell state, unit by unit;
    the output gate the new one."""

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = sigmoid(self.W_i @ h + self.U_i @ x + self.p_i * c + self.b_i)
        f = sigmoid(self.W_f @ h + self.U_f @ x + self.p_f * c + self.b_f)
        c = f * c + i * tanh(self.W_g @ h + self.U_g @ x + self.b_g)
        o = sigmoid(self.W_o @ h + self.U_o @ x + self.p_o * c + self.b_o)
        return o * tanh(c), c


class ProjectedLSTM(Cell):
    """Sak, Senior & Beaufays 2014, eq. 12: what returns is a narrower projection of the output (proj_size wide).
    Without the paper's peepholes, as torch.nn.LSTM(proj_size=...)."""

    widths = {"h": "proj_size"}

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = sigmoid(self.W_i @ h + self.U_i @ x + self.b_i)
        f = sigmoid(self.W_f @ h + self.U_f @ x + self.b_f)
        g = tanh(self.W_g @ h + self.U_g @ x + self.b_g)
        o = sigmoid(self.W_o @ h + self.U_o @ x + self.b_o)
        c = f * c + i * g
        return self.P @ (o * tanh(c)), c


class CoupledLSTM(Cell):
    """Greff et al. 2017, *A search space odyssey*, CIFG: what is not kept is written, f = 1 - i."""

    def step(self, x: Any, h: Any, c: Any) -> Any:
        f = sigmoid(self.W_f @ h + self.U_f @ x + self.b_f)
        g = tanh(self.W_g @ h + self.U_g @ x + self.b_g)
        o = sigmoid(self.W_o @ h + self.U_o @ x + self.b_o)
        c = f * c + (1 - f) * g
        return o * tanh(c), c


class LayerNormLSTM(Cell):
    """Ba, Kiros & Hinton 2016, supplementary eq. 20-22. Each gate is normalised over its own units (the paper:
    over those of all four gates)."""

    def step(self, x: Any, h: Any, c: Any) -> Any:
        i = sigmoid(layer_norm(self.W_i @ h, self.g_i, self.b_i) + layer_norm(self.U_i @ x, self.k_i, self.d_i))
        f = sigmoid(layer_norm(self.W_f @ h, self.g_f, self.b_f) + layer_norm(self.U_f @ x, self.k_f, self.d_f))
        g = tanh(layer_norm(self.W_g @ h, self.g_g, self.b_g) + layer_norm(self.U_g @ x, self.k_g, self.d_g))
        o = sigmoid(layer_norm(self.W_o @ h, self.g_o, self.b_o) + layer_norm(self.U_o @ x, self.k_o, self.d_o))
        c = f * c + i * g
        return o * tanh(layer_norm(c, self.g_c, self.b_c)), c


class SLSTM(Cell):
    """Beck et al. 2024, *xLSTM*, eq. 8-17: exponential input gate, a normaliser n, and m that keeps exp in range. As in
    the authors' code, m starts at the first i: while n is 0 there is nothing yet that it could scale."""

    def step(self, x: Any, h: Any, c: Any, n: Any, m: Any) -> Any:
        i = self.W_i @ h + self.U_i @ x + self.b_i
        f = -softplus(-(self.W_f @ h + self.U_f @ x + self.b_f))  # the logarithm of a sigmoid forget gate
        z = tanh(self.W_z @ h + self.U_z @ x + self.b_z)
        o = sigmoid(self.W_o @ h + self.U_o @ x + self.b_o)
        before = f + where(n > 0, m, i)
        top = maximum(before, i)
        write, keep = exp(i - top), exp(before - top)
        c = keep * c + write * z
        n = keep * n + write
        return o * (c / n), c, n, top
