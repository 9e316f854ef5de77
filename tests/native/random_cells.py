"""Random cells of the language, kept well-conditioned: every value is bounded before it grows."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

import elman
from elman import Cell

# each makes a value of width H from others of width H; bounded for bounded operands, smooth where float noise lives
OPERATIONS: dict[str, Any] = {
    "sigmoid": lambda a, b, c: elman.sigmoid(a),
    "tanh": lambda a, b, c: elman.tanh(a + b),
    "relu": lambda a, b, c: elman.relu(a),
    "exp": lambda a, b, c: elman.exp(-elman.square(a)),
    "log": lambda a, b, c: elman.log(1 + elman.square(a)),
    "softplus": lambda a, b, c: elman.softplus(a - b),
    "sqrt": lambda a, b, c: elman.sqrt(1 + a * a),
    "abs": lambda a, b, c: elman.abs(a),
    "add": lambda a, b, c: a + b,
    "subtract": lambda a, b, c: a - 0.5 * b,
    "multiply": lambda a, b, c: elman.tanh(a) * b,
    "divide": lambda a, b, c: a / (1 + b * b),
    "mix": lambda a, b, c: elman.sigmoid(a) * b + (1 - elman.sigmoid(a)) * c,
    "minimum": lambda a, b, c: elman.minimum(a, b),
    "maximum": lambda a, b, c: elman.maximum(a, 0.3),
    "where": lambda a, b, c: elman.where(a > b, a, c),
    "where_not": lambda a, b, c: elman.where(a <= 0.1, b, 0.5),
    "power": lambda a, b, c: (1 + a * a) ** -0.7,
    "cube": lambda a, b, c: elman.tanh(a) ** 3,
    "negate": lambda a, b, c: -a,
}


class Random(Cell):
    """A cell from a list of choices.

    Args:
        states: how many.
        choices: (operation, three operands, whether a product or a vector parameter follows) one value each.
        own_output: whether the output is a value of its own.
        narrow: whether the second state has the width proj_size.
    """

    def __init__(self, states: int, choices: list[tuple[str, int, int, int, int]], own_output: bool) -> None:
        self.choices, self.own_output, self.count = choices, own_output, states
        names = ["h", "c", "m"][:states]
        arguments = ", ".join(names)
        scope: dict[str, Any] = {"build": self._build}
        exec(f"def step(x, {arguments}):\n    return build(x, {arguments})", scope)
        object.__setattr__(self, "step", scope["step"])

    def _build(self, x: Any, *states: Any) -> Any:
        values = [self.U @ x + self.b, *states]
        for i, (name, a, b, c, then) in enumerate(self.choices):
            picked = [values[j % len(values)] for j in (a, b, c)]
            if name == "layer_norm":
                v = elman.layer_norm(picked[0], getattr(self, f"g{i}"), getattr(self, f"n{i}"))
            elif name == "input":
                v = getattr(self, f"U{i}") @ x
            else:
                v = OPERATIONS[name](*picked)
            if then == 1:
                v = getattr(self, f"W{i}") @ v
            elif then == 2:
                v = v * getattr(self, f"p{i}")
            elif then == 3:
                v = getattr(self, f"W{i}") @ v + getattr(self, f"V{i}") @ x + getattr(self, f"b{i}")
            values.append(v)
        after = [elman.tanh(values[-1 - k] + 0.5 * s) for k, s in enumerate(states)]
        return (values[-1] * 0.5, *after) if self.own_output else tuple(after) if len(after) > 1 else after[0]


def cells() -> st.SearchStrategy[Random]:
    """Cells of 1 to 3 states and 3 to 9 values."""
    choice = st.tuples(
        st.sampled_from([*OPERATIONS, "layer_norm", "input"]),
        *[st.integers(0, 11)] * 3, st.integers(0, 3),
    )  # fmt: skip
    return st.builds(Random, st.integers(1, 3), st.lists(choice, min_size=3, max_size=9), st.booleans())
