"""The scores of many examples at once, and the linear model of n-grams that has a say in them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from elman.models.classifier import SequenceClassifier
from elman.models.committee import Committee
from elman.models.encoding import Examples
from elman.models.heads import Head
from elman.models.ngram_rows import NgramRows
from elman.models.stacking import fit_wide, some_rows
from elman.tasks.batches import at_once
from elman.text.ngrams import NgramFeatures

__all__ = ["fit_beside", "predict_parts", "predict_scores", "what_rows_count"]


@torch.no_grad()
def predict_scores(model: SequenceClassifier | Committee, examples: Examples, networks: bool = False) -> Tensor:
    """(N, K) scores in float64 on the processor, in the order of the examples; batches are of similar length.

    Args:
        networks: of a committee those of its networks, without the linear model beside them.
    """
    ask = model.of_networks if networks and isinstance(model, Committee) else model
    out: Tensor | None = None
    for picks, batch in at_once(model, examples):
        scores = ask(batch.sequences.data, batch.lengths, batch.ngrams).cpu().double()
        out = scores.new_zeros(len(examples), scores.shape[1]) if out is None else out
        out[picks] = scores
    assert out is not None
    return out


@torch.no_grad()
def predict_parts(model: Committee, examples: Examples) -> Tensor:
    """(2, N, K) what a committee with a linear model weighs, see `Committee.parts`."""
    out = torch.zeros(2, len(examples), model.classes)
    for picks, batch in at_once(model, examples):
        assert batch.ngrams is not None
        out[:, picks] = model.parts(batch.sequences.data, batch.lengths, batch.ngrams).cpu()
    return out


def fit_beside(
    into: nn.Linear,
    train: Examples,
    valid: Examples | None,
    features: NgramFeatures,
    head: Head,
    weights: np.ndarray | None,
) -> None:
    """Fit the linear model beside the networks, on its own; see `elman.models.stacking.fit_wide`.

    Args:
        valid: to choose how strongly it is regularised.
        weights: see `what_rows_count`.
    """
    assert train.y is not None
    held = None if valid is None or valid.ngrams is None or valid.y is None else (valid.ngrams, valid.y.numpy())
    y = train.y.numpy()
    some = some_rows(train.tokens, y, head)
    count = None if weights is None else weights[some.places]
    fit_wide(into, NgramRows.of(features, some.texts), y[some.places], held, head, count)


def what_rows_count(train: Examples, classes: int, head: Head, weights: Tensor | None) -> np.ndarray | None:
    """What examples count, see `Head.row_weights`; None: all alike.

    Args:
        weights: (K,) of the classes, see `LossSettings.weights`; None: all alike.
    """
    assert train.y is not None
    if weights is None and train.weights is None:
        return None
    rows = np.ones(len(train)) if train.weights is None else train.weights.numpy()
    return head.row_weights(train.y.numpy(), rows, np.ones(classes) if weights is None else weights.numpy())
