"""Series as people have them in Python: lists of Series and frames with dates, rows that are numbered or counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import elman
from elman.errors import InputError

SMALL: dict[str, Any] = {"hidden": 4, "epochs": 1, "context": 8, "batch_size": 64, "classical": 0, "horizon": 3}
A, B = np.sin(np.arange(60) / 3), 5 + np.cos(np.arange(50) / 3)
DAYS = pd.date_range("2024-01-29", periods=60)  # leap day ahead


# -- lists


def series(values: np.ndarray, name: str | None) -> pd.Series:
    return pd.Series(values, index=DAYS[: len(values)], name=name)


@pytest.mark.parametrize("names", [("north", "south"), (None, None), ("y", "y")])
def test_a_list_of_series_keeps_its_dates(names: tuple[str | None, str | None]) -> None:
    given = [series(A, names[0]), series(B, names[1])]
    model = elman.Forecaster(**SMALL).fit(given)
    assert model.frequency_ is not None
    assert model.frequency_.said() == "daily"
    first, second = model.predict()
    assert (first.name, second.name) == names
    assert list(first.index) == list(pd.date_range("2024-03-29", periods=3))
    assert list(second.index) == list(pd.date_range("2024-03-19", periods=3))
    if names == ("north", "south"):
        long = pd.concat([one.rename("y").rename_axis("ds").reset_index().assign(series=one.name) for one in given])
        table = elman.Forecaster(**SMALL).fit(long).predict()
        np.testing.assert_allclose(np.concatenate([first, second]), table["y"], rtol=1e-6)
    (band, _) = model.predict_interval([2])
    assert list(band.columns) == ["y_lower", "y_upper"]
    assert band.index.tolist() == [pd.Timestamp("2024-03-30")]
    model.update([series(A, names[0]), pd.Series([5.5], index=[DAYS[50]], name=names[1])])
    assert [str(moment)[:10] for moment in model.cutoff] == ["2024-03-28", "2024-03-19"]


def test_a_list_of_frames_keeps_its_dates() -> None:
    frames = [pd.DataFrame({"day": DAYS, "a": A, "b": -A}), pd.DataFrame({"day": DAYS[:50], "b": B, "a": B})]
    found = elman.Forecaster(**SMALL).fit(frames).predict()
    assert [one["day"].iloc[0] for one in found] == [pd.Timestamp("2024-03-29"), pd.Timestamp("2024-03-19")]
    assert list(found[0].columns) == ["day", "a", "b"]
    with pytest.raises(InputError, match=r"y\[1\]: it has the columns 'y'; give 'ds', 'y', as y\[0\] has"):
        elman.Forecaster(**SMALL).fit([series(A, None), pd.Series(B)])
    plain = elman.Forecaster(**SMALL).fit([pd.Series(A), pd.Series(B)]).predict()
    assert [one.shape for one in plain] == [(3,), (3,)]  # without dates there is nothing to keep


# -- rows that are numbered


def test_a_single_numbered_row_goes_on() -> None:
    model = elman.Forecaster(**SMALL).fit({"step": np.arange(10, 610, 10), "y": A})
    model.update({"step": [610], "y": [0.5]})
    assert model.cutoff == [610]
    assert model.predict()["step"] == [620, 630, 640]


def test_numbered_rows_that_are_known_are_not_taken_twice() -> None:
    model = elman.Forecaster(**SMALL).fit({"step": np.arange(10, 410, 10), "y": A[:40]})
    model.update({"step": np.arange(210, 610, 10), "y": A[20:]})
    assert len(model.panel_.series[0]) == 60
    np.testing.assert_array_equal(model.panel_.series[0].values[:, 0], A)
    with pytest.raises(InputError, match="rows are missing between the last one and the first new one"):
        model.update({"step": [620, 630], "y": [0.0, 0.0]})
    model.update(np.array([1.0, 2.0]))  # counted: they follow
    assert model.cutoff == [620]
