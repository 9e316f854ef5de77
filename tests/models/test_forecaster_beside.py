"""Covariates in the network that forecasts: each step ahead reads its own, rows are alike alone and together."""

from __future__ import annotations

import pytest
import torch

from elman import Cell
from elman.layers.recurrent import cell_graph
from elman.models.forecaster import ForecastNetwork
from elman.models.forecaster_batches import WindowBatch
from elman.models.forecaster_beside import Beside, ahead_of, next_known
from elman.models.forecaster_settings import ForecasterSettings
from elman.models.forecaster_turns import foretold
from elman.sequences import Sequences

FORMS = ("segments", "direct", "latent", "window")
K, P, H = 2, 1, 6


def network(**settings: object) -> ForecastNetwork:
    torch.manual_seed(0)
    return ForecastNetwork(ForecasterSettings(hidden=8, **settings), 12, H, 2, 4, known=K, past=P).eval()


def batch(*lengths: int, steps: int = H) -> WindowBatch:
    draw = torch.Generator().manual_seed(1)
    T, B = max(lengths), len(lengths)
    x = torch.randn(T, B, 2, generator=draw).cumsum(0)
    beside = Beside(torch.randn(T, B, K + P, generator=draw), torch.randn(steps, B, K, generator=draw))
    return WindowBatch(Sequences(x, torch.tensor(lengths)), torch.full((H, B, 2), torch.nan), beside)


@pytest.mark.parametrize("channels", ["independent", "joint"])
@pytest.mark.parametrize("form", FORMS)
def test_a_window_with_covariates_is_forecast_alike_alone_and_beside_longer_ones(form, channels):
    model, whole = network(form=form, channels=channels), batch(12, 5, 1, 7)
    with torch.no_grad():
        together = foretold(model, whole)
        torch.testing.assert_close(foretold(model, whole.spoiled(3)), together, rtol=1e-5, atol=1e-5)
        for b, n in enumerate(whole.lengths.tolist()):
            beside = Beside(whole.beside.read[:n, b, None], whole.beside.ahead[:, b, None])
            one = WindowBatch(Sequences(whole.sequences.data[:n, b, None], torch.tensor([n])), whole.future, beside)
            torch.testing.assert_close(foretold(model, one)[:, 0], together[:, b], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_a_step_ahead_reads_its_covariates_and_none_of_later_ones(form):
    model, whole = network(form=form), batch(12, 5)
    with torch.no_grad():
        before = foretold(model, whole)
        whole.beside.ahead[3:] += 1.0
        after = foretold(model, whole)
        fewer = WindowBatch(whole.sequences, whole.future, Beside(whole.beside.read, whole.beside.ahead[:3]))
        torch.testing.assert_close(foretold(model, fewer, 3), before[:3])
    assert torch.equal(before[:3], after[:3])
    assert (before[3:] - after[3:]).abs().amin((1, 2)).gt(1e-5).all()


@pytest.mark.parametrize("form", FORMS)
def test_past_covariates_and_those_of_the_steps_read_count(form):
    model, whole = network(form=form), batch(12, 5)
    with torch.no_grad():
        before = foretold(model, whole)
        for column in range(K + P):
            moved = batch(12, 5)
            moved.beside.read[..., column] += 1.0
            assert not torch.allclose(foretold(model, moved), before), column


@pytest.mark.parametrize("form", FORMS)
def test_what_is_taught_is_what_is_foretold_of_the_first_step(form):
    """And gradients reach every weight, those of the covariates too."""
    model, whole = network(form=form), batch(12, 5)
    future = torch.randn(H, 2, 2, generator=torch.Generator().manual_seed(2))
    loss, _ = model.loss(whole.sequences.data, whole.lengths, future, whole.beside)
    loss.backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in model.parameters())
    only = torch.full_like(future, torch.nan)
    only[0] = future[0]
    first, count = model.loss(whole.sequences.data, whole.lengths, only, whole.beside)
    off = (foretold(model, whole)[0, ..., 0] - future[0]).abs().mean()
    assert count == 4
    torch.testing.assert_close(first, off)


class Add(Cell):
    """h_t = U x_t + W h_{t-1}: with W = 0 the state is a sum of what is read."""

    def step(self, x, s):
        return self.U @ x + self.W @ s


def test_the_latent_model_reads_the_covariate_of_the_step_that_it_foretells():
    """x_{t+1} = x_t + z_{t+1}: behind 5, 3 with z = 10, 20, 30 ahead come 13, 33, 63."""
    torch.manual_seed(0)
    settings = ForecasterSettings(form="latent", hidden=1, level="none", dropout=0.0)
    model = ForecastNetwork(settings, 2, 3, 1, 1, graph=cell_graph(Add)[0], known=1).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.fill_({"form.layer.U_l0": 1.0, "form.out.weight": 1.0}.get(name, 0.0))
        x, ahead = torch.tensor([5.0, 3.0])[:, None, None], torch.tensor([10.0, 20.0, 30.0])[:, None, None]
        beside = Beside(torch.tensor([7.0, 8.0])[:, None, None], ahead)
        found = model(x, torch.tensor([2]), beside=beside)
        taught = model.loss(x, torch.tensor([2]), torch.tensor([13.0, 33.0, 63.0])[:, None, None], beside)
    assert found.flatten().tolist() == [13.0, 33.0, 63.0]
    assert taught == (0.0, 3)


def test_known_ones_stand_one_step_ahead_and_past_ones_stay():
    read = torch.tensor([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]])[:, None].repeat(1, 2, 1)
    beside = Beside(read, torch.tensor([4.0, 5.0])[:, None, None].repeat(1, 2, 1))
    lengths = torch.tensor([3, 2])
    found = next_known(beside, lengths)[..., 0].T.tolist()
    assert found[0] == [2, 3, 4]
    assert found[1][:2] == [2, 4]
    assert ahead_of(beside, lengths, 2).transpose(0, 1).tolist() == [[[4, 30], [5, 30]], [[4, 20], [5, 20]]]


@pytest.mark.parametrize("form", FORMS)
def test_further_than_was_learned_the_known_ones_go_on(form):
    model, whole = network(form=form), batch(12, 5, steps=15)
    with torch.no_grad():
        found = foretold(model, whole, 15)
        torch.testing.assert_close(found[:H], foretold(model, whole, H))
        whole.beside.ahead[14] += 1.0
        after = foretold(model, whole, 15)
    assert torch.equal(found[:14], after[:14])
    assert not torch.allclose(found[14], after[14])
