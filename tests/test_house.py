"""The house as docs/architecture.md draws it: rooms, no circles, files that one can read, nothing written twice."""

from __future__ import annotations

import ast
import pkgutil
import re
import tokenize
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "elman"

# still to be mended: an entry that is no longer needed fails, and nothing is to be added
CIRCLES: set[str] = set()
MOST = 350  # lines of a file
LONG: dict[str, str] = {}
ALIKE: dict[str, tuple[int, str]] = {}  # files that share six lines, at how many places at most, and why


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


def graph() -> dict[str, set[str]]:
    """What each module imports of the package, inside functions and for types alone too; `elman.` is left out."""
    paths = {".".join(p.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): p for p in files()}
    found: dict[str, set[str]] = {name: set() for name in paths}
    for name, path in paths.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("elman."):
                module = node.module.removeprefix("elman.")
                deeper = {f"{module}.{alias.name}" for alias in node.names}
                found[name] |= {inner if inner in paths else module for inner in deeper}
            elif isinstance(node, ast.ImportFrom) and node.module == "elman":
                found[name] |= {alias.name for alias in node.names} & paths.keys()
            elif isinstance(node, ast.Import):
                found[name] |= {alias.name.removeprefix("elman.") for alias in node.names} & paths.keys()
    return found


def files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def circles(of: dict[str, set[str]]) -> set[str]:
    """The modules that import each other, directly or by others between them, one text a circle."""
    reached = {name: set(direct) for name, direct in of.items()}
    for between in of:  # Warshall 1962
        for name in of:
            if between in reached[name]:
                reached[name] |= reached[between]
    return {", ".join(sorted(o for o in reached[m] if m in reached[o])) for m in of if m in reached[m]}


def test_no_module_imports_itself_by_others() -> None:
    found = circles(graph())
    assert not found - CIRCLES, "modules that import each other"
    assert not CIRCLES - found, "mended: take these out of CIRCLES"


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"e"}}) == {"b, c", "e"}
    assert "cells.lstm" in graph()["cells"]
    assert "tasks.find" in graph()["cli.train"]  # imported inside functions


def test_the_command_line_names_no_task() -> None:
    """What a command needs of a task it asks the RUN's: a new one needs no line here.

    A task may be called as a command is, which any task can serve: the word is the command's then.
    """
    commands = {path.stem for path in (SOURCE / "cli").glob("*.py")}
    names = {path.parent.name for path in (SOURCE / "tasks").glob("*/task.py")} - commands
    assert len(names) > 1
    for path in [*(SOURCE / "cli").glob("*.py"), SOURCE / "console.py"]:
        with path.open(encoding="utf-8") as file:
            words = {token.string.strip("\"'") for token in tokenize.generate_tokens(file.readline)}
        assert not words & names, f"{path.relative_to(ROOT)} names a task"


def test_a_file_can_be_read_at_a_sitting() -> None:
    lengths = {str(p.relative_to(SOURCE)): len(p.read_text(encoding="utf-8").splitlines()) for p in files()}
    long = {name for name, n in lengths.items() if n > MOST}
    assert not long - LONG.keys(), f"more than {MOST} lines: split, or say in LONG why not"
    assert not LONG.keys() - long, "mended: take these out of LONG"


def shared(texts: dict[str, str], n: int = 6) -> dict[str, list[str]]:
    """Which texts share n lines in a row, with all such lines; blanks, closing brackets and imports are no lines."""
    where: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for name, text in texts.items():
        lines = [line for line in map(str.strip, text.splitlines()) if line.strip(")]},:")]
        lines = [line for line in lines if not line.startswith(("import ", "from "))]
        for window in zip(*(lines[k:] for k in range(n))):
            where[window].add(name)
    groups: list[tuple[set[str], list[str]]] = []
    for window, names in where.items():
        if len(names) > 1:
            meets = [group for group in groups if group[0] & names]
            said = [line for _, lines in meets for line in lines] + ["\n".join(window)]
            groups = [group for group in groups if group not in meets] + [(names.union(*(g for g, _ in meets)), said)]
    return {", ".join(sorted(names)): lines for names, lines in groups}


def test_nothing_is_written_twice() -> None:
    found = shared({str(p.relative_to(SOURCE)): p.read_text(encoding="utf-8") for p in files()})
    for names, lines in found.items():
        assert len(lines) <= ALIKE.get(names, (0, ""))[0], "\n\n".join([f"{names} share", *lines])
    assert not ALIKE.keys() - found.keys(), "mended: take these out of ALIKE"


def test_shared_lines_are_found() -> None:
    copied = "a = 1\nb = [\n    2,\n]\n\nc = 3\nd = 4\n"
    assert set(shared({"one": f"x\n{copied}e = 5\n", "two": f"y\n{copied}    e = 5", "three": copied})) == {"one, two"}


def exists(name: str) -> bool:
    """Whether a dotted name leads somewhere: through modules, then through what stands in the last of them."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def test_names_that_are_written_about_are_there() -> None:
    """In docstrings, comments and pages, `elman.ROOM.NAME` is what it says, also after a move."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    where: dict[str, Path] = {}
    for path in [*files(), *(p for p in pages if p.name != "CHANGELOG.md")]:
        where |= dict.fromkeys(re.findall(r"`(elman(?:\.\w+)+)[`(]", path.read_text(encoding="utf-8")), path)
    assert len(where) > 50
    assert not {name: str(path) for name, path in where.items() if not exists(name)}
    assert not exists("elman.nn.NoSuchLayer")
    assert not exists("elman.no_room")
