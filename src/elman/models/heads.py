"""What K scores mean: one class out of K, or K labels, each there or not.

Whatever depends on it asks the head: the loss, the probabilities, how members of a committee are put together, how
likely held-out labels are, and which linear model is fitted beside or against a network.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.models.linear import Chosen, choose_linear, coefficients, fit_linear
from elman.models.linear_sets import best_threshold, choose_linear_sets, fit_linear_sets

__all__ = ["HEADS", "SIGMOID", "SOFTMAX", "Head"]


class Head(ABC):
    """y of B examples is what the head says: see `Softmax` and `Sigmoid`.

    Attributes:
        name: in model.json.
    """

    name: ClassVar[str]

    @abstractmethod
    def log_probabilities(self, scores: Tensor) -> Tensor:
        """(..., K) of scores (..., K)."""

    @abstractmethod
    def normalised(self, scores: Tensor) -> Tensor:
        """Scores of the same probabilities, beside which those of other classes can be set."""

    @abstractmethod
    def probabilities(self, scores: Tensor) -> Tensor:
        """(..., K) of scores (..., K)."""

    @abstractmethod
    def together(self, scores: Tensor) -> Tensor:
        """(k, B, K) scores of k members -> (B, K): those of the mean of their probabilities."""

    @abstractmethod
    def begin(self, out: nn.Linear, y: Tensor) -> None:
        """Set the last layer to where training on y had better begin."""

    @abstractmethod
    def balanced(self, y: Tensor, classes: int, weights: Tensor | None) -> Tensor:
        """(K,) class weights that make up for how rare a class is; `weights` (N,) of the examples."""

    @abstractmethod
    def prior(self, y: np.ndarray, classes: int, weights: np.ndarray | None = None) -> np.ndarray:
        """(K,) scores of the answer that looks at no example: how frequent the classes of these are, as if each had
        been met half a time more.

        Args:
            weights: what rows count, see `row_weights`; None: all alike.
        """

    @abstractmethod
    def loss(
        self, scores: Tensor, y: Tensor, classes: Tensor | None, smoothing: float, examples: Tensor | None
    ) -> Tensor:
        """The mean loss of a batch.

        Args:
            scores: (B, K).
            classes: (K,) what each class weighs, or None.
            smoothing: that share of the target probability is spread evenly.
            examples: (B,) what each example weighs, or None.
        """

    @abstractmethod
    def likelihood(self, scores: np.ndarray, y: np.ndarray) -> tuple[float, int]:
        """The log-likelihood of what is known of N examples, summed, and of how many answers."""

    def nll(self, scores: np.ndarray, y: np.ndarray) -> float:
        """The same as a mean of an answer, with its sign changed; 0 where nothing is known."""
        total, count = self.likelihood(scores, y)
        return -total / count if count else 0.0

    @abstractmethod
    def known(self, y: np.ndarray) -> np.ndarray:
        """Indices of the examples of which something is known."""

    @abstractmethod
    def rows_first(self, y: np.ndarray) -> np.ndarray:
        """Indices of some examples that show every class, so that a part of the rows lacks none."""

    @abstractmethod
    def threshold(self, probabilities: np.ndarray, y: np.ndarray) -> float:
        """From which probability a label is given, as held-out examples have it."""

    @abstractmethod
    def linear(
        self, x: Any, y: np.ndarray, C: float, classes: int, weights: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """(K, n) and (K,) of a linear model that gives scores of the same meaning; weights as of `row_weights`."""

    @abstractmethod
    def row_weights(self, y: np.ndarray, rows: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """What rows count in a linear model, where they weigh `rows` (N,), and the classes `classes` (K,)."""

    @abstractmethod
    def choose_linear(
        self, x: Any, y: np.ndarray, x_valid: Any, y_valid: np.ndarray, classes: int, figure: str
    ) -> Chosen:
        """The linear model to compare with."""

    @abstractmethod
    def contrast(self, scores: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (B, C) and places (B,) in them, whose log-softmax there is the log-probability of class `asked`."""


