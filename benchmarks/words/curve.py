"""What an hour buys: the perplexity of a language model against the minutes of its training.

    python benchmarks/words/curve.py RUN

Reads history.jsonl of a RUN and draws docs/pictures/words.png.
"""

from __future__ import annotations

import json
import math
import sys
from itertools import accumulate
from pathlib import Path

import matplotlib.pyplot as plt

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "words.png"


def main(run: Path) -> None:
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    minutes = [seconds / 60 for seconds in accumulate(row["seconds"] for row in rows)]
    perplexities = [math.exp(row["valid_nll"]) for row in rows]
    for row, at, found in zip(rows, minutes, perplexities):
        print(f"epoch {row['epoch']:>3} {at:7.1f} min {found:8.2f}")
    figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
    ax.plot(minutes, perplexities, color="#1d3f5e", marker="o", markersize=3)
    ax.annotate(f"{perplexities[-1]:.1f}", (minutes[-1], perplexities[-1]), xytext=(0, 6), textcoords="offset points",
                ha="center")  # fmt: skip
    ax.set(xlabel="minutes of training", ylabel="perplexity of the validation words", yscale="log", xlim=(0, None))
    ax.set_yticks([80, 100, 150, 200, 300], ["80", "100", "150", "200", "300"])
    ax.minorticks_off()
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, dpi=130)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
