"""The sequence classifier: learns, answers, is saved; `elman.tasks.estimators` makes it `elman.Classifier`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.config.parameters import fill, held_share, plain, section_of, signature
from elman.config.training import TrainingSettings, check_below_one
from elman.data.inputs import class_labels, example_weights, listed
from elman.errors import InputError, unknown
from elman.models.classifier import ClassifierSettings, SequenceClassifier
from elman.models.encoding import Encoding, Examples, TextSettings, check_inputs
from elman.sequences import Sequences, bucket_batches
from elman.tasks.figures import score_classes
from elman.tasks.packaged import check_packaged, packaged_digest, parts_of_speech
from elman.tasks.saving import (
    check_answer,
    check_fitted,
    load_estimator,
    parameters_of,
    save_estimator,
    warn_if_diverged,
)
from elman.training.divergence import check_answers
from elman.training.interrupt import Interrupt
from elman.training.loop import Fitted, Step, fit, training_step
from elman.training.progress import Silent
from elman.training.randomness import initialised

__all__ = ["Classifier", "LossSettings", "Training", "predict_scores"]

_EVALUATION_BATCH = 256


class LossSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [loss] section of a classification recipe.

    Attributes:
        class_weights: ``balanced`` gives every class the same total weight; ``none`` counts every example alike; a
            table {label: weight} says it for each, and one that it does not name weighs 1.
        label_smoothing: that share of the target probability is spread over all classes (Szegedy et al. 2016).
    """

    class_weights: str | dict[Any, float] = "balanced"
    label_smoothing: float = 0.0

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_below_one(self, "loss", ["label_smoothing"])
        if isinstance(self.class_weights, str):
            if self.class_weights not in ("balanced", "none"):
                raise unknown("value", self.class_weights, ["balanced", "none"], where="loss.class_weights")
            return
        for label, weight in self.class_weights.items():
            if not 0 < weight < math.inf:
                raise InputError(
                    f"the class {label!r} weighs {weight}", where="loss.class_weights", remedy="give a number above 0"
                )

    def weights(self, y: Tensor, labels: Sequence[Any], sample_weight: Tensor | None = None) -> Tensor | None:
        """(K,) weight of each class; balanced, they are of mean 1 over the examples.

        Args:
            y: (N,) class indices.
            labels: of the K classes.
            sample_weight: (N,), what each example counts.

        Raises:
            InputError: a weight for a label that there is not.
        """
        if self.class_weights == "none":
            return None
        K = len(labels)
        if self.class_weights == "balanced":
            if sample_weight is not None:
                return sample_weight.sum() / (K * torch.bincount(y, sample_weight, minlength=K))
            counts = torch.bincount(y, minlength=K).clamp(min=1)
            return len(y) / (K * counts)
        assert not isinstance(self.class_weights, str)
        # a recipe and a RUN write every label as a text
        place = {str(label): k for k, label in enumerate(labels)} | {label: k for k, label in enumerate(labels)}
        found = torch.ones(K)
        for label, weight in self.class_weights.items():
            if label not in place:
                raise unknown("label", label, map(str, labels), where="class_weight")
            found[place[label]] = weight
        return found


class Training:
    """A classifier as the training loop sees it (`elman.training.loop.Trainable`)."""

    stateful = False

    def __init__(
        self,
        model: SequenceClassifier,
        train: Examples,
        valid: Examples | None,
        loss: LossSettings,
        batch_size: int,
        labels: Sequence[Any],
        sample_weight: np.ndarray | None = None,
        batch_tokens: int = 0,
    ) -> None:
        assert train.y is not None
        self.model: nn.Module = model
        self.train, self.valid, self.batch_size, self.batch_tokens = train, valid, batch_size, batch_tokens
        # of mean 1: what matters is what one example weighs beside the others
        self.sample = None if sample_weight is None else torch.tensor(sample_weight / sample_weight.mean()).float()
        self.weights = loss.weights(train.y, labels, self.sample)
        self.smoothing = loss.label_smoothing
        self.select = "macro_f1" if valid is not None else ""

    def plan(self, generator: torch.Generator) -> list[list[int]]:
        return bucket_batches(self.train.lengths, self.batch_size, generator, tokens=self.batch_tokens)

    def collate(self, picks: list[int]) -> tuple[Sequences, Tensor | None, Tensor | None, Tensor | None]:
        return *self.train.batch(picks), None if self.sample is None else self.sample[picks]

    def loss(
        self, batch: tuple[Sequences, Tensor | None, Tensor, Tensor | None], state: Any
    ) -> tuple[Tensor, float, Any]:
        sequences, ngrams, y, weights = batch
        scores = self.model(sequences.data, sequences.lengths, ngrams)  # (B, K)
        if weights is None:
            return F.cross_entropy(scores, y, self.weights, label_smoothing=self.smoothing), float(len(y)), None
        each = F.cross_entropy(scores, y, self.weights, label_smoothing=self.smoothing, reduction="none")  # (B,)
        # divided by what the batch would weigh without them: else an example alone in its batch would weigh as any
        total = float(len(y)) if self.weights is None else self.weights[y].sum()
        return (weights * each).sum() / total, float(len(y)), None

    def validate(self) -> dict[str, float]:
        if self.valid is None or self.valid.y is None:
            self._check_some()
            return {}
        scores = predict_scores(self.model, self.valid)
        check_answers(scores)
        P = scores.softmax(1).numpy()
        figures = score_classes(self.valid.y.numpy(), P, [str(k) for k in range(P.shape[1])])
        return {key: figures[key] for key in ("accuracy", "macro_f1", "nll")}

    @torch.no_grad()
    def _check_some(self) -> None:
        """Without validation examples, some of training show whether the model still answers."""
        sequences, ngrams, _ = self.train.batch(range(min(len(self.train), self.batch_size)))
        check_answers(self.model(sequences.data, sequences.lengths, ngrams))


