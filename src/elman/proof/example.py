"""How a module is called: what the arguments are, which carry lengths, a mask or a state, and what is guessed."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from elman.errors import InputError, a_type
from elman.layers.recurrent import Recurrent
from elman.sequences import Sequences

__all__ = ["Example", "Key", "completed", "is_batch", "parameter_names"]

Key = int | str  # of an argument: its place, or its keyword

_LENGTHS = ("lengths", "length", "lens", "seq_lens", "seq_lengths", "sequence_lengths", "input_lengths", "x_lens")
_STATES = ("state", "states", "hx", "hidden", "hidden_state", "h0", "h", "initial_state", "init_state", "carry")
_PAIRS = (("h0", "c0"), ("h_0", "c_0"), ("h", "c"), ("hx", "cx"), ("hidden", "cell"))


@dataclass(frozen=True)
class Example:
    """How to call a module, and which axis means what.

    Attributes:
        args: positional arguments. A tensor with T and B at the two axes is a batch of sequences; a `Sequences` and a
            `PackedSequence` know their axes and lengths themselves; everything else is passed on, cut to the sequences
            tried where it has B at its batch axis.
        time, batch: the axes.
        lengths: what tells the module where each sequence ends: (B,) lengths, or a mask (B, T) or (T, B), if the module
            takes them as a keyword (``lengths``, or what its ``forward`` calls them); the name of another keyword,
            whose values are then drawn if `keywords` gives none; or the place of a positional argument. None: one of
            `args` that looks like lengths or a mask, else nothing does.
        state: the keyword, or the place of the positional argument, that takes the state, if the module returns
            ``(y, state)``; a tuple of them, if it takes ``h, c`` and returns ``y, h, c``. Its batch axis is found out.
            None: it takes none.
        mask_marks: what True in a mask means: ``"data"`` (as attention_mask of Hugging Face), or ``"padding"`` (as
            key_padding_mask of torch). None: read off the mask, where a sequence without padding, or else the first
            time step, shows it.
        keywords: further arguments by name.
    """

    args: tuple[Any, ...]
    time: int = 0
    batch: int = 1
    lengths: Any = None
    state: Key | tuple[Key, ...] | None = None
    mask_marks: str | None = None
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.args, Tensor | Sequences | PackedSequence):
            object.__setattr__(self, "args", (self.args,))
        if not isinstance(self.args, tuple | list):
            raise InputError(f"the example's arguments are {a_type(self.args)}", remedy="give a tuple: (x,)")
        object.__setattr__(self, "args", tuple(self.args))
        if self.mask_marks not in (None, "data", "padding"):
            raise InputError(f"mask_marks is {self.mask_marks!r}", remedy="give 'data' or 'padding'")
        if self.time == self.batch or min(self.time, self.batch) < 0:
            raise InputError(f"time axis {self.time}, batch axis {self.batch}", remedy="give two axes from 0 on")


def is_batch(value: Any, example: Example) -> bool:
    """Whether a value is what T and B are read from."""
    if isinstance(value, Sequences | PackedSequence):
        return True
    if not isinstance(value, Tensor) or value.dtype == torch.bool:
        return False
    return value.dim() > max(example.time, example.batch)


def parameter_names(module: object) -> tuple[list[str], list[str], bool]:
    """Of the call: the names of positional parameters, of all parameters, and whether any keyword is taken."""
    call = getattr(module, "forward", None) if isinstance(module, nn.Module) else module  # a scripted one may have none
    try:
        parameters = inspect.signature(call).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return [], [], True
    by_place = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    named = [p.name for p in parameters if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return by_place, named, any(p.kind is p.VAR_KEYWORD for p in parameters)


def completed(module: Callable[..., Any], example: Example | tuple[Any, ...]) -> tuple[Example, bool]:
    """The example with everything named, and whether its state was guessed; what is guessed is printed."""
    told = isinstance(example, Example)
    if not isinstance(example, Example):
        example = Example(example)
    places, named, _ = parameter_names(module)
    said: list[str] = []
    if not told:
        example = _axes(module, example, said)
    guess = replace(example)
    if guess.lengths is None:
        at = _lengths_at(guess, places)
        if at is not None:
            guess = replace(guess, lengths=at)
            said.append(f"argument {_called(at, places)} carries the {_kind(guess.args[at])}")
        elif not told and not any(isinstance(a, Sequences | PackedSequence) for a in guess.args):
            name = next((n for n in _LENGTHS if n in named[len(guess.args) :]), None)
            if name is not None:
                guess = replace(guess, lengths=name)
                said.append(f"keyword {name} carries the lengths")
    guessed = False
    if guess.state is None:
        state: tuple[Key, ...] = _states_at(guess, places)
        if not state and not told:
            state = _states_named(named[len(guess.args) :])
        if state:
            guess, guessed = replace(guess, state=state), True
            what = "argument" if isinstance(state[0], int) else "keyword"
            carry = "carry" if len(state) > 1 else "carries"
            said.append(f"{what} {' and '.join(_called(k, places) for k in state)} {carry} the state")
    if said and not isinstance(module, Recurrent):
        print(f"elman.verify: guessed {', '.join(said)}", file=sys.stderr)
    return guess, guessed


def _axes(module: object, example: Example, said: list[str]) -> Example:
    if any(isinstance(a, Sequences | PackedSequence) for a in example.args):
        return example
    parts = list(module.modules()) if isinstance(module, nn.Module) else []
    first = any(getattr(m, "batch_first", False) for m in parts)
    time, batch = (1, 0) if first else (0, 1)
    x = next((a for a in example.args if is_batch(a, example)), None)
    counts = [len(a) for a in example.args if _whole_numbers(a)]
    if x is not None and counts and counts[0] in x.shape[:2] and x.shape[0] != x.shape[1]:
        batch = list(x.shape[:2]).index(counts[0])  # as many lengths as sequences
        time = 1 - batch
    said.append(f"axes: time {time}, batch {batch}")
    return replace(example, time=time, batch=batch)


def _whole_numbers(value: Any) -> bool:
    """Whether it is a row of whole numbers, as lengths are."""
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(v, int) and not isinstance(v, bool) for v in value)
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(value) if value.dtype.kind in "iub" else torch.zeros(())
    if not isinstance(value, Tensor) or value.dim() != 1 or not len(value):
        return False
    return not (value.is_floating_point() or value.is_complex() or value.dtype == torch.bool)


def _lengths_at(example: Example, places: list[str]) -> int | None:
    """The place of an argument that says where the sequences end: B whole numbers in 1..T, or a mask of B and T."""
    x = next((a for a in example.args if is_batch(a, example)), None)
    if not isinstance(x, Tensor):
        return None
    T, B = x.shape[example.time], x.shape[example.batch]
    for i, value in enumerate(example.args):
        name = places[i] if i < len(places) else ""
        if value is x:
            continue
        if _whole_numbers(value) and len(value) == B and all(1 <= int(v) <= T for v in value):
            lengths = "len" in name or max(map(int, value)) == T  # else it may be a label of each sequence
            if lengths:
                return i
        if isinstance(value, Tensor) and tuple(value.shape) in ((B, T), (T, B)):
            named = "mask" in name or "pad" in name
            if value.dtype == torch.bool or (named and bool(((value == 0) | (value == 1) | (value < -1e3)).all())):
                return i
    return None


def _states_at(example: Example, places: list[str]) -> tuple[int, ...]:
    """The place of the argument that takes the state, or of the two that take h and c, by their names."""
    there = {
        name: i
        for i, (name, value) in enumerate(zip(places, example.args))
        if i and (value is None or isinstance(value, Tensor | tuple))
    }
    found = next(((there[h], there[c]) for h, c in _PAIRS if h in there and c in there), None)
    return found or next(((there[n],) for n in _STATES if n in there), ())


def _states_named(named: list[str]) -> tuple[str, ...]:
    """The keyword that takes the state, or the two that take h and c."""
    found = next((pair for pair in _PAIRS if set(pair) <= set(named)), None)
    return found or next(((n,) for n in _STATES if n in named), ())


def _called(key: Key, places: list[str]) -> str:
    return f"{key} ({places[key]})" if isinstance(key, int) and key < len(places) else str(key)


def _kind(value: Any) -> str:
    return "mask" if isinstance(value, Tensor) and value.dim() == 2 else "lengths"
