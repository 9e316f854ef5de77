"""What of prices can be forecast, and what cannot: the variance of two indices, and the direction of fifty stocks.

    python benchmarks/stocks/run.py volatility
    python benchmarks/stocks/run.py movement ../shared/data/stocks/kdd17

`volatility` is about the packaged indices; `movement` about KDD17 (50 stocks, 2007 to 2016) in the published split:
train to 2014, valid 2015, test 2016. Both write into results.json.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

import elman
from elman.data.formats import read_table
from elman.data.parts import packaged_folder
from elman.forecasting import volatility as vol
from elman.forecasting.columns import Roles
from elman.forecasting.comparison import diebold_mariano, paired_difference
from elman.forecasting.conformal import rolling_margins
from elman.forecasting.movement import Movement, compared_earnings, earned, movement
from elman.forecasting.panel import read_panel
from elman.forecasting.probability import coverage

HERE = Path(__file__).parent
HORIZON = 5
BEGIN, STRIDE = 2500, 5  # an origin a week from the end of 2008 on
FIRST = 55  # of them tell how wide intervals are; the test is 2010 to 2018
REFIT = 4  # weeks between fits of GARCH, which is carried on in between
WINDOW = 5  # days that are read to tell a direction, as published
MISSING = -123321


# -- volatility -------------------------------------------------------------------------------------------------------


def volatility() -> dict[str, object]:
    """QLIKE of each rival, one and five days ahead; what a fit on everything would have seemed to gain; coverage."""
    panel = read_panel(read_table(packaged_folder("stocks") / "train.csv.xz").columns,
                       Roles(target=["return", "log_variance"]))  # fmt: skip
    found: dict[str, object] = {}
    for series in panel:
        returns, variance = series.values[:, 0], np.exp(series.values[:, 1])
        ends = np.arange(BEGIN, len(series) - HORIZON, STRIDE)
        truth = np.stack([variance[ends + h] for h in range(HORIZON)], 1)
        forecasts = rivals(returns, variance, ends)
        test = slice(FIRST, None)
        losses = {name: vol.qlike(truth, one)[test] for name, one in forecasts.items()}
        rows: dict[str, object] = {}
        for name, loss in losses.items():
            row = {f"qlike_{h + 1}": float(loss[:, h].mean()) for h in (0, HORIZON - 1)}
            for h in (0, HORIZON - 1) if name != "har" else ():
                less = paired_difference(loss[:, h], losses["har"][:, h], block=4)
                row |= {f"less_har_{h + 1}": [less.mean, less.low, less.high],
                        f"dm_{h + 1}": diebold_mariano(loss[:, h], losses["har"][:, h]).p}  # fmt: skip
            rows[name] = row
        point = np.log(forecasts["har"])
        margin = rolling_margins(point, point, np.log(truth), 0.8, stride=STRIDE, rate=0.02)
        inside = coverage(np.log(truth)[test], (point - margin)[test], (point + margin)[test], 0.8)
        rows["coverage of 80 %"] = inside.by_horizon.tolist()
        rows["origins"] = len(ends) - FIRST
        found[series.name] = rows
    return found


def rivals(returns: np.ndarray, variance: np.ndarray, ends: np.ndarray) -> dict[str, np.ndarray]:
    """(N, H) of each, from the past of each origin alone; and of HAR and GARCH that were fitted on everything."""
    known = returns[1:]  # the first day has no return
    every, all_har = vol.fit_garch(known), vol.har(variance, HORIZON)
    assert np.isfinite(all_har).all()
    found: dict[str, list[np.ndarray]] = {name: [] for name in ("har", "garch", "ewma", "month", "garch of everything")}
    model = every
    for n, end in enumerate(ends):
        past, r = variance[:end], known[: end - 1]
        if n % REFIT == 0:
            model = vol.fit_garch(r)
        level = past[-1000:].mean() / r[-1000:].var()  # a range leaves the night out, a return does not
        found["har"].append(vol.har(past, HORIZON))
        found["garch"].append(level * model.forecast(r, HORIZON))
        found["ewma"].append(level * vol.ewma(r, HORIZON))
        found["month"].append(np.full(HORIZON, past[-22:].mean()))
        found["garch of everything"].append(level * every.forecast(r, HORIZON))
    return {name: np.array(rows) for name, rows in found.items()}


# -- movement ---------------------------------------------------------------------------------------------------------


def movement_of_stocks(folder: Path) -> dict[str, object]:
    """Accuracy and Matthews correlation of a GRU, a linear model and always up, and what trading would have earned.

    Which days moved enough to be judged is known afterwards only: the strategy forecasts and holds on all days.
    """
    dates = (folder / "trading_dates.csv").read_text().split()
    tables = [np.loadtxt(file, delimiter=",") for file in sorted((folder / "ourpped").glob("*.csv"))]
    train, valid, test = (bounds(dates, *part) for part in (("2007", "2015"), ("2015", "2016"), ("2016", "2017")))
    parts = [samples(tables, days) for days in (train, valid)]
    x, y, where = samples(tables, test, every=True)
    rows, columns = np.array([day - test[0] for _, day in where]), np.array([k for k, _ in where])
    truth, gains = np.full((2, test[1] - test[0], len(tables)), np.nan)
    truth[rows, columns] = y
    price = np.stack([table[test[0] - 1 : test[1], -1] for table in tables], 1)
    gains = price[1:] / price[:-1] - 1
    found: dict[str, object] = {"samples": [len(part[0]) for part in parts], "judged": int((y != 0).sum())}
    for name, learn in (("gru", gru), ("linear", linear)):
        started = time.perf_counter()
        probability = np.full(truth.shape, 0.5)
        probability[rows, columns] = learn(*parts)(x)
        judged = movement(truth, probability - 0.5)
        held = (probability > 0.5).astype(float)
        _, words = compared_earnings(earned(held, gains), earned(np.ones_like(gains), gains))
        found[name] = told(judged) | {"seconds": time.perf_counter() - started, "strategy": words}
        print(name, judged.said(), words, sep="\n")
    found["always up"] = told(movement(truth, np.ones_like(truth)))
    return found


def told(judged: Movement) -> dict[str, object]:
    return {"accuracy": [judged.accuracy.value, judged.accuracy.low, judged.accuracy.high],
            "mcc": [judged.mcc.value, judged.mcc.low, judged.mcc.high], "count": judged.count}  # fmt: skip


def bounds(dates: list[str], begin: str, end: str) -> tuple[int, int]:
    days = [i for i, day in enumerate(dates) if begin <= day < end]
    return days[0], days[-1] + 1


Samples = tuple[list[np.ndarray], np.ndarray, list[tuple[int, int]]]
Answer = Callable[[list[np.ndarray]], np.ndarray]  # windows -> (N,) the probability of a rise


def samples(tables: list[np.ndarray], days: tuple[int, int], every: bool = False) -> Samples:
    """Of each stock and day of a part whose movement is told (up by .55 % or more, down by .5 %), or of every day: the
    features of the five days before, the direction (0: not told), and where."""
    x, y, where = [], [], []
    for k, table in enumerate(tables):
        for day in range(max(days[0], WINDOW), days[1]):
            window = table[day - WINDOW : day, :-2]
            label = table[day, -2] if abs(table[day, -2]) == 1 else 0.0
            if (label or every) and not (window < MISSING + 1).any():
                x.append(window.astype(np.float32))
                y.append(label)
                where.append((k, day))
    return x, np.array(y), where


def gru(train: Samples, valid: Samples) -> Answer:
    """One layer of 32, as it stands: settings were not searched."""
    model = elman.Classifier(cell="gru", hidden=32, bidirectional=False, pooling="last", dropout=0.3, epochs=5,
                             batch_size=1024, rate=1e-3, validation=0.1)  # fmt: skip
    model.fit(train[0] + valid[0], np.concatenate([train[1], valid[1]]).astype(int).tolist())
    return lambda x: np.asarray(model.predict_proba(x))[:, 1]


def linear(train: Samples, valid: Samples) -> Answer:
    """Logistic regression on the five days side by side, its strength chosen on 2015."""
    fits = [LogisticRegression(C=c, max_iter=300).fit(flat(train[0]), train[1]) for c in (1e-4, 1e-3, 1e-2)]
    best = max(fits, key=lambda fit: float(fit.score(flat(valid[0]), valid[1])))
    return lambda x: np.asarray(best.predict_proba(flat(x)))[:, 1]


def flat(windows: list[np.ndarray]) -> np.ndarray:
    return np.stack(windows).reshape(len(windows), -1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["volatility", "movement"])
    parser.add_argument("data", nargs="?", type=Path, default=Path("../shared/data/stocks/kdd17"))
    given = parser.parse_args()
    results = volatility() if given.what == "volatility" else movement_of_stocks(given.data)
    path = HERE / "results.json"
    kept = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(kept | {given.what: results}, indent=1) + "\n")
    print(json.dumps(results, indent=1))