@torch.no_grad()
def predict_scores(model: nn.Module, examples: Examples) -> Tensor:
    """(N, K) scores in float64, in the order of the examples; batches are of similar length."""
    model.eval()
    out: Tensor | None = None
    for picks in bucket_batches(examples.lengths, _EVALUATION_BATCH):
        sequences, ngrams, _ = examples.batch(picks)
        scores = model(sequences.data, sequences.lengths, ngrams).double()
        out = scores.new_zeros(len(examples), scores.shape[1]) if out is None else out
        out[picks] = scores
    assert out is not None
    return out


class Classifier:
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
    """

    seed: int
    validation: float
    class_weight: Any
    model_: SequenceClassifier
    fitted_: Fitted

    SETTINGS: ClassVar[Mapping[str, type[msgspec.Struct]]] = {
        "text": TextSettings,
        "model": ClassifierSettings,
        "loss": LossSettings,
        "training": TrainingSettings,
    }

    def __init__(self, **parameters: Any) -> None:
        fill(self, parameters)

    __init__.__signature__ = signature(*SETTINGS.values(), validation=0.1, class_weight=None)  # type: ignore[attr-defined]

    def settings(self, section: str) -> Any:
        """The parameters of one section ("text", "model", "loss", "training"), as its Struct.

        Raises:
            InputError: a value of the wrong type.
        """
        return section_of(self, self.SETTINGS[section], section)

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
        for section in self.SETTINGS:
            self.settings(section)  # wrong parameters are found before anything else
        share = held_share(self, none=True)
        inputs = listed(X)
        if not inputs:
            raise InputError("there are no examples", remedy="give at least one")
        labels, weights = class_labels(y, len(inputs)), example_weights(sample_weight, len(inputs))
        check_inputs(inputs)
        if weights is not None:
            kept = np.flatnonzero(weights)
            inputs, labels, weights = [inputs[i] for i in kept], labels[kept], weights[kept]
        _check_classes(labels)
        if not share:
            self.fit_parts(inputs, labels, None, sample_weight=weights)
        else:
            train, valid = _hold_out(labels, share, self.settings("training").seed)
            self.fit_parts(
                [inputs[i] for i in train],
                labels[train],
                ([inputs[i] for i in valid], labels[valid]),
                sample_weight=None if weights is None else weights[train],
            )
        warn_if_diverged(self.fitted_)
        return self

    def fit_parts(
        self,
        X: Sequence[Any],
        y: Sequence[Any] | np.ndarray,
        valid: tuple[Sequence[Any], Sequence[Any] | np.ndarray] | None,
        *,
        checkpoint: Path | None = None,
        resume: bool = False,
        progress: Silent | None = None,
        title: str = "training",
        step: Step = training_step,
        graceful: bool = False,
        sample_weight: np.ndarray | None = None,
    ) -> Classifier:
        """Learn from one part, choose the epoch on another.

        Args:
            checkpoint, resume, progress, title: see `elman.training.loop.fit`.
            step: one training step; one of your own may draw from the global generators.
            graceful: Ctrl-C ends the training early and `fitted_` says so, instead of being raised.
            sample_weight: (N,) above 0, what each example counts in the loss.
        """
        self.classes_, numbers = np.unique(np.asarray(y), return_inverse=True)
        _check_classes(self.classes_)
        text, model, training = self.settings("text"), self.settings("model"), self.settings("training")
        self.encoding_ = Encoding(text, model.ngrams, model.ngram_letters, parts_of_speech)
        self.encoding_.fit(X, numbers, training.seed)
        examples = self.encoding_(X, numbers)
        held = None if valid is None else self.encoding_(valid[0], self.class_numbers(valid[1]))
        with initialised(training.seed):
            self.model_ = self._network(model, text, examples)
        task = Training(
            self.model_, examples, held, self._loss(), training.batch_size, self.classes_.tolist(), sample_weight,
            training.batch_tokens,
        )  # fmt: skip
        with Interrupt(graceful) as interrupt:
            self.fitted_ = fit(
                task, training, step=step, checkpoint=checkpoint, resume=resume, progress=progress, title=title,
                interrupt=interrupt, global_draws=step is not training_step,
            )  # fmt: skip
        return self

    def _loss(self) -> LossSettings:
        loss: LossSettings = self.settings("loss")
        if self.class_weight is None:
            return loss
        try:
            weights = msgspec.convert(plain(self.class_weight), str | dict[Any, float])
        except msgspec.ValidationError as error:
            raise InputError(str(error), where=f"{type(self).__name__}, class_weight") from error
        loss = msgspec.structs.replace(loss, class_weights=weights)
        loss.check()
        return loss

    def class_numbers(self, y: Sequence[Any] | np.ndarray) -> np.ndarray:
        """Labels to class indices. Raises InputError for a label that was never seen."""
        known = {label: k for k, label in enumerate(self.classes_.tolist())}
        values = np.asarray(y).tolist()
        for i, label in enumerate(values):
            if label not in known:
                raise InputError(f"label {label!r} never occurs in the training data", where=f"y[{i}]")
        return np.array([known[label] for label in values], dtype=np.int64)

    def _network(self, model: ClassifierSettings, text: TextSettings, examples: Examples) -> SequenceClassifier:
        K, encoding = len(self.classes_), self.encoding_
        if encoding.reads_numbers:
            network = SequenceClassifier(model, K, features=encoding.features)
            steps = torch.cat(examples.items)  # (all time steps, F)
            network.scale_to(steps.mean(0), steps.std(0, correction=0).clamp(min=1e-6))
            return network
        assert encoding.vocabulary is not None
        vectors, further = encoding.vectors or (None, None)
        return SequenceClassifier(
            model,
            K,
            words=len(encoding.vocabulary) if vectors is None else len(vectors),
            tags=0 if encoding.tags is None else len(encoding.tags),
            ngrams=0 if examples.ngrams is None else examples.ngrams.shape[1],
            vectors=vectors,
            freeze=text.freeze,
            further=further,
        )

    # -- use

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
        return check_answer(predict_scores(self.model_, self.encoding_(inputs)))

    def predict(self, X: Sequence[Any]) -> np.ndarray:
        """(N,) labels. `score(X, y)`, from scikit-learn, is their accuracy."""
        P = self.predict_proba(X)
        labels: np.ndarray = self.classes_[P.argmax(1)]
        return labels

    # -- disk

    def describe(self) -> dict[str, Any]:
        """What model.json holds."""
        return {
            "task": "classify",
            "labels": self.classes_.tolist(),
            "encoding": self.encoding_.to_dict(),
            "pos_model": packaged_digest() if self.encoding_.asks_tagger else "",
            "model": self.model_.to_dict(),
            "parameters": parameters_of(self),
        }

    def save(self, path: str | Path) -> None:
        """Write the folder that `load` and ``elman predict`` read."""
        save_estimator(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Classifier:
        """The classifier that `save` or ``elman train`` wrote.

        Raises:
            InputError: no RUN, a damaged one, or one of another task.
        """
        return load_estimator(cls, path, "classify", cls._build)

    def _build(self, description: Mapping[str, Any]) -> None:
        check_packaged(description.get("pos_model", ""))
        self.classes_ = np.array(description["labels"])
        self.encoding_ = Encoding.from_dict(description["encoding"], parts_of_speech)
        with initialised(0):  # the weights that are read replace these
            self.model_ = SequenceClassifier.from_dict(description["model"])


def _check_classes(y: np.ndarray) -> None:
    if len(set(y.tolist())) < 2:
        raise InputError(
            f"only one class, {y[0].item()!r}" if isinstance(y[0], np.generic) else f"only one class, {y[0]!r}",
            remedy="a classifier needs examples of at least two",
        )


def _hold_out(y: np.ndarray, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Rows to train on and rows to choose the epoch on, in proportion for every label.

    Raises:
        InputError: no class has an example to spare.
    """
    from elman.data.split import split_rows

    labels = y.tolist()
    if len(set(labels)) == len(labels):
        raise InputError(
            f"{len(labels)} examples of {len(labels)} classes are too few to hold one out",
            remedy="give more of each class, or validation=0 to hold out none",
        )
    train, valid = split_rows(labels, [1 - share, share], seed)
    return train, valid
