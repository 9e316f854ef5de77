"""The traditional recurrent network: one state, any activation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from elman.equations import FUNCTIONS, Cell, CellError


def activation(g: str | Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A one-argument function of the language, by its name or itself.

    Raises:
        CellError: a name that the language does not have.
    """
    if callable(g):
        return g
    if g not in FUNCTIONS:
        raise CellError(f"no activation is called {g!r}", remedy=f"choose one of {', '.join(FUNCTIONS)}")
    return FUNCTIONS[g]


class RNN(Cell):
    """The hidden state alone, as torch.nn.RNN: Elman 1990, without the output layer.

    Args:
        g: the activation, by name or a function of the language.
    """

    def __init__(self, g: str | Callable[[Any], Any] = "tanh") -> None:
        self.g = activation(g)

    def step(self, x: Any, h: Any) -> Any:
        return self.g(self.W @ h + self.U @ x + self.b)


class Elman(Cell):
    """Elman 1990, *Finding structure in time*: a hidden state, and an output of its own.

    Args:
        g1: activation of the state.
        g2: activation of the output.
    """

    def __init__(self, g1: str | Callable[[Any], Any] = "tanh", g2: str | Callable[[Any], Any] = "sigmoid") -> None:
        self.g1 = activation(g1)
        self.g2 = activation(g2)

    def step(self, x: Any, a: Any) -> Any:
        a = self.g1(self.W_aa @ a + self.W_ax @ x + self.b_a)
        y = self.g2(self.W_ya @ a + self.b_y)
        return y, a


class Jordan(Cell):
    """Jordan 1986, *Serial order*: what returns to the network is its output, not its hidden layer.

    Args:
        g1: activation of the hidden layer.
        g2: activation of the output.
    """

    def __init__(self, g1: str | Callable[[Any], Any] = "tanh", g2: str | Callable[[Any], Any] = "sigmoid") -> None:
        self.g1 = activation(g1)
        self.g2 = activation(g2)

    def step(self, x: Any, y: Any) -> Any:
        h = self.g1(self.W_h @ y + self.U_h @ x + self.b_h)
        return self.g2(self.W_y @ h + self.b_y)
