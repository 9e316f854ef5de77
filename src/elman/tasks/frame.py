"""From a recipe to a RUN: what the training of every task has in common.

A task says what is its own as a `Task`: how its data are read, its estimator fitted, judged, compared, proven and
shown. Seeds, checkpoints, `--resume`, Ctrl-C, timing, metrics.json and the folder are here, once.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypedDict, TypeVar

import msgspec
import numpy as np
from torch import nn

from elman.cells.find import find_cell
from elman.config.recipe import Recipe
from elman.config.settings import DataSettings
from elman.config.training import TrainingSettings
from elman.errors import InputError
from elman.figure import known_figure
from elman.files import WriteError
from elman.proof import Proof
from elman.report.card import write_card
from elman.tasks.ablation import Variants, ablate
from elman.tasks.classify.baselines import BaselineResult
from elman.tasks.figures import spread
from elman.training.divergence import DivergenceError
from elman.training.lock import locked
from elman.training.loop import Fitted
from elman.training.progress import Silent
from elman.training.resuming import check_out, open_checkpoints
from elman.training.run_folder import write_run

__all__ = ["Fitting", "Outcome", "Pages", "Task", "Trained", "train_run", "varied"]

_FEW = 200  # training steps; after fewer the answers are hardly surer than a guess
_SEEDS = 3  # of an ablation whose recipe names one


class Estimator(Protocol):
    """What the frame needs of a `Classifier`, a `Tagger` ..."""

    seed: int
    fitted_: Fitted

    @property
    def model_(self) -> nn.Module: ...

    def describe(self) -> dict[str, Any]: ...


class Data(Protocol):
    """What the frame needs of a task's data."""

    @property
    def notes(self) -> Sequence[str]: ...


E = TypeVar("E", bound=Estimator)
D = TypeVar("D", bound=Data)


class Fitting(TypedDict):
    """The arguments of every estimator's `fit_parts` that the frame gives; see `elman.training.loop.fit`."""

    checkpoint: Path
    resume: bool
    progress: Silent
    title: str
    graceful: bool


@dataclass(frozen=True)
class Outcome:
    """What a training came to.

    Attributes:
        metrics: the object of metrics.json.
        interrupted: Ctrl-C ended it early; the RUN holds what was learned until then.
    """

    metrics: dict[str, Any]
    interrupted: bool = False


@dataclass(frozen=True)
class Trained(Generic[E, D]):
    """All that card and report are made of.

    Attributes:
        estimator: of several seeds, the one that was best on validation.
        baselines: the first is the one that metrics.json and the card compare with.
        seconds: by stage.
        known: seed -> goodness on validation.
    """

    recipe: Recipe
    data: D
    estimator: E
    metrics: dict[str, Any]
    baselines: Sequence[BaselineResult]
    seconds: Watch
    proof: Proof
    known: Mapping[int, float]


@dataclass(frozen=True)
class Pages:
    """What a task shows of its training.

    Attributes:
        settings, notes: printed, for the card.
        report: report.html.
        verdict: the report's sentence on ours beside the best baseline, which the card repeats.
        better: whether it says that ours lies above it.
    """

    settings: Mapping[str, Any]
    notes: Sequence[str]
    report: str
    verdict: str
    better: bool


@dataclass(frozen=True)
class Task(Generic[E, D]):
    """What one task does in its own way.

    Attributes:
        sections: the recipe's sections besides [data]; "model" names a cell, "training" is `TrainingSettings`.
        estimator: from every setting, as keywords.
        figures: keys of the figures that card and seeds show, the most telling first; those that the data have count.
        read: the data, split; raises InputError for anything wrong with them.
        fit: teaches the estimator the training part, choosing the epoch on the validation part.
        judge: figures on the part "test" or "valid".
        goodness: of validation figures; of several seeds the one with the highest is kept.
        baselines: what the model has to beat, on the test part.
        prove: the state contract on some of the test part.
        pages: for people.
        columns: of the user's file, for model.json.
        variants: of a recipe, whose worth ``--ablate`` measures.
    """

    sections: Mapping[str, type[msgspec.Struct]]
    estimator: Callable[..., E]
    figures: Sequence[str]
    read: Callable[[DataSettings], D]
    fit: Callable[[E, D, Fitting], object]
    judge: Callable[[E, D, str], dict[str, Any]]
    goodness: Callable[[Mapping[str, Any]], float]
    baselines: Callable[[E, D], Sequence[BaselineResult]]
    prove: Callable[[E, D], Proof]
    pages: Callable[[Trained[E, D]], Pages]
    columns: Callable[[D], Mapping[str, str]] | None = None
    variants: Callable[[Recipe, D], Variants] | None = None


