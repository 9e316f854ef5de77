"""`RNN`, `LSTM` and `GRU` in place of torch.nn's: same arguments, same state shapes, same `state_dict`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from elman import cells
from elman.equations import Cell
from elman.errors import InputError, InputTypeError
from elman.layers.arguments import State, of_type
from elman.layers.layout import Stacked
from elman.layers.recurrent import Recurrent

__all__ = ["GRU", "LSTM", "RNN"]


class _DropIn(Recurrent):
    """What the three share: torch's parameter layout, and torch's names."""

    _MODE = ""

    def __init__(self, cell: Cell, layout: Stacked, input_size: int, hidden_size: int, num_layers: int, **options: Any):
        of_type("bias", layout.biased, bool)
        self.bias = layout.biased
        graph = cell.graph
        if not layout.biased:
            graph = graph.without([p.name for p in graph.parameters.values() if not p.is_matrix])
        super().__init__(graph, input_size, hidden_size, num_layers, layout=layout, **options)

    def forward(
        self,
        x: Tensor | PackedSequence | None = None,
        state: State | None = None,
        lengths: Tensor | Sequence[int] | None = None,
        *,
        input: Tensor | PackedSequence | None = None,
        hx: State | None = None,
    ) -> tuple[Any, State]:
        """As `Recurrent.forward`; `input` and `hx` are torch's names for `x` and `state`."""
        if input is not None:
            if x is not None:
                raise InputError("x and input are two names of one argument", remedy="give one of them")
            x = input
        if hx is not None:
            if state is not None:
                raise InputError("state and hx are two names of one argument", remedy="give one of them")
            state = hx
        if x is None:
            raise InputTypeError("x is missing", remedy="give the sequences")
        return super().forward(x, state, lengths)

    @property
    def mode(self) -> str:
        """torch's name of the kind: LSTM, GRU, RNN_TANH, RNN_RELU."""
        return type(self)._MODE

    @property
    def all_weights(self) -> list[list[nn.Parameter]]:
        """The parameters of each layer and direction, in torch's order."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _all_weights(self) -> list[list[str]]:
        graph, cells = self.running_graph(), self._cells
        return [list(cells.plan(graph, k, d, self.training).names) for k, d in cells.passes()]

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[nn.Parameter]:
        return [p for of_one in self.all_weights for p in of_one]

    def _named(self) -> list[str]:
        return []  # the class says it


class RNN(_DropIn):
    """torch.nn.RNN for any activation: h = g(W h + U x + b).

    Args:
        nonlinearity: a one-argument function of the language, by name (``"tanh"``, ``"relu"``, ``"softplus"`` ...) or
            itself (`elman.sigmoid`).
        bias: whether there are biases.

    The others are torch's and `Recurrent`'s.
    """

    @property
    def mode(self) -> str:
        name = self.nonlinearity if isinstance(self.nonlinearity, str) else self.nonlinearity.__name__
        return f"RNN_{name.upper()}"

    def _autocast(self, low: torch.dtype, promoted: list[torch.dtype]) -> list[torch.dtype]:
        return [low]

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1,
        nonlinearity: str | Callable[[Any], Any] = "tanh", bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, *, recurrent_dropout: float = 0.0, zoneout: float = 0.0,
        weight_drop: float = 0.0, engine: str = "auto", device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        self.nonlinearity = nonlinearity
        super().__init__(
            cells.RNN(nonlinearity), Stacked(("W",), ("U",), ("b",), biased=bias), input_size, hidden_size, num_layers,
            bidirectional=bidirectional, batch_first=batch_first, dropout=dropout, recurrent_dropout=recurrent_dropout,
            zoneout=zoneout, weight_drop=weight_drop, engine=engine, device=device, dtype=dtype,
        )  # fmt: skip


class LSTM(_DropIn):
    """torch.nn.LSTM; gates in torch's order: input, forget, cell, output.

    Args:
        proj_size: above 0, the hidden state is a projection of this width (Sak et al. 2014).

    The others are torch's and `Recurrent`'s.
    """

    _MODE = "LSTM"

    def _autocast(self, low: torch.dtype, promoted: list[torch.dtype]) -> list[torch.dtype]:
        return [low, promoted[1] if self.proj_size else low]  # torch's kernel casts all, its projected form does not

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, *, recurrent_dropout: float = 0.0,
        zoneout: float = 0.0, weight_drop: float = 0.0, engine: str = "auto",
        device: torch.device | str | None = None, dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        of_type("proj_size", proj_size, int)
        of_type("hidden_size", hidden_size, int)
        if not 0 <= proj_size < max(hidden_size, 1):
            raise InputError(f"proj_size is {proj_size}", remedy="give 0, or less than hidden_size")
        gates = "ifgo"
        w, u, b = (tuple(f"{letter}_{gate}" for gate in gates) for letter in "WUb")
        super().__init__(
            cells.ProjectedLSTM() if proj_size else cells.LSTM(),
            Stacked(w, u, b, projection="P" if proj_size else "", biased=bias), input_size, hidden_size, num_layers,
            bidirectional=bidirectional, batch_first=batch_first, dropout=dropout, recurrent_dropout=recurrent_dropout,
            zoneout=zoneout, proj_size=proj_size, weight_drop=weight_drop, engine=engine, device=device, dtype=dtype,
        )  # fmt: skip


class GRU(_DropIn):
    """torch.nn.GRU; gates in torch's order: reset, update, candidate.

    Args:
        reset: ``"after"`` the matrix product, as torch has it and its weights want; ``"before"`` it, as Cho et al.
            2014 and ONNX's default. Both keep torch's `state_dict`; ``"before"`` adds the candidate's two biases.

    The others are torch's and `Recurrent`'s.
    """

    _MODE = "GRU"

    def __init__(
        self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
        dropout: float = 0.0, bidirectional: bool = False, *, reset: str = "after", recurrent_dropout: float = 0.0,
        zoneout: float = 0.0, weight_drop: float = 0.0, engine: str = "auto",
        device: torch.device | str | None = None, dtype: torch.dtype | None = None,
    ) -> None:  # fmt: skip
        if reset not in ("after", "before"):
            raise InputError(f"reset is {reset!r}", remedy='choose "after" (torch) or "before" (Cho et al. 2014)')
        self.reset = reset
        after = reset == "after"
        layout = Stacked(
            ("W_r", "W_z", "W"), ("U_r", "U_z", "U"), ("b_r", "b_z", "b"),
            apart=(("b", "c"),) if after else (), biased=bias,
        )  # fmt: skip
        super().__init__(
            cells.GRUAfter() if after else cells.GRU(), layout, input_size, hidden_size, num_layers,
            bidirectional=bidirectional, batch_first=batch_first, dropout=dropout, recurrent_dropout=recurrent_dropout,
            zoneout=zoneout, weight_drop=weight_drop, engine=engine, device=device, dtype=dtype,
        )  # fmt: skip
