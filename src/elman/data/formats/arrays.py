"""Series of numbers in numpy's files: ``.npz`` with the arrays X and y, ``.npy`` with X alone."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from elman.config.settings import DataSettings
from elman.data.formats.format import Format, Note
from elman.data.series import counted, filled, whole
from elman.data.table import Table
from elman.data.textfile import shown
from elman.errors import InputError

__all__ = ["ARRAYS", "load_arrays"]

_REMEDY = "save it as numpy.savez(path, X=..., y=...), X (N, T, F) or (N, T)"


def _read(path: Path, settings: DataSettings, note: Note) -> Table:
    """The columns series, arrays (T, F), and label where there is an array y."""
    if not os.path.isfile(path):
        raise InputError("no such file", where=shown(path), remedy="check the path")
    arrays = load_arrays(path)
    named = {name.lower(): name for name in arrays}
    if "x" not in named:
        have = ", ".join(sorted(arrays)[:8]) or "nothing"
        raise InputError(f"no array X; it has {have}", where=shown(path), remedy=_REMEDY)
    X = arrays[named["x"]]
    if X.ndim == 2:
        X = X[:, :, None]
    if X.ndim != 3 or X.dtype.kind not in "biuf" or 0 in X.shape:
        raise InputError(f"X has the shape {X.shape} and the type {X.dtype}", where=shown(path), remedy=_REMEDY)
    X = whole(X)
    broken = np.isinf(X).any(2)  # (N, T)
    if broken.any():
        i, t = np.argwhere(broken)[0].tolist()
        raise InputError(
            "an infinite value", where=f"{shown(path)}, X[{i}, {t}]", remedy="mend it, or leave the series out"
        )
    series = filled(list(X), shown(path), lambda i: f"{shown(path)}, X[{i}]", note, ends=True)
    columns: dict[str, Any] = {"series": series}
    if "y" in named:
        columns["label"] = _labels(arrays[named["y"]], len(X), path)
    note(counted(series, shown(path)))
    return Table(columns, shown(path), range(len(X)), "X")


def load_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file of numpy's by name, that of a ``.npy`` as X. Raises InputError for any other file."""
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return {"X": found}
            with found:
                return {name: found[name] for name in found.files}
    except Exception as error:  # an archive and the headers in it may be broken in any way
        said = " ".join(str(error).split()) or type(error).__name__
        what = f"not a readable file of arrays ({said:.100})"
        if "allow_pickle" in said:
            what = "this holds objects, which would be run as a pickle and is not read"
        raise InputError(what, where=shown(path), remedy=_REMEDY) from error


def _labels(y: np.ndarray, count: int, path: Path) -> list[Any]:
    if y.shape not in ((count,), (count, 1)) or y.dtype.kind not in "biufUS":
        raise InputError(
            f"{count} series and an array y of shape {y.shape} and type {y.dtype}",
            where=shown(path),
            remedy="give one label a series, (N,), texts or whole numbers",
        )
    labels: list[Any] = y.reshape(-1).tolist()
    return [label.decode("utf-8", "replace") if isinstance(label, bytes) else label for label in labels]


ARRAYS = Format(name="arrays", title=".npz and .npy", suffixes=(".npz", ".npy"), binary=True, table=_read)
