"""docs/signals.md: its table names every stage, with options that are there and their usual values."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from elman.signals.chain import STAGES

PAGE = Path(__file__).parents[2] / "docs" / "signals.md"


def test_every_stage_is_in_the_table_with_its_usual_values() -> None:
    table = PAGE.read_text(encoding="utf-8").split("## The chain")[1].split("## As it comes")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*?) ?\|$", table, flags=re.M))
    assert rows.keys() == STAGES.keys()
    for name, said in rows.items():
        usual = {f.name: f.default for f in msgspec.structs.fields(STAGES[name])}
        for option in re.findall(r"`([^`]+)`", said):
            key, _, value = option.partition(" = ")
            assert key in usual, f"{name} has no {key}"
            if value:
                assert str(usual[key]).lower().removesuffix(".0") == value.strip('"').removesuffix(".0"), option
