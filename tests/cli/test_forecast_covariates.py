"""Covariates through the commands: named in the settings, read on by predict and evaluate, proven."""

from __future__ import annotations

import csv
import datetime
import json
from pathlib import Path

import numpy as np

FIRST = datetime.date(2024, 3, 1)
SETTINGS = ("data.horizon=3", "data.target=sales", "data.known=price,holiday", "data.past=visitors",
            "data.static=region", "forecast.calendar=true", "forecast.context=8", "forecast.classical=0",
            "model.hidden=8", "training.epochs=2")  # fmt: skip


def table(path: Path, rows: int, valued: int) -> Path:
    draw = np.random.default_rng(0)
    price, visitors = draw.normal(size=(2, 160)).round(3)
    lines = ["town,region,day,sales,price,holiday,visitors"]
    for town, region in (("Bonn", "west"), ("Ulm", "south")):
        for t in range(rows):
            known = t < valued
            values = f"{10 - price[t]:.3f}" if known else "", f"{visitors[t]}" if known else ""
            holiday = "fair" if t % 20 == 7 else ""
            lines.append(
                f"{town},{region},{FIRST + datetime.timedelta(days=t)},{values[0]},{price[t]},{holiday},{values[1]}"
            )
    path.write_text("\n".join(lines) + "\n")
    return path


def test_covariates_from_file_to_forecast(call, tmp_path):
    run, path = tmp_path / "run", table(tmp_path / "sales.csv", 120, 120)
    words = ["train", "forecast", "--data", path, "--out", run, *(f"--set={key}" for key in SETTINGS)]
    code, _, err = call(*words)
    assert code == 0, err
    for said in (
        "known ahead: 'price', 'holiday is fair'; known as the values are: 'visitors'",
        "that stay: 'region is south'",
    ):
        assert said in err
    assert json.loads((run / "proof.json").read_text(encoding="utf-8"))["ok"]
    code, out, err = call("verify", run)
    assert code == 0, out + err
    code, out, err = call("evaluate", run, "--data", path, "--json")
    assert (code, json.loads(out)["n"]) == (0, 2 * (120 - 8 - 3 + 1)), err

    recent, out_file = table(tmp_path / "recent.csv", 133, 130), tmp_path / "forecast.csv"
    code, _, err = call("predict", run, "--data", recent, "--out", out_file)
    assert code == 0, err
    rows = list(csv.DictReader(out_file.read_text(encoding="utf-8").splitlines()))
    assert [row["day"] for row in rows[:3]] == [str(FIRST + datetime.timedelta(days=130 + h)) for h in range(3)]
    code, _, err = call("predict", run, "--data", recent, "--horizon", "5")
    (line,) = [line for line in err.splitlines() if line.startswith("elman: ")]
    assert code == 2
    assert "'Bonn': the covariates known ahead end 2 steps before the horizon of 5; add rows with them" in line
    code, _, err = call("predict", run, "1 2 3")
    assert (code, "this RUN reads covariates, and a text has none" in err) == (2, True)

    lacking = tmp_path / "lacking.csv"
    lacking.write_text(recent.read_text().replace("price", "cost"))
    code, _, err = call("predict", run, "--data", lacking)
    assert (code, "no column 'price'" in err) == (2, True)


def test_an_ensemble_of_counts(call, tmp_path):
    path, run, draw = tmp_path / "sold.csv", tmp_path / "run", np.random.default_rng(0)
    days = [FIRST + datetime.timedelta(days=t) for t in range(150)]
    path.write_text("day,sold\n" + "\n".join(f"{d},{n}" for d, n in zip(days, draw.poisson(3, 150))))
    keys = ("model.output=negative_binomial", "model.members=2", "model.form=direct", "model.hidden=4",
            "model.level=mean", "training.epochs=1", "forecast.classical=0", "data.horizon=3")  # fmt: skip
    code, out, err = call("train", "forecast", "--data", path, "--out", run, *(f"--set={key}" for key in keys))
    assert code == 0, err
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["test"]
    assert 0 < metrics["crps"] < metrics["mae"]
    assert len(metrics["crps_by_horizon"]) == 3
    assert json.loads((run / "proof.json").read_text(encoding="utf-8"))["ok"]
    assert b"members.1.form" in (run / "model.safetensors").read_bytes()[:20_000]
    assert "counts divided by their mean" in (run / "report.html").read_text(encoding="utf-8")
    code, out, err = call("predict", run, "3 0 2 4 1 5 2 3 1 0 2")
    assert (code, len(out.split())) == (0, 3), err
    code, _, err = call("predict", run, "3 0 -2 4")
    (line,) = [line for line in err.splitlines() if line.startswith("elman: ")]
    assert (code, "has the value -2, which is no count" in line) == (2, True)
