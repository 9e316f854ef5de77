"""Files of tables with a column of times, as series: what [data] says of them, handed to `elman.forecasting.panel`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from elman.config.settings import DataSettings
from elman.data.columns import input_names
from elman.data.formats import read_table
from elman.data.textfile import shown
from elman.forecasting.columns import Roles, id_columns
from elman.forecasting.frequency import Frequency
from elman.forecasting.panel import read_panel
from elman.forecasting.series import Panel

__all__ = ["read_timetable"]

_SAID = {"auto": None, "yes": True, "no": False}


def read_timetable(
    path: str | Path, settings: DataSettings, like: Roles | None = None, frequency: Frequency | None = None
) -> Panel:
    """The series of a file; what was guessed and repaired stands in its notes.

    Args:
        like, frequency: of another file, which are those of this one unless the settings name others.

    Raises:
        InputError: no table, or one that is no panel.
    """
    notes: list[str] = []
    table = read_table(path, settings.encoding, settings, notes.append)

    wanted = settings.target or settings.input
    there = like or Roles()
    time = there.time if there.time in table.columns else ""
    id = there.id if all(name in table.columns for name in id_columns(table.columns, there.id)) else ""
    target = input_names(table.names, wanted) if wanted else there.target
    beside = {
        role: input_names(table.names, getattr(settings, role)) if getattr(settings, role) else getattr(there, role)
        for role in ("known", "past", "static")
    }
    roles = Roles(settings.time or time, settings.id or id, target, **beside, dayfirst=there.dayfirst)
    panel = read_panel(
        table.columns, roles, frequency=settings.frequency or frequency or "", zone=settings.zone,
        dayfirst=_SAID[settings.dayfirst], duplicates=settings.duplicates, source=shown(Path(path)), where=table.where,
    )  # fmt: skip
    return replace(panel, notes=[*notes, *panel.notes])
