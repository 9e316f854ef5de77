"""M4 Hourly (Makridakis et al. 2020): 414 series, 48 hours ahead; what needs no network.

    python benchmarks/m4/run.py ../shared/data/m4

Published: seasonal naive 13.91 / 1.193 (sMAPE / MASE), Naive2 18.38 / 2.395, the winner (Smyl's dilated LSTM with
exponential smoothing) 9.33 / .893, OWA .440; MSIS of 95 % intervals: ETS 17.49, the winner 7.93.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import time
from pathlib import Path

import numpy as np

from elman.forecasting import naive
from elman.forecasting.conformal import residual_quantiles
from elman.forecasting.point_errors import mase, msis, owa, seasonal_scale, smape
from elman.forecasting.window_linear import WindowLinear, fit_window_linear

HERE = Path(__file__).parent
HORIZON, SEASON, LEVEL = 48, 24, 0.95
WINDOWS = (48, 168, 336)  # hours that the linear model reads: one is chosen on the last two days of the past
HELD_BACK = 5  # stretches of 48 hours at the end of the past, which tell how wide intervals are


def rows(path: Path) -> list[np.ndarray]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [np.array([float(value) for value in row[1:] if value]) for row in list(csv.reader(file))[1:]]


def linear(past: list[np.ndarray], window: int) -> WindowLinear:
    """One model of all series, each in its own scale."""
    return fit_window_linear([(one / unit(one))[:, None] for one in past], window, HORIZON)


def unit(past: np.ndarray) -> float:
    """What the seasonal naive forecast misses; of a series that it does not, the spread."""
    scale = seasonal_scale(past, SEASON)
    return scale if np.isfinite(scale) else float(past.std()) or 1.0


def forecast(model: WindowLinear, past: list[np.ndarray]) -> list[np.ndarray]:
    """No lower than the series ever was: most are counts above 0, of which sMAPE asks."""
    found = [unit(one) * model.predict((one / unit(one))[None, -len(model.weights) :])[0] for one in past]
    return [np.maximum(f, one.min()) for f, one in zip(found, past)]


def of_logarithms(past: list[np.ndarray], window: int) -> list[np.ndarray]:
    """The same model of the logarithms, each series in units of its spread: what is small counts as what is large."""
    logs = [np.log(one) for one in past]
    units = [max(float(one.std()), 1e-3) for one in logs]
    model = fit_window_linear([(one / u)[:, None] for one, u in zip(logs, units)], window, HORIZON)
    found = [np.exp(u * model.predict((one / u)[None, -window:])[0]) for one, u in zip(logs, units)]
    return [np.clip(f, one.min(), one.max()) for f, one in zip(found, past)]


def chosen(past: list[np.ndarray]) -> int:
    """The window with the least MASE on the last 48 hours of the past, by models that have not seen them."""
    before, after = [one[:-HORIZON] for one in past], [one[-HORIZON:] for one in past]
    errors = {w: mase(after, forecast(linear(before, w), before), before, SEASON).value for w in WINDOWS}
    print("MASE on the last 48 hours of the past, by window:", errors)
    return min(errors, key=lambda w: errors[w])


def intervals(
    past: list[np.ndarray], points: list[np.ndarray], window: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Points and quantiles of what a model of before missed in five stretches of 48 hours, in units of each."""
    cut = HELD_BACK * HORIZON
    model = linear([one[:-cut] for one in past], window)
    missed = []
    for k in range(HELD_BACK):
        ends = [len(one) - cut + k * HORIZON for one in past]
        known = [one[:end] for one, end in zip(past, ends)]
        found = forecast(model, known)
        missed += [(one[end : end + HORIZON] - f) / unit(before)
                   for one, end, f, before in zip(past, ends, found, known)]  # fmt: skip
    low, high = residual_quantiles(np.stack(missed), np.array([(1 - LEVEL) / 2, (1 + LEVEL) / 2])).T
    return [f + unit(one) * low for f, one in zip(points, past)], [f + unit(one) * high for f, one in zip(points, past)]


def main(folder: Path) -> dict[str, object]:
    past, truth = rows(folder / "Hourly-train.csv.gz"), rows(folder / "Hourly-test.csv.gz")
    found: dict[str, dict[str, float]] = {}

    def judge(name: str, points: list[np.ndarray], started: float) -> None:
        error = float(np.mean([smape(y, f) for y, f in zip(truth, points)]))
        found[name] = {"smape": error, "mase": mase(truth, points, past, SEASON).value,
                       "seconds": time.perf_counter() - started}  # fmt: skip

    for name, function in (("seasonal naive", naive.seasonal_naive), ("Naive2", naive.naive2)):
        started = time.perf_counter()
        judge(name, [function(one, HORIZON, SEASON) for one in past], started)
    started = time.perf_counter()
    window = chosen(past)
    points = forecast(linear(past, window), past)
    judge("linear", points, started)
    low, high = intervals(past, points, window)
    started = time.perf_counter()
    judge("linear, of logarithms", logarithms := of_logarithms(past, window), started)
    judge("mean of both", [(a + b) / 2 for a, b in zip(points, logarithms)], started)
    found["linear"] |= {
        "window": window,
        "msis": msis(truth, low, high, past, SEASON, LEVEL).value,
        "coverage": float(np.mean([(y >= a) & (y <= b) for y, a, b in zip(truth, low, high)])),
    }
    for row in found.values():
        row["owa"] = owa(row["smape"], row["mase"], found["Naive2"]["smape"], found["Naive2"]["mase"])
    return dict(found)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=Path("../shared/data/m4"))
    results = main(parser.parse_args().data)
    (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))
