"""What `elman verify` proves: a RUN, or the module and example that a function of the user's returns."""

from __future__ import annotations

import importlib
import random
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from elman.cells.find import load_file
from elman.errors import InputError, unknown
from elman.proof import Proof, verify
from elman.tasks.find import task_of

__all__ = ["verify_named", "verify_run"]

_LENGTHS = (1, 2, 3, 5, 8, 13, 21, 34)  # of the sequences that a RUN is tried on


def verify_named(name: str) -> Proof:
    """The proof of a RUN, of ``PACKAGE.MODULE:FUNCTION`` or of ``FILE.py:FUNCTION``.

    Raises:
        InputError: nothing of that name, code of the user's that fails, or a function that returns no such pair.
    """
    if name.endswith(".onnx"):
        raise InputError(
            "ONNX files cannot be verified yet", where=name, remedy="verify the module that it was exported from"
        )
    if Path(name).exists() and Path(name).suffix != ".py":
        return verify_run(Path(name))
    place, colon, function = name.rpartition(":")
    if not colon or not place or not function:
        raise InputError("neither a RUN nor MODULE:FUNCTION", where=name, remedy="give my_models.py:example, say")
    with redirect_stdout(sys.stderr):  # what the user's code prints is no part of the answer
        module = _module(place)
        found = getattr(module, function, None)
        if not callable(found):
            raise unknown("function", function, [k for k, v in vars(module).items() if callable(v)], where=place)
        try:
            pair = found()
        except Exception as error:  # the user's code runs here: it may raise anything
            said = " ".join(str(error).split())
            raise InputError(f"fails when it runs ({type(error).__name__}: {said})", where=name) from error
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise InputError(f"returns {type(pair).__name__}, not a pair", where=name, remedy="return module, example")
        return verify(*pair)


def _module(place: str) -> ModuleType:
    file = place.endswith(".py")
    # as python does: what lies beside the file, or in the current folder, can be imported
    sys.path.insert(0, str(Path(place).absolute().parent if file else Path.cwd()))
    try:
        if file:
            return load_file(Path(place), "give FILE.py:FUNCTION, for example my_models.py:example")
        return importlib.import_module(place)
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # the user's code runs here: it may raise anything
        if isinstance(error, ModuleNotFoundError) and error.name and f"{place}.".startswith(f"{error.name}."):
            raise InputError("no such module", where=place, remedy="give PACKAGE.MODULE or FILE.py") from None
        said = " ".join(str(error).split())
        raise InputError(f"fails when it is imported ({type(error).__name__}: {said})", where=place) from error
    finally:
        sys.path.pop(0)


def verify_run(run: Path) -> Proof:
    """The state contract of a RUN, on sequences made of the words that it knows: its data need not be there."""
    task = task_of(run)
    estimator = task.load(run)
    proof: Proof = task.prove(estimator, _made(estimator))
    return proof


def _made(estimator: Any) -> list[Any]:
    """Sequences of several lengths, the same every time: of the model's words, or of numbers if it reads those."""
    draw = random.Random(0)
    encoding = getattr(estimator, "encoding_", None)
    if encoding is not None and encoding.reads_numbers:
        generator = np.random.default_rng(0)
        return [generator.normal(size=(n, encoding.features)).astype(np.float32) for n in _LENGTHS]
    words = (encoding.vocabulary if encoding is not None else estimator.lexicon_.words).words[2:] or ["word"]
    made = [draw.choices(words, k=n) for n in _LENGTHS]
    return made if encoding is None else [" ".join(text) for text in made]
