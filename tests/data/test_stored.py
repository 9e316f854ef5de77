"""Texts on disk are the texts; and pieces of a text part nothing that a unit may reach over."""

from __future__ import annotations

import gc
import io
import random

import pytest

from elman.data.stored import Shelf, StoredText, part_of, pieces_of, str_of
from elman.errors import InputError
from elman.scratch import Scratch

LETTERS = "abé漢😀\n \t.,'\u3000Σ"


def drawn(n: int, letters: str = LETTERS, seed: int = 0) -> str:
    return "".join(random.Random(seed).choices(letters, k=n))


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr("elman.data.stored._IN_MEMORY", 40)
    monkeypatch.setattr("elman.data.stored._BLOCK", 7)
    monkeypatch.setattr("elman.data.stored._PIECE", 16)


@pytest.mark.parametrize("n", [0, 1, 40, 41, 200])
def test_a_stored_text_is_the_text(small, n):
    text = drawn(n)
    stored = Shelf().read(io.StringIO(text, newline=""))
    assert isinstance(stored, StoredText) == (n > 40)
    assert (len(stored), str_of(stored)) == (n, text)
    draw = random.Random(n)
    for _ in range(100):
        a, b = draw.randint(-n - 3, n + 3), draw.randint(-n - 3, n + 3)
        assert stored[a:b] == text[a:b]
    for a, b in ((0, n // 2), (n // 3, n)):
        part = part_of(stored, a, b)
        assert (len(part), part[:]) == (b - a, text[a:b])
        assert part[2:-1] == text[a:b][2:-1]
    if n > 40:
        with pytest.raises(IndexError):
            stored[::2]


def test_what_is_too_much_for_memory_is_all_texts_together(small):
    shelf, texts = Shelf(), [drawn(n, seed=n) for n in (30, 9, 30, 0, 100)]
    kept = [shelf.read(io.StringIO(text, newline="")) for text in texts]
    assert [isinstance(text, StoredText) for text in kept] == [False, False, True, False, True]
    assert [text[:] for text in kept] == texts


@pytest.mark.parametrize("letters", [LETTERS, "ab ", "a\n", "abc"])
@pytest.mark.parametrize("disk", [False, True])
def test_pieces_end_behind_lines_or_blanks_and_lose_nothing(small, letters, disk):
    for n in (0, 5, 16, 17, 300):
        text = drawn(n, letters, n)
        kept = Shelf().read(io.StringIO(text, newline="")) if disk else text
        pieces = list(pieces_of(kept))
        assert "".join(pieces) == text
        assert all(pieces)
        assert all(piece[-1] in "\n " for piece in pieces[:-1])
        if letters in ("ab ", "a\n"):
            assert max(map(len, pieces), default=0) <= 32
    if letters == "abc":
        assert len(pieces) == 1  # there is nowhere to cut


def test_a_file_that_was_put_aside_is_closed_with_what_reads_it():
    scratch = Scratch()
    file = scratch._file
    scratch.write(b"abc")
    assert (scratch.read(1, 3), len(scratch)) == (b"bc", 3)
    scratch.write(b"de")
    assert scratch.read(0, 5) == b"abcde"
    with pytest.raises(InputError, match="shorter than it was"):
        scratch.read(3, 9)
    del scratch
    gc.collect()
    assert file.closed


def test_no_room_on_disk_is_one_line(monkeypatch):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", lambda **options: Full())
    with pytest.raises(InputError, match="cannot be put aside \\(No space left on device\\); free some space"):
        Scratch().write(b"x")
