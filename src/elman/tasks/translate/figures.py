"""How good translations are: BLEU and chrF as sacrebleu measures them, with its signatures, and how sure they are.

BLEU: Papineni et al. 2002; comparable as Post 2018, *A call for clarity in reporting BLEU scores*, asks. chrF: Popović
2015. Both in points of 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from elman.tasks.figures import Scores

__all__ = ["bleu_of", "bleu_points", "bootstrap", "sentence_counts", "tokenizer_for", "translation_figures"]

_WORDS = 12  # letters between two blanks, on average, from which on a language is one that writes none
_DRAWS = 500


def tokenizer_for(references: Sequence[str]) -> str:
    """sacrebleu's tokenizer: 13a, or single characters where the references are written without blanks."""
    letters, blanks = sum(map(len, references)), sum(text.count(" ") for text in references)
    return "char" if letters > _WORDS * (blanks + len(references)) else "13a"


def translation_figures(answers: Sequence[str], references: Sequence[str]) -> Scores:
    """bleu, bleu_lc and chrf of N answers, in points, with sacrebleu's signature of each; n.

    Args:
        references: N, one for each answer.
    """
    metrics = {"bleu": _bleu(references), "bleu_lc": _bleu(references, lowercase=True), "chrf": CHRF()}
    found: Scores = {
        key: _points(metric.corpus_score(list(answers), [list(references)])) for key, metric in metrics.items()
    }
    return {**found, "n": len(answers), "signature": {key: str(m.get_signature()) for key, m in metrics.items()}}


def bleu_points(answers: Sequence[str], references: Sequence[str]) -> float:
    """BLEU alone, as `translation_figures` has it."""
    return _points(_bleu(references).corpus_score(list(answers), [list(references)]))


def _bleu(references: Sequence[str], lowercase: bool = False) -> BLEU:
    """The metric for these references.

    Where none of them has four words a perfect answer has no n-gram of four, which makes BLEU 0, and a long wrong one
    is better: then it is of the n-grams that there are, and the signature says ``eff:yes``.
    """
    tokenize = tokenizer_for(references)
    metric = BLEU(tokenize=tokenize, force=True, lowercase=lowercase)
    if any(len(metric.tokenizer(text).split()) >= metric.max_ngram_order for text in references):
        return metric
    return BLEU(tokenize=tokenize, force=True, lowercase=lowercase, effective_order=True)


def _points(found: Any) -> float:
    """At most 100: sacrebleu adds up logarithms, to 100.00000000000004."""
    return min(float(found.score), 100.0)


def sentence_counts(answers: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """(N, 10): what BLEU is made of, sentence by sentence: right n-grams and all n-grams, n = 1 to 4, and both lengths.

    `bleu_of` their sum is BLEU of them all.
    """
    metric = BLEU(tokenize=tokenizer_for(references), force=True, effective_order=True)
    found = [metric.sentence_score(a, [r]) for a, r in zip(answers, references, strict=True)]
    return np.array([[*s.counts, *s.totals, s.sys_len, s.ref_len] for s in found], np.int64).reshape(-1, 10)


def bleu_of(counts: np.ndarray) -> float:
    """BLEU, in points, of counts (10,); of the n-grams that there are, where no answer has four words."""
    right, total = counts[:4].tolist(), counts[4:8].tolist()
    return _points(BLEU.compute_bleu(right, total, int(counts[8]), int(counts[9]), effective_order=True))


def bootstrap(counts: np.ndarray, draws: int = _DRAWS, seed: int = 0) -> np.ndarray:
    """(draws,) BLEU of as many sentences drawn with replacement (Koehn 2004, section 3)."""
    rng = np.random.default_rng(seed)
    picks = rng.integers(0, len(counts), (draws, len(counts)))
    return np.array([bleu_of(counts[row].sum(0)) for row in picks])
