"""The [forecast] section of a recipe."""

from __future__ import annotations

from typing import Literal

import msgspec

from elman.config.bounds import Count
from elman.config.structs import check_values

__all__ = ["ForecastSettings"]


class ForecastSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a forecaster reads.

    Attributes:
        context: steps that are read before an origin, at most; 0: four to fourteen seasons, by how long
            series are, and the horizon at least.
        season: steps after which a series is like itself, by which scaled errors and seasonal forecasts count; 0: that
            of the frequency, 24 of hours, 7 of days, 12 of months.
        log: series are learned, and measured by their mean and spread, as logarithms: where what is large varies more.
            All values must be above 0.
        unit: in which a series is learned, and its standardised errors are measured: its "spread", the standard
            deviation, or how far it goes in a "season", the error of the seasonal forecast that scaled errors are
            divided by.
        classical: ETS, an autoregression and Theta are fitted anew at each test origin of each channel, if these are so
            many at most; 0: never. Some take a second each.
        calendar: Fourier terms of the day, the week and the year, as far as the frequency resolves them, are read, too.
        returns: a channel of returns in per cent, of prices; empty: none. The report judges their directions one step
            ahead, and what somebody would have earned by them.
    """

    context: Count = 0
    season: Count = 0
    log: bool = False
    unit: Literal["spread", "season"] = "spread"
    classical: Count = 40
    calendar: bool = False
    returns: str = ""

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "forecast")
