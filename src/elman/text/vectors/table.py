"""Pretrained word vectors as the table that a tagger reads: one file, or several beside one another."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from elman.errors import InputError

__all__ = ["known_words"]

_LENGTH = 3.0  # of a row: about the scale of the other features


def known_words(paths: str) -> tuple[list[str], Tensor | None]:
    """Words and rows (1 + V, D) of pretrained vectors, row 0 for none.

    Each file's vectors are centred and brought to one length: frequent words have long ones, and the network would
    listen to those first. Of several files, a word's row holds what each knows of it, as written or else in lower
    case, and zeros where one knows nothing; so vectors that keep capitals apart can stand beside some that do not.

    Args:
        paths: a file, or several with commas between; empty: none.
    """
    if not paths:
        return [], None
    from elman.text.vectors import WordVectors

    files = [path.strip() for path in paths.split(",")]
    if not all(files):
        raise InputError(f"{paths!r} names no file between two commas", where="model.vectors")
    tables = []
    for file in files:
        vectors = WordVectors.load(file)
        matrix = np.array(vectors.matrix, dtype=np.float32)
        matrix -= matrix.mean(0)
        matrix *= _LENGTH / math.sqrt(len(files)) / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-6)
        tables.append(({word: i for i, word in enumerate(vectors.words)}, matrix))
    words = list(dict.fromkeys(word for rows, _ in tables for word in rows))
    columns = []
    for rows, matrix in tables:
        at = [rows.get(word, rows.get(word.lower(), -1)) for word in words]
        column = np.concatenate([matrix, np.zeros((1, matrix.shape[1]), np.float32)])[at]
        columns.append(torch.from_numpy(column))
    table = torch.cat(columns, 1)
    return words, torch.cat([torch.zeros(1, table.shape[1]), table])
