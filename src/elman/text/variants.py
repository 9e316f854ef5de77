"""The chains one step away from a given one: a stage left out, added or of another kind, or another unit.

A new stage is added where it belongs, in the language that the other stages name; the unit (words, subwords,
characters) is changed and never left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from elman.errors import InputError
from elman.text.chain import Chain
from elman.text.stages import STAGES, check_options
from elman.text.tag import no_tags

__all__ = ["chains"]

Config = dict[str, Any]  # a stage: its name and its options

# what is tried where the recipe does without, in the order in which stages stand in a chain
_ADDED: tuple[Config, ...] = (
    {"name": "unicode"},
    {"name": "markup"},
    {"name": "urls"},
    {"name": "emoji"},
    {"name": "abbreviations"},
    {"name": "contractions"},
    {"name": "lower"},
    {"name": "accents"},
    {"name": "numbers"},
    {"name": "repeats"},
    {"name": "punctuation"},
    {"name": "spaces"},
    {"name": "tags"},
    {"name": "stop_words", "size": "short"},
    {"name": "stop_words", "size": "long"},
    {"name": "stem", "algorithm": "porter"},
    {"name": "stem", "algorithm": "snowball"},
    {"name": "stem", "algorithm": "lancaster"},
    {"name": "lemma"},
    {"name": "sparse"},
)
_PLACE = {name: i for i, name in enumerate(dict.fromkeys(stage["name"] for stage in _ADDED))}
_UNITS: tuple[Config, ...] = (
    {"name": "words"},
    {"name": "words", "style": "treebank"},
    {"name": "subwords", "model": "bpe"},
    {"name": "subwords", "model": "unigram"},
    {"name": "characters"},
)


def chains(given: Sequence[str | Mapping[str, Any]], tagger: bool) -> Iterator[tuple[str, list[Config]]]:
    """Every chain one step away from the given one, which is not among them, with its name.

    Args:
        given: stages, as `elman.text.Chain` takes them.
        tagger: whether there is one for a `tags` stage.

    Raises:
        InputError: stages that are none, see `Chain`.
    """
    stages = [dict(stage) for stage in Chain(given, tagger=no_tags).stages]  # all options, the unit among them
    kinds = [STAGES[stage["name"]].kind for stage in stages]
    unit = kinds.index("split")
    language = next((stage["language"] for stage in stages if "language" in stage), "")
    for i, stage in enumerate(stages):
        if i != unit:
            yield f"without {_said(stage)}", stages[:i] + stages[i + 1 :]
    for other in _UNITS:
        if not _covers(stages[unit], other):
            yield f"{_said(other)} for {_said(stages[unit])}", [*stages[:unit], dict(other), *stages[unit + 1 :]]
    for usual in _ADDED:
        new = _in_language(usual, language)
        if new is None:
            continue
        there = [i for i, stage in enumerate(stages) if stage["name"] == new["name"]]
        if any(_covers(stages[i], new) for i in there) or (new["name"] == "tags" and not tagger):
            continue
        if there:  # another kind of the same stage takes its place
            yield (
                f"{_said(new)} for {_said(stages[there[0]])}",
                [dict(new) if i == there[0] else stage for i, stage in enumerate(stages)],
            )
        else:
            at = _position(stages, unit, new["name"])
            yield f"with {_said(new)}", [*stages[:at], dict(new), *stages[at:]]


def _position(stages: Sequence[Config], unit: int, name: str) -> int:
    """Where a new stage belongs: among those of its side of the unit, before the first that comes later by custom."""
    first, last = (0, unit) if STAGES[name].kind == "text" else (unit + 1, len(stages))
    return next((i for i in range(first, last) if _PLACE.get(stages[i]["name"], -1) > _PLACE[name]), last)


def _in_language(stage: Config, language: str) -> Config | None:
    """The stage for the language that the recipe's other stages name; None if it does not know it."""
    if not language or "language" not in check_options(stage["name"], {}):
        return stage
    named = stage | {"language": language}
    try:
        check_options(stage["name"], {key: value for key, value in named.items() if key != "name"})
    except InputError:
        return None
    return named


def _covers(stage: Config, other: Config) -> bool:
    """Whether the stage of a recipe, with all its options, is the one described."""
    usual = Chain([other["name"]], tagger=no_tags).stages
    full = next(s for s in usual if s["name"] == other["name"]) | other
    return all(stage.get(key) == value for key, value in full.items())


def _said(stage: Config) -> str:
    """``stem porter``: the name and the option that tells its kind."""
    kind = next((stage[key] for key in ("algorithm", "size", "style", "model") if key in stage), None)
    return str(stage["name"]).replace("_", " ") + ("" if kind is None or kind == "plain" else f" {kind}")
