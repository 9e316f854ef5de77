"""A linear-chain conditional random field: the score of a whole tagging, not of one tag after the other.

A softmax over tags decides each word alone, and may write `I-person` behind `O`. The CRF adds a score for every pair
of neighbouring tags and normalises over all K^T taggings of a sentence (Lafferty, McCallum and Pereira 2001):

    score(x, y) = start[y_1] + sum_t e_t[y_t] + sum_t A[y_t, y_{t+1}] + end[y_T]
    p(y | x)    = exp(score(x, y)) / Z(x),    Z(x) = sum over all y of exp(score(x, y))

Notation: T steps, B sequences, K tags; `e` emissions (T, B, K), `A` transitions (K, K) from row to column. Time is the
only loop; sequences run side by side, and each stops at its own length.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from elman.errors import InputError, InputTypeError
from elman.sequences import check_lengths, within

__all__ = ["CRF"]


class CRF(nn.Module):
    """Scores taggings, and finds the best one: a linear-chain CRF (Lafferty, McCallum and Pereira 2001, eq. 1).

    Args:
        num_tags: K.
        allowed: (K, K) bool, False where a tag may not follow another (a tag scheme's rules); None allows all.
            What is forbidden scores -inf: its probability is exactly zero, before and after training.
        allowed_start: (K,) bool, the tags that may open a sequence.
        allowed_end: (K,) bool, the tags that may close one.
        batch_first: emissions, tags, paths and marginals are (B, T, ...), not (T, B, ...).
        device, dtype: of the parameters.

    Attributes:
        transitions: (K, K) parameter A. start, end: (K,) parameters. All begin at zero: no preference.

    Everything is in nats. Where ``lengths`` (B,) are given, each in 1..T and in any order, nothing that stands past a
    sequence's own length reaches a result: NaN in emissions and any number in tags will do.

    Raises:
        InputError: rules of another shape, or that let no tag open or close a sequence; of every method, emissions,
            tags or lengths that are of a wrong shape, kind or value, with the sequence.
    """

    forbidden: Tensor
    forbidden_start: Tensor
    forbidden_end: Tensor

    def __init__(
        self,
        num_tags: int,
        allowed: Tensor | None = None,
        allowed_start: Tensor | None = None,
        allowed_end: Tensor | None = None,
        *,
        batch_first: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(num_tags, int) or isinstance(num_tags, bool) or num_tags < 1:
            raise InputError(f"num_tags is {num_tags!r}", remedy="give a whole number, at least 1")
        K = num_tags
        self.num_tags, self.batch_first = K, batch_first
        self.transitions = nn.Parameter(torch.empty(K, K, device=device, dtype=dtype))
        self.start = nn.Parameter(torch.empty(K, device=device, dtype=dtype))
        self.end = nn.Parameter(torch.empty(K, device=device, dtype=dtype))
        # The rules follow from the tag names, so they are not part of the weights that are saved.
        for name, mask, shape in (
            ("forbidden", allowed, (K, K)),
            ("forbidden_start", allowed_start, (K,)),
            ("forbidden_end", allowed_end, (K,)),
        ):
            given = torch.ones(shape, device="cpu") if mask is None else torch.as_tensor(mask, device="cpu")
            if given.shape != shape:
                raise InputError(f"the rules {name} have shape {tuple(given.shape)}, {K} tags need {shape}")
            if len(shape) == 1 and not given.any():
                raise InputError(f"the rules {name} leave no tag", remedy="allow at least one")
            self.register_buffer(name, ~given.bool().to(self.transitions.device), persistent=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """No preference for any tag or transition."""
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def potentials(self) -> tuple[Tensor, Tensor, Tensor]:
        """``(A (K, K), start (K,), end (K,))`` with -inf at everything forbidden."""
        return (
            self.transitions.masked_fill(self.forbidden, -torch.inf),
            self.start.masked_fill(self.forbidden_start, -torch.inf),
            self.end.masked_fill(self.forbidden_end, -torch.inf),
        )

    def forward(self, emissions: Tensor, tags: Tensor, lengths: Tensor | Sequence[int] | None = None) -> Tensor:
        """Negative log-likelihood -log p(tags | x) of each sequence: the loss, once it is averaged or summed.

        Args:
            emissions: (T, B, K), what a network says for each tag at each step; any floating-point numbers, and what
                is returned has their precision or that of the parameters, whichever is higher.
            tags: (T, B) integers in 0..K-1.
            lengths: (B,); None takes every sequence as T long.

        Returns:
            (B,), in nats, at least 0.

        Raises:
            InputError: besides, a tagging that the rules forbid, whose likelihood is zero.
        """
        e, mask = self._masked(emissions, lengths)
        score = self._score(e, tags, mask)
        if torch.isneginf(score).any():
            b = int(torch.isneginf(score).nonzero()[0, 0])
            raise InputError(f"the tags of sequence {b} break the tag scheme", remedy="convert them to its rules first")
        return self._log_partition(e, mask) - score

    def score(self, emissions: Tensor, tags: Tensor, lengths: Tensor | Sequence[int] | None = None) -> Tensor:
        """Unnormalised score of a tagging (T, B), each sequence's own: (B,); -inf where the rules forbid it."""
        e, mask = self._masked(emissions, lengths)
        return self._score(e, tags, mask)

    def log_partition(self, emissions: Tensor, lengths: Tensor | Sequence[int] | None = None) -> Tensor:
        """log Z(x), the log of the summed exponential scores of all taggings: (B,); -inf where the rules leave none."""
        e, mask = self._masked(emissions, lengths)
        return self._log_partition(e, mask)

    @torch.no_grad()
    def marginals(
        self, emissions: Tensor, lengths: Tensor | Sequence[int] | None = None, temperature: float = 1.0
    ) -> Tensor:
        """p(y_t = k | x) by the forward-backward algorithm (Rabiner 1989): (T, B, K), zero past each length.

        `temperature` divides every score: above 1 the distribution over taggings is flatter (for calibration).

        Raises:
            InputError: besides, a sequence that the rules leave no tagging.
        """
        if not temperature > 0:
            raise InputError(f"temperature is {temperature!r}", remedy="give a number above 0")
        e, mask = self._masked(emissions, lengths)
        A, start, end = (s / temperature for s in self.potentials())
        chain = _Chain(e / temperature, A, start, end, mask)
        _check_possible(chain.log_z())
        return self._as_given(chain.backward()[0].to(e.dtype))

    @torch.no_grad()
    def best_path(self, emissions: Tensor, lengths: Tensor | Sequence[int] | None = None) -> tuple[Tensor, Tensor]:
        """The tagging of highest score, by Viterbi's algorithm: ``(tags (T, B), score (B,))``; tag 0 past each length.

        Raises:
            InputError: besides, a sequence that the rules leave no tagging.
        """
        e, mask = self._masked(emissions, lengths)
        A, start, end = self.potentials()
        T, B, K = e.shape
        best = start + e[0]  # (B, K) score of the best tagging so far that ends in k
        came_from = torch.arange(K, device=e.device).expand(T, B, K).clone()  # past its length a tag comes from itself
        for t in range(1, T):
            score, origin = (best[:, :, None] + A).max(dim=1)
            here = mask[t, :, None]
            best = torch.where(here, score + e[t], best)
            came_from[t] = torch.where(here, origin, came_from[t])
        score, tag = (best + end).max(dim=-1)  # (B,)
        _check_possible(score)
        path = [tag]
        for t in range(T - 1, 0, -1):
            tag = came_from[t].gather(1, tag[:, None]).squeeze(1)
            path.append(tag)
        return self._as_given(torch.stack(path[::-1]).masked_fill(~mask, 0)), score

    def _as_given(self, t: Tensor) -> Tensor:
        """Between what a user holds, (B, T, ...) if `batch_first`, and time first."""
        return t.transpose(0, 1) if self.batch_first else t

    def _masked(self, emissions: Tensor, lengths: Tensor | Sequence[int] | None) -> tuple[Tensor, Tensor]:
        """Emissions (T, B, K) with zeros for padding, and the mask (T, B). Whatever the padding held is gone here."""
        if not isinstance(emissions, Tensor) or not emissions.is_floating_point():
            kind = str(emissions.dtype) if isinstance(emissions, Tensor) else type(emissions).__name__
            raise InputTypeError(f"emissions are {kind}", remedy="give a tensor of floating-point numbers")
        if emissions.ndim != 3 or emissions.shape[-1] != self.num_tags or not emissions.numel():
            wanted = f"({'B, T' if self.batch_first else 'T, B'}, {self.num_tags})"
            raise InputError(f"emissions have shape {tuple(emissions.shape)}, the CRF needs {wanted}, T and B above 0")
        e = self._as_given(emissions).to(torch.promote_types(emissions.dtype, self.transitions.dtype))
        T, B, _ = e.shape
        if lengths is None:
            return e, torch.ones(T, B, dtype=torch.bool, device=e.device)
        mask = within(check_lengths(lengths, T, B), T, device=e.device)
        return torch.where(mask[:, :, None], e, 0.0), mask

    def _score(self, e: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        if not isinstance(tags, Tensor) or tags.is_floating_point() or tags.dtype == torch.bool:
            kind = str(tags.dtype) if isinstance(tags, Tensor) else type(tags).__name__
            raise InputTypeError(f"tags are {kind}", remedy="give a tensor of whole numbers")
        if tags.shape != self._as_given(mask).shape:
            shape = tuple(self._as_given(e).shape)
            raise InputError(f"tags have shape {tuple(tags.shape)}, emissions {shape}")
        tags = torch.where(mask, self._as_given(tags).long(), 0)
        wrong = ((tags < 0) | (tags >= self.num_tags)).nonzero()
        if len(wrong):
            t, b = wrong[0].tolist()
            raise InputError(f"tag {int(tags[t, b])} at step {t} of sequence {b}", remedy=f"0 to {self.num_tags - 1}")
        A, start, end = self.potentials()
        at = e.gather(2, tags[:, :, None]).squeeze(2).masked_fill(~mask, 0.0).sum(0)
        between = A[tags[:-1], tags[1:]].masked_fill(~mask[1:], 0.0).sum(0)
        last = tags.gather(0, mask.sum(0, keepdim=True) - 1).squeeze(0)  # (B,)
        return start[tags[0]] + at + between + end[last]

    def _log_partition(self, e: Tensor, mask: Tensor) -> Tensor:
        log_z: Tensor = _LogPartition.apply(e, *self.potentials(), mask)  # type: ignore[no-untyped-call]
        return log_z

    def extra_repr(self) -> str:
        return f"{self.num_tags}, forbidden={int(self.forbidden.sum())}"


def _check_possible(score: Tensor) -> None:
    """Raises InputError if the best tagging, or all of them together, score -inf."""
    if torch.isneginf(score).any():
        b = int(torch.isneginf(score).nonzero()[0, 0])
        raise InputError(f"the rules leave sequence {b} no tagging", remedy="allow more transitions, starts or ends")


class _Chain:
    """Forward and backward messages of a batch, as probabilities scaled step by step (Rabiner 1989, sec. V.A).

    Each step is one small matrix product, with neither exp nor log in the loop. It runs in float64 whatever the
    emissions are: a tag can then be 700 nats behind its rivals, and still win where they are forbidden to go on.

    Attributes:
        q: (T, B, K) exponential emissions over their largest. P: (K, K) exponential transitions.
        a: (T, B, K) p(y_t = k | x_1 ... x_t) up to the transitions' scale. c: (T, B) what each step was divided by,
            1 past each length.
    """

    def __init__(self, e: Tensor, A: Tensor, start: Tensor, end: Tensor, mask: Tensor) -> None:
        e, A, start, end = (s.double() for s in (e, A, start, end))
        self.mask = mask
        self.top, self.A_top, self.start_top, self.end_top = e.amax(-1), A.max(), start.max(), end.max()
        self.q = torch.exp(e - self.top[:, :, None])
        self.P = torch.exp(A - self.A_top)
        self.last = torch.exp(end - self.end_top)
        a = torch.exp(start - self.start_top) * self.q[0]
        c = a.sum(-1)
        a = a / c[:, None]
        steps, scales = [a], [c]
        for t in range(1, len(e)):
            ahead = (a @ self.P) * self.q[t]
            c = torch.where(mask[t], ahead.sum(-1), 1.0)
            # past its length a sequence stands still
            a = torch.where(mask[t, :, None], ahead / c[:, None], a)
            steps.append(a)
            scales.append(c)
        self.a, self.c = torch.stack(steps), torch.stack(scales)
        self.c_end = a @ self.last  # (B,)

    def log_z(self) -> Tensor:
        """log Z, (B,): every factor that was divided out, put back."""
        moves = self.mask.sum(0) - 1
        tops = (self.top * self.mask).sum(0) + moves * self.A_top + self.start_top + self.end_top
        log_z = self.c.log().sum(0) + self.c_end.log() + tops
        return log_z.masked_fill((self.c == 0).any(0), -torch.inf)  # no tag may go on: what follows is 0 / 0

    def backward(self) -> tuple[Tensor, Tensor]:
        """The messages from behind.

        Returns:
            p(y_t = k | x), (T, B, K), zero past each length; and what the next step hands back, (T - 1, B, K), so
            that p(y_t = i, y_{t+1} = j) = a_t[i] P[i, j] back_t[j].
        """
        b = self.last / self.c_end[:, None]
        messages, handed = [b], []
        backwards = self.P.T.contiguous()
        for t in range(len(self.q) - 1, 0, -1):
            back = self.q[t] * b / self.c[t, :, None]
            handed.append(back)
            b = torch.where(self.mask[t, :, None], back @ backwards, b)
            messages.append(b)
        p = (self.a * torch.stack(messages[::-1])).masked_fill(~self.mask[:, :, None], 0.0)
        return p, torch.stack(handed[::-1]) if handed else p[:0]

    def transitions_taken(self, back: Tensor, weight: Tensor) -> Tensor:
        """Expected number of times each transition is taken, summed over sequences with `weight` (B,): (K, K)."""
        K = self.P.shape[0]
        before = self.a[:-1] * (weight * self.mask[1:])[:, :, None]
        return self.P * (before.reshape(-1, K).T @ back.reshape(-1, K))


class _LogPartition(torch.autograd.Function):
    """log Z with the gradient that forward-backward yields.

    d log Z / d e_t[k] is the marginal p(y_t = k), and d log Z / d A[i, j] the expected count of i followed by j. That
    is one sweep back instead of a tape of every operation of the sweep forth.
    """

    @staticmethod
    def forward(ctx: Any, e: Tensor, A: Tensor, start: Tensor, end: Tensor, mask: Tensor) -> Tensor:
        ctx.chain, ctx.dtype = _Chain(e, A, start, end, mask), e.dtype
        log_z: Tensor = ctx.chain.log_z().to(e.dtype)
        return log_z

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None]:
        chain: _Chain = ctx.chain
        weight = grad.double()
        p, back = chain.backward()
        taken = chain.transitions_taken(back, weight)
        p = p * weight[:, None]
        last = (chain.mask.sum(0) - 1)[None, :, None].expand(1, -1, p.shape[2])
        ends = p.gather(0, last).squeeze(0).sum(0)
        return p.to(ctx.dtype), taken.to(ctx.dtype), p[0].sum(0).to(ctx.dtype), ends.to(ctx.dtype), None
