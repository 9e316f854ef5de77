"""What a text that is read says of what comes next in it: dynamic evaluation, a cache of what was seen, counts.

All are judged as the plain model is: a unit's probability depends on nothing but what is before it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import msgspec
import torch
from torch import Tensor

from elman.config.bounds import Chance, NotNegative, Positive, Share
from elman.models.language_network import LanguageNetwork, detached
from elman.text.running import BEGIN
from elman.text.stream_numbers import Ints

__all__ = ["Adapting", "cached", "dynamic"]

_READ = 64  # steps at a time, beside a cache


class Adapting(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is moved by the text that it is judged on.

    Attributes:
        dynamic: rate at which it learns from each piece of the text once that is judged (dynamic evaluation, Krause et
            al. 2018, with plain gradient descent); 0: it does not.
        dynamic_steps: units of a piece.
        dynamic_decay: share of the way back to what was learned in training, before each piece (their lambda).
        cache: share of the probability that goes to units that followed similar states before (continuous cache, Grave
            et al. 2017, eq. 2-4, their lambda); 0: none.
        cache_theta: how much the more similar states count for more; 0: all alike.
        cache_length: how many of the last states are kept.
        learn: words that are suggested are moved, too: what was typed is counted (`elman.models.typed_counts`).
    """

    dynamic: NotNegative = 0.0
    dynamic_steps: Positive = 20
    dynamic_decay: Share = 0.0
    cache: Chance = 0.0
    cache_theta: NotNegative = 0.3
    cache_length: Positive = 500
    learn: bool = False


def dynamic(model: LanguageNetwork, numbers: Ints, how: Adapting) -> Iterator[Tensor]:
    """ln p of each unit of a text, as `elman.models.text_stream.surprises` gives it, by a copy of the model that learns
    from each piece behind it:

        w <- w - rate * gradient + decay * (w_trained - w)
    """
    model = copy.deepcopy(model).eval()
    weights = [w.requires_grad_() for w in model.parameters()]
    trained = [w.detach().clone() for w in weights]
    state = model.begin(1)
    for a in range(0, len(numbers) - 1, how.dynamic_steps):
        row = torch.from_numpy(numbers[a : a + how.dynamic_steps + 1])[:, None]
        targets = row[1:]
        with torch.enable_grad():
            found, state = model.scored(row[:-1], targets, state)
            real = found[targets != BEGIN]
            gradients: list[Tensor | None] = [None] * len(weights)
            if a + len(row) < len(numbers) and len(real):
                gradients = list(torch.autograd.grad(-real.mean(), weights, allow_unused=True))
        state = detached(state)
        yield real.detach()
        with torch.no_grad():
            for w, first, gradient in zip(weights, trained, gradients):
                if gradient is not None:
                    w += how.dynamic_decay * (first - w) - how.dynamic * gradient


@torch.no_grad()
def cached(model: LanguageNetwork, numbers: Ints, how: Adapting) -> Iterator[Tensor]:
    """ln p of each unit of a text, mixed with that of a cache:

        p(w) = (1 - cache) p_model(w) + cache * sum over i < t of softmax_i(theta h_t h_i) [x_{i+1} = w]

    h is what the last layer gives. Before the first unit the cache is empty, and p is the model's.
    """
    model.eval()
    state = model.begin(1)
    seen, after = model.embedding.weight.new_zeros(0, 0), torch.zeros(0, dtype=torch.int64)
    for a in range(0, len(numbers) - 1, _READ):
        row = torch.from_numpy(numbers[a : a + _READ + 1])
        units, targets = row[:-1], row[1:]
        h, state = model(units[:, None], state)
        own = model.log_probs(h)[:, 0].gather(1, targets[:, None])[:, 0]  # (T,)
        seen = torch.cat([seen.view(-1, h.shape[-1]), h[:, 0]])  # (n + T, width)
        after = torch.cat([after, targets])
        n = len(seen) - len(units)
        age = torch.arange(n, len(seen))[:, None] - torch.arange(len(seen))  # of what is kept, at each step
        kept = (age > 0) & (age <= how.cache_length) & (after != BEGIN)
        scores = (how.cache_theta * (h[:, 0] @ seen.T)).masked_fill(~kept, -torch.inf)
        share = scores.softmax(1).nan_to_num(0.0)  # (T, n + T)
        again = (share * (after == targets[:, None])).sum(1)
        weight = how.cache * kept.any(1)
        found = torch.log((1 - weight) * own.exp() + weight * again)
        yield found[targets != BEGIN]
        seen, after = seen[-how.cache_length :], after[-how.cache_length :]
