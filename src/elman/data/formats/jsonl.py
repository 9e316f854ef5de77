"""JSON lines, one object a line, and JSON, one array of objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from elman.config.settings import DataSettings
from elman.data.formats.format import Format, Note
from elman.data.table import Table
from elman.data.textfile import open_text, shown
from elman.errors import InputError
from elman.files import write_file

__all__ = ["JSON", "JSON_LINES"]


def _read_lines(path: Path, settings: DataSettings, note: Note) -> Table:
    names: dict[str, None] = {}
    records: list[dict[str, Any]] = []
    rows: list[int] = []
    with open_text(path, settings.encoding) as text:
        for number, line in enumerate(text, 1):
            if not line.strip():
                continue
            where = f"{shown(path)}, line {number}"
            try:
                record = json.loads(line)
                if "\\ud" in line or "\\uD" in line:
                    record = _whole_letters(record)
            except (ValueError, RecursionError) as error:
                raise InputError(f"not JSON ({error})", where=where, remedy="write one JSON object per line") from error
            if not isinstance(record, dict):
                raise InputError(
                    f"a JSON {type(record).__name__}, not an object", where=where, remedy='write {"text": ..., ...}'
                )
            names.update(dict.fromkeys(record))
            records.append(record)
            rows.append(number)
    # an object may leave a key out: that value is missing, and whoever needs it says which line lacks it
    return Table({name: [record.get(name) for record in records] for name in names}, shown(path), rows, "line")


def _read_array(path: Path, settings: DataSettings, note: Note) -> Table:
    """One array of objects, as pandas' ``orient="records"`` writes it; else one object a line, under the wrong name."""
    with open_text(path, settings.encoding) as text:
        if not text.read(1000).lstrip("\ufeff \t\r\n").startswith("["):
            return _read_lines(path, settings, note)
        text.seek(0)
        try:
            records = [_whole_letters(record) for record in json.loads(text.read().lstrip("\ufeff"))]
        except (ValueError, RecursionError) as error:
            raise InputError(f"not JSON ({error})", where=shown(path), remedy="write it again") from error
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            what = f"a JSON {type(record).__name__}, not an object"
            raise InputError(what, where=f"{shown(path)}, record {number}", remedy='write [{"text": ..., ...}, ...]')
    names = dict.fromkeys(name for record in records for name in record)
    return Table({name: [record.get(name) for record in records] for name in names}, shown(path), unit="record")


def _whole_letters(value: Any) -> Any:
    """Half surrogates, as a text cut within an emoji leaves them, as U+FFFD: no file of ours could hold them."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole_letters(item) for item in value]
    return {_whole_letters(k): _whole_letters(v) for k, v in value.items()} if isinstance(value, dict) else value


def _write_lines(table: Table, path: Path) -> None:
    write_file(path, "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in table.records()))


JSON_LINES = Format(
    name="table", title="JSON lines", suffixes=(".jsonl", ".ndjson"), table=_read_lines, write=_write_lines
)
JSON = Format(name="table", title="JSON", suffixes=(".json",), table=_read_array)
