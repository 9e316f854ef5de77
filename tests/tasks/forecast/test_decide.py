"""What nobody sets is decided from the training part: the size of the network, and whether logarithms are learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from elman.data.windows import origins
from elman.tasks.find import recipe_of
from elman.tasks.forecast.given import panel_of
from elman.tasks.forecast.sizes import steps_read
from elman.training.progress import Silent

T = np.arange(200)
SEASON = np.sin(2 * np.pi * T / 12)


@pytest.mark.parametrize(
    ("values", "overrides", "log"),
    [
        (np.exp(0.01 * T + 0.3 * SEASON), [], True),
        (np.exp(0.01 * T + 0.3 * SEASON), ["forecast.log=false"], None),
        (100 + 10 * SEASON, [], None),
        (np.append(np.exp(0.01 * T + 0.3 * SEASON)[:-1], -1), [], True),  # what is below 0 comes later: nobody knows
    ],
)
def test_series_that_vary_with_their_level_are_learned_as_logarithms(tmp_path: Path, values, overrides, log):
    months = np.arange("2000-01", "2016-09", dtype="datetime64[M]")
    path = tmp_path / "months.csv"
    path.write_text("\n".join(["when,y", *(f"{month},{y:.4f}" for month, y in zip(months, values))]))
    task, recipe = recipe_of("forecast", ["data.horizon=12", *overrides], {"data.path": str(path)})
    found = task.decide(recipe, task.read(recipe.data), Silent())
    assert found.settings.get("forecast.log") is log
    assert found.settings["model.hidden"] == 64
    assert ("forecast.log true" in " ".join(found.lines)) is bool(log)


@pytest.mark.parametrize(
    ("rows", "season", "horizon", "found"),
    [
        (8640, 24, 96, (336, 48)),  # ETTh1: two weeks of hours
        (8640, 24, 24, (168, 24)),
        (8640, 24, 500, (500, 25)),
        (3000, 24, 96, (144, 48)),
        (420, 24, 24, (96, 24)),
        (101, 12, 12, (44, 11)),
        (5000, 1, 5, (8, 4)),
    ],
)
def test_of_long_series_more_seasons_are_read(rows, season, horizon, found):
    assert steps_read(origins(panel_of(np.zeros(rows)), [1], horizon), season, 0, 0) == found


def test_many_windows_are_seen_six_times_and_fewer_of_them_more_often(tmp_path: Path):
    for rows, epochs in ((3300, 23), (12000, 7), (20000, 6)):
        path = tmp_path / f"{rows}.csv"
        path.write_text("\n".join(["step,y", *(f"{t},{t % 24}" for t in range(rows))]))
        task, recipe = recipe_of("forecast", ["data.horizon=4", "data.time=step"], {"data.path": str(path)})
        found = task.decide(recipe, task.read(recipe.data), Silent())
        assert found.settings["training.epochs"] == epochs
        assert found.settings["model.hidden"] == 128
