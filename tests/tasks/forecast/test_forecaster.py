"""A forecaster from Python: it finds what there is to find, and sees nothing that comes later."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

import elman
from elman.errors import InputError
from elman.tasks.forecast.estimator import Forecaster as Plain

SMALL: dict[str, Any] = {
    "hidden": 16, "epochs": 4, "rate": 0.01, "batch_size": 8, "context": 16, "season": 8, "segment": 4, "dropout": 0.0,
    "horizon": 6, "classical": 0,
}  # fmt: skip
T = np.arange(220)
SINE = np.sin(2 * np.pi * T / 8)


def forecaster(**more: Any) -> elman.Forecaster:
    return elman.Forecaster(**{**SMALL, **more})


@pytest.fixture(scope="module")
def sine() -> elman.Forecaster:
    return forecaster(epochs=10).fit(SINE[:200])


def weights(estimator: Any) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in estimator.model_.state_dict().items()}


# -- what there is to find


def test_a_sine_goes_on(sine):
    np.testing.assert_allclose(sine.predict(), SINE[200:206], atol=0.12)
    np.testing.assert_allclose(sine.predict(20), SINE[200:220], atol=0.25)  # read in turn
    assert sine.predict([1, 4]).tolist() == sine.predict()[[0, 3]].tolist()


@pytest.mark.parametrize("form", ["direct", "latent", "window"])
def test_every_form_learns_it(form):
    model = forecaster(form=form, epochs=10).fit(SINE[:200])
    assert np.abs(model.predict() - SINE[200:206]).mean() < 0.2
    alone = model.predict(y=SINE[50:120])
    assert np.abs(alone - SINE[120:126]).mean() < 0.25


def test_of_a_random_walk_it_says_the_last_value():
    walk = np.random.default_rng(0).normal(size=400).cumsum()
    model = forecaster(epochs=3, rate=0.002).fit(walk)
    assert np.abs(model.predict() - walk[-1]).max() < 1.5 * np.abs(np.diff(walk)).std() * 6**0.5


def test_bands_of_noise_hold_what_they_promise():
    noise = np.random.default_rng(1).normal(size=900)
    for output in ("point", "quantiles"):
        model = forecaster(output=output, level="none", epochs=1, validation=0.3).fit(noise[:600])
        low, high = np.concatenate(model.predict_interval(1, y=[noise[:t] for t in range(600, 900, 3)])).T
        held = ((noise[600:900:3] >= low) & (noise[600:900:3] <= high)).mean()
        assert 0.68 <= held <= 0.92, output  # .8 within three standard errors of a hundred
        assert 2.0 < np.median(high - low) < 3.4  # 2.56


# -- nothing that comes later


def test_what_comes_after_the_cutoff_changes_nothing_before(tmp_path):
    """Scales, epochs, corrections and forecasts: bit for bit those of the same table with noise in its test part."""
    from elman.config.settings import DataSettings
    from elman.tasks.forecast.task import TASK

    runs = []
    for name, later in (("true", SINE[160:200]), ("noise", 1e3 * np.random.default_rng(0).normal(size=40))):
        rows = np.concatenate([SINE[:160], later])
        (tmp_path / f"{name}.csv").write_text("y\n" + "\n".join(f"{value:.6f}" for value in rows))
        data = TASK.read(DataSettings(path=str(tmp_path / f"{name}.csv"), split=(120, 40, 40), horizon=6))
        model = Plain(**{**SMALL, "epochs": 2}).fit_parts(data.train, data.valid)
        runs.append((model, data))
    (one, data), (other, spoiled) = runs
    assert weights(one).keys() == weights(other).keys()
    assert all(torch.equal(value, weights(other)[name]) for name, value in weights(one).items())
    assert one.scales_[""].level == other.scales_[""].level
    assert one.judge(data.valid) == other.judge(spoiled.valid)
    np.testing.assert_array_equal(one.forecast(data.test.take([0]))[1], other.forecast(spoiled.test.take([0]))[1])
    assert one.judge(data.test) != other.judge(spoiled.test)
    linear = [TASK.baselines(*run)[0] for run in runs]
    assert linear[0].text == linear[1].text


def test_a_part_has_no_row_behind_its_end(sine):
    from elman.data.windows import held_out
    from elman.tasks.forecast.given import panel_of

    train, valid = held_out(panel_of(SINE[:200]), 0.1, 6)
    assert valid is not None
    assert (len(train.panel.series[0]), len(valid.panel.series[0])) == (180, 200)
    assert train.panel.series[0].values.base is None  # no view of what comes later either


def test_a_backtest_learns_from_what_was_known(sine):
    """Fitted at the first origin, on its past alone: what comes later is replaced by noise, and its forecast stays."""
    found = forecaster(epochs=2).backtest(SINE[:200], count=3, stride=5)
    noisy = SINE[:200].copy()
    noisy[184:] = 50 * np.random.default_rng(0).normal(size=16)
    other = forecaster(epochs=2).backtest(noisy, count=3, stride=5)
    assert list(found.cutoffs) == [183, 188, 193]
    np.testing.assert_array_equal(found.forecasts[0], other.forecasts[0])
    assert not np.array_equal(found.forecasts[1], other.forecasts[1])
    np.testing.assert_allclose(found.truth[:, :, 0], [SINE[t : t + 6] for t in (184, 189, 194)])
    assert (found.fits, found.scores["model"]["n"]) == (1, 3)
    assert found.scores["seasonal naive"]["mse"] < 1e-12
    off = (found.forecasts - found.truth) / np.sqrt(0.5)
    assert found.scores["model"]["mse"] == pytest.approx(float((off**2).mean()), rel=0.02)
    again = forecaster(epochs=1).backtest(SINE[:200], fh=3, count=2, refit=True)
    assert (again.fits, list(again.cutoffs)) == (2, [193, 196])


# -- kinds of series


def test_arrays_come_back_as_arrays(sine):
    two = forecaster(epochs=1).fit(np.stack([SINE, 5 * SINE + 3], 1))
    assert two.predict(4).shape == (4, 2)
    assert two.predict_interval(4).shape == (4, 4)
    several = forecaster(epochs=1).fit([SINE[:100], SINE[:80] * 100])
    found = several.predict()
    assert [one.shape for one in found] == [(6,), (6,)]
    assert np.abs(found[1]).max() > 20
    # a series among others is forecast as it is alone
    beside = several.predict(y=[SINE[7:60], SINE[:30]])
    np.testing.assert_allclose(several.predict(y=[SINE[7:60]])[0], beside[0], atol=1e-5)


def test_frames_come_back_as_frames():
    times = pd.date_range("2024-01-31", periods=60, freq="ME")
    series = pd.Series(SINE[:60], index=times, name="sales")
    model = forecaster(epochs=1, season=0, context=12).fit(series)
    found = model.predict(3)
    assert isinstance(found, pd.Series)
    assert found.name == "sales"
    assert list(found.index) == list(pd.date_range("2029-01-31", periods=3, freq="ME"))
    assert model.season_ == 12
    band = model.predict_interval(3)
    assert list(band.columns) == ["sales_lower", "sales_upper"]
    assert (band["sales_lower"] <= band["sales_upper"]).all()
    long = pd.DataFrame({"ds": [*times, *times], "unique_id": ["a"] * 60 + ["b"] * 60, "y": [*SINE[:60], *SINE[:60]]})
    found = forecaster(epochs=1).fit(long).predict(2)
    assert list(found.columns) == ["unique_id", "ds", "y"]
    assert found["unique_id"].tolist() == ["a", "a", "b", "b"]
    assert found["ds"].iloc[3] == pd.Timestamp("2029-02-28")


def test_quantiles_rise_with_their_levels(sine):
    found = sine.predict_quantiles(alpha=(0.05, 0.5, 0.62, 0.95))
    assert found.shape == (6, 4)
    assert (np.diff(found, axis=1) >= 0).all()
    with pytest.raises(InputError, match=r"a level of 0.999; give 0.025 to 0.975"):
        sine.predict_quantiles(alpha=(0.999,))


# -- going on, and being kept


def test_it_takes_note_of_what_came_since():
    model = forecaster(epochs=1).fit(SINE[:100])
    before, held = weights(model), model.predict()
    assert model.cutoff == [99]
    model.update(SINE[100:110])
    assert model.cutoff == [109]
    assert all(torch.equal(value, weights(model)[name]) for name, value in before.items())
    np.testing.assert_array_equal(model.predict(), model.predict(y=SINE[:110]))
    assert not np.array_equal(model.predict(), held)
    days = pd.Series(SINE[:100], index=pd.date_range("2024-01-01", periods=100), name="y")
    model = forecaster(epochs=1).fit(days[:90])
    with pytest.raises(InputError, match="rows are missing between"):
        model.update(days[95:])
    assert str(model.update(days[80:]).cutoff[0]).startswith("2024-04-09")


def test_it_is_saved_and_loaded(sine, tmp_path: Path):
    sine.save(tmp_path / "run")
    again = elman.Forecaster.load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict(y=SINE[:200]), sine.predict())
    np.testing.assert_array_equal(again.predict_interval(y=SINE[:200]), sine.predict_interval())
    with pytest.raises(InputError, match="knows no series"):
        again.predict()
    assert clone(sine).get_params() == sine.get_params()


def test_features_of_series(sine):
    found = sine.features([SINE[:50], SINE[:30]])
    assert found.shape == (2, 16)
    assert not np.allclose(found[0], found[1])


@pytest.mark.parametrize(
    ("y", "said"),
    [
        ([1.0], "the longest series has 1 steps"),
        (np.zeros((0,)), "there is no value"),
        ("1 2 3", "a str where series are expected"),
        (["a", "b"], "these are no numbers"),
        ([1.0, np.inf, 2.0] * 10, "an infinite value"),
        (np.zeros((3, 3, 3)), r"an array of shape \(3, 3, 3\)"),
        ([np.zeros(20), np.zeros((20, 2))], "series of 1 and of 2 channels"),
    ],
)
def test_bad_input_is_one_line(y, said):
    with pytest.raises(InputError, match=said):
        forecaster().fit(y)


def test_a_constant_series_stays_what_it_is():
    model = forecaster(epochs=1).fit(np.full(60, 7.0))
    np.testing.assert_allclose(model.predict(), 7.0, atol=0.5)


def test_gaps_are_neither_learned_nor_filled_with_what_came_later():
    holes = SINE[:200].copy()
    holes[60:75] = holes[199] = np.nan
    model = forecaster().fit(holes)
    assert np.isfinite(model.predict()).all()
    assert np.isfinite(model.predict(y=holes[:66])).all()  # its last six steps are a gap
    filled = holes.copy()
    filled[60:75] = filled[59]
    np.testing.assert_allclose(model.predict(y=holes[:100]), model.predict(y=filled[:100]), atol=0.05)


def test_bad_requests(sine):
    with pytest.raises(InputError, match="0 is no horizon"):
        sine.predict(0)
    with pytest.raises(InputError, match="ends before the values do"):
        forecaster().fit(SINE, X=np.zeros((219, 1)))
    with pytest.raises(InputError, match=r"these are values of y1, y2; those of y are forecast"):
        sine.predict(y=np.zeros((20, 2)))


# -- other series


def long_table(rows: int, shops: dict[str, float], start: str = "2024-01-01") -> pd.DataFrame:
    """A season of a week in each shop, of the size that is given."""
    days = pd.date_range(start, periods=rows)
    parts = [
        pd.DataFrame({"Day": days, "Shop": name, "Sold": size * (2 + SINE[:rows])}) for name, size in shops.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_a_table_is_read_as_the_one_before():
    """One shop alone, rows in any order, columns too, or saved in between: the same forecast."""
    table = long_table(100, {"a": 1.0, "b": 1e6})
    model = forecaster(epochs=1).fit(table)
    whole = model.predict(4)
    of_b = whole[whole["Shop"] == "b"].reset_index(drop=True)
    alone = table[table["Shop"] == "b"]
    pd.testing.assert_frame_equal(model.predict(4, y=alone), of_b)
    shuffled = alone.sample(frac=1, random_state=0)[["Sold", "Shop", "Day"]].assign(Other=1.0)
    pd.testing.assert_frame_equal(model.predict(4, y=shuffled), of_b)


def test_a_loaded_one_reads_so_too(tmp_path: Path):
    table = long_table(100, {"a": 1.0, "b": 1e6})
    model = forecaster(epochs=1).fit(table)
    model.save(tmp_path / "run")
    again = elman.Forecaster.load(tmp_path / "run")
    alone = table[table["Shop"] == "b"]
    pd.testing.assert_frame_equal(again.predict(4, y=alone), model.predict(4, y=alone))
    assert again.frequency_ == model.frequency_
    with pytest.raises(InputError, match="the rows are hourly, and what was learned is daily"):
        again.predict(y=alone.assign(Day=pd.date_range("2024-01-01", periods=100, freq="h")))


def test_a_new_row_goes_on_with_what_is_known():
    days = pd.Series(SINE[:100], index=pd.bdate_range("2024-01-01", periods=100), name="y")
    model = forecaster(epochs=1).fit(days[:99])
    model.update(days[99:])  # one row, which by itself tells no frequency
    assert model.cutoff[0] == days.index[-1].to_pydatetime()
    np.testing.assert_array_equal(model.predict(), model.predict(y=days))


def test_the_place_in_a_list_is_no_name():
    """Of two sizes: turned round, alone, in a list, and beside others each is forecast as before."""
    small, large = 2 + SINE[:100], 1e6 * (2 + SINE[:100])
    model = forecaster(epochs=1).fit([small, large])
    here = model.predict()
    turned, alone = model.predict(y=[large, small]), model.predict(y=[large])
    np.testing.assert_array_equal(turned[0], here[1])
    np.testing.assert_array_equal(turned[1], here[0])
    np.testing.assert_array_equal(alone[0], here[1])
    np.testing.assert_array_equal(model.predict(y=large), here[1])
    one = forecaster(epochs=1).fit(small)
    np.testing.assert_allclose(one.predict(y=[small[:60], small[:90]])[1], one.predict(y=small[:90]), rtol=1e-5)


@pytest.mark.parametrize("size", [1e-14, 1e12])
def test_no_unit_is_better_than_another(size):
    from elman.models.forecaster_batches import scale_of

    values = np.stack([SINE, 3 + 0.1 * SINE], 1)
    plain, other = scale_of(values, 5), scale_of(size * values, 5)
    for name in ("level", "spread", "naive"):
        np.testing.assert_allclose(getattr(other, name), size * getattr(plain, name), rtol=1e-9, atol=1e-15 * size)
    assert scale_of(size * values, 8).naive.tolist() == [0.0, 0.0]  # which repeats itself
    y = SINE[:100] + 0.1 * np.random.default_rng(0).normal(size=100)
    found = forecaster(epochs=1).fit(size * y).predict()
    np.testing.assert_allclose(found, size * forecaster(epochs=1).fit(y).predict(), rtol=1e-4)


def test_another_unit_is_seen_and_told():
    """Of kilowatts in place of megawatts, and far away: the forecast of the same values in the old unit."""
    y = SINE[:100] + 0.1 * np.random.default_rng(0).normal(size=100)
    model = forecaster(epochs=1).fit(y)
    usual = model.predict()
    for size, level in ((1000.0, 0.0), (0.001, 0.0), (1.0, 1e4)):
        with pytest.warns(UserWarning, match="is the unit another"):
            found = model.predict(y=size * y + level)
        np.testing.assert_allclose((found - level) / size, usual, atol=0.02)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(y=y[:50])
        model.predict(y=y[60:70] * 0.01)  # too few rows to tell
        model.predict(y=2 * y + 5)


def test_the_report_looks_at_all_series():
    from elman.data.windows import origins
    from elman.tasks.forecast.given import panel_of
    from elman.tasks.forecast.report import evenly

    windows = origins(panel_of([SINE[:200]] * 3), [0] * 3, 6)
    some = evenly(windows, 30)
    assert np.bincount(some.at[:, 0]).tolist() == [10, 10, 10]
    assert some.at[0, 1] == 1
    assert some.at[-1, 1] == 194
    assert len(evenly(windows, 1000)) == len(windows)


def test_what_stands_still_stays_where_it_is():
    for value in (1e-9, 5.0, 1e6):
        found = forecaster(epochs=1).fit(np.full(100, value)).predict()
        np.testing.assert_allclose(found, value, rtol=0.02)


def test_columns_are_judged_by_their_names():
    noise = np.random.default_rng(0).normal(size=(120, 2))
    table = pd.DataFrame({"a": SINE[:120] + noise[:, 0], "b": 1000 + noise[:, 1]})
    model = forecaster(epochs=1).fit(table)
    assert model.score(table[["b", "a"]]) == model.score(table)
    assert np.isfinite(model.score(table[:22]))
    with pytest.raises(InputError, match="y: no series has the 22 steps that an origin needs"):
        model.score(table[:21])


def index_of(kind: str, rows: int) -> pd.Index:
    days = pd.date_range("2024-01-01", periods=rows)
    return {
        "periods": lambda: pd.period_range("2014-01", periods=rows, freq="M"),
        "weeks": lambda: pd.period_range("2014-01-08", periods=rows, freq="W-WED"),
        "zone": lambda: days.tz_localize("Europe/Berlin"),
        "days as objects": lambda: pd.Index(list(days.date), name="day"),
        "texts": lambda: pd.Index(days.strftime("%d.%m.%Y")),
        "years": lambda: pd.Index(range(1900, 1900 + rows), name="Year"),
    }[kind]()


@pytest.mark.parametrize("kind", ["periods", "weeks", "zone", "days as objects", "texts", "years"])
def test_an_index_goes_on(kind):
    """Whatever it is made of, and so does its name; of a Series and of a frame."""
    index = index_of(kind, 103)
    for y in (pd.Series(SINE[:100], index[:100], name="v"), pd.DataFrame({7: SINE[:100]}, index[:100])):
        found = forecaster(epochs=1).fit(y).predict(3)
        assert type(found) is type(y)
        expected = found.set_axis(index[100:].rename(index.name))
        testing = pd.testing.assert_series_equal if isinstance(y, pd.Series) else pd.testing.assert_frame_equal
        testing(found, expected, check_freq=False, check_index_type=False)
        assert found.name == "v" if isinstance(y, pd.Series) else found.columns.tolist() == [7]


def test_an_index_of_two_levels_names_series():
    days = pd.date_range("2024-01-01", periods=60)
    index = pd.MultiIndex.from_product([["a", "b"], days], names=["shop", "day"])
    sold = np.concatenate([SINE[:60], 100 + SINE[:60]])
    found = forecaster(epochs=1).fit(pd.DataFrame({"sold": sold}, index)).predict(2)
    assert found.index.tolist() == [(s, pd.Timestamp(f"2024-03-0{d}")) for s in "ab" for d in (1, 2)]
    assert found.index.names == ["shop", "day"]
    assert (np.round(found["sold"], -2) == [0, 0, 100, 100]).all()


def test_frames_with_gaps_of_pandas_own():
    days = pd.date_range("2024-01-01", periods=60)
    sold = [None if k == 7 else int(10 * SINE[k]) for k in range(60)]
    found = [
        forecaster(epochs=1).fit(pd.DataFrame({"day": days, "sold": pd.array(sold, dtype=kind)})).predict(2)
        for kind in ("Int64", "Float64", "float64")
    ]
    pd.testing.assert_frame_equal(found[0], found[2])
    pd.testing.assert_frame_equal(found[1], found[2])
    with pytest.raises(InputError, match="two columns are called 'a'"):
        forecaster().fit(pd.DataFrame(np.ones((60, 2)), days, columns=["a", "a"]))
    taken = pd.DataFrame({"ds": SINE[:60]}, days)  # a value is called as an index without a name would be
    assert forecaster(epochs=1).fit(taken).predict(2).columns.tolist() == ["ds"]
