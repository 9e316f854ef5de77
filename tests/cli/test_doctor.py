"""elman doctor says what can be done: it tries, and it promises nothing that no code does."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import elman
from elman.cli import doctor
from elman.engines import reference

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "elman"


def extras() -> dict[str, list[str]]:
    """Names of the distributions that each extra brings, those for development left out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = project["optional-dependencies"]
    return {e: [re.match(r"[\w-]+", r)[0] for r in found[e]] for e in found if e not in ("dev", "all")}  # type: ignore[index]


def test_every_extra_is_used_by_code_that_exists() -> None:
    code = "\n".join(p.read_text("utf-8") for p in SOURCE.rglob("*.py") if p.name != "doctor.py")
    for extra, distributions in extras().items():
        for name in distributions:
            assert re.search(rf'import {name}\b|from {name}\b|\boptional\(f?"{name}\b|torch\.utils\.{name}\b', code), (
                f"nothing in elman imports {name}, yet there is elman[{extra}]"
            )


def test_every_remedy_is_an_extra_that_brings_the_module() -> None:
    known = extras()
    code = "\n".join(p.read_text("utf-8") for p in SOURCE.rglob("*.py") if p.name != "doctor.py")
    for purpose, (module, remedy) in doctor.OPTIONAL.items():
        (extra,) = re.findall(r"elman\[(\w+)\]", remedy)
        assert any(name in module for name in known[extra]), purpose
        assert module in code, f"nothing does what doctor says can be done: {purpose}"


def test_what_can_be_done_is_tried(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor._import("json", "") == "yes"
    assert doctor._import("no_such_library", "pip install it") == "no: no_such_library is missing; pip install it"
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)  # there, and yet it cannot be imported
    can = json.loads(call("doctor", "--json")[1])["can"]
    assert can["read Parquet"].startswith("no: ")
    assert "pip install 'elman[hub]'" in can["read Parquet"]
    assert {"classify", "tag"} <= set(can["train, evaluate and use"].split(", "))
    assert {"sentiment", "ner", "pos"} <= set(can["train without any data of yours"].split(", "))


def test_the_place_is_that_of_the_package(call: Any) -> None:
    assert Path(json.loads(call("doctor", "--json")[1])["elman"]["place"]) == Path(elman.__file__).parent


def test_a_library_that_fails_is_not_one_that_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_installed.py").write_text("raise OSError('libfoo.so.3: not found')")
    monkeypatch.syspath_prepend(tmp_path)
    said = doctor._import("half_installed", "pip install it")
    assert said == "no: half_installed fails when it is imported (OSError: libfoo.so.3: not found); pip install it"


def test_an_engine_that_is_wrong_or_fails_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor._tried("torch") == "runs"
    before = torch.get_rng_state()

    def wrong(*args: Any, **options: Any) -> Any:
        y, state = reference.scan(*args, **options)
        return y + 0.5, state

    def fails(*args: Any, **options: Any) -> Any:
        raise OSError("illegal instruction")

    broken = ModuleType("elman.engines.torch")
    broken.unavailable = lambda *args: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "elman.engines.torch", broken)
    from elman.engines.choose import choose

    for scan, said in ((wrong, "gives wrong results: an error of 5.0e-01"), (fails, "fails: OSError: illegal instr")):
        broken.scan = scan  # type: ignore[attr-defined]
        choose.cache_clear()
        assert doctor._tried("torch").startswith(said)
    choose.cache_clear()
    assert torch.equal(torch.get_rng_state(), before)
