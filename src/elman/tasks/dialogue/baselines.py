"""What a model that answers has to beat: the words that context and answer share."""

from __future__ import annotations

import numpy as np

from elman.data.dialogues import turns_of
from elman.data.parallel import Pairs
from elman.models.bm25 import BM25
from elman.tasks.contract import Baseline
from elman.tasks.dialogue.estimator import JUDGED
from elman.tasks.dialogue.figures import candidates, recall_at_1, spread

__all__ = ["bm25"]

_TURNS = (1, 2, 3)
_TRIED = 300  # validation contexts that choose between them


def bm25(train: Pairs, valid: Pairs, test: Pairs) -> Baseline:
    """Ranks the same candidates as the model by BM25.

    Its idf is that of the training answers; how many turns it asks with is chosen on the validation part.
    """
    ranking = BM25(list(train.target))
    tried = [_recall(ranking, valid, turns, _TRIED) for turns in _TURNS]
    best = _TURNS[int(np.argmax(tried))]
    turns = f"{best} turns" if best > 1 else "turn"
    said = (
        f"Robertson and Zaragoza 2009, k1 {ranking.k1}, b {ranking.b}, asked with the last {turns}, a number chosen on "
        f"{min(_TRIED, len(valid)):,} validation contexts, over the same candidates"
    )
    return Baseline("BM25", said, {"recall_at_1": _recall(ranking, test, best, JUDGED)})


def _recall(ranking: BM25, pairs: Pairs, turns: int, most: int) -> float:
    order, count = spread(len(pairs), most)
    ordered = pairs.take(order)
    choices = candidates(ordered.target, count)
    scores = [
        ranking.scores(" ".join(turns_of(context)[-turns:]), [ordered.target[i] for i in row])
        for context, row in zip(ordered.source, choices.tolist())
    ]
    return recall_at_1(np.array(scores).reshape(choices.shape))
