"""The tagger, one tag for every word: learns, answers, is saved; `elman.tasks.estimators` makes it `elman.Tagger`."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from elman.config.parameters import held_share
from elman.config.training import TrainingSettings
from elman.data.entities import entity_scores
from elman.data.inputs import listed
from elman.data.schemes import detect_scheme
from elman.data.sentences import checked_sentences, tag_of
from elman.data.split import hold_out
from elman.data.tagged import TaggedSentences
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.metric import known_figure
from elman.models.calibration import best_temperature, best_threshold
from elman.models.described import TaggerDescription
from elman.models.lexicon import Lexicon
from elman.models.tag_names import TagNames, transition_rules
from elman.models.tagged_words import TagBatch, TaggedWords
from elman.models.tagger import TaggerModel, TaggerSettings
from elman.tasks.batches import Batches, at_once
from elman.tasks.estimator import Estimator, Learn, check_fitted
from elman.tasks.figures import Scores, number
from elman.tasks.packaged import PackagedTagger, check_packaged, packaged_digest, packaged_tagger
from elman.tasks.tag.figures import confidence_figures, tag_figures
from elman.text.vectors.table import known_words
from elman.training.divergence import check_answer, check_answers, warn_if_diverged

__all__ = ["Tagger"]

Words = Sequence[str]
Emitted = tuple[list[int], Tensor, Tensor]  # which sentences, emissions (T, B, K), lengths (B,)

_AT_ONCE = 128  # sentences, where nothing is trained
_FIGURES = ("entity_f1", "entity_precision", "entity_recall", "accuracy", "macro_f1", "nll", "ece")


def emitted(model: TaggerModel, examples: TaggedWords) -> Iterator[Emitted]:
    """Emissions of many sentences, in batches of like length."""
    for picks, batch in at_once(model, examples, _AT_ONCE):
        yield picks, model(batch.words), batch.lengths


class Tagger(Estimator[TaggedSentences, TaggedWords, TagBatch]):
    """Sentences in, one tag a word out; a scikit-learn estimator.

    ``Tagger(cell="gru", hidden=64, epochs=5)``: its parameters are the fields of `TaggerSettings` and
    `TrainingSettings` together, and

        validation: share of the sentences held out to choose the best epoch and to calibrate.

    X is a list of token lists, y a list of as many tag lists: plain labels (parts of speech), or entities in IOB1,
    IOB2, IOBES or BILOU, which is found out. Tags are given back in the scheme they came in, and whole numbers and
    truth values as such.

    Attributes:
        classes_: (C,) tags; for entities in IOB1 or BILOU those of IOB2.
        tag_type_: "str", "int" or "bool", what the tags are.
        temperature_: divides scores before they become probabilities, fitted on validation sentences.
        threshold_: so many nats less likely than none may an entity be and still be given; what is best for F1 on
            the validation sentences. Probabilities are those of the model without it.
        fitted_: history, best epoch and seconds of the training.
        valid_: with `refit`, the figures on the validation sentences from before they were trained on; else None.
        model_, lexicon_, names_: the network, what turns words into what it reads, and numbers into tags.
    """

    TASK = "tag"
    SETTINGS: ClassVar = {"model": TaggerSettings, "training": TrainingSettings}
    FURTHER: ClassVar = {"validation": 0.1}
    DESCRIPTION = TaggerDescription
    FIGURES = tuple(map(known_figure, _FIGURES))

    validation: float
    model_: TaggerModel
    lexicon_: Lexicon
    names_: TagNames
    _pos: PackagedTagger | None
    _known: tuple[list[str], Tensor | None]

    # -- learning

    def fit(self, X: Sequence[Words], y: Sequence[Words]) -> Tagger:
        """Learn from N sentences and their tags.

        Raises:
            InputError: sentences and tags that do not fit each other, with the row of X or y; one tag only, or too few
                sentences to hold some out. Numbers that are no longer finite before the first epoch's end.
            KeyboardInterrupt: Ctrl-C, with the weights of the best epoch in place.
        """
        self.check_settings()
        share = held_share(self, none=False)
        sentences, tags, tag_type = checked_sentences(X, y)
        if len({tag for row in tags for tag in row}) < 2:
            raise InputError(f"only one tag, {tags[0][0]!r}", remedy="a tagger needs at least two")
        if len(sentences) < 2:
            raise InputError("one sentence is too little to train on", remedy="give at least two")
        train, valid = hold_out(len(sentences), share, self.settings(TrainingSettings).seed)
        if len({tag for i in train for tag in tags[i]}) < 2:
            raise InputError(
                f"{len(sentences)} sentences are too few: without the {len(valid)} held out, one tag is left to learn "
                "from",
                remedy="give more",
            )
        given = TaggedSentences(sentences, tags, tag_type=tag_type)
        self.fit_parts(given.take(train), given.take(valid))
        warn_if_diverged(self.fitted_.diverged, self.fitted_.best_epoch)
        return self

    def fit_parts(self, *parts: Any, **how: Any) -> Tagger:
        """See `elman.tasks.estimator.Estimator.fit_parts`."""
        self._known = known_words(self.settings(TaggerSettings).vectors)
        try:
            return super().fit_parts(*parts, **how)
        finally:
            del self._known  # vectors are large

    def encode(self, train: TaggedSentences, valid: TaggedSentences | None) -> None:
        settings = self.settings(TaggerSettings)
        scheme = detect_scheme(train.tags) if train.scheme == "auto" else train.scheme
        both = [*train.tags, *(valid.tags if settings.refit and valid is not None else ())]
        self.names_ = TagNames.of(both, scheme, settings.scheme)
        if len(self.names_.names) < 2:
            raise InputError(f"only one tag, {train.tags[0][0]!r}", remedy="a tagger needs at least two")
        self._name_classes(train.tag_type)
        self._pos = packaged_tagger() if settings.pos else None
        self.lexicon_ = Lexicon.build(train.words, self._known[0], settings.min_count, longest_affix=settings.affix)

    def encoded(self, examples: TaggedSentences) -> TaggedWords:
        numbers = [self.names_.inwards(row) for row in examples.tags]
        return TaggedWords(examples, self.lexicon_, numbers, self.extra(examples.words))

    def network(self, train: TaggedWords) -> TaggerModel:
        settings, words = self.settings(TaggerSettings), train.given.words
        vectors = self._known[1]
        moved = None if vectors is None or settings.freeze else self.lexicon_.met(words)
        return self._network(vectors, moved, self.lexicon_.counts(words))

    def _network(
        self, vectors: Tensor | None, moved: Tensor | None, counts: Tensor | None, graph: Graph | None = None
    ) -> TaggerModel:
        lexicon, names = self.lexicon_, self.names_
        return TaggerModel(
            self.settings(TaggerSettings),
            {"words": len(lexicon.words), "chars": len(lexicon.chars), "affixes": len(lexicon.affixes)},
            len(names.names),
            vectors=vectors,
            moved=moved,
            counts=counts,
            extra=0 if self._pos is None else len(self._pos.classes_),
            rules=None if names.plain else transition_rules(names.names),
            graph=graph,
        )

    def extra(self, X: Sequence[Words]) -> list[Tensor] | None:
        """Further features (T_i, E): part-of-speech probabilities; None where none are used."""
        return None if self._pos is None else [torch.from_numpy(p) for p in self._pos.predict_proba(X)]

    def loss(self, batch: TagBatch) -> tuple[Tensor, float]:
        assert batch.tags is not None
        return self.model_.loss(batch.words, batch.tags), float(batch.lengths.sum())

    def batches(self, train: TaggedWords, valid: TaggedWords | None) -> Batches[TagBatch]:
        found = super().batches(train, valid)
        assert isinstance(found, Batches)
        if valid is not None:
            found.select = "accuracy" if self.names_.plain else "entity_f1"
        return found

    def _validate(self, examples: TaggedWords) -> dict[str, float]:
        found: list[list[str]] = [[] for _ in examples.lengths]
        right = 0
        for picks, e, lengths in emitted(self.model_, examples):
            check_answers(e)
            best = self.model_.decode(e, lengths).T.tolist()
            for b, i in enumerate(picks):
                row = best[b][: examples.lengths[i]]
                right += sum(k == wanted for k, wanted in zip(row, examples.numbers[i]))
                found[i] = self.names_.outwards(row)
        figures = {"accuracy": right / sum(examples.lengths)}
        if not self.names_.plain:
            figures["entity_f1"] = entity_scores(examples.given.tags, found)["all"]["f1"]
        return figures

    def after(self, train: TaggedSentences, valid: TaggedSentences | None, learn: Learn) -> None:
        """Calibrate on the validation sentences, and where asked for train anew on all of them."""
        self.temperature_, self.threshold_, self.valid_ = 1.0, 0.0, None
        if valid is not None:
            self._calibrate(self.encoded(valid))
            if self.settings(TaggerSettings).refit and not (self.only_judged or self.fitted_.interrupted):
                self.valid_ = self.judge(valid)
                both = replace(train, words=[*train.words, *valid.words], tags=[*train.tags, *valid.tags],
                               scheme=self.names_.scheme)  # fmt: skip
                self.relearn(both, learn, ", all sentences", self.fitted_.best_epoch, ("model_", "lexicon_"))
        if train.written not in ("", train.scheme):
            self.write_in(train.written)

    def _calibrate(self, valid: TaggedWords) -> None:
        """Set the temperature, and for entities the threshold, by the validation sentences."""
        runs = list(emitted(self.model_, valid))
        batches = []
        for picks, e, lengths in runs:
            wanted = torch.full((len(e), len(picks)), -1)
            for b, i in enumerate(picks):
                wanted[: valid.lengths[i], b] = torch.tensor(valid.numbers[i])
            batches.append((e, lengths, wanted))
        self.temperature_ = best_temperature(self.model_, batches)
        if not self.names_.plain:
            self.threshold_ = best_threshold(self.model_, self.names_, runs, valid.given.tags)

    def write_in(self, scheme: str) -> None:
        """Give tags back in another scheme than they came in: one of `elman.data.schemes.SCHEMES`, of entities."""
        self.names_ = TagNames(self.names_.names, scheme, self.names_.inner)
        self._name_classes(self.tag_type_)

    def _name_classes(self, tag_type: str) -> None:
        self.tag_type_ = tag_type
        self.classes_ = np.array(self._as_given(self.names_.classes))

    # -- use

    def _as_given(self, tags: list[str]) -> list[Any]:
        """Tags as the user's type of them."""
        return tags if self.tag_type_ == "str" else [tag_of(self.tag_type_, tag) for tag in tags]

    def outputs(self, batch: TagBatch) -> Sequence[Tensor]:
        """Emissions and probabilities of each sentence, (T_i, 2 K)."""
        e = self.model_(batch.words)
        p = self.model_.probabilities(e, batch.lengths)
        return [torch.cat([e[:n, b], p[:n, b]], -1) for b, n in enumerate(batch.lengths.tolist())]

    def _run(self, X: Sequence[Words], paths: bool, probabilities: bool) -> tuple[list[list[str]], list[np.ndarray]]:
        """Tags of every sentence, and probabilities (T_i, C); what is not asked for stays empty."""
        check_fitted(self)
        X = listed(X)
        tags: list[list[str]] = [[] for _ in X]
        tables = [np.zeros((0, len(self.classes_)), np.float32) for _ in X]
        full = [i for i, words in enumerate(X) if len(words)]  # an empty sentence has no tags, and is no error
        sentences = [X[i] for i in full]
        for i, words in zip(full, sentences):
            if isinstance(words, str) or not all(isinstance(w, str) for w in words):
                raise InputError(
                    "a string where a list of words is expected", where=f"X[{i}]", remedy="split it: X = [['A', 'b']]"
                )
        favour = self.names_.favour(self.threshold_)
        for picks, e, lengths in emitted(self.model_, self.encoded(TaggedSentences(sentences))):
            check_answer(e)
            best = self.model_.decode(e, lengths, favour).T.tolist() if paths else []
            p = self.model_.probabilities(e, lengths, self.temperature_).numpy() if probabilities else None
            for b, i in enumerate(picks):
                n = len(sentences[i])
                if paths:
                    tags[full[i]] = self.names_.outwards(best[b][:n])
                if p is not None:
                    tables[full[i]] = self.names_.columns(check_answer(p[:n, b]))
        return tags, tables

    def predict(self, X: Sequence[Words]) -> list[list[Any]]:
        """The tags of each sentence; an empty sentence has none."""
        return [self._as_given(row) for row in self._run(X, True, False)[0]]

    def predict_proba(self, X: Sequence[Words]) -> list[np.ndarray]:
        """For each sentence (T_i, C) calibrated probabilities, columns in the order of `classes_`."""
        return self._run(X, False, True)[1]

    def predict_with_confidence(self, X: Sequence[Words]) -> tuple[list[list[Any]], list[np.ndarray]]:
        """The tags of each sentence, and for each tag how probable it is, (T_i,)."""
        tags, tables = self._run(X, True, True)
        return [self._as_given(row) for row in tags], [self.names_.chosen(row, p) for row, p in zip(tags, tables)]

    def judge(self, examples: TaggedSentences) -> Scores:
        """Every figure on tagged sentences; words_per_second of tagging among them."""
        self.predict(examples.words[:64])  # the first call compiles and allocates
        started = time.perf_counter()
        given = self.predict(examples.words)
        seconds = time.perf_counter() - started
        predicted = [[str(tag) for tag in row] for row in given]  # as the examples' are: they may be numbers
        gold = self.names_.given(examples.tags, examples.scheme)
        figures = tag_figures(gold, predicted, not self.names_.plain)
        figures |= confidence_figures(self.names_, gold, predicted, self.predict_proba(examples.words))
        figures["words_per_second"] = number(figures, "n") / seconds
        return figures

    def evaluate(self, X: Sequence[Words], y: Sequence[Words], scheme: str = "auto") -> Scores:
        """Every figure on tagged sentences, see `judge`."""
        sentences, tags, _ = checked_sentences(X, y)
        return self.judge(TaggedSentences(sentences, tags, scheme))

    def score(self, X: Sequence[Words], y: Sequence[Words]) -> float:
        """F1 of the entities found; of plain labels, the share of words that got theirs."""
        return number(self.evaluate(X, y), "accuracy" if self.names_.plain else "entity_f1")

    # -- disk

    def described(self) -> dict[str, Any]:
        return {
            "names": {"names": self.names_.names, "scheme": self.names_.scheme, "inner": self.names_.inner},
            "lexicon": self.lexicon_.to_dict(),
            "tag_type": self.tag_type_,
            "vectors": list(self.model_.vectors.shape),
            "moved": 0 if self.model_.corrections is None else self.model_.corrections.num_embeddings,
            "cell": self.model_.context.graph.to_dict(),
            "temperature": self.temperature_,
            "threshold": self.threshold_,
            "pos_model": packaged_digest() if self._pos is not None else "",
        }

    def fetch(self, description: Mapping[str, Any]) -> None:
        check_packaged(description.get("pos_model", ""))
        self._pos = packaged_tagger() if self.settings(TaggerSettings).pos else None

    def rebuild(self, description: Mapping[str, Any]) -> None:
        self.names_ = TagNames(**description["names"])
        self._name_classes(description.get("tag_type", "str"))
        self.lexicon_ = Lexicon.from_dict(description["lexicon"])
        self.temperature_ = float(description["temperature"])
        self.threshold_ = float(description.get("threshold", 0.0))
        graph = Graph.from_dict(description["cell"])
        vectors = torch.zeros(description["vectors"])
        moved = torch.zeros(len(vectors), dtype=torch.int64) if description.get("moved") else None
        if moved is not None:
            moved[0] = int(description["moved"]) - 1  # its size alone: the weights bring the rest
        self.model_ = self._network(vectors, moved, None, graph)
