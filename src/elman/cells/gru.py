"""The gated recurrent unit, with its reset gate before or after the product."""

from __future__ import annotations

from typing import Any

from elman.equations import Cell, layer_norm, sigmoid, tanh


class GRU(Cell):
    """Cho et al. 2014, eq. 5-8: the reset gate acts before the matrix product. Also ONNX's default."""

    def step(self, x: Any, s: Any) -> Any:
        r = sigmoid(self.W_r @ s + self.U_r @ x + self.b_r)
        z = sigmoid(self.W_z @ s + self.U_z @ x + self.b_z)
        n = tanh(self.W @ (r * s) + self.U @ x + self.b)
        return z * s + (1 - z) * n


class GRUAfter(Cell):
    """The reset gate after the product, which has a bias of its own: cuDNN's form, torch.nn.GRU."""

    def step(self, x: Any, s: Any) -> Any:
        r = sigmoid(self.W_r @ s + self.U_r @ x + self.b_r)
        z = sigmoid(self.W_z @ s + self.U_z @ x + self.b_z)
        n = tanh(self.U @ x + self.b + r * (self.W @ s + self.c))
        return z * s + (1 - z) * n


class LayerNormGRU(Cell):
    """Ba, Kiros & Hinton 2016, supplementary eq. 26-28. Each product is normalised over its own units (the paper: r and
    z together), and z is what is kept, as in the GRUs above."""

    def step(self, x: Any, s: Any) -> Any:
        r = sigmoid(layer_norm(self.W_r @ s, self.g_r, self.b_r) + layer_norm(self.U_r @ x, self.k_r, self.d_r))
        z = sigmoid(layer_norm(self.W_z @ s, self.g_z, self.b_z) + layer_norm(self.U_z @ x, self.k_z, self.d_z))
        n = tanh(layer_norm(self.U @ x, self.k, self.d) + r * layer_norm(self.W @ s, self.g, self.b))
        return z * s + (1 - z) * n
