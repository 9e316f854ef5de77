"""The linear model of texts: tf-idf of words and characters, chosen in memory, learnt in parts where it must be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from elman.models.heads import SOFTMAX, Head
from elman.models.linear import WORK, Chosen, Matrix
from elman.text.tfidf import TfIdf, blocks

__all__ = ["LinearTexts", "fit_linear_texts"]

Document = str | Sequence[str]

_IN_MEMORY = 12_000_000  # numbers of training rows held at once: 100 MB, and as much again while fitting
_ONCE = 200_000  # rows of which one pass is enough
_FEW = 1_000  # training rows below which every n-gram counts, and not only what two texts share
_WIDEST = 1 << 18  # n-grams of either kind
_WEIGHTS = 8_000_000  # n-grams of either kind, times classes
_JUDGED = 20_000  # validation rows that choose


@dataclass(frozen=True)
class LinearTexts:
    """What turns texts into features, and the model over them."""

    features: TfIdf
    linear: Chosen

    def predict_proba(self, texts: Sequence[Document]) -> np.ndarray:
        """(texts, classes), some texts at a time."""
        found = [self.linear.predict_proba(self.features.transform(texts[a:b])) for a, b in blocks(texts)]
        return np.concatenate(found) if found else np.zeros((0, self.linear.classes))


def fit_linear_texts(
    train: tuple[Sequence[Document], np.ndarray],
    valid: tuple[Sequence[Document], np.ndarray],
    classes: int,
    *,
    head: Head = SOFTMAX,
    figure: str = "macro_f1",
    in_memory: int = _IN_MEMORY,
) -> LinearTexts:
    """Fit it to the training texts; C and class weights are chosen on the validation texts.

    Args:
        train, valid: texts and class numbers (N,); -1 in `valid`: a class that training lacks.
        head: what y is: of several labels it is (N, K + 1).
        figure: which chooses, see `choose_linear`; of several labels it is always micro-F1.
        in_memory: so many numbers of training rows are held at once. Of more rows, C is chosen by models of the first
            so many, in random order, and the chosen one then learns from all, a part at a time.

    Raises:
        InputError: no training text holds anything but blanks.
    """
    texts, y = train
    most = min(_WIDEST, max(1_000, _WEIGHTS // classes))
    features = TfIdf(2 if len(y) >= _FEW else 1, most).fit(texts)
    if not features.width:  # no two texts share anything
        features = TfIdf(1, most).fit(texts)
    order = np.random.default_rng(0).permutation(len(y))
    first = head.rows_first(y[order])  # a row of each class comes first: none is missed by a part
    order = np.concatenate([order[first], np.delete(order, first)])
    parts, rows, held = list[Matrix](), 0, 0
    for x, stop in _transformed(features, texts, order):
        if parts and held + x.nnz > in_memory:
            break
        parts.append(x)
        rows, held = stop, held + x.nnz
    back = np.argsort(order[:rows])  # as they stand in the file
    x, some = sparse.vstack(parts, "csr")[back], order[:rows][back]
    del parts
    step = max(1, -(-len(valid[1]) // _JUDGED))
    x_valid = features.transform(valid[0][::step])
    chosen = head.choose_linear(x, y[some], x_valid, valid[1][::step], classes, figure)
    if rows < len(y):
        del x
        order = order[: max(rows, WORK // max(1, held // rows * classes))]
        passes = 1 if len(order) >= _ONCE else 2
        chosen = chosen.refitted(_passes(features, texts, y, order, passes), y[order])
    return LinearTexts(features, chosen)


def _transformed(features: TfIdf, texts: Sequence[Document], order: np.ndarray) -> Iterator[tuple[Matrix, int]]:
    """Features of the texts in this order, some at a time, and how many have come with these."""
    mixed = [texts[i] for i in order]
    for start, stop in blocks(mixed):
        yield features.transform(mixed[start:stop]), stop


def _passes(
    features: TfIdf, texts: Sequence[Document], y: np.ndarray, order: np.ndarray, passes: int
) -> Iterator[tuple[Matrix, np.ndarray]]:
    for _ in range(passes):
        start = 0
        for x, stop in _transformed(features, texts, order):
            yield x, y[order[start:stop]]
            start = stop
