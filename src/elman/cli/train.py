"""The command `elman train`."""

from __future__ import annotations

import time
from pathlib import Path

from elman.console import FLAG, JSON, SET, print_json, print_metrics

__all__ = ["train"]


def train(
    recipe: str,
    /,
    *,
    data: str | None = None,
    valid: str | None = None,
    test: str | None = None,
    input: str | None = None,
    target: str | None = None,
    group: str | None = None,
    unlabelled: str | None = None,
    out: Path | None = None,
    seed: int | None = None,
    set: SET = None,
    resume: FLAG = False,
    force: FLAG = False,
    ablate: FLAG = False,
    json: JSON = False,
) -> int:
    """Train a recipe, or a task on your own data, and write a RUN folder.

    Parameters
    ----------
    recipe
        A packaged recipe (see: elman recipes), a TOML file, or a task such as classify.
    data
        File or folder to train on; two parallel files as A,B.
    valid
        Validation file; without it a seeded split is made and stated.
    test
        Test file; likewise.
    input
        Column of the inputs; guessed, and reported, if not given. Of texts several may be joined: title,body.
    target
        Column of the labels, or of what the inputs become; likewise.
    group
        Column that says what belongs together: rows with the same value stay on one side of a split.
    unlabelled
        Files or folders of further texts, without labels, with commas between: word vectors are first trained on them
        and the table's own texts, and the network starts from these.
    out
        Folder to write; by default runs/RECIPE.
    seed
        Of weights, dropout and the order of the data.
    set
        Any setting of the recipe, as section.key=value; may be repeated.
    resume
        Continue an interrupted training, bit for bit.
    force
        Replace an existing RUN, or the checkpoints of an interrupted training.
    ablate
        Then train what lies one step from the recipe, over several seeds, and write what each step is worth on
        validation into the RUN: of a classifier each of its text stages and inputs, seventy to eighty trainings; of a
        translator the other ways to look at the source, a dozen.
    """
    started = time.perf_counter()
    from elman.tasks.find import recipe_of
    from elman.tasks.frame import train_run
    from elman.training.progress import Bar

    given = {
        "data.path": data,
        "data.valid": valid,
        "data.test": test,
        "data.input": input,
        "data.target": target,
        "data.group": group,
        "text.unlabelled": unlabelled,
        "training.seed": seed,
    }
    task, loaded = recipe_of(recipe, set or [], {k: v for k, v in given.items() if v is not None})
    run = out or Path("runs") / loaded.name

    outcome = train_run(task, loaded, run, resume=resume, force=force, ablated=ablate, progress=Bar())
    if json:
        print_json(outcome.metrics)
    else:
        print_metrics(outcome.metrics, run, time.perf_counter() - started)
    return 130 if outcome.interrupted else 0
