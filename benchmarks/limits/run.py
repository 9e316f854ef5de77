"""What six cells keep in mind: copying over 200 and over 1,000 steps, adding over 600; and what each costs.

    python benchmarks/limits/run.py

Trains every cell on every problem, one layer, one seed, with equal settings, on sequences that are drawn as it goes; a
training ends when the problem is solved or its steps are over. Then it writes results.json and the tables of README.md
beside this file, and draws docs/pictures/limits.png: loss against steps, with the score of who remembers nothing.

What is done already is not done again, and a training that was cut short goes on where it was: both are forgotten when
results.json and runs/ are removed. Other settings are tried on the side, and nothing of that is kept:

    python benchmarks/limits/run.py --only "copying, T = 200, LSTM, chrono" --set fall=0.5 --set hidden=128
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn

from elman import cells
from elman.config.training import TrainingSettings
from elman.data.memory_problems import ADDING_MEMORYLESS, adding, copying, copying_memoryless
from elman.explanation.cost import Size, cost
from elman.files import json_text, write_file
from elman.layers import Recurrent, chrono_
from elman.training.loop import fit
from elman.training.progress import Bar
from elman.training.step import make_optimizer, training_step

HERE = Path(__file__).parent
PICTURE = HERE.parents[1] / "docs" / "pictures" / "limits.png"
SOLVED = 0.01  # of the memoryless score: there a training ends
NEAR = 2  # times that: so little must be left where a second cycle is to begin
CELLS = {
    "RNN": cells.RNN,
    "LSTM": cells.LSTM,
    "LSTM, chrono": cells.LSTM,
    "GRU": cells.GRUAfter,
    "minGRU": cells.MinGRU,
    "LEM": cells.LEM,
}
COLOURS = dict(zip(CELLS, ("#999999", "#5a7d9a", "#1d3f5e", "#b3492d", "#c99a2e", "#4f7f4f")))
ROUNDS = 9  # that every cell is timed


@dataclass(frozen=True)
class Problem:
    """One problem, and how it is learned."""

    kind: str  # copying, or adding
    T: int
    steps: int  # of the optimiser, at most
    hidden: int = 64
    batch: int = 20
    rate: float = 3e-3
    beta2: float = 0.9  # RMSprop's; the first gradients are a hundred times as large as those that follow
    fall: float = 0.0  # share of the steps of a cycle, at its end, over which the rate falls to nothing
    again: int = 0  # the step at which a second cycle begins, with the whole rate (Loshchilov & Hutter 2017), if near
    average: float = 0.0  # share of a running mean of the weights that outlives a step
    clip: float = 1.0  # the norm of a gradient at most
    scale: float = 15.0  # of the one-hot vectors that stand for symbols: plain ones are small beside the state
    every: int = 50  # steps from one point of the curve to the next

    @property
    def sizes(self) -> tuple[int, int]:
        """Numbers that a network reads at a step, and answers."""
        return (10, 10) if self.kind == "copying" else (2, 1)

    @property
    def length(self) -> int:
        return self.T + 20 if self.kind == "copying" else self.T

    @property
    def memoryless(self) -> float:
        return copying_memoryless(self.T) if self.kind == "copying" else ADDING_MEMORYLESS

    def draw(self, rows: int, seed: list[int]) -> tuple[Tensor, Tensor]:
        """x, (T, B, I), and the answers: of each step (T, B), or of each sequence (B,)."""
        draw = copying if self.kind == "copying" else adding
        x, wanted = map(torch.from_numpy, draw(self.T, rows, np.random.default_rng(seed)))
        return self.scale * nn.functional.one_hot(x, 10).float() if self.kind == "copying" else x, wanted

    def loss(self, network: nn.ModuleDict, x: Tensor, wanted: Tensor) -> Tensor:
        """Cross-entropy a step, or the squared error of what is told at the end."""
        y, _ = network["read"](x)
        if self.kind == "copying":
            return nn.functional.cross_entropy(network["tell"](y).flatten(0, 1), wanted.flatten())
        return nn.functional.mse_loss(network["tell"](y[-1])[:, 0], wanted)


PROBLEMS = {
    "copying, T = 200": Problem("copying", 200, 8000, hidden=128, rate=2e-3, fall=0.7, average=0.995),
    "copying, T = 1000": Problem("copying", 1000, 28000, hidden=128, rate=2e-3, fall=0.7, again=20000, average=0.995),
    "adding, T = 600": Problem("adding", 600, 1500, rate=1e-2, beta2=0.999),
}


@dataclass
class Learner:
    """What `fit` trains: one cell on one problem."""

    problem: Problem
    cell: str
    select = "-loss"
    stateful = False
    solved: bool = False
    at: int = 0  # the step whose sequences were drawn last
    model: nn.ModuleDict = field(init=False)

    def __post_init__(self) -> None:
        torch.manual_seed(0)
        wide, told = self.problem.sizes
        tell = nn.Linear(self.problem.hidden, told)  # first: the same for all cells
        read = Recurrent(CELLS[self.cell], wide, self.problem.hidden)
        if "chrono" in self.cell:
            chrono_(read, self.problem.length, generator=torch.Generator().manual_seed(0))
        self.model = nn.ModuleDict({"read": read, "tell": tell})

    def plan(self, generator: torch.Generator) -> Iterator[int]:
        for step in range(self.problem.steps):
            over = step > 0 and step == self.problem.again
            if self.solved or (over and self.score(100, 1) > NEAR * SOLVED * self.problem.memoryless):
                return
            yield step

    def collate(self, pick: int) -> tuple[Tensor, Tensor]:
        self.at = pick
        return self.problem.draw(self.problem.batch, [0, pick])

    def loss(self, batch: tuple[Tensor, Tensor], state: None) -> tuple[Tensor, float, None]:
        return self.problem.loss(self.model, *batch), 1.0, None

    def validate(self) -> dict[str, float]:
        score = self.score(100, 1)
        self.solved = score < SOLVED * self.problem.memoryless
        return {"loss": score}

    def score(self, rows: int, seed: int) -> float:
        """On sequences that no training draws, in batches of 50."""
        with torch.no_grad():
            drawn = (self.problem.draw(50, [seed, at]) for at in range(max(1, rows // 50)))
            return float(np.mean([float(self.problem.loss(self.model, *batch)) for batch in drawn]))


def step(
    learner: Learner, optimizer: torch.optim.Optimizer, batch: Any, state: Any, settings: TrainingSettings
) -> tuple[float, float, Any]:
    """The loop's own, by an Adam that remembers how large gradients were for as long as the problem says, and at a rate
    that falls when it says so."""
    problem = learner.problem
    first, last = (problem.again, problem.steps) if learner.at >= problem.again else (0, problem.again)
    left = 1 - (learner.at - first) / (last - first)
    for group in optimizer.param_groups:
        group["betas"] = (0.9, problem.beta2)
        group["lr"] = problem.rate * (min(1.0, left / problem.fall) if problem.fall else 1.0)
    return training_step(learner, optimizer, batch, state, settings)


def learn(problem: Problem, cell: str, checkpoint: Path | None, title: str) -> dict[str, Any]:
    """Train one cell, from where it was if it was begun; its curve, and its score on 1,000 sequences more."""
    learner = Learner(problem, cell)
    settings = TrainingSettings(
        epochs=1, rate=problem.rate, schedule="constant", average=problem.average, weight_decay=0.0,
        clip_norm=problem.clip, validate_every=problem.every,
    )  # fmt: skip
    done = fit(
        learner,
        settings,
        checkpoint=checkpoint,
        resume=checkpoint is not None,
        progress=Bar(),
        title=title,
        global_draws=False,
        step=step,
    )
    rows = [(int(row["step"]), row["valid_loss"]) for row in done.history]
    enough, test = SOLVED * problem.memoryless, learner.score(1000, 2)
    under = [step for step, loss in rows if loss < enough]
    return {
        "test": _short(test),
        # more sequences tell more than the few that end a training
        "solved": under[0] if under else problem.steps if test < enough else None,
        "curve": [[step, _short(loss)] for step, loss in rows],
    }


def costs(problem: Problem) -> dict[str, dict[str, float]]:
    """Of each cell: its parameters; floating-point operations of one step of one sequence, forward and back; and
    processor time in microseconds of one step of the batch, the whole training step shared out: the least of some
    rounds in which all take turns, since the machine may have other work."""
    wide, _ = problem.sizes
    found: dict[str, dict[str, float]] = {}
    for cell, kind in CELLS.items():
        of = cost(kind().graph, Size(I=wide, H=problem.hidden))
        found[cell] = {"parameters": of.parameters, "forward": of.forward, "backward": of.backward, "micro": math.inf}
    learners = {cell: Learner(problem, cell) for cell in CELLS}
    optimizers = {cell: make_optimizer(learner.model, TrainingSettings()) for cell, learner in learners.items()}
    for at in range(ROUNDS):
        for cell, learner in learners.items():
            batch, start = learner.collate(at), time.process_time()
            training_step(learner, optimizers[cell], batch, None, TrainingSettings())
            micro = _short(1e6 * (time.process_time() - start) / problem.length)
            found[cell]["micro"] = min(found[cell]["micro"], micro)
    return found


def _short(number: float) -> float:
    return float(f"{number:.4g}")


def whole(problems: Mapping[str, Problem], folder: Path, picture: Path, only: str = "") -> dict[str, Any]:
    """Every cell on every problem whose name holds `only`; what is known is written after each."""
    kept = folder / "results.json"
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    of = found.setdefault("problems", {})
    for name, problem in problems.items():
        of.setdefault(name, {"memoryless": _short(problem.memoryless), "cells": {}})
        for cell in CELLS:
            title, rows = f"{name}, {cell}", of[name]["cells"]
            if only in title and cell not in rows:
                rows[cell] = learn(problem, cell, folder / "runs" / title, title)
                print(f"{title}: {rows[cell]['test']}", flush=True)
                of[name]["cells"] = {known: rows[known] for known in CELLS if known in rows}
                write_file(kept, json_text(found))
    if "costs" not in found:
        found["costs"] = costs(next(iter(problems.values())))
        write_file(kept, json_text(found))
    page = folder / "README.md"
    head = page.read_text(encoding="utf-8").partition("\n## Measured\n")[0] if page.exists() else "# Limits\n"
    write_file(page, f"{head}\n## Measured\n\n{table(found)}")
    draw(of, picture)
    return found


def tried(problems: Mapping[str, Problem], only: str, changes: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What `learn` says of every cell and problem whose name holds `only`, with these settings in place of its own."""
    kinds = {f.name: type(f.default) for f in fields(Problem) if f.name not in ("kind", "T", "steps")} | {"steps": int}
    given = {key: kinds[key](value) for key, value in changes.items()}
    found = {}
    for name, problem in problems.items():
        for cell in CELLS:
            if only in (title := f"{name}, {cell}"):
                found[title] = row = learn(replace(problem, **given), cell, None, title)
                print(f"{title}: {row['test']}, solved {row['solved']}; {row['curve']}", flush=True)
    return found


