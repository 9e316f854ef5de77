"""Subword units learned from the training texts: byte-pair encoding and the unigram model, by `tokenizers`.

BPE: Sennrich, Haddow and Birch 2016, *Neural machine translation of rare words with subword units*. Unigram: Kudo
2018, *Subword regularization*. A blank is written `▁` at the head of the piece that follows it, so that pieces join
back to the text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from elman.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["check_subwords", "fit_subwords", "join_subwords", "read_subwords", "subwords", "whole"]

_BLANK = "▁"
_SIGN = rf"{_BLANK}?(?:[^\p{{L}}\p{{M}}\p{{N}}{_BLANK}]|\p{{N}})"  # anything but a letter


def fit_subwords(
    texts: Iterable[str], *, model: Literal["bpe", "unigram"] = "bpe", size: int = 8000, apart: bool = False
) -> str:
    """Learn at most `size` pieces from the texts.

    Args:
        apart: no piece holds a sign or a digit beside anything else but the blank before it.

    Returns:
        The trained model as JSON text, which `read_subwords` reads and a RUN keeps.

    Raises:
        InputError: there is no letter in the texts to learn from.
    """
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    if model == "bpe":
        tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
        trainer: trainers.Trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=["<unk>"], show_progress=False)
    else:
        tokenizer = Tokenizer(models.Unigram())
        trainer = trainers.UnigramTrainer(
            vocab_size=size, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
        )
    blanks = pre_tokenizers.Metaspace(replacement=_BLANK, prepend_scheme="always")
    signs = pre_tokenizers.Split(Regex(_SIGN), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([blanks, signs]) if apart else blanks
    learned_from, blank = whole(texts), list[str]()
    for text in learned_from:
        blank.append(text)
        if text.strip():
            break
    else:
        raise InputError("no text to learn subword units from", remedy="fit the chain on the training texts")
    try:
        tokenizer.train_from_iterator(chain(blank, learned_from), trainer=trainer)
    except Exception as error:  # the library raises no other kind: Unigram wants a piece for every letter
        raise InputError(
            f"no {model} model of {size} pieces ({error})", remedy="give a larger size, such as 8000"
        ) from error
    state = str(tokenizer.to_str())
    return state if model == "bpe" else _settled(state)


def _settled(state: str) -> str:
    """The unigram model without what the library's hash order leaves to chance, so that equal texts give equal models.

    Letters too rare to be pieces are added with the lowest score plus 1e-4, 2e-4 and so on, in the order of a hash
    table: here all get the lowest. Sums over threads differ in the last digits: here they are rounded. Pieces of equal
    score stand in alphabetical order.
    """
    saved = json.loads(state)
    unknown, *pieces = saved["model"]["vocab"]
    lowest = min((score for _, score in pieces), default=0.0)
    added = lowest + 1e-4 * sum(len(piece) == 1 for piece, _ in pieces)
    scored = [(p, round(lowest if len(p) == 1 and score <= added else score, 6)) for p, score in pieces]
    saved["model"]["vocab"] = [unknown, *sorted(scored, key=lambda e: (-e[1], e[0]))]
    return json.dumps(saved, ensure_ascii=False)


def check_subwords(*, model: Literal["bpe", "unigram"] = "bpe", size: int = 8000) -> None:
    """Refuse a number of pieces that is none.

    Raises:
        InputError: saying so.
    """
    del model
    if not 1 <= size <= 10_000_000:  # room for all of them is taken at once
        raise InputError(f"size = {size} pieces to split into", remedy="give a number such as 8000")


def read_subwords(state: str) -> Tokenizer:
    """The trained model from its JSON text."""
    from tokenizers import Tokenizer

    return Tokenizer.from_str(state)


def subwords(text: str, *, state: Any, model: Literal["bpe", "unigram"] = "bpe", size: int = 8000) -> list[str]:
    """The pieces of the text; a sign that training never saw is `<unk>`.

    Args:
        state: the trained model, from `read_subwords`.
        model: which model it is, and
        size: how many pieces it may have; both matter in the fit alone.
    """
    del model, size
    return list(state.encode(next(whole([text])), add_special_tokens=False).tokens)


def join_subwords(tokens: list[str]) -> str:
    """Pieces back to text."""
    return "".join(tokens).replace(_BLANK, " ").removeprefix(" ")


def whole(texts: Iterable[str]) -> Iterator[str]:
    """Half surrogates, which no encoding can carry to the library, replaced by U+FFFD."""
    for text in texts:
        yield text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
