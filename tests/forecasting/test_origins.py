"""Rolling origins hand over what was known then, bit for bit; features that look ahead are caught."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from elman.errors import InputError
from elman.forecasting.columns import Roles
from elman.forecasting.origins import check_features, rolling_origins
from elman.forecasting.panel import read_panel
from elman.forecasting.series import Panel, Series

draw = np.random.default_rng(0)


def panel_of(*lengths: int, start: tuple[int, ...] = ()) -> Panel:
    table: dict[str, list[object]] = {"id": [], "ds": [], "y": [], "price": [], "wind": []}
    for k, length in enumerate(lengths):
        begin = start[k] if start else 0
        table["id"] += [f"s{k}"] * length
        table["ds"] += list(range(begin, begin + length))
        for name in ("y", "price", "wind"):
            table[name] += draw.normal(size=length).tolist()
    return read_panel(table, Roles(target=["y"], known=["price"], past=["wind"]))


def test_each_origin_has_its_history_and_its_truth() -> None:
    panel = panel_of(30)
    origins = list(rolling_origins(panel, 4, count=3, stride=5, first=8))
    assert [(o.cutoff, o.ends) for o in origins] == [(15, (16,)), (20, (21,)), (25, (26,))]
    whole = panel.series[0]
    for o in origins:
        (one,) = o.history
        assert one.values.tolist() == whole.values[: o.ends[0]].tolist()
        assert len(one.known) == o.ends[0] + 4  # which is known ahead
        assert len(one.past) == o.ends[0]
        assert o.truth(panel)[0].tolist() == whole.values[o.ends[0] : o.ends[0] + 4].tolist()
    assert len(list(rolling_origins(panel, 4, first=8))) == 30 - 4 - 8 + 1


def test_series_that_end_early_or_begin_late_share_the_origins() -> None:
    panel = panel_of(30, 12, 10, start=(0, 0, 18))
    origins = {o.cutoff: (o.places, o.ends) for o in rolling_origins(panel, 4, first=5)}
    assert origins[9] == ((0, 1), (10, 10))
    assert origins[11] == ((0,), (12,))  # the second has ended
    assert origins[22] == ((0, 2), (23, 5))
    last = list(rolling_origins(panel, 4, first=5))[-1]
    assert [truth.shape for truth in last.truth(panel)] == [(4, 1)] * 2
    ending = next(o for o in rolling_origins(panel, 4, first=5) if o.cutoff == 9)
    assert np.isnan(ending.truth(panel)[1][2:]).all()  # past its end there is no truth


def test_nothing_after_the_cutoff_can_be_reached_or_changes_anything() -> None:
    panel = panel_of(40, 33)
    noisy = []
    for one in panel:
        values, past = one.values.copy(), one.past.copy()
        values[20:], past[20:] = 1e9 * draw.normal(size=values[20:].shape), -1e9
        noisy.append(replace(one, values=values, past=past))
    other = replace(panel, series=noisy)
    pairs = zip(rolling_origins(panel, 3), rolling_origins(other, 3))
    before = [(a, b) for a, b in pairs if a.cutoff < 20]
    assert len(before) == 20
    for a, b in before:
        for one, two in zip(a.history, b.history):
            for part in ("times", "values", "seen", "known", "past"):
                found, noise = getattr(one, part), getattr(two, part)
                assert found.tobytes() == noise.tobytes()
                assert found.base is None  # a view would lead back to the whole


def test_a_channel_that_begins_later_is_not_known_before() -> None:
    """What stands before its first value in a whole table is that value."""
    table = {"ds": list(range(40)), "a": draw.normal(size=40).tolist(), "b": [None] * 25 + [7.0] * 15,
             "wind": [None] * 25 + [9.0] * 15}  # fmt: skip
    panel = read_panel(table, Roles(target=["a", "b"], past=["wind"]))
    assert panel.series[0].values[0, 1] == 7.0
    for origin in rolling_origins(panel, 3):
        (one,) = origin.history
        begun = origin.ends[0] > 25
        assert one.values[0, 1] == (7.0 if begun else 0.0)
        assert (one.past[:25] == 0).all()
        assert not one.seen[:25, 1].any()
    check_features(lambda series: np.concatenate([np.zeros((1, 2)), series.values[:-1]]), panel.series[0])


def test_a_horizon_longer_than_the_series_is_one_line() -> None:
    with pytest.raises(InputError, match=r"the longest series has 10 steps, a forecast of 12 needs 13"):
        next(rolling_origins(panel_of(10), 12))
    with pytest.raises(InputError, match="give numbers above zero"):
        next(rolling_origins(panel_of(10), 0))


# -- features that look ahead -----------------------------------------------------------------------------------------


def lagged(series: Series) -> np.ndarray:
    y = series.values[:, 0]
    rolling = np.array([y[max(0, t - 5) : t + 1].mean() for t in range(len(y))])
    return np.stack([np.concatenate([[np.nan], y[:-1]]), rolling, series.known[: len(y), 0]], 1)


def centred(series: Series) -> np.ndarray:
    y = series.values[:, 0]
    return np.array([y[max(0, t - 1) : t + 2].mean() for t in range(len(y))])


def standardised(series: Series) -> np.ndarray:
    return np.asarray((series.values - series.values.mean()) / series.values.std())


def peeking(series: Series) -> np.ndarray:
    """Hides behind the length: what is cut off it does not see, what is noise it does."""
    return np.stack([series.values[:, 0], np.full(len(series), series.past[29, 0] if len(series) >= 40 else 0.0)], 1)


def test_features_of_the_past_pass() -> None:
    check_features(lagged, panel_of(40).series[0])


@pytest.mark.parametrize(
    ("features", "column"), [(centred, 1), (standardised, 1), (peeking, 2)], ids=lambda x: getattr(x, "__name__", "")
)
def test_features_of_the_future_are_named(features: object, column: int) -> None:
    with pytest.raises(InputError, match=rf"feature {column} of '\w+' sees the future: at step \d+ it is"):
        check_features(features, panel_of(40).series[0])  # type: ignore[arg-type]


def test_features_give_a_row_a_step() -> None:
    with pytest.raises(InputError, match="'<lambda>' gives 3 rows for a series of 40 steps"):
        check_features(lambda series: np.zeros(3), panel_of(40).series[0])
