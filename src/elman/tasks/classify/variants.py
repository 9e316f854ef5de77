"""The variants of a recipe whose worth `elman train --ablate` measures: one thing left out, changed or added at a time.

A text stage of the recipe is left out, one that it lacks is added where it belongs in the chain, the unit (words,
subwords, characters) is changed, and so are the inputs beside the words: n-grams, vectors, parts of speech.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from elman.config.recipe import Recipe
from elman.errors import InputError
from elman.models.classifier import ClassifierSettings
from elman.models.encoding import TextSettings
from elman.tasks.ablation import Variants
from elman.text import Chain
from elman.text.stages import STAGES, check_options
from elman.text.tag import Tagger, no_tags

__all__ = ["variants", "variants_on"]

Stage = dict[str, Any]

# what is tried where the recipe does without, in the order in which stages stand in a chain
_ADDED: tuple[Stage, ...] = (
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
_UNITS: tuple[Stage, ...] = (
    {"name": "words"},
    {"name": "words", "style": "treebank"},
    {"name": "subwords", "model": "bpe"},
    {"name": "subwords", "model": "unigram"},
    {"name": "characters"},
)
_NGRAMS, _LETTERS = 4000, 5  # where the recipe has none


def variants_on(recipe: Recipe, train: Sequence[Any], valid: Sequence[Any], tagger: Tagger | None = None) -> Variants:
    """The variants of a recipe, those apart that change none of these texts.

    Args:
        train: the texts that a chain learns from.
        valid: further texts.
        tagger: for a `tags` stage; without one there is no such variant.
    """

    def tokens(some: Recipe) -> list[Any]:
        chain = Chain(some[TextSettings].stages, tagger=tagger or no_tags).fit(train)
        return chain.tagged_all([*train, *valid])

    whole, text = tokens(recipe), recipe[TextSettings]
    found, idle = variants(recipe, tagger is not None), []
    for name, other in found.items():
        if other[TextSettings].stages != text.stages and tokens(other) == whole:
            idle.append(name)
    return Variants({name: other for name, other in found.items() if name not in idle}, tuple(idle), "macro_f1")


def variants(recipe: Recipe, tagger: bool) -> dict[str, Recipe]:
    """Name -> recipe, each one step away from the given one, which is not among them.

    Args:
        tagger: whether there is a tagger for a `tags` stage.
    """
    text, model = recipe[TextSettings], recipe[ClassifierSettings]
    found: dict[str, Recipe] = {}
    for name, stages in _chains(text.stages, tagger):
        found[name] = recipe.replace(text=msgspec.structs.replace(text, stages=tuple(stages)))
    for name, changes in _ngrams(model):
        found[name] = recipe.replace(model=msgspec.structs.replace(model, **changes))
    if text.vectors:
        found["without vectors"] = recipe.replace(text=msgspec.structs.replace(text, vectors="", freeze=False))
        how = "vectors trained on" if text.freeze else "vectors frozen"
        found[how] = recipe.replace(text=msgspec.structs.replace(text, freeze=not text.freeze))
    if model.word_dropout:
        found["without word dropout"] = recipe.replace(model=msgspec.structs.replace(model, word_dropout=0.0))
    return found


def _chains(given: Sequence[str | Mapping[str, Any]], tagger: bool) -> Iterator[tuple[str, list[Stage]]]:
    """Every chain one step away from the given one."""
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


def _position(stages: Sequence[Stage], unit: int, name: str) -> int:
    """Where a new stage belongs: among those of its side of the unit, before the first that comes later by custom."""
    first, last = (0, unit) if STAGES[name].kind == "text" else (unit + 1, len(stages))
    return next((i for i in range(first, last) if _PLACE.get(stages[i]["name"], -1) > _PLACE[name]), last)


def _in_language(stage: Stage, language: str) -> Stage | None:
    """The stage for the language that the recipe's other stages name; None if it does not know it."""
    if not language or "language" not in check_options(stage["name"], {}):
        return stage
    named = stage | {"language": language}
    try:
        check_options(stage["name"], {key: value for key, value in named.items() if key != "name"})
    except InputError:
        return None
    return named


def _ngrams(model: ClassifierSettings) -> Iterator[tuple[str, dict[str, int]]]:
    if not model.ngrams:
        yield f"with {_NGRAMS:,} n-grams of words", {"ngrams": _NGRAMS, "ngram_letters": 0}
        yield f"with {_NGRAMS:,} n-grams of words and letters", {"ngrams": _NGRAMS, "ngram_letters": _LETTERS}
        return
    yield "without n-grams", {"ngrams": 0, "ngram_letters": 0}
    if model.ngram_letters:
        yield "n-grams of words alone", {"ngram_letters": 0}
    else:
        yield "n-grams of letters too", {"ngram_letters": _LETTERS}


def _covers(stage: Stage, other: Stage) -> bool:
    """Whether the stage of a recipe, with all its options, is the one described."""
    usual = Chain([other["name"]], tagger=no_tags).stages
    full = next(s for s in usual if s["name"] == other["name"]) | other
    return all(stage.get(key) == value for key, value in full.items())


def _said(stage: Stage) -> str:
    """``stem porter``: the name and the option that tells its kind."""
    kind = next((stage[key] for key in ("algorithm", "size", "style", "model") if key in stage), None)
    return str(stage["name"]).replace("_", " ") + ("" if kind is None or kind == "plain" else f" {kind}")
