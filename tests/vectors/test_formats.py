"""Every format gives back what was written, reads what others write, and a broken file gets one clear line."""

from __future__ import annotations

import gzip
import json
import pickle
import struct
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import InputError
from elman.text.vectors import WordVectors, formats
from elman.text.vectors.formats.format import Format, Stored

WORDS = ["the", "café", "3.5", "naïve", "日本", "don't"]


def vectors(D: int = 7) -> WordVectors:
    random = np.random.default_rng(0)
    matrix = (random.normal(size=(len(WORDS), D)) * 10.0 ** random.integers(-6, 6, (len(WORDS), 1))).astype(np.float32)
    return WordVectors(WORDS, matrix, np.array([9, 8, 7, 6, 5, 4]), {"window": 5})


@pytest.mark.parametrize("suffix", [".safetensors", ".bin", ".txt", ".vec"])
def test_what_is_written_comes_back_exactly(tmp_path: Path, suffix: str) -> None:
    ours = vectors()
    ours.save(tmp_path / f"v{suffix}")
    back = WordVectors.load(tmp_path / f"v{suffix}")
    assert back.words == ours.words
    assert np.array_equal(back.matrix, ours.matrix)
    assert [p.name for p in tmp_path.iterdir()] == [f"v{suffix}"]
    first = WordVectors.load(tmp_path / f"v{suffix}", limit=2)
    assert first.words == WORDS[:2]
    assert np.array_equal(first.matrix, ours.matrix[:2])


def test_a_further_format_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(file: IO[bytes], head: bytes, path: Path, limit: int | None) -> Stored:
        told = json.loads(file.read())
        return Stored(list(told)[:limit], np.array(list(told.values())[:limit], np.float32), None, {"by": path.name})

    def write(stored: Stored, path: Path) -> None:
        path.write_text(json.dumps(dict(zip(stored.words, stored.matrix.tolist()))))

    ours = Format((".json",), lambda head: head.startswith(b"{"), read, write, blanks=True)
    monkeypatch.setattr(formats, "FORMATS", (ours, *formats.FORMATS))
    spaced = WordVectors(["New York", "b"], np.eye(2, dtype=np.float32))
    spaced.save(tmp_path / "v.json")
    found = WordVectors.load(tmp_path / "v.json", limit=1)
    assert (found.words, found.matrix.tolist(), found.about) == (["New York"], [[1, 0]], {"by": "v.json"})
    with pytest.raises(InputError, match=r"no format for \.npy; use \.json, \.safetensors, \.bin, \.txt, \.vec"):
        spaced.save(tmp_path / "v.npy")


def test_safetensors_keep_counts_and_how_they_were_made(tmp_path: Path) -> None:
    vectors().save(tmp_path / "v.safetensors")
    back = WordVectors.load(tmp_path / "v.safetensors")
    assert back.counts is not None
    assert back.counts.tolist() == [9, 8, 7, 6, 5, 4]
    assert back.about == {"window": 5}


