"""Counts, paths and ensembles: against scipy and torch, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from elman.errors import InputError
from elman.models.forecast_outputs import LEVELS, output_of
from elman.models.forecaster import ForecastNetwork
from elman.models.forecaster_batches import of_counts, scale_of
from elman.models.forecaster_beside import Beside
from elman.models.forecaster_committee import ForecastCommittee, network_of
from elman.models.forecaster_settings import ForecasterSettings

RAW = torch.randn(40, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def placed(level: float = 0.7, unit: float = 12.0) -> torch.Tensor:
    parts = (torch.full((40, 1), value, dtype=torch.float64) for value in (level, 1.0, unit))
    return output_of("negative_binomial", "").place(RAW, *parts)


def test_the_likelihood_of_counts_is_that_of_scipy_and_torch():
    out, given = output_of("negative_binomial", ""), placed()
    mean, dispersion, unit = given.unbind(-1)
    r, mu = 1 / dispersion, mean * unit
    counts = torch.arange(40.0, dtype=torch.float64)
    found = out.loss(given, counts / unit)
    np.testing.assert_allclose(found, -stats.nbinom.logpmf(counts, r, r / (r + mu)), rtol=1e-8)
    torch.testing.assert_close(found, -torch.distributions.NegativeBinomial(r, mu / (r + mu)).log_prob(counts))
    whole = torch.arange(4000.0, dtype=torch.float64)[:, None] / unit
    torch.testing.assert_close(torch.exp(-out.loss(given.expand(4000, -1, -1), whole)).sum(0), torch.ones_like(unit))
    np.testing.assert_allclose(stats.nbinom.mean(r, r / (r + mu)), mu)
    np.testing.assert_allclose(stats.nbinom.var(r, r / (r + mu)), mu + dispersion * mu**2, rtol=1e-9)
    np.testing.assert_allclose(
        out.quantiles(given) * unit[:, None], stats.nbinom.ppf(np.array(LEVELS), r[:, None], (r / (r + mu))[:, None])
    )


def test_what_is_taken_off_a_window_of_counts_is_given_back():
    """A raw 0 is the window's own level; one that ends in nothing begins at a tenth of the mean."""
    out = output_of("negative_binomial", "")
    for level, wanted in ((2.5, 2.5), (0.3, 0.3), (0.0, 0.1)):
        one = torch.ones(1, 1, dtype=torch.float64)
        found = out.centre(out.place(torch.zeros(1, 2, dtype=torch.float64), level * one, one, one))
        assert float(found) == pytest.approx(wanted)


def test_drawn_counts_are_whole_and_have_their_mean_and_variance():
    out, given = output_of("negative_binomial", ""), placed()[:1].expand(60_000, -1)
    drawn = out.draw(given, torch.Generator().manual_seed(0)) * 12
    assert torch.equal(drawn, drawn.round())
    mean, dispersion = float(given[0, 0] * 12), float(given[0, 1])
    variance = mean + dispersion * mean**2
    assert abs(float(drawn.mean()) - mean) < 4 * (variance / 60_000) ** 0.5
    assert float(drawn.var()) == pytest.approx(variance, rel=0.05)


def test_counts_are_divided_by_their_mean_and_others_are_refused():
    values = np.array([[0.0], [4.0], [8.0], [np.nan]])
    found = of_counts(scale_of(values, 1), values, "a", False)
    assert (found.level.tolist(), found.spread.tolist()) == ([0.0], [4.0])
    assert of_counts(scale_of(0 * values, 1), 0 * values, "a", False).spread.tolist() == [1.0]
    for wrong, said in ((-3.0, "the series 'a' has the value -3, which is no count"), (1.5, "the value 1.5, which is")):
        with pytest.raises(InputError, match=said):
            of_counts(scale_of(values, 1), np.array([[1.0], [wrong]]), "a", False)


# -- paths


def network(**settings: object) -> ForecastNetwork:
    torch.manual_seed(0)
    return ForecastNetwork(ForecasterSettings(hidden=8, **settings), 12, 6, 1, 4).eval()


@pytest.mark.parametrize("form", ["latent", "window"])
def test_paths_have_the_distribution_that_is_stated_of_the_first_step_and_hang_together(form):
    model = network(form=form, output="gaussian", level="none")
    x = torch.randn(12, 1, 1, generator=torch.Generator().manual_seed(1)).cumsum(0).expand(-1, 4000, -1)
    lengths = torch.full((4000,), 12)
    with torch.no_grad():
        paths = model.paths(x, lengths, 6, torch.Generator().manual_seed(0))[..., 0]
        mean, spread = model(x[:, :1], lengths[:1])[0, 0, 0].unbind(-1)
        again = model.paths(x, lengths, 6, torch.Generator().manual_seed(0))[..., 0]
    assert paths.shape == (6, 4000)
    assert torch.equal(paths, again)
    assert abs(float(paths[0].mean() - mean)) < 4 * float(spread) / 4000**0.5
    assert float(paths[0].std()) == pytest.approx(float(spread), rel=0.05)
    # what follows was computed from what was drawn: given a path, the next step is where the model says
    with torch.no_grad():
        longer = torch.cat([x[:, :50], paths[:3, :50, None]])[-12:]
        given = model(longer, lengths[:50], 1)[0, :, 0] if form == "window" else None
    if given is not None:
        z = (paths[3, :50] - given[:, 0]) / given[:, 1]
        assert abs(float(z.mean())) < 4 / 50**0.5
        assert 0.7 < float(z.std()) < 1.3


def test_forms_that_foretell_all_at_once_draw_no_paths():
    x, lengths, draws = torch.zeros(12, 1, 1), torch.tensor([12]), torch.Generator()
    with pytest.raises(InputError, match="the form 'segments' foretells each step by itself, and draws no paths"):
        network(output="gaussian").paths(x, lengths, 3, draws)
    with pytest.raises(InputError, match="one value is foretold, and nothing can be drawn from it"):
        network(form="latent").paths(x, lengths, 3, draws)


# -- ensembles


def test_an_ensemble_has_the_mean_of_its_members_quantiles():
    torch.manual_seed(0)
    members = [ForecastNetwork(ForecasterSettings(hidden=8, output="gaussian"), 12, 6, 2, 4).eval() for _ in range(3)]
    whole = network_of(members).eval()
    assert isinstance(whole, ForecastCommittee)
    assert network_of(members[:1]) is members[0]
    x, lengths = torch.randn(12, 5, 2), torch.tensor([12, 3, 9, 12, 1])
    beside, future = Beside.nothing(x, 6), torch.randn(6, 5, 2)
    with torch.no_grad():
        each = torch.stack([one.quantiles(one(x, lengths)) for one in members])
        torch.testing.assert_close(whole.quantiles(whole(x, lengths, beside=beside)), each.mean(0))
        assert float((each[0] - each[1]).abs().max()) > 0.01
        losses = [float(one.loss(x, lengths, future)[0]) for one in members]
        assert float(whole.loss(x, lengths, future)[0]) == pytest.approx(np.mean(losses), rel=1e-5)
        assert whole.encode(x, lengths).shape == (5, 3 * 2 * 8)
