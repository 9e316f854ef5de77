"""Several networks and a linear model asked together, against their parts worked out alone."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_rows
from scipy.special import expit, log_softmax, logit
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn import functional as F

from elman.models.calibration import class_temperature, rest_of_prior
from elman.models.class_loss import cross_entropy
from elman.models.classifier import ClassifierSettings, SequenceClassifier
from elman.models.committee import Committee, first_of, network_of
from elman.models.encoding import TextBatch
from elman.models.heads import SIGMOID, SOFTMAX, Head
from elman.models.linear import coefficients, fit_linear
from elman.models.ngram_rows import NgramBatch, NgramRows
from elman.models.stacking import best_mix, fit_wide
from elman.sequences import Sequences

LENGTHS = torch.tensor([7, 3, 1, 5])
NGRAMS = torch.rand(4, 9, generator=torch.Generator().manual_seed(0))
NGRAMS = torch.where(NGRAMS > 0.5, NGRAMS, 0.0).index_fill(0, torch.tensor([2]), 0.0)  # one has none


def committee(k: int = 3, wide: int = 0, **settings: Any) -> Committee:
    torch.manual_seed(0)
    small = ClassifierSettings(hidden=6, embedding=5, members=k, dropout=0.0, wide=wide, **settings)
    found = Committee([SequenceClassifier(small, 3, words=20) for _ in range(k)], wide)
    if found.wide is not None:
        nn.init.normal_(found.wide.weight)
        nn.init.normal_(found.wide.bias)
        found.mix.copy_(torch.tensor([0.7, 0.4]))
    return found.eval()


def batch() -> tuple[torch.Tensor, torch.Tensor, NgramBatch]:
    torch.manual_seed(1)
    return torch.randint(2, 20, (7, 4)), torch.tensor([0, 2, 1, 1]), rows(csr_matrix(NGRAMS.numpy()))[torch.arange(4)]


def rows(x: Any) -> NgramRows:
    x = x.tocsr()
    parts = (torch.from_numpy(x.indptr[1:].astype(np.int64)), torch.from_numpy(x.indices.astype(np.int32)))
    return NgramRows(x.shape[1], *parts, torch.from_numpy(x.data.astype(np.float32)))


def test_the_answer_is_the_mean_of_the_probabilities() -> None:
    model, (data, _, _) = committee(), batch()
    alone = [F.softmax(member(data, LENGTHS), 1) for member in model.members]
    torch.testing.assert_close(model(data, LENGTHS).softmax(1), sum(alone) / 3)
    assert not torch.allclose(alone[0], alone[1])  # they differ in their first weights


def test_a_linear_model_beside_them_counts_as_much_as_it_should() -> None:
    model, (data, _, ngrams) = committee(2, wide=9), batch()
    assert model.wide is not None
    alone = [F.softmax(member(data, LENGTHS), 1) for member in model.members]
    mean = ((alone[0] + alone[1]) / 2).log()
    torch.testing.assert_close(model(data, LENGTHS, ngrams), 0.7 * mean + 0.4 * model.wide(NGRAMS))
    both = model.parts(data, LENGTHS, ngrams)
    torch.testing.assert_close(both[0] * 0.7 + both[1] * 0.4, model(data, LENGTHS, ngrams))


def test_embedded_and_read_is_the_same_as_answered() -> None:
    model, (data, _, ngrams) = committee(2, wide=9), batch()
    x = model.embed(data, LENGTHS)
    assert x.shape == (7, 4, 10)
    torch.testing.assert_close(model.read(x, LENGTHS, ngrams), model(data, LENGTHS, ngrams))
    assert first_of(model) is model.members[0]
    assert first_of(first_of(model)) is model.members[0]


@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("weights", [None, torch.tensor([1.0, 3.0, 0.5])])
def test_each_member_learns_from_its_own_loss(weighed: bool, weights: torch.Tensor | None) -> None:
    """The gradient of each is that of training alone, over k; the linear model is not moved."""
    model, (data, y, ngrams) = committee(3, wide=9), batch()
    counts = torch.tensor([0.5, 2.0, 1.0, 0.5]) if weighed else None
    given = TextBatch(Sequences(data, LENGTHS), ngrams, y, counts)
    loss, weight = cross_entropy(model, weights, 0.1, given)
    loss.backward()  # type: ignore[no-untyped-call]
    assert weight == 4
    losses = []
    for member in model.members:
        again = SequenceClassifier.from_dict(member.to_dict()).eval()  # type: ignore[operator]
        again.load_state_dict(member.state_dict())
        alone, _ = cross_entropy(again, weights, 0.1, given._replace(ngrams=None))
        alone.backward()  # type: ignore[no-untyped-call]
        losses.append(float(alone.detach()))
        for (name, mine), theirs in zip(member.named_parameters(), again.parameters(), strict=True):
            torch.testing.assert_close(mine.grad * 3, theirs.grad, msg=lambda m, name=name: f"{name}: {m}")
    assert float(loss.detach()) == pytest.approx(np.mean(losses), rel=1e-5)
    assert model.wide is not None
    assert model.wide.weight.grad is None


@pytest.mark.parametrize(("k", "wide"), [(1, 0), (3, 0), (1, 9), (2, 9)])
def test_described_and_built_anew(k: int, wide: int) -> None:
    model: Any = committee(k, wide) if k > 1 or wide else first_of(committee(1))
    again = network_of(msgspec.json.decode(msgspec.json.encode(model.to_dict()))).eval()
    again.load_state_dict(model.state_dict())
    data, _, ngrams = batch()
    assert type(again) is type(model)
    assert torch.equal(again(data, LENGTHS, ngrams if wide else None), model(data, LENGTHS, ngrams if wide else None))


# -- the linear model -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 4])
def test_the_linear_model_is_that_of_scikit_learn(classes: int) -> None:
    rng = np.random.default_rng(0)
    x = random_rows(300, 40, 0.2, random_state=0, format="csr", dtype=np.float32)
    y = (np.asarray(x[:, :classes].todense()) + 0.3 * rng.random((300, classes))).argmax(1)
    fitted = fit_linear(x, y, 3.0)
    W, b = coefficients(fitted, classes)
    scores = x @ W.T + b
    assert (scores.argmax(1) == fitted.predict(x)).all()
    if classes == 2:
        by_hand = LogisticRegression(C=3.0, max_iter=1000).fit(x, y)
        np.testing.assert_allclose(log_softmax(scores, 1), by_hand.predict_log_proba(x), atol=0.05)


def test_a_class_that_training_lacks_has_next_to_no_chance() -> None:
    x = random_rows(50, 10, 0.5, random_state=0, format="csr", dtype=np.float32)
    W, b = coefficients(fit_linear(x, np.arange(50) % 2 * 2, 1.0), 4)
    assert not W[1].any()
    assert not W[3].any()
    assert b[1] == b[3] == -20
    assert (x @ W.T + b)[:, [0, 2]].min() > -20


def test_how_strongly_it_is_regularised_is_chosen_on_held_out_rows() -> None:
    """Where labels are noise the least C is, where they are a rule a great one; the layer has the chosen one's fit."""
    x = random_rows(400, 30, 0.3, random_state=1, format="csr", dtype=np.float32)
    rng, chosen = np.random.default_rng(1), {}
    rule = np.asarray(x[:, :5].sum(1)).ravel() > np.asarray(x[:, 5:10].sum(1)).ravel()
    for name, y in (("noise", rng.integers(0, 2, 400)), ("rule", rule.astype(np.int64))):
        layer = nn.Linear(30, 2).requires_grad_(False)
        held = (rows(x[300:]), y[300:])
        chosen[name] = fit_wide(layer, rows(x[:300]), y[:300], held)
        W, _ = coefficients(fit_linear(x[:300], y[:300], chosen[name]), 2)
        np.testing.assert_allclose(layer.weight, W, atol=1e-6)
    assert chosen == {"noise": 1.0, "rule": 30.0}


