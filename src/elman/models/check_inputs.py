"""Whether what a user has (texts, token lists, arrays of numbers) can be read, said with the row where it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elman.data.inputs import check_present
from elman.errors import InputError, a_type

__all__ = ["are_texts", "check_all_present", "check_inputs", "check_texts", "values_of"]


def check_inputs(X: Sequence[Any]) -> None:
    """Whether all inputs can be read, and are of one kind: before any are held out, so that rows are the caller's.

    Raises:
        InputError: as `Encoding.fit` and `Encoding.__call__`, naming the row.
    """
    check_all_present(X)
    if are_texts(X):
        check_texts(X)
        return
    features = 0
    for i, x in enumerate(X):
        features = values_of(x, i, features).shape[1]


def check_all_present(X: Sequence[Any]) -> None:
    check_present(X, "input", "X", "give it, or leave the example out")


def are_texts(X: Sequence[Any]) -> bool:
    """Whether texts are what the inputs are; one that is none among them is a mistake then."""
    return any(_is_text(x) for x in X)


def _is_text(x: Any) -> bool:
    return isinstance(x, str) or (
        isinstance(x, (list, tuple, np.ndarray)) and len(x) > 0 and all(isinstance(word, str) for word in x)
    )


def check_texts(X: Sequence[Any]) -> None:
    for i, x in enumerate(X):
        if not _is_text(x) and not (isinstance(x, (list, tuple, np.ndarray)) and not len(x)):
            if isinstance(x, (list, tuple)) and any(isinstance(token, str) for token in x):
                other = next(j for j, token in enumerate(x) if not isinstance(token, str))
                raise InputError(
                    f"token {other} is not text: {x[other]!r:.60}", where=f"X[{i}]", remedy="give every token as text"
                )
            raise InputError(
                f"{a_type(x)} where a text is expected", where=f"X[{i}]", remedy="give strings or token lists"
            )


def values_of(x: Any, i: int, features: int, level: np.ndarray | None = None) -> Tensor:
    """One numeric sequence as (T, F) float32; (T,) counts as F = 1. `features` 0: whatever it has; `level` (F,) is
    taken off in float64."""
    try:
        values = torch.as_tensor(np.asarray(x, dtype=np.float32 if level is None else np.float64))
    except (TypeError, ValueError) as error:
        raise InputError("neither text nor numbers", where=f"X[{i}]", remedy="give an array (T, F)") from error
    if values.dim() == 1:
        values = values[:, None]
    if values.dim() != 2 or not len(values) or not values.shape[1]:
        raise InputError(f"an array of shape {tuple(values.shape)}", where=f"X[{i}]", remedy="give (T, F), T >= 1")
    if features and values.shape[1] != features:
        raise InputError(f"{values.shape[1]} features per step, the first has {features}", where=f"X[{i}]")
    if not bool(values.isfinite().all()):
        step = int((~values.isfinite()).any(1).nonzero()[0])
        raise InputError(
            "NaN or infinity", where=f"X[{i}], step {step}", remedy="fill the gap or leave the sequence out"
        )
    return values if level is None else (values - torch.from_numpy(level)).float()
