"""How well the packaged tagging recipes do: ``python benchmarks/quality/tagging.py [--vectors V] [--seeds 3]``.

Trains `pos` and `ner` as they stand, and with word vectors of your own too (``elman vectors train``; two files with a
comma between stand side by side), and prints the test figures as a Markdown table. Nothing is chosen on the test
split: the epoch kept, temperature and threshold are chosen on the validation split of each run, and so were the
settings in the recipes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from elman.config.recipe import load_recipe
from elman.tasks.frame import train_run
from elman.tasks.tag import task as tag
from elman.training.progress import Bar

KEYS = {"pos": ("accuracy", "macro_f1"), "ner": ("entity_f1", "entity_precision", "entity_recall")}
# what was better with vectors on the validation split: the packaged model's parts of speech; fewer, steadier epochs
WITH_VECTORS: dict[str, dict[str, object]] = {
    "pos": {},
    # the last of them cannot be seen there: learning from the validation sentences too, once they have chosen
    "ner": {"model.pos": True, "training.epochs": 12, "training.average": 0.995, "model.refit": True},
}


def measure(name: str, seeds: int, vectors: str, folder: Path, changes: list[str]) -> dict[str, Any]:
    """metrics.json of a recipe trained with so many seeds."""
    values: dict[str, object] = {"training.seeds": seeds, "model.vectors": vectors}
    if vectors:
        values |= WITH_VECTORS[name]
    recipe = load_recipe(name, changes, sections=tag.TASK.sections, values=values)
    return train_run(tag.TASK, recipe, folder / f"{name}-{'vectors' if vectors else 'alone'}", progress=Bar()).metrics


def row(name: str, vectors: str, metrics: dict[str, Any]) -> str:
    """One line of the table: mean and spread over the seeds."""
    test, base, seeds = metrics["test"], metrics["baseline"], metrics.get("seeds")
    cells = []
    for key in KEYS[name]:
        mean = seeds["mean"][key] if seeds else test[key]
        spread = f" ± {seeds['std'][key]:.4f}" if seeds else ""
        cells.append(f"{key} {mean:.4f}{spread} (perceptron {base[key]:.4f})")
    runs = len(seeds["runs"]) if seeds else 1
    minutes = metrics["seconds"] / 60 / runs
    files = " + ".join(Path(file).stem for file in vectors.split(",")) or "none"
    facts = f"{runs} | {test['ece']:.3f} | {test['words_per_second']:,.0f} | {minutes:.1f}"
    return f"| {name} | {files} | {'; '.join(cells)} | {facts} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", default="")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=sorted(KEYS))
    parser.add_argument("--skip-alone", action="store_true", help="with vectors only")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as elman train --set")
    parser.add_argument("--out", type=Path, help="every figure, as JSON")
    options = parser.parse_args()
    print("| recipe | vectors | test | seeds | ECE | words/s | minutes a training |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: |")
    found = {}
    kinds = [*([] if options.skip_alone else [""]), *([options.vectors] if options.vectors else [])]
    with tempfile.TemporaryDirectory() as folder:
        for name in [options.only] if options.only else ["pos", "ner"]:
            for vectors in kinds:
                metrics = measure(name, options.seeds, vectors, Path(folder), options.set)
                print(row(name, vectors, metrics), flush=True)
                found[f"{name} {'with' if vectors else 'without'} vectors"] = metrics
    if options.out:
        options.out.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
