"""The sentiment recipe over several seeds, beside its baseline: prints the table of README.md.

    python benchmarks/quality/sentiment.py [SEEDS]

Everything was tuned on the validation split; the test split is looked at by this script only.
"""

from __future__ import annotations

import math
import os
import platform
import sys
import tempfile
from pathlib import Path

import torch

from elman.data.recipe import load_recipe
from elman.tasks import classify
from elman.training.progress import Bar


def main(seeds: int) -> None:
    """Train, and print mean, spread and standard error of the mean for every figure."""
    recipe = load_recipe("sentiment", [f"training.seeds={seeds}"], sections=classify.SECTIONS)
    with tempfile.TemporaryDirectory() as folder:
        metrics = classify.train(recipe, Path(folder) / "run", progress=Bar()).metrics
    ours, baseline = metrics["seeds"], metrics["baseline"]
    print(f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{seeds} seeds, {metrics['seconds']:.0f} s in all; baseline: {baseline['name']}, {baseline['text']}")
    print("\n| test figure | ours, mean | standard deviation | error of the mean | tf-idf | majority |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for key in classify.FIGURES:
        mean, std = ours["mean"][key], ours["std"][key]
        row = [mean, std, std / math.sqrt(seeds), baseline[key], baseline["majority"][key]]
        print(f"| {key} | " + " | ".join(f"{value:.4f}" for value in row) + " |")
    print("\nmacro_f1 by seed: " + ", ".join(f"{row['macro_f1']:.4f}" for row in ours["runs"]))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
