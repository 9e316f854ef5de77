"""The variants of a recipe whose worth `elman train --ablate` measures: one thing left out, changed or added at a time.

A text stage of the recipe is left out, one that it lacks is added where it belongs in the chain, the unit (words,
subwords, characters) is changed, and so are the inputs beside the words: n-grams, vectors, parts of speech.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from elman.config.recipe import Recipe
from elman.models.classifier import ClassifierSettings
from elman.models.encoding import TextSettings
from elman.tasks.contract import Variants
from elman.text import Chain
from elman.text.tag import Tagger, no_tags
from elman.text.variants import chains

__all__ = ["variants", "variants_on"]

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
    return Variants({name: other for name, other in found.items() if name not in idle}, tuple(idle))


def variants(recipe: Recipe, tagger: bool) -> dict[str, Recipe]:
    """Name -> recipe, each one step away from the given one, which is not among them.

    Args:
        tagger: whether there is a tagger for a `tags` stage.
    """
    text, model = recipe[TextSettings], recipe[ClassifierSettings]
    found: dict[str, Recipe] = {}
    for name, stages in chains(text.stages, tagger):
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


def _ngrams(model: ClassifierSettings) -> Iterator[tuple[str, dict[str, int]]]:
    if not model.ngrams and not model.wide:
        yield f"with {_NGRAMS:,} n-grams of words", {"ngrams": _NGRAMS, "ngram_letters": 0}
        yield f"with {_NGRAMS:,} n-grams of words and letters", {"ngrams": _NGRAMS, "ngram_letters": _LETTERS}
        return
    yield "without n-grams", {"ngrams": 0, "wide": 0, "ngram_letters": 0}
    if model.ngram_letters:
        yield "n-grams of words alone", {"ngram_letters": 0}
    else:
        yield "n-grams of letters too", {"ngram_letters": _LETTERS}