def table(found: Mapping[str, Any]) -> str:
    """Cells beside their costs and scores, as Markdown."""
    problems = found["problems"]
    heads = ["cell", "parameters", "FLOPs a step", "and back", "us a step", *problems]
    nothing = [f"{of['memoryless']:.4f}" for of in problems.values()]
    rows = [heads, ["---", *["---:"] * (len(heads) - 1)], ["who remembers nothing", *[""] * 4, *nothing]]
    for cell, told in found["costs"].items():
        counted = [f"{told[key]:,}" for key in ("parameters", "forward", "backward")]
        scores = [_score(of["cells"].get(cell)) for of in problems.values()]
        rows.append([cell, *counted, f"{told['micro']:.0f}", *scores])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _score(row: Mapping[str, Any] | None) -> str:
    """With the step of the optimiser at which it was solved, in bold; of a cell that was not tried, nothing."""
    if row is None:
        return ""
    return f"**{row['test']:.2g}** ({row['solved']:,})" if row["solved"] else f"{row['test']:.4f}"


def draw(problems: Mapping[str, Any], file: Path) -> None:
    """One panel a problem that has been tried, one line a cell; dashed: who remembers nothing."""
    problems = {name: problem for name, problem in problems.items() if problem["cells"]} or problems
    figure, axes = plt.subplots(1, len(problems), figsize=(11, 3.6), layout="constrained", squeeze=False)
    for ax, (name, problem) in zip(axes[0], problems.items()):
        for cell, row in problem["cells"].items():
            steps, losses = zip(*row["curve"])
            ax.plot(steps, losses, color=COLOURS[cell], lw=1.4, label=cell)
        ax.axhline(problem["memoryless"], color="black", lw=0.9, ls="--", label="remembers nothing")
        unit = "squared error" if "adding" in name else "cross-entropy a step"
        ax.set(title=name, xlabel="steps of the optimiser", ylabel=unit, yscale="log")
        ax.spines[["top", "right"]].set_visible(False)
    found = {label: line for ax in axes[0] for line, label in zip(*ax.get_legend_handles_labels())}
    handles = {label: found[label] for label in [*CELLS, "remembers nothing"] if label in found}
    figure.legend(handles.values(), handles, frameon=False, loc="outside upper center", ncols=len(CELLS) + 1)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=130)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="learn those whose 'PROBLEM, CELL' holds this text")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="try this, and keep nothing")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # a gradient that vanishes over 600 steps is a denormal number, and slow
    if given.set:
        tried(PROBLEMS, given.only, dict(change.split("=", 1) for change in given.set))
    else:
        whole(PROBLEMS, HERE, PICTURE, given.only)


if __name__ == "__main__":
    main()
