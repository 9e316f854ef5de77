"""The stages there are, by the names that recipes use, and what they are made of.

A stage is a pure function; its options are that function's keyword arguments, so that the signature is the one place
that says what they are called, of which type, and what they are if left out. What a stage learns from the training
texts comes in as `state`, what it borrows from a higher room as `tagger`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from elman.errors import InputError, in_words, unknown
from elman.text import normalize, sparse, stem, stopwords, subwords, tag, tokenize

__all__ = ["STAGES", "Stage", "check_options"]


@dataclass(frozen=True)
class Stage:
    """One kind of stage.

    Attributes:
        kind: what the function turns into what. `text`: a string into a string; `split`: a string into tokens; `word`:
            a token into a token, or into several with blanks between, or into nothing; `tags`: a sentence into
            (word, tag) pairs.
        function: the pure function; keyword arguments other than `state` and `tagger` are options.
        fit: training material and the same options to the state, as JSON knows it; None where nothing is learned.
        revive: the state from JSON to what the function reads.
        check: refuses options that do not go together.
        apart: whether, with these options, the stage makes of a text what it makes of the pieces between its blanks,
            but for the number of blanks: then each piece need be worked on once.
    """

    kind: Literal["text", "split", "word", "tags"]
    function: Callable[..., Any]
    fit: Callable[..., Any] | None = None
    revive: Callable[[Any], Any] | None = None
    check: Callable[..., None] | None = None
    apart: Callable[..., bool] = lambda **options: False


def _apart(**options: Any) -> bool:
    return True


STAGES: dict[str, Stage] = {
    "unicode": Stage("text", normalize.unicode),
    "markup": Stage("text", normalize.markup),
    "urls": Stage("text", normalize.urls, apart=_apart),
    "emoji": Stage("text", normalize.emoji),
    "contractions": Stage(
        "text",
        normalize.contractions,
        check=normalize.check_short_forms,
        apart=partial(normalize.short_forms_apart, "contractions"),
    ),
    "abbreviations": Stage(
        "text",
        normalize.abbreviations,
        check=normalize.check_short_forms,
        apart=partial(normalize.short_forms_apart, "abbreviations"),
    ),
    "lower": Stage("text", normalize.lower, apart=_apart),
    "accents": Stage("text", normalize.accents),
    "numbers": Stage("text", normalize.numbers, apart=_apart),
    "repeats": Stage("text", normalize.repeats, check=normalize.check_repeats, apart=_apart),
    "punctuation": Stage("text", normalize.punctuation),
    "spaces": Stage("text", normalize.spaces),
    "words": Stage("split", tokenize.words, apart=_apart),
    "whitespace": Stage("split", tokenize.whitespace, apart=_apart),
    "characters": Stage("split", tokenize.characters),
    "subwords": Stage(
        "split", subwords.subwords, subwords.fit_subwords, subwords.read_subwords, check=subwords.check_subwords
    ),
    "tags": Stage("tags", tag.tags),
    "stop_words": Stage("word", stopwords.stop_word, check=stopwords.check_stop_word),
    "stem": Stage("word", stem.stem, check=stem.check_stem),
    "lemma": Stage("word", stem.lemma, check=stem.check_lemma),
    "sparse": Stage("word", sparse.sparse, sparse.fit_sparse, frozenset, check=sparse.check_sparse),
}


def check_options(name: str, given: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """All options of the stage, those not given at their defaults, each of its declared type.

    Raises:
        InputError: an unknown stage, option or value; it names the nearest.
    """
    if name not in STAGES:
        raise unknown("text stage", name, STAGES, where=where)
    stage = STAGES[name]
    options = {
        p.name: p.default
        for p in inspect.signature(stage.function).parameters.values()
        if p.kind is p.KEYWORD_ONLY and p.name not in ("state", "tagger")
    }
    hints = get_type_hints(stage.function)
    place = f"{where}, stage {name!r}" if where else f"stage {name!r}"
    for key, value in given.items():
        if key not in options:
            raise unknown("option", key, options, where=place)
        options[key] = _as_declared(key, value, hints[key], place)
    if stage.check is not None:
        try:
            stage.check(**options)
        except InputError as e:
            raise InputError(str(e), where=place) from None
    return {k: list(v) if isinstance(v, tuple) else v for k, v in options.items()}


def _as_declared(key: str, value: Any, hint: Any, place: str) -> Any:
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise unknown(key, value, get_args(hint), where=place)
        return value
    try:
        return msgspec.convert(value, hint)
    except msgspec.ValidationError as e:
        raise InputError(f"option {key} = {value!r}: {in_words(str(e))}", where=place) from None
