"""A tagger's figures: words right, entities found, and whether its confidence can be believed."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from elman.data.schemes import convert, detect_scheme
from elman.errors import InputError
from elman.tasks.tag.entities import entity_scores

if TYPE_CHECKING:
    from elman.tasks.tag.estimator import Tagger

__all__ = ["calibration_error", "score_tags", "tag_figures", "usual_tags"]

Words = Sequence[str]


def tag_figures(gold: Sequence[Words], predicted: Sequence[Words], entities: bool) -> dict[str, Any]:
    """Figures that need tags alone, both in one scheme.

    Returns:
        accuracy (share of words whose tag is right), n (words), sentences; of entities entity_f1, entity_precision,
        entity_recall, and by type; of plain labels macro_f1 and classes. The confusion of the labels, word by word; of
        entities it is that of their types, and O: borders do not count in it.
    """
    pairs = Counter((g, p) for gs, ps in zip(gold, predicted, strict=True) for g, p in zip(gs, ps, strict=True))
    n = sum(pairs.values())
    out: dict[str, Any] = {
        "accuracy": sum(c for (g, p), c in pairs.items() if g == p) / n,
        "n": n,
        "sentences": len(gold),
        "sentence_accuracy": sum(list(g) == list(p) for g, p in zip(gold, predicted)) / len(gold),
    }
    if entities:
        table = entity_scores(gold, predicted)
        whole = table.pop("all")
        out |= {f"entity_{key}": whole[key] for key in ("f1", "precision", "recall")}
        out |= {"entities": int(whole["support"]), "types": table}
        tags, pairs = pairs, Counter()
        for (g, p), c in tags.items():
            pairs[g.partition("-")[2] or g, p.partition("-")[2] or p] += c
    labels = sorted({tag for pair in pairs for tag in pair}, key=lambda tag: (entities and tag != "O", tag))
    matrix = np.array([[pairs[g, p] for p in labels] for g in labels])
    out["labels"], out["confusion"] = labels, matrix.tolist()
    if entities:
        return out
    right, given, there = matrix.diagonal(), matrix.sum(0), matrix.sum(1)
    f1 = 2 * right / np.maximum(given + there, 1)
    out["macro_f1"] = float(f1.mean())
    out["classes"] = {
        label: {
            "precision": float(right[k] / max(given[k], 1)),
            "recall": float(right[k] / max(there[k], 1)),
            "f1": float(f1[k]),
            "n": int(there[k]),
        }
        for k, label in enumerate(labels)
    }
    return out


def score_tags(tagger: Tagger, X: Sequence[Words], y: Sequence[Words], scheme: str = "auto") -> dict[str, Any]:
    """`tag_figures` and, of the stated confidence: nll (nats a word), ece; words_per_second of tagging.

    Args:
        scheme: that y is written in; "auto" finds out.
    """
    names = tagger.names_
    tagger.predict(X[:64])  # the first call compiles and allocates
    started = time.perf_counter()
    given = tagger.predict(X)
    seconds = time.perf_counter() - started
    predicted = [[str(tag) for tag in row] for row in given]  # as y is here: they may be numbers
    if not names.plain:
        scheme = detect_scheme(y) if scheme == "auto" else scheme
        plain = (tag for row in y for tag in row if tag != "O" and tag[1:2] != "-")
        if scheme == "none" and (strange := next(plain, None)) is not None:
            raise InputError(
                f"tag {strange!r} does not say where an entity begins, as those of the training data do",
                where="y",
                remedy=f"write B-{strange} and I-{strange}",
            )
        y = [convert(row, names.scheme if scheme == "none" else scheme, names.scheme) for row in y]
    figures = tag_figures(y, predicted, not names.plain)
    tables = tagger.predict_proba(X)
    sure, right, nll = [], [], 0.0
    number = {name: k for k, name in enumerate(names.classes)}
    for wanted, found, p in zip(y, predicted, tables):
        wanted, found = names.as_classes(wanted), names.as_classes(found)
        rows = np.arange(len(p))
        sure.append(p[rows, [number[tag] for tag in found]])
        right += [w == g for w, g in zip(wanted, found)]
        # a tag that training never showed has no probability: it counts as one in a trillion
        chosen = [p[t, number[tag]] if tag in number else 0.0 for t, tag in zip(rows, wanted)]
        nll -= float(np.log(np.maximum(chosen, 1e-12)).sum())
    figures["nll"] = nll / figures["n"]
    figures["ece"] = calibration_error(np.concatenate(sure), np.array(right))
    figures["words_per_second"] = figures["n"] / seconds
    return figures


def calibration_error(sure: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """How far confidence lies from the share that is right, over equal bins (Guo et al. 2017, eq. 3)."""
    which = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    gap = np.bincount(which, right, bins) - np.bincount(which, sure, bins)
    return float(np.abs(gap).sum() / len(sure))


def usual_tags(train: tuple[Sequence[Words], Sequence[Words]], X: Sequence[Words]) -> list[list[str]]:
    """The baseline that any tagger must beat: each word gets the tag it mostly had in training.

    A word that is new as written is looked up in lower case; where that is new too, it gets the commonest tag.
    """
    counts: dict[str, Counter[str]] = {}
    overall: Counter[str] = Counter()
    for words, tags in zip(*train):
        for word, tag in zip(words, tags):
            for form in {word, word.lower()}:
                counts.setdefault(form, Counter())[tag] += 1
            overall[tag] += 1
    best = {word: c.most_common(1)[0][0] for word, c in counts.items()}
    fallback = overall.most_common(1)[0][0]
    return [[best.get(w, best.get(w.lower(), fallback)) for w in words] for words in X]
