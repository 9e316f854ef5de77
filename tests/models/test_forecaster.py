"""The network that forecasts: its forms on rows of any length, its recursion by hand, what it takes off a window."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from elman import Cell
from elman.errors import InputError
from elman.layers.recurrent import cell_graph
from elman.models.forecast_outputs import LEVELS, output_of
from elman.models.forecaster import ForecastNetwork
from elman.models.forecaster_beside import Beside
from elman.models.forecaster_forms import Rows, last_steps, segmented
from elman.models.forecaster_settings import ForecasterSettings

FORMS = ("segments", "direct", "latent", "window")
OUTPUTS = ("point", "gaussian", "student_t", "negative_binomial", "quantiles")


def network(**settings: object) -> ForecastNetwork:
    torch.manual_seed(0)
    return ForecastNetwork(ForecasterSettings(hidden=8, **settings), 12, 6, 2, 4).eval()


def windows(*lengths: int, channels: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.randn(max(lengths), len(lengths), channels, generator=torch.Generator().manual_seed(1)).cumsum(0)
    return x, torch.tensor(lengths)


# -- rows of any length


@pytest.mark.parametrize("level", ["last", "mean", "none"])
@pytest.mark.parametrize("channels", ["independent", "joint"])
@pytest.mark.parametrize("form", FORMS)
def test_a_window_is_forecast_alike_alone_and_beside_longer_ones(form, channels, level):
    model = network(form=form, channels=channels, level=level, output="gaussian")
    x, lengths = windows(12, 5, 1, 7)
    with torch.no_grad():
        together = model(x, lengths)
        spoiled = torch.cat([x, torch.full((3, 4, 2), torch.nan)])
        for b, n in enumerate(lengths.tolist()):
            spoiled[n:, b] = torch.nan
            torch.testing.assert_close(
                model(x[:n, b, None], lengths[b, None])[:, 0], together[:, b], rtol=1e-5, atol=1e-5
            )
        torch.testing.assert_close(model(spoiled, lengths), together, rtol=1e-5, atol=1e-5)


def test_channels_are_told_apart_unless_there_is_one():
    x, lengths = windows(12, 12)
    same = x[:, :, :1].expand(-1, -1, 2)
    for form in FORMS:
        with torch.no_grad():
            found = network(form=form)(same, lengths)
        assert not torch.allclose(found[:, :, 0], found[:, :, 1]), form


def test_stretches_end_where_the_row_ends():
    x = torch.arange(1.0, 8.0)[:, None, None].expand(-1, 2, 1)
    cut, counts = segmented(x, torch.tensor([7, 2]), 3)
    assert counts.tolist() == [3, 1]
    assert cut[:, 0].tolist() == [[1, 1, 1], [2, 3, 4], [5, 6, 7]]
    assert cut[0, 1].tolist() == [1, 1, 2]
    assert torch.equal(segmented(x[:6], torch.tensor([6, 6]), 3)[0], segmented(x, torch.tensor([6, 6]), 3)[0])
    assert last_steps(x, torch.tensor([7, 2]), 3)[:, :, 0].T.tolist() == [[5, 6, 7], [1, 1, 2]]


@pytest.mark.parametrize("channels", [1, 3])
def test_segments_are_learned_as_they_are_forecast(channels):
    """What trains makes shared products once; what forecasts takes a step of the layer for each pair."""
    torch.manual_seed(0)
    settings = ForecasterSettings(hidden=8, dropout=0.0)
    model = ForecastNetwork(settings, 12, 6, channels, 2)
    x, lengths = windows(12, 5, 7, channels=channels)
    torch.testing.assert_close(model.train()(x, lengths), model.eval()(x, lengths))


# -- the recursion


class Copy(Cell):
    """h_t = U x_t + W h_{t-1}: with U = 1 and W = 0 the state is the input."""

    def step(self, x, s):
        return self.U @ x + self.W @ s


def test_the_latent_model_goes_on_from_the_last_observation():
    """x_{t+1} = x_t / 2, whatever came before: of 5, 3, 8 the next are 4, 2, 1."""
    torch.manual_seed(0)
    settings = ForecasterSettings(form="latent", hidden=1, level="none", dropout=0.0)
    model = ForecastNetwork(settings, 3, 3, 1, 1, graph=cell_graph(Copy)[0])
    with torch.no_grad():
        for name, value in model.named_parameters():
            value.fill_({"form.layer.U_l0": 1.0, "form.layer.W_l0": 0.0, "form.out.weight": 0.5}.get(name, 0.0))
        found = model.eval()(torch.tensor([5.0, 3.0, 8.0])[:, None, None], torch.tensor([3]))
    assert found[:, 0, 0, 0].tolist() == [4.0, 2.0, 1.0]
    rows = torch.tensor([5.0, 3.0, 8.0])[:, None, None]
    given = Rows(rows, torch.tensor([3]), torch.zeros(1, dtype=torch.int64), Beside.nothing(rows, 3))
    taught = model.form.taught(given, torch.tensor([10.0, 20.0, 30.0])[:, None, None])
    assert taught[:, 0, 0, 0].tolist() == [4.0, 5.0, 10.0]  # reads what came: 8, 10, 20


def test_the_fixed_window_goes_on_from_the_last_two():
    """x_{t+1} = 2 x_t - x_{t-1}: of 1, 2, 4 the next are 6, 8, 10."""
    settings = ForecasterSettings(form="window", hidden=2, level="none", dropout=0.0)
    model = ForecastNetwork(settings, 2, 3, 1, 1).eval()
    with torch.no_grad():
        model.form.hidden.weight.copy_(torch.tensor([[-1.0, 2.0], [1.0, -2.0]]))
        model.form.hidden.bias.zero_()
        model.form.out.weight.copy_(torch.tensor([[1.0, -1.0]]))  # relu(z) - relu(-z) = z
        model.form.out.bias.zero_()
        found = model(torch.tensor([1.0, 2.0, 4.0])[:, None, None], torch.tensor([3]))
    assert found[:, 0, 0, 0].tolist() == [6.0, 8.0, 10.0]


@pytest.mark.parametrize("form", ["latent", "window"])
def test_paths_are_drawn_or_the_mean_is_followed(form):
    model, (x, lengths) = network(form=form, output="gaussian"), windows(12, 12)
    with torch.no_grad():
        mean = [model(x, lengths) for _ in range(2)]
        drawn = [model(x, lengths, draws=torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
        further = model(x, lengths, 20)
    assert torch.equal(*mean)
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0][0], mean[0][0])  # the first step is fed nothing
    assert not torch.allclose(drawn[0][1:], drawn[2][1:])
    torch.testing.assert_close(further[:6], mean[0])


# -- what is taken off, and given back


@pytest.mark.parametrize("form", FORMS)
def test_a_raised_window_is_forecast_raised(form):
    x, lengths = windows(12, 5)
    with torch.no_grad():
        for level, factor in (("last", 1.0), ("mean", 3.0)):
            model = network(form=form, level=level)
            plain, moved = model(x, lengths), model(factor * x + 7, lengths)
            torch.testing.assert_close(moved, factor * plain + 7, rtol=1e-3, atol=2e-2)


@pytest.mark.parametrize("output", OUTPUTS)
def test_quantiles_never_cross(output):
    out = output_of(output, "mae")
    raw = 30 * torch.randn(500, out.size, generator=torch.Generator().manual_seed(0))
    found = out.quantiles(out.place(raw, *(torch.full((500, 1), value) for value in (5.0, 2.0, 3.0))))
    assert found.shape == (500, len(LEVELS))
    assert bool((found.diff(dim=-1) >= 0).all())


def test_corrections_do_not_let_them_cross_and_add_up_beyond_the_horizon():
    model, (x, lengths) = network(form="latent"), windows(12, 12)
    with torch.no_grad():
        model.corrections.copy_(torch.randn(model.corrections.shape, generator=torch.Generator().manual_seed(0)))
        found = model.quantiles(model(x, lengths, 20))
        assert bool((found.diff(dim=-1) >= 0).all())
        model.corrections.zero_()
        model.corrections[-1] = torch.arange(1.0, 7.0)[:, None]  # as far off as steps ahead
        placed = model(x, lengths, 14)
        wide = model.quantiles(placed)[..., -1] - placed[..., 0]
    assert wide[:6, 0, 0].tolist() == pytest.approx([1, 2, 3, 4, 5, 6], rel=1e-4)
    assert wide[6:8, 0, 0].tolist() == pytest.approx([37**0.5, 40**0.5], rel=1e-4)  # sqrt(6^2 + 1), sqrt(6^2 + 2^2)
    assert wide[12, 0, 0].item() == pytest.approx((2 * 36 + 1) ** 0.5, rel=1e-4)


def test_likelihoods_are_those_of_torch_and_scipy():
    raw, y = torch.randn(50, 3, dtype=torch.float64), torch.randn(50, dtype=torch.float64)
    level, scale = torch.full((50, 1), 1.0, dtype=torch.float64), torch.full((50, 1), 2.0, dtype=torch.float64)
    gaussian, student = output_of("gaussian", ""), output_of("student_t", "")
    mean, spread = gaussian.place(raw[:, :2], level, scale, scale).unbind(-1)
    wanted = -torch.distributions.Normal(mean, spread).log_prob(y)
    torch.testing.assert_close(gaussian.loss(torch.stack([mean, spread], -1), y), wanted)
    placed = student.place(raw, level, scale, scale)
    centre, spread, nu = placed.unbind(-1)
    assert bool((nu > 2).all())
    torch.testing.assert_close(student.loss(placed, y), -torch.distributions.StudentT(nu, centre, spread).log_prob(y))
    ppf = stats.t.ppf(np.array(LEVELS), nu[:, None], centre[:, None], spread[:, None])
    np.testing.assert_allclose(student.quantiles(placed).numpy(), ppf, rtol=1e-9)
    ppf = stats.norm.ppf(np.array(LEVELS), mean[:, None], gaussian.place(raw[:, :2], level, scale, scale)[:, 1:])
    np.testing.assert_allclose(
        gaussian.quantiles(gaussian.place(raw[:, :2], level, scale, scale)).numpy(), ppf, rtol=1e-9
    )


@pytest.mark.parametrize("output", ["gaussian", "student_t", "quantiles"])
def test_what_is_drawn_has_the_quantiles_that_are_stated(output):
    out = output_of(output, "mae")
    raw = torch.randn(1, out.size, generator=torch.Generator().manual_seed(3))
    placed = out.place(raw, torch.ones(1, 1), torch.full((1, 1), 2.0), torch.ones(1, 1))
    drawn = out.draw(placed.expand(40_000, -1), torch.Generator().manual_seed(0))
    inner = slice(2, -2)
    spread = float(out.quantiles(placed)[0, -1] - out.quantiles(placed)[0, 0])
    found = torch.quantile(drawn, torch.tensor(LEVELS))
    assert (found - out.quantiles(placed)[0])[inner].abs().max() < 0.03 * spread


def test_the_loss_leaves_out_what_never_came():
    for form in FORMS:
        model, (x, lengths) = network(form=form), windows(12, 7)
        future = torch.randn(6, 2, 2, generator=torch.Generator().manual_seed(2))
        whole, count = model.loss(x, lengths, future)
        assert count == 24
        future[5, 1] = torch.nan  # the last step, which nothing ahead reads
        part, count = model.loss(x, lengths, future)
        assert count == 22
        part, whole = part.detach(), whole.detach()
        assert float(part) != float(whole)
        assert part.isfinite()
        off = (model(x, lengths)[..., 0] - future).abs().detach() if model.form.fixed else None
        if off is not None:
            assert float(part) == pytest.approx(float(off[~future.isnan()].mean()), rel=1e-5)


def test_features_are_the_state_behind_the_last_step():
    x, lengths = windows(12, 5)
    for form in ("segments", "direct", "latent"):
        model = network(form=form)
        with torch.no_grad():
            found, alone = model.encode(x, lengths), model.encode(x[:5, 1:], lengths[1:])
        assert found.shape == (2, 2 * 8)
        torch.testing.assert_close(found[1:], alone)
    with pytest.raises(InputError, match="has no state"):
        network(form="window").encode(x, lengths)
