"""Series through the commands: from a table with a time column to a forecast that continues it."""

from __future__ import annotations

import csv
import datetime
import json
from pathlib import Path

import numpy as np
import pytest

SETTINGS = ("data.horizon=6", "data.split=200,40,40", "model.hidden=8", "training.epochs=2", "training.batch_size=32",
            "forecast.context=24", "forecast.classical=0")  # fmt: skip
FIRST = datetime.datetime(2024, 3, 1)


def table(path: Path, rows: int = 300) -> Path:
    t = np.arange(rows)
    a, b = 10 + 3 * np.sin(2 * np.pi * t / 24), 100 - 20 * np.cos(2 * np.pi * t / 24)
    lines = [f"{FIRST + datetime.timedelta(hours=int(i))},{x:.4f},{y:.4f}" for i, x, y in zip(t, a, b)]
    path.write_text("\n".join(["when,load,price", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from elman.cli import app as cli

    folder = tmp_path_factory.mktemp("series")
    words = ["train", "forecast", "--data", str(table(folder / "hours.csv")), "--out", str(folder / "run")]
    with pytest.raises(SystemExit) as end:
        cli.main([*words, *(f"--set={key}" for key in SETTINGS)])
    assert not end.value.code
    return folder / "run"


def test_the_run(trained, call):
    metrics = json.loads((trained / "metrics.json").read_text(encoding="utf-8"))
    for scores in (metrics["test"], metrics["baseline"], metrics["baseline"]["naive"], metrics["baseline"]["seasonal"]):
        assert {"mse", "mae", "mase", "smape"} <= scores.keys()
    assert metrics["test"]["n"] == 40 - 6 + 1  # no window is dropped
    assert {"coverage_80", "width_80", "coverage_95"} <= metrics["test"].keys()
    assert len(metrics["test"]["mse_by_horizon"]) == 6
    assert metrics["baseline"]["seasonal"]["mse"] < 1e-6
    assert json.loads((trained / "proof.json").read_text(encoding="utf-8"))["ok"]
    code, out, _ = call("verify", trained)
    assert code == 0, out
    page = (trained / "report.html").read_text(encoding="utf-8")
    for title in (
        "Forecasts",
        "Step by step ahead",
        "What is left in the errors",
        "How often bands held",
        "Among the worst",
    ):
        assert title in page
    assert str(trained.parent) not in page


def test_it_goes_on_behind_the_last_row_of_any_file(trained, call, tmp_path):
    recent, out = table(tmp_path / "recent.csv", 290), tmp_path / "forecast.csv"
    code, _, err = call("predict", trained, "--data", recent, "--horizon", "4", "--out", out)
    assert code == 0, err
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert list(rows[0]) == ["when", "load", "load_lower", "load_upper", "price", "price_lower", "price_upper"]
    assert [row["when"] for row in rows] == [str(FIRST + datetime.timedelta(hours=290 + h)) for h in range(4)]
    for row in rows:
        assert float(row["load_lower"]) <= float(row["load"]) <= float(row["load_upper"])
        assert 50 < float(row["price"]) < 150
    narrow = call("predict", trained, "--data", recent, "--horizon", "4", "--set", "answer.level=0.5", "--json")[1]
    wide = call("predict", trained, "--data", recent, "--horizon", "4", "--set", "answer.level=0.95", "--json")[1]
    width = [[r["load_upper"] - r["load_lower"] for r in json.loads(j)["predictions"]] for j in (narrow, wide)]
    assert all(n < w for n, w in zip(*width))


def test_a_forecast_outside_its_own_band_is_told(trained, call, tmp_path, monkeypatch):
    """Bands follow the last errors; a model that is off by more than they are wide says a number that it denies."""
    from elman.tasks.forecast.estimator import Forecaster

    recent, forecast = table(tmp_path / "recent.csv", 60), Forecaster.forecast

    for far in (0, 2):

        def moved(self, windows, steps=0, far=far):
            _, quantiles = forecast(self, windows, steps)
            centre = np.median(quantiles, -1)
            centre[:, :far, 0] = quantiles[:, :far, 0].max(initial=0) + 1
            return centre, quantiles

        monkeypatch.setattr(Forecaster, "forecast", moved)
        code, _, err = call("predict", trained, "--data", recent)
        assert code == 0
        assert ("2 of 12 forecasts lie outside their own bands" in err) == (far > 0)


def test_columns_may_stand_in_another_order(trained, call, tmp_path):
    """Whether to be continued or to judge by, all rows or a part of them."""
    rows = (trained.parent / "hours.csv").read_text(encoding="utf-8").splitlines()
    turned = tmp_path / "turned.csv"
    turned.write_text("\n".join(",".join(row.split(",")[k] for k in (2, 0, 1)) for row in rows))
    for more in ((), ("--set", "data.split=200,40,40"), ("--set", "data.target=price,load")):
        found = [
            json.loads(call("evaluate", trained, "--data", path, *more, "--json")[1])
            for path in (trained.parent / "hours.csv", turned)
        ]
        assert found[0]["channels"] == found[1]["channels"]
    found = [
        json.loads(call("predict", trained, "--data", path, "--json")[1])["predictions"][0]
        for path in (trained.parent / "hours.csv", turned)
    ]
    assert found[0] == found[1]


def test_a_horizon_is_a_time_too_and_may_be_longer(trained, call, tmp_path):
    recent = table(tmp_path / "recent.csv", 60)
    code, out, err = call("predict", trained, "--data", recent, "--horizon", "1 day")
    assert code == 0, err
    assert len(out.splitlines()) == 25
    assert "24 steps are more than the 6 learned" in err


def test_it_is_judged_on_other_files(trained, call):
    again = trained.parent / "hours.csv"
    code, out, err = call("evaluate", trained, "--data", again, "--set", "data.split=200,40,40", "--json")
    assert code == 0, err
    metrics = json.loads((trained / "metrics.json").read_text(encoding="utf-8"))
    found = json.loads(out)
    assert {k: found[k] for k in ("mse", "coverage_80", "n")} == pytest.approx(
        {k: metrics["test"][k] for k in ("mse", "coverage_80", "n")}
    )
    code, out, err = call("evaluate", trained, "--data", again, "--json")
    assert json.loads(out)["n"] == 300 - 24 - 6 + 1


def test_what_cannot_be_is_one_line(trained, call, tmp_path):
    whole = table(tmp_path / "t.csv")
    for words, said in (
        (("predict", trained, "1 2 3"), "this RUN forecasts 2 channels"),
        (("predict", trained, "--data", whole, "--horizon", "soon"), "'soon' is no horizon"),
        (("predict", trained, "--data", whole, "--set", "answer.level=2"), "level is 2"),
        (
            ("train", "forecast", "--data", whole, "--set", "data.horizon=400", "--out", tmp_path / "r"),
            "steps, and the horizon is 400",
        ),
        (("train", "forecast", "--data", whole, "--set", "data.split=8,8", "--out", tmp_path / "r"), "data.split"),
        (("train", "forecast", "--data", whole, "--set", "model.form=best", "--out", tmp_path / "r"), "segments"),
    ):
        code, _, err = call(*words)
        assert code == 2
        (line,) = [line for line in err.splitlines() if line.startswith("elman: ")]
        assert said in line, line
        assert not (tmp_path / "r").exists()
    code, _, err = call("predict", trained, "--data", whole, "--nbest", "3")
    assert code == 2
    assert "it can be asked horizon, level" in err


def test_a_text_is_the_end_of_a_series(call, tmp_path):
    path = tmp_path / "y.csv"
    path.write_text("y\n" + "\n".join(f"{np.sin(i / 2):.4f}" for i in range(120)))
    keys = "data.horizon=3", "model.hidden=4", "training.epochs=1", "forecast.classical=0"
    words = ["train", "forecast", "--data", path, "--out", tmp_path / "run"]
    code, _, err = call(*words, *(f"--set={key}" for key in keys))
    assert code == 0, err
    code, out, err = call("predict", tmp_path / "run", "0.1 0.5, 0.8 0.9")
    assert (code, len(out.split())) == (0, 3)
    assert "80% lie in" in err
    _, spaced, _ = call("predict", tmp_path / "run", "1 5 2 5")
    assert (
        spaced == call("predict", tmp_path / "run", "1, 5;2 , 5")[1] == call("predict", tmp_path / "run", "1,5,2,5")[1]
    )
    code, _, err = call("predict", tmp_path / "run", "1,5 2,5")  # two numbers, or four
    assert (code, "'1,5' is no number" in err) == (2, True)
    code, _, err = call("predict", tmp_path / "run", "0.1 high 0.9")
    assert (code, "'high' is no number" in err) == (2, True)
    code, out, err = call("inspect", tmp_path / "run", "0.1 0.5 0.8 0.9", "--out", tmp_path / "page.html")
    assert code == 0, err
    assert "How it goes on" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_what_directions_are_worth(call, tmp_path):
    """Two prices on trading days: their variance moves in waves, their direction is a coin's."""
    draw, days = np.random.default_rng(0), np.busday_offset("2020-01-01", np.arange(260), roll="forward")
    lines = ["index,day,log_variance,return"]
    for name in ("one", "two"):
        variance = np.sin(np.arange(260) / 5) + draw.normal(0, 0.3, 260)
        lines += [f"{name},{d},{v:.4f},{r:.4f}" for d, v, r in zip(days, variance, draw.normal(0, 1, 260))]
    (tmp_path / "prices.csv").write_text("\n".join(lines))
    code, _, err = call(
        "train", "stocks", "--data", tmp_path / "prices.csv", "--out", tmp_path / "run", "--set", "data.id=index",
        "--set", "data.target=log_variance,return", "--set", "training.epochs=1", "--set", "model.hidden=4",
    )  # fmt: skip
    assert code == 0, err
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text(encoding="utf-8"))
    assert {"har", "linear"} <= {*metrics["baseline"], metrics["baseline"]["name"]}
    channels = metrics["test"]["channels"]
    assert list(channels) == ["log_variance", "return"]
    mean = (channels["log_variance"]["mse"] + channels["return"]["mse"]) / 2
    assert metrics["test"]["mse"] == pytest.approx(mean)
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Which way it goes" in page
    assert "not told from chance" in page or "more than chance" in page
    assert "This is no advice" in page
    assert "Mean squared error by channel" in page
    assert "differs from that of" in page
    code, _, err = call("train", "forecast", "--data", tmp_path / "prices.csv", "--out", tmp_path / "r", "--set",
                        "forecast.returns=price", "--set", "data.horizon=2")  # fmt: skip
    assert (code, "unknown channel 'price'" in err) == (2, True), err


def test_the_command_says_what_python_says(call, tmp_path):
    """However far from 0 a series lies, and however small it is: what moves in it is told."""
    import pandas as pd

    import elman

    wave = np.sin(np.arange(120) / 4)
    table = pd.DataFrame({"when": pd.date_range("2024-01-01", periods=120), "far": 1e9 + wave, "tiny": 1e-9 * wave})
    table.to_csv(tmp_path / "t.csv", index=False)
    keys = "data.horizon=3", "model.hidden=4", "training.epochs=1", "forecast.classical=0"
    words = ["train", "forecast", "--data", tmp_path / "t.csv", "--out", tmp_path / "run"]
    assert call(*words, *(f"--set={key}" for key in keys))[0] == 0
    rows = json.loads(call("predict", tmp_path / "run", "--data", tmp_path / "t.csv", "--json")[1])["predictions"]
    model = elman.Forecaster.load(tmp_path / "run")
    found, band = model.predict(y=table), model.predict_interval(y=table)
    for name, size in (("far", 1.0), ("tiny", 1e-9)):
        assert np.ptp(found[name]) > 1e-4 * size
        np.testing.assert_allclose([row[name] for row in rows], found[name], rtol=0, atol=2e-5 * size)
        np.testing.assert_allclose(
            [row[f"{name}_lower"] for row in rows], band[f"{name}_lower"], rtol=0, atol=2e-5 * size
        )


def test_a_few_rows_go_on_as_the_learned_ones_do(call, tmp_path):
    """Five days from Monday to Friday are business days to a model of business days, and hours are none."""
    days = np.busday_offset("2023-01-02", np.arange(120))
    lines = [f"{day},{10 + i % 5}" for i, day in enumerate(days)]
    (tmp_path / "days.csv").write_text("\n".join(["day,rate", *lines]))
    keys = "data.horizon=5", "model.hidden=4", "training.epochs=1", "forecast.classical=0"
    run = tmp_path / "run"
    code, _, err = call(
        "train", "forecast", "--data", tmp_path / "days.csv", "--out", run, *(f"--set={k}" for k in keys)
    )
    assert code == 0, err
    (tmp_path / "week.csv").write_text("\n".join(["day,rate", *lines[:5]]))
    code, out, err = call("predict", run, "--data", tmp_path / "week.csv", "--horizon", "2")
    assert code == 0, err
    assert [row.split(",")[0] for row in out.splitlines()[1:]] == ["2023-01-09", "2023-01-10"]
    hours = [f"2024-01-01 {hour:02}:00,{hour}" for hour in range(20)]
    (tmp_path / "hours.csv").write_text("\n".join(["day,rate", *hours]))
    code, _, err = call("predict", run, "--data", tmp_path / "hours.csv")
    assert code == 2
    assert "the rows are hourly, and what was learned is business days, Monday to Friday" in err


def test_python_finds_the_covariates_of_a_run_in_a_table(call, tmp_path):
    """Those that the command was told of: nobody says it again, and a table in another order does as well."""
    import pandas as pd

    import elman

    draw = np.random.default_rng(0)
    table = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=130), "price": draw.integers(1, 5, 130)})
    table["what"] = ["fair" if k % 10 == 3 else "" for k in range(130)]
    table["sold"] = [10.0 - p if k < 120 else None for k, p in enumerate(table["price"])]
    table.to_csv(tmp_path / "t.csv", index=False)
    keys = "data.horizon=3", "data.target=sold", "data.known=price,what", "model.hidden=4", "training.epochs=1"
    words = ["train", "forecast", "--data", tmp_path / "t.csv", "--out", tmp_path / "run"]
    code, _, err = call(*words, *(f"--set={key}" for key in (*keys, "forecast.classical=0")))
    assert code == 0, err
    rows = json.loads(call("predict", tmp_path / "run", "--data", tmp_path / "t.csv", "--json")[1])["predictions"]
    model = elman.Forecaster.load(tmp_path / "run")
    found = model.predict(y=table[["what", "sold", "price", "day"]].sample(frac=1, random_state=0))
    np.testing.assert_allclose([row["sold"] for row in rows], found["sold"], atol=2e-5)
    assert found["day"].iloc[0] == pd.Timestamp("2024-04-30")  # behind the last value
    model.update(table[:115]).update(table[115:])
    np.testing.assert_allclose(model.predict()["sold"], found["sold"])


