"""Series of numbers from files: the archive's .ts, and numpy's arrays."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pandas
import pytest

from elman.config.settings import DataSettings
from elman.data.labelled import LabelledTexts, load_labelled, load_texts
from elman.data.parts import find_parts
from elman.errors import InputError

ARCHIVE = Path(__file__).parents[3] / "shared" / "data" / "series"
needs_archive = pytest.mark.skipif(not ARCHIVE.is_dir(), reason="the archive's series are not at hand")
HEAD = "#about\n@problemName Made up\n@timeStamps false\n@univariate {one}\n@classLabel true up down\n@data\n"

X = np.random.default_rng(0).normal(size=(40, 7, 2))


def ts(path: Path, *lines: str, head: str = HEAD.format(one="false")) -> str:
    path.write_text(head + "\n".join(lines) + "\n")
    return str(path)


def load(path: str | Path) -> LabelledTexts:
    return load_labelled(DataSettings(path=str(path)))


def message(path: str | Path) -> str:
    with pytest.raises(InputError) as error:
        load(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_lines_are_series_of_channels_and_a_label(tmp_path: Path) -> None:
    path = ts(tmp_path / "a.ts", "1,2.5,3:0, 0,1e1:up", "", "# more", "3,2:-1,0:down", head=HEAD.upper())
    ts(tmp_path / "a.ts", "1,2.5,3:0, 0,1e1:up", "", "# more", "3,2:-1,0:down")
    table = load_texts(DataSettings(path=path), "text", "label")
    assert [series.tolist() for series in table["text"]] == [[[1, 0], [2.5, 0], [3, 10]], [[3, -1], [2, 0]]]
    assert table["label"] == ["up", "down"]
    assert [table.where(i)[-6:] for i in (0, 1)] == ["line 7", "ine 10"]
    bare = ts(tmp_path / "b.txt", "1,2", "3,4,5", head="@problemname x\n@classlabel false\n@data\n")
    assert [len(series) for series in load_texts(DataSettings(path=bare), "text")["text"]] == [2, 3]


AEON = """@problemName uneq
@timestamps false
@missing False
@univariate false
@dimension 2
@equalLength false
@classLabel true a b
@data
1.2969153998005238,-0.345672529464465:0.8545842348534083,-4.889690638420449e-05:a
1.203258954116498:0.6370732356261833:b
"""


def test_what_aeon_writes_is_read(tmp_path: Path) -> None:
    """As its `save_to_ts_file` (1.6) heads a file of series of unequal length; shortened."""
    (tmp_path / "uneq.ts").write_text(AEON)
    table = load_texts(DataSettings(path=str(tmp_path / "uneq.ts")), "series", "label")
    assert [series.shape for series in table["text"]] == [(2, 2), (1, 2)]
    np.testing.assert_allclose(table["text"][0][1], [-0.345672529464465, -4.889690638420449e-05], rtol=1e-6)
    assert table["label"] == ["a", "b"]


@needs_archive
def test_the_archives_own_files(tmp_path: Path) -> None:
    expected = {"GunPoint": (50, 150, 1, 150), "ItalyPowerDemand": (67, 1029, 1, 24), "BasicMotions": (40, 40, 6, 100)}
    for name, (train, test, channels, steps) in expected.items():
        data = load(ARCHIVE / name)
        assert len(data.train) + len(data.valid) == train
        assert len(data.test) == test
        assert {series.shape for series in data.train["text"]} == {(steps, channels)}
        assert any(f"{train} series of {steps} steps, {channels} channel" in note for note in data.notes)
        # z-normalised, as the archive of one channel is: what came out is what was written
        if name != "BasicMotions":
            assert np.abs(np.mean(data.test["text"], axis=1)).max() < 1e-3
    assert load(ARCHIVE / "BasicMotions").labels == ["Badminton", "Running", "Standing", "Walking"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("?,?,?:NaN,nan,:up", "line 7: a series without any value; fill it, or leave it out"),
        ("1,2,3:?,?,?:up", "a.ts: channel 2 has no value in any series; leave the channel out"),
        ("1,2,3:1,2,three:up", "line 7, value 3 of channel 2: 'three' is not a number that can be read"),
        ("1,2,1e99:1,2,3:up", "line 7, value 3 of channel 1: '1e99' is not a number that can be read"),
        ("1,2,3:1,2:up", "line 7: channels of 3 and 2 values; give every channel of a series as many"),
        ("1,2,3:1,2,3", "line 7: '1,2,3' is none of the labels of @classLabel; known are 'up', 'down'"),
        ("up", "line 7: no values before the label"),
        ("1,2:3,4:up\n1,2:down", "line 8: 1 channels, but 2 in line 7; give every series the same channels"),
        ("", "a.ts: no series"),
    ],
)
def test_a_broken_line_is_told(tmp_path: Path, line: str, said: str) -> None:
    assert said in message(ts(tmp_path / "a.ts", line))


def test_what_is_none_of_them_is_told(tmp_path: Path) -> None:
    amounts = "@problemName a\n@targetLabel true\n@data\n"
    assert "line 3: each series has a quantity (@targetLabel), not a class" in message(
        ts(tmp_path / "a.ts", "1,2:0.5", head=amounts)
    )
    assert "a.ts, line 1: values before the line @data" in message(ts(tmp_path / "a.ts", "1,2:up", head=""))
    bare = "@problemName a\n@classLabel false\n@data\n"
    assert "looks like labels" in message(ts(tmp_path / "a.ts", "1,2", "2,3", head=bare))


def test_a_name_stands_for_its_parts(tmp_path: Path) -> None:
    for name in ("Gun_TRAIN.ts", "Gun_TRAIN.arff", "Gun_TEST.ts", "GunPoint_TRAIN.ts", "GunPoint_TEST.ts"):
        (tmp_path / name).touch()
    parts = find_parts(DataSettings(path=str(tmp_path / "Gun")))
    assert {part: path.name for part, path in parts.items()} == {"train": "Gun_TRAIN.ts", "test": "Gun_TEST.ts"}
    for name in ("GunPoint_TRAIN.ts", "GunPoint_TEST.ts"):
        (tmp_path / name).unlink()
    assert find_parts(DataSettings(path=str(tmp_path))) == parts  # the folder as the archive packs it
    for missing in ("Gu", "none/Gun", "Gun_TEST"):
        with pytest.raises(InputError, match="no such file or folder; check the path"):
            find_parts(DataSettings(path=str(tmp_path / missing)))


# -- a table of a series a row ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [["up", "down"], [1, 2]])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_a_row_is_a_series(tmp_path: Path, labels: list[object], header: bool, name: str) -> None:
    """With names, as pandas writes a table; without, as the .tsv files of the archive are: the label first."""
    table = pandas.DataFrame(X[:, :, 0].repeat(2, axis=1), columns=[f"t{i}" for i in range(14)])
    table.insert(0, "what", labels * 20)
    table.to_csv(tmp_path / name, header=header, index=header, sep="," if name == "a.csv" else "\t")
    data = load(tmp_path / name)
    assert data.target == ("what" if header else "1")
    first, last = ("t0", "t13") if header else ("2", "15")
    assert f"no column holds text: columns '{first}' to '{last}' are a series of 14 steps" in data.notes
    shift = 2 if header else 1
    for part in (data.train, data.valid, data.test):
        for series, label, row in zip(part["text"], part["label"], part.rows):
            np.testing.assert_allclose(series, X[row - shift, :, :1].repeat(2, axis=0), rtol=1e-6)
            assert label == str(labels[(row - shift) % 2])
    # and a file to predict for, by what the RUN knows
    found = load_texts(DataSettings(path=str(tmp_path / name)), data.input, data.target)
    assert np.stack(found["text"]).shape == (40, 14, 1)


def test_many_columns_are_told_in_short(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\nsome words,a\n")
    np.save(tmp_path / "a.npy", X)
    said: list[str] = []
    load_texts(DataSettings(path=str(tmp_path / "a.csv")), ",".join(map(str, range(2, 152))), note=said.append)
    assert said[0].startswith("no column '2,3,...,151', guessed: 'text' is the text")
    load_texts(DataSettings(path=str(tmp_path / "a.npy")), "text", note=said.append)  # there is nothing to choose from
    assert said[1:] == [f"{tmp_path / 'a.npy'}: 40 series of 7 steps, 2 channels"]


def test_few_columns_are_a_series_if_they_are_named(tmp_path: Path) -> None:
    pandas.DataFrame({"a": range(40), "b": 1.5, "c": -2, "label": [0, 1] * 20}).to_csv(tmp_path / "a.csv")
    assert "no column holds text; name it: --input COLUMN" in message(tmp_path / "a.csv")
    data = load_labelled(DataSettings(path=str(tmp_path / "a.csv"), input="b,a,c"))
    assert data.train["text"][0].tolist() == [[1.5], [data.train.rows[0] - 2], [-2]]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1e99", "a.csv, row 5: '1e99' in column 't3' is no number that can be read; mend it, or name the columns"),
        ("three", "a.csv, row 5: 'three' in column 't3' is no number that can be read"),
        ("1_0", "a.csv, row 5: '1_0' in column 't3' is no number that can be read"),
    ],
)
def test_a_broken_number_in_a_table_is_told(tmp_path: Path, value: str, said: str) -> None:
    rows = [[str(i + t) for t in range(9)] + ["ab"[i % 2]] for i in range(40)]
    rows[3][3] = value
    names = [*(f"t{t}" for t in range(9)), "label"]
    (tmp_path / "a.csv").write_text("\n".join(",".join(row) for row in [names, *rows]))
    assert said in message(tmp_path / "a.csv")


# -- arrays -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [np.arange(40) % 2, np.array(["0", "1"] * 20), np.array([b"0", b"1"] * 20)])
def test_arrays_are_series_and_labels(tmp_path: Path, y: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", X=X, y=y)
    data = load(tmp_path / "a.npz")
    assert data.labels == ["0", "1"]
    for part in (data.train, data.valid, data.test):
        for series, label, row in zip(part["text"], part["label"], part.rows):
            np.testing.assert_array_equal(series, X[row].astype(np.float32))
            assert label == str(row % 2)
    assert "a.npz: 40 series of 7 steps, 2 channels" in data.notes[0]


def test_equal_series_stay_on_one_side(tmp_path: Path) -> None:
    """As equal texts do; they are no text, and nothing is said of white space."""
    np.savez(tmp_path / "a.npz", X=np.concatenate([X, X[:25]]), y=np.arange(65) % 40 % 2)
    data = load(tmp_path / "a.npz")
    assert "25 series repeat the values of another: equal series stay in one part" in data.notes
    parts = [{values.tobytes() for values in part["text"]} for part in (data.train, data.valid, data.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 40
    np.savez(tmp_path / "b.npz", X=X[:3], y=[0, 1, 0])
    notes = load_labelled(DataSettings(path=str(tmp_path / "a.npz"), test=str(tmp_path / "b.npz"))).notes
    assert any(note.startswith("3 of 3 test series have values that are also in the training part") for note in notes)


def test_arrays_of_one_channel_and_without_labels(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", X[:, :, 0])
    table = load_texts(DataSettings(path=str(tmp_path / "a.npy")), "series")
    assert np.stack(table["text"]).shape == (40, 7, 1)
    assert "looks like labels" in message(tmp_path / "a.npy")


def test_broken_arrays_get_one_line(tmp_path: Path) -> None:
    path, beyond = tmp_path / "a.npz", X.copy()
    beyond[3, 5, 1] = np.inf
    for arrays, said in (
        ({"X": beyond, "y": np.zeros(40)}, "X[3, 5]: an infinite value; mend it, or leave the series out"),
        ({"data": X}, "a.npz: no array X; it has data; save it as numpy.savez(path, X=..., y=...)"),
        ({"X": X[0, 0]}, "X has the shape (2,) and the type float64"),
        ({"X": X.astype(str)}, "X has the shape (40, 7, 2) and the type <U32"),
        ({"X": X, "y": np.zeros(39)}, "40 series and an array y of shape (39,) and type float64"),
        ({"X": np.array([[1], [1, 2]], dtype=object)}, "this holds objects, which would be run as a pickle"),
        ({"X": X, "y": np.full(40, np.nan)}, "a.npz, X 0: no value in column 'label'"),
        ({"X": X, "y": np.zeros(40)}, "only one class, '0'"),
    ):
        np.savez(path, **arrays)
        assert said in message(path), said
    path.write_bytes(b"X,y\n1,2\n")
    assert "a.npz: this holds objects" in message(path) or "not a readable file of arrays" in message(path)


def test_no_bytes_crash_the_reader_of_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X=X[:3], y=np.arange(3))
    whole, draw = (tmp_path / "a.npz").read_bytes(), random.Random(0)
    refused = []
    for _ in range(150):
        broken = bytearray(whole)
        for _ in range(draw.choice((1, 3, 30))):
            broken[draw.randrange(len(broken))] = draw.randrange(256)
        (tmp_path / "b.npz").write_bytes(broken[: draw.choice((len(broken), draw.randrange(len(broken))))])
        try:
            load_texts(DataSettings(path=str(tmp_path / "b.npz")), "series")
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 30
    assert not any("\n" in said for said in refused)
