"""Labelled texts from every source: what is read, guessed, split, left out and refused."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from elman.config.settings import DataSettings
from elman.data.classes import unseen_labels
from elman.data.formats import read_table
from elman.data.labelled import load_labelled, load_texts
from elman.data.packaging import pack_reviews, review_groups
from elman.data.parts import packaged_folder
from elman.data.reviews import ReviewSentence, read_reviews
from elman.data.split import split_rows
from elman.data.table import Table
from elman.data.tagged import load_tagged
from elman.errors import InputError

SOURCES = Path(__file__).parents[3] / "shared" / "data"
needs_reviews = pytest.mark.skipif(not (SOURCES / "reviews").is_dir(), reason="the original reviews are not at hand")


def csv_file(path: Path, rows: list[tuple[str, str]], header: str = "review,stars") -> str:
    path.write_text("\n".join([header, *(f"{a},{b}" for a, b in rows)]) + "\n")
    return str(path)


ROWS = [(f"text number {i}", "good" if i % 2 else "bad") for i in range(40)]


def message(**settings: object) -> str:
    with pytest.raises(InputError) as error:
        load_labelled(DataSettings(**settings))  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    return str(error.value)


def test_one_file_is_guessed_split_and_said_so(tmp_path: Path) -> None:
    data = load_labelled(DataSettings(path=csv_file(tmp_path / "my.csv", ROWS)))
    assert (data.input, data.target, data.labels) == ("review", "stars", ["bad", "good"])
    assert [len(t) for t in (data.train, data.valid, data.test)] == [28, 4, 8]
    assert len({*data.train["text"], *data.valid["text"], *data.test["text"]}) == 40
    assert "'review' is the text, 'stars' the label (2 classes)" in data.notes[0]
    assert data.notes[1] == "split with seed 0, in proportion for every label: 28 train / 4 valid / 8 test"


def test_parts_of_ones_own_are_left_as_they_are(tmp_path: Path) -> None:
    path, test = csv_file(tmp_path / "my.csv", ROWS), csv_file(tmp_path / "held.csv", ROWS[:3])
    data = load_labelled(DataSettings(path=path, test=test))
    assert list(data.test["text"]) == [text for text, _ in ROWS[:3]]
    # of 70 and 10 per cent, 7/8 and 1/8
    assert (len(data.train), len(data.valid)) == (36, 4)


def test_a_folder_with_parts(tmp_path: Path) -> None:
    for part, rows in (("my_train", ROWS), ("my_dev", ROWS[:4]), ("my_test", ROWS[4:8])):
        csv_file(tmp_path / f"{part}.csv", rows)
    (tmp_path / "README.md").write_text("train and test")
    data = load_labelled(DataSettings(path=str(tmp_path)))
    assert [len(t) for t in (data.train, data.valid, data.test)] == [40, 4, 4]
    csv_file(tmp_path / "other_test.csv", ROWS)
    assert "several files could be the test part: my_test.csv, other_test.csv" in message(path=str(tmp_path))


def test_folds_cover_every_row_once(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "my.csv", ROWS)
    folds = [load_labelled(DataSettings(path=path, fold=k)) for k in range(10)]
    assert Counter(text for fold in folds for text in fold.test["text"]) == Counter(text for text, _ in ROWS)
    for fold, following in itertools.pairwise(folds):
        assert list(fold.valid["text"]) == list(following.test["text"])
        assert not {*fold.train["text"]} & {*fold.test["text"], *fold.valid["text"]}
    assert "there is no fold 10" in message(path=path, fold=10)


def test_groups_are_kept_whole(tmp_path: Path) -> None:
    rows = [(f"text {i}", f"{'good' if i % 2 else 'bad'},{i // 4}") for i in range(200)]
    data = load_labelled(DataSettings(path=csv_file(tmp_path / "a.csv", rows, "text,label,doc"), group="doc"))
    homes = [set(table["group"]) for table in (data.train, data.valid, data.test)]
    assert sum(map(len, homes)) == len(set.union(*homes)) == 50


def test_rows_without_text_are_left_out_and_named(tmp_path: Path) -> None:
    data = load_labelled(DataSettings(path=csv_file(tmp_path / "my.csv", [*ROWS, ("", "good"), (" ", "bad")])))
    assert sum(len(t) for t in (data.train, data.valid, data.test)) == 40
    assert any("2 rows without text left out (row 42, 43)" in note for note in data.notes)


def test_bad_labels_and_columns_get_one_line(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "my.csv", ROWS)
    assert "no column 'star'; did you mean 'stars'?" in message(path=path, target="star")
    assert "40 different labels in 40 rows" in message(path=path, input="stars", target="review")
    one = csv_file(tmp_path / "one.csv", [(text, "good") for text, _ in ROWS])
    assert "only one class, 'good'" in message(path=one, input="review", target="stars")
    gap = csv_file(tmp_path / "gap.csv", [*ROWS, ("text", "")])
    assert "gap.csv, row 42: no value in column 'stars'" in message(path=gap)
    new = csv_file(tmp_path / "new.csv", [("text", "meh"), ("text", "so"), ("text", "so")])
    assert "new.csv: none of its labels ('so' 2 times, 'meh') occurs in the training data; known are 'bad', 'good'" in (
        message(path=path, test=new)
    )
    assert "no such file or folder" in message(path=str(tmp_path / "none.csv"))
    assert "--data PATH" in message()
    assert "no packaged data 'sentimant'" in message(path="packaged:sentimant")
    (tmp_path / "empty.csv").write_text("")
    assert "the file is empty" in message(path=str(tmp_path / "empty.csv"))


def test_a_label_that_training_lacks_is_kept_and_told(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "my.csv", ROWS)
    one = csv_file(tmp_path / "one.csv", [*ROWS[:4], ("text", "meh")])
    many = csv_file(tmp_path / "many.csv", [*ROWS[:4], *[(f"text {i}", f"odd {i // 2}") for i in range(20)]])
    data = load_labelled(DataSettings(path=path, valid=one, test=many))
    assert data.labels == ["bad", "good"]
    assert list(data.valid["label"])[-1] == "meh"
    assert "1 of 5 valid rows has a label that the training data lack ('meh'): it counts as an error" in data.notes
    told = next(note for note in data.notes if "test rows" in note)
    assert told.startswith("20 of 24 test rows have labels that the training data lack ('odd 0' 2 times, ")
    assert told.endswith("'odd 7' 2 times and 2 more): they count as errors")
    assert unseen_labels(Table({"label": ["a"]}), {"a", "b"}, "rows") == []


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("id,text,label", "{i},some words here,{c}", ("text", "label")),
        ("Sentence,Label", "some words here,{c}", ("Sentence", "Label")),
        ("kind,remark", "{c},some words here {i}", ("remark", "kind")),
        ("id,when,opinion,what", "{i},2024-01-{i},{c},a long remark about it {i}", ("what", "opinion")),
    ],
)
def test_columns_are_guessed_by_name_then_by_values(
    tmp_path: Path, header: str, row: str, expected: tuple[str, str]
) -> None:
    lines = [header, *(row.format(i=i, c="yes" if i % 3 else "no") for i in range(30))]
    (tmp_path / "a.csv").write_text("\n".join(lines))
    data = load_labelled(DataSettings(path=str(tmp_path / "a.csv")))
    assert (data.input, data.target) == expected


def test_a_table_that_shows_no_labels_asks_for_them(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "a.csv", [(f"words {i}", str(i * 1.5)) for i in range(30)], "remark,amount")
    assert "no column besides 'remark' looks like labels; name it: --target COLUMN" in message(path=path)
    path = csv_file(tmp_path / "b.csv", [(str(i), str(i * 1.5)) for i in range(30)], "id,amount")
    assert "no column holds text" in message(path=path)


@pytest.mark.parametrize("header", ["title,label,body\n", ""])
def test_columns_of_texts_are_joined(tmp_path: Path, header: str) -> None:
    rows = [f"title {i},{'ab'[i % 2]},{'' if i == 3 else f'body {i}'}" for i in range(40)]
    (tmp_path / "a.csv").write_text(header + "\n".join(rows))
    input = "title, body" if header else "1,3"
    data = load_labelled(DataSettings(path=str(tmp_path / "a.csv"), input=input))
    texts = {*data.train["text"], *data.valid["text"], *data.test["text"]}
    assert texts == {"title 3" if i == 3 else f"title {i}\nbody {i}" for i in range(40)}
    assert (data.input, data.target) == (input, "label" if header else "2")
    first, second = ("title", "body") if header else ("1", "3")
    assert f"columns '{first}', '{second}' joined by a line break are the text" in data.notes
    few = tmp_path / "few.csv"  # no value twice, so that only the numbers show that it has no names
    few.write_text(header + "one,a,of two\n")
    assert load_texts(DataSettings(path=str(few)), input)["text"] == ["one\nof two"]
    said: list[str] = []
    few.write_text("title,label\nalone,a\n")
    assert load_texts(DataSettings(path=str(few)), "title,body", note=said.append)["text"] == ["alone"]
    assert said == ["no column 'title,body', guessed: 'title' is the text; if that is wrong, say --input COLUMN"]


# -- texts that come twice --------------------------------------------------------------------------------------------


def plain(text: str) -> str:
    return "".join(text.lower().split(" "))


@pytest.mark.parametrize("settings", [{}, {"seed": 3}, *({"fold": k} for k in range(10))])
def test_equal_texts_stand_in_one_part(tmp_path: Path, settings: dict[str, int]) -> None:
    rows = [(f"text number {i % 60}" if i < 90 else f"TEXT  number {i % 60} ", "ab"[i % 2]) for i in range(120)]
    data = load_labelled(DataSettings(path=csv_file(tmp_path / "a.csv", rows, "text,label"), **settings))
    parts = [{plain(text) for text in table["text"]} for table in (data.train, data.valid, data.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 60
    sizes = [len(table) for table in (data.train, data.valid, data.test)]
    assert sizes == ([96, 12, 12] if "fold" in settings else [84, 12, 24])
    assert data.notes[0] == (
        "60 rows repeat the text of another, but for case and white space: equal texts stay in one part"
    )
    assert "in proportion for every label" in data.notes[1]
    assert not any("is also in the training part" in note for note in data.notes)


def test_a_file_without_repeated_texts_is_split_as_ever(tmp_path: Path) -> None:
    rows = [(f"text number {i}", "ab"[i % 2]) for i in range(50)]
    data = load_labelled(DataSettings(path=csv_file(tmp_path / "a.csv", rows, "text,label")))
    expected = split_rows([label for _, label in rows], [0.7, 0.1, 0.2], 0)
    for part, picks in zip((data.train, data.valid, data.test), expected):
        assert list(part["text"]) == [rows[i][0] for i in picks]


def test_a_class_of_one_text_is_trained_on(tmp_path: Path) -> None:
    rows = [*ROWS, *[("thanks", "polite")] * 9, *[("Thanks", "polite")] * 3]
    for seed in range(20):
        data = load_labelled(DataSettings(path=csv_file(tmp_path / "a.csv", rows, "text,label"), seed=seed))
        assert Counter(data.train["label"])["polite"] == 12
    few = [("yes", "a"), ("no", "b")] * 20  # two texts are no three parts
    assert len(load_labelled(DataSettings(path=csv_file(tmp_path / "b.csv", few, "text,label"))).test) == 8


def test_texts_that_were_trained_on_are_counted(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "a.csv", ROWS)
    test = csv_file(tmp_path / "b.csv", [("Text  Number 3", "good"), ("another", "bad"), ("text number 4", "bad")])
    data = load_labelled(DataSettings(path=path, test=test, split=(0.98, 0.01, 0.01)))
    train = {plain(text) for text in data.train["text"]}
    known = sum(plain(text) in train for text in data.test["text"])
    assert known
    assert data.notes[-1] == f"{known} of 3 test rows have a text that is also in the training part"


def test_a_file_given_as_two_parts_is_told(tmp_path: Path) -> None:
    path, held = csv_file(tmp_path / "a.csv", ROWS), csv_file(tmp_path / "b.csv", [("new", "good"), ("words", "bad")])
    (tmp_path / "c.csv").symlink_to(held)
    data = load_labelled(DataSettings(path=path, valid=held, test=str(tmp_path / "c.csv")))
    assert data.notes[0].startswith(f"valid and test are the same file, {held}: the epoch is chosen by the test")
    assert load_labelled(DataSettings(path=path, test=path)).notes[0].startswith("train and test are the same file")
    (tmp_path / "a.conll").write_text("Ada B-PER\nslept O\n\n" * 9)
    tags = str(tmp_path / "a.conll")
    assert load_tagged(DataSettings(path=tags, test=tags)).notes[0].startswith("train and test are the same file")


def test_a_column_with_a_comma_in_its_name_is_that_column(tmp_path: Path) -> None:
    rows = [f"a {i},b {i},text {i},{'ab'[i % 2]}" for i in range(40)]
    (tmp_path / "a.csv").write_text('title,body,"title,body",label\n' + "\n".join(rows))
    data = load_labelled(DataSettings(path=str(tmp_path / "a.csv"), input="title,body"))
    assert data.train["text"][0].startswith("text")
    assert "no column 'bodi'; did you mean 'body'?" in message(path=str(tmp_path / "a.csv"), input="title,bodi")
    said = message(path=str(tmp_path / "a.csv"), input="title,label", target="label")
    assert "column 'label' is the text and the label at once" in said


def test_only_the_training_file_needs_its_groups(tmp_path: Path) -> None:
    rows = [(f"text {i}", f"{'good' if i % 2 else 'bad'},{i // 4}") for i in range(100)]
    path = csv_file(tmp_path / "a.csv", rows, "text,label,doc")
    test = csv_file(tmp_path / "b.csv", ROWS, "text,label")
    assert len(load_labelled(DataSettings(path=path, test=test, group="doc")).test) == 40


def test_a_part_is_a_word_in_a_files_name(tmp_path: Path) -> None:
    csv_file(tmp_path / "wnut17train.csv", ROWS)
    csv_file(tmp_path / "latest_interval.csv", ROWS[:2])
    csv_file(tmp_path / "en-validation.csv", ROWS[:4])
    data = load_labelled(DataSettings(path=str(tmp_path)))
    assert len(data.valid) == 4
    assert len(data.train) + len(data.test) == 40


def test_lines_to_predict_need_no_columns(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("first text\n\nsecond, text\n")
    table = load_texts(DataSettings(path=str(tmp_path / "a.txt")), "text")
    assert list(table["text"]) == ["first text", "second, text"]
    assert table.where(1).endswith("a.txt, line 3")
    with pytest.raises(InputError, match="not look like a table of texts and labels"):
        load_texts(DataSettings(path=str(tmp_path / "a.txt")), "text", "label")


def test_texts_to_predict_need_no_label(tmp_path: Path) -> None:
    path = csv_file(tmp_path / "a.csv", [("fine", "x"), ("", "y")])
    table = load_texts(DataSettings(path=path), "text")
    assert list(table["text"]) == ["fine", ""]
    assert list(table["stars"]) == ["x", "y"]
    said: list[str] = []
    assert load_texts(DataSettings(path=path), "review", "stars", note=said.append)["label"] == ["x"]
    left = f"{path}: 1 row without text left out (row 3)"
    assert said == [left]
    load_texts(DataSettings(path=path), "text", "label", note=said.append)
    assert said[1:] == [
        "no column 'text', guessed: 'review' is the text; if that is wrong, say --input COLUMN",
        "no column 'label', guessed: 'stars' is the label; if that is wrong, say --target COLUMN",
        left,
    ]


# -- the reviews ------------------------------------------------------------------------------------------------------


def test_marks_become_labels(tmp_path: Path) -> None:
    file = tmp_path / "Some_phone.txt"
    file.write_text(
        "* banner\n##before\n[t]a title\nsize[+2], weight[-1]##small but heavy\nprice[-3][u] ##dear\n"
        "a[+1],b[-1]##both\n[t]\n##a fact with ## inside\nlook{+1]##misspelt\n"
    )
    assert list(read_reviews(file)) == [
        ReviewSentence("before", "neutral", "Some_phone", 0),
        ReviewSentence("small but heavy", "positive", "Some_phone", 1),
        ReviewSentence("dear", "negative", "Some_phone", 1),
        ReviewSentence("a fact with ## inside", "neutral", "Some_phone", 2),
        ReviewSentence("misspelt", "neutral", "Some_phone", 2),
    ]


def packaged() -> list[list[tuple[str, ...]]]:
    out = []
    for part in ("train", "valid", "test"):
        table = read_table(packaged_folder("sentiment") / f"{part}.csv.xz")
        out.append(list(zip(*(table[name] for name in ("text", "label", "product", "review")))))
    return out


def test_the_packaged_reviews_are_all_there_and_split_by_review() -> None:
    parts = packaged()
    assert Counter(row[1] for part in parts for row in part) == {"neutral": 4388, "positive": 2415, "negative": 1371}
    reviews = [{row[2:] for row in part} for part in parts]
    assert sum(map(len, reviews)) == len(set.union(*reviews)) == 639
    for part, share in zip(parts, (0.7, 0.1, 0.2)):
        for label, n in {"neutral": 4388, "positive": 2415, "negative": 1371}.items():
            assert sum(row[1] == label for row in part) / n == pytest.approx(share, abs=0.005)
    # the README says what is in the files
    readme = (packaged_folder("sentiment") / "README.md").read_text()
    for name, part, group in zip(("train", "valid", "test"), parts, reviews):
        counts = [sum(row[1] == label for row in part) for label in ("neutral", "positive", "negative")]
        assert f"| {name} | " + " | ".join(f"{n:,}" for n in (len(group), len(part), *counts)) in readme
    # no long sentence stands on two sides
    long = [{row[0].lower() for row in part if len(row[0].split()) >= 10} for part in parts]
    assert not long[0] & long[1]
    assert not long[0] & long[2]
    assert not long[1] & long[2]


def test_reviews_that_share_a_long_sentence_are_one_group() -> None:
    long = "this very long sentence stands in two different reviews word by word"
    rows = [("short", 1), (long, 1), ("short", 2), (long.upper(), 2), ("other", 3)]
    groups = review_groups(ReviewSentence(text, "neutral", "p", review) for text, review in rows)
    assert groups == [("p", 1)] * 4 + [("p", 3)]


@needs_reviews
def test_the_packaged_reviews_are_rebuilt_from_the_originals(tmp_path: Path) -> None:
    pack_reviews(SOURCES / "reviews", tmp_path)
    for part, rows in zip(("train", "valid", "test"), packaged()):
        table = read_table(tmp_path / f"{part}.csv.xz")
        assert list(zip(*(table[name] for name in ("text", "label", "product", "review")))) == rows


def test_the_data_room_does_not_import_torch() -> None:
    code = "import sys, elman.data, elman.data.labelled, elman.config.recipe; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_one_column_is_not_the_text_and_the_label_at_once(tmp_path: Path) -> None:
    said = message(path=csv_file(tmp_path / "my.csv", ROWS), input="stars", target="stars")
    assert "column 'stars' is the text and the label at once; name two different columns" in said
