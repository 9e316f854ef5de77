"""fastText's lines, and a folder a class: what is read, left out and refused."""

from __future__ import annotations

import bz2
from pathlib import Path

import pytest
from sklearn.datasets import load_files

from elman.config.settings import DataSettings
from elman.data.labelled import LabelledTexts, load_labelled, load_texts
from elman.errors import InputError


def load(path: Path, **settings: str) -> LabelledTexts:
    return load_labelled(DataSettings(path=str(path), **settings))  # type: ignore[arg-type]


def message(path: Path) -> str:
    with pytest.raises(InputError) as error:
        load(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def pairs(data: LabelledTexts) -> list[tuple[str, str]]:
    return sorted(pair for part in (data.train, data.valid, data.test) for pair in zip(part["text"], part["label"]))


# -- fastText ---------------------------------------------------------------------------------------------------------

ROWS = [(f"text  number {i} , with _label_", "good" if i % 2 else "so-so") for i in range(40)]


@pytest.mark.parametrize("name", ["a.txt", "cooking.train", "a", "a.ft.txt.bz2"])
def test_fasttext_lines_are_labels_and_texts(tmp_path: Path, name: str) -> None:
    content = "\n".join(f"__label__{label} {text}" for text, label in ROWS).encode()
    (tmp_path / name).write_bytes(bz2.compress(content) if name.endswith("bz2") else content)
    data = load(tmp_path / name)
    assert pairs(data) == sorted(ROWS)
    assert not any("guessed" in note for note in data.notes)
    assert load_texts(DataSettings(path=str(tmp_path / name)), "text", "label")["label"] == [b for _, b in ROWS]


def test_a_fasttext_line_may_end_in_its_label(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("__label__a one\n\nand two __label__b\nmid __label__a dle\n" * 4)
    data = load(tmp_path / "a.txt")
    assert set(pairs(data)) == {("one", "a"), ("and two", "b"), ("mid dle", "a")}
    assert 3 in data.train.rows  # blank lines count


def test_a_fasttext_line_has_a_label(tmp_path: Path) -> None:
    for line in ("none at all", "__label__ without a name"):
        (tmp_path / "a.txt").write_text(f"__label__a one\n{line}\n")
        assert "a.txt, line 2: no label; begin the line with __label__NAME" in message(tmp_path / "a.txt")


# -- a folder a class -------------------------------------------------------------------------------------------------


def classes(path: Path, count: int = 10, names: tuple[str, ...] = ("negative", "positive")) -> Path:
    for name in names:
        (path / name).mkdir(parents=True)
        for i in range(count):
            (path / name / f"{i}.txt").write_text(f" {name} text {i}\nof two lines \n")
    return path


def test_the_label_is_the_folders_name(tmp_path: Path) -> None:
    data = load(classes(tmp_path / "set"))
    theirs = load_files(tmp_path / "set", encoding="utf-8")
    expected = sorted((text.strip(), theirs.target_names[k]) for text, k in zip(theirs.data, theirs.target))
    assert pairs(data) == expected
    assert [len(part) for part in (data.train, data.valid, data.test)] == [14, 2, 4]
    assert data.train.where(0).endswith(f"set, file {data.train.rows[0]}")
    assert data.train.rows[0].startswith("negative/")
    table = load_texts(DataSettings(path=str(tmp_path / "set")), "text")
    assert list(table["file"])[:2] == ["negative/0.txt", "negative/1.txt"]


@pytest.mark.parametrize("valid", ["valid", "dev"])
def test_parts_may_stand_above_the_classes(tmp_path: Path, valid: str) -> None:
    for part, count in (("train", 10), (valid, 2), ("test", 3)):
        classes(tmp_path / "set" / part, count)
        (tmp_path / "set" / part / "urls.txt").write_text("as the reviews of IMDB have it")
    data = load(tmp_path / "set")
    assert [len(part) for part in (data.train, data.valid, data.test)] == [20, 4, 6]
    assert any("set/train: only .txt files in one folder per class are read; 1 entry is left out (urls.txt)" in note
               for note in data.notes)  # fmt: skip
    assert len(load_texts(DataSettings(path=str(tmp_path / "set")), "text", "label")) == 6


def test_what_is_no_text_is_left_out_and_told(tmp_path: Path) -> None:
    classes(tmp_path / "set")
    (tmp_path / "set" / ".git").mkdir()
    (tmp_path / "set" / "README.md").write_text("about")
    (tmp_path / "set" / "positive" / ".DS_Store").write_bytes(b"\0")
    (tmp_path / "set" / "positive" / "scan.pdf").write_bytes(b"\0")
    (tmp_path / "set" / "positive" / "more").mkdir()
    data = load(tmp_path / "set")
    assert len(pairs(data)) == 20
    assert "5 entries are left out (.git, README.md, positive/.DS_Store ...)" in data.notes[0]


def test_broken_folders_get_one_line(tmp_path: Path) -> None:
    classes(tmp_path / "set")
    (tmp_path / "set" / "neutral").mkdir()
    assert "set/neutral: no text file in the folder of this class; put its texts there as .txt" in message(
        tmp_path / "set"
    )
    assert "only one class, 'good'" in message(classes(tmp_path / "one", names=("good",)))
    classes(tmp_path / "bytes")
    (tmp_path / "bytes" / "positive" / "3.txt").write_bytes(b"fine\ncaf\xe9\n")
    assert "bytes/positive/3.txt, line 2: byte 0xE9 is not UTF-8; save the file as UTF-8, or say what it is" in message(
        tmp_path / "bytes"
    )
    assert ("fine\ncafé", "positive") in pairs(load(tmp_path / "bytes", encoding="latin-1"))
    (tmp_path / "bytes" / "positive" / "3.txt").write_bytes(b" \n")
    assert any(note.endswith("1 file without text left out (file positive/3.txt)")
               for note in load(tmp_path / "bytes").notes)  # fmt: skip
    for part in ("train", "test"):
        (tmp_path / "flat" / part).mkdir(parents=True)
        (tmp_path / "flat" / part / "1.txt").write_text("parts are no classes")
    assert "no file with 'train' in its name; name the file: --data FILE; or give one folder per class" in message(
        tmp_path / "flat"
    )
