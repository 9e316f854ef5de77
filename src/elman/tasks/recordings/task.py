"""The task `recordings`: from recordings (brain waves, sound) to one label each. See `elman.tasks.contract.Task`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

import numpy as np

from elman.config.settings import DataSettings
from elman.data.labelled_recordings import Recordings, load_recordings, read_recordings
from elman.data.table import Table
from elman.errors import InputError
from elman.models.recording_settings import SignalSettings
from elman.pages.page import Section
from elman.signals.signal import few
from elman.tasks.contract import Baseline, Look, Note, Row, Shown, Split, Task, Trained
from elman.tasks.recordings.baselines import baselines
from elman.tasks.recordings.estimator import RecordingClassifier
from elman.tasks.recordings.windows import windows_of

__all__ = ["TASK", "RecordingsTask"]


class RecordingsTask(Task[RecordingClassifier, Recordings]):
    """See `elman.tasks.contract.Task`."""

    kind = RecordingClassifier
    kept = ("encoding", "input", "target", "group", "rate")
    reads_files = True

    # -- learn

    def read(self, settings: DataSettings) -> Split[Recordings]:
        found, notes, columns = load_recordings(settings)
        return Split(found["train"], found["valid"], found["test"], notes, columns)

    def baselines(self, estimator: RecordingClassifier, data: Split[Recordings]) -> list[Baseline]:
        return baselines(estimator, data)

    # -- use

    def examples_of(self, estimator: RecordingClassifier, texts: Sequence[str]) -> Recordings:
        """Of names of files."""
        if len(texts) != 1:
            raise InputError(f"{len(texts)} names of files", remedy="give a folder, or a manifest")
        return self.examples_in(estimator, DataSettings(path=texts[0]), False, lambda line: None)

    def examples_in(
        self, estimator: RecordingClassifier, settings: DataSettings, labelled: bool, note: Note
    ) -> Recordings:
        if not settings.path.startswith("packaged:") and not os.path.exists(settings.path):
            raise InputError("no such file or folder, and this RUN reads recordings, not text", where=settings.path,
                             remedy="give a file, a folder or a manifest")  # fmt: skip
        found = read_recordings(settings, labelled, note)
        unseen = sorted(set(found.labels) - set(estimator.labels))
        if unseen:
            raise InputError(f"the label {unseen[0]!r} was never learned", where=settings.path,
                             remedy=f"this RUN knows {few(estimator.labels, 20)}")  # fmt: skip
        return found

    def answer(self, estimator: RecordingClassifier, examples: Recordings, note: Note) -> list[Row]:
        """``{"label", "probabilities", "windows"}`` of each recording; of ready-made features a window is one."""
        if examples.features is None:
            windows = windows_of(examples, estimator.layout_, estimator.signal_chain_, note)
            empty = [examples.names[i] for i, own in enumerate(windows) if not own]
            if empty:
                raise InputError(f"no window is left of {few(empty)}: every one holds an artefact",
                                 remedy="leave the recording out")  # fmt: skip
            _tell_alone(estimator, examples, note)
        read = estimator.encoded(examples)
        far = [examples.names[i] for i in estimator.elsewhere(read, len(examples))]
        if far:
            note(f"far from all that was learned lie {few(far)}: is the unit another one, or the device?")
        P, counts = estimator.probabilities(read, len(examples)), np.bincount(read.owners, minlength=len(examples))
        labels = estimator.labels
        return [
            {"label": labels[int(p.argmax())], "probabilities": dict(zip(labels, p.tolist())), "windows": int(n)}
            for p, n in zip(P, counts)
        ]

    def table(self, estimator: RecordingClassifier, examples: Recordings, answers: Sequence[Row]) -> Table:
        columns: dict[str, Sequence[object]] = {"recording": list(examples.names)}
        if examples.known:
            columns["person"] = list(examples.persons)
        columns["predicted"] = [row["label"] for row in answers]
        for label in estimator.labels:
            columns[f"p({label})"] = [round(row["probabilities"][label], 6) for row in answers]  # type: ignore[index,call-overload,arg-type]
        columns["windows"] = [row["windows"] for row in answers]
        return Table(columns)

    def show(self, row: Row) -> Shown:
        found = row["probabilities"]
        assert isinstance(found, dict)
        lines = [f"  {label:<20} {p:.3f}" for label, p in sorted(found.items(), key=lambda item: -item[1])]
        return Shown([str(row["label"])], [*lines, f"  of {row['windows']} windows"])

    # -- trust

    def made(self, estimator: RecordingClassifier, lengths: Sequence[int]) -> Recordings:
        draw, F = np.random.default_rng(0), len(estimator.signal_chain_.layout(estimator.layout_).channels)
        names = [f"drawn {n}" for n in lengths]
        return Recordings([], names, names, features=[draw.normal(size=(n, F)).astype(np.float32) for n in lengths])

    # -- look

    def look(self, trained: Trained[RecordingClassifier, Recordings]) -> Look:
        from elman.tasks.recordings.report import look

        return look(trained, super().look(trained))

    def inspect(self, estimator: RecordingClassifier, text: str) -> tuple[str, Sequence[Section | None]]:
        raise InputError(
            "this RUN reads recordings, not text", remedy="elman signal FILE --run RUN shows what it reads"
        )


def _tell_alone(estimator: RecordingClassifier, examples: Recordings, note: Note) -> None:
    """Whoever has one recording alone is calibrated by it: what tells it from their others is taken off."""
    if estimator.settings(SignalSettings).normalise not in ("person", "past"):
        return
    counts = Counter(examples.persons)
    alone = [person for person in counts if counts[person] == 1]
    if alone:
        note(f"calibrated on one recording alone ({few(alone)}): what tells it from a person's others is taken off")


TASK = RecordingsTask()
