"""A cell by its name, or by the file that defines it: ``lstm``, ``LayerNormGRU``, ``my_cells.py:Mine``."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from elman import cells
from elman.equations import Cell
from elman.errors import InputError, unknown

__all__ = ["find_cell", "load_file"]


def find_cell(name: str) -> type[Cell] | Cell:
    """The packaged cell of this name (upper and lower case alike), or the CELL of ``FILE:CELL``.

    Raises:
        InputError: no such cell or file, a file that fails, or something in it that is no cell.
    """
    file, colon, attribute = name.rpartition(":")
    if colon:
        return _from_file(Path(file), attribute)
    packaged = {known.lower(): known for known in cells.__all__}
    if name.endswith(".py"):
        raise InputError("a file without a cell's name", where=name, remedy=f"give FILE:CELL: {name}:Mine")
    if name.lower() not in packaged:
        raise unknown("cell", name.lower(), packaged)
    found: type[Cell] = getattr(cells, packaged[name.lower()])
    return found


def load_file(path: Path, remedy: str) -> ModuleType:
    """A Python file of the user's, run. `remedy` is for a name that is no such file.

    Raises:
        InputError: no such file, or one that fails.
    """
    if not path.is_file():
        raise InputError("no such file", where=str(path), remedy=remedy)
    spec = importlib.util.spec_from_file_location(f"elman_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise InputError("not a Python file", where=str(path), remedy=remedy)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass in it looks itself up there
    try:
        spec.loader.exec_module(module)
    except InputError:
        raise  # a cell that the language cannot express: says its line and reason itself
    except Exception as error:  # the user's file runs here: it may raise anything
        raise InputError(f"fails when it runs ({type(error).__name__}: {error})", where=str(path)) from error
    return module


def _from_file(path: Path, attribute: str) -> type[Cell] | Cell:
    module = load_file(path, "give FILE:CELL, for example my_cells.py:Mine")
    found = getattr(module, attribute, None)
    if isinstance(found, Cell) or (isinstance(found, type) and issubclass(found, Cell)):
        return found
    names = [key for key, value in vars(module).items() if isinstance(value, type) and issubclass(value, Cell)]
    raise unknown("cell", attribute, [n for n in names if n != "Cell"], where=str(path))
