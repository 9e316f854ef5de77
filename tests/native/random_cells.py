"""Random cells of the language, each from a seed; bounded, so that rounding stays small."""

from __future__ import annotations

import random
from typing import Any

import elman
from elman import Cell

# each makes a value from others of the same width; bounded for bounded operands
SMOOTH: dict[str, Any] = {
    "sigmoid": lambda a, b, c: elman.sigmoid(a),
    "tanh": lambda a, b, c: elman.tanh(a + b),
    "exp": lambda a, b, c: elman.exp(-elman.square(a)),
    "log": lambda a, b, c: elman.log(1 + elman.square(a)),
    "softplus": lambda a, b, c: elman.softplus(a - b),
    "sqrt": lambda a, b, c: elman.sqrt(1 + a * a),
    "add": lambda a, b, c: a + b,
    "subtract": lambda a, b, c: a - 0.5 * b,
    "multiply": lambda a, b, c: elman.tanh(a) * b,
    "divide": lambda a, b, c: a / (1 + b * b),
    "mix": lambda a, b, c: elman.sigmoid(a) * b + (1 - elman.sigmoid(a)) * c,
    "power": lambda a, b, c: (1 + a * a) ** -0.7,
    "cube": lambda a, b, c: elman.tanh(a) ** 3,
    "negate": lambda a, b, c: -a,
    "nothing": lambda a, b, c: 0 * a,
    "one": lambda a, b, c: b**0,
    "a constant's function": lambda a, b, c: elman.tanh(0 * a + 0.3),
    "a constant's part": lambda a, b, c: 0 * a + b,
}
# with a kink or a jump, where rounding may decide
SHARP: dict[str, Any] = {
    "relu": lambda a, b, c: elman.relu(a),
    "abs": lambda a, b, c: elman.abs(a),
    "minimum": lambda a, b, c: elman.minimum(a, b),
    "maximum": lambda a, b, c: elman.maximum(a, 0.3),
    "where": lambda a, b, c: elman.where(a > b, a, c),
    "where not": lambda a, b, c: elman.where(a <= 0.1, b, 0.5),
    "where never": lambda a, b, c: elman.where(0 * a > 0.1, b, c),
}


class Random(Cell):
    """A cell of 1 to 3 states, of width H, I or a number, and 0 to 8 values.

    Args:
        seed: decides everything.
        smooth: whether to do without kinks and jumps.
    """

    def __init__(self, seed: int, smooth: bool) -> None:
        self.seed, self.smooth = seed, smooth
        names = ["h", "c", "m"][: random.Random(seed).randint(1, 3)]
        draw = random.Random(seed)
        self.widths = {n: w for n in names if (w := draw.choice(["H", "H", "H", "I", "3"])) != "H"}
        arguments = ", ".join(names)
        scope: dict[str, Any] = {"build": self._build}
        exec(f"def step(x, {arguments}):\n    return build(x, {arguments})", scope)
        object.__setattr__(self, "step", scope["step"])

    def _build(self, x: Any, *states: Any) -> Any:
        draw = random.Random(self.seed)
        of = [self.widths.get(n, "H") for n in ("h", "c", "m")[: len(states)]]
        values: dict[str, list[Any]] = {"I": [x], "H": []}
        for width, s in zip(of, states, strict=True):
            values.setdefault(width, []).append(s)
        if draw.random() < 0.8 or not values["H"]:
            values["H"].append(self.U @ x + self.b)
        operations = {**SMOOTH} if self.smooth else {**SMOOTH, **SHARP}
        matrices: dict[tuple[str, str], list[str]] = {}

        def product(width: str) -> Any:
            source = draw.choice(list(values))
            known = matrices.setdefault((width, source), [])
            if not known or draw.random() < 0.8:
                known.append(f"W{sum(map(len, matrices.values()))}")
            return getattr(self, draw.choice(known)) @ draw.choice(values[source])

        for i in range(draw.randint(0, 8)):
            width = draw.choice(["H", *values])
            a, b, c = (draw.choice(values[width]) for _ in range(3))
            name = draw.choice([*operations, "layer_norm", "layer_norm", "product", "product"])
            if name == "layer_norm":
                v = elman.layer_norm(a, getattr(self, f"g{i}"), getattr(self, f"n{i}"))
            elif name == "product":
                v = product(width) + (getattr(self, f"b{i}") if draw.random() < 0.5 else b)
            else:
                v = operations[name](a, b, c)
            if draw.random() < 0.3:
                v = v * getattr(self, f"p{i}") if draw.random() < 0.5 else product(width) + v
            values[width].append(v)

        def result(width: str, usual: Any) -> Any:
            """What leaves the step: mostly a value of its own, at times one that was there before, or none of it."""
            kind = draw.random()
            if kind < 0.6:
                return elman.tanh(values[width][-1] + 0.5 * usual)
            if kind < 0.8:
                return draw.choice(values[width])  # x, this state, another, a value that others read
            if kind < 0.9:
                return draw.choice([0 * usual, usual**0, usual + 0 * values[width][0]])
            return getattr(self, f"r_{width}") + 0 * usual

        after = [result(width, s) for width, s in zip(of, states, strict=True)]
        if draw.random() < 0.4:
            width = draw.choice(list(values))
            twice = [a for a, w in zip(after, of, strict=True) if w == width]
            return (draw.choice([result(width, values[width][0]), *twice]), *after)
        return tuple(after) if len(after) > 1 or draw.random() < 0.5 else after[0]
