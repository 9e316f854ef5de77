"""A tagger's figures: words right, entities found, and whether its confidence can be believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from elman.data.entities import entity_scores
from elman.models.tag_names import TagNames
from elman.tasks.figures import Scores, calibration_error, class_figures, nll

__all__ = ["confidence_figures", "tag_figures", "usual_tags"]

Words = Sequence[str]


def tag_figures(gold: Sequence[Words], predicted: Sequence[Words], entities: bool) -> Scores:
    """Figures that need tags alone, both in one scheme.

    Returns:
        accuracy (share of words whose tag is right), n (words), sentences; of entities entity_f1, entity_precision,
        entity_recall, and by type; of plain labels macro_f1 and classes. The confusion of the labels, word by word; of
        entities it is that of their types, and O: borders do not count in it.
    """
    pairs = Counter((g, p) for gs, ps in zip(gold, predicted, strict=True) for g, p in zip(gs, ps, strict=True))
    n = sum(pairs.values())
    out: Scores = {
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
    found = class_figures(matrix, labels)
    return out | {"labels": labels, "confusion": found["confusion"]} if entities else out | {"labels": labels, **found}


def confidence_figures(
    names: TagNames, gold: Sequence[Words], predicted: Sequence[Words], tables: Sequence[np.ndarray]
) -> Scores:
    """Whether stated confidence can be believed: nll (nats a word) and ece.

    Args:
        gold, predicted: tags of every sentence, in the user's scheme.
        tables: of every sentence (T_i, C) probabilities, columns in the order of `names.classes`.
    """
    sure = np.concatenate([names.chosen(row, p) for row, p in zip(predicted, tables)])
    likely = np.concatenate([names.chosen(row, p) for row, p in zip(gold, tables)])
    pairs = zip(map(names.as_classes, gold), map(names.as_classes, predicted))
    right = [wanted == found for rows in pairs for wanted, found in zip(*rows)]
    return {"nll": nll(likely.astype(float)), "ece": calibration_error(sure, np.array(right))}


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
