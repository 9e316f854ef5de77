"""Tables that name files: series and texts, alone and in parts, and tables that only seem to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest

from elman.config.settings import DataSettings
from elman.data.labelled import load_labelled, load_texts
from elman.errors import InputError

rng = np.random.default_rng(0)
SERIES = [rng.normal(size=(3 + i % 4, 2)) for i in range(40)]
LABELS = ["up" if i % 2 else "down" for i in range(40)]


def write_series(folder: Path, kind: str) -> list[str]:
    """The names of forty files, as numpy and pandas write series."""
    (folder / "runs").mkdir(parents=True)
    names = [f"runs/{i:02}.{'csv' if kind in ('indexed', 'timed', 'bare') else kind}" for i in range(40)]
    for x, name in zip(SERIES, names):
        table = pandas.DataFrame(x, columns=["a", "b"])
        if kind == "npy":
            np.save(folder / name, x)
        elif kind == "parquet":
            table.to_parquet(folder / name)
        elif kind == "timed":
            table.insert(0, "time", pandas.date_range("2024-01-01", periods=len(x), freq="s"))
            table.to_csv(folder / name, index=False)
        else:
            table.to_csv(
                folder / name, index=kind == "indexed", header=kind != "bare", sep="\t" if kind == "tsv" else ","
            )
    return names


def write_table(names: list[str], path: Path, labels: list[str] = LABELS) -> None:
    frame = pandas.DataFrame({"path": names, "label": labels})
    if path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")


def message(path: Path, **settings: str) -> str:
    with pytest.raises(InputError) as error:
        load_labelled(DataSettings(path=str(path), **settings))  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("kind", ["npy", "csv", "tsv", "parquet", "indexed", "timed", "bare"])
@pytest.mark.parametrize("table", ["manifest.csv", "manifest.tsv", "manifest.jsonl", "manifest.xlsx"])
def test_a_folder_with_a_manifest_of_series(tmp_path: Path, kind: str, table: str) -> None:
    names = write_series(tmp_path, kind)
    write_table(names, tmp_path / table)
    first = 1 if table.endswith("jsonl") else 2  # below the header
    for path in (tmp_path, tmp_path / table):
        data = load_labelled(DataSettings(path=str(path)))
        seen = 0
        for part in (data.train, data.valid, data.test):
            for row, series, label in zip(part.rows, part["text"], part["label"]):
                np.testing.assert_allclose(series, SERIES[row - first], rtol=1e-6)
                assert label == LABELS[row - first]
                seen += 1
        assert seen == 40
        assert data.notes[0] == f"column 'path' of {tmp_path / table} names the files that are read"
        assert data.notes[1] == f"{tmp_path / table}: 40 series of 3 to 6 steps, 2 channels"


def test_a_manifest_of_texts(tmp_path: Path) -> None:
    """The folders that they lie in are no classes, then."""
    names = [f"part{i % 3}/{i}.txt" for i in range(40)]
    for i, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"remark\nnumber {i}\n")
    write_table(names, tmp_path / "manifest.csv")
    data = load_labelled(DataSettings(path=str(tmp_path)))
    assert data.labels == ["down", "up"]
    assert data.columns == {"input": "text", "target": "label"}
    for part in (data.train, data.valid, data.test):
        for row, text, label in zip(part.rows, part["text"], part["label"]):
            assert (text, label) == (f"remark\nnumber {row - 2}", LABELS[row - 2])
    found = load_texts(DataSettings(path=str(tmp_path / "manifest.csv")), "text")
    assert list(found["path"]) == names
    assert found["text"][3] == "remark\nnumber 3"


@pytest.mark.parametrize("layout", ["manifest_{}.csv", "{}.csv", "{}/manifest.csv"])
def test_manifests_of_parts(tmp_path: Path, layout: str) -> None:
    names = write_series(tmp_path / "all", "npy")
    for part, rows in (("train", range(28)), ("valid", range(28, 32)), ("test", range(32, 40))):
        table = tmp_path / layout.format(part)
        table.parent.mkdir(exist_ok=True)
        paths = [str(Path("../all" if "/" in layout else "all") / names[i]) for i in rows]
        write_table(paths, table, [LABELS[i] for i in rows])
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "about.txt").write_text("a folder with a text, as if it were a class")
    data = load_labelled(DataSettings(path=str(tmp_path)))
    assert [len(part) for part in (data.train, data.valid, data.test)] == [28, 4, 8]
    np.testing.assert_allclose(data.test["text"][0], SERIES[32], rtol=1e-6)


def test_a_table_of_another_name_and_absolute_paths(tmp_path: Path) -> None:
    names = write_series(tmp_path, "npy")
    frame = pandas.DataFrame({"recording": [str(tmp_path / name) for name in names], "who": [i // 4 for i in range(40)],
                              "verdict": LABELS})  # fmt: skip
    frame.to_csv(tmp_path / "list.csv", index=False)
    for settings in ({}, {"input": "recording", "target": "verdict"}, {"group": "who"}):
        data = load_labelled(DataSettings(path=str(tmp_path / "list.csv"), **settings))  # type: ignore[arg-type]
        assert {series.shape[1] for series in data.train["text"]} == {2}
        assert data.columns == {"input": "series", "target": "verdict"}


def test_gaps_are_filled_and_broken_files_are_told(tmp_path: Path) -> None:
    names = write_series(tmp_path, "npy")
    path = tmp_path / "manifest.csv"
    x = SERIES[5].copy()
    x[1, 0] = np.nan
    np.save(tmp_path / names[5], x)
    write_table(names, path)
    assert any(
        "in 1 of 40 series: filled by a straight line" in note
        for note in load_labelled(DataSettings(path=str(path))).notes
    )
    for written, said in (
        (np.zeros((4, 3)), "row 7: " + str(tmp_path / names[5]) + " has the channels 3, but 00.npy has 2; give every"),
        (np.zeros((4, 3, 2)), "05.npy: an array of shape (4, 3, 2) and type float64; save one series, (T, F) or (T,)"),
        (np.full((4, 2), np.inf), "05.npy, step 0: an infinite value"),
        (np.full((4, 2), np.nan), "manifest.csv, row 7: a series without any value"),
        (np.array([{}]), "05.npy: this holds objects, which would be run as a pickle"),
    ):
        np.save(tmp_path / names[5], written)
        assert said in message(path), said
    (tmp_path / names[5]).unlink()
    assert "row 7: 'runs/05.npy': no such file; mend it, or the row" in message(path)
    (tmp_path / "a.txt").write_text("a text")
    write_table([*names[:5], "a.txt", *names[6:]], path)
    assert "row 7: a.txt beside 00.npy: texts and series in one table" in message(path)
    np.save(tmp_path / names[5], SERIES[5])
    write_table([*names[:30], "", *names[31:]], path)
    assert "row 32: '': no name of a .txt, .npy, .csv, .tsv or .parquet file" in message(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,x\n", "00.csv, row 2: 'x' in column 'b' is no number that can be read; mend it"),
        ("a,b\n", "00.csv: no time step; write one per row"),
        ("when,what\nx,y\n", "'x' in column 'when' is no number"),
        ("date\n2024-01-01\n", "00.csv: no column of numbers"),
        ("b,a\n1,2\n", "has the channels a, b, but 00.csv has b, a; give every series the same"),
    ],
)
def test_broken_tables_of_steps_are_told(tmp_path: Path, text: str, said: str) -> None:
    names = write_series(tmp_path, "csv")
    (tmp_path / names[0]).write_text(text)
    write_table(names, tmp_path / "manifest.csv")
    assert said in message(tmp_path)


def test_tables_of_texts_are_not_taken_for_manifests(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("what is in the file")
    rows = [{"file": "a.txt", "text": f"remark {i}", "label": LABELS[i]} for i in range(40)]
    pandas.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)
    assert load_labelled(DataSettings(path=str(tmp_path / "t.csv"))).train["text"][0].startswith("remark")
    # names of files to be classified as they are written
    rows = [{"name": f"{'invoice' if i % 2 else 'letter'}-{i}.csv", "label": LABELS[i]} for i in range(40)]
    pandas.DataFrame(rows).to_csv(tmp_path / "n.csv", index=False)
    data = load_labelled(DataSettings(path=str(tmp_path / "n.csv")))
    assert data.train["text"][0].endswith(".csv")
    told = f"column 'name' of {tmp_path / 'n.csv'} holds names of files, none of which is there: it is read as it is"
    assert data.notes.count(told) == 1
