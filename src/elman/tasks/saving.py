"""An estimator on disk: the folder that `save` writes and `load` reads, which a RUN is too."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
import numpy as np
from torch import Tensor, nn

from elman.config.parameters import parameter_names, plain
from elman.errors import InputError
from elman.tasks.described import DESCRIPTIONS, described
from elman.training.loop import Fitted
from elman.training.run_folder import write_run
from elman.training.run_reader import Room, damaged, open_weights, read_description

__all__ = ["check_answer", "check_fitted", "load_estimator", "parameters_of", "save_estimator", "warn_if_diverged"]


class Saved(Protocol):
    """An estimator that a folder can hold."""

    fitted_: Fitted

    @property
    def model_(self) -> nn.Module: ...

    def describe(self) -> dict[str, Any]: ...


E = TypeVar("E", bound=Saved)


def check_fitted(estimator: object, remedy: str = "") -> None:
    """Raises NotFittedError before `fit` and `load`."""
    name = type(estimator).__name__
    if not hasattr(estimator, "model_"):
        from sklearn.exceptions import NotFittedError

        raise NotFittedError(f"this {name} is not fitted yet: {remedy or f'call fit, or {name}.load a RUN'}")


def warn_if_diverged(fitted: Fitted) -> None:
    """Tells whoever called `fit` that its training ended early, at numbers that are no longer finite."""
    if fitted.diverged:
        from sklearn.exceptions import ConvergenceWarning

        what = f"{fitted.diverged}: the weights of epoch {fitted.best_epoch} are kept; a lower rate may go further"
        warnings.warn(what, ConvergenceWarning, stacklevel=3)


def parameters_of(estimator: Any) -> dict[str, Any]:
    """The parameters as model.json holds them."""
    values = {k: plain(getattr(estimator, k)) for k in parameter_names(type(estimator))}
    # what JSON would make of a key that is no text is another one
    return {
        k: msgspec.to_builtins({str(key): entry for key, entry in v.items()} if isinstance(v, dict) else v)
        for k, v in values.items()
    }


A = TypeVar("A", np.ndarray, Tensor)


def check_answer(answer: A) -> A:
    """The answer. Raises InputError if it is no number: finite weights, or inputs, may be too large for their sum."""
    if not bool(np.isfinite(answer).all() if isinstance(answer, np.ndarray) else answer.isfinite().all()):
        raise InputError("the answer is no number", remedy="give smaller numbers, or train the model anew")
    return answer


def save_estimator(estimator: Saved, path: str | Path) -> None:
    """Write the folder that `load_estimator` and ``elman predict`` read.

    Raises:
        NotFittedError: there is nothing to save.
    """
    check_fitted(estimator, "there is nothing to save")
    write_run(Path(path), model=estimator.model_, description=estimator.describe(), history=estimator.fitted_.history)


def load_estimator(
    kind: Callable[..., E], path: str | Path, task: str, build: Callable[[E, Mapping[str, Any]], None]
) -> E:
    """The estimator that `save_estimator` or ``elman train`` wrote.

    Args:
        kind: its class.
        build: gives a new estimator, which has its parameters, all else that model.json describes, `model_` among it.

    Raises:
        InputError: no RUN, a damaged one, or one of another task.
    """
    path = Path(path)
    description = read_description(path, task)
    weights = open_weights(path)
    promise = described(description, DESCRIPTIONS[task], path)
    promise.check(weights)
    try:
        new = kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in description["parameters"].items()})
        with Room(weights):
            build(new, description)
    except InputError as error:
        raise InputError(error.what, where=error.where or str(path), remedy=error.remedy or "train it anew") from error
    except Exception as error:  # whoever edited model.json may have put anything anywhere
        raise damaged(f"{type(error).__name__}: {error}", path) from error
    weights.fill(new.model_)
    promise.check_filled(new.model_, path)
    new.model_.eval()
    new.fitted_ = Fitted()
    return new
