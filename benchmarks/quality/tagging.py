"""How well the packaged tagging recipes do: ``python benchmarks/quality/tagging.py [--vectors V] [--seeds 3]``.

Trains `pos` and `ner` as they stand, and once more with word vectors of your own (``elman vectors train``), and
prints the test figures as a Markdown table. Nothing is chosen on the test split: the epoch kept, the temperature and
the settings in the recipes were chosen on the validation split.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from elman.data.recipe import load_recipe
from elman.tasks import tag
from elman.training.progress import Bar

KEYS = {"pos": ("accuracy", "macro_f1"), "ner": ("entity_f1", "entity_precision", "entity_recall")}


def measure(name: str, seeds: int, vectors: str, folder: Path) -> dict[str, Any]:
    """metrics.json of a recipe trained with so many seeds."""
    values: dict[str, object] = {"training.seeds": seeds, "model.vectors": vectors}
    recipe = load_recipe(name, sections=tag.SECTIONS, values=values)
    return tag.train(recipe, folder / f"{name}-{'vectors' if vectors else 'alone'}", progress=Bar()).metrics


def row(name: str, vectors: str, metrics: dict[str, Any]) -> str:
    """One line of the table: mean and spread over the seeds."""
    test, base, seeds = metrics["test"], metrics["baseline"], metrics.get("seeds")
    cells = []
    for key in KEYS[name]:
        mean = seeds["mean"][key] if seeds else test[key]
        spread = f" ± {seeds['std'][key]:.3f}" if seeds else ""
        cells.append(f"{key} {mean:.3f}{spread} (usual tag {base[key]:.3f})")
    runs = len(seeds["runs"]) if seeds else 1
    minutes = metrics["seconds"] / 60 / runs
    facts = f"{runs} | {test['ece']:.3f} | {test['words_per_second']:,.0f} | {minutes:.1f}"
    return f"| {name} | {Path(vectors).name or 'none'} | {'; '.join(cells)} | {facts} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", default="")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=sorted(KEYS))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    print("| recipe | vectors | test | seeds | ECE | words/s | minutes a training |")
    print("| --- | --- | --- | ---: | ---: | ---: | ---: |")
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in [options.only] if options.only else ["pos", "ner"]:
            for vectors in ("", options.vectors) if options.vectors else ("",):
                metrics = measure(name, options.seeds, vectors, Path(folder))
                print(row(name, vectors, metrics), flush=True)
                found[f"{name} {Path(vectors).name}".strip()] = metrics
    if options.out:
        options.out.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
