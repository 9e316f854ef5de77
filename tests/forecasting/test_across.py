"""Tables with a row for each series, their columns going through time."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from elman.data.formats import read_table
from elman.errors import InputError
from elman.forecasting.across import laid_along
from elman.forecasting.columns import Roles
from elman.forecasting.panel import read_panel

M4 = Path(__file__).parents[3] / "shared" / "data" / "m4" / "Hourly-train.csv.gz"


def test_a_column_a_year() -> None:
    table = {"Country": ["Chad", "Mali"], "Code": ["TCD", "MLI"], **{str(y): [y, y + 0.5] for y in range(1990, 1996)}}
    table["1993"] = ["", 3.0]  # type: ignore[list-item]
    table["1995"] = [None, 5.0]  # type: ignore[list-item]
    panel = read_panel(table, source="world.csv")
    assert [(one.name, one.values[:, 0].tolist()) for one in panel] == [
        ("Chad", [1990, 1991, 1992, 1992, 1994]), ("Mali", [1990.5, 1991.5, 1992.5, 3, 1994.5, 5]),
    ]  # fmt: skip
    assert panel.series[0].seen[:, 0].tolist() == [True, True, True, False, True]
    assert panel.notes[0] == (
        "each row is a series of up to 6 steps, from column '1990' to '1995', named by column 'Country'; "
        "not read: 'Code'"
    )
    forecasts = [{"value": np.zeros(1)}, {"value": np.ones(1)}]
    assert panel.table(forecasts) == {"series": ["Chad", "Mali"], "time": ["1995", "1996"], "value": [0.0, 1.0]}


def test_columns_called_by_dates_and_a_single_row() -> None:
    months = {f"2024-{m:02}": [m * m] for m in range(1, 7)}
    panel = read_panel(months)
    assert panel.dates.write(panel.after(panel.series[0], 1)) == ["2024-07"]
    assert panel.series[0].values[:, 0].tolist() == [1, 4, 9, 16, 25, 36]


def test_numbered_columns_of_unequal_rows() -> None:
    table = {"V1": ["H1", "H2"], "V2": ["5", "1"], "V3": ["6", "2"], "V4": ["7", ""], "V5": ["8", None]}
    panel = read_panel(table)
    assert [(one.name, one.values[:, 0].tolist()) for one in panel] == [("H1", [5, 6, 7, 8]), ("H2", [1, 2])]
    assert panel.after(panel.series[1], 2).tolist() == [3, 4]
    again = read_panel(table, Roles(time="time", id="series", target=["value"]))  # as a first file was read
    assert again.table([{"y": np.zeros(1)}] * 2) == panel.table([{"y": np.zeros(1)}] * 2)


def test_a_wrong_cell_is_said_with_the_row_it_stands_in() -> None:
    table = {"name": ["a", "b"], **{str(year): ["1"] * 2 for year in range(2000, 2030)}}
    table["2004"] = ["1", "many"]
    with pytest.raises(InputError, match=r"t.csv, row 2: 'many' in column 'value' is no number"):
        read_panel(table, source="t.csv")


@pytest.mark.parametrize(
    "table",
    [
        {"ds": ["2024-01-01", "2024-01-02"], "1": [1, 2], "2": [3, 4], "3": [5, 6], "4": [7, 8]},  # channels
        {"V1": [1.0, 2.0], "V2": [1.0, 2.0], "V3": [1.0, 2.0], "V4": [1.0, 2.0], "V5": [1.0, 2.0]},
        {"year": [2001, 2002], "a": [1, 2], "b": [1, 2], "c": [1, 2], "d": [1, 2]},
        {"name": ["x", "x"], "2001": [1, 2], "2002": [1, 2], "2003": [1, 2], "2004": [1, 2]},  # nothing names them
        {"name": ["x", "y"], "2004": [1, 2], "2003": [1, 2], "2002": [1, 2], "2001": [1, 2]},  # not in order
        {"name": ["x", "y"], "2001": [1, 2], "2002": [1, 2], "2003": [1, 2]},  # too few to tell
    ],
)
def test_other_tables_stay_as_they_are(table: dict[str, list[object]]) -> None:
    assert laid_along(table) is None


@pytest.mark.skipif(not M4.is_file(), reason="M4 Hourly is not there")
def test_m4_is_read_as_it_is_published() -> None:
    table = read_table(M4)
    few = {name: column[:9] for name, column in table.columns.items()}
    panel = read_panel(few)
    with gzip.open(M4, "rt") as file:
        rows = [line.replace('"', "").strip().rstrip(",").split(",") for line in file.readlines()[1:10]]
    assert [one.name for one in panel] == [row[0] for row in rows]
    for one, row in zip(panel, rows):
        assert one.values[:, 0].tolist() == [float(value) for value in row[1:]]
