"""Conversations as people keep them, to pairs of what was said and what was answered."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from elman.config.settings import DataSettings
from elman.data.dialogues import TURN, context, load_contexts, load_dialogues, pairs_of, turns_of
from elman.data.packaging import pack_chitchat
from elman.data.parts import packaged_folder
from elman.errors import InputError

SOURCES = Path(__file__).parents[3] / "shared" / "data"
TALK = [["hello", "hi there", "how are you?"], ["who is it?", "me"]]


def write(path: Path, conversations: list[list[str]]) -> str:
    path.write_text("\n\n".join("\n".join(turns) for turns in conversations), encoding="utf-8")
    return str(path)


def many(n: int) -> list[list[str]]:
    return [[f"question {i} of {n}", f"answer {i}", f"and {i}?", f"no, {i}"] for i in range(n)]


def test_every_turn_but_the_first_is_an_answer() -> None:
    pairs = pairs_of(TALK)
    assert pairs.source == ["hello", f"hello {TURN} hi there", "who is it?"]
    assert pairs.target == ["hi there", "how are you?", "me"]
    assert [turns_of(source) for source in pairs.source] == [["hello"], ["hello", "hi there"], ["who is it?"]]


def test_a_context_keeps_ten_turns() -> None:
    pairs = pairs_of([[str(i) for i in range(15)]])
    assert turns_of(pairs.source[-1]) == [str(i) for i in range(4, 14)]


def test_turns_of_lines_and_of_signs() -> None:
    assert turns_of(f"a b\n\n c {TURN}d{TURN} ") == ["a b", "c", "d"]
    assert turns_of(context(["a  b", "c\td"])) == ["a b", "c d"]
    assert turns_of("  ") == []


def test_conversations_are_never_on_two_sides(tmp_path: Path) -> None:
    data = load_dialogues(DataSettings(path=write(tmp_path / "talk.txt", many(40))))
    numbers = [{text.split()[1] for text in part.source if text.startswith("question")} for part in
               (data.train, data.valid, data.test)]  # fmt: skip
    assert [len(part) for part in numbers] == [28, 4, 8]
    assert not numbers[0] & numbers[1]
    assert not numbers[0] & numbers[2]
    assert not numbers[1] & numbers[2]
    assert sum(len(part) for part in (data.train, data.valid, data.test)) == 120
    assert data.notes[0] == "conversations: 28 train, 4 valid, 8 test"
    again = load_dialogues(DataSettings(path=write(tmp_path / "talk.txt", many(40))))
    assert again.test.source == data.test.source


def test_equal_conversations_stay_on_one_side(tmp_path: Path) -> None:
    talks = [*many(40), *[[turn.upper() for turn in turns] for turns in many(40)]]
    data = load_dialogues(DataSettings(path=write(tmp_path / "talk.txt", talks)))
    said = [{text.casefold() for text in part.source} for part in (data.train, data.valid, data.test)]
    assert not said[0] & said[1] | said[0] & said[2] | said[1] & said[2]
    assert sum(len(part) for part in (data.train, data.valid, data.test)) == 240


def test_the_column_of_conversations_is_guessed(tmp_path: Path) -> None:
    rows = [f"{n},{turn.replace(',', '')}" for n, turns in enumerate(many(10)) for turn in turns]
    (tmp_path / "talk.csv").write_text("\n".join(["Dialogue ID,said", *rows]))
    settings = DataSettings(path=str(tmp_path / "talk.csv"))
    data = load_dialogues(settings)
    assert "column guessed: rows of the same 'Dialogue ID' are one conversation; if that is wrong, say" in data.notes[1]
    named = load_dialogues(DataSettings(path=settings.path, group="Dialogue ID"))
    assert data.test.source == named.test.source
    assert len(load_contexts(settings, True, lambda line: None)) == 30
    # where each row is a whole dialogue, the column is none of that
    (tmp_path / "pairs.csv").write_text("\n".join(["dialogue,response", *(f"q {i},a {i}" for i in range(20))]))
    assert len(load_dialogues(DataSettings(path=str(tmp_path / "pairs.csv"))).train) == 14


def test_files_of_their_own(tmp_path: Path) -> None:
    parts = {part: write(tmp_path / f"{part}.txt", many(n)) for part, n in (("train", 5), ("valid", 2), ("test", 3))}
    named = DataSettings(path=parts["train"], valid=parts["valid"], test=parts["test"])
    for settings in (DataSettings(path=str(tmp_path)), named):
        data = load_dialogues(settings)
        assert [len(part) for part in (data.train, data.valid, data.test)] == [15, 6, 9]
    write(tmp_path / "test.txt", [*many(5)[:2], *many(3)])
    assert "2 of 5 test conversations stand in the training part, too" in load_dialogues(settings).notes


def test_tables(tmp_path: Path) -> None:
    rows = [f"{n},{turn}" for n, turns in enumerate(many(10)) for turn in ["said", *turns] if turn != "said"]
    (tmp_path / "talk.csv").write_text("\n".join(["talk,said", *(row.replace(", ", " ") for row in rows)]))
    data = load_dialogues(DataSettings(path=str(tmp_path / "talk.csv"), group="talk"))
    assert len(data.train) + len(data.valid) + len(data.test) == 30
    assert data.train.source[1].count(TURN) == 1
    (tmp_path / "pairs.csv").write_text("\n".join(["context,response", *(f"q {i},a {i}" for i in range(20))]))
    data = load_dialogues(DataSettings(path=str(tmp_path / "pairs.csv")))
    assert sorted([*data.train.target, *data.valid.target, *data.test.target]) == sorted(f"a {i}" for i in range(20))


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "talk.txt", [*many(12), ["is anybody there?"], ["  "]])
    assert any(
        "1 of 13 conversations left out: nobody answers" in n for n in load_dialogues(DataSettings(path=path)).notes
    )
    path = write(tmp_path / "one.txt", [[str(i) for i in range(60)]])
    with pytest.raises(InputError, match="1 conversation, and 3 parts to be cut from it; put an empty line"):
        load_dialogues(DataSettings(path=path))


@pytest.mark.parametrize("text", ["", "\n\n", "alone\n\nalone too\n"])
def test_no_conversation_is_one_clear_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "talk.txt").write_text(text)
    with pytest.raises(InputError) as error:
        load_dialogues(DataSettings(path=str(tmp_path / "talk.txt")))
    assert "no conversation of two turns or more; write a turn a line" in str(error.value)
    with pytest.raises(InputError, match="no data"):
        load_dialogues(DataSettings())


def test_contexts_to_answer(tmp_path: Path) -> None:
    (tmp_path / "asked.txt").write_text(f"hello\nhow are you? {TURN} fine\n")
    found = load_contexts(DataSettings(path=str(tmp_path / "asked.txt")), False, lambda line: None)
    assert (found.source, found.target) == (["hello", f"how are you? {TURN} fine"], ())
    judged = load_contexts(DataSettings(path=write(tmp_path / "talk.txt", TALK)), True, lambda line: None)
    assert judged.target == ["hi there", "how are you?", "me"]


def test_the_packaged_conversations() -> None:
    data = load_dialogues(DataSettings(path="packaged:chitchat"))
    assert [len(part) for part in (data.train, data.valid, data.test)] == [87_770, 2_296, 2_451]
    assert data.notes == ("conversations: 2,200 train, 60 valid, 60 test",)


@pytest.mark.skipif(not (SOURCES / "chitchat").is_dir(), reason="the original conversations are not at hand")
def test_the_packaged_conversations_are_made_of_their_original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.data.packaging.pack", lambda path, text: path.write_text(text, encoding="utf-8"))
    pack_chitchat(SOURCES / "chitchat", tmp_path)
    for part in ("train", "valid", "test"):
        packed = lzma.decompress((packaged_folder("chitchat") / f"{part}.txt.xz").read_bytes()).decode()
        assert packed == (tmp_path / f"{part}.txt.xz").read_text(encoding="utf-8")
