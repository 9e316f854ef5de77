"""Each room imports only from rooms below it, as docs/architecture.md draws the house."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "elman"


def rooms() -> list[str]:
    """From the top of the house to its ground, as the page lists them; of two on a line the right one stands below."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (drawn,) = re.findall(r"^```text\n(.*?)^```", page, flags=re.M | re.S)
    named = [re.match(r"((?:[\w.]+(?:/|\.py)(?:, )?)+)", line) for line in drawn.splitlines()]
    return [part.strip(" /").removesuffix(".py") for match in named if match for part in match[1].split(",")]


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def imports(path: Path) -> set[tuple[str, int]]:
    """Rooms that a file imports from, with the line; what is imported for types alone counts too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("elman"):
            modules = [node.module] if "." in node.module else [f"elman.{alias.name}" for alias in node.names]
            found |= {(room_of(module), node.lineno) for module in modules}
        elif isinstance(node, ast.Import):
            found |= {(room_of(alias.name), node.lineno) for alias in node.names if alias.name.startswith("elman.")}
    return found


def test_every_room_is_drawn() -> None:
    there = {p.stem for p in SOURCE.iterdir() if p.suffix == ".py" or (p.is_dir() and any(p.glob("*.py")))}
    assert there - {"__init__"} == set(rooms()) - {"native"}


@pytest.mark.parametrize("room", [r for r in rooms() if r != "native"])
def test_a_room_imports_from_below(room: str) -> None:
    order = rooms()
    files = sorted((SOURCE / room).rglob("*.py")) if (SOURCE / room).is_dir() else [SOURCE / f"{room}.py"]
    for path in files:
        for other, line in imports(path):
            if other in order and other != room:
                where = f"{path.relative_to(ROOT)}:{line}"
                assert order.index(other) > order.index(room), f"{where}: {room} imports from {other}, above it"
