"""CTC against its definition: the sum over every path, and the derivative of that sum."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from decoding.paths import drawn, every_text, text_of
from elman.engines import ctc as native
from elman.engines import library
from elman.layers.ctc import BLANK, collapsed, ctc_loss, frames_needed


@pytest.fixture(params=["native", "torch"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every test by the native library, and by torch."""
    if request.param == "torch":
        monkeypatch.setattr(native, "able", lambda log_probs: False)
    elif library.missing():
        pytest.skip(str(library.missing()))
    return str(request.param)


def scores(T: int, V: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((T, 1, V))).requires_grad_()


def by_paths(logits: torch.Tensor, target: tuple[int, ...]) -> torch.Tensor:
    """-ln p(target), written as the sum over its paths, for autograd."""
    log_probs = logits[:, 0].log_softmax(-1)
    T, V = log_probs.shape
    paths = [p for p in itertools.product(range(V), repeat=T) if text_of(p) == target]
    return -torch.stack([sum(log_probs[t, s] for t, s in enumerate(p)) for p in paths]).logsumexp(0)


def test_a_path_and_its_text():
    for path in itertools.product(range(3), repeat=5):
        assert tuple(collapsed(path)) == text_of(path)
    assert collapsed([1, 1, 0, 1, 2, 2, 0]) == [1, 1, 2]


def test_frames_that_a_text_needs():
    """The fewest frames that have a path to the text."""
    for target in itertools.chain.from_iterable(itertools.product((1, 2), repeat=n) for n in range(4)):
        found = next(T for T in range(8) if any(text_of(p) == target for p in itertools.product(range(3), repeat=T)))
        assert frames_needed(target) == found


@pytest.mark.parametrize("target", [(), (1,), (2, 2), (1, 2, 1), (1, 1, 1), (3, 3, 2)])
def test_loss_and_gradient_are_those_of_all_paths(target):
    for T in (5, 6):
        logits = scores(T, 4, seed=T)
        loss = ctc_loss(logits.log_softmax(-1), torch.tensor([T]), [target])[0]
        wanted = by_paths(logits, target)
        assert loss.item() == pytest.approx(wanted.item(), rel=1e-9)
        (ours,) = torch.autograd.grad(loss, logits)
        (theirs,) = torch.autograd.grad(wanted, logits)
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-10)
        assert ours.abs().max() > 1e-3


def test_all_texts_together_are_certain():
    log_probs = torch.from_numpy(drawn(4, 3))
    texts = list(every_text(log_probs.numpy()))
    found = ctc_loss(log_probs[:, None].expand(-1, len(texts), -1), torch.full((len(texts),), 4), texts)
    assert float((-found).exp().sum()) == pytest.approx(1)


def test_a_target_out_of_reach_teaches_nothing():
    """No loss and no gradient, neither for it nor, by it, for its neighbours."""
    logits = torch.randn(4, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    lengths, targets = torch.tensor([4, 2, 4]), [(1, 2), (1, 1), (1, 1, 1)]
    loss = ctc_loss(logits.log_softmax(-1), lengths, targets)
    assert loss[1:].tolist() == [0, 0]
    (grad,) = torch.autograd.grad(loss.sum(), logits)
    assert grad[:, 1:].abs().max() == 0
    alone = logits.detach()[:, :1].requires_grad_()
    (wanted,) = torch.autograd.grad(ctc_loss(alone.log_softmax(-1), torch.tensor([4]), [(1, 2)])[0], alone)
    torch.testing.assert_close(grad[:, :1], wanted)


def test_padding_is_not_there():
    """Behind a length anything may stand, NaN too: loss and gradient are those of the sequence alone."""
    draw = torch.Generator().manual_seed(1)
    logits = torch.randn(7, 2, 4, dtype=torch.float64, generator=draw)
    spoiled = logits.clone()
    spoiled[4:, 1] = math.nan
    spoiled.requires_grad_()
    loss = ctc_loss(spoiled.log_softmax(-1), torch.tensor([7, 4]), [(1, 2, 2), (3,)])
    alone = logits[:4, 1:].clone().requires_grad_()
    wanted = ctc_loss(alone.log_softmax(-1), torch.tensor([4]), [(3,)])
    torch.testing.assert_close(loss[1:], wanted)
    (given,) = torch.autograd.grad(ctc_loss(spoiled, torch.tensor([7, 4]), [(1, 2, 2), (3,)])[1], spoiled)
    assert given[4:, 1].abs().max() == 0
    assert given[:, 0].abs().max() == 0


def test_a_long_unlikely_text_keeps_its_gradient(way):
    """A network that is sure of the blank for a thousand frames. torch adds up single precision."""
    logits = torch.zeros(1000, 1, 5)
    logits[:, :, BLANK] = 30.0
    logits.requires_grad_()
    target = [1 + n % 4 for n in range(200)]
    loss = ctc_loss(logits.log_softmax(-1), torch.tensor([1000]), [target])
    assert 200 * 20 < loss.item() < 200 * 31
    (grad,) = torch.autograd.grad(loss.sum(), logits)
    assert bool(grad.isfinite().all())
    assert float(grad.sum(-1).abs().max()) < 1e-4  # of a softmax
    assert float(-grad[:, 0, 1:].sum()) == pytest.approx(200, rel=1e-4 if way == "native" else 1e-2)  # each symbol once


def test_what_leaves_the_range_of_numbers_is_computed_in_logarithms(way):
    """Sure of the blank for half of the frames, then of one symbol, where every other frame should say another."""
    logits = torch.zeros(400, 2, 4, dtype=torch.float64)
    logits[:200, 0, BLANK], logits[200:, 0, 1] = 300.0, 300.0
    logits.requires_grad_()
    targets = [[1, 2] * 100, [3, 1]]
    loss = ctc_loss(logits.log_softmax(-1), torch.tensor([400, 400]), targets)
    assert loss[0].item() > 1e4
    (grad,) = torch.autograd.grad(loss.sum(), logits)
    alone = logits.detach()[:, 1:].requires_grad_()
    (wanted,) = torch.autograd.grad(ctc_loss(alone.log_softmax(-1), torch.tensor([400]), targets[1:])[0], alone)
    torch.testing.assert_close(grad[:, 1:], wanted)
    assert grad[:, 0].isfinite().all()
    assert grad[:, 0].abs().max() > 0.5
    if way == "native":
        _, _, left = native.losses(logits.detach().log_softmax(-1), torch.tensor([400, 400]), targets, BLANK)
        assert left.tolist() == [1, 0]
