"""Features kept in the room of what is not zero are the features."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elman.layers.dropout import dropout
from elman.models.ngram_rows import NgramBatch, NgramRows
from elman.tasks.classify.estimator import Classifier
from elman.text.ngrams import NgramFeatures

TEXTS = ["a good film", "bad", "", "good good good", "so so", "a bad film and a good one", "...", "film"]


@pytest.fixture(scope="module")
def features() -> NgramFeatures:
    return NgramFeatures(characters=(2, 3), most=40).fit(TEXTS, [0, 1, 0, 0, 1, 1, 0, 1])


@given(texts=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=30), data=st.data())
def test_a_batch_is_the_rows_bit_for_bit(features: NgramFeatures, texts: list[str], data: st.DataObject) -> None:
    picks = data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=40))
    expected = features.transform(texts)[picks]
    np.testing.assert_array_equal(dense(NgramRows.of(features, texts)[torch.tensor(picks)]).numpy(), expected)


def dense(batch: NgramBatch) -> torch.Tensor:
    """(B, n) written out: one value after the other."""
    out = torch.zeros(len(batch), batch.width)
    bounds = [*batch.offsets.tolist(), len(batch.columns)]
    for b in range(len(batch)):
        for place in range(bounds[b], bounds[b + 1]):
            out[b, int(batch.columns[place])] = batch.values[place]
    return out


def some(features: NgramFeatures) -> NgramBatch:
    return NgramRows.of(features, TEXTS)[torch.tensor([5, 2, 0, 6, 6, 3])]


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("aside", [False, True])
def test_a_product_is_that_of_the_batch_written_out(features: NgramFeatures, trained: bool, aside: bool) -> None:
    """With weights in memory as (K, n) or as (n, K); where they are trained, so are its gradients."""
    batch = some(features)
    weight = torch.randn(3, batch.width, generator=torch.Generator().manual_seed(0))
    weight = (weight.t().contiguous().t() if aside else weight).requires_grad_(trained)
    ours, theirs = batch.times(weight), dense(batch) @ weight.t()
    torch.testing.assert_close(ours, theirs)
    if trained:
        pull = torch.randn(theirs.shape)
        (mine,) = torch.autograd.grad(ours, weight, pull)
        torch.testing.assert_close(mine, torch.autograd.grad(theirs, weight, pull)[0])


def test_dropout_leaves_what_it_leaves_of_the_batch_written_out(features: NgramFeatures) -> None:
    """By the same draws, so that a model trains as it did when batches were dense; and as many of them are drawn."""
    batch = some(features)
    torch.manual_seed(3)
    ours, mine = batch.dropped(0.4, True), torch.rand(1)
    torch.manual_seed(3)
    theirs, their = dropout(dense(batch), 0.4), torch.rand(1)
    assert torch.equal(dense(ours), theirs)
    assert not torch.equal(theirs, dense(batch))
    assert mine == their
    assert batch.dropped(0.4, False) is batch.dropped(0.0, True) is batch


def test_one_row_repeated(features: NgramFeatures) -> None:
    batch = some(features)
    assert torch.equal(dense(batch.repeated(3)), dense(batch).repeat(3, 1))
    assert torch.equal(batch.repeated(2).rows, torch.cat([batch.rows, batch.rows + len(batch)]))


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


@pytest.mark.parametrize("validation", [0, 0.25])
def test_members_are_trained_without_a_look_at_the_ngrams_beside_them(
    monkeypatch: pytest.MonkeyPatch, validation: float
) -> None:
    """Nothing asks for them but the figures on held-out rows."""
    asked = []
    times = NgramBatch.times
    monkeypatch.setattr(NgramBatch, "times", lambda self, weight: asked.append(len(self)) or times(self, weight))
    model = Classifier(wide=30, members=2, epochs=2, hidden=3, embedding=3, batch_size=4, validation=validation)
    model.fit(TEXTS * 5, [0, 1, 0, 0, 1, 1, 0, 1] * 5)
    assert asked == [10] * len(asked)  # the held-out rows at once
    assert bool(asked) == bool(validation)
    assert model.model_.wide is not None
    assert model.model_.wide.weight.abs().max() > 0
