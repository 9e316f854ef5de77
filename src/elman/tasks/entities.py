"""Entities in tag sequences: found, written, scored, and the rules of the tag schemes.

A tag is a position and a type, `B-person`. Positions, in the scheme IOBES: B begins an entity, I is inside, E ends it,
S is one of a single word, O is outside. IOB2 has no E and S. In IOB1 an entity begins with I, and with B only where
it stands directly behind another of its type.

Entities are read leniently, as the CoNLL evaluation does, so that any sequence of tags has a meaning, also a
malformed one: a tag goes on with the entity of the word before where it can, and else begins one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from elman.errors import InputError, unknown

__all__ = ["SCHEMES", "Entity", "convert", "encode", "entities", "entity_scores", "is_entity_tags", "transition_rules"]

SCHEMES = ("IOB1", "IOB2", "IOBES")


class Entity(NamedTuple):
    """The words `start` to `stop - 1` are one entity of type `type`."""

    type: str
    start: int
    stop: int


def _parts(tag: str) -> tuple[str, str]:
    """`"B-person"` -> `("B", "person")`; the type of a bare position is `_`."""
    return tag[:1], tag[1:].split("-", maxsplit=1)[-1] or "_"


def is_entity_tags(names: Sequence[str]) -> bool:
    """Whether these are tags of a scheme (`O`, `B-person`), rather than parts of speech and the like."""
    return any(n[1:2] == "-" for n in names) and all(n == "O" or (n[:1] in "BIES" and n[1:2] == "-") for n in names)


def entities(tags: Sequence[str]) -> list[Entity]:
    """All entities of a sentence, in order, whatever scheme it is in and whether or not it obeys it.

    >>> entities(["B-person", "I-person", "O", "I-place"])
    [Entity(type='person', start=0, stop=2), Entity(type='place', start=3, stop=4)]
    """
    found: list[Entity] = []
    open_since, before, type_before = None, "O", ""
    for t, tag in enumerate(tags):
        position, type_ = _parts(tag)
        goes_on = open_since is not None and before in "BI" and position in "IE" and type_ == type_before
        if open_since is not None and not goes_on:
            found.append(Entity(type_before, open_since, t))
        if not goes_on:
            open_since = None if position == "O" else t
        before, type_before = position, type_
    if open_since is not None:
        found.append(Entity(type_before, open_since, len(tags)))
    return found


def encode(found: Sequence[Entity], length: int, scheme: str) -> list[str]:
    """The tags of a sentence of `length` words with these entities, in order and not overlapping."""
    if scheme not in SCHEMES:
        raise unknown("tag scheme", scheme, SCHEMES)
    tags = ["O"] * length
    for type_, start, stop in found:
        tags[start:stop] = [f"I-{type_}"] * (stop - start)
        if scheme == "IOB1":
            touches = start > 0 and tags[start - 1][1:] == f"-{type_}"
            tags[start] = f"B-{type_}" if touches else f"I-{type_}"
        else:
            tags[start] = f"B-{type_}"
        if scheme == "IOBES":
            tags[stop - 1] = f"S-{type_}" if stop - start == 1 else f"E-{type_}"
    return tags


def convert(tags: Sequence[str], scheme: str) -> list[str]:
    """The same entities in another scheme; a malformed sequence comes out well-formed."""
    return encode(entities(tags), len(tags), scheme)


def transition_rules(names: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
    """What IOB2 or IOBES allows, for a CRF over the tags `names` (K of them).

    Returns:
        `allowed` (K, K), from row to column, `allowed_start` (K,) and `allowed_end` (K,), all bool.
    """
    closes = any(n[:1] in "ES" for n in names)  # IOBES: an entity must also be closed
    K = len(names)
    allowed = torch.zeros(K, K, dtype=torch.bool)
    parts = [_parts(n) for n in names]
    for i, (before, type_before) in enumerate(parts):
        for j, (position, type_) in enumerate(parts):
            inside = before in "BI" and type_ == type_before
            must_go_on = closes and before in "BI"
            allowed[i, j] = inside if position in "IE" else not must_go_on
    start = torch.tensor([position not in "IE" for position, _ in parts])
    end = torch.tensor([not (closes and position in "BI") for position, _ in parts])
    return allowed, start, end


def entity_scores(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> dict[str, dict[str, float]]:
    """Precision, recall and F1 of exact entities (type and both borders), per type and over all.

    Returns:
        `{"all": {precision, recall, f1, support}, TYPE: {...}, ...}`, fractions; `all` counts every entity alike
        (micro average), `support` is the number of gold entities. Nothing found or nothing there scores 0.

    Raises:
        InputError: sentences that differ in number or length.
    """
    if len(gold) != len(predicted):
        raise InputError(f"{len(gold)} tagged sentences against {len(predicted)} predicted ones")
    wanted: set[tuple[int, Entity]] = set()
    given: set[tuple[int, Entity]] = set()
    for i, (g, p) in enumerate(zip(gold, predicted)):
        if len(g) != len(p):
            raise InputError(f"{len(g)} tags against {len(p)} predicted ones", where=f"sentence {i}")
        wanted.update((i, e) for e in entities(g))
        given.update((i, e) for e in entities(p))

    def score(w: set[tuple[int, Entity]], g: set[tuple[int, Entity]]) -> dict[str, float]:
        right = len(w & g)
        precision, recall = right / len(g) if g else 0.0, right / len(w) if w else 0.0
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        return {"precision": precision, "recall": recall, "f1": f1, "support": len(w)}

    table = {"all": score(wanted, given)}
    for type_ in sorted({e.type for _, e in wanted | given}):
        table[type_] = score({x for x in wanted if x[1].type == type_}, {x for x in given if x[1].type == type_})
    return table
