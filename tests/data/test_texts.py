"""Texts from files, folders and tables, and how they are cut."""

from __future__ import annotations

import lzma
from pathlib import Path

import pandas
import pytest

from elman.config.settings import DataSettings
from elman.data.packaging import pack_shakespeare
from elman.data.parts import packaged_folder
from elman.data.texts import load_texts
from elman.errors import InputError

ORIGINAL = Path(__file__).parents[3] / "shared" / "data" / "shakespeare"


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_one_text_is_cut_at_the_end_of_lines_and_loses_nothing(tmp_path):
    """Its end is the test, and its beginning validates: what stands before the test is the best to learn from."""
    text = "".join(f"line {i} of the text\n" for i in range(300))
    found, notes = load_texts(DataSettings(path=str(written(tmp_path / "a.txt", text))))
    parts = [found[part].texts for part in ("valid", "train", "test")]
    assert all(len(texts) == 1 for texts in parts)
    assert "".join(texts[0] for texts in parts) == text
    assert all(texts[0].endswith("\n") for texts in parts)
    assert 0.09 < len(parts[2][0]) / len(text) < 0.11
    assert 0.04 < len(parts[0][0]) / len(text) < 0.05
    assert notes == [
        f"test: the last {len(parts[2][0]):,} characters of the text",
        f"valid: the first {len(parts[0][0]):,} characters of the text",
    ]


def test_one_endless_line_is_cut_too(tmp_path):
    found, _ = load_texts(DataSettings(path=str(written(tmp_path / "a.txt", "x" * 5000))))
    assert [len(found[part].texts[0]) for part in ("valid", "train", "test")] == [225, 4275, 500]
    one_line = "x" * 900 + "\n"  # the end of the line would leave nothing behind it
    found, _ = load_texts(DataSettings(path=str(written(tmp_path / "b.txt", one_line))))
    assert found["test"].texts[0] == one_line[811:]


def test_of_a_very_long_text_no_more_is_held_out_than_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr("elman.data.texts._MOST", {"test": 1000, "valid": 300})
    text = "a line of text\n" * 2000
    found, _ = load_texts(DataSettings(path=str(written(tmp_path / "a.txt", text))))
    assert 985 <= found["test"].characters <= 1000
    assert 300 <= found["valid"].characters <= 315
    assert sum(part.characters for part in found.values()) == len(text)
    given, _ = load_texts(DataSettings(path=str(tmp_path / "a.txt"), test=str(tmp_path / "a.txt")))
    assert given["test"].characters == len(text)  # a file of its own is


def test_files_of_their_own_are_kept_whole(tmp_path):
    for name in ("train", "valid", "test"):
        written(tmp_path / f"ptb.{name}.txt", f"the {name} text\n")
    found, _ = load_texts(DataSettings(path=str(tmp_path)))
    assert {part: texts.texts for part, texts in found.items()} == {
        part: [f"the {part} text\n"] for part in ("train", "valid", "test")
    }


def test_a_folder_of_texts_and_a_column_of_them(tmp_path):
    for i in range(20):
        written(tmp_path / "books" / f"{i}.txt", f"book {i}\n")
    found, notes = load_texts(DataSettings(path=str(tmp_path / "books")))
    assert sum(map(len, found.values())) == 20
    assert len({t for texts in found.values() for t in texts.texts}) == 20
    assert any("20 of 20 files" in note for note in notes)
    table = written(tmp_path / "a.csv", "id,text\n" + "".join(f"{i},row number {i}\n" for i in range(20)))
    found, _ = load_texts(DataSettings(path=str(table)))
    assert sorted(t for texts in found.values() for t in texts.texts) == sorted(f"row number {i}" for i in range(20))


