"""From a recipe to a RUN: what the training of every task has in common.

A task says what is its own (`elman.tasks.contract.Task`). Seeds, checkpoints, `--resume`, Ctrl-C, timing and
metrics.json are here, once; `elman.tasks.write` writes the folder.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic

import msgspec

from elman.cells.find import find_cell
from elman.config.recipe import Recipe
from elman.config.training import TrainingSettings
from elman.errors import InputError
from elman.files import WriteError
from elman.tasks.contract import Baseline, E, Fitting, Split, Task, Trained
from elman.tasks.decided import Decided, kept
from elman.tasks.estimator import X
from elman.tasks.figures import Json, Scores, number, spread
from elman.tasks.write import write_trained
from elman.training.ablation import Shown, ablate
from elman.training.destination import check_out, open_checkpoints
from elman.training.divergence import DivergenceError
from elman.training.lock import locked
from elman.training.progress import Silent
from elman.training.watch import Watch

__all__ = ["Outcome", "train_run"]

_FEW = 200  # training steps; after fewer the answers are hardly surer than a guess
_DECIDED = "decided.json"  # among the checkpoints
_SEEDS = 3  # of an ablation whose recipe names one


@dataclass(frozen=True)
class Outcome:
    """What a training came to.

    Attributes:
        metrics: the object of metrics.json.
        interrupted: Ctrl-C ended it early; the RUN holds what was learned until then.
    """

    metrics: dict[str, Json]
    interrupted: bool = False


def train_run(
    task: Task[E, X],
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
    if ablated and type(task).variants is Task.variants:
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
        return _Frame(task, recipe, data, out, resume, watch, progress).run(ablated)


@dataclass(frozen=True)
class _Frame(Generic[E, X]):
    """One training, once the data are read and nobody else writes the RUN."""

    task: Task[E, X]
    recipe: Recipe
    data: Split[X]
    out: Path
    resume: bool
    watch: Watch
    progress: Silent
    decided: Decided = field(default_factory=Decided)

    def run(self, ablated: bool) -> Outcome:
        checkpoints = open_checkpoints(self.out, self.recipe.to_toml(), self.resume, self.progress)
        try:
            frame = self.decide(checkpoints)
            trained = frame.train_seeds(checkpoints)
        except (Exception, KeyboardInterrupt) as error:  # cleared up after, and raised again
            # what only the estimator finds wrong leaves nothing behind; a crash or a full disk leaves checkpoints, and
            # so does Ctrl-C if anything was learned
            begun = any(checkpoints.glob("seed-*"))
            if not self.resume and not (begun and (isinstance(error, WriteError) or not isinstance(error, InputError))):
                shutil.rmtree(checkpoints, ignore_errors=True)
            raise
        return frame.finish(trained, checkpoints, ablated)

    def decide(self, checkpoints: Path) -> _Frame[E, X]:
        """The same with the recipe filled in from the data, where nobody said what it should be."""
        with self.watch("decide"):
            decided = kept(checkpoints / _DECIDED, lambda: self.task.decide(self.recipe, self.data, self.progress))
        for line in decided.lines:
            self.progress.note(f"decided: {line}")
        return replace(self, recipe=decided.of(self.recipe), decided=decided)

    def finish(self, trained: Sequence[E], checkpoints: Path, ablated: bool) -> Outcome:
        """Judge what was trained, and write the RUN."""
        # of a resumed training: all its parts, without the pauses between them
        self.watch.put("train", sum(e.fitted_.seconds for e in trained))
        interrupted = trained[-1].fitted_.interrupted
        if interrupted:
            self.progress.note(
                "interrupted: writing what was learned so far (--resume continues; Ctrl-C again quits at once)"
            )
        else:
            self.tell_few(trained[0])
        try:
            done = self.judged(trained)
            write_trained(self.task, self.out, done, self.progress)
        except KeyboardInterrupt:
            self.progress.note(
                "interrupted before the RUN was written; what was trained is kept, and --resume continues"
            )
            raise
        if ablated and not interrupted:
            interrupted = self.ablate(done, checkpoints)
        if not interrupted:
            shutil.rmtree(checkpoints, ignore_errors=True)
        return Outcome(done.metrics, interrupted)

    def tell_few(self, estimator: E) -> None:
        """Say so if the training took too few steps to learn much."""
        steps, training = estimator.fitted_.steps, self.recipe[TrainingSettings]
        wanted = training.steps or "training.epochs" in self.decided.settings  # so few, by whoever chose
        if steps < _FEW and not wanted and not estimator.fitted_.diverged:
            epochs = training.epochs * -(-_FEW // max(1, steps))
            self.progress.note(
                f"only {steps} step{'s' * (steps > 1)}: so few examples need more epochs "
                f"(--set training.epochs={epochs})"
            )

    def train_seeds(self, checkpoints: Path) -> list[E]:
        """One estimator a seed, until all are trained or one is interrupted."""
        training = self.recipe[TrainingSettings]
        trained: list[E] = []
        for seed in range(training.seed, training.seed + training.seeds):
            estimator = self.estimator(self.recipe, seed)
            title = self.recipe.name if training.seeds == 1 else f"{self.recipe.name}, seed {seed}"
            try:
                self.fit(estimator, checkpoints / f"seed-{seed}", title, not trained)
            except DivergenceError as error:
                if seed == training.seed + training.seeds - 1 and not trained:
                    raise
                self.progress.note(f"seed {seed} is left out: {error}")
                continue
            trained.append(estimator)
            if estimator.fitted_.interrupted:
                break
        return trained

    def estimator(self, recipe: Recipe, seed: int) -> E:
        sections = (recipe.sections[name] for name in self.task.sections)
        parameters = {k: v for section in sections for k, v in msgspec.structs.asdict(section).items()}
        return self.task.kind(**{**parameters, "seed": seed})

    def fit(self, estimator: E, checkpoint: Path, title: str, first: bool = False) -> None:
        """Train on the data's parts; of the first of several like ones it is remarked how these are read."""
        fitting = Fitting(checkpoint=checkpoint, resume=self.resume, progress=self.progress, title=title, graceful=True)
        if first:
            fitting |= {"remark": self.progress.note, "further": {"test": self.data.test}}
        estimator.fit_parts(self.data.train, self.data.valid, **fitting)
        estimator.columns_ = self.data.columns

    def valid(self, estimator: E) -> Scores:
        return estimator.judge(self.data.valid) if estimator.valid_ is None else estimator.valid_

    def judged(self, trained: Sequence[E]) -> Trained[E, X]:
        """What was trained, one estimator a seed, with figures, baselines and proof; the best on validation is kept."""
        with self.watch("evaluate"):
            judged: list[dict[str, Scores]] = [
                {"test": e.judge(self.data.test), "valid": self.valid(e)} for e in trained
            ]
            figures = self.task.figures(judged[0]["valid"])
            known = [number(j["valid"], figures[0].key) for j in judged]
            best = figures[0].best(known)
        estimator, test = trained[best], judged[best]["test"]
        self.progress.note("fitting the baselines")
        with self.watch("baselines"):
            baselines = self.task.baselines(estimator, self.data)
        self.progress.note(f"{', '.join(b.name for b in baselines)}: {self.watch['baselines']:.1f} s")
        with self.watch("prove"):
            proof = estimator.prove(self.data.test)
        if not proof.ok:
            self.progress.note(f"do not trust this model's state: {proof}")
        metrics: dict[str, Json] = {**judged[best], "baseline": _beside(baselines)}
        if self.decided.lines:
            metrics["decided"] = self.decided.to_dict()
        if len(trained) > 1:
            rows: list[dict[str, Json]] = [
                {"seed": e.seed, **{f.key: j["test"][f.key] for f in figures}} for e, j in zip(trained, judged)
            ]
            metrics["seeds"] = {"runs": rows, **spread(rows, figures)}
        if trained[-1].fitted_.interrupted:
            metrics["interrupted"] = True
        if estimator.fitted_.diverged:
            metrics["diverged"] = estimator.fitted_.diverged
        by_seed = {e.seed: value for e, value in zip(trained, known)}
        data = replace(self.data, notes=(*self.data.notes, *trained[0].remarks_))
        return Trained(self.recipe, data, estimator, metrics, test, baselines, self.watch, proof, by_seed)

    def ablate(self, done: Trained[E, X], checkpoints: Path) -> bool:
        """Train the variants, write what each is worth into the RUN, and say whether Ctrl-C came before the end."""
        variants = self.task.variants(self.recipe, self.data)
        assert variants is not None
        training = self.recipe[TrainingSettings]
        seeds = range(training.seed, training.seed + (training.seeds if training.seeds > 1 else _SEEDS))
        figure, shown = self.task.figures(done.test)[0], Shown(checkpoints / "shown.json")

        def run(name: str, seed: int, checkpoint: Path, title: str) -> float | None:
            estimator = self.estimator(variants.recipes.get(name, self.recipe), seed)
            estimator.only_judged = True
            try:
                self.fit(estimator, checkpoint, title)
            except DivergenceError as error:
                self.progress.note(f"{title}: {error}")
                return math.nan
            if estimator.fitted_.interrupted:
                return None
            if name in variants.recipes and seed == seeds[0]:
                shown.put(name, self.task.shown(estimator, self.data))
            return number(self.valid(estimator), figure.key)

        with self.watch("ablation"):
            found, interrupted = ablate(
                list(variants.recipes), seeds, run, checkpoints, figure=figure, known=done.known,
                idle=variants.idle, progress=self.progress,
            )  # fmt: skip
        done.metrics["ablation"] = {**found.to_dict(), **shown.to_dict()}
        if interrupted:
            done.metrics["interrupted"] = True
            self.progress.note("interrupted: writing the variants measured so far (--resume continues)")
        write_trained(self.task, self.out, done, self.progress)
        return interrupted


def _beside(baselines: Sequence[Baseline]) -> dict[str, Json]:
    """The first baseline as metrics.json has it, the others' figures by the first word of their names."""
    first = baselines[0]
    found: dict[str, Json] = {"name": first.name, "text": first.text, **first.scores}
    return found | {b.name.split()[0]: b.scores for b in baselines[1:]}