def test_glove_has_no_first_line_and_words_with_blanks(tmp_path: Path) -> None:
    path = tmp_path / "glove.txt"
    path.write_text("the 0.5 -1 2e-3\n. . . 1 2 3\nat name@domain.com 4 5 6\n", encoding="utf-8")
    found = WordVectors.load(path)
    assert found.words == ["the", ". . .", "at name@domain.com"]
    assert found.matrix.tolist() == [[0.5, -1, np.float32(2e-3)], [1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("word", ["New York", "at 5", "a b c d e f", "3 1 4"])
@pytest.mark.parametrize("D", [2, 300, 5000])
def test_the_first_word_of_word2vec_text_may_hold_blanks(tmp_path: Path, word: str, D: int) -> None:
    """Its blanks are no sign of a binary file, however long its line is."""
    rows = np.random.default_rng(0).normal(size=(2, D)).astype(np.float32)
    lines = [" ".join([name, *map(repr, row.tolist())]) for name, row in zip((word, "the"), rows)]
    path = tmp_path / "v.txt"
    path.write_text(f"2 {D}\n" + "\n".join(lines) + "\n", encoding="utf-8")
    if word == "3 1 4":  # a number more than there should be: refused, and not as a binary file
        with pytest.raises(InputError, match="numbers, expected"):
            WordVectors.load(path)
        return
    found = WordVectors.load(path)
    assert found.words == [word, "the"]
    np.testing.assert_array_equal(found.matrix, rows)


def test_word2vec_binary_with_and_without_line_ends_and_gzipped(tmp_path: Path) -> None:
    rows = np.arange(6, dtype="<f4").reshape(2, 3)
    for end in (b"", b"\n"):
        data = b"2 3\n" + b"".join(w + b" " + r.tobytes() + end for w, r in zip((b"ab", b"c"), rows, strict=True))
        (tmp_path / "v").write_bytes(gzip.compress(data))
        found = WordVectors.load(tmp_path / "v")
        assert found.words == ["ab", "c"]
        assert np.array_equal(found.matrix, rows)


def test_a_large_binary_is_read_across_its_buffer(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    ours = WordVectors([f"word{i}" for i in range(9000)], random.normal(size=(9000, 50)).astype(np.float32))
    ours.save(tmp_path / "v.bin")  # 1.9 MB, the buffer holds 1
    back = WordVectors.load(tmp_path / "v.bin")
    assert back.words == ours.words
    assert np.array_equal(back.matrix, ours.matrix)


def test_a_word_that_comes_twice_keeps_its_first_vector(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("a 1 2\nb 3 4\na 5 6\n")
    found = WordVectors.load(tmp_path / "v.txt")
    assert found.words == ["a", "b"]
    assert found.matrix.tolist() == [[1, 2], [3, 4]]


BROKEN = {
    "empty": (b"", "empty"),
    "ragged": (b"2 3\nthe 1 2 3\nof 1 2\n", "line 3: 2 numbers, expected 3"),
    "too many": (b"the 1 2 3\nof 1 2 3 4 5\n", "line 2: 5 numbers, expected 3"),
    "no number": (b"the 1 2 3\nof 1 x 3\n", "line 2: not a number"),
    "cut short": (b"3 2\nthe 1 2\nof 1 2\n", "promises 3 words, there are 2"),
    "binary cut short": (b"2 3\nab " + struct.pack("<3f", 1, 2, 3) + b"c " + b"\0" * 5, "ends at word 2 of 2"),
    "nan": (b"the 1 2\nof nan 2\n", "'of' holds NaN or infinity"),
    "latin-1": ("le 1 2\ncafé 1 2\n".encode("latin-1"), "line 2: the word is not UTF-8"),
    "prose": (b"It was a dark and stormy night\nthe rain fell in torrents\n", "line 1: not a number"),
    "blank lines": (b"\n\n\n", "no vectors in this file"),
    "gzip": (gzip.compress(b"the 1 2\n" * 999, mtime=0)[:-20], "broken gzip"),
    "safetensors": (struct.pack("<Q", 40) + b'{"vectors": {"dtype": "F32"', "broken safetensors"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_gets_one_clear_line(tmp_path: Path, name: str) -> None:
    data, expected = BROKEN[name]
    (tmp_path / "v.txt").write_bytes(data)
    with pytest.raises(InputError) as caught:
        WordVectors.load(tmp_path / "v.txt")
    assert expected in str(caught.value)
    assert "v.txt" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_safetensors_are_told_apart(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros(3, np.float32)}, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="no word vectors inside, but weight"):
        WordVectors.load(tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="no such file"):
        WordVectors.load(tmp_path / "nothing")


def test_what_a_format_cannot_hold_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    spaced = WordVectors(["a b"], np.ones((1, 2), np.float32))
    with pytest.raises(InputError, match=r"save as \.safetensors"):
        spaced.save(tmp_path / "v.txt")
    with pytest.raises(InputError, match=r"no format for \.npy"):
        spaced.save(tmp_path / "v.npy")
    assert not list(tmp_path.iterdir())
    spaced.save(tmp_path / "v.safetensors")
    assert WordVectors.load(tmp_path / "v.safetensors").words == ["a b"]


@given(st.binary(max_size=300), st.sampled_from([b"", b"2 3\n", b"1 2\nab ", b"the 1 2\n", b"\x1f\x8b"]))
def test_random_bytes_never_get_past_the_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, head: bytes
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "v"
    path.write_bytes(head + data)
    try:
        found = WordVectors.load(path)
    except InputError:
        return
    assert found.matrix.shape == (len(found.words), found.dim)


def test_they_read_what_gensim_writes(tmp_path: Path) -> None:
    models = pytest.importorskip("gensim.models")
    theirs = models.KeyedVectors(4)
    theirs.add_vectors(["one", "two"], np.arange(8, dtype=np.float32).reshape(2, 4))
    for name, binary in (("v.txt", False), ("v.bin", True)):
        theirs.save_word2vec_format(str(tmp_path / name), binary=binary)
        found = WordVectors.load(tmp_path / name)
        assert found.words == ["one", "two"]
        assert np.array_equal(found.matrix, theirs.vectors)
    vectors().save(tmp_path / "ours.bin")
    back = models.KeyedVectors.load_word2vec_format(str(tmp_path / "ours.bin"), binary=True)
    assert back.index_to_key == WORDS
    assert np.array_equal(back.vectors, vectors().matrix)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (struct.pack("<ii", 793712314, 12), "a fastText model .*; read the .vec file"),
        (pickle.dumps({"vectors": [1]}, protocol=2), "a Python pickle, as gensim's save writes .*save_word2vec_format"),
        (pickle.dumps([1], protocol=5), "a Python pickle"),
        (b"PK\x03\x04", "a zip archive, which is not read; unpack it"),
        (b"\x93NUMPY\x01\x00", "a numpy array without words"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_known_formats_that_are_not_read_are_named(tmp_path: Path, head: bytes, said: str, packed: bool) -> None:
    data = head + bytes(range(256)) * 4
    (tmp_path / "v.bin").write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(InputError, match=f"v.bin: {said}") as caught:
        WordVectors.load(tmp_path / "v.bin")
    assert "\n" not in str(caught.value)


def test_without_a_suffix_it_is_safetensors(tmp_path: Path) -> None:
    vectors().save(tmp_path / "V")
    back = WordVectors.load(tmp_path / "V")
    assert back.words == WORDS
    assert back.counts is not None  # which the other formats lack
    assert [p.name for p in tmp_path.iterdir()] == ["V"]


def test_metadata_is_json(tmp_path: Path) -> None:
    from safetensors import safe_open

    vectors().save(tmp_path / "v.safetensors")
    with safe_open(tmp_path / "v.safetensors", "numpy") as file:
        assert json.loads(file.metadata()["about"]) == {"window": 5}


def test_a_mark_before_the_first_line_is_no_part_of_it(tmp_path: Path) -> None:
    """With one, "2 2" was taken for a word and its only number."""
    (tmp_path / "v.txt").write_bytes(b"\xef\xbb\xbf2 2\na 1 2\nb 3 4\n")
    assert WordVectors.load(tmp_path / "v.txt").words == ["a", "b"]


@pytest.mark.parametrize("first", ["2 99999999999", "2 0"])
def test_a_first_line_cannot_ask_for_all_memory(tmp_path: Path, first: str) -> None:
    (tmp_path / "v.bin").write_bytes(f"{first}\na ".encode() + struct.pack("<2f", 1, 2))
    with pytest.raises(InputError, match=r"the first line promises .* numbers a word"):
        WordVectors.load(tmp_path / "v.bin")


def test_nan_in_the_first_row_of_text_is_named(tmp_path: Path) -> None:
    """It was taken for a sign of the binary format, and the file said to end too early."""
    (tmp_path / "v.txt").write_text("2 2\na nan 2\nb 1 2\n")
    with pytest.raises(InputError, match="the vector of 'a' holds NaN"):
        WordVectors.load(tmp_path / "v.txt")


def test_a_number_too_large_is_infinite(tmp_path: Path) -> None:
    """numpy's warning stood on the terminal before the line that says which word it is."""
    (tmp_path / "v.txt").write_text("a 1 1e99\nb 1 2\n")
    with pytest.raises(InputError, match="the vector of 'a' holds NaN or infinity"):
        WordVectors.load(tmp_path / "v.txt")


@pytest.mark.parametrize("fault", ["shape", "one dimension", "twice", "about", "deep", "counts", "bfloat16"])
def test_safetensors_whose_parts_do_not_fit(tmp_path: Path, fault: str) -> None:
    from safetensors.numpy import save_file

    rows = {"shape": np.ones((3, 2)), "one dimension": np.ones(2)}.get(fault, np.ones((2, 2)))
    words = b"a\na" if fault == "twice" else b"a\nb"
    tensors = {"vectors": rows.astype(np.float32), "words": np.frombuffer(words, np.uint8)}
    if fault == "counts":
        tensors["counts"] = np.ones(7, np.int64)
    about = {"about": {"about": "[1]", "deep": "[" * 100_000}.get(fault, "{}")}
    path = tmp_path / "v.safetensors"
    save_file(tensors, path, about)
    if fault == "bfloat16":
        parts = {"vectors": ("BF16", [2, 2], [0, 8]), "words": ("U8", [3], [8, 11])}
        head = {k: dict(zip(("dtype", "shape", "data_offsets"), v)) for k, v in parts.items()}
        text = json.dumps(head).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8) + b"a\nb")
    with pytest.raises(InputError, match=r"v\.safetensors: .*; "):
        WordVectors.load(path)


def test_nearest_of_none(tmp_path: Path) -> None:
    alone = WordVectors(["a"], np.ones((1, 2), np.float32))
    assert alone.nearest("a") == []
    with pytest.raises(InputError, match="n = 0 words are asked for; give at least 1"):
        alone.nearest("a", 0)
