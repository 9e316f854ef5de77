"""The sentiment recipe over several seeds, beside its baselines: prints the tables of sentiment.md.

    python benchmarks/quality/sentiment.py [--seeds 5] [--vectors words300.safetensors] [--set KEY=VALUE]

Everything was tuned on the validation split; the test split is looked at by this script only. With `--vectors` the
embedding starts from word vectors, with the settings that did best with them on the validation split.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import torch

from elman.config.recipe import load_recipe
from elman.tasks.classify import task as classify
from elman.tasks.frame import train_run
from elman.training.progress import Bar

# vectors are of whole words: no stems
WITH_VECTORS = [
    'text.stages=["unicode", "contractions", "lower", "words"]', "text.freeze=true", "training.rate=0.003",
    "training.average=0.99",
]  # fmt: skip


def main() -> None:
    """Train, and print mean, spread and standard error of the mean for every figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    asked = parser.parse_args()
    changes = [f"training.seeds={asked.seeds}"]
    if asked.vectors is not None:
        changes += [f"text.vectors={asked.vectors}", *WITH_VECTORS]
    recipe = load_recipe("sentiment", [*changes, *asked.set], sections=classify.TASK.sections)
    with tempfile.TemporaryDirectory() as folder:
        metrics: Any = train_run(classify.TASK, recipe, Path(folder) / "run", progress=Bar()).metrics
    ours, baseline = metrics["seeds"], metrics["baseline"]
    print(f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{asked.seeds} seeds, {metrics['seconds']:.0f} s in all; baseline: {baseline['name']}, {baseline['text']}")
    print("\n| test figure | ours, mean | standard deviation | error of the mean | tf-idf | majority |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for key in (figure.key for figure in classify.TASK.kind.FIGURES if figure.key in baseline):
        mean, std = ours["mean"][key], ours["std"][key]
        row = [mean, std, std / math.sqrt(asked.seeds), baseline[key], baseline["majority"][key]]
        print(f"| {key} | " + " | ".join(f"{value:.4f}" for value in row) + " |")
    print("\nmacro_f1 by seed: " + ", ".join(f"{row['macro_f1']:.4f}" for row in ours["runs"]))
    print(f"valid macro_f1 of the seed kept: {metrics['valid']['macro_f1']:.4f}")


if __name__ == "__main__":
    main()
