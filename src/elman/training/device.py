"""Where a training computes: the processor or an accelerator, and how models and batches get there and back."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from elman.errors import InputError

__all__ = ["device_of", "find_device", "moved", "to_device"]


def find_device(name: str) -> torch.device:
    """The device of that name.

    Args:
        name: "cpu", "cuda", "mps"; or "auto": cuda where there is one, else cpu. Never mps: torch knows no double
            precision there, and cells other than torch's own run step by step, slower than natively on its processor.

    Raises:
        InputError: there is none here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(name, False):
        raise InputError(
            f"PyTorch finds no device {name} here",
            where="training.device",
            remedy=f"choose {', '.join(repr(one) for one in ('auto', *there) if there.get(one, True))}",
        )
    return torch.device(name)


def device_of(model: nn.Module) -> torch.device:
    """Where the weights of a model are; of one without any, the processor."""
    some = next(chain(model.parameters(), model.buffers()), None)
    return torch.device("cpu") if some is None else some.device


def to_device(tree: Any, device: torch.device | str) -> Any:
    """The same values with every tensor in them on `device`; what is there already is not copied.

    Goes through dicts, lists, tuples, dataclasses, and whatever has a `to` of its own: a `Sequences` keeps its lengths
    on the processor, where they are read. Anything else stays as it is.
    """
    if isinstance(tree, type):
        return tree
    if callable(getattr(tree, "to", None)):
        return tree.to(device)
    if isinstance(tree, dict):
        out = copy.copy(tree)  # of a dict of any kind
        out.update({key: to_device(value, device) for key, value in tree.items()})
        return out
    if isinstance(tree, (list, tuple)):
        items = [to_device(item, device) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    if dataclasses.is_dataclass(tree):
        fields = {f.name: to_device(getattr(tree, f.name), device) for f in dataclasses.fields(tree)}
        tree = copy.copy(tree)
        for name, value in fields.items():
            object.__setattr__(tree, name, value)  # frozen ones too
    return tree


@contextmanager
def moved(model: nn.Module, name: str) -> Iterator[torch.device]:
    """While the block runs, a model on the processor is on the device of that name; one that is on another already
    stays there.

    Raises:
        InputError: there is none here, or it cannot hold the model.
    """
    home = device_of(model)
    device = home if home.type != "cpu" else find_device(name)
    try:
        if device.type != home.type:
            _check_kinds(model, device)
            model.to(device)
        yield device
    finally:
        if device.type != home.type:
            model.to(home)


def _check_kinds(model: nn.Module, device: torch.device) -> None:
    tensors: chain[tuple[str, Tensor]] = chain(model.named_parameters(), model.named_buffers())
    double = next((name for name, tensor in tensors if tensor.dtype == torch.float64), None)
    if device.type == "mps" and double is not None:
        raise InputError(
            f"{double} is in double precision, which mps does not support",
            where="training.device",
            remedy="model.float(), or train on the CPU",
        )
