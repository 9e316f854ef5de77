"""docs/task.md is tests/tasks/returns.py, told: the file that the tests take through every command."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_s_file_is_the_tenth_task() -> None:
    page = (ROOT / "docs" / "task.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n# returns\.py(?:, further)?\n(.*?)^```$", page, flags=re.M | re.S)
    told = [line for line in "".join(blocks).splitlines() if line]
    there = (ROOT / "tests" / "tasks" / "returns.py").read_text(encoding="utf-8").splitlines()
    assert told == [line for line in there if line], "change both docs/task.md and tests/tasks/returns.py"
