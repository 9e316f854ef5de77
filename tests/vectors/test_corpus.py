"""Texts come out of every kind of file, one at a time; words are split and numbered alike in C++ and Python."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import InputError
from elman.text.vectors.corpus import texts
from elman.text.vectors.lexicon import Lexicon, encode
from elman.text.vectors.native import NativeLexicon, library
from elman.text.vectors.tokens import clean, tokenize

needs_native = pytest.mark.skipif(library() is None, reason="no native library in this installation")


@pytest.mark.parametrize(
    ("text", "words", "treebank"),
    [
        ("Don't stop!", ["don't", "stop"], ["do", "n't", "stop", "!"]),
        ("It’s “good”… 3.5 of 1,000", ["it's", "good", "3.5", "of", "1,000"], None),
        ("a<br /><br />b <3 c", ["a", "b", "3", "c"], ["a", "b", "<", "3", "c"]),
        (
            "Wait... what?!! yes--no",
            ["wait", "what", "yes", "no"],
            ["wait", "...", "what", "?", "!", "yes", "--", "no"],
        ),
        ("the dog's 'n't' o'clock", ["the", "dog's", "n't", "o'clock"], None),
        ("Crème-brûlée, São", ["crème", "brûlée", "são"], ["crème", "-", "brûlée", ",", "são"]),
        ("x\x00y 3. 4 .5", ["x", "y", "3", "4", "5"], ["x", "y", "3", ".", "4", ".", "5"]),
    ],
)
def test_words(text: str, words: list[str], treebank: list[str] | None) -> None:
    assert tokenize(text) == words
    if treebank is not None:
        assert tokenize(text, "treebank") == treebank
    assert tokenize("Keep CAPITALS", lower=False) == ["Keep", "CAPITALS"]


@needs_native
@pytest.mark.parametrize("rule", ["words", "treebank"])
@given(
    st.lists(
        st.text(alphabet=st.one_of(st.sampled_from(list("ab1 .,'-!\"n t<>/\t\r\x0b\x1c\x7f’é€")), st.characters()))
    )
)
def test_both_lexicons_agree_on_any_text(rule: str, lines: list[str]) -> None:
    native, readable = NativeLexicon(library(), rule), Lexicon(rule)  # type: ignore[arg-type]
    for pair in itertools.batched(lines, 2) if hasattr(itertools, "batched") else [lines]:
        text = "\n".join(clean(line) for line in pair) + "\n"
        assert native.add(text).tolist() == readable.add(text).tolist()
    words, counts = native.read()
    assert words == readable.read()[0]
    assert counts.tolist() == readable.read()[1].tolist()


@needs_native
def test_the_native_lexicon_grows() -> None:
    lexicon = NativeLexicon(library(), "words")  # type: ignore[arg-type]
    words = [f"w{i}" for i in range(70_000)]
    assert lexicon.add(" ".join(words)).tolist() == list(range(70_000))
    assert lexicon.add("w69999 w0 new").tolist() == [69_999, 0, 70_000]
    assert lexicon.read()[0] == [*words, "new"]


@pytest.mark.parametrize("native", [pytest.param(True, marks=needs_native), False])
def test_encoding_orders_by_frequency_and_closes_over_rare_words(native: bool) -> None:
    corpus = encode(["b a rare a", "a b c", "", "c c b"], min_count=3, native=native)
    assert corpus.words == ["b", "a", "c"]  # three each: in the order of first appearance
    assert corpus.counts.tolist() == [3, 3, 3]
    decoded = " ".join("|" if t < 0 else corpus.words[t] for t in corpus.tokens.tolist())
    assert decoded == "b a a | a b c | | c c b |"
    assert corpus.raw_words == 10
    most = encode(["b a rare a", "a b c", "c c b"], min_count=1, max_words=2, native=native)
    assert len(most.words) == 2
    with pytest.raises(InputError, match="no word occurs 9 times among the 10 read"):
        encode(["b a rare a", "a b c", "", "c c b"], min_count=9, native=native)


def test_all_kinds_of_files(tmp_path: Path) -> None:
    lines = ["first text", 'second, "quoted" café']
    (tmp_path / "a.txt").write_text("\ufeff" + "\r\n".join(lines) + "\n\n", encoding="utf-8", newline="")
    records = "".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in enumerate(lines))
    (tmp_path / "b.jsonl").write_text(records)
    (tmp_path / "c.jsonl.gz").write_bytes(gzip.compress(records.encode()))
    (tmp_path / "d.csv").write_text('id,text\n1,first text\n2,"second, ""quoted"" café"\n', encoding="utf-8")
    (tmp_path / "e.tsv").write_text("review\nfirst text\nsecond\n")
    for name in ("a.txt", "b.jsonl", "c.jsonl.gz", "d.csv"):
        assert [t.strip() for t in texts(tmp_path / name)] == lines, name
    assert list(texts(tmp_path / "e.tsv")) == ["first text", "second"]
    assert list(texts(tmp_path / "d.csv", "id")) == ["1", "2"]
    assert len(list(texts(tmp_path))) == 10
    assert len(list(texts(f"{tmp_path}/a.txt,{tmp_path}/b.jsonl"))) == 4


BROKEN = {
    "a.jsonl": (b'{"text": "x"}\n{"text": \n', "line 2: not a JSON record"),
    "b.jsonl": (b'{"text": 3}\n', "line 1: the text is 3, not a string"),
    "c.jsonl": (b'{"a": "x", "b": "y"}\n', "which column is the text?; name one of a, b"),
    "d.csv": (b"id,text\n1,x\n2\n", "line 3: 1 columns, the header has 2"),
    "e.txt": (b"fine\n\xff\xfe\n", "line 2: not UTF-8"),
    "f.csv": (b"text\n\xff\n", "not UTF-8"),
    "g.txt.gz": (gzip.compress(b"words " * 9999, mtime=0)[:-9], "broken gzip"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_corpus_gets_one_clear_line(tmp_path: Path, name: str) -> None:
    data, expected = BROKEN[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as caught:
        list(texts(tmp_path / name))
    assert expected in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        list(texts(tmp_path / "x.txt"))
    with pytest.raises(InputError, match="no text in this folder"):
        list(texts(tmp_path))
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no column 'c'; there are a, b"):
        list(texts(tmp_path / "x.csv", "c"))


@needs_native
def test_a_corpus_is_streamed() -> None:
    """Reading holds a batch, not the corpus: 40 MB of text pass through with a peak of a few."""
    import tracemalloc

    source = (f"word{i % 50} " * 2000 for i in range(2500))
    tracemalloc.start()
    corpus = encode(source, min_count=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert corpus.raw_words == 5_000_000
    assert peak < 30e6
    assert np.bincount(corpus.tokens[corpus.tokens >= 0]).tolist() == [100_000] * 50


@pytest.mark.parametrize("word", ["word ", "ö"])
def test_a_line_of_any_length_is_read_in_pieces(tmp_path: Path, word: str) -> None:
    """A corpus in one line, as text8 is, was held in memory whole."""
    path = tmp_path / "a.txt"
    path.write_text("first\n" + word * 3_000_000 + "\nlast", encoding="utf-8")
    found = list(texts(path))
    assert max(map(len, found)) <= 2 * 2**20
    assert len(found) > 3
    assert "".join(found) == path.read_text(encoding="utf-8")


def test_zero_bytes_are_no_text(tmp_path: Path) -> None:
    """UTF-16 without its mark gave vectors of single letters."""
    (tmp_path / "a.txt").write_bytes("some words\n".encode("utf-16-le"))
    with pytest.raises(InputError, match=r"a\.txt, line 1: this is not text \(it holds zero bytes\)"):
        list(texts(tmp_path / "a.txt"))


# -- scripts without blanks, token lists, nothing to learn ------------------------------------------------------------


@pytest.mark.parametrize("rule", ["words", "treebank"])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("我喜欢猫,你呢?", ["我", "喜", "欢", "猫", "你", "呢"]),  # Chinese
        ("人々はカメラ・ガラスを買う。", ["人", "々", "は", "カ", "メ", "ラ", "ガ", "ラ", "ス", "を", "買", "う"]),
        ("か\u3099く", ["か\u3099", "く"]),  # a voiced sound in two code points
        ("ที่นี่ดี", ["ที่", "นี่", "ดี"]),  # Thai: vowels and tones stay with their consonant
        ("iPhone手机 3.5寸", ["iphone", "手", "机", "3.5", "寸"]),
        ("한국어 문장", ["한국어", "문장"]),  # Korean has blanks
        ("это текст", ["это", "текст"]),
        ("𠮷野家", ["𠮷", "野", "家"]),  # beyond 16 bits
        ("ខ្ញុំ", ["ខ្", "ញុំ"]),  # Khmer
    ],
)
def test_text_without_blanks_is_split_into_characters(text: str, wanted: list[str], rule: str) -> None:
    found = [t for t in tokenize(text, rule) if t not in "?,.。"]
    assert found == wanted


@needs_native
def test_characters_are_numbered_alike() -> None:
    lines = ["我喜欢猫", "ที่นี่ดี 我 x", "𠮷野家で食べる"]
    native, readable = (encode(lines, min_count=1, native=n) for n in (True, False))
    assert native.words == readable.words
    assert native.tokens.tolist() == readable.tokens.tolist()
    assert "喜" in native.words
    assert native.words[0] == "我"


def test_token_lists_are_taken_as_they_are() -> None:
    lists = [["New York", "is", "BIG", "."], ("is", "it", "BIG", "?"), np.array(["New York", "?"])]
    corpus = encode(lists, min_count=1)
    assert corpus.words == ["New York", "is", "BIG", "?", ".", "it"]
    decoded = ["|" if t < 0 else corpus.words[t] for t in corpus.tokens.tolist()]
    assert decoded == ["New York", "is", "BIG", ".", "|", "is", "it", "BIG", "?", "|", "New York", "?", "|"]
    assert corpus.raw_words == 10


def test_token_lists_in_a_file(tmp_path: Path) -> None:
    lists = [["New York", "is", "big"], ["is", "it", "big"]]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"id": 1, "tokens": t}) + "\n" for t in lists))
    assert list(texts(tmp_path / "a.jsonl")) == lists
    assert encode(texts(tmp_path / "a.jsonl"), min_count=1).words == ["is", "big", "New York", "it"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([["a", "b"], "a b"], "text 1: a str among lists of tokens"),
        (["a b", ["a", "b"]], "text 1: a list among texts"),
        (["a b", None], "text 1: a NoneType among texts"),
        ([["a", 3]], "text 0: an int among the tokens"),
        ([["a", ""]], "text 0: the token ''"),
        ([3], "text 0: an int among lists of tokens"),
        ([], "no word occurs 1 times among the 0 read"),
        (["apple", "pear", "apple"], "nothing to learn: no word has a neighbour"),
        ([["apple"], ["pear"]], "nothing to learn: no word has a neighbour"),
        (["a a a a"], "nothing to learn: only one word is kept"),
    ],
)
@pytest.mark.parametrize("native", [pytest.param(True, marks=needs_native), False])
def test_what_cannot_be_learned_from_is_told(given: list[object], said: str, native: bool) -> None:
    with pytest.raises(InputError, match=said):
        encode(given, min_count=1, native=native)  # type: ignore[arg-type]


def test_words_left_alone_by_the_minimal_count_are_nothing_to_learn_from() -> None:
    lines = ["common rare1", "common rare2", "frequent rare3", "frequent rare4"]
    with pytest.raises(InputError, match="no word has a neighbour"):
        encode(lines, min_count=2)
    assert len(encode([*lines, "common frequent"], min_count=2).words) == 2


def test_bzip2_and_xz(tmp_path: Path) -> None:
    import bz2
    import lzma

    (tmp_path / "a.txt.bz2").write_bytes(bz2.compress(b"one text\n"))
    (tmp_path / "b.txt.xz").write_bytes(lzma.compress(b"another\n"))
    assert list(texts(tmp_path)) == ["one text\n", "another\n"]
    for name, kind in (("a.txt.bz2", "bzip2"), ("b.txt.xz", "xz")):
        whole = (tmp_path / name).read_bytes()
        for broken in (whole[:-7], whole[:12] + b"\xff" * 8 + whole[20:]):
            (tmp_path / name).write_bytes(broken)
            with pytest.raises(InputError, match=f"{name}: broken {kind} file"):
                list(texts(tmp_path / name))


def test_a_table_read_leaves_the_limit_of_the_process_alone(tmp_path: Path) -> None:
    """Other readers of the process would take cells of a thousand million letters from then on."""
    before = csv.field_size_limit()
    (tmp_path / "a.csv").write_text(f"text\n{'x' * (before + 1)}\nshort\n")
    assert [len(str(t)) for t in texts(tmp_path / "a.csv")] == [before + 1, 5]
    assert csv.field_size_limit() == before
    first = texts(tmp_path / "a.csv")
    next(first)
    first.close()
    assert csv.field_size_limit() == before
