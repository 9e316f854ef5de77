"""The classifier's network against what it should be, worked out without it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from elman.errors import InputError
from elman.models.channels import Measure
from elman.models.classifier import ClassifierSettings, SequenceClassifier
from elman.models.encoding import Examples
from elman.models.pooling import Pooling

LENGTHS = torch.tensor([7, 3, 1, 5])
KINDS = ("last", "mean", "max", "attention", "concat")


def classifier(words: int = 0, features: int = 0, **settings: Any) -> SequenceClassifier:
    torch.manual_seed(0)
    small = ClassifierSettings(**{"hidden": 6, "embedding": 5, **settings})
    return SequenceClassifier(small, 3, words=words, features=features).eval()


# -- one to one -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pooling", [kind for kind in KINDS if kind != "concat"])
def test_one_step_is_a_plain_network(pooling: Any) -> None:
    """T = 1: from a state of zeros the recurrent classifier is V tanh(U x + b) + c, whatever the pooling."""
    model = classifier(features=4, cell="rnn", bidirectional=False, pooling=pooling)
    cell = model.recurrent.cell_parameters()
    hidden = nn.Linear(4, 6)
    with torch.no_grad():
        hidden.weight.copy_(cell["U"])
        hidden.bias.copy_(cell["b"])
    x = torch.randn(9, 4)
    plain = model.out(torch.tanh(hidden(x)))
    torch.testing.assert_close(model(x[None], torch.ones(9, dtype=torch.int64)), plain)


def test_one_to_one_learns_what_a_plain_network_learns() -> None:
    """The same weights, data and optimiser: twenty steps of training stay the same on both."""
    model = classifier(features=4, cell="rnn", bidirectional=False, pooling="last", dropout=0.0).train()
    cell = model.recurrent.cell_parameters()
    U, b = [cell[n].detach().clone().requires_grad_() for n in ("U", "b")]
    V, c = [p.detach().clone().requires_grad_() for p in (model.out.weight, model.out.bias)]
    ours, plain = torch.optim.SGD(model.parameters(), lr=0.5), torch.optim.SGD([U, b, V, c], lr=0.5)
    x, y = torch.randn(30, 4), torch.randint(3, (30,))
    for _ in range(20):
        for optimizer, scores in (
            (ours, model(x[None], torch.ones(30, dtype=torch.int64))),
            (plain, torch.tanh(x @ U.T + b) @ V.T + c),
        ):
            optimizer.zero_grad()
            nn.functional.cross_entropy(scores, y).backward()
            optimizer.step()
    torch.testing.assert_close(model.out.weight, V, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.recurrent.cell_parameters()["U"], U, rtol=1e-4, atol=1e-5)


# -- words ------------------------------------------------------------------------------------------------------------


def test_a_row_is_the_one_hot_product() -> None:
    """Looking up a word's row equals multiplying its one-hot vector, forward and gradient."""
    model = classifier(words=11)
    assert model.embedding is not None
    data = torch.randint(2, 11, (7, 4))
    looked_up = model.embed(data, torch.full((4,), 7))
    one_hot = nn.functional.one_hot(data, 11).float() @ model.embedding.weight
    torch.testing.assert_close(looked_up, one_hot)
    weight = torch.randn(7, 4, 5)
    (by_row,) = torch.autograd.grad((looked_up * weight).sum(), model.embedding.weight, retain_graph=True)
    (by_product,) = torch.autograd.grad((one_hot * weight).sum(), model.embedding.weight)
    torch.testing.assert_close(by_row, by_product)


def test_word_dropout_hides_words_in_training_only() -> None:
    model = classifier(words=11, word_dropout=0.5)
    assert model.embedding is not None
    data, lengths = torch.full((200, 2), 7), torch.full((2,), 200)
    assert bool((model.embed(data, lengths) == model.embedding.weight[7]).all())
    hidden = (model.train().embed(data, lengths) == model.embedding.weight[1]).all(-1).float().mean()
    assert 0.4 < float(hidden) < 0.6


# -- padding ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn", "jordan", "layernormgru"])
@pytest.mark.parametrize("pooling", KINDS)
def test_padding_reaches_nothing(cell: str, pooling: Any) -> None:
    """Any amount of padding, filled with NaN: the same scores, the same loss, the same gradients; and = alone."""
    model = classifier(features=5, cell=cell, pooling=pooling, layers=2)
    x = torch.randn(7, 4, 5)
    for b, length in enumerate(LENGTHS.tolist()):
        x[length:, b] = 0
    alone = torch.cat([model(x[:n, b : b + 1], torch.tensor([n])) for b, n in enumerate(LENGTHS.tolist())])
    results = []
    for more in (0, 1, 9):
        padded = torch.cat([x, torch.zeros(more, 4, 5)])
        if more:
            for b, length in enumerate(LENGTHS.tolist()):
                padded[length:, b] = math.nan
        model.zero_grad()
        scores = model(padded, LENGTHS)
        nn.functional.cross_entropy(scores, torch.tensor([0, 1, 2, 0])).backward()
        results.append((scores.detach(), [p.grad.clone() for p in model.parameters() if p.grad is not None]))
    for scores, gradients in results:
        torch.testing.assert_close(scores, alone, rtol=0, atol=1e-6)
        for mine, first in zip(gradients, results[0][1], strict=True):
            torch.testing.assert_close(mine, first, rtol=0, atol=1e-6)


