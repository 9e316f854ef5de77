"""Plain `elman train classify` on public tables, nothing set but the paths: prints the table of README.md.

    python benchmarks/tables/run.py ../shared/data [--seeds 3] [--only trec,mr] [--out results.json]

Each set and seed is a command of its own, as a user types it; the linear baseline is fitted in the same run. Time is
that of the whole command, memory the most that its process held. The test parts are looked at by this script only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

# name -> arguments of the command; what stands in --set is which of two published tasks a file holds
SETS: dict[str, list[str]] = {
    "reviews": ["--data", "packaged:sentiment"],
    "mr": ["--data", "mr"],
    "SST-2": ["--data", "sst", "--set", "data.classes=2"],
    "SST-5": ["--data", "sst"],
    "trec": ["--data", "trec"],
    "atis_intents": ["--data", "atis_intents"],
    "GunPoint": ["--data", "series/GunPoint_TRAIN.ts", "--test", "series/GunPoint_TEST.ts"],
    "ItalyPowerDemand": ["--data", "series/ItalyPowerDemand_TRAIN.ts", "--test", "series/ItalyPowerDemand_TEST.ts"],
    "BasicMotions": ["--data", "series/BasicMotions_TRAIN.ts", "--test", "series/BasicMotions_TEST.ts"],
}


def trained(arguments: list[str], folder: Path, seed: int, run: Path) -> dict[str, Any]:
    """One training as a command of its own: its metrics, seconds, and the megabytes that it held at most."""
    paths = [str(folder / a) if (folder / a).exists() else a for a in arguments]
    before = time.perf_counter()
    command = [sys.executable, "-m", "elman.cli", "train", "classify", *paths, "--seed", str(seed), "--out", str(run)]
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            said.seek(0)
            sys.exit(f"{' '.join(arguments)}: {said.read()[-2000:]}")
    seconds, megabytes = time.perf_counter() - before, usage.ru_maxrss / 1024
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    return {"seconds": seconds, "megabytes": megabytes, "n": metrics["test"]["n"],
            "decided": metrics["decided"]["lines"],
            **{name: {k: metrics[name][k] for k in ("accuracy", "macro_f1", "nll")} for name in ("test", "baseline")},
            "baseline_name": metrics["baseline"]["name"]}  # fmt: skip


def row(name: str, runs: list[dict[str, Any]]) -> str:
    """Of the table: means over the seeds."""

    def mean(part: str, key: str) -> float:
        return statistics.mean(run[part][key] for run in runs)

    ours, theirs = mean("test", "accuracy"), mean("baseline", "accuracy")
    spread = statistics.stdev(run["test"]["accuracy"] for run in runs) if len(runs) > 1 else 0.0
    error = (theirs * (1 - theirs) / runs[0]["n"]) ** 0.5
    cells = [
        name, f"{runs[0]['n']:,}", f"{ours:.3f} ± {spread:.3f}", f"{theirs:.3f}", f"{ours - theirs:+.3f}",
        f"{error:.3f}",
        f"{mean('test', 'macro_f1'):.3f} / {mean('baseline', 'macro_f1'):.3f}",
        f"{mean('test', 'nll'):.3f} / {mean('baseline', 'nll'):.3f}",
        f"{statistics.median(r['seconds'] for r in runs):.0f}", f"{max(r['megabytes'] for r in runs):.0f}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Train every set, seed by seed, and print a row a set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the sets lie")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default=",".join(SETS))
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results.json"))
    asked = parser.parse_args()
    results = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.platform(terse=True)}"
    print(f"{machine}; {asked.seeds} seeds\n")
    print("| set | test rows | ours, accuracy | linear | difference | its error | macro-F1 | nll | seconds | MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name in asked.only.split(","):
        with tempfile.TemporaryDirectory() as folder:
            runs = [trained(SETS[name], asked.folder, seed, Path(folder) / f"{seed}") for seed in range(asked.seeds)]
        results[name] = {"machine": machine, "runs": runs}
        asked.out.write_text(json.dumps(results, indent=1))
        print(row(name, runs), flush=True)
    gaps = [
        statistics.mean(r["test"]["accuracy"] - r["baseline"]["accuracy"] for r in found["runs"])
        for found in results.values()
    ]
    print(f"\nMean difference over {len(gaps)} sets: {statistics.mean(gaps):+.3f}")


if __name__ == "__main__":
    main()
