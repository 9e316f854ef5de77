"""Features kept in the room of what is not zero are the features."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elman.models.ngram_rows import NgramRows
from elman.text.ngrams import NgramFeatures

TEXTS = ["a good film", "bad", "", "good good good", "so so", "a bad film and a good one", "...", "film"]


@pytest.fixture(scope="module")
def features() -> NgramFeatures:
    return NgramFeatures(characters=(2, 3), most=40).fit(TEXTS, [0, 1, 0, 0, 1, 1, 0, 1])


@given(texts=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=30), data=st.data())
def test_a_batch_is_the_rows_bit_for_bit(features: NgramFeatures, texts: list[str], data: st.DataObject) -> None:
    picks = data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=40))
    expected = features.transform(texts)[picks]
    np.testing.assert_array_equal(NgramRows.of(features, texts)[torch.tensor(picks)].numpy(), expected)


def test_no_texts(features: NgramFeatures) -> None:
    assert NgramRows.of(features, []).ends.shape == (0,)


def test_many_texts_take_the_room_of_what_they_hold() -> None:
    draw = np.random.default_rng(0)
    texts = [" ".join(f"w{n}" for n in draw.integers(0, 5000, 10)) for _ in range(4000)]
    features = NgramFeatures(most=4000).fit(texts, [n % 2 for n in range(4000)])
    tracemalloc.start()
    rows = NgramRows.of(features, texts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4000 * 4000 * 4 / 1.5  # a dense table alone has 64 MB
    assert rows.values.numel() < 4000 * 20
