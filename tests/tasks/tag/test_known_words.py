"""Pretrained vectors as a tagger's table: centred, of one length, several files beside one another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from elman.errors import InputError
from elman.text.vectors import WordVectors
from elman.text.vectors.table import known_words


def save(path: Path, rows: dict[str, list[float]]) -> str:
    WordVectors(list(rows), np.array(list(rows.values()), np.float32)).save(path)
    return str(path)


def test_one_file_is_centred_and_of_one_length(tmp_path: Path) -> None:
    path = save(tmp_path / "a.txt", {"a": [3.0, 1.0], "b": [1.0, 1.0], "c": [2.0, 4.0]})  # their mean: (2, 2)
    words, table = known_words(path)
    assert words == ["a", "b", "c"]
    assert table is not None
    root = 3 / np.sqrt(2)
    np.testing.assert_allclose(table, [[0, 0], [root, -root], [-root, -root], [0, 3]], atol=1e-6)
    assert known_words("") == ([], None)


def test_two_files_stand_side_by_side(tmp_path: Path) -> None:
    """`Paris` is looked up as written, then in lower case; a file that knows neither says nothing."""
    cased = save(tmp_path / "cased.txt", {"Paris": [1.0, 0.0], "went": [-1.0, 0.0]})
    lower = save(tmp_path / "lower.txt", {"paris": [0.0, 0.0, 2.0], "went": [0.0, 0.0, 0.0], "rare": [0.0, 0.0, 1.0]})
    words, table = known_words(f"{cased}, {lower}")
    assert table is not None
    rows = {word: row.tolist() for word, row in zip(words, table[1:])}
    assert set(rows) == {"Paris", "went", "paris", "rare"}
    half = 3 / np.sqrt(2)  # both parts full: a row of length 3
    np.testing.assert_allclose(rows["Paris"], [half, 0, 0, 0, half], atol=1e-6)
    np.testing.assert_allclose(rows["went"], [-half, 0, 0, 0, -half], atol=1e-6)
    np.testing.assert_allclose(rows["paris"], [0, 0, 0, 0, half], atol=1e-6)
    np.testing.assert_allclose(rows["rare"], [0, 0, 0, 0, 0], atol=1e-6)  # their mean itself


def test_a_comma_too_many(tmp_path: Path) -> None:
    path = save(tmp_path / "a.txt", {"a": [1.0], "b": [2.0]})
    with pytest.raises(InputError, match="names no file between two commas"):
        known_words(f"{path},,{path}")
