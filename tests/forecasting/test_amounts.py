"""Numbers as spreadsheets write them, in one way a column."""

from __future__ import annotations

import pytest

from elman.forecasting.amounts import plain
from elman.forecasting.panel import read_panel

HOURS = [f"2024-01-01 {hour:02}:00" for hour in range(6)]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["12.345,67", "1.234,5", "987", "-3,25"], [12345.67, 1234.5, 987.0, -3.25]),
        (["1.234", "12,5", "7"], [1234.0, 12.5, 7.0]),  # the second says what the first is
        (["12,345.67", "987.5", "7"], [12345.67, 987.5, 7.0]),
        (["1,234,567", "1,234"], [1234567.0, 1234.0]),
        (["1,234", "987", "12"], [1234.0, 987.0, 12.0]),
        (["$1,234.50", "$ 7.25", "($3.00)"], [1234.5, 7.25, -3.0]),
        (["5 %", "12.5%", "-1%"], [5.0, 12.5, -1.0]),
        (["1 234,5", "12\u00a0345,0", "7,5"], [1234.5, 12345.0, 7.5]),
        (["1'234.50", "7.25"], [1234.5, 7.25]),
        (["\u22123,5", "2,5"], [-3.5, 2.5]),
        (["2.500,00 \u20ac", "n/a", "7,00 \u20ac", ""], [2500.0, None, 7.0, None]),
    ],
)
def test_a_column_is_read_in_the_way_that_all_of_it_is_written(written: list[str], read: list[float | None]) -> None:
    found, said = plain(written, "sales")
    assert [float(v) if r is not None else None for v, r in zip(found, read)] == read
    assert said.startswith("column 'sales': ")


@pytest.mark.parametrize(
    "written",
    [
        ["1.5", "2", "n/a"],  # plain already
        ["1,234", "5,678"],  # thousands or not
        ["0,123", "7"],
        ["1.234 \u20ac", "5.678 \u20ac"],
        ["12.5", "3,25"],  # both
        ["shop 5", "shop 6"],
        ["2024-01-01", "2024-01-02"],
        ["31.12.2024", "1.1.2025"],
        ["12:30", "12:45"],
        [1.5, None, 3],
    ],
)
def test_any_other_stays_as_it_is(written: list[object]) -> None:
    assert plain(written, "sales") == (written, "")


def test_a_table_is_read_and_it_is_told() -> None:
    cells = ["1.000,5", "2.000,5", "3,5", "-", "5,5", "6,5"]
    panel = read_panel({"when": HOURS, "Umsatz": cells})
    assert panel.series[0].values[:, 0].tolist() == [1000.5, 2000.5, 3.5, 3.5, 5.5, 6.5]
    assert "column 'Umsatz': '1.000,5' is read as 1000.5" in panel.notes
