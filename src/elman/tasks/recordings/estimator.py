"""The classifier of recordings: learns from windows, answers for recordings, is saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from elman.config.training import TrainingSettings
from elman.data.labelled_recordings import Recordings
from elman.errors import InputError
from elman.models.channels import measured
from elman.models.class_loss import cross_entropy
from elman.models.classifier import SequenceClassifier
from elman.models.committee import Committee, network_of
from elman.models.described_recordings import RecordingsDescription
from elman.models.encoding import TextBatch
from elman.models.heads import SOFTMAX
from elman.models.recording_settings import RecordingSettings, SignalSettings
from elman.signals.chain import Chain
from elman.signals.signal import Layout
from elman.tasks.batches import Batches, at_once
from elman.tasks.estimator import Estimator
from elman.tasks.figures import Scores
from elman.tasks.recordings.figures import FIGURES, balanced_nll, of_recordings, recording_scores
from elman.tasks.recordings.windows import Windowed, measure_of, standardised, standardised_past, windows_of
from elman.training.divergence import check_answer
from elman.training.randomness import generator

__all__ = ["RecordingClassifier"]

Usual = tuple[Tensor, Tensor]

_FAR = 5.0  # spreads, of a twentieth of all features
_WIDE = 32  # features of variance 1; more are read smaller, since together they would drive every gate to its end
_BEFORE = 5  # windows of the usual that a person begins with, where the past calibrates: 20 seconds of four-second ones


class RecordingClassifier(Estimator[Recordings, Windowed, TextBatch]):
    """Recordings in, one label each out. Windows of a recording are examples; its answer is the mean of their
    log-probabilities.

    Its parameters are the fields of `SignalSettings`, `RecordingSettings` and `TrainingSettings` together. Every class
    counts the same in the loss, however many windows it has.

    Attributes:
        classes_: (K,) labels, sorted.
        layout_: of the recordings that were learned from: channels, rate, unit.
        signal_chain_: from a recording to windows of features.
        fitted_: history, best epoch and seconds of the training. model_: the network.
    """

    TASK = "recordings"
    SETTINGS: ClassVar = {"signal": SignalSettings, "model": RecordingSettings, "training": TrainingSettings}
    DESCRIPTION = RecordingsDescription
    FIGURES = FIGURES

    model_: SequenceClassifier | Committee
    classes_: np.ndarray
    layout_: Layout
    signal_chain_: Chain
    _spread: Tensor  # (F,) of the features that were learned from
    _usual: Usual | None = None  # of features before they are calibrated by the past; see `usual_of`

    # -- learning

    def encode(self, train: Recordings, valid: Recordings | None) -> None:
        self.classes_ = np.unique(np.asarray(train.labels))
        if len(self.classes_) < 2:
            raise InputError(f"only one class, {str(self.classes_[0])!r}", remedy="give recordings of at least two")
        self.layout_ = train.signals[0].layout
        self.signal_chain_ = self.settings(SignalSettings).chain(self.layout_)
        self.signal_chain_.layout(self.layout_, train.signals[0].source)
        self._usual = self.usual_of(train, self.signal_chain_)

    def encoded(self, examples: Recordings) -> Windowed:
        if examples.features is not None:
            items = [torch.as_tensor(one) for one in examples.features]
            return Windowed(items, [], owners=np.arange(len(items)), starts=np.zeros(len(items)))
        return self.windowed(examples, self.signal_chain_, self._usual)

    def usual_of(self, train: Recordings, chain: Chain) -> Usual | None:
        """(F,) mean and spread of the features that a chain makes of the training data, where the past calibrates."""
        if self.settings(SignalSettings).normalise != "past":
            return None
        windows = windows_of(train, self.layout_, chain, lambda line: None)
        found = [torch.from_numpy(one.values) for own in windows for one in own]
        return measure_of(found) if found else None

    def windowed(self, examples: Recordings, chain: Chain, usual: Usual | None) -> Windowed:
        """The windows that a chain makes of recordings, normalised as the settings say."""
        windows = windows_of(examples, self.layout_, chain, lambda line: None)
        owners = np.repeat(np.arange(len(windows)), [len(own) for own in windows])
        items = [torch.from_numpy(one.values) for own in windows for one in own]
        starts = np.array([one.start for own in windows for one in own])
        if not items:
            raise InputError("no window is left: every one holds an artefact", remedy="raise peak of the stage reject")
        normalise = self.settings(SignalSettings).normalise
        if normalise != "none":
            whose = np.arange(len(windows)) if normalise == "recording" else np.asarray(examples.persons)
            groups = np.unique(whose, return_inverse=True)[1][owners]
            if usual is None:
                items = standardised(items, groups)
            else:
                items = standardised_past(items, groups, usual, _BEFORE * len(items[0]))
        answers = self.class_numbers(examples.labels) if examples.labels else None
        y = None if answers is None else torch.from_numpy(answers[owners])
        return Windowed(items, [], None, y, owners=owners, starts=starts, answers=answers, persons=examples.persons)

    def remarks(self, parts: Mapping[str, Recordings]) -> Sequence[str]:
        told = [f"read by {', '.join(self.signal_chain_.labels)}"]
        for name, part in parts.items():
            windows = windows_of(part, self.layout_, self.signal_chain_, told.append)
            told += [f"{part.names[i]}: no window of it is left" for i, own in enumerate(windows) if not own]
            persons = f" of {len(set(part.persons))} persons" if part.known else ""
            told.append(f"{name}: {sum(map(len, windows)):,} windows of {len(part)} recordings{persons}")
        promise = {
            "none": "nothing is known of a person who is new: features are in units of the training data",
            "recording": "calibrated: each recording's own windows, unlabelled, say what is usual in it",
            "person": "calibrated: all of a person's own windows, unlabelled, say what is usual for that person",
            "past": "calibrated as it goes: a person's own windows so far, unlabelled, say what is usual",
        }
        return [*told, promise[self.settings(SignalSettings).normalise]]

    def network(self, train: Windowed) -> SequenceClassifier | Committee:
        settings = self.settings(RecordingSettings).classifier()
        measure = measured(train.items, settings.scale, settings.differences)
        self._spread = measure.spread
        measure = measure._replace(spread=measure.spread * max(1.0, len(measure.spread) / _WIDE) ** 0.5)
        members = []
        for _ in range(settings.members):
            network = SequenceClassifier(settings, len(self.classes_), features=train.items[0].shape[1])
            network.scale_to(measure)
            members.append(network)
        return members[0] if len(members) == 1 else Committee(members)

    def batches(self, train: Windowed, valid: Windowed | None) -> Batches[TextBatch]:
        assert train.y is not None
        self._weights = SOFTMAX.balanced(train.y, len(self.classes_), None)
        judge = None if valid is None else partial(self._validate, valid)
        settings = self.settings(TrainingSettings)
        return Batches(self.model_, train, self.loss, judge, "-balanced_nll", settings, self.outputs)

    def loss(self, batch: TextBatch) -> tuple[Tensor, float]:
        return cross_entropy(self.model_, self._weights, 0.0, self._changed(batch))

    def _changed(self, batch: TextBatch) -> TextBatch:
        """The windows as another person, in another moment, might have had them."""
        settings, data = self.settings(RecordingSettings), batch.sequences.data  # (T, B, F)
        for size, shape in ((settings.noise, data.shape), (settings.shift, (1, *data.shape[1:]))):
            if size:
                drawn = torch.randn(shape, generator=generator(data.device), device=data.device)
                data = data + size * self._spread.to(data) * drawn  # (F,) of each feature
        return batch._replace(sequences=batch.sequences.with_data(data))

    def _validate(self, examples: Windowed) -> dict[str, float]:
        assert examples.y is not None
        P, y = self.window_probabilities(examples), examples.y.numpy()
        scores = recording_scores(P, examples, self.labels)
        keys = ("balanced_accuracy", "recording_balanced_accuracy")
        return {key: float(scores[key]) for key in keys} | {"balanced_nll": balanced_nll(P, y)}  # type: ignore[arg-type]

    def class_numbers(self, labels: Sequence[str]) -> np.ndarray:
        """(R,) class indices, -1 for a label that was never seen."""
        known = {label: k for k, label in enumerate(self.classes_.tolist())}
        return np.array([known.get(label, -1) for label in labels], dtype=np.int64)

    # -- use

    @property
    def labels(self) -> list[str]:
        return [str(label) for label in self.classes_]

    def window_probabilities(self, examples: Windowed) -> np.ndarray:
        """(N, K) of the windows."""
        out = torch.zeros(len(examples), len(self.classes_), dtype=torch.float64)
        for picks, batch in at_once(self.model_, examples):
            scores = torch.stack(list(self.outputs(batch)))
            out[picks] = check_answer(scores).double().softmax(1).cpu()
        return out.numpy()

    def probabilities(self, examples: Windowed, count: int) -> np.ndarray:
        """(R, K) of the recordings."""
        return of_recordings(self.window_probabilities(examples), examples.owners, count)

    def elsewhere(self, read: Windowed, count: int) -> list[int]:
        """Which of so many recordings have features whose mean lies far from those that were learned, as numbers in
        another unit do; none where they are calibrated."""
        if self.settings(SignalSettings).normalise != "none":
            return []
        by = self.model_.members[0] if isinstance(self.model_, Committee) else self.model_
        assert isinstance(by, SequenceClassifier)
        spread = by.spread / max(1.0, len(by.spread) / _WIDE) ** 0.5  # as `network` widened it
        means = [
            torch.cat([read.items[k] for k in np.flatnonzero(read.owners == i).tolist()]).mean(0) for i in range(count)
        ]
        return [i for i, mean in enumerate(means) if float(((mean - by.mean) / spread).abs().quantile(0.95)) > _FAR]

    def outputs(self, batch: TextBatch) -> Sequence[Tensor]:
        return list(self.model_(batch.sequences.data, batch.lengths))

    def figures(self, examples: Windowed) -> Scores:
        return recording_scores(self.window_probabilities(examples), examples, self.labels)

    # -- disk

    def described(self) -> dict[str, Any]:
        layout = self.layout_
        return {
            "labels": self.labels,
            "signal": {
                "stages": self.signal_chain_.to_list(),
                "channels": list(layout.channels),
                "rate": layout.rate,
                "unit": layout.unit,
            },
            "features": len(self.signal_chain_.layout(layout).channels),
            **({} if self._usual is None else {"usual": [one.tolist() for one in self._usual]}),
            "model": self.model_.to_dict(),
        }

    def rebuild(self, description: Mapping[str, Any]) -> None:
        signal = description["signal"]
        self.signal_chain_ = Chain(signal["stages"])
        self.layout_ = Layout(float(signal["rate"]), tuple(signal["channels"]), signal["unit"])
        self.classes_ = np.array(description["labels"])
        self.model_ = network_of(description["model"])
        if description.get("usual"):
            mean, spread = (torch.tensor(one, dtype=torch.float64) for one in description["usual"])
            self._usual = mean, spread
