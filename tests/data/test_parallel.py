"""Pairs of texts: parallel files, folders, tables; what is guessed, left out, told and refused."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from elman.config.settings import DataSettings
from elman.data.direction import Letters
from elman.data.parallel import Pairs, load_pairs, load_sources
from elman.data.parallel_files import side_names
from elman.data.parts import packaged_folder
from elman.errors import InputError
from elman.tasks.find import recipe_of

SOURCES = Path(__file__).parents[3] / "shared" / "data"
EN = [
    f"the {a} house number {i} is near the {b} water"
    for i, (a, b) in enumerate(zip(["old", "new", "red", "big"] * 10, ["deep", "cold"] * 20))
]
DE = [
    f"das {a} Haus Nummer {i} steht am {b} Wasser"
    for i, (a, b) in enumerate(zip(["alte", "neue", "rote", "große"] * 10, ["tiefen", "kalten"] * 20))
]


def write(path: Path, lines: list[str], end: str = "\n") -> Path:
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def files(folder: Path, part: str = "train", a: list[str] = EN, b: list[str] = DE) -> str:
    return f"{write(folder / f'{part}.en', a)},{write(folder / f'{part}.de', b)}"


def message(path: str, **settings: object) -> str:
    with pytest.raises(InputError) as error:
        load_pairs(DataSettings(path=path, **settings))  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    return str(error.value)


def test_two_files_are_split_and_said_so(tmp_path: Path) -> None:
    data = load_pairs(DataSettings(path=files(tmp_path)))
    assert data.columns == {"input": "en", "target": "de"}
    assert [len(part) for part in (data.train, data.valid, data.test)] == [28, 4, 8]
    assert data.notes == ("split with seed 0: 28 train / 4 valid / 8 test",)
    pairs = dict(zip(EN, DE))
    for part in (data.train, data.valid, data.test):
        assert all(pairs[a] == b for a, b in zip(part.source, part.target))
    assert sorted([*data.train.source, *data.valid.source, *data.test.source]) == sorted(EN)


def test_either_direction_of_the_same_files(tmp_path: Path) -> None:
    data = load_pairs(DataSettings(path=files(tmp_path), input="de"))
    assert data.columns == {"input": "de", "target": "en"}
    assert set(data.train.source) <= set(DE)
    assert load_pairs(DataSettings(path=files(tmp_path), target="en")).columns == data.columns
    assert "no column 'fr'" in message(files(tmp_path), input="fr")
    assert "source and the target at once" in message(files(tmp_path), input="en", target="en")


def test_parts_of_their_own(tmp_path: Path) -> None:
    data = load_pairs(
        DataSettings(
            path=files(tmp_path),
            valid=files(tmp_path, "val", EN[:3], DE[:3]),
            test=files(tmp_path, "t", EN[3:5], DE[3:5]),
        )
    )
    assert [len(part) for part in (data.train, data.valid, data.test)] == [40, 3, 2]
    assert data.valid.target == DE[:3]
    assert any("3 of 3 valid lines have a text that is also in the training part" in note for note in data.notes)


def test_a_folder_by_the_suffixes(tmp_path: Path) -> None:
    for part in ("train", "dev", "test"):
        files(tmp_path, part)
    (tmp_path / "README.md").write_text("train")
    data = load_pairs(DataSettings(path=str(tmp_path), input="en"))
    assert (data.columns["target"], len(data.valid)) == ("de", 40)
    guessed = load_pairs(DataSettings(path=str(tmp_path)))
    assert "columns guessed: 'de' becomes 'en'" in guessed.notes[0]
    assert "no training file of 'fr'" in message(str(tmp_path), input="fr")
    write(tmp_path / "train.cs", EN)
    assert "training files of cs, de, en; say which" in message(str(tmp_path))
    assert load_pairs(DataSettings(path=str(tmp_path), input="en", target="de")).columns["input"] == "en"


def test_tables_of_every_kind(tmp_path: Path) -> None:
    rows = list(zip(EN, DE))
    table = tmp_path / "pairs.tsv"
    table.write_text("english\tgerman\n" + "".join(f"{a}\t{b}\n" for a, b in rows))
    assert "columns guessed: 'english' becomes 'german'" in load_pairs(DataSettings(path=str(table))).notes[0]
    table = tmp_path / "deu.txt"  # as small collections of pairs are often given: no header, a third column of credits
    table.write_text("".join(f"{a}\t{b}\tCC-BY 2.0 {i}\n" for i, (a, b) in enumerate(rows)))
    data = load_pairs(DataSettings(path=str(table)))
    assert data.columns == {"input": "1", "target": "2"}
    assert data.train.target[0] in DE
    assert "first row is taken for a pair" in data.notes[0]
    assert sum(map(len, (data.train, data.valid, data.test))) == 40
    table = tmp_path / "hub.jsonl"
    table.write_text(
        "".join(json.dumps({"id": i, "translation": {"en": a, "de": b}}) + "\n" for i, (a, b) in enumerate(rows))
    )
    assert load_pairs(DataSettings(path=str(table))).columns == {"input": "en", "target": "de"}
    table = tmp_path / "named.csv"
    table.write_text("target,note,source\n" + "".join(f"{b},x,{a}\n" for a, b in rows))
    assert load_pairs(DataSettings(path=str(table))).columns == {"input": "source", "target": "target"}
    table.write_text("text,count\n" + "".join(f"{a},{i}\n" for i, a in enumerate(EN)))
    assert "1 column of texts, two are needed" in message(str(table))


def test_compressed_and_crlf_and_carriage_returns_inside(tmp_path: Path) -> None:
    a = tmp_path / "train.en.xz"
    a.write_bytes(lzma.compress("".join(f"{line}\n" for line in EN).encode()))
    odd = [*DE[:-1], "mit\rWagenrücklauf\u2028und Zeilentrenner"]
    b = write(tmp_path / "train.de", odd, "\r\n")
    data = load_pairs(DataSettings(path=f"{a},{b}"))
    assert sorted([*data.train.target, *data.valid.target, *data.test.target]) == sorted(odd)


@pytest.mark.parametrize("gone", [0, 7, 25, 38])
@pytest.mark.parametrize("missing", [1, 2])
def test_where_unequal_files_part(tmp_path: Path, gone: int, missing: int) -> None:
    """Lines of very different lengths, some of which are lost: the place is found from the lengths alone."""
    a = ["word " * (1 + (i * 7) % 12) + "end" for i in range(40)]
    b = ["Wort " * (1 + (i * 7) % 12) + "Ende" for i in range(40)]
    said = message(files(tmp_path, a=a, b=b[:gone] + b[gone + missing :]))
    assert f"train.en has 40 lines, {tmp_path}/train.de has {40 - missing}" in said
    assert (f"from about line {gone + 1} on" in said) or (gone + missing == 40 and "last lines" in said)


def test_unequal_files_with_an_empty_line(tmp_path: Path) -> None:
    said = message(files(tmp_path, b=[*DE[:16], "", *DE[17:39]]))
    assert "line 17 of" in said
    assert "train.de is empty, that of" in said
    # empty lines at the end of one file alone are no lines
    assert len(load_pairs(DataSettings(path=files(tmp_path, b=[*DE, "", ""]))).train) == 28


def test_rows_without_a_side_are_left_out_and_told(tmp_path: Path) -> None:
    data = load_pairs(DataSettings(path=files(tmp_path, a=["", *EN[1:]], b=[*DE[:5], "  ", *DE[6:]])))
    assert "2 lines with an empty side left out" in data.notes[0]
    assert "line 1 first" in data.notes[0]
    assert sum(map(len, (data.train, data.valid, data.test))) == 38


def test_what_is_refused(tmp_path: Path) -> None:
    both = files(tmp_path)
    a, b = both.split(",")
    assert "nothing beside them that they become" in message(a)
    assert "one of the two sides is missing" in message(f"{a},")
    assert "no such file" in message(f"{a},{tmp_path}/none.de")
    assert "both sides are one file" in message(f"{a},{a}")
    assert "3 files where two are needed" in message(f"{a},{b},{b}")
    assert "there is no text in it" in message(f"{a},{write(tmp_path / 'empty.de', [''] * 40)}")
    assert "has no pairs of texts" in message(both, format="conll")
    assert "no data" in message("")
    assert "cannot be split" in message(files(tmp_path, a=EN[:2], b=DE[:2]))


def test_swapped_sides_are_told(tmp_path: Path) -> None:
    turned = f"{write(tmp_path / 'v.x', DE[:5])},{write(tmp_path / 'v.y', EN[:5])}"
    data = load_pairs(DataSettings(path=files(tmp_path), valid=turned))
    assert any("the valid pairs look swapped" in note for note in data.notes)
    assert not any("test pairs look swapped" in note for note in data.notes)
    # where the names say it, nobody has to tell: the files may stand in any order
    b, a = files(tmp_path, "val", EN[:5], DE[:5]).split(",")
    data = load_pairs(DataSettings(path=files(tmp_path), valid=f"{a},{b}"))
    assert data.valid.source == EN[:5]
    assert not any("swapped" in note for note in data.notes)


def test_sides_of_one_language_are_not_told_apart() -> None:
    letters = Letters.learn(EN, [" ".join(reversed(line.split())) for line in EN])
    assert letters.middle is None
    assert not letters.swapped(DE, EN)
    mixed = Letters.learn(["שלום עולם", "زمین و آسمان"], ["hello world", "earth and sky"])
    assert mixed.swapped(["sky"], ["עולם"])
    assert not mixed.swapped(["עולם"], ["sky"])
    again = Letters(**mixed.to_dict())  # type: ignore[arg-type]
    assert again.score(["sky"]) == mixed.score(["sky"])


def test_equal_sources_stay_on_one_side(tmp_path: Path) -> None:
    data = load_pairs(DataSettings(path=files(tmp_path, a=[*EN[:20], *EN[:20]])))
    parts = [set(part.source) for part in (data.train, data.valid, data.test)]
    assert not parts[0] & (parts[1] | parts[2])
    assert not parts[1] & parts[2]
    assert "20 lines repeat the text of another" in data.notes[0]


def test_of_many_rows_two_thousand_judge(tmp_path: Path) -> None:
    a, b = ([f"{word} {i}" for i in range(30_000)] for word in ("in", "out"))
    data = load_pairs(DataSettings(path=files(tmp_path, a=a, b=b)))
    assert [len(part) for part in (data.train, data.valid, data.test)] == [26_000, 2000, 2000]
    asked = load_pairs(DataSettings(path=files(tmp_path, a=a, b=b), split=(0.8, 0.1, 0.1)))
    assert len(asked.test) == 3000


def test_equal_sides_are_told(tmp_path: Path) -> None:
    data = load_pairs(DataSettings(path=files(tmp_path, b=EN)))
    assert any("40 of 40 lines" in note and "two equal sides" in note for note in data.notes)


def test_what_is_to_be_answered(tmp_path: Path) -> None:
    columns, told = {"input": "en", "target": "de"}, list[str]()
    lines = write(tmp_path / "some.txt", ["one", "", "three"])
    found = load_sources(DataSettings(path=str(lines)), columns, False, told.append)
    assert found.source == ["one", "", "three"]  # line N of the answers belongs to line N
    found = load_sources(DataSettings(path=files(tmp_path)), columns, False, told.append)
    assert (found.source[0], found.target) == (EN[0], ())
    assert not told
    with pytest.raises(InputError, match="nothing to judge answers by"):
        load_sources(DataSettings(path=str(lines)), columns, True, told.append)
    table = tmp_path / "t.csv"
    table.write_text("text,id\nhello,1\n")
    assert load_sources(DataSettings(path=str(table)), columns, False, told.append).source == ["hello"]
    assert "column guessed: 'text' is read" in told[0]
    with pytest.raises(InputError, match="no column 'english'"):
        load_sources(DataSettings(path=str(table), input="english"), columns, False, told.append)
    turned = f"{write(tmp_path / 'v.x', DE[:5])},{write(tmp_path / 'v.y', EN[:5])}"
    told.clear()
    judged = load_sources(DataSettings(path=turned), columns, True, told.append, Letters.learn(EN, DE))
    assert judged.source == DE[:5]
    assert any("look swapped" in line for line in told)


def test_names_of_sides() -> None:
    pairs = {"test_2016_flickr.en test_2016_flickr.de": ("en", "de"), "src-train.txt tgt-train.txt": ("src", "tgt"),
             "a/x.txt b/x.txt": ("source", "target"), "train.en.txt.gz train.fr.txt": ("en", "fr")}  # fmt: skip
    for names, wanted in pairs.items():
        one, other = names.split()
        assert side_names(Path(one), Path(other)) == wanted


def test_pairs_are_taken() -> None:
    pairs = Pairs(["a", "b", "c"], ["x", "y", "z"])
    assert pairs.take([2, 0]) == Pairs(["c", "a"], ["z", "x"])
    assert pairs.take([2]).take([0]).target == ["z"]


def test_the_packaged_pairs_have_their_published_sizes() -> None:
    data = load_pairs(DataSettings(path="packaged:enja"))
    parts = (data.train, data.valid, data.test)
    assert [len(part) for part in parts] == [50_000, 500, 500]
    assert [sum(len(text.split()) for text in part.source) for part in parts] == [391_047, 3_931, 3_998]
    assert [sum(len(text.split()) for text in part.target) for part in parts] == [565_618, 5_668, 5_635]
    turned = load_pairs(DataSettings(path="packaged:enja", input="ja"))
    assert (turned.columns, turned.test.source) == ({"input": "ja", "target": "en"}, data.test.target)


@pytest.mark.skipif(not (SOURCES / "enja").is_dir(), reason="the original pairs are not at hand")
def test_the_packaged_pairs_equal_their_originals() -> None:
    for part, name in (("train", "train"), ("valid", "dev"), ("test", "test")):
        for language in ("en", "ja"):
            original = (SOURCES / "enja" / f"{name}.{language}").read_text(encoding="utf-8")
            packed = packaged_folder("enja") / f"{part}.{language}.xz"
            assert lzma.decompress(packed.read_bytes()).decode() == original


@pytest.mark.parametrize(("values", "columns"), [({}, ("en", "ja")), ({"data.input": "ja"}, ("ja", "en"))])
def test_the_packaged_recipe_in_either_direction(values: dict[str, object], columns: tuple[str, str]) -> None:
    _, recipe = recipe_of("translation", [], values)
    assert tuple(load_pairs(recipe.data).columns.values()) == columns


def test_a_side_without_text_is_no_question_of_counts(tmp_path: Path) -> None:
    (tmp_path / "a.en").write_text("\n\n\n")
    (tmp_path / "a.de").write_text("eins\nzwei\n")
    for sides in ("a.en,a.de", "a.de,a.en"):
        path = ",".join(str(tmp_path / name) for name in sides.split(","))
        with pytest.raises(InputError, match=r"a\.en: there is no text in it; give a file with a text a line"):
            load_pairs(DataSettings(path=path))
