"""What is known beside a series: it is read, measured by the past, and nothing of it is known too early."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

import elman
from elman.config.settings import DataSettings
from elman.errors import InputError
from elman.tasks.forecast.estimator import Forecaster as Plain
from elman.tasks.forecast.task import TASK

SMALL: dict[str, Any] = {
    "hidden": 16, "epochs": 8, "rate": 0.015, "batch_size": 8, "context": 8, "season": 1, "segment": 4, "dropout": 0.0,
    "horizon": 4, "classical": 0, "level": "none",
}  # fmt: skip
DRAW = np.random.default_rng(0)
Z = DRAW.normal(size=320)
Y = 20 + 3 * Z + 0.1 * DRAW.normal(size=320)  # nothing but the covariate explains it
N, H = 300, 4


def forecaster(**more: Any) -> elman.Forecaster:
    return elman.Forecaster(**{**SMALL, **more})


@pytest.fixture(scope="module")
def known() -> elman.Forecaster:
    return forecaster().fit(Y[:N], Z[:N])


# -- it is used


@pytest.mark.parametrize("form", ["segments", "direct", "latent", "window"])
def test_a_series_that_only_the_covariate_explains(form):
    model = forecaster(form=form).fit(Y[:N], Z[:N])
    ends = range(N, N + 12)
    off = [model.predict(X=Z[: t + H], y=Y[:t]) - Y[t : t + H] for t in ends]
    blind = [model.predict(X=np.concatenate([Z[:t], np.zeros(H)]), y=Y[:t]) - Y[t : t + H] for t in ends]
    assert np.sqrt(np.mean(np.square(off))) < 1.0  # of 3 that it varies by
    assert np.sqrt(np.mean(np.square(blind))) > 2.0


def test_what_is_known_as_the_values_are_leads_by_a_step():
    """y_{t+1} = 3 w_t: of a step ahead all is known, of the second nothing."""
    w = np.concatenate([Z[1:], [0.0]])
    model = forecaster(past=("x1",), horizon=1, epochs=8).fit(Y[:N], w[:N])
    ends = range(N, N + 15)
    off = [model.predict(X=w[:t], y=Y[:t])[0] - Y[t] for t in ends]
    assert np.sqrt(np.mean(np.square(off))) < 1.0
    assert model.predict().shape == (1,)  # and nothing of them has to be known ahead


def test_what_stays_tells_series_apart():
    """A pulse of 1 is followed by four steps of 4 in a series of the kind `up`, of -4 in one of the kind `down`; later
    the other way about, so that level and spread tell nothing."""
    rows: dict[str, list[Any]] = {"id": [], "t": [], "y": [], "kind": []}
    cycle = np.repeat([0.0, 4.0, 0.0, -4.0], 4)
    for k in range(6):
        kind, sign = (("up", 1.0), ("down", -1.0))[k % 2]
        steps = np.tile(sign * cycle + (np.arange(16) == 3), 3) + DRAW.normal(0, 0.1, 48)
        for name, column in (("id", [f"s{k}"] * 48), ("t", range(48)), ("y", steps), ("kind", [kind] * 48)):
            rows[name].extend(column)
    model = forecaster(static="kind", context=4, epochs=30, rate=0.03, error="mse", form="direct").fit(rows)
    assert model.covariates_.static == ["kind is down", "kind is up"]
    history = [0.0, 0.0, 0.0, 1.0]
    same = {"t": [0, 1, 2, 3] * 2, "id": ["s0"] * 4 + ["s1"] * 4, "y": history * 2, "kind": ["up"] * 4 + ["down"] * 4}
    found = np.array(model.predict(y=same)["y"]).reshape(2, 4)
    assert (found[0] - found[1] > 3).all(), found
    other = model.predict(y={**same, "kind": ["sideways"] * 8})["y"]  # a kind never seen is none of them
    assert other[0] not in (found[0, 0], found[1, 0])


def test_the_calendar_is_read_if_asked_for():
    """Sundays are high, from a window of four days alone."""
    days = pd.date_range("2023-01-01", periods=200)
    y = pd.Series(np.where(days.day_of_week == 6, 5.0, 0.0) + DRAW.normal(0, 0.1, 200), index=days, name="sales")
    model = forecaster(calendar=True, context=4, horizon=7, epochs=12).fit(y[:150])
    assert model.covariates_.calendar[:2] == ["week sin 1", "week cos 1"]
    assert np.abs(model.predict(7) - y[150:157]).max() < 1.5
    assert np.abs(model.predict(14)[7:] - y[157:164]).max() < 1.5  # read in turn, the calendar goes on
    with pytest.raises(InputError, match=r"the frequency \(steps of 1\) resolves no day, week or year; leave it out"):
        forecaster(calendar=True).fit(Y)
    with pytest.raises(InputError, match="the rows are hourly, and what was learned is daily"):
        model.predict(y=pd.Series(np.ones(30), index=pd.date_range("2024-01-01", periods=30, freq="h"), name="sales"))


# -- nothing of it is known too early


def test_covariates_are_measured_by_the_training_part_alone():
    w = np.concatenate([Z[:200], 50 + 9 * Z[200:]])
    model = forecaster(epochs=1, validation=0.25).fit(Y, np.stack([w, Z], 1))
    end = round(320 * 0.75)
    np.testing.assert_allclose(model.covariates_.level, [w[:end].mean(), Z[:end].mean()])
    np.testing.assert_allclose(model.covariates_.spread, [w[:end].std(), Z[:end].std()])


def test_what_comes_after_the_cutoff_changes_nothing_before(tmp_path: Path):
    """Bit for bit, with later values and past covariates replaced by noise; a word that only comes later is none."""
    runs, wind = [], DRAW.normal(size=200)
    for name, noise in (("true", 0.0), ("noise", 1e3)):
        lines = ["t,y,price,wind,day"]
        for t in range(200):
            late = t >= 160
            y, w = Y[t] + late * noise * DRAW.normal(), wind[t] + late * noise * DRAW.normal()
            word = "fair" if t % 9 == 0 else "flood" if late and noise else ""
            lines.append(f"{t},{y:.6f},{Z[t]:.6f},{w:.6f},{word}")
        (tmp_path / f"{name}.csv").write_text("\n".join(lines))
        roles = {"time": "t", "target": "y", "known": "price,day", "past": "wind"}
        data = TASK.read(DataSettings(path=str(tmp_path / f"{name}.csv"), split=(120, 40, 40), horizon=4, **roles))
        runs.append((Plain(**{**SMALL, "epochs": 2}).fit_parts(data.train, data.valid), data))
    (one, data), (other, spoiled) = runs
    assert one.covariates_.known == other.covariates_.known == ["price", "day is fair"]
    mine, theirs = one.model_.state_dict(), other.model_.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in mine.items())
    assert one.covariates_.to_dict() == other.covariates_.to_dict()
    assert one.judge(data.valid) == other.judge(spoiled.valid)
    first = [model.forecast(part.test.take([0]))[1] for model, part in runs]
    np.testing.assert_array_equal(*first)
    assert one.judge(data.test) != other.judge(spoiled.test)


def test_a_backtest_hands_over_what_was_known_ahead():
    found = forecaster().backtest(Y, X=Z, count=8, stride=4)
    assert found.fits == 1
    assert found.scores["model"]["mase"] < 0.5 * found.scores["naive"]["mase"]
    with pytest.raises(InputError, match="'x1', which is to be known ahead, ends before"):
        forecaster().backtest(Y, X=Z[:310])


# -- later ones are asked for


def test_covariates_that_end_too_early_are_one_line(known):
    with pytest.raises(InputError, match=r"the covariates known ahead end 4 steps before the horizon of 4; add rows"):
        known.predict()
    with pytest.raises(InputError, match=r"end 1 step before the horizon of 3"):
        known.predict(3, X=Z[N : N + 2])
    with pytest.raises(InputError, match=r"'x1', which is to be known ahead, ends before the values do"):
        forecaster().fit(Y[:N], Z[: N - 5])


def test_fewer_steps_need_fewer_of_them_and_more_need_more(known):
    whole = known.predict(X=Z[N : N + H])
    np.testing.assert_allclose(known.predict(2, X=Z[N : N + 2]), whole[:2], rtol=1e-6)
    np.testing.assert_allclose(known.predict([2], X=Z[N : N + 2]), whole[1:2], rtol=1e-6)
    further = known.predict(11, X=Z[N : N + 11])
    np.testing.assert_allclose(further[:H], whole, rtol=1e-6)
    assert np.sqrt(np.mean((further - Y[N : N + 11]) ** 2)) < 1.0
    later = forecaster().fit(Y[:N], Z[: N + H])  # rows behind the last value are known ahead
    np.testing.assert_allclose(later.predict(), whole, rtol=1e-5)


def test_an_update_brings_its_covariates(known):
    from copy import copy

    model = copy(known)
    with pytest.raises(InputError, match="covariates of the new rows are missing; give them"):
        model.update(Y[N : N + 3])
    model.update(Y[N : N + 3], Z[N : N + 3 + H])
    assert model.cutoff == [N + 2]
    np.testing.assert_array_equal(model.predict(), known.predict(X=Z[: N + 3 + H], y=Y[: N + 3]))


# -- in tables


def test_tables_with_words_and_dates():
    """Holidays by name, in pandas, in polars and in a dictionary; beside the series and apart from it."""
    days = pd.date_range("2023-01-01", periods=130)
    holiday = np.where(np.arange(130) % 11 == 0, "Fair", np.where(np.arange(130) % 17 == 0, "Rest", ""))
    y = 10 + 5.0 * (holiday == "Fair") - 5.0 * (holiday == "Rest") + DRAW.normal(0, 0.1, 130)
    frame = pd.DataFrame({"day": days, "sales": y, "holiday": holiday})
    X = frame[["day", "holiday"]]
    model = forecaster(epochs=12, context=4).fit(frame[["day", "sales"]][:110], X[:110])
    assert model.covariates_.known == ["holiday is Fair", "holiday is Rest"]
    found = model.predict(X=X[110:114])
    assert list(found.columns) == ["day", "sales"]
    np.testing.assert_allclose(found["sales"], y[110:114], atol=1.5)
    assert holiday[110] == "Fair"

    whole = frame.assign(sales=frame["sales"].where(frame.index < 110))[:114]  # all in one table
    one = forecaster(epochs=12, context=4, known="holiday").fit(whole)
    np.testing.assert_allclose(one.predict()["sales"], found["sales"], rtol=1e-6)
    indexed = forecaster(epochs=12, context=4).fit(frame.set_index("day")["sales"][:110], X.set_index("day")[:110])
    series = indexed.predict(X=X.set_index("day")[110:114])
    assert isinstance(series, pd.Series)
    np.testing.assert_allclose(series, found["sales"], rtol=1e-6)
    other = model.predict(y=pl.from_pandas(frame[["day", "sales"]][:110]), X=pl.from_pandas(X[:114]))
    assert isinstance(other, pl.DataFrame)
    np.testing.assert_allclose(other["sales"], found["sales"], rtol=1e-6)
    nothing = {"day": list(days[110:114]), "holiday": [""] * 4}  # no word at all
    np.testing.assert_allclose(model.predict(X=nothing)["sales"], 10, atol=1.5)


def test_a_single_new_row_is_enough():
    """It has no frequency of its own, and none of its own spelling of dates."""
    days = [f"{day:%d/%m/%Y}" for day in pd.date_range("2023-01-01", periods=60)]
    frame = {"day": days[:50], "y": Y[:50].tolist(), "price": Z[:50].tolist()}
    model = forecaster(epochs=1, known="price").fit(frame)
    model.update({"day": days[50:51], "y": [Y[50]], "price": [Z[50]]})
    assert model.cutoff == [days[50]]
    found = model.predict(1, X={"day": days[51:52], "price": [Z[51]]})
    assert found["day"] == [days[51]]
    same = model.predict(1, X={"day": days[51:52], "price": [Z[51]]},
                         y={"day": days[:51], "y": Y[:51].tolist(), "price": Z[:51].tolist()})  # fmt: skip
    assert found["y"] == same["y"]


@pytest.mark.parametrize(
    ("X", "said"),
    [
        (np.full(N, np.inf), "an infinite value in column 'x1'"),
        (np.zeros((N, 2, 2)), "an array of shape"),
        (["a"] * N, "these are no numbers"),
        ([np.zeros(N)] * 2, "an array of shape|2 array for 1 series|'x1'"),
        (pd.DataFrame({"t": [f"w{i}" for i in range(N)]}), "300 different texts"),
    ],
)
def test_what_are_no_covariates_is_one_line(X, said):
    with pytest.raises(InputError, match=said) as error:
        forecaster().fit(Y[:N], X)
    assert "\n" not in str(error.value)


def test_what_is_missing_is_named(known):
    with pytest.raises(InputError, match="the series lack the covariate 'x1' that the model reads; they have none"):
        known.predict(y=Y[:50])
    with pytest.raises(InputError, match="unknown column 'price'"):
        forecaster(past="price").fit(Y[:N], Z[:N])
    with pytest.raises(InputError, match="an array has no column 'price'; give X, or a table"):
        forecaster(known="price").fit(Y[:N])
    days = pd.date_range("2023-01-01", periods=N)
    with pytest.raises(InputError, match="an array tells no times, which the series have"):
        forecaster().fit(pd.Series(Y[:N], index=days, name="y"), Z[:N])


def test_it_is_kept_with_its_covariates(known, tmp_path: Path):
    known.save(tmp_path / "run")
    again = elman.Forecaster.load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict(X=Z[: N + H], y=Y[:N]), known.predict(X=Z[N : N + H]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["covariates"]["known"].append("x2"), "2 covariates, and scales of another number"),
        (lambda d: d["covariates"].update(spread=[0.0]), "Expected `float` > 0"),
        (lambda d: d["covariates"].update(level=[float("1e300")]), "Expected `float` <= 1e\\+?30"),
        (lambda d: d["covariates"].update(known=[], level=[], spread=[]), "damaged"),
        (lambda d: d["covariates"].update(calendar=["week sin 1"]), "damaged"),
        (lambda d: d["covariates"].update(further=1), "damaged"),
        (lambda d: d["covariates"].update(past=3), "Expected `array`, got `int`"),
        (lambda d: d["parameters"].update(members=10**6), "1000000 layers"),
    ],
)
def test_a_run_whose_covariates_are_damaged_is_one_line(known, tmp_path: Path, change: Any, said: str):
    known.save(tmp_path / "run")
    path = tmp_path / "run" / "model.json"
    description = json.loads(path.read_text(encoding="utf-8"))
    change(description)
    path.write_text(json.dumps(description), encoding="utf-8")
    with pytest.raises(InputError, match=said) as error:
        elman.Forecaster.load(tmp_path / "run")
    assert "\n" not in str(error.value)
