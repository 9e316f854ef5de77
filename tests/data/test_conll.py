"""CoNLL columns and CoNLL-U: every spelling of the same sentences, and a clear line for what is malformed."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from elman.config.settings import DataSettings
from elman.data.formats.conll import read_conll
from elman.data.formats.conllu import read_conllu
from elman.data.parts import packaged_folder
from elman.data.sentence import Sentence
from elman.data.tagged import load_sentences, load_tagged, read_sentences
from elman.errors import InputError

PLAIN = "Ada\tB-PER\nslept\tO\n\nin\tO\nNew\tB-LOC\nYork\tI-LOC\n"
WORDS = [["Ada", "slept"], ["in", "New", "York"]]
TAGS = [["B-PER", "O"], ["O", "B-LOC", "I-LOC"]]

CONLL2003 = """-DOCSTART- -X- -X- O

Ada NNP I-NP I-PER
slept VBD I-VP O

in IN I-PP O
New NNP I-NP I-LOC
York NNP I-NP I-LOC

-DOCSTART- -X- -X- O

Ada NNP I-NP I-PER
Bob NNP I-NP B-PER
"""

UD = """# newdoc id = a
# text = don't go
1-2\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tdo\tdo\tAUX\tVB\t_\t3\taux\t_\t_
2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\t_
3\tgo\tgo\tVERB\tVB\t_\t0\troot\t_\t_

