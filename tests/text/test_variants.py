"""The chains one step away: each a chain, each named for its one difference."""

from __future__ import annotations

from typing import Any

import pytest

from elman.text import STAGES, Chain
from elman.text.tag import no_tags
from elman.text.variants import chains

Given = list[str | dict[str, Any]]


def names(stages: list[dict[str, Any]]) -> list[str]:
    return [stage["name"] for stage in stages]


def test_every_stage_is_left_out_once_and_added_where_it_belongs() -> None:
    found = dict(chains(["unicode", "lower", "words", "lemma"], tagger=True))
    assert names(found["without lower"]) == ["unicode", "words", "lemma"]
    assert names(found["without lemma"]) == ["unicode", "lower", "words"]
    assert names(found["with contractions"]) == ["unicode", "contractions", "lower", "words", "lemma"]
    assert names(found["with tags"]) == ["unicode", "lower", "words", "tags", "lemma"]
    assert names(found["with stem porter"]) == ["unicode", "lower", "words", "stem", "lemma"]
    assert names(found["characters for words"]) == ["unicode", "lower", "characters", "lemma"]
    assert "with lower" not in found
    assert "without words" not in found  # something has to split the text
    assert "with tags" not in dict(chains(["unicode", "lower", "words", "lemma"], tagger=False))


def test_another_kind_of_a_stage_takes_its_place() -> None:
    found = dict(chains(["lower", {"name": "stem", "algorithm": "porter"}], tagger=False))
    changed = found["stem lancaster for stem porter"]
    assert [stage["algorithm"] for stage in changed if stage["name"] == "stem"] == ["lancaster"]
    assert not [name for name in found if name.startswith("with stem")]


def test_the_language_of_the_other_stages_is_kept() -> None:
    found = dict(chains(["lower", {"name": "stop_words", "language": "de"}], tagger=False))
    added = found["with stem snowball"]
    assert [stage["language"] for stage in added if stage["name"] == "stem"] == ["de"]
    assert "with stem porter" not in found  # there is none for German


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["unicode", "contractions", "lower", "words"],
        ["lower", {"name": "subwords", "model": "bpe"}],
        ["markup", "characters"],
        ["lower", "words", "tags", {"name": "stop_words", "size": "long"}, "lemma", "sparse"],
    ],
)
def test_each_is_a_chain_that_differs_in_one_stage(given: Given) -> None:
    whole = Chain(given, tagger=no_tags).stages
    told = list(chains(given, tagger=True))
    assert len({name for name, _ in told}) == len(told)
    for name, stages in told:
        other = Chain(stages, tagger=no_tags).stages  # which refuses one that is out of place
        kept = [stage for stage in other if stage in whole]
        more, less = len(other) - len(kept), len(whole) - len(kept)
        kind = name.partition(" ")[0]
        assert (more, less) == {"without": (0, 1), "with": (1, 0)}.get(kind, (1, 1)), name
        assert kept == [stage for stage in whole if stage in kept], name  # in their order
    assert {f"without {stage['name']}" for stage in whole if STAGES[stage["name"]].kind == "text"} <= dict(told).keys()


def test_a_step_there_has_a_step_back() -> None:
    given: Given = ["unicode", "lower", "words"]
    whole = Chain(given, tagger=no_tags).stages
    for name, stages in chains(given, tagger=True):
        if name.startswith("with "):
            back = [Chain(other, tagger=no_tags).stages for _, other in chains(stages, tagger=True)]
            assert whole in back, name
