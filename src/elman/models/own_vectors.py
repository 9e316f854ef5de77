"""Word vectors trained on the texts at hand, before a network that starts from them: no file of vectors is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from elman.errors import InputError
from elman.text import Chain
from elman.text.vectors import Settings, WordVectors, train
from elman.text.vectors.corpus import texts

__all__ = ["own_vectors"]

_AT_ONCE = 10_000  # texts


def own_vectors(
    tokens: Sequence[Sequence[str]], chain: Chain, unlabelled: str, width: int, min_count: int, seed: int
) -> WordVectors | None:
    """CBOW vectors (Mikolov et al. 2013) of the words of training texts and of further ones.

    Args:
        tokens: of the training texts.
        chain: makes tokens of the further ones.
        unlabelled: files or folders of them, with commas between, see `elman.text.vectors.corpus.texts`; empty: none.
        width: of a vector.
        min_count: rarer words get none.
        seed: the same gives the same vectors.

    Returns:
        None where no word comes often enough.

    Raises:
        InputError: no such file, or one that cannot be read.
    """
    settings = Settings(dim=width, min_count=min_count, threads=1, seed=seed)  # one thread repeats bit for bit
    further = _tokens(chain, unlabelled) if unlabelled else iter(())
    first = next(further, None)  # a missing file is said to be missing, before hours are spent
    try:
        return train(_all(tokens, first, further), settings)
    except InputError:
        if unlabelled:
            raise
        return None


def _all(
    tokens: Iterable[Sequence[str]], first: Sequence[str] | None, further: Iterable[Sequence[str]]
) -> Iterator[Sequence[str]]:
    yield from tokens
    if first is not None:
        yield first
    yield from further


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
