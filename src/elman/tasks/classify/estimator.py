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
from elman.data.inputs import class_labels, example_weights, listed
from elman.data.labelled import Labelled
from elman.data.split import hold_out_classes
from elman.errors import InputError, in_words
from elman.metric import known_figure
from elman.models.calibration import class_temperature
from elman.models.channels import measured
from elman.models.class_loss import LossSettings, cross_entropy
from elman.models.classifier import ClassifierSettings, SequenceClassifier
from elman.models.committee import Committee, network_of
from elman.models.described import ClassifierDescription
from elman.models.encoding import Encoding, Examples, TextBatch, TextSettings, check_inputs
from elman.models.stacking import best_mix, fit_wide
from elman.tasks.batches import Batches, at_once, selecting
from elman.tasks.estimator import Estimator, Learn, check_fitted
from elman.tasks.figures import Scores, number, score_classes
from elman.tasks.packaged import check_packaged, packaged_digest, parts_of_speech
from elman.training.divergence import check_answer, warn_if_diverged

__all__ = ["Classifier", "predict_scores"]


@torch.no_grad()
def predict_scores(model: SequenceClassifier | Committee, examples: Examples) -> Tensor:
    """(N, K) scores in float64 on the processor, in the order of the examples; batches are of similar length."""
    out: Tensor | None = None
    for picks, batch in at_once(model, examples):
        scores = model(batch.sequences.data, batch.lengths, batch.ngrams).cpu().double()
        out = scores.new_zeros(len(examples), scores.shape[1]) if out is None else out
        out[picks] = scores
    assert out is not None
    return out


@torch.no_grad()
def predict_parts(model: Committee, examples: Examples) -> Tensor:
    """(2, N, K) what a committee with a linear model weighs, see `Committee.parts`."""
    out = torch.zeros(2, len(examples), model.classes)
    for picks, batch in at_once(model, examples):
        assert batch.ngrams is not None
        out[:, picks] = model.parts(batch.sequences.data, batch.lengths, batch.ngrams).cpu()
    return out


