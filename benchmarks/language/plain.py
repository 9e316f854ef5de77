"""The same language model as one writes it in PyTorch (after the word language model among PyTorch's examples)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Plain", "sample", "training_step"]

State = Tensor | tuple[Tensor, ...]


class Plain(nn.Module):
    """Embedding, LSTM or GRU, softmax that shares the embedding's matrix where widths allow."""

    def __init__(self, cell: str, size: int, E: int, H: int, layers: int, rate: float, tied: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(size, E)
        self.rnn = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](E, H, layers, dropout=rate)
        self.softmax = nn.Linear(H, size)
        if tied:
            self.softmax.weight = self.embedding.weight
        self.dropout = nn.Dropout(rate)

    def forward(self, units: Tensor, state: State | None) -> tuple[Tensor, State]:
        h, state = self.rnn(self.dropout(self.embedding(units)), state)
        return self.softmax(self.dropout(h)), state


def training_step(
    model: Plain,
    optimizer: torch.optim.Optimizer,
    units: Tensor,
    targets: Tensor,
    state: State | None,
) -> State:
    """One window of truncated back-propagation; the state goes on."""
    model.train()
    optimizer.zero_grad()
    scores, state = model(units, state)
    F.cross_entropy(scores.flatten(0, 1), targets.flatten()).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()


@torch.no_grad()
def sample(model: Plain, begin: int, length: int) -> list[int]:
    """`length` units, drawn one after the other."""
    model.eval()
    token, state, found = torch.tensor([[begin]]), None, []
    for _ in range(length):
        scores, state = model(token, state)
        token = torch.multinomial(scores[0].softmax(-1), 1)
        found.append(int(token))
    return found
