"""Nested Python values with tensors in them, as two files: the tensors as safetensors, the rest as JSON.

What a checkpoint holds, without pickle: reading one runs no code of whoever wrote it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import file_digest
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from elman.errors import InputError, a_type
from elman.files import check_regular, read_file

__all__ = ["map_tensors", "read_tree", "write_tree"]

_TENSOR, _TUPLE, _PAIRS = "__tensor__", "__tuple__", "__pairs__"


def write_tree(tree: Any, folder: Path, name: str) -> None:
    """Write `tree` as NAME.safetensors and NAME.json in `folder`, and their digest as NAME.sha256.

    Args:
        tree: dicts, lists, tuples, tensors, numbers, strings, truth values and None.

    Raises:
        TypeError: anything else.
    """
    tensors: dict[str, Tensor] = {}
    plain = _flatten(tree, name, tensors)
    save_file(tensors, folder / f"{name}.safetensors")
    (folder / f"{name}.json").write_text(json.dumps(plain), encoding="utf-8")
    (folder / f"{name}.sha256").write_text(_digest(folder, name), encoding="ascii")


def read_tree(folder: Path, name: str) -> Any:
    """The tree that `write_tree` wrote, tensors on the CPU.

    Raises:
        InputError: a file is missing, or holds anything but what was written.
    """
    try:
        _check_digest(folder, name)
        tensors = load_file(folder / f"{name}.safetensors")
        return _restore(json.loads((folder / f"{name}.json").read_text(encoding="utf-8")), tensors)
    except (OSError, SafetensorError, ValueError, KeyError, RecursionError) as error:
        raise InputError(
            f"the checkpoint is damaged ({error})", where=str(folder), remedy="start afresh with --force"
        ) from error


def _digest(folder: Path, name: str) -> str:
    """Of both files: a line with size and SHA-256 of each."""
    lines = []
    for part in (f"{name}.safetensors", f"{name}.json"):
        with open(folder / part, "rb") as file:
            lines.append(f"{os.fstat(file.fileno()).st_size} {file_digest(file, 'sha256').hexdigest()} {part}\n")
    return "".join(lines)


def _check_digest(folder: Path, name: str) -> None:
    """Raises ValueError unless the files are as they were written: a training goes on as if nothing had happened, or
    not at all, and one changed bit is another training."""
    said = read_file(folder / f"{name}.sha256", 1000).decode("ascii")
    sizes = [line.split(" ")[0] for line in said.splitlines()]
    for part in (f"{name}.safetensors", f"{name}.json"):
        check_regular(folder / part)  # a pipe would be waited for, and terabytes of nothing be read
        if str((folder / part).stat().st_size) not in sizes:
            raise ValueError(f"{part} is not as it was written")
    if said != _digest(folder, name):
        raise ValueError("it is not as it was written")


def _flatten(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        while path in tensors:  # {"a": {"b": ...}, "a.b": ...}
            path += "'"
        tensor = value.detach().cpu().contiguous()
        # safetensors refuses tensors that share memory, as tied weights do
        shared = any(tensor.untyped_storage().data_ptr() == t.untyped_storage().data_ptr() for t in tensors.values())
        tensors[path] = tensor.clone() if shared else tensor
        return {_TENSOR: path}
    if isinstance(value, dict):
        if all(isinstance(key, str) and not key.startswith("__") for key in value):
            return {key: _flatten(item, f"{path}.{key}", tensors) for key, item in value.items()}
        pairs = [[key, _flatten(item, f"{path}.{key}", tensors)] for key, item in value.items()]
        return {_PAIRS: pairs}
    if isinstance(value, tuple):
        return {_TUPLE: [_flatten(item, f"{path}.{i}", tensors) for i, item in enumerate(value)]}
    if isinstance(value, list):
        return [_flatten(item, f"{path}.{i}", tensors) for i, item in enumerate(value)]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a checkpoint cannot hold {a_type(value)} (at {path})")


def _restore(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_restore(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if _TENSOR in value:
        return tensors[value[_TENSOR]]
    if _TUPLE in value:
        return tuple(_restore(item, tensors) for item in value[_TUPLE])
    if _PAIRS in value:
        return {key: _restore(item, tensors) for key, item in value[_PAIRS]}
    return {key: _restore(item, tensors) for key, item in value.items()}


def map_tensors(tree: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same tree with `change` applied to each of its tensors."""
    if isinstance(tree, Tensor):
        return change(tree)
    if isinstance(tree, dict):
        return {key: map_tensors(item, change) for key, item in tree.items()}
    if isinstance(tree, tuple):
        return tuple(map_tensors(item, change) for item in tree)
    return [map_tensors(item, change) for item in tree] if isinstance(tree, list) else tree