def test_a_folder_of_mixed_files(tmp_path):
    for i in range(20):
        written(tmp_path / "mixed" / f"{i}.txt", f"text {i}\n")
    for name in ("cover.jpg", "tune.mid", "program", ".hidden"):
        (tmp_path / "mixed" / name).write_bytes(b"\xff\xd8\0\0")
    written(tmp_path / "mixed" / "deep" / "README", "a text, too\n")
    written(tmp_path / "mixed" / "empty.txt", "")
    found, notes = load_texts(DataSettings(path=str(tmp_path / "mixed")))
    assert sum(map(len, found.values())) == 21
    assert notes[0].startswith("21 of 25 files of ")
    assert notes[1] == "left out: 3 files that are no plain text (cover.jpg, program, tune.mid)"
    (tmp_path / "mixed" / "bad.txt").write_bytes(b"good\ncaf\xe9")
    with pytest.raises(InputError, match=r"bad\.txt, line 2: byte 0xE9 is not UTF-8; .*data\.encoding=latin-1"):
        load_texts(DataSettings(path=str(tmp_path / "mixed")))


def test_a_file_that_may_not_be_read_is_one_line(tmp_path, monkeypatch):
    path = written(tmp_path / "a.txt", "text\n" * 100)

    def refused(self, *arguments, **more):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(InputError, match=r"a\.txt: cannot be read \(Permission denied\)"):
        load_texts(DataSettings(path=str(path)))


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_rows_without_text_are_left_out_and_counted(tmp_path, form):
    texts = [None if i % 5 == 0 else float("nan") if i % 7 == 0 else f"row number {i}" for i in range(30)]
    table = pandas.DataFrame({"id": range(30), "text": texts})
    path = tmp_path / f"t.{form}"
    if form == "jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        getattr(table, f"to_{form}")(path, **({"index": False} if form == "csv" else {}))
    found, notes = load_texts(DataSettings(path=str(path)))
    assert sum(map(len, found.values())) == 20
    assert notes[0] == "left out: 10 of 30 rows without text in 'text'"
    with pytest.raises(InputError, match="no column 'txt'; did you mean 'text'"):
        load_texts(DataSettings(path=str(path), input="txt"))
    pandas.DataFrame({"text": [None] * 9}).to_parquet(tmp_path / "none.parquet")
    with pytest.raises(InputError, match="no column holds text"):
        load_texts(DataSettings(path=str(tmp_path / "none.parquet")))


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_ends_of_lines_and_marks_are_no_characters(tmp_path, ends, encoding):
    text = "".join(f"line {i}\n" for i in range(300))
    (tmp_path / "a.txt").write_bytes(text.replace("\n", ends).encode(encoding))
    found, _ = load_texts(DataSettings(path=str(tmp_path / "a.txt")))
    assert "".join(found[part].texts[0] for part in ("valid", "train", "test")) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no text"),
        ("abc\0" * 99, "this is not text"),
        (" \n\n", "there is no text"),
        ("abc", "too short to keep some for the"),
    ],
)
def test_what_cannot_be_read_or_cut(tmp_path, text, said):
    with pytest.raises(InputError, match=said):
        load_texts(DataSettings(path=str(written(tmp_path / "a.txt", text))))


def test_nothing_there(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        load_texts(DataSettings(path=str(tmp_path / "no.txt")))
    with pytest.raises(InputError, match="no data"):
        load_texts(DataSettings())


def test_the_packaged_plays():
    found, notes = load_texts(DataSettings(path="packaged:shakespeare"))
    assert {part: len(texts.texts[0]) for part, texts in found.items()} == {
        "train": 983_829, "valid": 20_025, "test": 111_540,
    }  # fmt: skip
    assert not notes


@pytest.mark.skipif(not ORIGINAL.is_dir(), reason="the original plays are not at hand")
def test_the_packaged_plays_are_their_original_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr("elman.data.packaging.pack", lambda path, text: path.write_text(text, encoding="utf-8"))
    pack_shakespeare(ORIGINAL, tmp_path)
    for part in ("train", "valid", "test"):
        packed = lzma.decompress((packaged_folder("shakespeare") / f"{part}.txt.xz").read_bytes()).decode()
        assert packed == (tmp_path / f"{part}.txt.xz").read_text(encoding="utf-8")
    whole = "".join((tmp_path / f"{part}.txt.xz").read_text(encoding="utf-8") for part in ("valid", "train", "test"))
    assert whole == (ORIGINAL / "input.txt").read_text(encoding="utf-8")
