"""M4 Hourly by one network for all series: trains the recipe beside it, and judges as the competition did.

    python benchmarks/m4/network.py ../shared/data/m4 [--set training.steps=1000] [--held-out]

`elman train benchmarks/m4/hourly.toml --data Hourly-train.csv.gz --test Hourly-test.csv.gz` trains the same RUN.
With --held-out it forecasts the last 48 hours of the past, from what lies before them: to choose settings by.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import tempfile
import time
from pathlib import Path

import numpy as np

import elman
from elman.data.windows import Windows
from elman.forecasting.point_errors import mase, msis, owa, smape
from elman.models.forecast_outputs import LEVELS
from elman.tasks.find import recipe_of
from elman.tasks.frame import train_run

HERE = Path(__file__).parent
SEASON, HORIZON = 24, 48
NAIVE2 = (18.38287811775006, 2.395040006893023)  # sMAPE and MASE, see results.json


def forecast(train: Path, test: Path, overrides: list[str]) -> tuple[Windows, np.ndarray, np.ndarray]:
    """The windows, forecasts (N, 48) and quantiles (N, 48, Q) of one network."""
    files = {"data.path": str(train), "data.test": str(test)}
    task, recipe = recipe_of(str(HERE / "hourly.toml"), overrides, files)
    with tempfile.TemporaryDirectory() as made:
        train_run(task, recipe, Path(made) / "run")
        model = elman.Forecaster.load(Path(made) / "run")
    windows = task.read(recipe.data).test
    centre, quantiles = model.forecast(windows)
    return windows, centre[:, :, 0], quantiles[:, :, 0]


def judged(windows: Windows, centre: np.ndarray, quantiles: np.ndarray) -> dict[str, float]:
    past = [windows.panel.series[k].values[:end, 0] for k, end in windows.at.tolist()]
    truth = [windows.future(i)[:, 0] for i in range(len(windows))]
    low, high = (list(quantiles[..., LEVELS.index(level)]) for level in (0.025, 0.975))
    error = float(np.mean([smape(y, f) for y, f in zip(truth, centre)]))
    scaled = mase(truth, list(centre), past, SEASON).value
    return {
        "smape": error,
        "mase": scaled,
        "owa": owa(error, scaled, *NAIVE2),
        "msis": msis(truth, low, high, past, SEASON, 0.95).value,
        "covered": float(np.mean([(y >= a) & (y <= b) for y, a, b in zip(truth, low, high)])),
    }


def without_the_last(train: Path, folder: Path) -> tuple[Path, Path]:
    """The past but for its last 48 hours, and these: to choose settings by."""
    with gzip.open(train, "rt", encoding="utf-8") as file:
        names, *rows = [[cell for cell in row if cell] for row in csv.reader(file)]
    parts = folder / "train.csv", folder / "test.csv"
    for path, cut in zip(parts, (slice(1, -HORIZON), slice(-HORIZON, None))):
        some = [[row[0], *row[cut]] for row in rows]
        width = max(map(len, some))
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([names[:width], *([*row, *[""] * (width - len(row))] for row in some)])
    return parts


def main(folder: Path, overrides: list[str], held_out: bool) -> dict[str, float]:
    train, test = folder / "Hourly-train.csv.gz", folder / "Hourly-test.csv.gz"
    started, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as made:
        if held_out:
            train, test = without_the_last(train, Path(made))
        told = forecast(train, test, overrides)
    took = {"minutes": (time.perf_counter() - started) / 60, "cpu_minutes": (time.process_time() - cpu) / 60}
    return {**judged(*told), **took}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=Path("../shared/data/m4"))
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--held-out", action="store_true", help="forecast the last 48 hours of the past instead")
    asked = parser.parse_args()
    found = main(asked.data, asked.set, asked.held_out)
    if not asked.held_out:
        (HERE / "network.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
