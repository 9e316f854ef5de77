"""What a translator has to beat: the copied source, and a word-for-word lexicon."""

from __future__ import annotations

from collections.abc import Sequence

from elman.data.parallel import Pairs
from elman.models.ibm1 import IBM1
from elman.tasks.contract import Baseline
from elman.tasks.translate.figures import tokenizer_for, translation_figures
from elman.text.joined import join_words, split_words

__all__ = ["baselines", "word_for_word"]


def baselines(train: Pairs, test: Pairs) -> list[Baseline]:
    """Both, judged on the test part; neither is tuned."""
    answers, sentences = word_for_word(train, test.source)
    of = "" if sentences == len(train) else f" of the first {sentences:,}"
    lexicon = (
        "each word becomes the one that it most often goes with, in the order of the source: IBM model 1 (Brown et al. "
        f"1993), five rounds over the training pairs{of}"
    )
    references = list(test.target)
    return [
        Baseline("lexicon", lexicon, translation_figures(answers, references)),
        Baseline("copy", "the source as it stands", translation_figures(list(test.source), references)),
    ]


def word_for_word(train: Pairs, sources: Sequence[str]) -> tuple[list[str], int]:
    """Texts translated word by word, and from how many pairs the lexicon was learned.

    A side that is written without blanks is taken apart into characters.
    """
    (split, _), (cut, join) = _manner(train.source), _manner(train.target)
    model = IBM1().fit([split(text) for text in train.source], [cut(text) for text in train.target])
    return [join(model.translate(split(text))) for text in sources], model.sentences


def _manner(texts: Sequence[str]):  # type: ignore[no-untyped-def]
    return (list, "".join) if tokenizer_for(texts) == "char" else (split_words, join_words)
