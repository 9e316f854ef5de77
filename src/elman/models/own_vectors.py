"""Word vectors trained on the texts at hand, before a network that starts from them: no file of vectors is needed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from elman.errors import InputError
from elman.text import Chain
from elman.text.vectors import Settings, WordVectors, train
from elman.text.vectors.corpus import corpus_files, texts

__all__ = ["check_unlabelled", "own_vectors"]

_AT_ONCE = 10_000  # texts


def check_unlabelled(corpus: str) -> None:
    """Raises InputError if a file or folder of it is not there: before anything is trained."""
    if corpus:
        try:
            corpus_files(corpus)
        except InputError as error:
            raise InputError(
                error.what, where=f"text.unlabelled, {error.where}", remedy=error.remedy or "give what is there"
            ) from error


def own_vectors(
    tokens: Sequence[Sequence[str]], chain: Chain, unlabelled: str, width: int, min_count: int, seed: int
) -> tuple[WordVectors | None, str]:
    """CBOW vectors (Mikolov et al. 2013) of the words of training texts and of further ones.

    As a whole they are scaled to a standard deviation of 1: an embedding that starts from nothing has that, and for it
    rates are chosen. As they come they have a quarter of it, and are worth less (benchmarks/tables/README.md).

    Args:
        tokens: of the training texts.
        chain: makes tokens of the further ones.
        unlabelled: files or folders of them, with commas between, see `elman.text.vectors.corpus.texts`; empty: none.
        width: of a vector.
        min_count: rarer words get none.
        seed: the same gives the same vectors.

    Returns:
        The vectors, None where no word comes often enough; and what they are of, for a line.

    Raises:
        InputError: no such file, or one that cannot be read.
    """
    settings = Settings(dim=width, min_count=min_count, threads=1, seed=seed)  # one thread repeats bit for bit
    count = 0

    def counted() -> Iterator[Sequence[str]]:
        nonlocal count
        for some in _tokens(chain, unlabelled) if unlabelled else ():
            count += 1
            yield some

    try:
        found = train(itertools.chain(tokens, counted()), settings)
    except InputError:
        if unlabelled:
            raise
        return None, "the training texts have too few words that come again for vectors of their own"
    beside = f" and {count:,} further texts" * bool(unlabelled)
    words = f"{found.about['raw_words']:,} words, {len(found.words):,} different"
    spread = found.matrix.std()
    found = replace(found, matrix=(found.matrix / np.where(spread > 0, spread, 1)).astype(np.float32))
    return found, f"word vectors trained on {len(tokens):,} training texts{beside} ({words})"


def _tokens(chain: Chain, unlabelled: str) -> Iterator[list[str]]:
    """Some texts at a time: a corpus is larger than memory."""
    some: list[str] = []
    for text in texts(unlabelled):
        some.append(text if isinstance(text, str) else " ".join(text))
        if len(some) == _AT_ONCE:
            yield from _of(chain, some)
            some = []
    yield from _of(chain, some)


def _of(chain: Chain, some: Sequence[str]) -> Iterator[list[str]]:
    for pairs in chain.tagged_all(some):
        yield [token for token, _ in pairs]
