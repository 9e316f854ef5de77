"""The Stanford Sentiment Treebank with vectors trained by us, over several seeds.

    python benchmarks/quality/sst.py ../shared/data/sst words300.safetensors [--classes 5] [--seeds 3] [--set KEY=VALUE]

Trains on all labelled phrases of the training trees and judges on the sentences of the validation and test trees.
Everything was tuned on the validation split. `elman train benchmarks/quality/sst.toml --data ...` trains the same model
once and writes a RUN with its report and its linear baseline, which takes longer than the network on so many phrases.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
from pathlib import Path

import msgspec
import torch

from elman.config.recipe import load_recipe
from elman.data.labelled import Labelled, load_labelled
from elman.tasks.classify import task as classify
from elman.tasks.classify.estimator import Classifier
from elman.training.progress import Bar


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("--classes", type=int, choices=(2, 5), default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    asked = parser.parse_args()
    recipe = load_recipe(
        Path(__file__).with_suffix(".toml"),
        asked.set,
        sections=classify.TASK.sections,
        values={
            "data.path": str(asked.data),
            "data.classes": asked.classes,
            "text.vectors": str(asked.vectors),
        },
    )
    data = load_labelled(recipe.data)
    print(f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{asked.classes} classes: {len(data.train):,} phrases, {len(data.valid):,} / {len(data.test):,} sentences")
    sections = [msgspec.structs.asdict(recipe.sections[name]) for name in classify.TASK.sections]
    settings = {k: v for section in sections for k, v in section.items()}
    found: dict[str, list[float]] = {}
    for seed in range(asked.first, asked.first + asked.seeds):
        model = Classifier(**{**settings, "seed": seed})
        model.fit_parts(Labelled.of(data.train), Labelled.of(data.valid), progress=Bar(), title=f"sst, seed {seed}")
        for part in ("valid", "test"):
            figures = model.judge(Labelled.of(getattr(data, part)))
            for key in ("accuracy", "macro_f1"):
                found.setdefault(f"{part} {key}", []).append(figures[key])
        said = ", ".join(f"{name} {values[-1]:.4f}" for name, values in found.items())
        print(f"seed {seed}: {said}, {model.fitted_.seconds:.0f} s", flush=True)
    print("\n| figure | mean | standard deviation | seeds |\n| --- | ---: | ---: | ---: |")
    for name, values in found.items():
        spread = statistics.stdev(values) if len(values) > 1 else float("nan")
        print(f"| {name} | {statistics.mean(values):.4f} | {spread:.4f} | {len(values)} |")


if __name__ == "__main__":
    main()
