"""The part-of-speech model that ships with the package: ``python -m elman.tasks.tag.ship`` trains and writes it anew.

It is the recipe `pos` as it stands, its weights rounded to float16 (4 MB at most), a RUN like any other. The figures
in its card are those of the rounded model.
"""

from __future__ import annotations

import copy
import json
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

from elman.config.recipe import load_recipe
from elman.metric import known_figure
from elman.report.card import write_card
from elman.report.scores import is_better, verdict
from elman.tasks.frame import train_run
from elman.tasks.packaged import packaged_folder
from elman.tasks.tag.estimator import Tagger
from elman.tasks.tag.report import settings_of
from elman.tasks.tag.task import TASK
from elman.training.progress import Bar
from elman.training.run_writer import write_run

__all__ = ["main", "ship"]

MOST = 4_000_000  # bytes of the folder
COMMAND = "python -m elman.tasks.tag.ship"


def ship(run: Path, out: Path) -> dict[str, Any]:
    """Write the RUN `run` to `out` with half the bytes, judged again as it will be used.

    Returns:
        The figures on the test split.

    Raises:
        ValueError: larger than `MOST`.
    """
    tagger = Tagger.load(run)
    half = copy.deepcopy(tagger.model_).half()
    tagger.model_.load_state_dict(half.state_dict())  # rounded, and float32 again
    recipe = load_recipe("pos", sections=TASK.sections)
    data = TASK.read(recipe.data)
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    metrics |= {"test": tagger.judge(data.test), "valid": tagger.judge(data.valid)}
    proof = tagger.prove(data.test)
    name = metrics["baseline"]["name"]
    judged = known_figure("accuracy"), metrics["test"]["accuracy"], math.nan, {name: metrics["baseline"]}
    card = write_card(
        "Parts of speech of English",
        "Ships with Elman; the 17 universal tags. Trained on UD English EWT alone (CC BY-SA 4.0). "
        f"Rebuild: `{COMMAND}`.",
        metrics=metrics,
        figures=TASK.figures(metrics["test"]),
        settings=settings_of(tagger),
        notes=[*data.notes, "Weights rounded to float16; the figures are those of the rounded model."],
        verdict=verdict(*judged),
        better=is_better(*judged),
        usage='elman predict pos "..."',
        proof=proof.to_dict(),
    )
    write_run(
        out,
        model=half,
        description={"name": "pos", **tagger.describe()},
        recipe=(run / "recipe.toml").read_text(encoding="utf-8"),
        metrics=metrics,
        history=[json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()],
        proof=proof.to_dict(),
        card=card,
    )
    for events in out.glob("events.*"):
        events.unlink()
    size = sum(file.stat().st_size for file in out.iterdir())
    if size > MOST:
        raise ValueError(f"{out} has {size:,} bytes, more than the {MOST:,} that may ship")
    return dict(metrics["test"])


def main() -> None:
    """Train the recipe and put the result where `packaged_tagger` looks for it."""
    out = packaged_folder()
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "pos"
        train_run(TASK, load_recipe("pos", sections=TASK.sections), run, progress=Bar())
        figures = ship(run, out)
    print(f"accuracy {figures['accuracy']:.4f} on the test split; written to {out}", file=sys.stderr)


if __name__ == "__main__":
    main()
