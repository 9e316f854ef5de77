"""Attention: which of the steps h_1 .. h_S of a memory matter to a query s_t.

    e_{t,i} = score(s_t, h_i),    alpha_{t,.} = softmax_i e_{t,i},    c_t = sum_i alpha_{t,i} h_i

The score is a small network trained with all else (Bahdanau et al. 2015, app. A.1.2), or a product (Luong et al. 2015,
eq. 8; scaled: Vaswani et al. 2017, eq. 1). With several heads each has its own score, and its own part of the memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.errors import InputError
from elman.layers.additive_score import additive
from elman.layers.arguments import check_size
from elman.sequences import check_lengths, within

__all__ = ["SCORES", "Attention", "Memory", "additive", "dot", "scaled_dot"]


def dot(s: Tensor, h: Tensor) -> Tensor:
    """score(s_t, h_i) = s_t . h_i; of `W_a @ h` it is Luong's "general". (..., T, A), (..., S, A) -> (..., T, S)."""
    return s @ h.mT


def scaled_dot(s: Tensor, h: Tensor) -> Tensor:
    """score(s_t, h_i) = s_t . h_i / sqrt(A), as `dot`."""
    return dot(s, h) / math.sqrt(s.shape[-1])


# name -> whether the query and the memory are multiplied by a matrix first, and the score
SCORES: dict[str, tuple[bool, bool, Callable[..., Tensor]]] = {
    "additive": (True, True, additive),
    "dot": (False, False, dot),
    "general": (False, True, dot),
    "scaled_dot": (False, False, scaled_dot),
}


class Memory(NamedTuple):
    """What is attended to, with what the score needs of it, made once.

    Attributes:
        keys: (B, heads, S, A / heads).
        values: (B, S, M), zero past each length.
        mask: (B, S) bool, False past each length.
    """

    keys: Tensor
    values: Tensor
    mask: Tensor

    def take(self, rows: Tensor) -> Memory:
        """Those of the sequences, in that order."""
        return Memory(*(part.index_select(0, rows) for part in self))


