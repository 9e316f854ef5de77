"""The sequence classifier: learns, answers, is saved; `elman.tasks.estimators` makes it `elman.Classifier`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import msgspec
import numpy as np
import torch
from torch import Tensor

from elman.config.parameters import held_share, plain
from elman.config.training import TrainingSettings
from elman.data.inputs import example_weights, listed
from elman.data.labelled import Labelled
from elman.data.several import labels_of
from elman.errors import InputError, in_words
from elman.metric import known_figure
from elman.models.calibration import class_temperature, rest_of_prior
from elman.models.channels import measured
from elman.models.check_inputs import check_inputs
from elman.models.class_loss import LossSettings, cross_entropy
from elman.models.classifier import ClassifierSettings, SequenceClassifier
from elman.models.committee import Committee, network_of
from elman.models.described import ClassifierDescription
from elman.models.encoding import Encoding, Examples, TextBatch, TextSettings
from elman.models.stacking import best_mix
from elman.tasks.batches import Batches, selecting
from elman.tasks.classify.scores import fit_beside, predict_parts, predict_scores, what_rows_count
from elman.tasks.classify.several import target_for, target_of
from elman.tasks.classify.target import Target
from elman.tasks.estimator import Estimator, Learn, check_fitted
from elman.tasks.figures import Scores, number
from elman.tasks.packaged import check_packaged, packaged_digest, parts_of_speech
from elman.training.divergence import check_answer, warn_if_diverged

__all__ = ["Classifier"]


class Classifier(Estimator[Labelled, Examples, TextBatch]):
    """Sequences in, one class each out, or any number of labels each; a scikit-learn estimator.

    ``Classifier(cell="gru", hidden=32, epochs=5)``: its parameters are the fields of `TextSettings`,
    `ClassifierSettings`, `LossSettings` and `TrainingSettings` together, and

        validation: share of the training examples held out to choose the best epoch; 0 keeps the last epoch.
        class_weight: as scikit-learn has it, ``"balanced"`` or {label: weight}; None: as `class_weights` says.

    X is a list of strings, of token lists, or of arrays (T_i, F); or a series, or a table with one column of these. y
    holds texts, whole numbers or truth values; or, where an input may have several labels or none, a list of them each,
    or a matrix (N, K) of 0 and 1, as scikit-learn's `MultiLabelBinarizer` writes it. Then every label has a probability
    of its own.

    Attributes:
        classes_: (K,) labels, sorted.
        fitted_: history, best epoch and seconds of the training.
        model_, encoding_: the network, and what turns an input into what it reads.
        temperature_: what its scores are divided by, so that probabilities mean what they say: learned on the held-out
            examples; 1 without any.
        offset_: (K,) what is added then: of a model that knows little, what is known without it, how frequent the
            classes are in training.
        threshold_: of several labels those of at least this probability are given: what was best for micro-F1 on the
            held-out examples; .5 without any.
    """

    TASK = "classify"
    SETTINGS: ClassVar = {
        "text": TextSettings,
        "model": ClassifierSettings,
        "loss": LossSettings,
        "training": TrainingSettings,
    }
    FURTHER: ClassVar = {"validation": 0.1, "class_weight": None}
    DESCRIPTION = ClassifierDescription
    FIGURES = tuple(map(known_figure, ("micro_f1", "macro_f1", "accuracy", "hamming", "mcc", "nll")))

    validation: float
    class_weight: Any
    model_: SequenceClassifier | Committee
    target_: Target
    classes_: np.ndarray
    encoding_: Encoding
    temperature_: float = 1.0
    offset_: np.ndarray
    _again: Encoding | None = None  # what the first of two trainings learned about reading texts
    threshold_: float = 0.5

    # -- learning

    def fit(self, X: Sequence[Any], y: Sequence[Any], sample_weight: Sequence[float] | None = None) -> Classifier:
        """Learn from N inputs and their labels.

        Args:
            sample_weight: (N,), what each input counts in the loss; one of weight 0 is as if it were not there.

        Raises:
            InputError: not one label an input, one class only, inputs or labels that cannot be read; with the row of X
                or y. Too few inputs to hold some out. Numbers that are no longer finite before the first epoch's end.
            KeyboardInterrupt: Ctrl-C, with the weights of the best epoch in place.
        """
        self.check_settings()
        share = held_share(self, none=True)
        inputs = listed(X)
        if not inputs:
            raise InputError("there are no examples", remedy="give at least one")
        given = Labelled(inputs, labels_of(y, len(inputs)), example_weights(sample_weight, len(inputs)))
        check_inputs(inputs)
        if given.weights is not None:
            given = given.take(np.flatnonzero(given.weights).tolist())
        target = target_of(given.labels)
        if not share:
            self.fit_parts(given, None)
        else:
            train, valid = target.hold_out(given.labels, share, self.settings(TrainingSettings).seed)
            self.fit_parts(given.take(train), replace(given.take(valid), weights=None))
        warn_if_diverged(self.fitted_.diverged, self.fitted_.best_epoch)
        return self

    def encode(self, train: Labelled, valid: Labelled | None) -> None:
        self.target_ = target_of(train.labels)
        self.classes_ = self.target_.classes
        text, model = self.settings(TextSettings), self.settings(ClassifierSettings)
        self.temperature_, self.threshold_, self.offset_ = 1.0, 0.5, np.zeros(len(self.classes_))
        ngrams = model.ngrams or model.wide
        self.encoding_ = Encoding(text, ngrams, model.ngram_letters, parts_of_speech, model.embedding)
        self.encoding_.stride = model.stride
        if self._again is not None:  # minutes, for the same vectors but for the words of a few more rows
            self.encoding_.own, self.encoding_.told = self._again.own, self._again.told
        numbers = self.target_.numbers(train.labels)
        self.encoding_.fit(train.inputs, self.target_.apart(numbers), self.settings(TrainingSettings).seed)

    def encoded(self, examples: Labelled) -> Examples:
        y = self.class_numbers(examples.labels) if len(examples.labels) else None
        # the linear model beside the networks asks for its n-grams by itself
        apart = examples.inputs is self.encoding_.learned_from and bool(self.settings(ClassifierSettings).wide)
        read = self.encoding_(examples.inputs, y, ngrams=not apart)
        if examples.weights is None:
            return read
        # of mean 1: what matters is what one example weighs beside the others
        return replace(read, weights=torch.tensor(examples.weights / examples.weights.mean()).float())

    def remarks(self, parts: Mapping[str, Labelled]) -> list[str]:
        return self.encoding_.remarks({name: part.inputs for name, part in parts.items()})

    def network(self, train: Examples) -> SequenceClassifier | Committee:
        settings = self.settings(ClassifierSettings)
        members = [self._member(train) for _ in range(settings.members)]
        assert train.y is not None
        for member in members:
            member.head.begin(member.out, train.y)
        wide = len(self.encoding_.ngrams) if settings.wide and self.encoding_.ngrams is not None else 0
        return members[0] if len(members) == 1 and not wide else Committee(members, wide)

    def _member(self, train: Examples) -> SequenceClassifier:
        K, encoding, model = len(self.classes_), self.encoding_, self.settings(ClassifierSettings)
        if encoding.reads_numbers:
            network = SequenceClassifier(model, K, features=encoding.features * encoding.stride, head=self.target_.head)
            network.scale_to(measured(train.items, model.scale, model.differences))
            return network
        assert encoding.vocabulary is not None
        vectors, further = encoding.vectors or (None, None)
        return SequenceClassifier(
            model,
            K,
            words=len(encoding.vocabulary) if vectors is None else len(vectors),
            tags=0 if encoding.tags is None else len(encoding.tags),
            ngrams=0 if train.ngrams is None or model.wide else train.ngrams.width,
            vectors=vectors,
            freeze=self.settings(TextSettings).freeze,
            further=further,
            head=self.target_.head,
        )

    def batches(self, train: Examples, valid: Examples | None) -> Batches[TextBatch]:
        assert train.y is not None
        settings = self._loss_settings()
        head, K = self.target_.head, len(self.classes_)
        weights = settings.weights(train.y, self.classes_.tolist(), train.weights, head)
        count = what_rows_count(train, K, head, weights)
        self._prior = head.prior(train.y.numpy(), K, count)
        if isinstance(self.model_, Committee) and self.model_.wide is not None:
            assert self.encoding_.ngrams is not None
            fit_beside(self.model_.wide, train, valid, self.encoding_.ngrams, head, count)
        answer = self.outputs
        if isinstance(self.model_, Committee):  # its members are trained, and none of them reads n-grams
            train, answer = replace(train, ngrams=None), self._answers_of_members
        return Batches(
            self.model_,
            train,
            partial(cross_entropy, self.model_, weights, settings.label_smoothing),
            None if valid is None else partial(self._validate, valid),
            # what is trained again is trained to the end: only a network that was, too, tells how far to trust it
            "" if self.settings(ClassifierSettings).refit else selecting(known_figure(self.target_.chooses)),
            self.settings(TrainingSettings),
            answer,
        )

    def _answers_of_members(self, batch: TextBatch) -> Sequence[Tensor]:
        assert isinstance(self.model_, Committee)
        return list(self.model_.each(batch.sequences.data, batch.lengths, batch.ngrams))

    def _loss_settings(self) -> LossSettings:
        loss = self.settings(LossSettings)
        if self.class_weight is None:
            return loss
        try:
            weights = msgspec.convert(plain(self.class_weight), str | dict[Any, float])
        except msgspec.ValidationError as error:
            raise InputError(in_words(str(error)), where=f"{type(self).__name__}, class_weight") from error
        loss = msgspec.structs.replace(loss, class_weights=weights)
        loss.check()
        return loss

    def _validate(self, examples: Examples) -> dict[str, float]:
        """The figures of the networks alone: beside a linear model that does not change, most epochs look the same."""
        assert examples.y is not None
        scores, head = check_answer(predict_scores(self.model_, examples, networks=True)), self.target_.head
        P, y = head.probabilities(scores).numpy(), examples.y.numpy()
        figures = self.target_.figures(y, P, head.threshold(P, y))
        return {key: number(figures, key) for key in self.target_.watched}

    def class_numbers(self, y: Sequence[Any] | np.ndarray) -> np.ndarray:
        """Labels as numbers: class indices, -1 for a label that was never seen; of several labels (N, K + 1), 1 for one
        that is there, and behind them how many of them were never seen."""
        return self.target_.numbers(y)

    def after(self, train: Labelled, valid: Labelled | None, learn: Learn) -> None:
        """Learn the temperature where there is something to learn it on; then, with `refit`, from all examples."""
        self.valid_ = None
        if valid is None:
            return
        held = self.encoded(valid)
        self._calibrate(held)
        over = self.only_judged or self.fitted_.interrupted or self.fitted_.diverged
        if over or not self.settings(ClassifierSettings).refit:
            return
        self.valid_, first = self.figures(held), self.model_
        temperature, threshold, offset = self.temperature_, self.threshold_, self.offset_
        parts = ("model_", "encoding_", "target_", "classes_", "temperature_", "threshold_", "offset_")
        known, labels = self.target_.known(valid.labels)
        self._again = self.encoding_
        try:
            self.relearn(train.and_(replace(valid.take(known), labels=labels)), learn, ", all examples", 0, parts)
        finally:
            self._again = None
        self.temperature_, self.threshold_, self.offset_ = temperature, threshold, offset
        if isinstance(self.model_, Committee) and isinstance(first, Committee):
            self.model_.mix.copy_(first.mix)

    def _calibrate(self, held: Examples) -> None:
        """How far the scores are to be trusted, and how much of them is the networks', by held-out examples."""
        assert held.y is not None
        y, head, prior, listened = held.y.numpy(), self.target_.head, self._prior, 1.0
        if isinstance(self.model_, Committee) and self.model_.wide is not None:
            mix = best_mix(predict_parts(self.model_, held), y, head, prior)
            self.model_.mix.copy_(self.model_.mix.new_tensor(mix))
            listened = sum(mix)
        scores = check_answer(predict_scores(self.model_, held)).numpy()
        self.temperature_ = class_temperature(scores, y, head, prior, listened)
        self.offset_ = rest_of_prior(prior, listened, self.temperature_)
        self.threshold_ = head.threshold(self.probabilities(held), y)

    # -- use

    def outputs(self, batch: TextBatch) -> Sequence[Tensor]:
        return list(self.model_(batch.sequences.data, batch.lengths, batch.ngrams))

    def figures(self, examples: Examples) -> Scores:
        assert examples.y is not None
        return self.target_.figures(examples.y.numpy(), self.probabilities(examples), self.threshold_)

    def probabilities(self, examples: Examples) -> np.ndarray:
        """(N, K), see `predict_proba`."""
        return self.target_.head.probabilities(self._calibrated(examples)).numpy()

    def _calibrated(self, examples: Examples) -> Tensor:
        """(N, K) scores."""
        scores = check_answer(predict_scores(self.model_, examples))
        return scores / self.temperature_ + torch.from_numpy(self.offset_)

    @property
    def labels(self) -> list[str]:
        """The classes as texts, in the order of the probabilities' columns."""
        return self.target_.labels

    def predict_proba(self, X: Sequence[Any]) -> np.ndarray:
        """(N, K) probabilities, columns in the order of `classes_`; of several labels each by itself."""
        scores = self._scores(X)
        return self.target_.head.probabilities(scores).numpy()

    def predict_log_proba(self, X: Sequence[Any]) -> np.ndarray:
        """(N, K) their logarithms, exact where a probability is too small for a number."""
        scores = self._scores(X)
        return self.target_.head.log_probabilities(scores).numpy()

    def _scores(self, X: Sequence[Any]) -> Tensor:
        check_fitted(self)
        inputs = listed(X)
        if not inputs:
            return torch.zeros(0, len(self.classes_), dtype=torch.float64)
        return self._calibrated(self.encoding_(inputs))

    def predict(self, X: Sequence[Any]) -> Any:
        """(N,) labels; of several labels N lists of them, or a matrix (N, K) of 0 and 1, as in training.

        `score(X, y)`, from scikit-learn, is the share that is right, of several labels without exception.
        """
        P = self.predict_proba(X)
        return self.target_.given(P, self.threshold_)

    # -- disk

    def described(self) -> dict[str, Any]:
        return {
            "labels": self.classes_.tolist(),
            "encoding": self.encoding_.to_dict(),
            "pos_model": packaged_digest() if self.encoding_.asks_tagger else "",
            "model": self.model_.to_dict(),
            "temperature": self.temperature_,
            "offset": self.offset_.tolist(),
            "threshold": self.threshold_,
            "indicator": self.target_.indicator,
        }

    def fetch(self, description: Mapping[str, Any]) -> None:
        check_packaged(description.get("pos_model", ""))

    def rebuild(self, description: Mapping[str, Any]) -> None:
        self.encoding_ = Encoding.from_dict(description["encoding"], parts_of_speech)
        self.model_ = network_of(description["model"])
        self.target_ = target_for(self.model_.head, description)
        self.classes_ = self.target_.classes
        self.temperature_ = float(description.get("temperature", 1.0))
        self.offset_ = np.array(description.get("offset") or np.zeros(len(self.classes_)))
        self.threshold_ = float(description.get("threshold", 0.5))
