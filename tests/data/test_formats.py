"""The registry of formats: what each is known by, what is written is read, and a new one is a file and a line."""

from __future__ import annotations

import gzip
import types
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from elman.config.settings import DataSettings
from elman.data import formats
from elman.data.formats import FORMATS, Format, check_writable, find_format, read_table, write_table
from elman.data.formats.format import Note
from elman.data.labelled import load_labelled, load_texts
from elman.data.schemes import SCHEMES
from elman.data.sentence import Sentence
from elman.data.table import Table
from elman.data.tagged import load_sentences, load_tagged
from elman.data.textfile import open_text, shown
from elman.errors import InputError


def test_the_documentation_names_every_format() -> None:
    text = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    said = text.partition("## What can be read")[2].partition("\n## ")[0]
    lacking = [f.title for f in FORMATS if f.title not in said and f"`{(f.suffixes or ('?',))[0]}`" not in said]
    assert lacking == []
    assert all(f.title for f in FORMATS)


def test_a_recipe_may_name_every_format() -> None:
    (kind,) = (field.type for field in msgspec.structs.fields(DataSettings) if field.name == "format")
    assert set(get_args(kind)) == {"auto", *(format.name for format in FORMATS)}


def test_a_recipe_may_name_every_scheme() -> None:
    (kind,) = (field.type for field in msgspec.structs.fields(DataSettings) if field.name == "scheme")
    assert set(get_args(kind)) == {"auto", "none", *SCHEMES}


def test_no_two_formats_have_a_suffix_in_common() -> None:
    suffixes = [suffix for format in FORMATS for suffix in format.suffixes]
    assert len(set(suffixes)) == len(suffixes)


@pytest.mark.parametrize("suffix", [suffix for format in FORMATS for suffix in format.suffixes])
def test_a_suffix_tells_the_format_whatever_its_case(tmp_path: Path, suffix: str) -> None:
    """A table called .PARQUET was taken for a text, and refused as none."""
    path = tmp_path / f"a{suffix.upper()}"
    path.write_text("some prose of several words")
    found, _ = find_format(path, "auto", lambda format: True)
    assert found is not None
    assert suffix in found.suffixes


@pytest.mark.parametrize("suffix", ["", *(s for f in FORMATS if f.is_table and f.write for s in f.suffixes)])
def test_a_table_that_is_written_is_read(tmp_path: Path, suffix: str) -> None:
    if suffix in (".parquet", ".pq"):
        pytest.importorskip("pyarrow")
    table = Table({"text": ["naïve, no?", 'said "no"', "\ttab"], "label": ["good", "bad", "good"]})
    path = tmp_path / f"a{suffix}"
    check_writable(path)
    write_table(table, path)
    read = read_table(path)
    assert {name: list(read[name]) for name in read.names} == dict(table.columns)


# -- a format of one's own --------------------------------------------------------------------------------------------


def read_cards(path: Path, settings: DataSettings, note: Note) -> Table:
    """``!label`` and then the text, one card after the other."""
    with open_text(path, settings.encoding) as lines:
        cards = [card.partition("\n") for card in lines.read().split("!")[1:]]
    note(f"{len(cards)} cards")
    return Table(
        {"text": [text.strip() for _, _, text in cards], "label": [label for label, _, _ in cards]}, shown(path)
    )


def split_cards(path: Path, settings: DataSettings, tagged: bool) -> list[Sentence]:
    table = read_cards(path, settings, lambda line: None)
    return [Sentence(text.split(), [label] * len(text.split())) for text, label in zip(table["text"], table["label"])]


def write_cards(table: Table, path: Path) -> None:
    path.write_text("".join(f"!{record['label']}\n{record['text']}\n" for record in table.records()))


CARDS = Format(
    name="cards",
    suffixes=(".cards",),
    begins=lambda head: head.startswith("!"),
    table=read_cards,
    sentences=split_cards,
    write=write_cards,
)


@pytest.fixture
def cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "FORMATS", (CARDS, *FORMATS))


@pytest.mark.usefixtures("cards")
@pytest.mark.parametrize("name", ["my.cards", "my.cards.gz", "my.txt", "my"])
def test_a_new_format_is_a_file_and_a_line(tmp_path: Path, name: str) -> None:
    rows = Table({"text": [f"text number {i}" for i in range(40)], "label": ["good", "bad"] * 20})
    check_writable(tmp_path / "my.cards")
    write_table(rows, tmp_path / "my.cards")
    content = (tmp_path / "my.cards").read_bytes()
    if name.endswith(".gz"):
        content = gzip.compress(content)
    (tmp_path / name).write_bytes(content)
    settings = DataSettings(path=str(tmp_path / name))
    data = load_labelled(settings)
    assert [len(part) for part in (data.train, data.valid, data.test)] == [28, 4, 8]
    assert {*data.train["text"], *data.valid["text"], *data.test["text"]} == set(rows["text"])
    assert data.notes[0] == "40 cards"
    texts = load_texts(settings, "text", "label")
    assert (texts["text"], texts["label"]) == (rows["text"], rows["label"])
    tagged = load_tagged(settings)
    assert tagged.tags == ["bad", "good"]
    assert load_sentences(settings, scheme="none")[0].words == ["text", "number", "0"]


@pytest.mark.usefixtures("cards")
def test_a_new_format_is_named_where_the_others_are(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"not written as \.xls; use \.cards, \.csv, \.tsv, \.jsonl, \.parquet or \.conll"
    ):
        check_writable(tmp_path / "a.xls")


def test_a_format_is_asked_only_for_what_it_gives(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("(3 (2 It) (3 works))\n" * 3)
    assert load_texts(DataSettings(path=str(path)), "text", "label").names[:2] == ["text", "label"]
    with pytest.raises(InputError, match=r"a\.txt: format 'trees' has no tagged words; use CoNLL columns"):
        load_tagged(DataSettings(path=str(path), format="trees"))
    with pytest.raises(InputError, match=r"a\.txt: this does not look like a table of texts and labels"):
        load_labelled(DataSettings(path=str(path), format="conllu"))
    with pytest.raises(InputError, match=r"a\.txt: format 'lines' has no tagged words"):
        load_tagged(DataSettings(path=str(path), format="lines"))
    # a bracket is a word to a tagger
    words = load_sentences(DataSettings(path=str(path)), tagged=False)[0].words
    assert words[:3] == ["(3"] * 3


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\na,good\nb,bad\n")
    (tmp_path / "held").mkdir()
    with pytest.raises(InputError, match=r"held: this is a folder, a file is needed"):
        load_labelled(DataSettings(path=str(tmp_path / "a.csv"), valid=str(tmp_path / "held")))


def test_what_is_trained_on_is_no_other_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """A data set of the hub that has a test part alone was trained on and tested on the same rows."""

    class Split(dict):  # type: ignore[type-arg]
        column_names = ("text", "label")
        features = types.MappingProxyType({"text": None, "label": None})

    splits = {"test": Split(text=[f"text {i}" for i in range(40)], label=["good", "bad"] * 20)}
    library = types.SimpleNamespace(load_dataset=lambda *name, revision: splits)
    monkeypatch.setattr("elman.data.hub.optional", lambda *names: library)
    data = load_labelled(DataSettings(path="hf:owner/set"))
    assert [len(part) for part in (data.train, data.valid, data.test)] == [28, 4, 8]
    assert not {*data.train["text"]} & {*data.test["text"]}
    assert len(load_texts(DataSettings(path="hf:owner/set"), "text", "label")) == 40