class Watch(Mapping[str, float]):
    """Seconds by stage; of a stage that still runs, those so far: the report states what its own making took."""

    def __init__(self) -> None:
        self._ended: dict[str, float] = {}
        self._begun: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        self._begun[stage] = time.perf_counter()
        try:
            yield
        finally:
            self._ended[stage] = time.perf_counter() - self._begun.pop(stage)

    def put(self, stage: str, seconds: float) -> None:
        """Of a stage that was measured elsewhere."""
        self._ended[stage] = seconds

    @property
    def total(self) -> float:
        return sum(self.values())

    def __getitem__(self, stage: str) -> float:
        if stage in self._begun:
            return time.perf_counter() - self._begun[stage]
        return self._ended[stage]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._ended, **self._begun})

    def __len__(self) -> int:
        return len({**self._ended, **self._begun})


def train_run(
    task: Task[E, D],
    recipe: Recipe,
    out: Path,
    *,
    resume: bool = False,
    force: bool = False,
    ablated: bool = False,
    progress: Silent | None = None,
) -> Outcome:
    """Train as the recipe says and write the RUN `out`.

    Args:
        resume: go on from the checkpoint of an interrupted training of the same recipe.
        force: replace the RUN that is there, or the checkpoints of one on its way.
        ablated: then train its variants too, over the recipe's seeds (three if it names one only), and write what each
            is worth into the RUN.
        progress: what to show while it runs.

    Raises:
        InputError: anything wrong with recipe or data; nothing has been written then.
    """
    watch, progress = Watch(), progress or Silent()
    given = recipe.data
    check_out(out, [given.path, given.valid, given.test], resume=resume, force=force)
    if ablated and task.variants is None:
        raise InputError(f"the task {recipe.task} has no stages to ablate", where="--ablate", remedy="leave it out")
    sections: Mapping[str, Any] = recipe.sections
    for name in task.sections:  # those of the task: [data] is checked as it is read
        sections[name].check()
    find_cell(sections["model"].cell)
    with watch("read the data"):
        data = task.read(recipe.data)
    for note in data.notes:
        progress.note(note)
    # only now that the data have been read: bad input leaves nothing behind
    with locked(out):
        check_out(out, [], resume=resume, force=force)  # another training may have ended there meanwhile
        return _train(task, recipe, data, out, resume, ablated, watch, progress)


