"""The [forecast] section of a recipe."""

from __future__ import annotations

import msgspec

from elman.config.bounds import Count
from elman.config.structs import check_values

__all__ = ["ForecastSettings"]


class ForecastSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a forecaster reads.

    Attributes:
        context: steps that are read before an origin, at most; 0: four seasons, and the horizon at least.
        season: steps after which a series is like itself, by which scaled errors and seasonal forecasts count; 0: that
            of the frequency, 24 of hours, 7 of days, 12 of months.
    """

    context: Count = 0
    season: Count = 0

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "forecast")
