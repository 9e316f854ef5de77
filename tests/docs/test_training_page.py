"""docs/training.md: its table is complete, with the defaults there are. Its snippets run with those of all pages."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from elman.config.training import TrainingSettings

PAGE = Path(__file__).parents[2] / "docs" / "training.md"


def test_every_key_of_training_is_in_its_table_with_its_default() -> None:
    rows = re.findall(
        r"^\| (`[a-z_`, ]+`) \| ?(?:`([^|]*)`)? ?\| (.*) \|$", PAGE.read_text(encoding="utf-8"), flags=re.M
    )
    named = {key: (default, said) for keys, default, said in rows for key in re.findall(r"`(\w+)`", keys)}
    fields = {field.name: field.default for field in msgspec.structs.fields(TrainingSettings)}
    assert list(named) == list(fields)  # and in their order
    for key, default in fields.items():
        shown, said = named[key]
        assert shown == str(default) or (not shown and f"({default}" in said), key
