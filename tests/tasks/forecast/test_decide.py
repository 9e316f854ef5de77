"""What nobody sets is decided from the training part: the size of the network, and whether logarithms are learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from elman.tasks.find import recipe_of
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