def _train(
    task: Task[E, D],
    recipe: Recipe,
    data: D,
    out: Path,
    resume: bool,
    ablated: bool,
    watch: Watch,
    progress: Silent,
) -> Outcome:
    """What `train_run` does once the data are read and nobody else writes the RUN."""
    checkpoints = open_checkpoints(out, recipe.to_toml(), resume, progress)
    try:
        trained = _train_seeds(task, recipe, data, checkpoints, resume, progress)
    except Exception as error:  # cleared up after, and raised again
        # what only the estimator finds wrong leaves nothing behind either; a crash or a full disk leaves checkpoints
        begun = any(checkpoints.glob("seed-*"))
        if not resume and not (begun and (isinstance(error, WriteError) or not isinstance(error, InputError))):
            shutil.rmtree(checkpoints, ignore_errors=True)
        raise
    # of a resumed training: all its parts, without the pauses between them
    watch.put("train", sum(e.fitted_.seconds for e in trained))
    interrupted = trained[-1].fitted_.interrupted
    if interrupted:
        progress.note("interrupted: writing what was learned so far (--resume goes on; Ctrl-C again leaves at once)")
    elif trained[0].fitted_.steps < _FEW and not trained[0].fitted_.diverged:
        steps = trained[0].fitted_.steps
        epochs = recipe[TrainingSettings].epochs * -(-_FEW // max(1, steps))
        progress.note(
            f"only {steps} step{'s' * (steps > 1)}: so few examples want more epochs (--set training.epochs={epochs})"
        )
    try:
        done = _judged(task, recipe, data, trained, watch, progress)
        _write(task, out, done, progress)
    except KeyboardInterrupt:
        progress.note("interrupted before the RUN was written; what was trained is kept: --resume goes on")
        raise
    if ablated and not interrupted:
        interrupted = _ablate(task, done, out, checkpoints, resume, progress)
    if not interrupted:
        shutil.rmtree(checkpoints, ignore_errors=True)
    return Outcome(done.metrics, interrupted)


def _judged(
    task: Task[E, D], recipe: Recipe, data: D, trained: Sequence[E], watch: Watch, progress: Silent
) -> Trained[E, D]:
    """What was trained, one estimator a seed, with its figures, baselines and proof; the best on validation is kept."""
    with watch("evaluate"):
        judged = [{part: task.judge(e, data, part) for part in ("test", "valid")} for e in trained]
        kept = max(range(len(trained)), key=lambda i: task.goodness(judged[i]["valid"]))
    estimator = trained[kept]
    progress.note("fitting the baselines")
    with watch("baselines"):
        baselines = task.baselines(estimator, data)
    with watch("prove"):
        proof = task.prove(estimator, data)
    if not proof.ok:
        progress.note(f"do not trust this model's state: {proof}")
    metrics: dict[str, Any] = {
        **judged[kept],
        "baseline": {"name": baselines[0].name, "text": baselines[0].text, **baselines[0].scores},
    }
    metrics["baseline"] |= {b.name.split()[0]: b.scores for b in baselines[1:]}
    if len(trained) > 1:
        keys = [key for key in task.figures if key in judged[0]["test"]]
        rows = [{"seed": e.seed, **{k: j["test"][k] for k in keys}} for e, j in zip(trained, judged, strict=True)]
        metrics["seeds"] = {"runs": rows, **spread(rows, keys)}
    if trained[-1].fitted_.interrupted:
        metrics["interrupted"] = True
    if estimator.fitted_.diverged:
        metrics["diverged"] = estimator.fitted_.diverged
    known = {e.seed: task.goodness(j["valid"]) for e, j in zip(trained, judged, strict=True)}
    return Trained(recipe, data, estimator, metrics, baselines, watch, proof, known)


def _train_seeds(
    task: Task[E, D], recipe: Recipe, data: D, checkpoints: Path, resume: bool, progress: Silent
) -> list[E]:
    """One estimator a seed, until all are trained or one is interrupted."""
    training = recipe[TrainingSettings]
    trained: list[E] = []
    for seed in range(training.seed, training.seed + training.seeds):
        estimator = _estimator(task, recipe, seed)
        fitting = Fitting(
            checkpoint=checkpoints / f"seed-{seed}",
            resume=resume,
            progress=progress,
            title=recipe.name if training.seeds == 1 else f"{recipe.name}, seed {seed}",
            graceful=True,
        )
        try:
            task.fit(estimator, data, fitting)
        except DivergenceError as error:
            if seed == training.seed + training.seeds - 1 and not trained:
                raise
            progress.note(f"seed {seed} is left out: {error}")
            continue
        trained.append(estimator)
        if estimator.fitted_.interrupted:
            break
    return trained


def _estimator(task: Task[E, D], recipe: Recipe, seed: int) -> E:
    parameters = {k: v for name in task.sections for k, v in msgspec.structs.asdict(recipe.sections[name]).items()}
    return task.estimator(**{**parameters, "seed": seed})


def _ablate(
    task: Task[E, D], done: Trained[E, D], out: Path, checkpoints: Path, resume: bool, progress: Silent
) -> bool:
    """Train the variants, write what each is worth into the RUN, and say whether Ctrl-C came before the end."""
    assert task.variants is not None
    recipe, data = done.recipe, done.data
    training, variants = recipe[TrainingSettings], task.variants(recipe, data)
    seeds = range(training.seed, training.seed + (training.seeds if training.seeds > 1 else _SEEDS))

    def run(name: str, seed: int, checkpoint: Path, title: str) -> float | None:
        estimator = _estimator(task, variants.recipes.get(name, recipe), seed)
        fitting = Fitting(checkpoint=checkpoint, resume=resume, progress=progress, title=title, graceful=True)
        try:
            task.fit(estimator, data, fitting)
        except DivergenceError as error:
            progress.note(f"{title}: {error}")
            return math.nan
        return None if estimator.fitted_.interrupted else task.goodness(task.judge(estimator, data, "valid"))

    with done.seconds("ablation"):
        found, interrupted = ablate(
            list(variants.recipes), seeds, run, checkpoints, metric=variants.metric, known=done.known,
            idle=variants.idle, progress=progress,
        )  # fmt: skip
    done.metrics["ablation"] = found.to_dict()
    if interrupted:
        done.metrics["interrupted"] = True
        progress.note("interrupted: writing the variants measured so far (--resume goes on)")
    _write(task, out, done, progress)
    return interrupted


def _write(task: Task[E, D], out: Path, trained: Trained[E, D], progress: Silent) -> None:
    recipe, estimator, metrics = trained.recipe, trained.estimator, trained.metrics
    metrics["seconds"] = trained.seconds.total
    progress.note("making the report")
    with trained.seconds("report"):
        pages = task.pages(trained)
    metrics["seconds"] = trained.seconds.total
    card = write_card(
        recipe.name,
        recipe.description,
        metrics=metrics,
        figures=[known_figure(key) for key in task.figures if key in metrics["test"]],
        settings=pages.settings,
        notes=pages.notes,
        verdict=pages.verdict,
        better=pages.better,
        usage=f'elman predict {out.name} "..."',
        proof=trained.proof.to_dict(),
        data=recipe.data.path,
    )
    columns = {} if task.columns is None else {"columns": task.columns(trained.data)}
    write_run(
        out,
        model=estimator.model_,
        description={"name": recipe.name, **columns, **estimator.describe()},
        recipe=recipe.to_toml(),
        metrics=metrics,
        history=estimator.fitted_.history,
        proof=trained.proof.to_dict(),
        card=card,
        report=pages.report,
    )


def varied(lengths: Sequence[int], most: int) -> list[int]:
    """At most `most` indices of sequences, from the shortest to the longest: what to prove the contract on."""
    by_length = sorted(range(len(lengths)), key=lambda i: lengths[i])
    return [by_length[i] for i in sorted(set(np.linspace(0, len(by_length) - 1, most).astype(int).tolist()))]
