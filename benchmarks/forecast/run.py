"""Forecasts of public series, each beside simple ones fitted in the same run.

    python benchmarks/forecast/run.py ett DATA [--seeds 3]    ETTh1 and ETTh2, 24 and 96 steps, standard split
                                  [--set KEY=VALUE]           with other settings, as training.precision=bf16
    python benchmarks/forecast/run.py rolling [--names NAME]  AirPassengers and others, beside the last season and ETS

DATA is the folder that holds `ETTh1.csv` and `ETTh2.csv`. Each prints what it finds as JSON lines. M4 Hourly is in
`benchmarks/m4`, how long it takes in `speed.py`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import elman
from elman.forecasting import classical, point_errors
from elman.tasks.find import recipe_of
from elman.tasks.frame import train_run

HERE = Path(__file__).parent
FEW = {"hidden": 64, "batch_size": 16, "rate": 0.003, "classical": 0}  # as the task decides where windows are few


def say(**found: Any) -> None:
    print(json.dumps(found), flush=True)


def trained(overrides: list[str], **data: str) -> dict[str, Any]:
    task, recipe = recipe_of("forecast", overrides, {f"data.{key}": value for key, value in data.items()})
    with tempfile.TemporaryDirectory() as folder:
        started, cpu = time.perf_counter(), time.process_time()
        metrics = train_run(task, recipe, Path(folder) / "run").metrics
        return {**metrics, "seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}


def ett(folder: Path, seeds: int, names: list[str], horizons: list[int], more: list[str]) -> None:
    """Published, multivariate, no window dropped: 24 steps SCINet .321; 96 steps SegRNN .368, DLinear .386."""
    for name in names:
        for horizon in horizons:
            settings = [f"data.horizon={horizon}", "data.split=8640,2880,2880", f"training.seeds={seeds}", *more]
            found = trained(settings, path=str(folder / f"{name}.csv"))
            test, beside = found["test"], found["baseline"]
            held = test["coverage_80_by_horizon"]
            say(
                data=name, horizon=horizon, settings=more,
                mse=[run["mse"] for run in found.get("seeds", {"runs": [test]})["runs"]],
                mae=test["mae"], coverage_80=test["coverage_80"], coverage_80_least=min(held),
                coverage_80_most=max(held), linear=beside["mse"], naive=beside["naive"]["mse"],
                seasonal=beside["seasonal"]["mse"], minutes=round(found["seconds"] / 60, 1),
                cpu_minutes=round(found["cpu"] / 60, 1),
            )  # fmt: skip


def series() -> list[tuple[str, np.ndarray, dict[str, Any], int, int, int]]:
    """Names, values, sizes, origins, how many of them from one fit to the next (0: one fit), and at every how many ETS
    and its like are fitted. Of the last nothing was looked at while bands were worked upon."""
    from statsmodels.datasets import co2, elnino, sunspots

    passengers = np.loadtxt(HERE / "airpassengers.csv", delimiter=",", skiprows=1, usecols=1)
    months = {"horizon": 12, "season": 12, "refit": True}
    return [
        ("AirPassengers", passengers, {**months, "log": True, "epochs": 60}, 84, 12, 7),
        ("sunspots", sunspots.load_pandas().data["SUNACTIVITY"].to_numpy(),
         {"horizon": 5, "season": 11, "context": 33, "epochs": 20}, 100, 0, 10),
        ("carbon dioxide", co2.load_pandas().data["co2"].resample("MS").mean().interpolate().to_numpy(),
         {**months, "epochs": 20}, 100, 12, 10),
        ("El Nino", elnino.load_pandas().data.iloc[:, 1:].to_numpy().ravel(), {**months, "epochs": 20}, 100, 0, 10),
    ]  # fmt: skip


def rolling(names: list[str]) -> None:
    """Short series: each origin's forecast from what was known there, beside simple models fitted anew at each."""
    for name, y, sizes, count, refit, every in series():
        if name not in names:
            continue
        started = time.process_time()
        found = elman.Forecaster(**FEW, **sizes).backtest(y, count=count, stride=1, refit=refit)
        for rival, scores in found.scores.items():
            more = {key: scores[key] for key in ("coverage_80", "coverage_80_by_horizon") if key in scores}
            say(data=name, model=rival, mase=scores["mase"], **more)
        say(data=name, said=found.said(), fits=found.fits, cpu=round(time.process_time() - started))
        horizon, season = int(sizes["horizon"]), int(sizes["season"])
        some = range(0, count, every)
        ends = [len(y) - horizon - count + 1 + n for n in some]
        pasts, truth = [y[:end] for end in ends], [y[end : end + horizon] for end in ends]
        forecasts = {"model": [found.forecasts[n, :, 0] for n in some]}
        forecasts |= {
            model.__name__: [model(past, horizon, season) for past in pasts]
            for model in (classical.ets, classical.theta, classical.autoregression)
        }
        for model, said in forecasts.items():
            say(data=name, every=every, model=model, mase=point_errors.mase(truth, said, pasts, season).value)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ett", "rolling"])
    parser.add_argument("data", type=Path, nargs="?", default=Path())
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--names", nargs="+", help="of the series")
    parser.add_argument("--horizons", type=int, nargs="+", default=[24, 96])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the recipe, for ett")
    asked = parser.parse_args()
    if asked.what == "ett":
        ett(asked.data, asked.seeds, asked.names or ["ETTh1", "ETTh2"], asked.horizons, asked.set)
    else:
        rolling(asked.names or [name for name, *_ in series()])
