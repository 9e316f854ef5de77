"""Anybody's module, its recurrent layers replaced by ours: same weights, same hooks, same behaviour."""

from __future__ import annotations

import sys

from torch import nn

from elman.errors import InputError
from elman.layers import GRU, LSTM, RNN, Recurrent

__all__ = ["convert"]

_KINDS = (nn.RNN, nn.LSTM, nn.GRU)
# where torch keeps hooks: the very same dictionaries go on, so that a handle can still remove its hook
_HOOKS = (
    "_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called", "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs", "_backward_hooks", "_backward_pre_hooks", "_is_full_backward_hook",
    "_state_dict_hooks", "_state_dict_pre_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
)  # fmt: skip


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


def _kept(module: nn.Module) -> str | None:
    """Why a recurrent layer of torch's is left as it is; None if it can be replaced, or is no such layer."""
    if isinstance(module, nn.RNNCellBase):
        return "it runs one step at a time, and its caller has the loop: write that loop as an elman.Cell"
    if not isinstance(module, nn.RNNBase):
        return None
    if hasattr(module, "parametrizations"):
        return "its weights are parametrized, and computed at each call"
    if type(module) not in _KINDS:
        return "it is a class of its own, which may do more than torch's"
    if "forward" in vars(module):
        return "its forward was replaced by another"
    expected = {name: p.shape for name, p in _ours(module).named_parameters()}
    missing = [n for n in expected if module._parameters.get(n) is None]
    if missing:
        return (
            f"its {missing[0]} is not a parameter: something (weight_norm, spectral_norm, prune) makes it at each call"
        )
    more = [*(set(module._parameters) - set(expected)), *module._buffers, *module._modules]
    if more:
        return f"it holds more than torch's own: {', '.join(sorted(more))}"
    shape = next((n for n, s in expected.items() if module._parameters[n].shape != s), None)  # type: ignore[union-attr]
    return f"its {shape} has another shape than its sizes say" if shape else None


def _replaced(theirs: nn.RNNBase) -> Recurrent:
    ours = _ours(theirs)
    for name, parameter in theirs.named_parameters():
        setattr(ours, name, parameter)  # the same objects: optimisers and tied weights go on working
    for name in _HOOKS:
        if name in vars(theirs):
            vars(ours)[name] = vars(theirs)[name]
    ours.train(theirs.training)
    return ours


def convert(model: nn.Module) -> nn.Module:
    """Replace every `torch.nn.RNN`, `LSTM` and `GRU` inside a module by ours, in place, and say on stderr which.

    The new layers hold the very same parameters and hooks. They return what the old ones returned, PackedSequence
    included. Left as they are, and named with the reason: cells (`LSTMCell` ...), subclasses, and layers whose weights
    something else makes at each call (weight_norm, spectral_norm, prune, parametrizations).

    Args:
        model: any module; one that is itself such a layer is returned as the new layer.

    Returns:
        The module. What was replaced stands in ``model.converted`` too, a list of ``name: old -> new``; what was not in
        ``model.left_alone``, a list of ``name: class: reason``.
    """
    said: list[str] = []
    left: list[str] = []
    made: dict[nn.Module, nn.Module] = {}  # a layer that stands in two places stays one layer

    def seen(where: str, module: nn.Module) -> nn.Module:
        reason = _kept(module)
        if reason:
            left.append(f"{where}: {type(module).__name__}: {reason}")
        elif isinstance(module, nn.RNNBase):
            new = made.setdefault(module, made.get(module) or _replaced(module))
            said.append(f"{where}: torch.nn.{type(module).__name__} -> elman.nn.{type(new).__name__}")
            return new
        return module

    result = seen("(the module itself)", model)
    if result is model:
        for path, parent in list(model.named_modules()):
            for name, child in list(parent._modules.items()):  # named_children() would skip a layer's second name
                if child is not None:
                    parent._modules[name] = seen(f"{path}.{name}" if path else name, child)
    for line in said or ["nothing to replace: no torch.nn.RNN, LSTM or GRU that could be"]:
        print(f"elman.convert: {line}", file=sys.stderr)
    for line in left:
        print(f"elman.convert: left alone: {line}", file=sys.stderr)
    vars(result)["converted"], vars(result)["left_alone"] = said, left
    return result
