"""What makes answers true: the temperature of probabilities, and how readily a tagger gives entities."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from elman.data.entities import entity_scores
from elman.models.heads import SOFTMAX, Head
from elman.models.tag_names import TagNames
from elman.models.tagger import TaggerModel
from elman.sequences import within

__all__ = ["best_temperature", "best_threshold", "class_temperature", "rest_of_prior"]

_LOOSE = 0.5  # standard deviation of the logarithm of a temperature, before any example is seen


def best_threshold(
    model: TaggerModel,
    names: TagNames,
    batches: Sequence[tuple[list[int], Tensor, Tensor]],
    gold: Sequence[Sequence[str]],
) -> float:
    """How many nats less likely than none an entity may be and still be given: what is best for F1 in validation.

    The likeliest tagging makes the fewest mistakes, not the best F1: where entities are rare and unlike those of
    training, it misses far more of them than it invents (Lipton et al. 2014, on such thresholds).

    Args:
        batches: which sentences, emissions (T, B, K), lengths (B,).
        gold: the tags of every sentence, as the user wrote them.

    Returns:
        0 to 4 in steps of a half; the least of equally good ones.
    """
    found: dict[float, float] = {}
    for threshold in np.arange(0, 4.5, 0.5).tolist():
        predicted: list[list[str]] = [[] for _ in gold]
        for picks, e, lengths in batches:
            best = model.decode(e, lengths, names.favour(threshold))
            for b, i in enumerate(picks):
                predicted[i] = names.outwards(best[: len(gold[i]), b].tolist())
        found[threshold] = entity_scores(gold, predicted)["all"]["f1"]
    return max(found, key=lambda threshold: (found[threshold], -threshold))


def best_temperature(model: TaggerModel, batches: Sequence[tuple[Tensor, Tensor, Tensor]]) -> float:
    """The temperature at which the stated probabilities of validation tags are likeliest (Guo et al. 2017, sec. 4.2).

    Args:
        batches: emissions (T, B, K), lengths (B,), tags (T, B), -1 for a tag without a number.

    Returns:
        Between 0.2 and 5, to within a thousandth; sought on its logarithm, where the likelihood has one peak.
    """
    from scipy.optimize import minimize_scalar

    def nll(log_t: float) -> float:
        total = 0.0
        for e, lengths, tags in batches:
            p = model.probabilities(e, lengths, math.exp(log_t))
            known = (tags >= 0) & within(lengths, len(tags))
            chosen = p.gather(2, tags.clamp_min(0)[:, :, None]).squeeze(2)[known]
            total -= float(chosen.clamp_min(1e-12).log().sum())
        return total

    found = minimize_scalar(nll, bounds=(math.log(0.2), math.log(5.0)), method="bounded", options={"xatol": 1e-3})
    return math.exp(found.x)


def class_temperature(
    scores: np.ndarray, y: np.ndarray, head: Head = SOFTMAX, prior: np.ndarray | None = None, listened: float = 1.0
) -> float:
    """The temperature at which the classes of held-out examples are likeliest (Guo et al. 2017, sec. 4.2).

    It scales what is known of an example beyond the prior, ``prior + (scores - prior) / t``: scores that are worth
    nothing come down to the prior, and not to all classes alike.

    Args:
        scores: (N, K). y: (N,) class indices, below 0 where the class is none of the K; or what else the head says.
        prior: (K,), see `Head.prior`; None: all classes alike.
        listened: see `rest_of_prior`.

    Returns:
        Between 0.2 and 25. A few examples say little of it: its logarithm is drawn towards 0, as if it were normal with
        a standard deviation of 0.5 (the maximum of its posterior); 1 without any.
    """
    from scipy.optimize import minimize_scalar

    known, base = head.known(y), np.zeros(scores.shape[1]) if prior is None else prior
    if not len(known):
        return 1.0

    def cost(log_t: float) -> float:
        t = math.exp(log_t)
        likelihood, _ = head.likelihood(scores[known] / t + rest_of_prior(base, listened, t), y[known])
        return float(log_t**2 / (2 * _LOOSE**2) - likelihood)

    found = minimize_scalar(cost, bounds=(math.log(0.2), math.log(25.0)), method="bounded", options={"xatol": 1e-3})
    return math.exp(found.x)


def rest_of_prior(prior: np.ndarray, listened: float, temperature: float) -> np.ndarray:
    """(K,) what is added to scores that were divided by a temperature: as much of the prior as they lack.

    Args:
        listened: what the parts of the scores count together, each of which was learned where the prior holds; see
            `elman.models.stacking.best_mix`.
    """
    return (1 - listened / temperature) * prior