@pytest.mark.parametrize("classes", [2, 3])
def test_a_row_that_counts_twice_is_two_rows(classes: int) -> None:
    """In the linear model, too: by its own weight, and by that of its class."""
    x = random_rows(120, 20, 0.4, random_state=2, format="csr", dtype=np.float32)
    y = np.random.default_rng(2).integers(0, classes, 120)
    twice = np.concatenate([np.arange(120), np.flatnonzero(y == 0)])
    weights = SOFTMAX.row_weights(y, np.ones(120), np.array([2.0, 1.0, 1.0])[:classes])
    np.testing.assert_array_equal(weights, SOFTMAX.row_weights(y, np.where(y == 0, 2.0, 1.0), np.ones(classes)))
    for C in (0.1, 1.0):
        W, b = SOFTMAX.linear(x, y, C, classes, weights)
        doubled, bias = SOFTMAX.linear(x[twice], y[twice], C, classes)
        np.testing.assert_allclose(x @ W.T + b, x @ doubled.T + bias, atol=0.1)
        alike, _ = SOFTMAX.linear(x, y, C, classes)
        assert np.abs(x @ W.T + b - x @ alike.T).max() > 0.2


def test_weights_of_labels_count_where_the_label_is_there() -> None:
    y = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]])
    found = SIGMOID.row_weights(y, np.array([1.0, 1.0, 3.0]), np.array([5.0, 7.0]))
    np.testing.assert_array_equal(found, [[5, 1], [1, 7], [15, 21]])


# -- what held-out examples say of the whole --------------------------------------------------------------------------


