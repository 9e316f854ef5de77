"""Series that several columns name together, as a shop and what it sells."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest

import elman
from elman.errors import InputError
from elman.forecasting.columns import Roles
from elman.forecasting.panel import read_panel

DAYS = pd.date_range("2024-01-01", periods=40)
SMALL: dict[str, Any] = {"hidden": 4, "epochs": 1, "context": 8, "batch_size": 64, "classical": 0, "horizon": 3}


def sales(
    stores: tuple[Any, ...] = ("Bonn", "Kiel"), items: tuple[Any, ...] = ("tea", "milk, whole"),
    names: str = "store,item", **more: Any,
) -> pd.DataFrame:  # fmt: skip
    store, item = names.split(",")
    rows = [{"day": day, store: s, item: i, "sold": 10.0 * k + n % 7}
            for n, day in enumerate(DAYS) for k, (s, i) in enumerate(itertools.product(stores, items))]  # fmt: skip
    return pd.DataFrame(rows).assign(**more)


@pytest.mark.parametrize("id", ["store,item", "store, item", ""])
def test_two_columns_name_the_series(id: str) -> None:
    panel = read_panel(sales(), Roles(id=id))
    assert [one.name for one in panel] == ["Bonn / tea", "Bonn / milk, whole", "Kiel / tea", "Kiel / milk, whole"]
    assert [len(one) for one in panel] == [40] * 4
    assert (panel.ids, list(panel.channels)) == (["store", "item"], ["sold"])
    assert panel.key("Kiel / tea") == {"store": "Kiel", "item": "tea"}
    assert "series 'store', 'item'" in panel.notes[0]
    columns = panel.table([{"sold": np.array([float(k)])} for k in range(4)])
    assert list(columns) == ["store", "item", "day", "sold"]
    assert columns["item"] == ["tea", "milk, whole"] * 2


def test_numbers_are_names_if_they_are_called_so() -> None:
    """As in tables of shops: store_nbr is no amount, whatever stands in it; onpromotion is one."""
    table = sales((1, 2, 54), (7, 8), "store_nbr,item_id", onpromotion=np.arange(240) % 5)
    panel = read_panel(table)
    assert (panel.ids, list(panel.channels)) == (["store_nbr", "item_id"], ["sold", "onpromotion"])
    assert len(panel) == 6
    three = pd.concat([table.assign(region=name) for name in ("north", "south")])
    assert read_panel(three, Roles(target=["sold"])).ids == ["store_nbr", "item_id", "region"]


def test_of_many_moments_some_are_looked_at() -> None:
    """And all rows of each of these, however the table is sorted."""
    days = pd.date_range("2020-01-01", periods=900)
    rows = [(day, s, i, 1.5 * n) for s in "abc" for i in "xyz" for n, day in enumerate(days)]
    panel = read_panel(pd.DataFrame(rows, columns=["day", "place", "what", "sold"]))
    assert panel.ids == ["place", "what"]
    assert [len(one) for one in panel] == [900] * 9


def test_a_column_that_differs_where_rows_stand_twice_is_no_name() -> None:
    """Of a few repeated rows the user is told, as before: they are no second series."""
    table = sales(("Bonn",), ("tea", "milk")).drop(columns="store")
    again = pd.concat([table.assign(checked="no"), table[::9].assign(checked="yes", sold=0.0)])
    with pytest.raises(InputError, match="the time stands in row 1 of the data as well, with other values"):
        read_panel(again)
    with pytest.raises(InputError, match=r"no column 'shop'; it has 'day'"):
        read_panel(table, Roles(id="shop,item"))
    slashes = sales(("a / b", "a"), ("c", "b / c"))
    with pytest.raises(InputError, match="two series would be called 'a / b / c'"):
        read_panel(slashes)


def test_what_comes_since_and_beside_finds_its_series() -> None:
    table = sales(price=np.tile(np.arange(80.0) % 3, 2))
    ahead = table[table["day"] >= DAYS[37]].drop(columns="sold")
    ahead["day"] += pd.Timedelta(days=3)
    whole = pd.concat([table.drop(columns="sold"), ahead])
    model = elman.Forecaster(**SMALL).fit(table.drop(columns="price"), whole)
    found = model.predict()
    assert found[["store", "item"]].values.tolist()[::3] == [["Bonn", "tea"], ["Bonn", "milk, whole"], ["Kiel", "tea"],
                                                              ["Kiel", "milk, whole"]]  # fmt: skip
    new = pd.DataFrame({"day": [DAYS[-1] + pd.Timedelta(days=1)], "store": "Kiel", "item": "tea", "sold": 25.0})
    model.update(new)
    assert [len(one) for one in model.panel_] == [40, 40, 41, 40]
    with pytest.raises(InputError, match="it names no series; give the columns 'store', 'item'"):
        model.update(np.ones(3))
