"""Sampling: tokens drawn from the model's own distribution, sharpened or cut where that is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman.decoding.allowed import banned_table, limits_of
from elman.decoding.alone import Choice, alone, check_largest, chosen, reader
from elman.decoding.hypotheses import Hypothesis
from elman.decoding.rollout import rollout
from elman.decoding.settings import SampleSettings
from elman.decoding.stepper import Stepper, check_best
from elman.errors import InputError, unknown

__all__ = ["sample"]

S = TypeVar("S")
_DEFAULT = SampleSettings()
_BLOCK = 16  # steps whose chance is drawn at once


def sample(
    stepper: Stepper[S],
    state: S,
    *,
    rows: int,
    generators: Sequence[torch.Generator],
    begin: int,
    end: int | None,
    settings: SampleSettings = _DEFAULT,
    max_lengths: Tensor | Sequence[int] | None = None,
    looks: bool = False,
    device: torch.device | str = "cpu",
    **options: Any,
) -> list[list[Hypothesis]]:
    """Sequences drawn at random, `num` of each row.

    Args:
        generators: one a row, on the processor: what a row draws does not depend on the rows beside it.
        settings: how they are drawn; `options` are its fields and take their place, ``temperature=0.8`` say.

    Other arguments as `elman.decoding.beam` has them.

    Returns:
        `num` hypotheses a row, in the order in which they were drawn. Probabilities are the model's, before
        temperature and cuts; scores are their logarithms.

    Raises:
        InputError: as `beam`; or not one generator a row.
    """
    for name in options:
        if name not in SampleSettings.__struct_fields__:
            raise unknown("option", name, SampleSettings.__struct_fields__, where="sample")
    settings = msgspec.structs.replace(settings, **options)
    settings.check()
    if len(generators) != rows or len({id(generator) for generator in generators}) != rows:
        raise InputError(f"{len(generators)} generators for {rows} rows", remedy="give each row one of its own")
    num, where = settings.num, torch.device(device)
    if rows == num == 1 and not looks and where.type == "cpu":
        most = int(limits_of(max_lengths, rows, settings.max_length, where))
        return [[_alone(stepper, state, settings, generators[0], begin, end, most)]]
    chance: list[Tensor] = []  # (rows * num,) a step
    banned: list[Tensor] = []

    def choose(log_probs: Tensor, active: Tensor, t: int) -> tuple[Tensor, Tensor]:
        if not banned:
            banned.append(banned_table(settings.banned, end, log_probs.shape[1], log_probs.device))
        if t == len(chance):
            blocks = [torch.rand(_BLOCK, num, generator=g, dtype=torch.float64) for g in generators]
            chance.extend(torch.cat(blocks, dim=1).to(where))
        check_best(log_probs.amax(1))
        allowed = log_probs.double().masked_fill(banned[0], -torch.inf)
        if end is not None and t < settings.min_length:
            allowed[:, end] = -torch.inf
        tokens = drawn(allowed, chance[t][active], settings)
        # of a row that may have no token at all, what is drawn has a probability of 0, and ends it
        return allowed.gather(1, tokens[:, None])[:, 0].clamp(max=0), tokens

    limits = limits_of(max_lengths, rows, settings.max_length, where).repeat_interleave(num)
    if num > 1:
        state = stepper.select(state, torch.arange(rows, device=where).repeat_interleave(num))
    found = rollout(stepper, state, choose, begin=begin, end=end, limits=limits, looks=looks)
    return [found[row * num : (row + 1) * num] for row in range(rows)]


@torch.no_grad()
def _alone(
    stepper: Stepper[S], state: S, settings: SampleSettings, generator: torch.Generator, begin: int, end: int | None,
    most: int,
) -> Hypothesis:  # fmt: skip
    """The same for one row: what it would draw among many."""
    read = reader(stepper, state)
    uncut = not settings.top_k and settings.top_p == 1
    if uncut and (draw := getattr(read, "draw", None)) is not None:
        return alone(_many(read, draw, settings, generator, begin, end, most), end, most)
    return alone(chosen(read, _choice(settings, generator, end), begin), end, most)


def _chances(generator: torch.Generator) -> list[float]:
    chances: list[float] = torch.rand(_BLOCK, 1, generator=generator, dtype=torch.float64)[:, 0].tolist()
    return chances


def _banned(settings: SampleSettings, end: int | None, V: int) -> NDArray[np.int64]:
    return np.flatnonzero(banned_table(settings.banned, end, V, torch.device("cpu")).numpy())


def _many(
    read: Any, draw: Callable[..., tuple[list[int], list[float]] | None], settings: SampleSettings,
    generator: torch.Generator, begin: int, end: int | None, most: int,
) -> Iterator[tuple[float, int]]:  # fmt: skip
    """Log-probabilities and tokens where the model draws several at a time."""
    token, t, banned = begin, 0, _banned(settings, end, read.vocabulary)
    while True:
        chances = _chances(generator)[: most + (end is not None) - t]
        found = draw(token, chances, settings.temperature, banned, end, max(0, settings.min_length - t))
        if found is None:
            check_best(torch.tensor([torch.nan]))
            return
        tokens, values = found
        yield from zip(values, tokens, strict=True)
        token, t = tokens[-1], t + len(tokens)


def _choice(settings: SampleSettings, generator: torch.Generator, end: int | None) -> Choice:
    """What draws a token."""
    banned: list[NDArray[np.int64]] = []
    chances: list[float] = []  # of one step each

    def choose(log_probs: NDArray[np.float64], t: int) -> tuple[float, int]:
        if not banned:
            banned.append(_banned(settings, end, len(log_probs)))
        if t == len(chances):
            chances.extend(_chances(generator))
        check_largest(log_probs)
        log_probs[banned[0]] = -np.inf
        if end is not None and t < settings.min_length:
            log_probs[end] = -np.inf
        token = drawn_alone(log_probs, chances[t], settings)
        return min(float(log_probs[token]), 0.0), token

    return choose


def drawn_alone(log_probs: NDArray[np.float64], chance: float, settings: SampleSettings) -> int:
    """`drawn` of one row (V,), to the last bit; any token where all are impossible."""
    own, ids = torch.from_numpy(log_probs), None
    if settings.top_k or settings.top_p < 1:
        own, order = own.topk(min(settings.top_k or len(own), len(own)))
        ids = order.numpy()
    p = (own / settings.temperature).softmax(0).numpy()  # (C,)
    if settings.top_p < 1:
        p[p.cumsum() - p >= settings.top_p] = 0
    below = p.cumsum()
    at = min(int(below.searchsorted(below[-1] * min(chance, 1 - 1e-12), "right")), len(p) - 1)
    return at if ids is None else int(ids[at])


def drawn(log_probs: Tensor, chance: Tensor, settings: SampleSettings) -> Tensor:
    """A token for each row, by the inverse of its distribution function.

    Args:
        log_probs: (N, V), float64.
        chance: (N,), from 0 to below 1.

    Returns:
        (N,).
    """
    ids = None
    if settings.top_k or settings.top_p < 1:
        V = log_probs.shape[1]
        log_probs, ids = log_probs.topk(min(settings.top_k or V, V), dim=1)  # the likeliest first
    p = (log_probs / settings.temperature).softmax(1).nan_to_num(0)  # (N, C)
    if settings.top_p < 1:
        p = p.masked_fill(p.cumsum(1) - p >= settings.top_p, 0)
    below = p.cumsum(1)
    # strictly below the whole, however it was rounded: only a token of probability above 0 is drawn
    u = below[:, -1:] * chance[:, None].clamp(max=1 - 1e-12)
    at = torch.searchsorted(below, u, right=True).clamp(max=p.shape[1] - 1)
    return (at if ids is None else ids.gather(1, at))[:, 0]
