"""Figures of a classifier against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

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
