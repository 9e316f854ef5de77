"""The tagger, one tag for every word: learns, answers, is saved; `elman.tasks.estimators` makes it `elman.Tagger`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elman.config.parameters import fill, held_share, section_of, signature
from elman.config.training import TrainingSettings
from elman.data.inputs import listed
from elman.data.schemes import detect_scheme
from elman.data.sentences import checked_sentences, tag_of
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.models.lexicon import Lexicon
from elman.models.tagger import TaggerModel, TaggerSettings
from elman.tasks.packaged import check_packaged, packaged_digest, packaged_tagger
from elman.tasks.saving import (
    check_answer,
    check_fitted,
    load_estimator,
    parameters_of,
    save_estimator,
    warn_if_diverged,
)
from elman.tasks.tag.entities import transition_rules
from elman.tasks.tag.figures import score_tags
from elman.tasks.tag.tagging import Tagging, TagNames, best_temperature, best_threshold, run_model
from elman.text.vectors.table import known_words
from elman.training.divergence import DivergenceError
from elman.training.interrupt import Interrupt
from elman.training.loop import Fitted, fit
from elman.training.progress import Silent
from elman.training.randomness import initialised

__all__ = ["Tagger"]

Words = Sequence[str]


class Tagger:
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

    seed: int
    validation: float
    model_: TaggerModel
    fitted_: Fitted
    lexicon_: Lexicon

    def __init__(self, **parameters: Any) -> None:
        fill(self, parameters)

    __init__.__signature__ = signature(TaggerSettings, TrainingSettings, validation=0.1)  # type: ignore[attr-defined]

    # -- learning

    def fit(self, X: Sequence[Words], y: Sequence[Words]) -> Tagger:
        """Learn from N sentences and their tags.

        Raises:
            InputError: sentences and tags that do not fit each other, with the row of X or y; one tag only, or too few
                sentences to hold some out. Numbers that are no longer finite before the first epoch's end.
            KeyboardInterrupt: Ctrl-C, with the weights of the best epoch in place.
        """
        section_of(self, TaggerSettings)  # wrong parameters are found before anything else
        training: TrainingSettings = section_of(self, TrainingSettings)
        share = held_share(self, none=False)
        sentences, tags, tag_type = checked_sentences(X, y)
        if len({tag for row in tags for tag in row}) < 2:
            raise InputError(f"only one tag, {tags[0][0]!r}", remedy="a tagger needs at least two")
        if len(sentences) < 2:
            raise InputError("one sentence is too little to train on", remedy="give at least two")
        order = np.random.default_rng(training.seed).permutation(len(sentences))
        held = max(1, min(len(sentences) - 1, round(share * len(sentences))))
        valid, train = order[:held], order[held:]
        if len({tag for i in train for tag in tags[i]}) < 2:
            raise InputError(
                f"{len(sentences)} sentences are too few: without the {held} held out, one tag is left to learn from",
                remedy="give more",
            )
        self.fit_parts(
            ([sentences[i] for i in train], [tags[i] for i in train]),
            ([sentences[i] for i in valid], [tags[i] for i in valid]),
            tag_type=tag_type,
        )
        warn_if_diverged(self.fitted_)
        return self

    def fit_parts(
        self,
        train: tuple[Sequence[Words], Sequence[Words]],
        valid: tuple[Sequence[Words], Sequence[Words]],
        *,
        scheme: str = "auto",
        tag_type: str = "str",
        checkpoint: Path | None = None,
        resume: bool = False,
        progress: Silent | None = None,
        title: str = "training",
        graceful: bool = False,
    ) -> Tagger:
        """Learn from one part, choose the epoch and calibrate on another.

        Args:
            scheme: that both are written in; "none" for plain labels, "auto" finds out.
            tag_type: that the tags, which are texts here, are given back as: "str", "int" or "bool".
            checkpoint, resume, progress, title: see `elman.training.loop.fit`.
            graceful: Ctrl-C ends the training early and `fitted_` says so, instead of being raised.
        """
        settings: TaggerSettings = section_of(self, TaggerSettings)
        training: TrainingSettings = section_of(self, TrainingSettings)
        scheme = detect_scheme(train[1]) if scheme == "auto" else scheme
        self.names_ = TagNames.of([*train[1], *(valid[1] if settings.refit else ())], scheme, settings.scheme)
        if len(self.names_.names) < 2:
            raise InputError(f"only one tag, {train[1][0][0]!r}", remedy="a tagger needs at least two")
        self._name_classes(tag_type)
        self._pos = packaged_tagger() if settings.pos else None
        known = known_words(settings.vectors)
        with Interrupt(graceful) as interrupt:
            run = partial(
                fit, settings=training, resume=resume, progress=progress, interrupt=interrupt, global_draws=False
            )
            task = self._task(settings, training, known, train, valid)
            self.fitted_ = run(task, checkpoint=checkpoint, title=title)
            self._calibrate(valid, task.valid_tags, task.valid_extra)
            self.valid_: dict[str, Any] | None = None
            if settings.refit and not self.fitted_.interrupted:
                self.valid_ = score_tags(self, *valid, scheme)
                both = [*train[0], *valid[0]], [*train[1], *valid[1]]
                aside = None if checkpoint is None else checkpoint.with_name(checkpoint.name + "-refit")
                self._refit(
                    lambda: self._task(settings, training, known, both, ([], [])),
                    partial(run, checkpoint=aside, title=f"{title}, all sentences", last=self.fitted_.best_epoch),
                )
        return self

    def _refit(self, make: Callable[[], Tagging], run: Callable[[Tagging], Fitted]) -> None:
        """Train anew on all sentences; half a training is worth less than the whole one before it, which stays then."""
        chosen, whole = (self.model_, self.lexicon_), False
        try:
            again = run(make())
            self.fitted_.seconds += again.seconds
            self.fitted_.interrupted = again.interrupted
            self.fitted_.diverged = again.diverged or self.fitted_.diverged
            whole = not (again.interrupted or again.diverged)
        except DivergenceError as error:
            self.fitted_.diverged = error.what
        finally:
            if not whole:
                self.model_, self.lexicon_ = chosen

    def _task(
        self, settings: TaggerSettings, training: TrainingSettings, known: tuple[list[str], Tensor | None],
        train: tuple[Sequence[Words], Sequence[Words]], valid: tuple[Sequence[Words], Sequence[Words]],
    ) -> Tagging:  # fmt: skip
        """A new lexicon and network, ready to be trained."""
        words, vectors = known
        self.lexicon_ = Lexicon.build(train[0], words, settings.min_count, longest_affix=settings.affix)
        moved = None if vectors is None or settings.freeze else self.lexicon_.met(train[0])
        with initialised(training.seed):
            self.model_ = self._network(settings, vectors, moved, self.lexicon_.counts(train[0]))
        return Tagging(
            self.model_, self.lexicon_, self.names_, train, valid, training.batch_size, self.extra,
            training.batch_tokens,
        )  # fmt: skip

    def _network(
        self, settings: TaggerSettings, vectors: Tensor | None, moved: Tensor | None, counts: Tensor | None,
        graph: Graph | None = None,
    ) -> TaggerModel:  # fmt: skip
        lexicon, names = self.lexicon_, self.names_
        return TaggerModel(
            settings,
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

    def _calibrate(
        self, valid: tuple[Sequence[Words], Sequence[Words]], tags: list[list[int]], extra: list[Tensor] | None
    ) -> None:
        """Set the temperature, and for entities the threshold, by the validation sentences."""
        runs = list(run_model(self.model_, self.lexicon_, valid[0], extra))
        batches = []
        for picks, e, lengths in runs:
            wanted = torch.full((len(e), len(picks)), -1)
            for b, i in enumerate(picks):
                wanted[: len(tags[i]), b] = torch.tensor(tags[i])
            batches.append((e, lengths, wanted))
        self.temperature_ = best_temperature(self.model_, batches)
        self.threshold_ = 0.0 if self.names_.plain else best_threshold(self.model_, self.names_, runs, valid[1])

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
                    "a text where a list of words is expected", where=f"X[{i}]", remedy="split it: X = [['A', 'b']]"
                )
        favour = self.names_.favour(self.threshold_)
        for picks, e, lengths in run_model(self.model_, self.lexicon_, sentences, self.extra(sentences)):
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
        number = {name: k for k, name in enumerate(self.names_.classes)}
        sure = []
        for row, p in zip(tags, tables):
            inner = row if self.names_.plain else self.names_.as_classes(row)
            sure.append(p[np.arange(len(row)), [number[tag] for tag in inner]])
        return [self._as_given(row) for row in tags], sure

    def evaluate(self, X: Sequence[Words], y: Sequence[Words], scheme: str = "auto") -> dict[str, Any]:
        """Every figure on tagged sentences, see `elman.tasks.tag.figures.score_tags`."""
        sentences, tags, _ = checked_sentences(X, y)
        return score_tags(self, sentences, tags, scheme)

    def score(self, X: Sequence[Words], y: Sequence[Words]) -> float:
        """F1 of the entities found; of plain labels, the share of words that got theirs."""
        figures = self.evaluate(X, y)
        return float(figures["accuracy" if self.names_.plain else "entity_f1"])

    # -- disk

    def describe(self) -> dict[str, Any]:
        """What model.json holds."""
        return {
            "task": "tag",
            "names": {"names": self.names_.names, "scheme": self.names_.scheme, "inner": self.names_.inner},
            "lexicon": self.lexicon_.to_dict(),
            "tag_type": self.tag_type_,
            "vectors": list(self.model_.vectors.shape),
            "moved": 0 if self.model_.corrections is None else self.model_.corrections.num_embeddings,
            "cell": self.model_.context.graph.to_dict(),
            "temperature": self.temperature_,
            "threshold": self.threshold_,
            "pos_model": packaged_digest() if self._pos is not None else "",
            "parameters": parameters_of(self),
        }

    def save(self, path: str | Path) -> None:
        """Write the folder that `load` and ``elman predict`` read."""
        save_estimator(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Tagger:
        """The tagger that `save` or ``elman train`` wrote.

        Raises:
            InputError: no RUN, a damaged one, or one of another task.
        """
        return load_estimator(cls, path, "tag", cls._build)

    def _build(self, description: Mapping[str, Any]) -> None:
        self.names_ = TagNames(**description["names"])
        self._name_classes(description.get("tag_type", "str"))
        self.lexicon_ = Lexicon.from_dict(description["lexicon"])
        self.temperature_ = float(description["temperature"])
        self.threshold_ = float(description.get("threshold", 0.0))
        settings: TaggerSettings = section_of(self, TaggerSettings)
        check_packaged(description.get("pos_model", ""))
        self._pos = packaged_tagger() if settings.pos else None
        graph = Graph.from_dict(description["cell"])
        vectors = torch.zeros(description["vectors"])
        moved = torch.zeros(len(vectors), dtype=torch.int64) if description.get("moved") else None
        if moved is not None:
            moved[0] = int(description["moved"]) - 1  # its size alone: the weights bring the rest
        with initialised(0):  # the weights that are read replace these
            self.model_ = self._network(settings, vectors, moved, None, graph)
