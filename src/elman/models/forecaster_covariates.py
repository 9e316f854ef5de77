"""Which covariates a forecaster reads, and how each is measured: learned from the training part, kept in the RUN."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.errors import InputError
from elman.forecasting.calendar import calendar_features, calendar_names, calendar_seen
from elman.forecasting.kinds import IS
from elman.forecasting.series import Panel, Series

__all__ = ["Covariates"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Covariates:
    """Columns beside the values, by name.

    Attributes:
        known: known ahead; past: known as the values are; static: those that stay, read at every step as known ones.
        calendar: Fourier terms of day, week and year that are read, too.
        level, spread: of known, static and past ones, in this order: what is taken off, and what it is divided by.
    """

    known: Sequence[str] = ()
    past: Sequence[str] = ()
    static: Sequence[str] = ()
    calendar: Sequence[str] = ()
    level: Array = field(default_factory=lambda: np.zeros(0))
    spread: Array = field(default_factory=lambda: np.ones(0))

    @property
    def ahead(self) -> int:
        """How many numbers are known of a step ahead."""
        return len(self.known) + len(self.static) + len(self.calendar)

    def __bool__(self) -> bool:
        return bool(self.ahead or self.past)

    @classmethod
    def learn(cls, panel: Panel, calendar: bool) -> Covariates:
        """Those of the training part, which holds nothing later. A kind (`elman.forecasting.kinds`) that does not occur
        in it is none of them, nor is a period of the calendar that it does not hold twice; kinds and the calendar are
        read as they are, all else is standardised."""
        some = {
            role: [name for c, name in enumerate(names) if IS not in name or _occurs(panel, role, c)]
            for role, names in (("known", panel.known), ("past", panel.past), ("static", panel.static))
        }
        terms = calendar_seen([one.times for one in panel], panel.frequency) if calendar else []
        if calendar and not terms and calendar_names(panel.frequency):
            raise InputError("the part that is learned from lasts no two days, weeks or years that steps resolve",
                             where="forecast.calendar", remedy="leave it out, or give more rows")  # fmt: skip
        if calendar and not terms:
            what = f"the frequency ({panel.frequency.said()}) resolves no day, week or year"
            raise InputError(what, where="forecast.calendar",
                             remedy="leave it out, or name the column of dates: data.time")  # fmt: skip
        plain = cls(some["known"], some["past"], some["static"], terms)
        order = [*plain.known, *plain.static, *plain.past]
        whole = [np.concatenate(plain.raw(panel, one, len(one)), 1) for one in panel]
        rows = np.concatenate(whole) if whole else np.zeros((1, len(order)))
        level, spread = rows.mean(0), rows.std(0)
        as_it_is = np.array([IS in name for name in order], bool)
        level[as_it_is] = 0.0
        spread[as_it_is | (spread <= 1e-12 * np.maximum(1, np.abs(level)))] = 1.0
        return cls(plain.known, plain.past, plain.static, terms, level, spread)

    def raw(self, panel: Panel, one: Series, steps: int) -> tuple[Array, Array, Array]:
        """Of so many steps of a series, as they come: known (steps, K) and static ones (steps, S), 0 where nobody knows
        them; and past ones (T, P)."""
        known = _columns(one.known[:steps], panel.known, self.known)
        known = np.concatenate([known, np.zeros((steps - len(known), known.shape[1]))])
        static = _columns(one.static[None], panel.static, self.static)
        return known, np.repeat(static, steps, 0), _columns(one.past, panel.past, self.past)

    def read(self, panel: Panel, one: Series, ahead: int) -> tuple[Array, Array]:
        """Of a series of T steps, standardised: (T + ahead, K) what is known ahead, the calendar last, and (T, P) what
        is known as the values are."""
        known, static, past = self.raw(panel, one, len(one) + ahead)
        K = len(self.known) + len(self.static)
        front = (np.concatenate([known, static], 1) - self.level[:K]) / self.spread[:K]
        front[len(one.known) :, : len(self.known)] = 0.0  # which nobody knows, and no forecast that is asked for reads
        if self.calendar:
            front = np.concatenate([front, self._terms(panel, one, ahead)], 1)
        return front, (past - self.level[K:]) / self.spread[K:]

    def _terms(self, panel: Panel, one: Series, ahead: int) -> Array:
        """(T + ahead, K) of the calendar; of a panel that holds them under their names, these."""
        if set(self.calendar) <= set(panel.known):
            return _columns(one.known[: len(one) + ahead], panel.known, self.calendar)
        names = calendar_names(panel.frequency)
        if not set(self.calendar) <= set(names):
            raise InputError(f"the calendar of series that are {panel.frequency.said()} is not the one learned",
                             remedy="give series of the same frequency")  # fmt: skip
        times = np.concatenate([one.times, panel.after(one, ahead)]) if ahead else one.times
        return calendar_features(times, panel.frequency)[:, [names.index(name) for name in self.calendar]]

    def to_dict(self) -> dict[str, Any]:
        """What a RUN keeps of them."""
        names = {role: list(getattr(self, role)) for role in ("known", "past", "static")}
        return {**names, "calendar": list(self.calendar), "level": self.level.tolist(), "spread": self.spread.tolist()}

    def said(self) -> str:
        """A line of which are read."""
        roles = (("known ahead", self.known), ("known as the values are", self.past), ("that stay", self.static))
        parts = [f"{what}: {', '.join(map(repr, names))}" for what, names in roles if names]
        parts += [f"{len(self.calendar)} terms of the calendar"] if self.calendar else []
        return f"covariates {'; '.join(parts)}"

    def check_ahead(self, one: Series, end: int, steps: int) -> None:
        """Raises InputError where those known ahead end before so many steps behind a step."""
        if self.known:
            one.covariates(end, steps)


def _occurs(panel: Panel, role: str, c: int) -> bool:
    parts = (one.static if role == "static" else getattr(one, role)[: len(one)] for one in panel)
    return any(bool(part[..., c].any()) for part in parts)


def _columns(values: Array, there: Sequence[str], wanted: Sequence[str]) -> Array:
    """(N, K) those that are wanted, of (N, ...) those that there are. Of kinds, one that does not occur is nowhere."""
    place = {name: c for c, name in enumerate(there)}
    missing = [name for name in wanted if name not in place and IS not in name]
    if missing:
        said = f"they have {', '.join(map(repr, there))}" if there else "they have none"
        raise InputError(f"the series lack the covariate {missing[0]!r} that the model reads; {said}",
                         remedy="give all of them")  # fmt: skip
    found = np.zeros((len(values), len(wanted)))
    for k, name in enumerate(wanted):
        if name in place:
            found[:, k] = values[:, place[name]]
    return found
