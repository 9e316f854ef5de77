"""A linear model of n-grams fitted by itself, and how much it counts beside the networks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from elman.models.heads import SOFTMAX, Head
from elman.models.ngram_rows import NgramRows
from elman.text.corpus import Corpus

__all__ = ["best_mix", "fit_wide", "some_rows"]

_STRENGTHS = (1.0, 3.0, 10.0, 30.0)  # of C, least regularised last
_USUAL = 3.0
_TOKENS = 1_500_000
_LOOSE = 0.5  # standard deviation of either share of a mix around a half, before any example is seen


class Some(NamedTuple):
    """Texts, and their places among all."""

    texts: Corpus
    places: np.ndarray


def some_rows(tokens: Sequence[Sequence[str]], y: np.ndarray, head: Head) -> Some:
    """Training texts for `fit_wide`: all; of very many evenly spread ones, whose n-grams take some 300 MB, and with
    them every class."""
    texts = Corpus.of(tokens)
    places = texts.sample(_TOKENS)
    if len(places) < len(texts):
        places = np.union1d(places, head.rows_first(y))
        texts = texts.take(places)
    return Some(texts, places)


def fit_wide(
    into: nn.Linear,
    rows: NgramRows,
    y: np.ndarray,
    held: tuple[NgramRows, np.ndarray] | None,
    head: Head = SOFTMAX,
    weights: np.ndarray | None = None,
) -> float:
    """Fit a linear model of n-grams, see `elman.models.linear.fit_linear`, and put it into a layer.

    Args:
        into: (n features -> K classes).
        rows, y: N of features and of class numbers, or what else the head says.
        held: further ones, to choose how strongly it is regularised, by their likelihood; None: C = 3.
        weights: what rows count, see `Head.row_weights`; None: all alike.

    Returns:
        The chosen C.
    """
    x, best, kept = rows.to_scipy(), math.inf, 0.0
    for C in _STRENGTHS if held is not None else (_USUAL,):
        W, b = head.linear(x, y, C, into.out_features, weights)
        cost = 0.0 if held is None else head.nll(held[0].to_scipy() @ W.T + b, held[1])
        if cost >= best:
            break  # along C the likelihood of others has one peak
        best, kept = cost, C
        with torch.no_grad():
            into.weight.copy_(torch.from_numpy(W))
            into.bias.copy_(torch.from_numpy(b))
    return kept


def best_mix(
    parts: Tensor, y: np.ndarray, head: Head = SOFTMAX, prior: np.ndarray | None = None
) -> tuple[float, float]:
    """How much the networks and the linear model count where held-out classes are likeliest; temperature and all.

    What they do not count the prior does, ``prior + a (s - prior) + b (l - prior)``: three opinions pooled by weights
    that sum to one (Genest & Zidek 1986, section 3), one of which knows nothing of an example.

    Args:
        parts: (2, N, K), see `Committee.parts`.
        y: (N,), below 0 where the class is none of the K; or what else the head says.
        prior: (K,), see `Head.prior`; None: all classes alike.

    Returns:
        Both at least 0; a few examples say little, and both are drawn towards a half then.
    """
    from scipy.optimize import minimize

    known = head.known(y)
    networks, linear = parts[:, torch.from_numpy(known)].double().numpy()

    def cost(mix: np.ndarray) -> float:
        pooled = mix[0] * networks + mix[1] * linear + (1 - mix.sum()) * (0 if prior is None else prior)
        likelihood, _ = head.likelihood(pooled, y[known])
        return float(((mix - 0.5) ** 2).sum() / (2 * _LOOSE**2) - likelihood)

    found = minimize(cost, np.array([0.5, 0.5]), bounds=[(0.0, 5.0)] * 2, method="L-BFGS-B").x
    return float(found[0]), float(found[1])
