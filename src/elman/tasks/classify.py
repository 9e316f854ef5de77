"""The task `classify`: from a recipe and its data to a RUN, and from a RUN to predictions and figures.

Every task module offers the same names, so that the command line needs to know none of them:
`SECTIONS`, `train`, `load`, `predict`, `predict_table`, `evaluate`.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from torch import Tensor

from elman.cells.find import find_cell
from elman.data.labelled import LabelledTexts, check_known, load_labelled, load_texts
from elman.data.recipe import Recipe
from elman.data.settings import DataSettings
from elman.data.table import Table
from elman.models.classifier import ClassifierSettings
from elman.proof import Proof, prove_model
from elman.sequences import Sequences
from elman.tasks.baselines import linear_baseline, majority_baseline
from elman.tasks.card import write_card
from elman.tasks.classifier import Classifier
from elman.tasks.resuming import open_checkpoints
from elman.tasks.scores import score_classes, spread
from elman.training.checkpoint import check_place, read_run, write_run
from elman.training.progress import Silent
from elman.training.settings import TrainingSettings

__all__ = ["SECTIONS", "Classifier", "Outcome", "evaluate", "load", "predict", "predict_table", "prove", "train"]

SECTIONS: Mapping[str, type[msgspec.Struct]] = Classifier.SETTINGS
FIGURES = ("accuracy", "macro_f1", "mcc", "nll")


@dataclass(frozen=True)
class Outcome:
    """What a training came to.

    Attributes:
        metrics: the object of metrics.json.
        interrupted: Ctrl-C ended it early; the RUN holds what was learned until then.
    """

    metrics: dict[str, Any]
    interrupted: bool = False


@dataclass
class Watch:
    """Seconds by stage."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.seconds[stage] = time.perf_counter() - started


# -- training ---------------------------------------------------------------------------------------------------------


def train(recipe: Recipe, out: Path, *, resume: bool = False, progress: Silent | None = None) -> Outcome:
    """Train as the recipe says and write the RUN `out`.

    Args:
        resume: go on from the checkpoint of an interrupted training of the same recipe.
        progress: what to show while it runs.

    Raises:
        InputError: anything wrong with recipe or data; nothing has been written then.
    """
    watch, progress = Watch(), progress or Silent()
    check_place(out)
    recipe[ClassifierSettings].check()
    recipe[TrainingSettings].check()
    find_cell(recipe[ClassifierSettings].cell)
    with watch("read the data"):
        data = load_labelled(recipe.data)
    for note in data.notes:
        progress.note(note)
    trained, checkpoints = _train_seeds(recipe, data, out, resume, progress)
    # of a resumed training: all its parts, without the pauses between them
    watch.seconds["train"] = sum(c.fitted_.seconds for c in trained)
    interrupted = trained[-1].fitted_.interrupted
    if interrupted:
        progress.note("interrupted: writing what was learned so far (--resume goes on; Ctrl-C again leaves at once)")
    with watch("evaluate"):
        judged = [{part: judge(c, table) for part, table in _held_out(data)} for c in trained]
        kept = max(range(len(trained)), key=lambda i: judged[i]["valid"]["macro_f1"])
    classifier = trained[kept]
    with watch("baselines"):
        baselines = _baselines(classifier, data)
    with watch("prove"):
        proof = prove(classifier, data.test["text"])
    metrics: dict[str, Any] = {
        **judged[kept],
        "baseline": {
            "name": baselines[0].name,
            "text": baselines[0].text,
            **baselines[0].scores,
            "majority": baselines[1].scores,
        },
        "seconds": sum(watch.seconds.values()),
    }
    if len(trained) > 1:
        rows = [{"seed": c.seed, **{k: j["test"][k] for k in FIGURES}} for c, j in zip(trained, judged, strict=True)]
        metrics["seeds"] = {"runs": rows, **spread(rows, FIGURES)}
    if interrupted:
        metrics["interrupted"] = True
    _write(recipe, out, data, classifier, metrics, baselines, watch, proof)
    if not interrupted:
        shutil.rmtree(checkpoints, ignore_errors=True)
    return Outcome(metrics, interrupted)


def _train_seeds(
    recipe: Recipe, data: LabelledTexts, out: Path, resume: bool, progress: Silent
) -> tuple[list[Classifier], Path]:
    """One classifier a seed, until all are trained or one is interrupted."""
    training = recipe[TrainingSettings]
    parameters = {k: v for name in SECTIONS for k, v in msgspec.structs.asdict(recipe.sections[name]).items()}
    checkpoints: Path | None = None
    trained: list[Classifier] = []
    for seed in range(training.seed, training.seed + training.seeds):
        classifier = Classifier(**{**parameters, "seed": seed})
        # only now that the data have been read: bad input leaves nothing behind
        checkpoints = checkpoints or open_checkpoints(out, recipe.to_toml(), resume, progress)
        classifier.fit_parts(
            data.train["text"],
            data.train["label"],
            (data.valid["text"], data.valid["label"]),
            checkpoint=checkpoints / f"seed-{seed}",
            resume=resume,
            progress=progress,
            title=recipe.name if training.seeds == 1 else f"{recipe.name}, seed {seed}",
        )
        trained.append(classifier)
        if classifier.fitted_.interrupted:
            break
    assert checkpoints is not None
    return trained, checkpoints


