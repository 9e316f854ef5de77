"""The benchmarks ask of the package what there is: they run for hours, and seldom."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parents[2] / "benchmarks").glob("*/*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_benchmark_names_what_there_is(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf-8"))
    known: dict[str, object] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "elman":
            for name in node.names:
                try:
                    found = importlib.import_module(f"{node.module}.{name.name}")
                except ModuleNotFoundError:
                    found = getattr(importlib.import_module(str(node.module)), name.name)
                known[name.asname or name.name] = found
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name.partition(".")[0] == "elman":
                    known[name.asname or "elman"] = importlib.import_module((name.asname and name.name) or "elman")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
            assert hasattr(known[node.value.id], node.attr), f"{script.name}, line {node.lineno}: {ast.unparse(node)}"
