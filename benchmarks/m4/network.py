"""M4 Hourly by one network for all series: trains the recipe beside it, and judges as the competition did.

    python benchmarks/m4/network.py ../shared/data/m4 [--set training.steps=1000]

`elman train benchmarks/m4/hourly.toml --data Hourly-train.csv.gz --test Hourly-test.csv.gz` trains the same RUN.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np

import elman
from elman.forecasting.point_errors import mase, msis, owa, smape
from elman.models.forecast_outputs import LEVELS
from elman.tasks.find import recipe_of
from elman.tasks.frame import train_run

HERE = Path(__file__).parent
SEASON = 24
NAIVE2 = (18.38287811775006, 2.395040006893023)  # sMAPE and MASE, see results.json


def main(folder: Path, overrides: list[str]) -> dict[str, float]:
    files = {"data.path": folder / "Hourly-train.csv.gz", "data.test": folder / "Hourly-test.csv.gz"}
    task, recipe = recipe_of(str(HERE / "hourly.toml"), overrides, {key: str(path) for key, path in files.items()})
    started, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as made:
        run = Path(made) / "run"
        train_run(task, recipe, run)
        model = elman.Forecaster.load(run)
    took = {"minutes": (time.perf_counter() - started) / 60, "cpu_minutes": (time.process_time() - cpu) / 60}
    windows = task.read(recipe.data).test
    centre, quantiles = (part[:, :, 0] for part in model.forecast(windows))
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
        **took,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?", type=Path, default=Path("../shared/data/m4"))
    parser.add_argument("--set", action="append", default=[])
    asked = parser.parse_args()
    found = main(asked.data, asked.set)
    (HERE / "network.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
