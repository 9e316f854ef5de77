"""Where a fixed context breaks and attention does not: digits to copy and to reverse, by length.

    python benchmarks/digits/run.py

Makes pairs of random digits (seeded; lengths 5 to 40), trains the recipe digits.toml beside this file with and without
attention, and draws how many of the digits, and how many whole answers, are right at each length up to 80, into
docs/pictures/digits.png.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import matplotlib.pyplot as plt
import msgspec

from elman import Translator
from elman.data.parallel import Pairs
from elman.tasks.find import recipe_of
from elman.training.progress import Bar

HERE = Path(__file__).parent
LENGTHS = (5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 70, 80)
WAYS = {
    "fixed context": {"attention": "none", "coverage": 0},
    "attention": {"attention": "inside", "coverage": 0},
    "attention and coverage": {"attention": "inside", "coverage": 5},
}


def pairs(job: str, lengths: list[int], seed: int) -> list[tuple[str, str]]:
    draw = random.Random(seed)
    found = []
    for n in lengths:
        digits = draw.choices("0123456789", k=n)
        found.append((" ".join(digits), " ".join(digits[::-1] if job == "reverse" else digits)))
    return found


def right(model: Translator, job: str, n: int) -> tuple[float, float]:
    """Share of the digits in their places, and of whole answers, of 200 rows of n digits."""
    rows = pairs(job, [n] * 200, 1000 + n)
    answers = [answer.split() for answer in model.predict([source for source, _ in rows])]
    wanted = [target.split() for _, target in rows]
    digits = sum(a == w for answer, want in zip(answers, wanted) for a, w in zip(answer, want)) / (200 * n)
    return digits, sum(a == w for a, w in zip(answers, wanted)) / 200


def curve(job: str, way: str, steps: int) -> dict[str, list[float]]:
    draw = random.Random(0)
    train, valid = (
        Pairs(*zip(*pairs(job, [draw.randint(5, 40) for _ in range(rows)], seed)))
        for seed, rows in enumerate((20_000, 200))
    )
    model = [f"model.{key}={value}" for key, value in WAYS[way].items()]
    task, recipe = recipe_of(str(HERE / "digits.toml"), [*model, f"training.steps={steps}"], {})
    sections = (recipe.sections[name] for name in task.sections)
    trained = Translator(**{key: value for part in sections for key, value in msgspec.structs.asdict(part).items()})
    trained.fit_parts(train, valid, progress=Bar(), title=f"{job}, {way}")
    found = [right(trained, job, n) for n in LENGTHS]
    seconds = [round(trained.fitted_.seconds, 1)]
    return {"digits": [d for d, _ in found], "whole": [w for _, w in found], "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1500)
    given = parser.parse_args()
    found = {job: {way: curve(job, way, given.steps) for way in WAYS} for job in ("copy", "reverse")}
    (HERE / "results.json").write_text(json.dumps({"lengths": LENGTHS, **found}, indent=1) + "\n", encoding="utf-8")
    draw(found, HERE.parents[1] / "docs" / "pictures" / "digits.png")


def draw(found: dict[str, dict[str, dict[str, list[float]]]], file: Path) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True, layout="constrained")
    for ax, (job, ways) in zip(axes, found.items()):
        for (way, rows), colour in zip(ways.items(), ("#b3492d", "#5a7d9a", "#1d3f5e")):
            ax.plot(LENGTHS, rows["digits"], color=colour, marker="o", markersize=3, label=way)
        ax.axvspan(5, 40, color="#00000010", lw=0)
        ax.axhline(0.1, color="#999", lw=0.8, ls=":")
        ax.set(title=job, xlabel="digits in the row (shaded: lengths trained on)", ylim=(0, 1.03))
        ax.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("share of digits right")
    figure.legend(*axes[0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=3)
    figure.savefig(file, dpi=130)


if __name__ == "__main__":
    main()
