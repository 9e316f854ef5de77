"""A small stateful task: read a text on and on, predict the next symbol."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from elman.cells import LSTM
from elman.layers import Recurrent
from elman.training.divergence import check_answers
from elman.training.randomness import seed_everything


class NextSymbol:
    """B streams cut into pieces of `piece` steps; the state goes from piece to piece."""

    select = "-nll"

    def __init__(self, stateful: bool = True, seed: int = 0, piece: int = 5, dropout: float = 0.3) -> None:
        self.stateful = stateful
        seed_everything(seed)
        self.model: nn.Module = nn.ModuleDict(
            {"embed": nn.Embedding(6, 8), "layer": Recurrent(LSTM, 8, 12), "out": nn.Linear(12, 6)}
        )
        self.dropout = nn.Dropout(dropout)
        text = torch.randint(6, (41,), generator=torch.Generator().manual_seed(7)).repeat(4)
        self.text = text.view(4, 41).T.roll(1, 0)  # (T, B)
        self.piece = piece
        self.states: list[Any] = []

    def plan(self, generator: torch.Generator) -> list[int]:
        starts = list(range(0, 40, self.piece))
        if self.stateful:
            return starts
        return [starts[i] for i in torch.randperm(len(starts), generator=generator).tolist()]

    def collate(self, picks: int) -> Tensor:
        return self.text[picks : picks + self.piece + 1]

    def loss(self, batch: Tensor, state: Any) -> tuple[Tensor, float, Any]:
        self.states.append(state)
        x = self.dropout(self.model["embed"](batch[:-1]))  # type: ignore[index]
        y, after = self.model["layer"](x, state)  # type: ignore[index]
        scores = self.model["out"](y)  # type: ignore[index]
        return nn.functional.cross_entropy(scores.flatten(0, 1), batch[1:].flatten()), float(batch[1:].numel()), after

    def validate(self) -> dict[str, float]:
        with torch.no_grad():
            y, _ = self.model["layer"](self.model["embed"](self.text[:-1]))  # type: ignore[index]
            scores = self.model["out"](y)  # type: ignore[index]
            check_answers(scores)
            return {"nll": float(nn.functional.cross_entropy(scores.flatten(0, 1), self.text[1:].flatten()))}


@pytest.fixture
def make_task() -> type[NextSymbol]:
    return NextSymbol
