"""Word vectors as the first weights of an embedding layer, for any task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from elman.text.vectors.words import WordVectors
from elman.text.vocabulary import PAD

if TYPE_CHECKING:
    import torch

    from elman.text.vocabulary import Vocabulary

__all__ = ["embedding_matrix", "find"]

# what treebanks write for signs that running text has
_SIGNS = {
    "``": '"', "''": '"', "-lrb-": "(", "-rrb-": ")", "-lsb-": "[", "-rsb-": "]", "-lcb-": "{", "-rcb-": "}",
    "’": "'", "‘": "'", "“": '"', "”": '"', "–": "--", "—": "--", "…": "...", "\\/": "/",
}  # fmt: skip


def find(vectors: WordVectors, word: str) -> np.ndarray | None:
    """The vector of a word as any tokenizer may write it (D,), or None.

    As written; in lower case; a treebank's ``-lrb-`` as ``(``; contractions with ’ as with '; and a compound whose
    parts are known (``well-made``) as the mean of its parts.
    """
    lower = word.lower()
    for form in (word, _SIGNS.get(lower, lower), lower.replace("’", "'")):
        if form in vectors:
            return vectors[form]
    parts = [p for p in lower.replace("\\/", "-").replace("/", "-").split("-") if p]
    if len(parts) > 1 and all(p in vectors for p in parts):
        return np.asarray(vectors.matrix[[vectors.row(p) for p in parts]].mean(0))
    return None


def embedding_matrix(
    vectors: WordVectors,
    vocabulary: Vocabulary | Sequence[str],
    generator: torch.Generator | None = None,
    *,
    spread: float | None = None,
) -> torch.Tensor:
    """Weights (V, D) of an embedding layer: row i is the vector of the vocabulary's word i.

    Words without a vector draw normal values of the vectors' own spread; `<pad>` is zero. Freeze the layer with
    ``nn.Embedding.from_pretrained(matrix)``, or train on with ``freeze=False``.

    Args:
        generator: source of the drawn rows.
        spread: standard deviation that the vectors are scaled to, as a whole; None leaves them as they are.
    """
    import torch

    words = list(vocabulary if isinstance(vocabulary, Sequence) else vocabulary.to_list())
    found = [find(vectors, word) for word in words]
    known = [row for row in found if row is not None]
    own = float(np.std(known)) if known else 1.0
    factor = 1.0 if spread is None or own == 0 else spread / own
    matrix = torch.randn((len(words), vectors.dim), generator=generator) * (own * factor)
    for i, (word, row) in enumerate(zip(words, found, strict=True)):
        if row is not None:
            matrix[i] = torch.from_numpy(row) * factor
        elif word == PAD:
            matrix[i] = 0
    return matrix
