"""Files of tables with times: what [data] says of them is obeyed."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from elman.config.settings import DataSettings
from elman.data.timetables import read_timetable
from elman.errors import InputError


@pytest.mark.parametrize(("said", "then"), [("yes", "03/02/2024"), ("no", "03/02/2024")])
def test_days_stand_before_months_or_behind_them(said: Literal["yes", "no"], then: str, tmp_path: Path) -> None:
    """Two rows a day apart, or a month: nothing in them tells, and both go on in the same letters."""
    path = tmp_path / "t.csv"
    path.write_text("when,y\n01/02/2024,1\n02/02/2024,2\n")
    with pytest.raises(InputError, match=r"may begin with the day or the month; say which: data.dayfirst=yes or no"):
        read_timetable(path, DataSettings())
    panel = read_timetable(path, DataSettings(dayfirst=said))
    assert panel.frequency.said() == ("daily" if said == "yes" else "monthly, on day 2")
    assert panel.dates.write(panel.after(panel.series[0], 1)) == [then]