def test_padding_words_may_be_any_number() -> None:
    model = classifier(words=11)
    data = torch.randint(2, 11, (7, 4))
    expected = model(data, LENGTHS)
    for b, length in enumerate(LENGTHS.tolist()):
        data[length:, b] = 10**9
    assert torch.equal(model(data, LENGTHS), expected)


def test_a_batch_holds_the_sequences_picked() -> None:
    items = [torch.arange(2, 2 + n) for n in (3, 1, 5, 2)]
    pairs = [torch.stack([item, item + 10], 1) for item in items]  # words and their tags
    for kind in (items, pairs):
        batch = Examples(kind, []).batch([2, 0, 3]).sequences
        assert batch.lengths.tolist() == [5, 3, 2]
        for found, picked in zip(batch, (2, 0, 3), strict=True):
            assert torch.equal(found, kind[picked])


# -- pooling ----------------------------------------------------------------------------------------------------------


def test_pooling_by_hand() -> None:
    """Two features a direction; sequence 1 has two steps, what follows is garbage."""
    y = torch.tensor([[[1.0, 2, 3, 4], [5, 1, 1, 9]], [[0, 8, 2, 2], [7, 0, 3, 0]], [[4, 4, 4, 4], [99, 99, 99, 99]]])
    lengths = torch.tensor([3, 2])
    found = {kind: Pooling(kind, 4, True)(y, lengths) for kind in ("last", "mean", "max")}
    assert found["last"].tolist() == [[4, 4, 3, 4], [7, 0, 1, 9]]  # forward: last step, backward: first
    assert found["max"].tolist() == [[4, 8, 4, 4], [7, 1, 3, 9]]
    torch.testing.assert_close(found["mean"], torch.tensor([[5 / 3, 14 / 3, 3, 10 / 3], [6, 0.5, 2, 4.5]]))
    assert Pooling("last", 4, False)(y, lengths).tolist() == [[4, 4, 4, 4], [7, 0, 3, 0]]


def test_the_gradient_of_the_maximum_is_torchs() -> None:
    """Ties share it; nothing past a length takes part, however large."""
    torch.manual_seed(3)
    y = torch.randn(7, 4, 6, dtype=torch.float64).mul(3).round()  # many ties
    for b, n in enumerate(LENGTHS.tolist()):
        y[n:, b] = 99
    d = torch.randn(4, 6, dtype=torch.float64)
    mine, theirs = y.clone().requires_grad_(), y.clone().requires_grad_()
    Pooling("max", 6, True)(mine, LENGTHS).backward(d)
    inside = (torch.arange(7)[:, None] < LENGTHS)[..., None]
    torch.where(inside, theirs, -math.inf).amax(0).backward(d)
    torch.testing.assert_close(mine.grad, theirs.grad)


def test_attention_is_a_weighted_mean() -> None:
    torch.manual_seed(1)
    pooling, y = Pooling("attention", 4, True), torch.randn(7, 4, 4)
    weights = pooling.weights(y, LENGTHS)
    torch.testing.assert_close(weights.sum(0), torch.ones(4))
    assert all(bool((weights[n:, b] == 0).all()) for b, n in enumerate(LENGTHS.tolist()))
    b, n = 3, 5
    scores = torch.stack([pooling.v @ torch.tanh(pooling.look.weight @ y[t, b] + pooling.look.bias) for t in range(n)])
    by_hand = sum(w * y[t, b] for t, w in enumerate(torch.softmax(scores, 0)))
    torch.testing.assert_close(pooling(y, LENGTHS)[b], by_hand)


# -- saving, settings -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{"words": 20}, {"features": 3}, {"words": 20, "cell": "jordan", "pooling": "attention"}]
)
def test_described_and_built_anew(options: dict[str, Any]) -> None:
    model = classifier(**options)
    if not options.get("words"):
        model.scale_to(Measure(torch.tensor([1.0, 2, 3]), torch.tensor([0.5, 1, 2])))
    again = SequenceClassifier.from_dict(model.to_dict()).eval()
    again.load_state_dict(model.state_dict())
    data = torch.randint(2, 20, (7, 4)) if options.get("words") else torch.randn(7, 4, 3)
    assert torch.equal(model(data, LENGTHS), again(data, LENGTHS))


def test_frozen_vectors_stay() -> None:
    vectors = torch.randn(20, 9)
    model = SequenceClassifier(ClassifierSettings(hidden=4), 2, words=20, vectors=vectors, freeze=True)
    assert model.embedding is not None
    assert torch.equal(model.embedding.weight, vectors)
    assert not model.embedding.weight.requires_grad
    again = SequenceClassifier.from_dict(model.to_dict())
    assert again.embedding is not None
    assert again.embedding.weight.shape == (20, 9)
    assert not again.embedding.weight.requires_grad


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"hidden": 0}, "model.hidden: hidden is 0; give at least 1"),
        ({"dropout": 1.0}, "model.dropout: dropout is 1.0; give 0 to below 1"),
        ({"cell": "lstn"}, "unknown cell 'lstn'; did you mean 'lstm'?"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as error:
        classifier(features=2, **settings)
    assert str(error.value) == line
