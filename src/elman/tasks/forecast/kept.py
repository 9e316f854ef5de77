"""What a forecaster keeps of the table that it learned from, to take others in the same way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from elman.forecasting.columns import Roles
from elman.forecasting.frequency import Frequency
from elman.forecasting.holidays import WORKING, Holidays
from elman.forecasting.series import Panel

__all__ = ["columns_read", "described_step", "roles_read", "step_described", "told_elsewhere",
           "told_new"]  # fmt: skip


def columns_read(panel: Panel) -> dict[str, str]:
    """Columns by what they are, as a RUN keeps them, and how dates such as 1/2/2024 were read."""
    found = {"time": panel.time, "target": ",".join(panel.channels), **({"id": panel.id} if panel.id else {})}
    first = panel.dates.dayfirst
    return found if first is None else {**found, "dayfirst": "yes" if first else "no"}


def roles_read(columns: Mapping[str, str], channels: Sequence[str]) -> Roles:
    """The same as roles; names of channels may have commas in them, and are kept apart."""
    first = columns.get("dayfirst")
    return Roles(columns.get("time", ""), columns.get("id", ""), list(channels),
                 dayfirst=None if first is None else first == "yes")  # fmt: skip


def told_elsewhere(names: Sequence[str]) -> list[str]:
    """A line on series that lie far from where they were learned, if there are any."""
    if not names:
        return []
    which = f"{len(names)} series lie" if len(names) > 1 else f"series {names[0]!r} lies" if names[0] else "it lies"
    far = "far from what was learned, or moves twenty times as much, or as little: is the unit another?"
    return [f"{which} {far} Forecasts are measured by what is given"]


def told_new(panel: Panel, learned: Collection[str]) -> list[str]:
    """A line on series by name that were not learned from, if there are any."""
    new = [one.name for one in panel if one.name not in learned] if panel.named and panel.id else []
    if not new:
        return []
    some = ", ".join(map(repr, new[:4])) + (f" and {len(new) - 4:,} more" if len(new) > 4 else "")
    return [f"{len(new):,} of {len(panel):,} series were not learned from ({some}): they are measured by what is given"]


def described_step(frequency: Frequency | None) -> dict[str, Any] | None:
    """A frequency as model.json has it; zone and holidays are of the table at hand."""
    if frequency is None:
        return None
    found = {"unit": frequency.unit, "n": frequency.n, "anchor": frequency.anchor}
    return {**found, "week": frequency.holidays.week} if frequency.unit == "business" else found


def step_described(step: Mapping[str, Any] | None) -> Frequency | None:
    """The frequency that `described_step` described; None of a RUN that does not say it."""
    if step is None:
        return None
    return Frequency(step["unit"], step["n"], step["anchor"], holidays=Holidays(week=step.get("week", WORKING)))
