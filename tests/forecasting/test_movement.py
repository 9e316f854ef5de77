"""Directions are judged with the doubt that days alike deserve; a strategy earns what its positions do, after costs."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, matthews_corrcoef

from elman.errors import InputError
from elman.forecasting.movement import compared_earnings, earned, movement

draw = np.random.default_rng(0)


def test_directions_equal_scikit_learns_figures() -> None:
    truth, forecast = draw.normal(size=(80, 3)), draw.normal(size=(80, 3))
    forecast += 0.5 * truth
    truth[3, 1], truth[4, 0], forecast[5, 2] = 0.0, np.nan, np.nan
    judged = (truth != 0) & ~np.isnan(truth) & ~np.isnan(forecast)
    found = movement(truth, forecast)
    up, said = truth[judged] > 0, forecast[judged] > 0
    assert found.count == judged.sum() == 80 * 3 - 3
    assert found.accuracy.value == pytest.approx(accuracy_score(up, said))
    assert found.mcc.value == pytest.approx(matthews_corrcoef(up, said))
    assert found.up == pytest.approx(up.mean())
    assert found.known
    assert found.accuracy.low < found.accuracy.value < found.accuracy.high


def test_always_up_knows_nothing() -> None:
    truth = draw.normal(0.2, 1, 500)
    found = movement(truth, np.ones(500))
    assert (found.mcc.value, found.known) == (0.0, False)
    assert found.accuracy.value == found.up
    assert "not told from chance" in found.said()


def test_stocks_that_move_together_are_few() -> None:
    """Fifty stocks that follow one market are one series of directions, and the interval knows."""
    market = draw.normal(size=(300, 1))
    alike, alone = np.repeat(market, 50, 1), draw.normal(size=(300, 50))
    guess = np.repeat(draw.normal(size=(300, 1)), 50, 1)
    together, apart = movement(alike, guess), movement(alone, draw.normal(size=(300, 50)))
    width = {k: one.accuracy.high - one.accuracy.low for k, one in (("together", together), ("apart", apart))}
    assert width["together"] > 5 * width["apart"]
    single = movement(alike[:, 0], guess[:, 0])
    assert width["together"] == pytest.approx(single.accuracy.high - single.accuracy.low)


def test_chance_is_called_chance_about_as_often_as_it_says() -> None:
    known = sum(movement(*np.random.default_rng(k).normal(size=(2, 150)), draws=200, seed=k).known for k in range(200))
    assert known <= 16  # 2.5 % of them are expected


def test_earnings_by_hand() -> None:
    found = earned(np.array([1.0, 1.0, 0.0, -1.0]), np.array([0.1, -0.1, 0.5, 0.2]), cost=0.01, per_year=4)
    steps = [0.1 - 0.01, -0.1, -0.01, -0.2 - 0.01]
    assert found.growth.tolist() == pytest.approx(np.log1p(steps).tolist())
    assert found.yearly == pytest.approx(np.prod(1 + np.array(steps)) - 1)
    assert found.turnover == pytest.approx(1 + 1 + 1)
    assert found.drawdown == pytest.approx(1 - 0.9 * 0.99 * 0.79)
    two = earned(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[0.1, 0.9], [0.1, np.nan]]), cost=0.0)
    assert two.growth.tolist() == pytest.approx([np.log(1.05)] * 2)


def test_costs_decide() -> None:
    """Who knows the direction in 58 of 100 cases earns, until trading is paid for."""
    returns = 0.01 * draw.normal(size=2000)
    position = np.where(draw.random(2000) < 0.58, np.sign(returns), -np.sign(returns))
    hold = earned(np.ones(2000), returns, cost=0.001)
    free, said = compared_earnings(earned(position, returns, cost=0.0), hold)
    assert free.mean > 0
    paid, text = compared_earnings(earned(position, returns, cost=0.001), hold)
    assert paid.mean < free.mean - 0.2
    assert "After costs of 0 % of what is traded" in said
    assert "After costs of 0.1 % of what is traded" in text
    assert text.endswith("This is no advice.")
    same, text = compared_earnings(hold, hold)
    assert (same.mean, same.decided) == (0.0, False)
    assert "do not tell it from holding" in text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: movement(np.ones(3), np.ones(4)), "are no pairs"),
        (lambda: movement(np.zeros(3), np.ones(3)), "no price moved"),
        (lambda: earned(np.ones(3), np.ones(4)), "give one for each"),
        (lambda: earned(2 * np.ones(3), np.ones(3)), "positions go from -1"),
        (
            lambda: earned(np.ones(2), np.array([0.1, -1.5])),
            "step 2: all of the capital is lost; are the returns simple",
        ),
    ],
)
def test_what_cannot_be_judged(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()  # type: ignore[operator]
