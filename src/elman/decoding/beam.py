"""Beam search: the K likeliest beginnings of each row, continued until all K have ended.

A hypothesis that ends keeps its place in the beam (Sutskever, Vinyals and Le 2014, section 3.2). So the search is over
when nothing is live any more, never because the first one has ended: with length normalisation a longer one may still
win. It may be over sooner where a bound shows that no live one can (`elman.decoding.scoring`).

Notation: B rows still searched, K places in the beam, V tokens, C candidates of each hypothesis. All of a step is done
on whole tensors: one `topk` over (B, K * C).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
import torch
from torch import Tensor

from elman.decoding.allowed import banned_table, best_allowed, forced_table, limits_of, repeating
from elman.decoding.hypotheses import Hypothesis, Trace
from elman.decoding.scoring import coverage_penalty, length_penalty, reachable
from elman.decoding.settings import BeamSettings
from elman.decoding.stepper import Stepper, picked, seen
from elman.errors import unknown

__all__ = ["beam"]

S = TypeVar("S")
_DEFAULT = BeamSettings()


@torch.no_grad()
def beam(
    stepper: Stepper[S],
    state: S,
    *,
    rows: int,
    begin: int,
    end: int | None,
    settings: BeamSettings = _DEFAULT,
    prefix: Sequence[Sequence[int]] | None = None,
    max_lengths: Tensor | Sequence[int] | None = None,
    lengths: Tensor | None = None,
    looks: bool = False,
    device: torch.device | str = "cpu",
    **options: Any,
) -> list[list[Hypothesis]]:
    """The best sequences of each row, best first.

    Args:
        stepper: the model.
        state: before the first token, of `rows` rows.
        begin: the token that it reads first.
        end: the token that ends a sequence; None where none does: all are cut at their greatest length.
        settings: how it is searched; `options` are its fields and take their place, ``size=10`` say.
        prefix: tokens that each row must begin with; they count as tokens of the hypothesis.
        max_lengths: (rows,), tokens before the end, at most, in place of `settings.max_length`.
        lengths: (rows,), how many of the S columns of the model's attention are a row's own; the coverage penalty
            asks. None: all.
        looks: keep what the model looked at, see `Hypothesis.looks`.
        device: where its tokens are expected.

    Returns:
        a list of at most `nbest` for each row, at least one, without doubles, by score. All have ended, if need be at
        their greatest length, where the end is the only token left; its likelihood counts there as anywhere, so that
        sentences cut short do not outdo whole ones. Only what could not end, the end itself being impossible or none,
        stands behind them.

    Raises:
        InputError: settings or arguments that make no sense, or a model that returns no log-probabilities.
    """
    search = _Search(stepper, rows, end, _settled(settings, options), prefix, max_lengths, lengths, looks, device)
    return search.run(state, begin)


def _settled(settings: BeamSettings, options: dict[str, Any]) -> BeamSettings:
    for name in options:
        if name not in BeamSettings.__struct_fields__:
            raise unknown("option", name, BeamSettings.__struct_fields__, where="beam")
    settings = msgspec.structs.replace(settings, **options)
    settings.check()
    return settings


class _Search:
    """What is known of the rows that are still searched, after each step."""

    def __init__(
        self,
        stepper: Stepper[Any],
        rows: int,
        end: int | None,
        settings: BeamSettings,
        prefix: Sequence[Sequence[int]] | None,
        max_lengths: Tensor | Sequence[int] | None,
        lengths: Tensor | None,
        looks: bool,
        device: torch.device | str,
    ) -> None:
        self.stepper, self.rows, self.end, self.settings = stepper, rows, end, settings
        self.device = torch.device(device)
        self.limits = limits_of(max_lengths, rows, settings.max_length, self.device)
        self.forced = forced_table(prefix, rows, end, self.limits)
        self.lengths, self.looks = lengths, looks
        self.banned: Tensor | None = None  # the vocabulary's size is known after the first step
        self.trace = Trace(rows)
        self.active = torch.arange(rows, device=self.device)  # (B,)
        self.scores = torch.zeros(rows, 1, dtype=torch.float64, device=self.device)  # (B, k), -inf: none is there
        self.ended = self.scores.new_full((rows, settings.size), -torch.inf)  # (B, K), scores of those that have
        self.taken = torch.zeros(rows, dtype=torch.long, device=self.device)  # (B,) places of the beam that they keep
        self.covered: Tensor | None = None  # (B * k, S)
        self.history = self.active.new_empty(rows, 0)  # (B * k, t), where repeats are to be seen
        self.found: list[tuple[Tensor, ...]] = []

    def run(self, state: Any, begin: int) -> list[list[Hypothesis]]:
        tokens = torch.full((self.rows,), begin, device=self.device)
        t = 0
        while len(self.active):
            log_probs, state = self.stepper.step(tokens, state)
            look = seen(self.stepper, state) if self.looks or self.settings.coverage else None
            tokens, came = self._advance(log_probs, look, t)
            if len(self.active):
                state = picked(self.stepper, state, came, len(log_probs))
            t += 1
        return self._best()

    def _advance(self, log_probs: Tensor, look: Tensor | None, t: int) -> tuple[Tensor, Tensor]:
        """Token t of every hypothesis: (tokens to read next, the rows of the state that they continue)."""
        K, (B, k) = self.settings.size, self.scores.shape
        values, ids = self._candidates(log_probs, t)  # (B * k, C)
        C = values.shape[1]
        totals = (self.scores[:, :, None] + values.view(B, k, C)).flatten(1)
        best, at = totals.topk(min(K, k * C), dim=1)  # (B, K), the best first
        if best.shape[1] < K:
            missing = (0, K - best.shape[1])
            best, at = torch.nn.functional.pad(best, missing, value=-torch.inf), torch.nn.functional.pad(at, missing)
        parent, token = at // C, ids.view(B, k * C).gather(1, at)
        self.trace.add(self.active, parent, token, values.view(B, k * C).gather(1, at), look if self.looks else None)

        place = torch.arange(K, device=self.device)
        lives = (best > -torch.inf) & (place < K - self.taken[:, None])
        ends = lives & (token == self.end) if self.end is not None else torch.zeros_like(lives)
        first = torch.arange(B, device=self.device)[:, None] * k  # of each row's k hypotheses
        before, self.covered = self.covered, self._cover(look)
        self._keep_ended(ends, best, first + parent, t)
        stuck = ~lives.any(1) | (self.limits[self.active] == t)
        self._keep_cut(stuck, ends, parent, before, t)

        lives &= ~ends & ~stuck[:, None]
        self.scores = best.masked_fill(~lives, -torch.inf)
        going = lives.any(1) & ~self._decided(t)
        came = (first + torch.where(lives, parent, place.clamp(max=k - 1)))[going].flatten()
        tokens = token[going].flatten()
        if self.settings.no_repeat_ngram:
            self.history = torch.cat([self.history[came], tokens[:, None]], dim=1)
        self.covered = self.covered[came] if self.covered is not None else None
        self.active, self.scores = self.active[going], self.scores[going]
        self.ended, self.taken = self.ended[going], self.taken[going]
        return tokens, came

    def _candidates(self, log_probs: Tensor, t: int) -> tuple[Tensor, Tensor]:
        settings, (B, k) = self.settings, self.scores.shape
        if self.banned is None:
            self.banned = banned_table(settings.banned, self.end, log_probs.shape[-1], log_probs.device)
        return best_allowed(
            log_probs,
            B * k,
            settings.size,
            self.banned,
            self.end if t < settings.min_length else None,
            repeating(self.history, settings.no_repeat_ngram) if settings.no_repeat_ngram else None,
            self._wanted(t, k),
        )

    def _wanted(self, t: int, k: int) -> Tensor | None:
        """(B * k,), the one token that each hypothesis may have now, -1 where it is free: of its forced beginning, or
        the end, at the greatest length."""
        last = self.limits[self.active] == t
        ends = self.end is not None and bool(last.any())
        if t >= self.forced.shape[1] and not ends:
            return None
        wanted = self.forced[self.active, t] if t < self.forced.shape[1] else torch.full_like(self.active, -1)
        if self.end is not None:
            wanted = wanted.masked_fill(last, self.end)
        return wanted.repeat_interleave(k)

    def _cover(self, look: Tensor | None) -> Tensor | None:
        if not self.settings.coverage or look is None:
            return None
        return look if self.covered is None else self.covered + look

    def _penalty(self, covered: Tensor | None, at: Tensor) -> Tensor | float:
        """The coverage penalty of the hypotheses whose sums are in these rows of `covered`; of the shape of `at`."""
        if not self.settings.coverage or covered is None:
            return 0.0
        own = None if self.lengths is None else self.lengths.to(at.device)[self.active]
        own = None if own is None else own[:, None].expand_as(at).flatten()
        return coverage_penalty(covered[at.flatten()], own, self.settings.coverage).view_as(at)

    def _keep_ended(self, ends: Tensor, best: Tensor, came: Tensor, t: int) -> None:
        if not bool(ends.any()):
            return
        length = torch.full((1,), t + 1, device=self.device)
        score = best / length_penalty(length, self.settings) + self._penalty(self.covered, came)
        score = score.masked_fill(~ends, -torch.inf)
        self.ended = torch.cat([self.ended, score], dim=1).topk(self.settings.size, dim=1).values
        self.taken = self.taken + ends.sum(1)
        self._keep(ends, score, t, True)

    def _keep_cut(self, stuck: Tensor, ends: Tensor, parent: Tensor, covered: Tensor | None, t: int) -> None:
        """Where it cannot go on, what there was before this step; what ended in it is there already."""
        B, k = self.scores.shape
        cut = (self.scores > -torch.inf) & stuck[:, None]
        if not bool(cut.any()):
            return
        over = torch.zeros(B, k, dtype=torch.long, device=self.device).scatter_add_(1, parent, ends.long())
        length = torch.full((1,), t, device=self.device)
        at = torch.arange(B * k, device=self.device).view(B, k)
        score = self.scores / length_penalty(length, self.settings) + self._penalty(covered, at)
        self._keep(cut & (over == 0), score, t - 1, False)

    def _keep(self, which: Tensor, score: Tensor, step: int, ended: bool) -> None:
        b, slot = which.nonzero().unbind(1)
        self.found.append((self.active[b], torch.full_like(b, step), slot, torch.full_like(b, ended), score[b, slot]))

    def _decided(self, t: int) -> Tensor:
        """(B,), whether no live hypothesis can be among the nbest."""
        enough = self.ended[:, self.settings.nbest - 1]
        if not self.settings.early_stop or not bool((enough > -torch.inf).any()):
            return torch.zeros_like(enough, dtype=torch.bool)
        latest = self.limits[self.active] + 1
        return reachable(self.scores.amax(1), t + 2, latest, self.settings) <= enough

    def _best(self) -> list[list[Hypothesis]]:
        """The nbest of each row: those that have ended by score, then those that were cut."""
        answers: list[list[Hypothesis]] = [[] for _ in range(self.rows)]
        if not self.found:
            return answers
        row, step, slot, ended, score = (torch.cat(parts).cpu().numpy() for parts in zip(*self.found, strict=True))
        order = np.lexsort((-score, -ended, row))  # by row, then those that ended, then score; stable
        rank = np.arange(len(order)) - np.searchsorted(row[order], row[order])
        order = order[rank < self.settings.nbest]
        read = self.trace.read(row[order], step[order], slot[order], ended[order] > 0, score[order])
        for b, hypothesis in zip(row[order].tolist(), read, strict=True):
            answers[b].append(hypothesis)
        return answers
