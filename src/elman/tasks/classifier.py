"""The sequence classifier: learns, answers, is saved; `elman.tasks.estimators` makes it `elman.Classifier`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.errors import InputError, unknown
from elman.models.classifier import ClassifierSettings, SequenceClassifier
from elman.sequences import Sequences, bucket_batches
from elman.tasks.encoding import Encoding, Examples, TextSettings
from elman.tasks.parameters import fill, section_of, signature
from elman.tasks.saving import check_answer, check_fitted, load_estimator, parameters_of, save_estimator
from elman.tasks.scores import score_classes
from elman.tasks.tagger import check_packaged, packaged_digest, parts_of_speech
from elman.training.divergence import check_answers
from elman.training.interrupt import Interrupt
from elman.training.loop import Fitted, Step, fit, training_step
from elman.training.progress import Silent
from elman.training.randomness import initialised
from elman.training.settings import TrainingSettings, check_below_one

__all__ = ["Classifier", "LossSettings", "Training", "predict_scores"]

_EVALUATION_BATCH = 256


class LossSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [loss] section of a classification recipe.

    Attributes:
        class_weights: ``balanced`` gives every class the same total weight; ``none`` counts every example alike.
        label_smoothing: that share of the target probability is spread over all classes (Szegedy et al. 2016).
    """

    class_weights: str = "balanced"
    label_smoothing: float = 0.0

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_below_one(self, "loss", ["label_smoothing"])
        if self.class_weights not in ("balanced", "none"):
            raise unknown("value", self.class_weights, ["balanced", "none"], where="loss.class_weights")

    def weights(self, y: Tensor, K: int) -> Tensor | None:
        """(K,) weight of each class, of mean 1 over the examples."""
        if self.class_weights == "none":
            return None
        counts = torch.bincount(y, minlength=K).clamp(min=1)
        return len(y) / (K * counts)


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
    ) -> None:
        assert train.y is not None
        self.model: nn.Module = model
        self.train, self.valid, self.batch_size = train, valid, batch_size
        self.weights = loss.weights(train.y, model.classes)
        self.smoothing = loss.label_smoothing
        self.select = "macro_f1" if valid is not None else ""

    def plan(self, generator: torch.Generator) -> list[list[int]]:
        return bucket_batches(self.train.lengths, self.batch_size, generator)

    def collate(self, picks: list[int]) -> tuple[Sequences, Tensor | None, Tensor | None]:
        return self.train.batch(picks)

    def loss(self, batch: tuple[Sequences, Tensor | None, Tensor], state: Any) -> tuple[Tensor, float, Any]:
        sequences, ngrams, y = batch
        scores = self.model(sequences.data, sequences.lengths, ngrams)  # (B, K)
        return F.cross_entropy(scores, y, self.weights, label_smoothing=self.smoothing), float(len(y)), None

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

    X is a list of strings, of token lists, or of arrays (T_i, F). y holds any labels.

    Attributes:
        classes_: (K,) labels, sorted.
        fitted_: history, best epoch and seconds of the training.
        model_, encoding_: the network, and what turns an input into what it reads.
    """

    seed: int
    validation: float
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

    __init__.__signature__ = signature(*SETTINGS.values(), validation=0.1)  # type: ignore[attr-defined]

    def settings(self, section: str) -> Any:
        """The parameters of one section ("text", "model", "loss", "training"), as its Struct.

        Raises:
            InputError: a value of the wrong type.
        """
        return section_of(self, self.SETTINGS[section], section)

    # -- learning

    def fit(self, X: Sequence[Any], y: Sequence[Any]) -> Classifier:
        """Learn from N inputs and their labels.

        Raises:
            InputError: not one label an input, one class only, inputs that cannot be read.
        """
        for section in self.SETTINGS:
            self.settings(section)  # wrong parameters are found before anything else
        inputs, labels = _listed(X), np.asarray(y)
        _check_pairs(inputs, labels)
        if not self.validation:
            return self.fit_parts(inputs, labels, None)
        train, valid = _hold_out(labels, self.validation, self.seed)
        held = [inputs[i] for i in valid], labels[valid]
        return self.fit_parts([inputs[i] for i in train], labels[train], held)

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
    ) -> Classifier:
        """Learn from one part, choose the epoch on another.

        Args:
            checkpoint, resume, progress, title: see `elman.training.loop.fit`.
            step: one training step; one of your own may draw from the global generators.
            graceful: Ctrl-C ends the training early and `fitted_` says so, instead of being raised.
        """
        self.classes_, numbers = np.unique(np.asarray(y), return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError(
                f"only one class, {self.classes_[0].item()!r}",
                remedy="a classifier needs examples of at least two",
            )
        text, model, training = self.settings("text"), self.settings("model"), self.settings("training")
        self.encoding_ = Encoding(text, model.ngrams, model.ngram_letters, parts_of_speech)
        self.encoding_.fit(X, numbers, training.seed)
        examples = self.encoding_(X, numbers)
        held = None if valid is None else self.encoding_(valid[0], self.class_numbers(valid[1]))
        with initialised(training.seed):
            self.model_ = self._network(model, text, examples)
        task = Training(self.model_, examples, held, self.settings("loss"), training.batch_size)
        with Interrupt(graceful) as interrupt:
            self.fitted_ = fit(
                task, training, step=step, checkpoint=checkpoint, resume=resume, progress=progress, title=title,
                interrupt=interrupt, global_draws=step is not training_step,
            )  # fmt: skip
        return self

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
        check_fitted(self)
        if not len(X):
            return np.zeros((0, len(self.classes_)))
        return check_answer(predict_scores(self.model_, self.encoding_(_listed(X))).softmax(1).numpy())

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


def _listed(X: Sequence[Any]) -> list[Any]:
    """Raises InputError for a text where a list of them is meant: its letters would be taken for texts."""
    if isinstance(X, str):
        raise InputError("one text where a list of them is expected", where="X", remedy="give [text]")
    return list(X)


def _check_pairs(X: Sequence[Any], y: np.ndarray) -> None:
    if not len(X):
        raise InputError("there are no examples", remedy="give at least one")
    if y.ndim != 1 or len(X) != len(y):
        raise InputError(f"{len(X)} inputs and labels of shape {y.shape}", remedy="give one label an input")
    for i, label in enumerate(y.tolist()):
        if label is None or label != label:  # NaN is what equals nothing
            raise InputError(f"the label is {label}", where=f"y[{i}]", remedy="label it, or leave the example out")


def _hold_out(y: np.ndarray, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Rows to train on and rows to choose the epoch on, in proportion for every label."""
    from elman.data.split import split_rows

    if not 0 < share < 1:
        raise InputError(f"validation is {share}", where="Classifier", remedy="give a share of 0 to below 1")
    train, valid = split_rows(y.tolist(), [1 - share, share], seed)
    return train, valid
