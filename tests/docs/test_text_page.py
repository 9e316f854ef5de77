"""docs/text.md: every snippet runs and prints what the page says."""

from __future__ import annotations

import doctest
import re
import tomllib
from pathlib import Path

from elman.text import STAGES, Chain
from elman.text.stages import check_options
from elman.text.stem import lemma_languages, snowball_languages
from elman.text.stopwords import stop_word_languages

PAGE = Path(__file__).parents[2] / "docs" / "text.md"


def test_snippets_print_what_the_page_says() -> None:
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert tried > 15
    assert failed == 0


def test_the_recipe_is_one() -> None:
    (recipe,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    chain = Chain(tomllib.loads(recipe)["text"]["stages"]).fit(["The cam is not good!", "Not a good cam :)"])
    assert chain("My cam isn't GOOD http://x.com") == ["camera", "not", "good"]


def test_the_table_names_every_stage_and_option() -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|.*\| (.*?) ?\|$", page, flags=re.M)
    named = {name: options for names, options in rows for name in re.findall(r"`(\w+)`", names)}
    assert set(named) == set(STAGES)
    for stage in STAGES:
        assert set(check_options(stage, {})) <= set(re.findall(r"`(\w+)`", named[stage])), stage


def test_the_counts_of_languages_are_right() -> None:
    page = PAGE.read_text(encoding="utf-8").replace("\n", " ")
    found = re.search(r"stems more than (\d+) .*? more than (\d+), .*? more than (\d+), short ones for (\d+)", page)
    assert found is not None
    stems, lemmas, long, short = map(int, found.groups())
    assert stems < len(snowball_languages()) <= stems + 10
    assert lemmas < len(lemma_languages()) <= lemmas + 10
    assert long < len(stop_word_languages("long")) <= long + 10
    assert short == len(stop_word_languages("short"))
