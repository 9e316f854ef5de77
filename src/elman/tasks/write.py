"""What a training leaves behind: the RUN with its model, figures, proof, card and report, written whole."""

from __future__ import annotations

import math
from pathlib import Path

from elman.tasks.contract import E, Look, Task, Trained
from elman.tasks.estimator import X
from elman.tasks.figures import number
from elman.training.progress import Silent
from elman.training.run_writer import write_run

__all__ = ["print_run", "write_trained"]


def write_trained(task: Task[E, X], out: Path, trained: Trained[E, X], progress: Silent) -> None:
    """Write the RUN: model, figures, proof, card and report."""
    from elman.report.card import write_card
    from elman.report.scores import is_better, verdict

    recipe, estimator, metrics = trained.recipe, trained.estimator, trained.metrics
    metrics["seconds"] = trained.seconds.total
    progress.note("making the report")
    with trained.seconds("report"):
        look = task.look(trained)
        report = print_run(task, trained, look)
    metrics["seconds"] = trained.seconds.total
    figures = task.figures(trained.test)
    first = figures[0]
    judged = first, number(trained.test, first.key), look.errors.get(first.key, math.nan), _figures_of(trained)
    metrics["verdict"] = told = verdict(*judged, look.doubt, look.paired)
    if look.doubt:
        metrics["doubt"] = look.doubt
    if look.alarm:
        metrics["alarm"] = look.alarm
    card = write_card(
        recipe.name,
        recipe.description,
        metrics=metrics,
        figures=figures,
        settings=look.settings,
        notes=_notes(trained),
        verdict=told,
        better=is_better(*judged, look.paired),
        usage=f'elman predict {out.name} "..."',
        proof=trained.proof.to_dict(),
        data=recipe.data.path,
        parts={"validation": recipe.data.valid, "test": recipe.data.test},
    )
    write_run(
        out,
        model=estimator.model_,
        description={"name": recipe.name, **estimator.describe()},
        recipe=recipe.to_toml(),
        metrics=metrics,
        history=estimator.fitted_.history,
        proof=trained.proof.to_dict(),
        card=card,
        report=report,
    )


def print_run(task: Task[E, X], trained: Trained[E, X], look: Look) -> str:
    """report.html: the figures beside the baselines, then what the task shows."""
    from elman.pages.page import page
    from elman.report.ablation import measured
    from elman.report.decided import decided
    from elman.report.scores import scoreboard

    seeds = trained.metrics.get("seeds", {})
    figures = task.figures(trained.test)
    first = scoreboard(
        {f.key: number(trained.test, f.key) for f in figures},
        _figures_of(trained),
        show=[f for f in figures if f.key in look.show] or figures[:2],
        errors=look.errors,
        seeds=seeds["runs"] if isinstance(seeds, dict) and "runs" in seeds else (),
        baseline_texts={b.name: b.text for b in trained.baselines},
        ours=look.ours,
        notes=[*_notes(trained), *look.notes],
        alarm=look.alarm,
        doubt=look.doubt,
        paired=look.paired,
    )
    found = trained.metrics.get("ablation")
    ablation = measured(found, figures[0]) if isinstance(found, dict) else None
    choices = trained.metrics.get("decided")
    chosen = decided(choices) if isinstance(choices, dict) else None
    return page(look.title, look.said, [first, *look.sections[:-1], chosen, ablation, *look.sections[-1:]])


def _notes(trained: Trained[E, X]) -> list[str]:
    """Those of the data, files by their names alone: card and report travel, and tell of no folders of this machine."""
    data, notes = trained.recipe.data, list(trained.data.notes)
    for path in ",".join([data.path, data.valid, data.test]).split(","):
        if path and not path.startswith("packaged:"):
            notes = [note.replace(path, Path(path).name) for note in notes]
    return notes


def _figures_of(trained: Trained[E, X]) -> dict[str, dict[str, float]]:
    """The baselines' numbers, by name."""
    return {
        b.name: {key: number(b.scores, key) for key, value in b.scores.items() if isinstance(value, float)}
        for b in trained.baselines
    }
