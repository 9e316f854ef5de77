"""The same network as one writes it in PyTorch: packed sequences, and a loss that ignores the padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

__all__ = ["Plain"]


class Plain(nn.Module):
    """GRU encoder (both ways) and decoder, additive attention after the recurrence, tied target embedding."""

    def __init__(self, source_size: int, target_size: int, E: int, H: int, layers: int, rate: float) -> None:
        super().__init__()
        self.layers = layers
        self.source = nn.Embedding(source_size, E, padding_idx=0)
        self.target = nn.Embedding(target_size, E, padding_idx=0)
        self.encoder = nn.GRU(E, H, layers, bidirectional=True, dropout=rate)
        self.decoder = nn.GRU(E, H, layers, dropout=rate)
        self.bridge = nn.Linear(2 * H, H)
        self.query, self.key = nn.Linear(H, H, bias=False), nn.Linear(2 * H, H, bias=False)
        self.v = nn.Linear(H, 1, bias=False)
        self.readout = nn.Linear(H + 2 * H + E, E)
        self.softmax = nn.Linear(E, target_size)
        self.softmax.weight = self.target.weight
        self.dropout = nn.Dropout(rate)

    def encode(self, source: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        packed = pack_padded_sequence(self.dropout(self.source(source)), lengths, enforce_sorted=False)
        h, last = self.encoder(packed)
        h, _ = pad_packed_sequence(h)
        last = last.view(self.layers, 2, -1, last.shape[-1])
        state = torch.tanh(self.bridge(torch.cat([last[:, 0], last[:, 1]], -1)))
        return self.dropout(h).transpose(0, 1), source.T != 0, state

    def decode(self, target: Tensor, memory: Tensor, mask: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        e = self.dropout(self.target(target))
        s, state = self.decoder(e, state)
        s = self.dropout(s)
        query, keys = self.query(s).transpose(0, 1), self.key(memory)
        scores = self.v(torch.tanh(query[:, :, None] + keys[:, None])).squeeze(-1)
        alpha = scores.masked_fill(~mask[:, None], -torch.inf).softmax(-1)
        c = (alpha @ memory).transpose(0, 1)
        r = self.dropout(torch.tanh(self.readout(torch.cat([s, c, e], -1))))
        return self.softmax(r), state

    def loss(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        memory, mask, state = self.encode(source, lengths)
        scores, _ = self.decode(target[:-1], memory, mask, state)
        return F.cross_entropy(scores.flatten(0, 1), target[1:].flatten(), ignore_index=0, label_smoothing=0.1)

    @torch.no_grad()
    def greedy(self, source: Tensor, lengths: Tensor, begin: int, end: int, most: int) -> list[list[int]]:
        """A batch at once, until every sentence has ended."""
        memory, mask, state = self.encode(source, lengths)
        token = torch.full((1, len(mask)), begin)
        found, done = [], torch.zeros(len(mask), dtype=torch.bool)
        for _ in range(most):
            scores, state = self.decode(token, memory, mask, state)
            token = scores.argmax(-1)
            found.append(token[0])
            done |= token[0] == end
            if done.all():
                break
        rows = torch.stack(found, 1).tolist()
        return [row[: row.index(end)] if end in row else row for row in rows]

    @torch.no_grad()
    def beam(self, source: Tensor, begin: int, end: int, most: int, k: int = 5) -> list[int]:
        """One sentence (S, 1), its hypotheses as a batch; ends when as many have ended as the beam is wide."""
        memory, mask, state = self.encode(source, torch.tensor([len(source)]))
        rows, scores, ended = [[begin]], torch.zeros(1), []
        for _ in range(most):
            n = len(rows)
            token = torch.tensor([[row[-1] for row in rows]])
            logits, state = self.decode(token, memory.expand(n, -1, -1), mask.expand(n, -1), state)
            total = scores[:, None] + logits[0].log_softmax(-1)
            best, index = total.flatten().topk(k)
            parents, units = index // total.shape[1], index % total.shape[1]
            live, kept = [], []
            for i, (parent, unit) in enumerate(zip(parents.tolist(), units.tolist())):
                if unit == end:
                    ended.append((float(best[i]) / len(rows[parent]), rows[parent][1:]))
                else:
                    live.append([*rows[parent], unit])
                    kept.append(i)
            if len(ended) >= k or not live:
                break
            rows, scores, state = live, best[kept], state[:, parents[kept]]
        return max(ended)[1] if ended else rows[0][1:]
