"""Series whose course is small beside their level: what a float32 would lose is read all the same, or it is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import elman
from elman.config.settings import DataSettings
from elman.data.series import lean, whole
from elman.errors import InputError
from elman.models.channels import blurred, levels
from elman.tasks.classify.task import TASK

QUICK = {"hidden": 8, "epochs": 12, "rate": 0.02, "batch_size": 8, "cell": "gru", "pooling": "mean"}


def waves(n: int, level: float, seed: int = 0) -> tuple[list[np.ndarray], list[str]]:
    """Waves of height 1, quick or slow, on a level; beside them a channel that says nothing."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    t = np.arange(24)
    courses = [np.sin(t * (0.4 + 0.6 * k) + rng.uniform(0, 6)) for k in y]
    return [np.stack([level + c, rng.normal(size=24)], 1) for c in courses], ["quick" if k else "slow" for k in y]


@pytest.mark.parametrize("level", [1e9, -1e12])
def test_small_waves_on_a_high_level_are_told_apart(level: float, tmp_path: Path) -> None:
    X, y = waves(64, level)
    model = elman.Classifier(**QUICK).fit(X, y)
    new, wanted = waves(64, level, seed=1)
    assert model.score(new, wanted) > 0.9
    # nothing of them is left in float32: the same network is no better than a guess there
    short = [x.astype(np.float32) for x in X]
    assert np.ptp(short[0][:, 0]) == 0
    model.save(tmp_path / "run")
    again = elman.Classifier.load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict_proba(new), model.predict_proba(new))
    assert elman.Classifier(**QUICK).fit(waves(64, 0.0)[0], y).encoding_.level is None


def test_a_run_with_levels_for_other_channels_is_refused(tmp_path: Path) -> None:
    X, y = waves(20, 1e9)
    elman.Classifier(**{**QUICK, "epochs": 1}).fit(X, y).save(tmp_path / "run")
    file = tmp_path / "run" / "model.json"
    found = json.loads(file.read_text())
    found["encoding"]["level"] = [1e9]
    file.write_text(json.dumps(found))
    with pytest.raises(InputError, match="1 levels, 2 channels"):
        elman.Classifier.load(tmp_path / "run")


def test_what_is_taken_off_is_the_mean_of_channels_that_need_it() -> None:
    X = [np.array([[1e9, 5.0, 7.0, 0.0], [1e9 + 2, 9.0, 7.0, 1e9]]), np.array([[1e9 + 4, 1.0, 7.0, 0.0]])]
    level = levels(X)
    assert level is not None
    np.testing.assert_allclose(level, [1e9 + 2, 0, 0, 0])
    assert levels([x[:, 1:] for x in X]) is None


def test_what_is_lost_all_the_same_is_said() -> None:
    """Each on a level of its own: no one level takes them all down."""
    X = [x + np.array([k * 1e9, 0]) for k, x in enumerate(waves(20, 0.0)[0])]
    y = waves(20, 0.0)[1]
    (line,) = elman.Classifier(**{**QUICK, "epochs": 1, "validation": 0}).fit(X, y).remarks_
    assert line.startswith("19 of 20 series move by less than a hundred thousandth of their level")
    assert blurred(X, None) == 19
    assert not elman.Classifier(**{**QUICK, "epochs": 1}).fit(*waves(20, 1e9)).remarks_


@pytest.mark.parametrize("kind", ["float64", "int64"])
def test_files_keep_the_digits_that_matter(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    X = (1_600_000_000 + rng.integers(0, 50, (12, 9, 1))).astype(kind)
    np.savez(tmp_path / "a.npz", X=X, y=np.arange(12) % 2)
    read = TASK.read(DataSettings(path=str(tmp_path / "a.npz")))
    parts = {x.tobytes() for part in (read.train, read.valid, read.test) for x in part.inputs}
    assert parts == {x.astype(np.float64).tobytes() for x in X}


def test_half_the_room_where_nothing_is_lost() -> None:
    rng = np.random.default_rng(0)
    for values in (rng.normal(5, 2, (9, 2)), np.full((3, 1), 0.1), np.array([[1.0], [np.nan], [3.0]])):
        assert lean(values).dtype == np.float32
    assert lean(1e9 + rng.normal(size=(9, 1))).dtype == np.float64
    assert whole(np.arange(3, dtype=np.int16)).dtype == np.float32
    np.testing.assert_array_equal(whole(np.array([1e300, np.nan, 2])), [np.inf, np.nan, 2])
