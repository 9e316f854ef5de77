"""Forecasts of public series, each beside simple ones fitted in the same run.

    python benchmarks/forecast/run.py ett DATA [--seeds 3]    ETTh1 and ETTh2, 24 and 96 steps, standard split
    python benchmarks/forecast/run.py rolling                 AirPassengers and sunspots, beside the last season and ETS
    python benchmarks/forecast/run.py speed                   an epoch beside PyTorch; 500 series beside a loop of ETS

DATA is the folder that holds `ETTh1.csv` and `ETTh2.csv`. Each prints what it finds as JSON lines. M4 Hourly is in
`benchmarks/m4`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import elman
from elman.data.windows import origins
from elman.forecasting import classical, naive, point_errors
from elman.tasks.find import recipe_of
from elman.tasks.forecast.given import panel_of
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


def ett(folder: Path, seeds: int, names: list[str], horizons: list[int]) -> None:
    """Published, multivariate, no window dropped: 24 steps SCINet .321; 96 steps SegRNN .368, DLinear .386."""
    for name in names:
        for horizon in horizons:
            settings = [f"data.horizon={horizon}", "data.split=8640,2880,2880", f"training.seeds={seeds}"]
            found = trained(settings, path=str(folder / f"{name}.csv"))
            test, beside = found["test"], found["baseline"]
            held = test["coverage_80_by_horizon"]
            say(
                data=name, horizon=horizon, mse=[run["mse"] for run in found.get("seeds", {"runs": [test]})["runs"]],
                mae=test["mae"], coverage_80=test["coverage_80"], coverage_80_least=min(held),
                coverage_80_most=max(held), linear=beside["mse"], naive=beside["naive"]["mse"],
                seasonal=beside["seasonal"]["mse"], minutes=round(found["seconds"] / 60, 1),
                cpu_minutes=round(found["cpu"] / 60, 1),
            )  # fmt: skip


def rolling() -> None:
    """Short series: each origin's forecast from what was known there, beside simple models fitted anew at each."""
    from statsmodels.datasets import sunspots

    passengers = np.loadtxt(HERE / "airpassengers.csv", delimiter=",", skiprows=1, usecols=1)
    spots = sunspots.load_pandas().data["SUNACTIVITY"].to_numpy()
    for name, y, sizes, count, every in (
        ("AirPassengers", passengers, {"horizon": 12, "season": 12, "log": True, "epochs": 60}, 48, 4),
        ("sunspots", spots, {"horizon": 5, "season": 11, "context": 33, "epochs": 20}, 100, 10),
    ):
        started = time.perf_counter()
        found = elman.Forecaster(**FEW, **sizes).backtest(y, count=count, stride=1)
        for rival, scores in found.scores.items():
            more = {key: scores[key] for key in ("coverage_80", "coverage_80_by_horizon") if key in scores}
            say(data=name, model=rival, mase=scores["mase"], **more)
        say(data=name, said=found.said(), fits=found.fits, seconds=round(time.perf_counter() - started))
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


class Plain(nn.Module):
    """The same network in PyTorch's own layers."""

    def __init__(self, hidden: int, w: int, ahead: int, channels: int) -> None:
        super().__init__()
        self.embed, self.gru, self.out = nn.Linear(w, hidden), nn.GRU(hidden, hidden), nn.Linear(hidden, w)
        self.place = nn.Parameter(torch.randn(ahead, hidden // 2))
        self.channel = nn.Parameter(torch.randn(channels, hidden // 2))
        self.w, self.ahead = w, ahead

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        T, B, C = x.shape
        level = x[-1]
        rows = (x - level).permute(1, 2, 0).reshape(B * C, T // self.w, self.w).transpose(0, 1)
        _, h = self.gru(torch.relu(self.embed(rows)))
        which = torch.arange(C).repeat(B)
        told = self.channel[which][:, None].expand(-1, self.ahead, -1)
        queries = torch.cat([self.place.expand(B * C, -1, -1), told], -1)
        y, _ = self.gru(queries.reshape(1, B * C * self.ahead, -1), h.repeat_interleave(self.ahead, 1))
        return self.out(y).reshape(B, C, -1).permute(2, 0, 1) + level


def speed() -> None:
    torch.manual_seed(0)
    y = np.random.default_rng(0).normal(size=(2000, 7)).cumsum(0)
    sizes = {"hidden": 256, "horizon": 96, "context": 96, "segment": 48, "season": 24}
    model = elman.Forecaster(**sizes, epochs=1, batch_size=32, validation=0)
    started = time.perf_counter()
    model.fit(y)
    ours = time.perf_counter() - started
    read = model.encoded(origins(panel_of(y), [96], 96))
    plain = Plain(256, 48, 2, 7)
    optimizer = torch.optim.AdamW(plain.parameters(), 1e-3)
    order = torch.randperm(len(read)).tolist()
    started = time.perf_counter()
    for start in range(0, len(order), 32):
        batch = read.batch(order[start : start + 32])
        optimizer.zero_grad()
        loss = (plain(batch.sequences.data) - batch.future).abs().mean()
        loss.backward()
        nn.utils.clip_grad_norm_(plain.parameters(), 1.0)
        optimizer.step()
    say(what="an epoch of 1,809 windows of 7 channels", ours=ours, pytorch=time.perf_counter() - started)
    draw = np.random.default_rng(1)
    months = 2 * np.pi * np.arange(200) / 12
    many = [20 + 5 * np.sin(months + draw.uniform(0, 6)) + draw.normal(size=200) for _ in range(500)]
    started = time.perf_counter()
    elman.Forecaster(horizon=12, context=48, season=12, hidden=64, epochs=2, batch_size=256).fit(many).predict()
    ours = time.perf_counter() - started
    started = time.perf_counter()
    for past in many[:20]:
        classical.ets(past, 12, 12)
    say(what="500 series of 200 points", ours=ours, ets=25 * (time.perf_counter() - started), ets_reckoned_from=20)
    assert naive.seasonal_naive(many[0], 12, 12).shape == (12,)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ett", "rolling", "speed"])
    parser.add_argument("data", type=Path, nargs="?", default=Path())
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--names", nargs="+", default=["ETTh1", "ETTh2"])
    parser.add_argument("--horizons", type=int, nargs="+", default=[24, 96])
    asked = parser.parse_args()
    if asked.what == "ett":
        ett(asked.data, asked.seeds, asked.names, asked.horizons)
    else:
        {"rolling": rolling, "speed": speed}[asked.what]()
