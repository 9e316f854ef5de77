"""Models small enough to write down all that they can say, and the search that does write it down."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

BEGIN, END = 0, 1


class Markov:
    """p(y_t | y_{t-1}), a table of its own for each input; the state is which input a row is of."""

    def __init__(self, seed: int, rows: int, V: int, sharp: float = 2.0, dtype: torch.dtype = torch.float64) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.table = (sharp * torch.randn(rows, V, V, generator=generator, dtype=dtype)).log_softmax(-1)
        self.rows, self.V = rows, V
        self.steps = 0

    def begin(self, rows: list[int] | None = None) -> Tensor:
        return torch.arange(self.rows) if rows is None else torch.tensor(rows)

    def step(self, tokens: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        self.steps += len(tokens)
        return self.table[state, tokens], state

    def select(self, state: Tensor, rows: Tensor) -> Tensor:
        return state[rows]

    def log_probs(self, row: int, tokens: tuple[int, ...]) -> list[float]:
        """log p(y | what is before) for each token."""
        before = (BEGIN, *tokens)
        return [float(self.table[row, a, b]) for a, b in zip(before, tokens)]


@dataclass
class Read:
    """A state: which input, and all that was read."""

    row: Tensor  # (N,)
    tokens: Tensor  # (N, t)


class Historic:
    """p(y_t | y_<t) of everything before; attends to S source steps, of which each input has its own number."""

    def __init__(self, seed: int, rows: int, V: int, S: int = 4) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.rows, self.V, self.S = rows, V, S
        self.lengths = torch.randint(1, S + 1, (rows,), generator=generator)
        self.waves = 5 + torch.rand(V + S, generator=generator, dtype=torch.float64) * 40
        self.selected = 0

    def begin(self, rows: list[int] | None = None) -> Read:
        own = torch.arange(self.rows) if rows is None else torch.tensor(rows)
        return Read(own, own.new_empty(len(own), 0))

    def step(self, tokens: Tensor, state: Read) -> tuple[Tensor, Read]:
        state = Read(state.row, torch.cat([state.tokens, tokens[:, None]], dim=1))
        return self._waves(state)[:, : self.V].log_softmax(1), state

    def _waves(self, state: Read) -> Tensor:
        code = state.row.double() * 0.37 + 0.11
        for tokens in state.tokens.T:
            code = (code * 1.7 + tokens * 0.61803) % 1
        return 2 * torch.sin(code[:, None] * self.waves)

    def select(self, state: Read, rows: Tensor) -> Read:
        self.selected += 1
        return Read(state.row[rows], state.tokens[rows])

    def look(self, state: Read) -> Tensor:
        past = torch.arange(self.S) >= self.lengths[state.row][:, None]
        return self._waves(state)[:, self.V :].masked_fill(past, -torch.inf).softmax(1)

    def log_probs(self, row: int, tokens: tuple[int, ...]) -> list[float]:
        state, each = self.begin([row]), []
        for read, token in zip((BEGIN, *tokens), tokens):
            p, state = self.step(torch.tensor([read]), state)
            each.append(float(p[0, token]))
        return each

    def looks(self, row: int, tokens: list[int]) -> Tensor:
        """What was looked at in predicting each token, and the one after the last."""
        state, each = self.begin([row]), []
        for read in (BEGIN, *tokens):
            _, state = self.step(torch.tensor([read]), state)
            each.append(self.look(state)[0])
        return torch.stack(each)


Model = Markov | Historic


def normalised(log_prob: float, length: int, how: str, alpha: float) -> float:
    """Wu et al. 2016, eq. 14, by hand."""
    divisor = {"none": 1.0, "mean": length**alpha, "wu": (5 + length) ** alpha / 6**alpha}[how]
    return log_prob / divisor


def everything(
    model: Model,
    row: int,
    longest: int,
    *,
    how: str = "none",
    alpha: float = 1.0,
    beta: float = 0.0,
    shortest: int = 0,
    banned: tuple[int, ...] = (BEGIN,),
    prefix: tuple[int, ...] = (),
    unique: int = 0,
) -> list[tuple[float, tuple[int, ...]]]:
    """Every sequence of an input that ends, and its score, the best first."""
    free = [token for token in range(model.V) if token not in (*banned, END)]
    found = []
    for length in range(max(shortest, len(prefix)), longest + 1):
        for rest in product(free, repeat=length - len(prefix)):
            tokens = (*prefix, *rest)
            grams = [tokens[i : i + unique] for i in range(length - unique + 1)] if unique else []
            if len(grams) != len(set(grams)):
                continue
            score = normalised(math.fsum(model.log_probs(row, (*tokens, END))), length + 1, how, alpha)
            if beta:
                assert isinstance(model, Historic)
                sums = model.looks(row, list(tokens)).sum(0)[: model.lengths[row]]
                score += beta * sum(math.log(min(float(p), 1.0)) for p in sums)
            found.append((score, tokens))
    return sorted(found, reverse=True)
