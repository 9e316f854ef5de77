"""Spreads are numpy's quartiles; a busy machine is told by what others took of its processors, counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from elman.explanation import meanwhile
from elman.explanation.meanwhile import Meanwhile, spread
from elman.explanation.speed import Measured


@pytest.mark.parametrize("values", [[3.0], [1.0, 2.0], [5.0, 1.0, 3.0], [4.0, 1.0, 2.0, 8.0, 16.0]])
def test_quartiles(values: list[float]) -> None:
    assert list(spread(values)) == pytest.approx(np.quantile(values, [0.25, 0.5, 0.75]))
    assert spread(values).median == pytest.approx(np.median(values))


def test_a_spread_is_shown_with_its_median_first() -> None:
    assert spread([1e-6, 2e-6, 4e-6]).times(1e6).show(1) == "2.0 (1.5-3.0)"


def test_a_ratio_is_taken_round_by_round() -> None:
    """A machine that slows down by ten between rounds leaves the ratio alone."""
    found = Measured("GRU", "T1", "forward", 6.0, {"elman": [1.0, 10.0, 100.0], "torch.nn": [2.0, 20.0, 300.0]})
    assert list(found.ratio("torch.nn")) == [2.0, 2.0, 2.5]
    said = found.to_dict()
    assert said["seconds"] == {"elman": 10.0, "torch.nn": 20.0}
    assert said["quartiles"]["elman"] == [5.5, 55.0]
    assert said["gflops"] == {"elman": 0.6, "torch.nn": 0.3}
    assert said["against torch.nn"] == [2.0, 2.0, 2.5]


def machine(path: Path, monkeypatch: pytest.MonkeyPatch, *, others: int, own: float) -> None:
    """Two processors, ten seconds, a hundred ticks a second; `others` ticks on each are somebody else's."""
    times = iter([0.0, 10.0])
    work = iter([1.0, 1.0 + own])

    def stat(now: float) -> None:
        mine = int(100 * own * now / 10 / 2)
        busy = f"{7 + mine} 0 {int(others * now / 10)} {int(50 * now)} 3 0 0 0 0 0"
        path.write_text(f"cpu  1 1 1 1 1 1 1 1 1 1\ncpu0 {busy}\ncpu1 {busy}\ncpu2 9 9 9 9 9 9 9 9\nintr 1\n")

    def clock() -> float:
        now = next(times)
        stat(now)
        return now

    monkeypatch.setattr(meanwhile, "_STAT", path)
    monkeypatch.setattr(meanwhile, "_cores", lambda: [0, 1])
    monkeypatch.setattr(meanwhile.os, "sysconf", lambda name: 100)
    monkeypatch.setattr(meanwhile.time, "perf_counter", clock)
    monkeypatch.setattr(meanwhile.time, "process_time", lambda: next(work))


@pytest.mark.parametrize(("others", "own", "share"), [(0, 18.0, 0.0), (400, 6.0, 0.4), (50, 2.0, 0.05)])
def test_others(others: int, own: float, share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own work is not others': two busy processors of which both are ours are no busy machine."""
    machine(tmp_path / "stat", monkeypatch, others=others, own=own)
    with Meanwhile() as found:
        pass
    assert found.others == pytest.approx(share, abs=0.001)
    assert str(found) == ("" if share < 0.1 else "the machine was busy: other programs took 40% of its processors; "
                          "measure again when idle")  # fmt: skip


def test_where_nothing_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meanwhile, "_STAT", tmp_path / "nothing")
    monkeypatch.setattr(meanwhile.os, "getloadavg", lambda: (3.0, 0, 0), raising=False)
    monkeypatch.setattr(meanwhile, "_cores", lambda: [0, 1, 2, 3])
    with Meanwhile() as found:
        pass
    assert found.others == 0.75  # the load before
    monkeypatch.delattr(meanwhile.os, "getloadavg")
    with Meanwhile() as found:
        pass
    assert found.others is None
    assert str(found) == ""