def test_the_mix_is_where_held_out_classes_are_likeliest() -> None:
    """No other pair on a grid is likelier, prior and all; a part that knows nothing is not listened to."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 500)
    knows = torch.from_numpy(2 * np.eye(3)[y] + rng.normal(size=(500, 3)))
    noise = torch.from_numpy(rng.normal(size=(500, 3)))
    parts = torch.stack([noise, knows])
    a, b = best_mix(parts, y)

    def cost(a: float, b: float) -> float:
        p = (a * parts[0] + b * parts[1]).log_softmax(1).numpy()[np.arange(500), y].sum()
        return float(((a - 0.5) ** 2 + (b - 0.5) ** 2) / (2 * 0.25) - p)

    assert cost(a, b) <= min(cost(i, j) for i in np.arange(0, 3, 0.1) for j in np.arange(0, 3, 0.1)) + 1e-3
    assert a < 0.2 < 1 < b
    assert best_mix(parts[:, :0], y[:0]) == (0.5, 0.5)
    assert best_mix(parts, np.where(y == 0, -1, y)) != (a, b)  # rows of unknown class have no say


@pytest.mark.parametrize("head", [SOFTMAX, SIGMOID])
def test_what_knows_nothing_answers_the_prior(head: Head) -> None:
    """Scores, however sure, of classes that they do not know; the shares of the classes are what is left."""
    rng = np.random.default_rng(0)
    shares = np.array([0.75, 0.2, 0.05])
    if head is SOFTMAX:
        y, likeliest = rng.choice(3, 4000, p=shares), np.log(shares)
    else:
        y, likeliest = np.pad(rng.random((4000, 3)) < shares, ((0, 0), (0, 1))).astype(int), logit(shares)
    prior = head.prior(y, 3)
    np.testing.assert_allclose(prior, likeliest, atol=0.15)
    noise = torch.from_numpy(3 * rng.normal(size=(2, 4000, 3)) + likeliest)
    a, b = best_mix(noise, y, head, prior)
    scores = (a * noise[0] + b * noise[1]).numpy()
    t = class_temperature(scores, y, head, prior, a + b)
    entropy = head.nll(np.tile(prior, (4000, 1)), y)
    assert head.nll(scores / t + rest_of_prior(prior, a + b, t), y) == pytest.approx(entropy, abs=0.005)
    assert head.nll(scores / class_temperature(scores, y, head), y) > entropy + 0.05
    # without a linear model the temperature alone says it
    t = class_temperature(noise[0].numpy(), y, head, prior)
    assert head.nll(noise[0].numpy() / t + rest_of_prior(prior, 1.0, t), y) == pytest.approx(entropy, abs=0.02)


def test_what_knows_the_classes_needs_no_prior() -> None:
    """Where scores are true already, as much of them is listened to as there is."""
    rng = np.random.default_rng(0)
    true = rng.normal(size=(4000, 3)) + np.array([2, 0, -1])
    y = np.array([rng.choice(3, p=np.exp(p)) for p in log_softmax(true, axis=1)])
    prior = SOFTMAX.prior(y, 3)
    t = class_temperature(true, y, SOFTMAX, prior)
    assert t == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(rest_of_prior(prior, 1.0, t), 0, atol=0.2)


def test_a_prior_is_of_what_examples_count() -> None:
    """As if each were there so often; and each class half a time more."""
    y = np.array([0, 0, 1])
    np.testing.assert_allclose(np.exp(SOFTMAX.prior(y, 3)), np.array([2.5, 1.5, 0.5]) / 4.5)
    weighed = SOFTMAX.prior(y, 3, SOFTMAX.row_weights(y, np.array([1.0, 3.0, 1.0]), np.array([1.0, 2.0, 1.0])))
    np.testing.assert_allclose(weighed, SOFTMAX.prior(np.array([0, 0, 0, 0, 1, 1]), 3))
    labels = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]])
    np.testing.assert_allclose(expit(SIGMOID.prior(labels, 2)), [2.5 / 4, 1.5 / 4])
    weighed = SIGMOID.prior(labels, 2, SIGMOID.row_weights(labels, np.array([1.0, 2.0, 1.0]), np.array([1.0, 4.0])))
    np.testing.assert_allclose(weighed, np.log([3.5 / 1.5, 8.5 / 2.5]))


def test_a_temperature_mends_what_is_too_sure() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=(4000, 3))
    y = np.array([rng.choice(3, p=np.exp(p)) for p in log_softmax(true, axis=1)])
    assert class_temperature(true, y) == pytest.approx(1, abs=0.1)
    assert class_temperature(true * 3, y) == pytest.approx(3, abs=0.3)
    assert class_temperature(true * 0.5, y) == pytest.approx(0.5, abs=0.05)
    # a few examples say little of it
    assert 1 <= class_temperature(true[:3] * 3, y[:3]) < 2.5
    assert class_temperature(true[:5], np.full(5, -1)) == 1
    assert 1 / 5 <= class_temperature(np.eye(3)[y] * 1e-3, y) <= 5
    assert math.isfinite(class_temperature(np.eye(3)[y] * 1e6, (y + 1) % 3))
