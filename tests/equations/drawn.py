"""Cells drawn at random from the whole language, built so that no value explodes: every operation is defined wherever
it is asked, and what returns as a state is bounded. `drawn_cells()` is a hypothesis strategy."""

from __future__ import annotations

from hypothesis import strategies as st

from elman import Cell, abs, exp, layer_norm, log, maximum, minimum, relu, sigmoid, softplus, sqrt, square, tanh, where

UNARY = {
    "sigmoid": sigmoid, "tanh": tanh, "relu": relu, "abs": abs, "square": lambda v: square(tanh(v)),
    "softplus": softplus, "exp": lambda v: exp(tanh(v)), "log": lambda v: log(softplus(v) + 0.5),
    "sqrt": lambda v: sqrt(square(v) + 0.25), "neg": lambda v: -v, "minus": lambda v: 1 - v, "half": lambda v: 0.5 * v,
    "cube": lambda v: tanh(v) ** 3, "root": lambda v: (sigmoid(v) + 0.5) ** 0.5,
    "inverse": lambda v: 1 / (1.5 + sigmoid(v)), "power": lambda v: (sigmoid(v) + 0.5) ** -1.5,
    "add": lambda v: v + 0.3, "subtract": lambda v: v - 2,
    "clip": lambda v: maximum(minimum(v, 0.7), -0.7),
}  # fmt: skip
BINARY = {
    "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * tanh(b),
    "div": lambda a, b: a / (1 + square(b)), "minimum": minimum, "maximum": maximum,
    "lt": lambda a, b: where(a < b, a, 0.5 * b), "ge": lambda a, b: where(a >= b, b, -a),
    "le": lambda a, b: where(a <= 0.1, a * 0.5, b), "gt": lambda a, b: where(b > a, tanh(a), 1),
}  # fmt: skip


def build(plan: dict) -> Cell:
    """The cell that a plan describes. Every value of it is H wide."""

    def step(self, x, *states):
        values = [self.U @ x, *states]
        for k, (kind, a, b) in enumerate(plan["steps"]):
            u, v = values[a % len(values)], values[b % len(values)]
            if kind in UNARY:
                values.append(UNARY[kind](u))
            elif kind in BINARY:
                values.append(BINARY[kind](u, v))
            elif kind == "gate":
                values.append(
                    sigmoid(getattr(self, f"W_{k}") @ u + getattr(self, f"U_{k}") @ x + getattr(self, f"b_{k}"))
                )
            elif kind == "product":
                values.append(getattr(self, f"W_{k}") @ tanh(u * v))
            elif kind == "vector":
                values.append(getattr(self, f"w_{k}") * u + getattr(self, f"b_{k}"))
            elif kind == "norm":
                values.append(layer_norm(u, getattr(self, f"g_{k}"), getattr(self, f"b_{k}")))
            else:
                raise AssertionError(kind)
        new = [tanh(values[(-1 - i) % len(values)] + 0.3 * s + values[0]) for i, s in enumerate(states)]
        return (relu(new[-1]) - values[-1], *new) if plan["output"] else tuple(new)

    names = ", ".join(["self", "x", *plan["states"]])
    scope: dict = {"body": step}
    exec(f"def step({names}):\n    return body({names})", scope)
    return type("Drawn", (Cell,), {"step": scope["step"]})()


@st.composite
def drawn_cells(draw, most: int = 8) -> Cell:
    kinds = [*UNARY, *BINARY, "gate", "gate", "product", "product", "vector", "norm", "norm"]
    picks = st.tuples(st.sampled_from(kinds), st.integers(0, 9), st.integers(0, 9))
    states = ["h", "c", "m"][: draw(st.integers(1, 3))]
    return build(
        {"states": states, "steps": draw(st.lists(picks, min_size=1, max_size=most)), "output": draw(st.booleans())}
    )
