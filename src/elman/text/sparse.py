"""Sparse words: in too few training documents to teach, or in so many that they tell nothing apart."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from elman.errors import InputError

__all__ = ["check_sparse", "fit_sparse", "sparse"]


def fit_sparse(
    documents: Iterable[Sequence[str]], *, count: int = 2, share: float = 0.0, most: float = 1.0, instead: str = ""
) -> list[str]:
    """The words that stay, in alphabetical order.

    Args:
        documents: tokens of each training document.
        count: a word must occur at least so often, in all documents together.
        share: ... and in at least this share of the documents, 0 to 1.
        most: ... and in no more than this share.
        instead: not used here; see `sparse`.
    """
    del instead
    times: Counter[str] = Counter()
    holding: Counter[str] = Counter()
    n = 0
    for tokens in documents:
        n += 1
        times.update(tokens)
        holding.update(set(tokens))
    # a product such as .1 * 30 lies a hair beside the whole number it means
    fewest, highest = math.ceil(share * n - 1e-9), math.floor(most * n + 1e-9)
    return sorted(w for w, c in times.items() if c >= count and fewest <= holding[w] <= highest)


def check_sparse(*, count: int = 2, share: float = 0.0, most: float = 1.0, instead: str = "") -> None:
    """Refuse limits that no word or every word fails.

    Raises:
        InputError: naming the limit.
    """
    del instead
    if count < 0:
        raise InputError(f"count = {count} is below 0", remedy="say how often a word must occur at least, such as 2")
    if not 0 <= share <= most <= 1:
        raise InputError(f"share = {share}, most = {most}", remedy="give shares with 0 <= share <= most <= 1")


def sparse(
    word: str, *, state: Collection[str], count: int = 2, share: float = 0.0, most: float = 1.0, instead: str = ""
) -> str:
    """The word if the fit kept it, else `instead`; nothing drops it. A word never seen is sparse too.

    Args:
        state: the kept words.
        instead: what stands for a sparse word, such as `<unk>`.
    """
    del count, share, most
    return word if word in state else instead
