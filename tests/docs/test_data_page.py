"""docs/data.md: every snippet runs and prints what the page says, and its tables are complete."""

from __future__ import annotations

import doctest
import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from elman.config.recipe import list_recipes, load_recipe
from elman.config.settings import DataSettings

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


def test_snippets_print_what_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert tried > 10
    assert failed == 0


def test_the_recipe_is_one(tmp_path: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    (tmp_path / "verdicts.toml").write_text(text)
    settings = {
        name: msgspec.defstruct(name, [(key, int, 0) for key in tomllib.loads(text)[name]])
        for name in ("model", "training")
    }
    recipe = load_recipe(tmp_path / "verdicts.toml", sections=settings)
    assert (recipe.task, recipe.data.target, recipe.data.path) == ("classify", "verdict", str(tmp_path / "my.csv"))


def test_every_key_of_data_is_in_its_table_with_its_default() -> None:
    rows = re.findall(r"^\| (`[a-z`, ]+`) \| ?(`[^|]*`)? ?\|", PAGE.read_text(encoding="utf-8"), flags=re.M)
    named = {key: default.strip("`") for keys, default in rows for key in re.findall(r"`(\w+)`", keys)}
    fields = {field.name: field.default for field in msgspec.structs.fields(DataSettings)}
    assert set(named) == set(fields)
    for key, default in fields.items():
        shown = "" if default == "" else tomllib.loads(f"x = {named[key]}")["x"] if key not in _WORDS else named[key]
        assert shown == (list(default) if isinstance(default, tuple) else default), key


# texts, shown without their quotation marks
_WORDS = ("format", "encoding", "header", "scheme", "dayfirst", "duplicates")


def test_every_recipe_with_data_in_the_package_is_listed() -> None:
    page = PAGE.read_text(encoding="utf-8").partition("## What ships")[2]
    for name, _, _ in list_recipes():
        assert f"| {name} |" in page