class Classifier(Estimator[Labelled, Examples, TextBatch]):
    """Sequences in, one class each out; a scikit-learn estimator.

    ``Classifier(cell="gru", hidden=32, epochs=5)``: its parameters are the fields of `TextSettings`,
    `ClassifierSettings`, `LossSettings` and `TrainingSettings` together, and

        validation: share of the training examples held out to choose the best epoch; 0 keeps the last epoch.
        class_weight: as scikit-learn has it, ``"balanced"`` or {label: weight}; None: as `class_weights` says.

    X is a list of strings, of token lists, or of arrays (T_i, F); or a series, or a table with one column of these. y
    holds texts, whole numbers or truth values.

    Attributes:
        classes_: (K,) labels, sorted.
        fitted_: history, best epoch and seconds of the training.
        model_, encoding_: the network, and what turns an input into what it reads.
        temperature_: what its scores are divided by, so that probabilities mean what they say: learned on the held-out
            examples; 1 without any.
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
    FIGURES = tuple(map(known_figure, ("macro_f1", "accuracy", "mcc", "nll")))

    validation: float
    class_weight: Any
    model_: SequenceClassifier | Committee
    classes_: np.ndarray
    encoding_: Encoding
    temperature_: float = 1.0

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
        given = Labelled(inputs, class_labels(y, len(inputs)), example_weights(sample_weight, len(inputs)))
        check_inputs(inputs)
        if given.weights is not None:
            given = given.take(np.flatnonzero(given.weights).tolist())
        _check_classes(given.labels)
        if not share:
            self.fit_parts(given, None)
        else:
            train, valid = hold_out_classes(np.asarray(given.labels), share, self.settings(TrainingSettings).seed)
            self.fit_parts(given.take(train), replace(given.take(valid), weights=None))
        warn_if_diverged(self.fitted_.diverged, self.fitted_.best_epoch)
        return self

    def encode(self, train: Labelled, valid: Labelled | None) -> None:
        self.classes_, numbers = np.unique(np.asarray(train.labels), return_inverse=True)
        _check_classes(self.classes_)
        text, model = self.settings(TextSettings), self.settings(ClassifierSettings)
        self.temperature_ = 1.0
        self.encoding_ = Encoding(text, model.ngrams or model.wide, model.ngram_letters, parts_of_speech)
        self.encoding_.stride = model.stride
        self.encoding_.fit(train.inputs, numbers, self.settings(TrainingSettings).seed)

    def encoded(self, examples: Labelled) -> Examples:
        y = self.class_numbers(examples.labels) if len(examples.labels) else None
        read = self.encoding_(examples.inputs, y)
        if examples.weights is None:
            return read
        # of mean 1: what matters is what one example weighs beside the others
        return replace(read, weights=torch.tensor(examples.weights / examples.weights.mean()).float())

    def remarks(self) -> list[str]:
        encoding = self.encoding_
        if encoding.reads_numbers or not encoding.cut:
            return []
        return [
            f"{encoding.cut} of the training part are longer than text.max_length = {encoding.max_length:,} tokens: "
            f"{encoding.manner} are read (--set text.max_length=0 reads all)"
        ]

    def network(self, train: Examples) -> SequenceClassifier | Committee:
        settings = self.settings(ClassifierSettings)
        members = [self._member(train) for _ in range(settings.members)]
        wide = train.ngrams.width if settings.wide and train.ngrams is not None else 0
        return members[0] if len(members) == 1 and not wide else Committee(members, wide)

    def _member(self, train: Examples) -> SequenceClassifier:
        K, encoding, model = len(self.classes_), self.encoding_, self.settings(ClassifierSettings)
        if encoding.reads_numbers:
            network = SequenceClassifier(model, K, features=encoding.features * encoding.stride)
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
        )

    def batches(self, train: Examples, valid: Examples | None) -> Batches[TextBatch]:
        assert train.y is not None
        settings = self._loss_settings()
        weights = settings.weights(train.y, self.classes_.tolist(), train.weights)
        if isinstance(self.model_, Committee) and self.model_.wide is not None and train.ngrams is not None:
            held = None if valid is None or valid.ngrams is None or valid.y is None else (valid.ngrams, valid.y.numpy())
            fit_wide(self.model_.wide, train.ngrams, train.y.numpy(), held)
        return Batches(
            self.model_,
            train,
            partial(cross_entropy, self.model_, weights, settings.label_smoothing),
            None if valid is None else partial(self._validate, valid),
            selecting(self.FIGURES[0]),
            self.settings(TrainingSettings),
            self.outputs,
        )

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
        figures = self.figures(examples)
        return {key: number(figures, key) for key in ("accuracy", "macro_f1", "nll")}

    def class_numbers(self, y: Sequence[Any] | np.ndarray) -> np.ndarray:
        """Labels to class indices; -1 for a label that was never seen, which no answer is right for."""
        known = {label: k for k, label in enumerate(self.classes_.tolist())}
        return np.array([known.get(label, -1) for label in np.asarray(y).tolist()], dtype=np.int64)

    def after(self, train: Labelled, valid: Labelled | None, learn: Learn) -> None:
        """Learn the temperature where there is something to learn it on; then, with `refit`, from all examples."""
        self.valid_ = None
        if valid is None:
            return
        held = self.encoded(valid)
        self._calibrate(held)
        if not self.settings(ClassifierSettings).refit or self.fitted_.interrupted or self.fitted_.diverged:
            return
        self.valid_, temperature, first = self.figures(held), self.temperature_, self.model_
        parts = ("model_", "encoding_", "classes_", "temperature_")
        known = [i for i, k in enumerate(self.class_numbers(valid.labels)) if k >= 0]  # the classes stay what they are
        self.relearn(train.and_(valid.take(known)), learn, ", all examples", 0, parts)
        self.temperature_ = temperature
        if isinstance(self.model_, Committee) and isinstance(first, Committee):
            self.model_.mix.copy_(first.mix)

    def _calibrate(self, held: Examples) -> None:
        """How far the scores are to be trusted, and how much of them is the networks', by held-out examples."""
        assert held.y is not None
        y = held.y.numpy()
        if isinstance(self.model_, Committee) and self.model_.wide is not None:
            parts = self.model_.mix.new_tensor(best_mix(predict_parts(self.model_, held), y))
            self.model_.mix.copy_(parts)
        self.temperature_ = class_temperature(check_answer(predict_scores(self.model_, held)).numpy(), y)

    # -- use

    def outputs(self, batch: TextBatch) -> Sequence[Tensor]:
        return list(self.model_(batch.sequences.data, batch.lengths, batch.ngrams))

    def figures(self, examples: Examples) -> Scores:
        assert examples.y is not None
        scores = check_answer(predict_scores(self.model_, examples)) / self.temperature_
        return score_classes(examples.y.numpy(), scores.softmax(1).numpy(), self.labels)

    @property
    def labels(self) -> list[str]:
        """The classes as texts, in the order of the probabilities' columns."""
        return [str(label) for label in self.classes_]

    def predict_proba(self, X: Sequence[Any]) -> np.ndarray:
        """(N, K) probabilities, columns in the order of `classes_`."""
        return self._scores(X).softmax(1).numpy()

    def predict_log_proba(self, X: Sequence[Any]) -> np.ndarray:
        """(N, K) their logarithms, exact where a probability is too small for a number."""
        return self._scores(X).log_softmax(1).numpy()

    def _scores(self, X: Sequence[Any]) -> Tensor:
        check_fitted(self)
        inputs = listed(X)
        if not inputs:
            return torch.zeros(0, len(self.classes_), dtype=torch.float64)
        return check_answer(predict_scores(self.model_, self.encoding_(inputs))) / self.temperature_

    def predict(self, X: Sequence[Any]) -> np.ndarray:
        """(N,) labels. `score(X, y)`, from scikit-learn, is their accuracy."""
        P = self.predict_proba(X)
        labels: np.ndarray = self.classes_[P.argmax(1)]
        return labels

    # -- disk

    def described(self) -> dict[str, Any]:
        return {
            "labels": self.classes_.tolist(),
            "encoding": self.encoding_.to_dict(),
            "pos_model": packaged_digest() if self.encoding_.asks_tagger else "",
            "model": self.model_.to_dict(),
            "temperature": self.temperature_,
        }

    def fetch(self, description: Mapping[str, Any]) -> None:
        check_packaged(description.get("pos_model", ""))

    def rebuild(self, description: Mapping[str, Any]) -> None:
        self.classes_ = np.array(description["labels"])
        self.encoding_ = Encoding.from_dict(description["encoding"], parts_of_speech)
        self.model_ = network_of(description["model"])
        self.temperature_ = float(description.get("temperature", 1.0))


def _check_classes(labels: Sequence[Any] | np.ndarray) -> None:
    y = np.asarray(labels)
    if len(set(y.tolist())) < 2:
        raise InputError(
            f"only one class, {y[0].item()!r}" if isinstance(y[0], np.generic) else f"only one class, {y[0]!r}",
            remedy="a classifier needs examples of at least two",
        )
