"""Anybody's module, its recurrent layers replaced by ours: same weights, same behaviour."""

from __future__ import annotations

import sys

from torch import nn

from elman.errors import InputError
from elman.layers import GRU, LSTM, RNN, Recurrent

__all__ = ["convert"]


def _ours(theirs: nn.RNNBase) -> Recurrent:
    sizes = (theirs.input_size, theirs.hidden_size, theirs.num_layers)
    options = {
        "bias": theirs.bias,
        "batch_first": theirs.batch_first,
        "dropout": theirs.dropout,
        "bidirectional": theirs.bidirectional,
        "device": "meta",  # the weights are theirs: none are made here
    }
    if isinstance(theirs, nn.LSTM):
        return LSTM(*sizes, proj_size=theirs.proj_size, **options)  # type: ignore[arg-type]
    if isinstance(theirs, nn.GRU):
        return GRU(*sizes, **options)  # type: ignore[arg-type]
    if isinstance(theirs, nn.RNN):
        return RNN(*sizes, nonlinearity=theirs.nonlinearity, **options)  # type: ignore[arg-type]
    raise InputError(f"{type(theirs).__name__} is neither torch's RNN, LSTM nor GRU")


def _replaced(theirs: nn.RNNBase) -> Recurrent:
    ours = _ours(theirs)
    for name, parameter in theirs.named_parameters():
        setattr(ours, name, parameter)  # the same objects: optimisers and tied weights go on working
    ours.train(theirs.training)
    return ours


def convert(model: nn.Module) -> nn.Module:
    """Replace every `torch.nn.RNN`, `LSTM` and `GRU` inside a module by ours, in place, and say on stderr which.

    The new layers hold the very same parameters. They return what the old ones returned, PackedSequence included.

    Args:
        model: any module; one that is itself such a layer is returned as the new layer.

    Returns:
        The module. What was replaced stands in ``model.converted`` too: a list of ``name: old -> new``.
    """
    said: list[str] = []
    made: dict[nn.Module, nn.Module] = {}  # a layer that stands in two places stays one layer
    kinds = (nn.RNN, nn.LSTM, nn.GRU)
    result = model
    if type(model) in kinds:
        result = _replaced(model)  # type: ignore[arg-type]
        said.append(f"(the module itself): torch.nn.{type(model).__name__} -> elman.nn.{type(result).__name__}")
    else:
        for path, parent in list(model.named_modules()):
            for name, child in list(parent._modules.items()):  # named_children() would skip a layer's second name
                if isinstance(child, nn.RNNBase) and type(child) in kinds:
                    made.setdefault(child, _replaced(child))
                    setattr(parent, name, made[child])
                    where = f"{path}.{name}" if path else name
                    said.append(f"{where}: torch.nn.{type(child).__name__} -> elman.nn.{type(made[child]).__name__}")
    for line in said or ["nothing to replace: no torch.nn.RNN, LSTM or GRU inside"]:
        print(f"elman.convert: {line}", file=sys.stderr)
    vars(result)["converted"] = said
    return result