class Attention(nn.Module):
    """Attention of queries to a memory.

    Args:
        query_size: Q, features of s_t.
        memory_size: M, features of h_i.
        size: A, width of what the additive score adds up; 0: Q.
        score: a name in `SCORES`.
        heads: parts of query and memory that are scored each by themselves.
        coverage: the additive score reads, too, how much attention h_i has had so far, and so many places about it:
            1 is h_i's own (Tu et al. 2016), 3 its neighbours' too, of which it can tell where the last step looked
            (as Chorowski et al. 2015 do by a convolution). 0: nothing of it.

    Parameters: ``W_a`` (A, Q), ``U_a`` (A, M), ``v_a`` (A), ``W_cov`` (A, coverage); of the products,
    general has ``U_a``, the others nothing.

    Raises:
        InputError: no such score, sizes that do not fit it, or heads that do not divide them.
    """

    def __init__(
        self, query_size: int, memory_size: int, size: int = 0, score: str = "additive", heads: int = 1,
        coverage: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        for what, number in (("query_size", query_size), ("memory_size", memory_size), ("heads", heads)):
            check_size(what, number)
        if score not in SCORES:
            raise InputError(f"no score is called {score!r}", remedy=f"choose {', '.join(SCORES)}")
        turns_query, turns_memory, self._score = SCORES[score]
        width = (size or query_size) if turns_query else query_size
        if not turns_memory and query_size != memory_size:
            raise InputError(
                f"the score {score} multiplies a query of {query_size} numbers by a memory of {memory_size}",
                remedy="choose general or additive, or make the two of one width",
            )
        if coverage and score != "additive":
            raise InputError(f"coverage is read by the additive score, not by {score}", remedy="choose additive")
        if coverage and (coverage < 1 or coverage % 2 == 0):
            raise InputError(f"coverage of {coverage} places has no middle", remedy="give an odd number: 1, 3 ...")
        if width % heads or memory_size % heads:
            raise InputError(f"{heads} heads do not divide the widths {width} and {memory_size}")
        self.query_size, self.memory_size, self.size, self.score, self.heads = (
            query_size, memory_size, width, score, heads,
        )  # fmt: skip
        self.W_a = nn.Parameter(torch.empty(width, query_size)) if turns_query else None
        self.U_a = nn.Parameter(torch.empty(width, memory_size)) if turns_memory else None
        self.v_a = nn.Parameter(torch.empty(width)) if score == "additive" else None
        self.W_cov = nn.Parameter(torch.empty(width, coverage)) if coverage else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start anew: matrices and v uniform in +-1/sqrt(their columns), coverage's in +-1.

        So large, it is seen from the first step on: where it decides, the network else learns to count before it looks,
        and fails on what is longer than all that it was trained on.
        """
        for weight in (self.W_a, self.U_a, self.v_a):
            if weight is not None:
                bound = weight.shape[-1] ** -0.5
                nn.init.uniform_(weight, -bound, bound)
        if self.W_cov is not None:
            nn.init.uniform_(self.W_cov, -1.0, 1.0)

    def remember(self, memory: Tensor, lengths: Tensor | None = None, mask: Tensor | None = None) -> Memory:
        """What the queries will attend to.

        Args:
            memory: (S, B, M), time first, as a layer gives it; what stands past a length is not read.
            lengths: (B,), each in 1..S; None: all S.
            mask: (S, B) bool, False where nobody may look, in place of lengths.

        Raises:
            InputError: shapes that do not fit, or a sequence of which nothing may be seen.
        """
        if memory.dim() != 3 or memory.shape[-1] != self.memory_size:
            raise InputError(f"memory has shape {tuple(memory.shape)}, attention wants (S, B, {self.memory_size})")
        S, B, _ = memory.shape
        if mask is None:
            ends = torch.full((B,), S) if lengths is None else check_lengths(lengths, S, B)
            mask = within(ends, S, device=memory.device)
        elif lengths is not None:
            raise InputError("both lengths and a mask", remedy="give one of them")
        elif mask.shape != (S, B) or mask.dtype != torch.bool:
            raise InputError(f"mask is {str(mask.dtype)[6:]} of shape {tuple(mask.shape)}, not bool of ({S}, {B})")
        nothing = ~mask.any(0)
        if bool(nothing.any()):
            raise InputError(
                f"attention over nothing: of sequence {int(nothing.int().argmax())} no step may be seen",
                remedy="leave that sequence out",
            )
        seen = mask.T
        values = memory.transpose(0, 1).masked_fill(~seen[..., None], 0.0)
        keys = values if self.U_a is None else values @ self.U_a.T
        return Memory(self._by_head(keys), values, seen)

    def forward(self, query: Tensor, memory: Memory, coverage: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What each query finds.

        Args:
            query: s_t, (T, B, Q), or (B, Q) for one step.
            memory: of the same B sequences, from `remember`.
            coverage: (B, S), the attention that each step of the memory has had, of one step's queries; None: none.

        Returns:
            c_t (T, B, M), and alpha_{t,i} (T, B, S), or (T, B, heads, S) of several heads; without T for one step.
        """
        if query.dim() == 2:
            c, alpha = self(query.unsqueeze(0), memory, coverage)
            return c.squeeze(0), alpha.squeeze(0)
        if query.dim() != 3 or query.shape[1:] != (len(memory.mask), self.query_size):
            raise InputError(
                f"query has shape {tuple(query.shape)}, attention wants (T, {len(memory.mask)}, {self.query_size})"
            )
        s = query.transpose(0, 1)
        s = self._by_head(s if self.W_a is None else s @ self.W_a.T)
        keys = memory.keys
        if self.W_cov is not None and coverage is not None:
            places = self.W_cov.shape[1]
            about = F.pad(coverage, (places // 2, places // 2)).unfold(1, places, 1)  # (B, S, places)
            keys = keys + self._by_head(about @ self.W_cov.T)
        further = () if self.v_a is None else (self.v_a.view(self.heads, -1),)
        e = self._score(s, keys, *further)
        alpha = e.masked_fill(~memory.mask[:, None, None], -math.inf).softmax(-1)  # (B, heads, T, S)
        c = alpha @ self._by_head(memory.values)
        B, _, T, S = alpha.shape
        c = c.permute(2, 0, 1, 3).reshape(T, B, self.memory_size)
        alpha = alpha.permute(2, 0, 1, 3)
        return c, alpha.reshape(T, B, S) if self.heads == 1 else alpha

    def _by_head(self, x: Tensor) -> Tensor:
        """(B, T, W) -> (B, heads, T, W / heads)."""
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)

    def extra_repr(self) -> str:
        heads = f", heads={self.heads}" if self.heads > 1 else ""
        return f"{self.query_size}, {self.memory_size}, score={self.score}{heads}" + (
            f", coverage={self.W_cov.shape[1]}" if self.W_cov is not None else ""
        )
