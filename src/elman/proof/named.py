"""A function of the user's, by its name: the module that it returns, proven on the example beside it."""

from __future__ import annotations

import importlib
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType

from elman.cells.find import load_file
from elman.errors import InputError, unknown
from elman.proof.contract import verify
from elman.proof.verdict import Proof

__all__ = ["verify_named"]


def verify_named(name: str) -> Proof:
    """The proof of the module and example that ``PACKAGE.MODULE:FUNCTION`` or ``FILE.py:FUNCTION`` returns.

    Raises:
        InputError: nothing of that name, code of the user's that fails, or a function that returns no such pair.
    """
    if name.endswith(".onnx"):
        raise InputError(
            "ONNX files cannot be verified yet", where=name, remedy="verify the module that it was exported from"
        )
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
