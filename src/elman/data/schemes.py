"""Tags of entities: IOB1, IOB2, IOBES and BILOU are spellings of the same spans.

    word    Ada    Byron  met    Babbage  London
    span    PER--------          PER      LOC
    IOB1    I-PER  I-PER  O      I-PER    I-LOC
    IOB2    B-PER  I-PER  O      B-PER    B-LOC
    IOBES   B-PER  E-PER  O      S-PER    S-LOC

Real files contain sequences that no scheme allows. They are read as conlleval and seqeval read them, so that our
scores and theirs are about the same entities.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from elman.errors import InputError

__all__ = ["SCHEMES", "Span", "convert", "detect_scheme", "scheme_letters", "spans", "to_tags"]

_LETTERS = {"IOB1": "IB", "IOB2": "IB", "IOBES": "IBES", "BILOU": "IBLU"}
SCHEMES = tuple(_LETTERS)
_TAG = re.compile(r"[BIESLU]-.+", re.DOTALL)
_FROM_BILOU = {"L": "E", "U": "S"}


class Span(NamedTuple):
    """An entity: words start, start + 1, ..., end - 1."""

    type: str
    start: int
    end: int


def scheme_letters(scheme: str) -> str:
    """The letters that stand before the dash in a scheme, besides O alone."""
    return _LETTERS[scheme]


def spans(tags: Sequence[str], scheme: str = "auto") -> list[Span]:
    """The entities of one sentence.

    An entity ends after E and S, before B and S, before O, and where the type changes; anything else goes on. So
    ``I-PER`` after O begins an entity, and ``E-PER`` alone is one: conlleval's rules (Tjong Kim Sang and De Meulder
    2003), with E and S as seqeval adds them.

    Args:
        tags: each O, or a letter, a dash and a type; a letter alone has the type "_".
        scheme: matters for BILOU only, whose L and U are read as E and S.
    """
    found: list[Span] = []
    before, before_type, start = "O", "", 0
    for i, tag in enumerate([*tags, "O"]):
        letter, type = tag[:1], tag[1:].removeprefix("-") or "_"
        if scheme == "BILOU":
            letter = _FROM_BILOU.get(letter, letter)
        changes = before_type != type
        if before != "O" and (changes or before in "ES" or letter in "BSO"):
            found.append(Span(before_type, start, i))
        if letter != "O" and (changes or before in "OES" or letter in "BS"):
            start = i
        before, before_type = letter, type
    return found


def to_tags(entities: Iterable[Span], length: int, scheme: str = "IOB2") -> list[str]:
    """Spell entities as the tags of a sentence of `length` words; the entities must not overlap."""
    tags = ["O"] * length
    last = Span("", -1, -1)
    for span in sorted(entities, key=lambda s: s.start):
        begin, inside, end, single = "BIII" if scheme in ("IOB1", "IOB2") else "BILU" if scheme == "BILOU" else "BIES"
        if scheme == "IOB1" and not (last.end == span.start and last.type == span.type):
            begin = "I"
        if scheme in ("IOB1", "IOB2"):
            single = begin
        n = span.end - span.start
        letters = [single] if n == 1 else [begin, *[inside] * (n - 2), end]
        tags[span.start : span.end] = [f"{letter}-{span.type}" for letter in letters]
        last = span
    return tags


def convert(tags: Sequence[str], scheme: str, to: str) -> list[str]:
    """From one scheme to another, malformed sequences mended on the way."""
    return to_tags(spans(tags, scheme), len(tags), to)


def detect_scheme(sentences: Iterable[Sequence[str]]) -> str:
    """Which scheme a file is written in: one of `SCHEMES`, or "none" where the tags are plain labels.

    Judged by all tags together, since a single sentence rarely tells and a real file has slips: whether most entities
    that follow no neighbour of their type begin with I (IOB1) or with B (IOB2).

    Raises:
        InputError: tags of E or S beside L or U, which no scheme has.
    """
    letters: Counter[str] = Counter()
    plain = begins_b = begins_i = 0
    for tags in sentences:
        before = "O"
        for tag in tags:
            if _TAG.fullmatch(tag):
                letters[tag[0]] += 1
                free = before == "O" or before[1:] != tag[1:]
                begins_b += free and tag[0] == "B"
                begins_i += free and tag[0] == "I"
            elif tag != "O":
                plain += 1
            before = tag
    if plain > sum(letters.values()) or not letters:
        return "none"
    if (letters["E"] or letters["S"]) and (letters["L"] or letters["U"]):
        raise InputError(
            "tags with E- or S- and tags with L- or U- in one file", remedy="write one scheme, such as IOB2"
        )
    if letters["E"] or letters["S"]:
        return "IOBES"
    if letters["L"] or letters["U"]:
        return "BILOU"
    return "IOB1" if begins_i > begins_b else "IOB2"
