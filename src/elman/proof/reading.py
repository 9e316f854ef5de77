"""An example, read: which arguments are sequences, which tell where they end, and the axes along which each is cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_packed_sequence

from elman.errors import InputError
from elman.layers.recurrent import Recurrent
from elman.proof.example import Example, Key, completed, is_batch, parameter_names
from elman.proof.padding import Mask, read_mask
from elman.sequences import Sequences, check_lengths

__all__ = ["Input", "Reading"]


@dataclass(frozen=True)
class Input:
    """One argument: its value, and the axes along which it is cut (a sequence (T, B, ...) has both)."""

    value: Any
    time: int | None = None
    batch: int | None = None
    kind: str = ""  # sequences, packed: how it is wrapped


class Reading:
    """What an example says about its module.

    Attributes:
        example: with all axes and names filled in. state_guessed: whether its state was found by its name alone.
        inputs: every argument. x_at: which of them is the sequence.
        T, B: time steps and sequences. neighbour: whether it held one sequence, and another was put beside it.
        lengths: of each sequence; None where nothing tells the module.
        ends: ``lengths``, ``mask``, ``sequences`` or ``packed``: what tells it. ends_at: the argument, if it is one of
            its own. mask: how that is written, if it is a mask.
        states: the arguments that take the state, none if there is none.

    Raises:
        InputError: an example that does not fit the module, or itself.
    """

    def __init__(self, module: Callable[..., Any], example: Example | tuple[Any, ...]) -> None:
        if not callable(module):
            raise InputError(
                f"{type(module).__name__} cannot be called", remedy="give a module, or a function of tensors"
            )
        self.module = module
        self.example, self.state_guessed = completed(module, example)
        e = self.example
        self.inputs: dict[Key, Input] = {}
        self.lengths: list[int] | None = None
        self.ends = ""
        self.states: tuple[Key, ...] = e.state if isinstance(e.state, tuple) else () if e.state is None else (e.state,)
        self.neighbour = False
        self.ends_at: Key | None = None
        self.mask: Mask | None = None
        arguments: dict[Key, Any] = {**dict(enumerate(e.args)), **dict(e.keywords.items())}
        self._read_sequence(arguments)
        self._read_lengths(arguments)
        for key, value in arguments.items():
            if key not in self.inputs:
                self.inputs[key] = self._placed(key, value)
        if self.B == 1:
            self._add_neighbour()

    def _read_sequence(self, arguments: Mapping[Key, Any]) -> None:
        e = self.example
        taken = {*self.states, *([e.lengths] if isinstance(e.lengths, Key) else [])}
        at = next((k for k, a in arguments.items() if is_batch(a, e) and k not in taken), None)
        if at is None:
            raise InputError(
                "the example has no batch of sequences", remedy="give a tensor with a time and a batch axis"
            )
        x = arguments[at]
        self.x_at = at
        if isinstance(x, Tensor) and x.dim() == 2 and isinstance(self.module, Recurrent | nn.RNNBase):
            raise InputError(
                f"the example is one sequence {tuple(x.shape)} without a batch axis", remedy="give x.unsqueeze(1)"
            )
        if isinstance(x, Tensor):
            self.T, self.B = x.shape[e.time], x.shape[e.batch]
            self.inputs[at] = Input(x, e.time, e.batch)
        else:
            if isinstance(x, Sequences):
                data, lengths, self.ends = x.data, x.lengths, "sequences"
            else:
                (data, lengths), self.ends = pad_packed_sequence(x), "packed"
            self.T, self.B = data.shape[:2]
            self.lengths = lengths.tolist()
            self.inputs[at] = Input(data, 0, 1, self.ends)
        if self.T < 1 or self.B < 1:
            raise InputError(
                f"the example has {self.T} time steps and {self.B} sequences", remedy="give at least one of each"
            )

    def _read_lengths(self, arguments: dict[Key, Any]) -> None:
        given = self.example.lengths
        if given is None:
            return
        if isinstance(given, int):
            if given not in arguments:
                raise InputError(f"there is no argument {given} to carry the lengths", remedy="count from 0")
            at: Key = given
            value = arguments[given]
        elif isinstance(given, str):
            at, value = given, arguments.get(given)
        else:
            at = self._keyword(given)
            value = arguments[at] = given
        self.ends_at = at
        marks = self.example.mask_marks
        if value is None:
            places, _, _ = parameter_names(self.module)
            name = at if isinstance(at, str) else places[at] if at < len(places) else ""
            self.lengths = [max(1, self.T - (self.T * b) // (2 * self.B)) for b in range(self.B)]
            if marks or "mask" in name or "pad" in name:
                padding = marks == "padding" if marks else "pad" in name
                device = self.inputs[self.x_at].value.device
                self.mask = Mask(not padding, padding, torch.bool, False, device)
            self.inputs[at] = Input(torch.tensor(self.lengths))
        elif isinstance(value, Tensor) and value.dim() == 2:
            self.lengths, self.mask = read_mask(value, self.T, self.B, marks)
            self.inputs[at] = Input(value)
        else:
            self.lengths = check_lengths(value, self.T, self.B).tolist()
            self.inputs[at] = Input(value)
        self.ends = "mask" if self.mask else "lengths"

    def _keyword(self, value: Any) -> str:
        """The keyword that takes these lengths, or this mask: what `forward` calls it."""
        _, named, any_name = parameter_names(self.module)
        if isinstance(value, Tensor) and value.dim() == 2:
            found = [n for n in named if "mask" in n or "pad" in n]
            usual = "mask"
        else:
            found = [n for n in named if "len" in n]
            usual = "lengths"
        if usual in named or (any_name and not found):
            return usual
        return found[0] if found else usual

    def _placed(self, key: Key, value: Any) -> Input:
        """Which axes of an argument are time and batch: both, the batch alone, or neither."""
        e = self.example
        if key in self.states:
            return Input(value)
        if isinstance(value, Sequences):
            return Input(value.data, 0, 1, "sequences")
        if not isinstance(value, Tensor):
            return Input(value)
        sizes = tuple(value.shape)
        if len(sizes) > max(e.time, e.batch) and (sizes[e.time], sizes[e.batch]) == (self.T, self.B):
            return Input(value, e.time, e.batch)
        if len(sizes) > e.batch and len(sizes) > 1 and sizes[e.batch] == self.B:
            return Input(value, None, e.batch)  # a sequence of another length, say of targets
        if sizes and sizes[0] == self.B and len(sizes) < 3:
            return Input(value, None, 0)  # (B,) or (B, F): something about each sequence
        return Input(value)

    def _add_neighbour(self) -> None:
        """A second sequence beside the only one: the same steps in another order, so that mixing them would show."""
        for key, given in self.inputs.items():
            if given.batch is not None:
                other = given.value
                if given.time is not None:
                    other = other.roll(1, given.time) if self.T > 1 else torch.zeros_like(other)
                self.inputs[key] = replace(given, value=torch.cat([given.value, other], given.batch))
        self.B = 2
        if self.lengths is not None:
            self.lengths = self.lengths * 2
        self.neighbour = True
