"""The translator: learns, translates, is saved; `elman.tasks.estimators` makes it `elman.Translator`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from elman.config.parameters import held_share
from elman.config.training import TrainingSettings
from elman.data.inputs import check_present, listed
from elman.data.parallel import Pairs
from elman.data.split import hold_out
from elman.errors import InputError, unknown
from elman.metric import known_figure
from elman.models.pair_units import EncodedPairs
from elman.models.writing import Written
from elman.tasks.estimator import check_fitted
from elman.tasks.figures import Scores, number
from elman.tasks.pairs import Asked, PairEstimator
from elman.tasks.translate.figures import bleu_points, translation_figures
from elman.training.divergence import warn_if_diverged

__all__ = ["Translator"]

_CHECKED = 500  # validation pairs that are translated after each epoch


class Translator(PairEstimator):
    """Texts in, texts out; a scikit-learn estimator.

    ``Translator(hidden=128, epochs=5)``: its parameters are the fields of `UnitSettings`, `Seq2SeqSettings`,
    `SearchSettings` and `TrainingSettings` together, and

        validation: share of the pairs held out to choose the best epoch.

    X is a list of texts, y a list of as many: what each becomes. The epoch is chosen by BLEU of greedy search.

    Attributes:
        units_: how texts are read and written.
        fitted_: history, best epoch and seconds of the training.
        model_: the network.
    """

    TASK = "translate"
    FIGURES = tuple(map(known_figure, ("bleu", "bleu_lc", "chrf", "nll", "perplexity")))

    # -- learning

    def fit(self, X: Sequence[str], y: Sequence[str]) -> Translator:
        """Learn from N texts and what they become.

        Raises:
            InputError: not as many of both, one that is no text or empty, with its row; fewer than two. Numbers that
                are no longer finite before the first epoch's end.
            KeyboardInterrupt: Ctrl-C, with the weights of the best epoch in place.
        """
        self.check_settings()
        share = held_share(self, none=False)
        pairs = _checked(X, y)
        if len(pairs) < 2:
            raise InputError("one pair is too little to train on", remedy="give at least two")
        train, valid = hold_out(len(pairs), share, self.settings(TrainingSettings).seed)
        self.fit_parts(pairs.take(train), pairs.take(valid))
        warn_if_diverged(self.fitted_.diverged, self.fitted_.best_epoch)
        return self

    def _validate(self, examples: EncodedPairs) -> dict[str, float]:
        likely = self.likelihood(examples)  # first: where it is no number, there is nothing to search
        some = examples.take(range(min(len(examples), _CHECKED)))
        return {"bleu": bleu_points(self.writer().greedily(some), some.written), "nll": number(likely, "nll")}

    # -- use

    def predict(self, X: Sequence[str]) -> list[str]:
        """The likeliest translation of each text; an empty text has an empty one."""
        return [found[0].text for found in self.translations(X)]

    def translations(self, X: Sequence[str], **asked: Any) -> list[list[Written]]:
        """The likeliest translations of each text, the best first, with their scores.

        Args:
            asked: fields of `elman.tasks.pairs.Asked`: ``nbest=5``, ``beam=10``, ``alignment=True`` ...

        Raises:
            InputError: an entry that is no text, or nothing that can be asked.
        """
        check_fitted(self)
        texts = listed(X)
        for i, text in enumerate(texts):
            if not isinstance(text, str):
                raise InputError(f"{text!r:.60} is no text", where=f"X[{i}]", remedy="give a list of strings")
        return self._translated(texts, asked)

    def _translated(self, sources: Sequence[Any], asked: Mapping[str, Any]) -> list[list[Written]]:
        for name in asked:
            if name not in Asked.__struct_fields__:
                raise unknown("option", name, Asked.__struct_fields__, where="translations")
        works = self.asking(msgspec.structs.replace(self.asked_, **asked)) if asked else self
        return works.writer().write(sources, works.asked_.nbest, works.asked_.alignment)

    def judge(self, examples: Pairs) -> Scores:
        """Every figure on pairs; sentences_per_second of translating among them."""
        return self.measured(examples)[0]

    def measured(self, examples: Pairs) -> tuple[Scores, list[str]]:
        """Every figure on pairs, and the translations."""
        self.predict(list(examples.source[:4]))  # the first call allocates
        started = time.perf_counter()
        answers = self.predict(list(examples.source))
        seconds = time.perf_counter() - started
        figures = translation_figures(answers, list(examples.target))
        if not self._further:  # of several networks together nobody asks for the likelihood of one
            figures |= self.likelihood(self.encoded(examples))
        return figures | {"sentences_per_second": len(answers) / seconds}, answers

    def figures(self, examples: EncodedPairs) -> Scores:
        """As `judge`, of greedy search."""
        found = translation_figures(self.writer().greedily(examples), examples.written)
        return found | self.likelihood(examples)

    def evaluate(self, X: Sequence[str], y: Sequence[str]) -> Scores:
        """Every figure on texts and what they become, see `judge`."""
        check_fitted(self)
        return self.judge(_checked(X, y))

    def score(self, X: Sequence[str], y: Sequence[str]) -> float:
        """BLEU, in points."""
        return number(self.evaluate(X, y), "bleu")


def _checked(X: Any, y: Any) -> Pairs:
    """Raises InputError unless they are as many texts as translations, none empty."""
    X, y = listed(X), listed(y, "y")
    if len(X) != len(y):
        raise InputError(f"{len(X)} texts and {len(y)} translations", remedy="give one translation per text")
    if not X:
        raise InputError("there are no texts", remedy="give at least one")
    for name, texts in (("X", X), ("y", y)):
        check_present(texts, "text", name, "give it, or leave the pair out")
        for i, text in enumerate(texts):
            if not isinstance(text, str):
                raise InputError(f"{text!r:.60} is no text", where=f"{name}[{i}]", remedy="give a list of strings")
            if not text.strip():
                raise InputError("the text is empty", where=f"{name}[{i}]", remedy="leave the pair out")
    return Pairs(X, y)