# newdoc id = b
1\tyes and\tyes\tINTJ\tUH\t_\t0\troot\t_\t_
1.1\tleft\tleave\tVERB\tVB\t_\t_\t_\t0:root\t_
2\t.\t.\tPUNCT\t.\t_\t1\tpunct\t_\t_
"""


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def conll(tmp_path: Path, content: str | bytes, **options: str | None) -> list[Sentence]:
    return list(read_conll(write(tmp_path / "a.conll", content), **options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.rstrip("\n"),
        "\n\n" + PLAIN + "\n \t \n\n",
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        PLAIN.replace("\t", " "),
        PLAIN.replace("\t", "  \t"),
        PLAIN.replace("O\n", "O\t\n"),
        PLAIN.replace("\n\n", "\n\n# id = 2\n"),
    ],
)
def test_every_spelling_gives_the_same_sentences(tmp_path: Path, content: str | bytes) -> None:
    sentences = conll(tmp_path, content)
    assert [s.words for s in sentences] == WORDS
    assert [s.tags for s in sentences] == TAGS


def test_four_columns_and_documents(tmp_path: Path) -> None:
    sentences = conll(tmp_path, CONLL2003)
    assert [s.document for s in sentences] == [0, 0, 1]
    assert [s.tags for s in sentences] == [["I-PER", "O"], ["O", "I-LOC", "I-LOC"], ["I-PER", "B-PER"]]
    assert sentences[0].columns[1] == ["NNP", "VBD"]
    assert sentences[1].where(2).endswith("a.conll, line 8")
    assert next(s.tags for s in conll(tmp_path, CONLL2003, tag="2")) == ["NNP", "VBD"]
    # a document also ends a sentence whose blank line is missing
    assert [len(s) for s in conll(tmp_path, CONLL2003.replace("I-LOC\n\n", "I-LOC\n"))] == [2, 3, 2]


def test_words_that_look_like_something_else(tmp_path: Path) -> None:
    content = "#\tO\n#tag\tO\n(\tO\nno\u00a0break\tO\nline\u2028end\tO\n\n# 1\tO\n"
    assert [s.words for s in conll(tmp_path, content)] == [
        ["#", "#tag", "(", "no\u00a0break", "line\u2028end"],
        ["# 1"],
    ]
    assert [s.words for s in conll(tmp_path, "New York\tB-LOC\n")] == [["New York"]]


def test_words_alone_are_enough_to_predict(tmp_path: Path) -> None:
    sentences = conll(tmp_path, "Ada\nslept\n\nin\n", tag=None)
    assert [(s.words, s.tags) for s in sentences] == [(["Ada", "slept"], []), (["in"], [])]


def test_a_sentence_may_be_long(tmp_path: Path) -> None:
    (sentence,) = conll(tmp_path, "word\tO\n" * 10_000)
    assert len(sentence) == len(sentence.tags) == 10_000
    path = write(tmp_path / "a.conll", "Ada\tB-PER\nslept\tO\n" * 5_000)
    test = write(tmp_path / "b.conll", PLAIN)
    with pytest.raises(InputError, match=r"b\.conll, line 5: tag 'B-LOC' never occurs"):
        load_tagged(DataSettings(path=str(path), valid=str(path), test=str(test)))
    data = load_tagged(DataSettings(path=str(path), valid=str(path), test=str(path)))
    assert any("has no blank line: read as one sentence of 10,000 words" in note for note in data.notes)


def test_reading_streams(tmp_path: Path) -> None:
    # the broken second sentence is not seen before it is asked for
    sentences = read_conll(write(tmp_path / "a.conll", "Ada\tO\n\nbroken\n"))
    assert next(sentences).words == ["Ada"]
    with pytest.raises(InputError):
        next(sentences)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "a.conll: no sentences in this file"),
        ("\n\n \n", "a.conll: no sentences in this file"),
        ("Ada\tO\nslept\n", "a.conll, line 2: 1 column, but line 1 has 2"),
        ("Ada\tO\nslept\tVBD\tO\n", "line 2: 3 columns, but line 1 has 2; give every word the same columns"),
        ("Ada\tO\nslept O\n", "line 2: 1 column, but line 1 has 2; line 1 separates them by tabs: use tabs here too"),
        ("Ada\tO\n\tO\n", "line 2: an empty column"),
        ("Ada\nslept\n", "line 1: one column, so there are words but no tags"),
        (b"Ada\tO\ncaf\xe9\tO\n", "line 2: byte 0xE9 is not UTF-8"),
        (b"A\x00d\x00a\x00", "this is not text"),
    ],
)
def test_malformed_columns_get_one_line(tmp_path: Path, content: str | bytes, expected: str) -> None:
    with pytest.raises(InputError) as error:
        conll(tmp_path, content)
    assert expected in str(error.value)
    assert error.value.remedy


@pytest.mark.parametrize("tag", ["5", "0", "-1", "ner", "²"])
def test_a_column_that_is_not_there(tmp_path: Path, tag: str) -> None:
    with pytest.raises(InputError, match="give a number from 1 to 4"):
        conll(tmp_path, CONLL2003.partition("\n\n")[2], tag=tag)


def test_conllu_gives_the_syntactic_words(tmp_path: Path) -> None:
    sentences = list(read_conllu(write(tmp_path / "a.conllu", UD)))
    assert [s.words for s in sentences] == [["do", "n't", "go"], ["yes and", "."]]
    assert [s.tags for s in sentences] == [["AUX", "PART", "VERB"], ["INTJ", "PUNCT"]]
    assert [s.document for s in sentences] == [0, 1]
    assert sentences[1].where(1).endswith("line 11")
    (first, _) = read_conllu(tmp_path / "a.conllu", word="lemma", tag="xpos")
    assert (first.words, first.tags) == (["do", "not", "go"], ["VB", "RB", "VB"])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("\n\n# newdoc id = b\n", "\n", "line 7: word number 1 follows 3; put a blank line after each sentence"),
        ("\n\n#", "\n#", "line 7: a comment in the middle of a sentence; put a blank line"),
        ("3\tgo", "4\tgo", "line 6: word number 4 follows 2"),
        ("2\tn't\tnot", "2\tn't not", "line 5: 9 columns, but CoNLL-U has 10"),
        ("2\tn't", "two\tn't", "line 5: 'two' is not a word number"),
        ("PART", "_", "line 5: no upos tag"),
        ("PART", "", "line 5: no upos tag"),
        (UD, "# nothing\n", "no sentences in this file"),
    ],
)
def test_malformed_conllu_gets_one_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    with pytest.raises(InputError) as error:
        list(read_conllu(write(tmp_path / "a.conllu", UD.replace(old, new, 1))))
    assert expected in str(error.value)
    assert error.value.remedy


def test_an_unknown_conllu_column_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="CoNLL-U has no column 'pos'; did you mean 'xpos'"):
        list(read_conllu(write(tmp_path / "a.conllu", UD), tag="pos"))


# -- whole data sets --------------------------------------------------------------------------------------------------


def many(sentence: str, n: int = 30) -> str:
    return "\n\n".join(sentence.strip("\n") for _ in range(n)) + "\n"


def test_any_scheme_is_found_and_comes_out_as_iob2(tmp_path: Path) -> None:
    write(tmp_path / "train.txt", CONLL2003)
    write(tmp_path / "valid.txt", CONLL2003)
    write(tmp_path / "test.txt.xz", lzma.compress(CONLL2003.encode()))
    data = load_tagged(DataSettings(path=str(tmp_path)))
    assert data.scheme == "IOB1"
    assert [s.tags for s in data.test] == [["B-PER", "O"], ["O", "B-LOC", "I-LOC"], ["B-PER", "B-PER"]]
    assert data.tags == ["B-LOC", "B-PER", "I-LOC", "O"]
    assert data.notes == ("tags are written in IOB1",)


def test_malformed_sequences_are_mended_and_counted(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.conll", many(PLAIN) + "\nYork\tI-LOC\n\nAda\tB-PER\nYork\tI-LOC\n"))
    data = load_tagged(DataSettings(path=path, valid=path, test=path))
    assert data.scheme == "IOB2"
    assert [s.tags for s in data.train[-2:]] == [["B-LOC"], ["B-PER", "B-LOC"]]
    assert any("2 sentences with tags that IOB2 does not allow, read as conlleval does" in note for note in data.notes)


def test_tags_of_another_scheme_are_refused(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.conll", many(PLAIN)))
    other = str(write(tmp_path / "b.conll", many(PLAIN) + "\nYork\tS-LOC\n"))
    with pytest.raises(
        InputError, match=r"b\.conll, line 211: tag 'S-LOC' is not of the scheme IOB2; IOB2 has O, I-TYPE"
    ):
        load_tagged(DataSettings(path=path, valid=path, test=other))
    slip = str(write(tmp_path / "c.conll", many(PLAIN) + "\nYork\tLOC\n"))
    with pytest.raises(InputError, match=r"c\.conll, line 211: tag 'LOC' is not of the scheme IOB2"):
        load_tagged(DataSettings(path=slip))
    # read as plain labels, anything is a tag
    assert "LOC" in load_tagged(DataSettings(path=slip, scheme="none", valid=slip, test=slip)).tags


def test_one_file_is_split_and_said_so(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.conll", many(PLAIN, 50)))
    data = load_tagged(DataSettings(path=path))
    assert [len(part) for part in (data.train, data.valid, data.test)] == [70, 10, 20]
    assert "split with seed 0" in data.notes[-1]
    assert "70 train / 10 valid / 20 test" in data.notes[-1]


def test_documents_stay_whole(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.conll", "".join(f"-DOCSTART- O\n\n{many(PLAIN, 3)}\n" for _ in range(25))))
    data = load_tagged(DataSettings(path=path))
    homes = [{s.document for s in part} for part in (data.train, data.valid, data.test)]
    assert sum(map(len, homes)) == len(set.union(*homes)) == 25
    assert "whole groups of 'document' together" in data.notes[-1]


def test_one_tag_only_and_unseen_tags(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.conll", many("Ada\tO")))
    with pytest.raises(InputError, match="only one tag, 'O'"):
        load_tagged(DataSettings(path=path))
    ud = str(write(tmp_path / "a.conllu", UD))
    new = str(write(tmp_path / "b.conllu", UD.replace("INTJ", "NUM")))
    with pytest.raises(InputError, match=r"b\.conllu, line 9: tag 'NUM' never occurs in the training data"):
        load_tagged(DataSettings(path=ud, valid=ud, test=new))


def test_conllu_is_known_by_its_content(tmp_path: Path) -> None:
    path = str(write(tmp_path / "a.txt", UD))
    assert [s.tags for s in load_sentences(DataSettings(path=path), scheme="none")][1] == ["INTJ", "PUNCT"]


def test_tables_of_lists(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"tokens": ["Ada", "slept"], "ner_tags": ["B-PER", "O"]}\n')
    (sentence,) = load_sentences(DataSettings(path=str(path)))
    assert (sentence.words, sentence.tags) == (["Ada", "slept"], ["B-PER", "O"])
    write(path, '{"tokens": ["Ada", "slept"], "tags": ["B-PER"]}\n')
    with pytest.raises(InputError, match=r"a\.jsonl, line 1: 2 words but 1 tags"):
        load_sentences(DataSettings(path=str(path)))


def test_packaged_sets_have_their_published_sizes() -> None:
    ner = load_tagged(DataSettings(path="packaged:ner"))
    assert [len(part) for part in (ner.train, ner.valid, ner.test)] == [3394, 1009, 1287]
    assert {tag[2:] for tag in ner.tags if tag != "O"} == {
        "person", "location", "group", "creative-work", "corporation", "product",
    }  # fmt: skip
    pos = load_tagged(DataSettings(path="packaged:pos"))
    assert [len(part) for part in (pos.train, pos.valid, pos.test)] == [12544, 2001, 2077]
    assert [sum(map(len, part)) for part in (pos.train, pos.valid, pos.test)] == [204577, 25147, 25094]
    assert (pos.scheme, len(pos.tags)) == ("none", 17)


SOURCES = Path(__file__).parents[3] / "shared" / "data"


@pytest.mark.skipif(not (SOURCES / "ud_english_ewt").is_dir(), reason="the original treebanks are not at hand")
def test_packaged_sets_equal_their_originals() -> None:
    originals = {
        "ner/train": "wnut17/wnut17train.conll",
        "ner/valid": "wnut17/emerging.dev.conll",
        "ner/test": "wnut17/emerging.test.annotated",
        "pos/valid": "ud_english_ewt/en_ewt-ud-dev.conllu",
        "pos/test": "ud_english_ewt/en_ewt-ud-test.conllu",
    }
    for ours, theirs in originals.items():
        folder, _, part = ours.partition("/")
        a = read_sentences(packaged_folder(folder) / f"{part}.conll.xz", DataSettings())
        b = read_sentences(SOURCES / theirs, DataSettings())
        assert [(s.words, s.tags) for s in a] == [(s.words, s.tags) for s in b]


def test_a_folder_with_the_names_of_conll_2003_is_taken_as_it_is_split(tmp_path: Path) -> None:
    """eng.testa was not known as validation, and the training file was cut up instead."""
    for name in ("eng.train", "eng.testa", "eng.testb"):
        (tmp_path / name).write_text(f"-DOCSTART- -X- O O\n\nAda NNP I-NP I-PER\n{name} NN I-NP O\n\n")
    data = load_tagged(DataSettings(path=str(tmp_path)))
    assert [part[0].words[1] for part in (data.train, data.valid, data.test)] == ["eng.train", "eng.testa", "eng.testb"]
    assert data.scheme == "IOB1"


def test_a_file_without_blank_lines_cannot_be_split(tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("Ada B-PER\nslept O\n" * 50)
    with pytest.raises(InputError, match=r"a\.conll: one sentence of 100 words .*; put a blank line between sentences"):
        load_tagged(DataSettings(path=str(tmp_path / "a.conll")))


@pytest.mark.parametrize("value", ["null", '["a"]', "{}", "true"])
@pytest.mark.parametrize("column", ["tokens", "tags"])
def test_a_gap_in_a_list_is_no_word(tmp_path: Path, column: str, value: str) -> None:
    row = {"tokens": '"Ada", "sleeps"', "tags": '"B-PER", "O"'}
    row[column] = f'"O", {value}'
    path = tmp_path / "train.jsonl"
    path.write_text(f'{{"tokens": ["a"], "tags": ["O"]}}\n{{"tokens": [{row["tokens"]}], "tags": [{row["tags"]}]}}\n')
    what = "word" if column == "tokens" else "tag"
    with pytest.raises(InputError, match=rf"line 2: {what} 2 is .*not text"):
        load_tagged(DataSettings(path=str(path)))


@pytest.mark.parametrize("name", ["\u00b2", "\u0663", "-1", "1.0"])
def test_a_column_has_a_number_in_plain_digits(tmp_path: Path, name: str) -> None:
    """Superscripts and other scripts' digits are digits to Python; to a user they are a slip."""
    for file, content in (("a.conll", "Ada\tB-PER\nsleeps\tO\n"), ("b.conllu", UD)):
        path = tmp_path / file
        path.write_text(content, encoding="utf-8")
        with pytest.raises(InputError, match="no column"):
            load_tagged(DataSettings(path=str(path), input=name))
