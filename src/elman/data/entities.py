"""How well entities are found: type and both borders, of any sequence of tags, a malformed one too.

They are read as the CoNLL evaluation reads them (`elman.data.schemes.spans`).
"""

from __future__ import annotations

from collections.abc import Sequence

from elman.data.schemes import Span, spans
from elman.errors import InputError

__all__ = ["entity_scores"]


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
    wanted: set[tuple[int, Span]] = set()
    given: set[tuple[int, Span]] = set()
    for i, (g, p) in enumerate(zip(gold, predicted)):
        if len(g) != len(p):
            raise InputError(f"{len(g)} tags against {len(p)} predicted ones", where=f"sentence {i}")
        wanted.update((i, e) for e in spans(g))
        given.update((i, e) for e in spans(p))

    def score(w: set[tuple[int, Span]], g: set[tuple[int, Span]]) -> dict[str, float]:
        right = len(w & g)
        precision, recall = right / len(g) if g else 0.0, right / len(w) if w else 0.0
        f1 = 2 * precision * recall / (precision + recall) if right else 0.0
        return {"precision": precision, "recall": recall, "f1": f1, "support": len(w)}

    table = {"all": score(wanted, given)}
    for type_ in sorted({e.type for _, e in wanted | given}):
        table[type_] = score({x for x in wanted if x[1].type == type_}, {x for x in given if x[1].type == type_})
    return table
