"""Whatever stands in a table, it becomes regular series or one clear line."""

from __future__ import annotations

import datetime
import warnings
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elman.errors import InputError
from elman.forecasting.dates import read_dates
from elman.forecasting.panel import read_panel

Read = TypeVar("Read")
FORMS = ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "%Y-%m-%d %H:%M", "%b %d, %Y", "%Y-%m", "%Y"]
moments = st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2150, 1, 1))
spelt = st.builds(lambda day, form: day.strftime(form), moments, st.sampled_from(FORMS))
odd = st.one_of(
    spelt, st.none(), st.text(max_size=6), st.integers(-(2**70), 2**70), st.floats(), moments, st.booleans(),
    st.sampled_from(["", "NaN", "inf", "2024-02-30", "24:00", "2024-13", "1e400", "-5", "٣", "2024-W54", "0000"]),
)  # fmt: skip
cells = st.one_of(
    st.floats(-1e6, 1e6), st.sampled_from([None, "", "n/a", "7", "x", float("nan"), float("inf"), 10**400])
)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list[object]]:
    """Mostly sensible: a few rows off, a few cells odd."""
    count = draw(st.integers(0, 12))
    start = draw(moments)
    step = draw(st.sampled_from([datetime.timedelta(hours=1), datetime.timedelta(days=1), datetime.timedelta(days=7)]))
    form = draw(st.sampled_from([*FORMS, None]))
    times: list[object] = []
    for k in range(count):
        moment = start + step * k
        times.append(moment if form is None else moment.strftime(form))
    for _ in range(draw(st.integers(0, 2))):
        if times:
            times[draw(st.integers(0, count - 1))] = draw(odd)
    found = {"ds": times, "y": draw(st.lists(cells, min_size=count, max_size=count))}
    if draw(st.booleans()):
        found["id"] = draw(st.lists(st.sampled_from(["a", "b", None, 3]), min_size=count, max_size=count))
    return found


def tried(read: Callable[[], Read]) -> tuple[Read | None, str]:
    """What is read, or the line that says why not."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return read(), ""
        except InputError as error:
            return None, str(error)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(tables())
def test_a_table_is_read_or_refused_in_one_line(table: dict[str, list[object]]) -> None:
    panel, said = tried(lambda: read_panel(table))
    assert "\n" not in said
    for one in panel or ():
        assert len(one.times) == len(one.values) == len(one.seen) > 0
        assert np.isfinite(one.values).all()
        places = panel.frequency.place(one.times, int(one.times[0]))  # type: ignore[union-attr]
        assert places.tolist() == list(range(len(one)))
        ahead = panel.after(one, 3)  # type: ignore[union-attr]
        assert panel.frequency.place(ahead, int(one.times[-1])).tolist() == [1, 2, 3]  # type: ignore[union-attr]
        assert len(set(map(str, panel.dates.write(ahead)))) == 3  # type: ignore[union-attr]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(odd, min_size=1, max_size=4))
def test_a_column_of_anything(column: list[object]) -> None:
    found, said = tried(lambda: read_dates(column))
    assert "\n" not in said
    assert found is None or len(found) == len(column)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(moments, min_size=2, max_size=5, unique=True), st.sampled_from(FORMS))
def test_what_is_written_is_read_back(days: list[datetime.datetime], form: str) -> None:
    texts = [day.strftime(form) for day in days]
    found, said = tried(lambda: read_dates(texts))
    if found is None:
        assert "may begin with the day or the month" in said or "has the day first" in said
    else:
        assert found.write(found.values) == texts
