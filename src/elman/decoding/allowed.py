"""Which tokens may come next: the likeliest of those that no rule forbids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from elman.decoding.stepper import check_best, check_shape
from elman.errors import InputError

__all__ = ["banned_table", "best_allowed", "forced_table", "limits_of", "repeating"]


def banned_table(banned: Iterable[int], end: int | None, V: int, device: torch.device) -> Tensor:
    """(V,) bool, True at tokens that are never predicted.

    Raises:
        InputError: one that the vocabulary of V does not have, or the end.
    """
    table = torch.zeros(V, dtype=torch.bool, device=device)
    for token in banned:
        if not 0 <= token < V:
            raise InputError(f"token {token} is banned", remedy=f"the model's tokens are 0 to {V - 1}")
        if token == end:
            raise InputError(f"token {token} is both banned and the end", remedy="bound the length by max_length alone")
        table[token] = True
    return table


def forced_table(prefix: Sequence[Sequence[int]] | None, rows: int, end: int | None, limits: Tensor) -> Tensor:
    """(rows, P), the tokens that each row must begin with, -1 where it is free.

    Raises:
        InputError: not a list a row, one that is longer than it may be, or that holds the end or no token.
    """
    if prefix is None:
        return limits.new_empty(rows, 0)
    if len(prefix) != rows:
        raise InputError(f"forced beginnings of {len(prefix)} rows", remedy=f"give one for each of {rows}, if empty")
    table = limits.new_full((rows, max(map(len, prefix), default=0)), -1)
    for row, (tokens, most) in enumerate(zip(prefix, limits.tolist(), strict=True)):
        given = [int(token) for token in tokens]
        if len(given) > most:
            raise InputError(f"a forced beginning of {len(given)} tokens", where=f"row {row}", remedy=f"at most {most}")
        if end in given or min(given, default=0) < 0:
            what = "the end" if end in given else "a token below 0"
            raise InputError(f"{what} is in the forced beginning", where=f"row {row}", remedy="leave it out")
        table[row, : len(given)] = limits.new_tensor(given)
    return table


def limits_of(max_lengths: Tensor | Sequence[int] | None, rows: int, most: int, device: torch.device) -> Tensor:
    """(rows,) the tokens that each row may have.

    Raises:
        InputError: not a whole number of at least 0 for each row.
    """
    if max_lengths is None:
        return torch.full((rows,), most, device=device)
    given = torch.as_tensor(max_lengths, device=device)
    if given.shape != (rows,) or given.is_floating_point() or (rows and int(given.min()) < 0):
        raise InputError("max_lengths are no lengths", remedy=f"give {rows} whole numbers, at least 0")
    return given.long()


def repeating(history: Tensor, n: int) -> Tensor:
    """The tokens that would make the last n - 1 and themselves an n-gram that was there before.

    Args:
        history: (N, t), the tokens of each hypothesis.

    Returns:
        (N, M), -1 where there is none; M is what the row with the most of them needs.
    """
    N, t = history.shape
    if t < n:
        return history.new_empty(N, 0)
    windows = history.unfold(1, n, 1)  # (N, t - n + 1, n): every n-gram so far
    again = (windows[:, :, : n - 1] == history[:, None, t - n + 1 :]).all(2)
    most = int(again.sum(1).max()) if N else 0
    return windows[:, :, n - 1].masked_fill(~again, -1).topk(most, dim=1).values


def best_allowed(
    log_probs: Tensor,
    N: int,
    count: int,
    banned: Tensor,
    barred: int | None,
    repeats: Tensor | None,
    forced: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """The `count` likeliest tokens of each row, -inf at those that a rule forbids.

    Nothing of size (N, V) is copied or written to: so many more are taken as may be forbidden.

    Args:
        log_probs: (N, V).
        N: how many rows there should be.
        banned: (V,) bool.
        barred: one more token that is forbidden now, the end of a hypothesis that is too short.
        repeats: (N, M), further ones of each row; -1 is none.
        forced: (N,), the one token that a row may have; -1 leaves it free. It may be one that is forbidden else.

    Returns:
        log-probabilities (N, C) in float64 and tokens (N, C), C of at least `count` where V is, the best first.

    Raises:
        InputError: the model returned no log-probabilities of N rows, or does not know a forced token.
    """
    check_shape(log_probs, N)
    V = log_probs.shape[1]
    spare = int(banned.sum()) + (barred is not None) + (repeats.shape[1] if repeats is not None else 0)
    best, tokens = log_probs.topk(min(V, count + spare), dim=1)
    check_best(best[:, 0])
    forbidden = banned[tokens]
    if barred is not None:
        forbidden |= tokens == barred
    if repeats is not None and repeats.shape[1]:
        forbidden |= (tokens[:, :, None] == repeats[:, None, :]).any(2)
    values = best.double().clamp(max=0).masked_fill(forbidden, -torch.inf)
    if forced is not None and bool((forced >= 0).any()):
        is_forced, wanted = forced >= 0, forced.clamp(min=0)[:, None]
        if int(wanted.max()) >= V:
            raise InputError(f"token {int(wanted.max())} is forced", remedy=f"the model's tokens are 0 to {V - 1}")
        values = values.masked_fill(is_forced[:, None], -torch.inf)
        values[:, :1] = torch.where(
            is_forced[:, None], log_probs.gather(1, wanted).double().clamp(max=0), values[:, :1]
        )
        tokens[:, :1] = torch.where(is_forced[:, None], wanted, tokens[:, :1])
    return values, tokens