def judge(classifier: Classifier, table: Table) -> dict[str, Any]:
    """The figures on a table with the columns text and label."""
    P = classifier.predict_proba(table["text"])
    return score_classes(classifier.class_numbers(table["label"]), P, labels_of(classifier))


def labels_of(classifier: Classifier) -> list[str]:
    """Class names, in the order of the probabilities' columns."""
    return [str(label) for label in classifier.classes_]


def prove(classifier: Classifier, texts: Sequence[Any], most: int = 12) -> Proof:
    """The state contract of the trained model, on some inputs of different lengths."""
    examples = classifier.encoding_(list(texts[: 20 * most]))
    by_length = sorted(range(len(examples)), key=lambda i: len(examples.items[i]))
    picks = sorted(set(np.linspace(0, len(by_length) - 1, most).astype(int).tolist()))
    items = [by_length[i] for i in picks]

    def outputs(rows: Sequence[int], padding: int) -> list[Tensor]:
        sequences, ngrams, _ = examples.batch(list(rows))
        data = sequences.data
        if padding:
            # NaN, or a word that does occur: nothing past a length may be read
            fill = float("nan") if data.is_floating_point() else int(data.max())
            longer = data.new_full((len(data) + padding, *data.shape[1:]), fill)
            for b, length in enumerate(sequences.lengths.tolist()):
                longer[:length, b] = data[:length, b]
            data = longer
        padded = Sequences(data, sequences.lengths)
        return list(classifier.model_(padded.data, padded.lengths, ngrams))

    return prove_model(classifier.model_, outputs, items)


def _held_out(data: LabelledTexts) -> list[tuple[str, Table]]:
    return [("test", data.test), ("valid", data.valid)]


def _baselines(classifier: Classifier, data: LabelledTexts) -> list[Any]:
    labels = labels_of(classifier)
    parts = [(t["text"], classifier.class_numbers(t["label"])) for t in (data.train, data.valid, data.test)]
    linear = linear_baseline(parts[0], parts[1], parts[2], labels, classifier.encoding_.reads_numbers)
    return [linear, majority_baseline(parts[0][1], parts[2][1], labels)]


def _write(
    recipe: Recipe,
    out: Path,
    data: LabelledTexts,
    classifier: Classifier,
    metrics: dict[str, Any],
    baselines: Sequence[Any],
    watch: Watch,
    proof: Proof,
) -> None:
    from elman.tasks.classify_report import report_page, results_of

    results = results_of(recipe, data, classifier, metrics, baselines, watch.seconds, proof)
    card = write_card(
        recipe.name,
        recipe.description,
        metrics=metrics,
        keys=FIGURES,
        settings=results.settings,
        notes=results.notes,
        usage=f'elman predict {out.name} "..."',
        proof=proof.to_dict(),
        data=recipe.data.path,
    )
    columns = {"input": data.input, "target": data.target}
    write_run(
        out,
        model=classifier.model_,
        description={"name": recipe.name, "columns": columns, **classifier.describe()},
        recipe=recipe.to_toml(),
        metrics=metrics,
        history=classifier.fitted_.history,
        proof=proof.to_dict(),
        card=card,
        report=report_page(results, classifier),
    )


# -- use --------------------------------------------------------------------------------------------------------------


def load(run: Path) -> Classifier:
    """The classifier of a RUN. Raises InputError for no RUN, or a damaged one."""
    return Classifier.load(run)


def predict(run: Path, inputs: Sequence[str]) -> list[dict[str, Any]]:
    """For each text ``{"label": ..., "probabilities": {...}}``."""
    classifier = load(run)
    rows = classifier.predict_proba(list(inputs))
    labels = labels_of(classifier)
    return [{"label": labels[int(p.argmax())], "probabilities": dict(zip(labels, p.tolist()))} for p in rows]


def predict_table(run: Path, settings: DataSettings) -> Table:
    """A data file with the columns ``predicted`` and ``p(LABEL)`` added to its own."""
    input, _ = _columns(run)
    table = load_texts(settings, input)
    found = predict(run, table["text"])
    columns: dict[str, Sequence[Any]] = dict(table.columns)
    if any(k != "text" and list(values) == list(table["text"]) for k, values in table.columns.items()):
        del columns["text"]  # a copy under the name that `load_texts` gives it
    columns["predicted"] = [row["label"] for row in found]
    for label in found[0]["probabilities"] if found else ():
        columns[f"p({label})"] = [round(row["probabilities"][label], 6) for row in found]
    return Table(columns, table.source, table.rows, table.unit)


def evaluate(run: Path, settings: DataSettings) -> dict[str, Any]:
    """The figures on a data file: what metrics.json calls ``test``.

    Raises:
        InputError: a label that the RUN does not know, with its row.
    """
    input, target = _columns(run)
    classifier = load(run)
    labels = labels_of(classifier)
    table = load_texts(settings, input, target or "label", labels)
    check_known(table, set(labels))
    return judge(classifier, table)


def _columns(run: Path) -> tuple[str, str]:
    description, _ = read_run(run, "classify")
    columns = description.get("columns", {})
    return str(columns.get("input", "text")), str(columns.get("target", "label"))