class Softmax(Head):
    """One class: y is (B,) class indices; below 0 where the class is none of the K."""

    name = "softmax"

    def log_probabilities(self, scores: Tensor) -> Tensor:
        return scores.log_softmax(-1)

    def normalised(self, scores: Tensor) -> Tensor:
        return scores.log_softmax(-1)

    def probabilities(self, scores: Tensor) -> Tensor:
        return scores.softmax(-1)

    def together(self, scores: Tensor) -> Tensor:
        return scores.log_softmax(-1).logsumexp(0) - math.log(len(scores))

    def begin(self, out: nn.Linear, y: Tensor) -> None:
        pass

    def balanced(self, y: Tensor, classes: int, weights: Tensor | None) -> Tensor:
        if weights is not None:
            return weights.sum() / (classes * torch.bincount(y, weights, minlength=classes))
        return len(y) / (classes * torch.bincount(y, minlength=classes).clamp(min=1))

    def prior(self, y: np.ndarray, classes: int, weights: np.ndarray | None = None) -> np.ndarray:
        counts = np.bincount(y, weights, minlength=classes) + 0.5
        return np.log(counts / counts.sum())  # type: ignore[no-any-return]

    def loss(
        self, scores: Tensor, y: Tensor, classes: Tensor | None, smoothing: float, examples: Tensor | None
    ) -> Tensor:
        if examples is None:
            return F.cross_entropy(scores, y, classes, label_smoothing=smoothing)
        each = F.cross_entropy(scores, y, classes, label_smoothing=smoothing, reduction="none")  # (B,)
        # divided by what the batch would weigh without them: else an example alone in its batch would weigh as any
        total = float(len(y)) if classes is None else classes[y].sum()
        return (examples * each).sum() / total

    def likelihood(self, scores: np.ndarray, y: np.ndarray) -> tuple[float, int]:
        from scipy.special import log_softmax

        known = self.known(y)
        return float(log_softmax(scores[known], axis=1)[np.arange(len(known)), y[known]].sum()), len(known)

    def known(self, y: np.ndarray) -> np.ndarray:
        return np.flatnonzero(y >= 0)

    def rows_first(self, y: np.ndarray) -> np.ndarray:
        return np.unique(y, return_index=True)[1]

    def threshold(self, probabilities: np.ndarray, y: np.ndarray) -> float:
        return 0.5

    def linear(
        self, x: Any, y: np.ndarray, C: float, classes: int, weights: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        return coefficients(fit_linear(x, y, C, weights=weights), classes)

    def row_weights(self, y: np.ndarray, rows: np.ndarray, classes: np.ndarray) -> np.ndarray:
        return rows * classes[y]  # type: ignore[no-any-return]

    def choose_linear(
        self, x: Any, y: np.ndarray, x_valid: Any, y_valid: np.ndarray, classes: int, figure: str
    ) -> Chosen:
        return choose_linear(x, y, x_valid, y_valid, classes, figure=figure)

    def contrast(self, scores: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
        return scores, asked


class Sigmoid(Head):
    """K labels, each there or not: y is (B, K + 1), 1 where a label is there; its last column, how many labels an
    example has that are none of the K, has no say in a loss or likelihood."""

    name = "sigmoid"

    def log_probabilities(self, scores: Tensor) -> Tensor:
        return F.logsigmoid(scores)

    def normalised(self, scores: Tensor) -> Tensor:
        return scores

    def probabilities(self, scores: Tensor) -> Tensor:
        return scores.sigmoid()

    def together(self, scores: Tensor) -> Tensor:
        return F.logsigmoid(scores).logsumexp(0) - F.logsigmoid(-scores).logsumexp(0)

    @torch.no_grad()
    def begin(self, out: nn.Linear, y: Tensor) -> None:
        """At the shares of the labels: else most of a training goes into saying that most labels are rare (Lin et al.
        2017, section 3.3)."""
        out.bias.copy_(torch.from_numpy(self.prior(y.numpy(), len(out.bias))))

    def balanced(self, y: Tensor, classes: int, weights: Tensor | None) -> Tensor:
        """What an example that has the label weighs beside one that has not: as many in all as those."""
        each = torch.ones(len(y)) if weights is None else weights
        there = (each[:, None] * y[:, :-1]).sum(0)
        return torch.where(there > 0, (each.sum() - there) / there.clamp(min=1e-9), 1.0).clamp(min=1e-3)

    def prior(self, y: np.ndarray, classes: int, weights: np.ndarray | None = None) -> np.ndarray:
        there, each = y[:, :-1] > 0, np.ones((len(y), classes)) if weights is None else weights
        with_, without = (each * there).sum(0) + 0.5, (each * ~there).sum(0) + 0.5
        return np.log(with_ / without)  # type: ignore[no-any-return]

    def loss(
        self, scores: Tensor, y: Tensor, classes: Tensor | None, smoothing: float, examples: Tensor | None
    ) -> Tensor:
        wanted = y[:, :-1].to(scores.dtype) * (1 - smoothing) + smoothing / 2
        each = F.binary_cross_entropy_with_logits(scores, wanted, pos_weight=classes, reduction="none").mean(1)  # (B,)
        return each.mean() if examples is None else (examples * each).mean()

    def likelihood(self, scores: np.ndarray, y: np.ndarray) -> tuple[float, int]:
        signed = np.where(y[:, :-1] > 0, scores, -scores)
        return -float(np.logaddexp(0, -signed).sum()), signed.size

    def known(self, y: np.ndarray) -> np.ndarray:
        return np.arange(len(y))

    def rows_first(self, y: np.ndarray) -> np.ndarray:
        return np.unique(y[:, :-1].argmax(0))

    def threshold(self, probabilities: np.ndarray, y: np.ndarray) -> float:
        return best_threshold(probabilities, y)

    def linear(
        self, x: Any, y: np.ndarray, C: float, classes: int, weights: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        return fit_linear_sets(x, y, C, weights)

    def row_weights(self, y: np.ndarray, rows: np.ndarray, classes: np.ndarray) -> np.ndarray:
        return rows[:, None] * np.where(y[:, :-1] > 0, classes, 1.0)  # (N, K): of having the label

    def choose_linear(
        self, x: Any, y: np.ndarray, x_valid: Any, y_valid: np.ndarray, classes: int, figure: str
    ) -> Chosen:
        return choose_linear_sets(x, y, x_valid, y_valid)

    def contrast(self, scores: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
        of = scores.gather(1, asked[:, None])
        return torch.cat([of, torch.zeros_like(of)], 1), torch.zeros_like(asked)


SOFTMAX, SIGMOID = Softmax(), Sigmoid()
HEADS: dict[str, Head] = {head.name: head for head in (SOFTMAX, SIGMOID)}
