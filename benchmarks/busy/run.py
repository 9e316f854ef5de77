"""Training on a machine that others use too.

    python benchmarks/busy/run.py [--rounds 5] [--before SRC] [--no-demo] [--write]

Each task is timed alone, beside one and beside two processes that do nothing but compute, in turn, round by round, in
processes that stay, with the settings of a user who has set nothing. With `--before` another source tree (with its
native library built) takes the same turns. Medians in milliseconds, and ratios to the time alone. Then two trainings
side by side, as processes and by GridSearchCV, beside one; and the training of the packaged demo. With `--write` all of
it goes to README.md beside this file.

Nobody else should use the machine: the load before it began is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
OTHERS = (0, 1, 2)
SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
CELLS = [(cell, size) for size in (128, 512) for cell in ("LSTM", "GRU")]


def environment(source: Path) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k not in SETTINGS} | {"PYTHONPATH": str(source)}


class Worker:
    """A process that does what it is asked."""

    def __init__(self, source: Path, first: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "work.py"), first],
            env=environment(source), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def begin(self, task: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(task + "\n")
        self.process.stdin.flush()

    def end(self) -> tuple[float, float]:
        assert self.process.stdout is not None
        seconds, loss = self.process.stdout.readline().split()
        return float(seconds), float(loss)

    def leave(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def do(self, task: str) -> tuple[float, float]:
        self.begin(task)
        return self.end()


class Others:
    """Processes that compute, or are stopped."""

    def __init__(self) -> None:
        self.processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(max(OTHERS))]
        self._signal(signal.SIGSTOP, len(self.processes))

    def _signal(self, what: signal.Signals, n: int) -> None:
        for process in self.processes[:n]:
            process.send_signal(what)

    @contextmanager
    def computing(self, n: int) -> Iterator[None]:
        self._signal(signal.SIGCONT, n)
        time.sleep(0.05)
        try:
            yield
        finally:
            self._signal(signal.SIGSTOP, n)

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def demo(source: Path) -> tuple[float, float]:
    """Seconds of training in `elman train sentiment`, and its macro-F1."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "elman.cli", "train", "sentiment", "--out", str(out)]
        subprocess.run(command, env=environment(source), check=True, capture_output=True)
        metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
        rows = (out / "history.jsonl").read_text(encoding="utf-8").splitlines()
        return sum(float(json.loads(row)["seconds"]) for row in rows), _macro(metrics)


def _macro(metrics: object) -> float:
    """The first figure called macro-F1, wherever it stands."""
    if isinstance(metrics, dict):
        for key, value in metrics.items():
            if "macro" in key and isinstance(value, (int, float)):
                return float(value)
            if (found := _macro(value)) == found:
                return found
    return float("nan")


Line = tuple[str, str, list[float], float]


def tell(say: list[str], line: Line) -> None:
    task, who, found, loss = line
    times = " | ".join(f"{1000 * s:,.1f}" for s in found)
    ratios = " | ".join(f"{s / found[0]:.2f}" for s in found[1:])
    say.append(f"| {task} | {who} | {times} | {ratios} | {loss:.6f} |")
    print(say[-1], flush=True)


def beside(
    tasks: Sequence[str], first: str, trees: dict[str, Path], others: Others, rounds: int, say: list[str]
) -> None:
    """Each task alone and beside others."""
    workers = {who: Worker(source, first) for who, source in trees.items()}
    try:
        for task in tasks:
            times: dict[tuple[str, int], list[float]] = {}
            loss = {who: worker.do(task)[1] for who, worker in workers.items()}  # the first time is not counted
            for _ in range(rounds):
                for n in OTHERS:
                    for who, worker in workers.items():
                        with others.computing(n):
                            seconds, again = worker.do(task)
                        times.setdefault((who, n), []).append(seconds)
                        assert again == loss[who], "what is computed depends on who else computes"
            for who in workers:
                medians = [statistics.median(times[who, n]) for n in OTHERS]
                tell(say, (f"{task}, {first} imported first", who, medians, loss[who]))
    finally:
        for worker in workers.values():
            worker.leave()


def side_by_side(trees: dict[str, Path], rounds: int, say: list[str]) -> None:
    """Two trainings beside one."""
    for who, source in trees.items():
        pair = [Worker(source, "elman") for _ in range(2)]
        try:
            for worker in pair:
                worker.do("classifier 0")
                worker.do("classifier 1")
            pair[0].do("classifier 2")  # its processes start
            times: list[list[float]] = [[], [], [], []]
            for _ in range(rounds):
                times[0].append(pair[0].do("classifier 0")[0])
                for worker in pair:
                    worker.begin("classifier 0")
                times[1].append(max(worker.end()[0] for worker in pair))
                times[2].append(pair[0].do("classifier 1")[0])
                times[3].append(pair[0].do("classifier 2")[0])
        finally:
            for worker in pair:
                worker.leave()
        one, two, alone, grid = [statistics.median(t) for t in times]
        say.append(
            f"| {who} | {one:.2f} | {two:.2f} | {two / one:.2f} | {alone:.2f} | {grid:.2f} | {grid / alone:.2f} |"
        )
        print(say[-1], flush=True)


def run(trees: dict[str, Path], rounds: int, with_demo: bool, say: list[str]) -> None:
    head = [
        "",
        "| task | tree | alone, ms | beside one | beside two | ratio | ratio | loss |",
        "| --- | --- |" + " ---: |" * 6,
    ]
    say += head
    print("\n".join(head))
    others = Others()
    try:
        for first in ("torch", "elman"):
            tasks = [f"{cell} {size} {kind}" for cell, size in CELLS for kind in ("alone", "whole")]
            beside(tasks, first, trees, others, rounds, say)
        beside(["classifier 0"], "elman", trees, others, rounds, say)
        if with_demo:
            for who, source in trees.items():
                demo(source)  # a first time, for the files
                found: list[list[float]] = [[], []]
                score = 0.0
                for _ in range(min(rounds, 3)):
                    for n, times in zip((0, 2), found, strict=True):
                        with others.computing(n):
                            seconds, score = demo(source)
                        times.append(seconds)
                alone, busy = (statistics.median(t) for t in found)
                times_said = f"{1000 * alone:,.0f} | | {1000 * busy:,.0f} | | {busy / alone:.2f}"
                say.append(f"| elman train sentiment | {who} | {times_said} | macro-F1 {score:.4f} |")
                print(say[-1], flush=True)
    finally:
        others.end()
    titles = ("tree", "one training, s", "two at once", "ratio", "one by GridSearchCV", "two, n_jobs=2", "ratio")
    head = ["", f"| {' | '.join(titles)} |", "| --- |" + " ---: |" * 6]
    say += head
    print("\n".join(head))
    side_by_side(trees, rounds, say)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--no-demo", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    trees = {"now": HERE.parents[1] / "src"}
    if options.before:
        trees = {"before": options.before.resolve(), **trees}
    import torch

    load = os.getloadavg()[0]
    machine = (
        f"{platform.machine()}, {os.cpu_count()} processors, torch {torch.__version__}, {options.rounds} rounds; "
        f"load before it began {load:.1f}."
    )
    say = [machine]
    print(machine)
    run(trees, options.rounds, not options.no_demo, say)
    if options.write:
        text = (HERE / "README.md").read_text(encoding="utf-8")
        mark = "<!-- measured -->\n"
        (HERE / "README.md").write_text(
            text[: text.index(mark) + len(mark)] + "\n" + "\n".join(say) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