def test_a_run_remembers_that_its_dates_began_with_the_day(call, tmp_path):
    """Of the file that goes on, no date tells: 1 to 12 March would be the third of every month."""
    import pandas as pd

    import elman

    days = pd.date_range("2023-11-01", periods=121).strftime("%d/%m/%Y")
    (tmp_path / "t.csv").write_text("\n".join(["day,sold", *(f"{day},{5 + k % 7}" for k, day in enumerate(days))]))
    keys = "data.horizon=3", "model.hidden=4", "training.epochs=1", "forecast.classical=0"
    run = tmp_path / "run"
    words = ["train", "forecast", "--data", tmp_path / "t.csv", "--out", run]
    code, _, err = call(*words, *(f"--set={key}" for key in keys))
    assert code == 0, err
    assert json.loads((run / "model.json").read_text(encoding="utf-8"))["columns"]["dayfirst"] == "yes"
    for rows in (1, 12):
        recent = pd.DataFrame({"day": [f"{k:02}/03/2024" for k in range(1, rows + 1)], "sold": [5.0] * rows})
        recent.to_csv(tmp_path / "recent.csv", index=False)
        code, out, err = call("predict", run, "--data", tmp_path / "recent.csv")
        assert code == 0, err
        assert [row.split(",")[0] for row in out.splitlines()[1:]] == [f"{rows + k:02}/03/2024" for k in (1, 2, 3)]
    assert elman.Forecaster.load(run).predict(y=recent)["day"].tolist() == ["13/03/2024", "14/03/2024", "15/03/2024"]


