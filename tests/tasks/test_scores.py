"""Figures of a classifier against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, log_loss, matthews_corrcoef, precision_recall_fscore_support

from elman.tasks.figures import score_classes


@pytest.mark.parametrize("seed", range(10))
def test_the_correlation_is_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    K, n = int(rng.integers(2, 6)), int(rng.integers(2, 30))
    true, probabilities = rng.integers(0, K, n), rng.random((n, K))
    expected = matthews_corrcoef(true, probabilities.argmax(1))
    found = score_classes(true, probabilities, [str(k) for k in range(K)])["mcc"]
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_single_label_correlates_with_nothing() -> None:
    assert score_classes(np.zeros(3, dtype=int), np.tile([0.9, 0.1], (3, 1)), ["a", "b"])["mcc"] == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_the_figures_of_classes_are_scikit_learn_s(pairs: list[tuple[int, int]]) -> None:
    """A class that neither occurs nor is predicted counts as 0; so it does there, asked for all four."""
    y, p = np.array(pairs).T
    kinds = list(range(4))
    found = score_classes(y, np.eye(4)[p], list("abcd"))
    precision, recall, f1, n = precision_recall_fscore_support(y, p, labels=kinds, zero_division=0)
    assert found["macro_f1"] == pytest.approx(f1_score(y, p, labels=kinds, average="macro", zero_division=0))
    assert found["accuracy"] == pytest.approx(accuracy_score(y, p))
    for k, row in enumerate(found["classes"].values()):  # type: ignore[union-attr]
        assert list(row.values()) == pytest.approx([precision[k], recall[k], f1[k], n[k]])


@given(st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 2)), min_size=1, max_size=60))
def test_a_label_that_the_model_does_not_know_is_an_error(pairs: list[tuple[int, int]]) -> None:
    """As scikit-learn has it, asked for the known classes alone; its correlation takes -1 for one more class."""
    y, p = np.array(pairs).T
    P = np.full((len(y), 3), 0.1)
    P[np.arange(len(y)), p] = 0.8
    found = score_classes(y, P, list("abc"))
    precision, recall, f1, n = precision_recall_fscore_support(y, p, labels=[0, 1, 2], zero_division=0)
    assert found["macro_f1"] == pytest.approx(f1.mean())
    assert found["accuracy"] == pytest.approx(accuracy_score(y, p))
    if len({*y, *p}) > 1:  # else its correlation warns
        assert found["mcc"] == pytest.approx(matthews_corrcoef(y, p), abs=1e-12)
    for k, row in enumerate(found["classes"].values()):  # type: ignore[union-attr]
        assert list(row.values()) == pytest.approx([precision[k], recall[k], f1[k], n[k]])
    known = y >= 0
    expected = log_loss(y[known], P[known], labels=[0, 1, 2]) if known.any() else np.nan
    assert found["nll"] == pytest.approx(expected, nan_ok=True)
    assert found["n"] == len(y)
    assert np.sum(found["confusion"]) == known.sum()  # type: ignore[arg-type]
    assert found.get("unseen", [0, 0, 0]) == np.bincount(p[~known], minlength=3).tolist()
