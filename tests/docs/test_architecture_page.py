"""docs/architecture.md sends a newcomer to files that are there; what it says is not there yet is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "elman"
PAGES = ["CONTRIBUTING.md", *(f"docs/{p.name}" for p in sorted((ROOT / "docs").glob("*.md"))), "native/README.md"]
THEIRS = {"recipe.toml", "card.md", "my_cells.py", "src/elman/data/recipes/NAME"}  # of a RUN, or the reader's
_FILE = re.compile(r"`([\w./]+\.(?:py|cpp|h|md|toml)|[\w./]+/)`")


def table() -> dict[str, str]:
    """Question -> answer."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (part,) = re.findall(r"^## Where would I \.\.\.$(.*?)^## ", page, flags=re.M | re.S)
    return dict(re.findall(r"^\| (.*\?) \| (.*) \|$", part, flags=re.M))


def named(text: str) -> list[str]:
    return [name.rstrip("/") for name in _FILE.findall(text)]


def is_there(name: str) -> bool:
    """Below the package, the native engine, or the project; a file's name alone anywhere in the package."""
    places = [SOURCE, ROOT, ROOT / "native", *(SOURCE.iterdir() if "/" not in name else [])]
    return any((place / name).exists() for place in places)


def test_every_question_leads_to_files_that_are_there() -> None:
    assert len(table()) >= 10
    for question, answer in table().items():
        there, _, later = answer.partition("not there yet")
        assert named(answer), question
        assert all((SOURCE / name).exists() for name in named(there)), question
        if later:
            assert not (SOURCE / named(later)[0]).exists(), f"{question} It is there by now"


def test_what_is_not_there_yet_has_a_room_in_the_drawing() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    drawn = re.findall(r"^\((\w+)/\) +not there yet", page, flags=re.M)
    asked = [named(answer)[0].split("/")[0] for answer in table().values() if "not there yet" in answer]
    assert sorted(drawn) == sorted(asked)
    assert not [room for room in drawn if (SOURCE / room).exists()]


@pytest.mark.parametrize("page", PAGES)
def test_files_that_a_page_names_are_there(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    lines = [line for line in prose.splitlines() if "not there yet" not in line]
    missing = {name for name in named("\n".join(lines)) if not is_there(name)}
    assert not missing - THEIRS
