"""Gated cells smaller than a GRU."""

from __future__ import annotations

from typing import Any

from elman.equations import Cell, sigmoid, tanh


class MGU(Cell):
    """Zhou et al. 2016, *Minimal gated unit*: one gate forgets, resets and updates."""

    def step(self, x: Any, h: Any) -> Any:
        f = sigmoid(self.W_f @ h + self.U_f @ x + self.b_f)
        n = tanh(self.W @ (f * h) + self.U @ x + self.b)
        return (1 - f) * h + f * n


class MinimalRNN(Cell):
    """Chen 2017, *MinimalRNN*: the input is embedded first, then only mixed with the state."""

    def step(self, x: Any, h: Any) -> Any:
        z = tanh(self.U_z @ x + self.b_z)
        u = sigmoid(self.W_u @ h + self.V_u @ z + self.b_u)
        return u * h + (1 - u) * z


class UGRNN(Cell):
    """Collins, Sohl-Dickstein & Sussillo 2017, *Capacity and trainability*: the update gate RNN."""

    def step(self, x: Any, h: Any) -> Any:
        n = tanh(self.W @ h + self.U @ x + self.b)
        g = sigmoid(self.W_g @ h + self.U_g @ x + self.b_g)
        return g * h + (1 - g) * n


class CFN(Cell):
    """Laurent & von Brecht 2017, *A recurrent neural network without chaos*: without input the state decays to 0."""

    def step(self, x: Any, h: Any) -> Any:
        f = sigmoid(self.W_f @ h + self.U_f @ x + self.b_f)
        i = sigmoid(self.W_i @ h + self.U_i @ x + self.b_i)
        return f * tanh(h) + i * tanh(self.U @ x)


class LEM(Cell):
    """Rusch et al. 2022, *Long expressive memory*, eq. 3: two states, each with time steps of its own.

    Args:
        dt: the largest time step.
    """

    def __init__(self, dt: float = 1.0) -> None:
        self.dt = dt

    def step(self, x: Any, y: Any, z: Any) -> Any:
        slow = self.dt * sigmoid(self.W_1 @ y + self.U_1 @ x + self.b_1)
        fast = self.dt * sigmoid(self.W_2 @ y + self.U_2 @ x + self.b_2)
        z = (1 - slow) * z + slow * tanh(self.W_z @ y + self.U_z @ x + self.b_z)
        y = (1 - fast) * y + fast * tanh(self.W_y @ z + self.U_y @ x + self.b_y)
        return y, z