def test_the_forecast_file_keeps_both_columns(call, tmp_path):
    days = [FIRST.date() + datetime.timedelta(days=k) for k in range(40)]

    def sales(stores: tuple[str, ...], first: int, name: str) -> Path:
        rows = [f'{day},{store},{item},{10 * len(store) + n % 7}' for n, day in enumerate(days) if n >= first
                for store in stores for item in ("tea", '"milk, whole"')]  # fmt: skip
        (tmp_path / name).write_text("\n".join(["day,store,item,sold", *rows]))
        return tmp_path / name

    keys = "data.horizon=2", "model.hidden=4", "training.epochs=1", "forecast.classical=0", "data.id=store,item"
    code, _, err = call("train", "forecast", "--data", sales(("Bonn", "Kiel"), 0, "t.csv"), "--out", tmp_path / "run",
                        *(f"--set={key}" for key in keys))  # fmt: skip
    assert code == 0, err
    recent = sales(("Kiel", "Ulm"), 10, "recent.csv")  # one of them is new
    out = tmp_path / "forecast.csv"
    code, _, err = call("predict", tmp_path / "run", "--data", recent, "--out", out)
    assert code == 0, err
    assert "2 of 4 series were not learned from ('Ulm / tea', 'Ulm / milk, whole')" in err
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert list(rows[0]) == ["store", "item", "day", "sold", "sold_lower", "sold_upper"]
    assert [(row["store"], row["item"]) for row in rows[::2]] == [
        ("Kiel", "tea"), ("Kiel", "milk, whole"), ("Ulm", "tea"), ("Ulm", "milk, whole"),
    ]  # fmt: skip
    assert rows[0]["day"] == "2024-04-10"
