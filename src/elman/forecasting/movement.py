"""Does a forecast know which way a price goes, and would anybody have earned by it?

Days are alike in all stocks at once and from one to the next, so that ten thousand directions are far fewer than they
look. Intervals draw stretches of days, all series of a day together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from elman.errors import InputError
from elman.forecasting.comparison import Difference, block_length, block_picks, paired_difference

__all__ = ["Earned", "Interval", "Movement", "compared_earnings", "earned", "movement"]

TRADING_DAYS = 252  # a year


@dataclass(frozen=True)
class Interval:
    """A figure and where it lies with a probability."""

    value: float
    low: float
    high: float

    def said(self) -> str:
        """``.513 (.498 to .529)``"""
        return "{} ({} to {})".format(*(f"{x:.3f}".replace("0.", ".", 1) for x in (self.value, self.low, self.high)))


@dataclass(frozen=True)
class Movement:
    """Directions that were forecast.

    Attributes:
        accuracy: share of directions that were right.
        mcc: Matthews correlation: 0 is chance, whatever the share of days on which prices rise.
        up: share of truths that rose: the accuracy of "always up".
        count: directions that were judged.
        level: of the intervals.
    """

    accuracy: Interval
    mcc: Interval
    up: float
    count: int
    level: float

    @property
    def known(self) -> bool:
        """Whether the interval of the correlation leaves chance out, above it."""
        return self.mcc.low > 0

    def said(self) -> str:
        """One sentence, that a careful person would sign."""
        most = max(self.up, 1 - self.up)
        verdict = "more than chance" if self.known else "not told from chance"
        return (
            f"Of {self.count:,} directions {self.accuracy.said()} are right, where always the more frequent one has "
            f"{most:.3f}; Matthews correlation {self.mcc.said()}: {verdict} ({self.level:.0%} intervals over days)."
        ).replace(" 0.", " .")


def movement(
    truth: np.ndarray,
    forecast: np.ndarray,
    *,
    block: int = 0,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Movement:
    """Judge directions: above 0 is up, anything else down.

    Args:
        truth: (N,) or (N, series), in the order of time: what each rose by; NaN or 0 counts nowhere.
        forecast: alike; NaN: no forecast, which counts nowhere.
        block: days that are drawn together; 0: by their number.
        level, draws, seed: of the intervals.

    Raises:
        InputError: arrays of different shapes, or no direction at all.
    """
    if np.shape(truth) != np.shape(forecast):
        raise InputError(
            f"directions of shapes {np.shape(truth)} and {np.shape(forecast)} are no pairs",
            where="movement",
            remedy="give a forecast for each truth",
        )
    y, f = (np.asarray(part, np.float64).reshape(len(truth), -1) for part in (truth, forecast))
    judged = ~np.isnan(y) & ~np.isnan(f) & (y != 0)
    if not judged.any():
        raise InputError("no price moved where a direction was forecast", where="movement", remedy="give more days")
    up, said = y > 0, f > 0
    # (N, 4) of each day: both up, both down, said up and fell, said down and rose
    table = np.stack([(judged & (up == a) & (said == b)).sum(1) for a, b in ((1, 1), (0, 0), (0, 1), (1, 0))], 1)
    picks = block_picks(len(y), block or block_length(len(y)), draws, seed)
    drawn = table[picks].sum(1)  # (draws, 4)
    whole = table.sum(0)

    def interval(figure: Callable[[np.ndarray], np.ndarray]) -> Interval:
        low, high = np.nanquantile(figure(drawn), [(1 - level) / 2, (1 + level) / 2])
        return Interval(float(figure(whole[None])[0]), float(low), float(high))

    count = int(whole.sum())
    return Movement(interval(_accuracy), interval(_mcc), float((whole[0] + whole[3]) / count), count, level)


def _accuracy(table: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((table[:, 0] + table[:, 1]) / table.sum(1))


def _mcc(table: np.ndarray) -> np.ndarray:
    """Of always the same direction it is 0."""
    tp, tn, fp, fn = table.T.astype(np.float64)
    whole = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return np.asarray((tp * tn - fp * fn) / np.sqrt(np.where(whole > 0, whole, 1.0)))


# -- what would have been earned --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Earned:
    """What positions earned.

    Attributes:
        growth: (T,) logarithm of what capital grew by at each step, after costs.
        yearly: return a year, compounded; deviation: a year, of the logarithms.
        drawdown: the deepest fall from a height before, as a share of it.
        turnover: what was traded a year, as a share of capital.
        cost: as a share of what is traded.
    """

    growth: np.ndarray
    yearly: float
    deviation: float
    drawdown: float
    turnover: float
    cost: float


def earned(positions: np.ndarray, returns: np.ndarray, *, cost: float = 0.001, per_year: int = TRADING_DAYS) -> Earned:
    """What it earns to hold positions, dealt out evenly over the series, with what is traded paid for.

    Args:
        positions: (T,) or (T, series): 1 all of its share held, 0 none, -1 sold short, over step t; decided by what was
            known before it.
        returns: alike, simple: price after over price before, less 1; NaN earns nothing.
        cost: as a share of what is traded: .001 is a tenth of a per cent. Buying at first is paid for, too.
        per_year: steps a year.

    Raises:
        InputError: arrays of different shapes, positions beyond -1 to 1, a step that loses everything.
    """
    if np.shape(positions) != np.shape(returns) or not np.size(returns):
        raise InputError(f"positions of shape {np.shape(positions)} for returns of shape {np.shape(returns)}",
                         where="strategy", remedy="give one for each")  # fmt: skip
    held, gains = (np.asarray(part, np.float64).reshape(len(returns), -1) for part in (positions, returns))
    if not (np.abs(held) <= 1).all():
        raise InputError("positions go from -1, sold short, to 1, all of it held", where="strategy",
                         remedy="scale them")  # fmt: skip
    traded = np.abs(np.diff(held, axis=0, prepend=0.0)).mean(1)
    step = (held * np.nan_to_num(gains)).mean(1) - cost * traded
    if (step <= -1).any():
        raise InputError("all of the capital is lost", where=f"strategy, step {int((step <= -1).argmax()) + 1}",
                         remedy="are the returns simple ones, and no per cents?")  # fmt: skip
    growth = np.log1p(step)
    course = np.concatenate([[0.0], growth.cumsum()])
    fall = np.maximum.accumulate(course) - course
    years = len(growth) / per_year
    return Earned(
        growth,
        float(np.expm1(growth.sum() / years)),
        float(growth.std() * np.sqrt(per_year)),
        float(-np.expm1(-fall.max())),
        float(traded.sum() / years),
        cost,
    )


def compared_earnings(strategy: Earned, hold: Earned, *, per_year: int = TRADING_DAYS) -> tuple[Difference, str]:
    """The growth of a strategy less that of buying and holding, a year, with its interval; and a paragraph that a
    careful person would sign."""
    found = paired_difference(strategy.growth * per_year, hold.growth * per_year)
    better = "more" if found.mean > 0 else "less"
    verdict = (
        f"The interval leaves none out: it earned {better} than holding, on these days."
        if found.decided
        else "The interval holds 0: these days do not tell it from holding."
    )
    ours = f"grew by {100 * strategy.yearly:.1f} % a year"
    theirs = f"buying and holding by {100 * hold.yearly:.1f} % (fell by {100 * hold.drawdown:.0f} %)"
    course = f"traded {strategy.turnover:.0f} times its capital, and fell by {100 * strategy.drawdown:.0f} % at worst"
    return found, (
        f"After costs of {100 * strategy.cost:g} % of what is traded, the strategy {ours} (it {course}), {theirs}. "
        f"Growth a year differs by {100 * found.mean:.1f} points ({100 * found.low:.1f} to {100 * found.high:.1f}). "
        f"{verdict} What happened once on one market says little of what will; taxes, spreads in a crisis and one's "
        "own orders moving the price are not in it. This is no advice."
    )
