"""Any cell through time: layers upon layers, both directions, sequences of any lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NoReturn, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from elman.engines.choose import ENGINES, Choice
from elman.engines.operation import text_of
from elman.engines.scan import Scan
from elman.engines.streaming import Stream
from elman.engines.tracing import constant, traced
from elman.engines.unchanged import doubt
from elman.engines.weights import Weights
from elman.equations import Cell
from elman.equations.graph import Graph, size_of
from elman.errors import InputError
from elman.layers import arguments
from elman.layers.arguments import State
from elman.layers.hooks import EVERYWHERE, call
from elman.layers.layout import ByName, Layout
from elman.layers.masks import drawn, thinned
from elman.layers.parameters import Parameters, cell_graph, sizes_by_layer
from elman.layers.running import chosen, looked_on, run, streams
from elman.sequences import check_lengths

__all__ = ["Recurrent", "State", "cell_graph"]

# what a prepared step was prepared for, of what may be set on a layer at any time
_SETTINGS = attrgetter("training", "engine", "dropout", "weight_drop", "recurrent_dropout", "zoneout")


class Recurrent(nn.Module):
    """A deep, possibly bidirectional recurrent network of any cell.

    Args:
        cell: a class or an instance of `elman.Cell` (or its graph).
        input_size: I, features of x at each step.
        hidden_size: H.
        num_layers: L, each reading the output of the one below.
        bidirectional: a second network reads from each sequence's own end (D = 2); outputs are concatenated.
        batch_first: x and y are (B, T, ...) instead of (T, B, ...).
        dropout: on the output of each layer but the last.
        recurrent_dropout: one mask a sequence on every state that a product reads (Gal & Ghahramani 2016).
        zoneout: chance that a unit keeps its state for a step (Krueger et al. 2017); its expectation in evaluation.
        proj_size: width of the states that the cell's `widths` call ``proj_size``.
        engine: ``auto``, ``native``, ``torch`` or ``reference``.
        weight_drop: chance that an entry of a matrix on a state is 0, one mask a call (Merity et al. 2018).

    Parameters are called ``NAME_l{k}`` and ``NAME_l{k}_reverse``; learned initial states ``NAME_0_l{k}``.

    Attributes:
        engine: as given; or, set later, a scan of your own (see `elman.engines.scan.Scan`), which then runs.
        bptt: None for full back-propagation through time; k cuts the gradient between blocks of k time steps.

    Raises:
        InputError: sizes or rates that make no sense, or an engine that cannot run the cell.
    """

    def __init__(
        self,
        cell: type[Cell] | Cell | Graph,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bidirectional: bool = False,
        batch_first: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        proj_size: int = 0,
        engine: str = "auto",
        *,
        weight_drop: float = 0.0,
        layout: Layout | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        for what, size in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
            arguments.check_size(what, size)
        for what, flag in (("bidirectional", bidirectional), ("batch_first", batch_first)):
            arguments.of_type(what, flag, bool)
        rates = dropout, recurrent_dropout, zoneout, weight_drop
        for what, rate in zip(("dropout", "recurrent_dropout", "zoneout", "weight_drop"), rates, strict=True):
            arguments.check_rate(what, rate)
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bidirectional, self.batch_first, self.proj_size = bidirectional, batch_first, proj_size
        self.dropout, self.recurrent_dropout, self.zoneout, self.weight_drop = rates
        if engine not in ("auto", *ENGINES):
            raise InputError(f"no engine is called {engine!r}", remedy=f"choose auto, {', '.join(ENGINES)}")
        self.engine: str | Scan = engine
        self.bptt: int | None = None
        self.graph, fillers = cell_graph(cell)
        self._graphs: dict[bool, tuple[tuple[bool, float | None], Graph]] = {}
        self._waiting = self.graph.waiting
        self._stream = Stream()
        known = {s.width for s in self.graph.states} | {d for p in self.graph.parameters.values() for d in p.dims}
        if proj_size and "proj_size" not in known:
            raise InputError(f"{self.graph.name} has no state of width proj_size", remedy="leave proj_size at 0")
        sizes = {"H": hidden_size, "I": input_size} | ({"proj_size": proj_size} if proj_size else {})
        by_layer = sizes_by_layer(self.graph, sizes, num_layers, self.directions)
        self._widths = tuple(size_of(s.width, by_layer[0]) for s in self.graph.states)
        self._output_width = size_of(self.graph.output.width, by_layer[-1])
        self._cells = Parameters(self.graph, fillers, layout or ByName(), by_layer, self.directions)
        self._cells.register(self, device, dtype)
        self.reset_parameters()

    # -- parameters ----------------------------------------------------------------------------------------------

    @property
    def directions(self) -> int:
        """D: 2 if bidirectional, else 1."""
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """D * width of the cell's output: the features of y."""
        return self.directions * self._output_width

    def sizes_of(self, layer: int) -> Mapping[str, int]:
        """The numbers behind the widths' names in one layer: its I is the width of what comes from below."""
        return self._cells.sizes[layer]

    def reset_parameters(self) -> None:
        """Start anew: uniform in +-1/sqrt(H), or what the cell's `init` says; learned initial states at 0."""
        self._cells.reset(self)

    def cell_parameters(self, layer: int = 0, direction: int = 0) -> dict[str, Tensor]:
        """The parameters of one cell by the names its equations use."""
        weights = self._stored(self.graph, layer, direction)
        return weights.plan.read(weights.tensors)

    def _stored(self, graph: Graph, k: int, direction: int) -> Weights:
        """The parameters of one cell as they are kept."""
        return self._cells.stored(self, graph, k, direction)

    def flatten_parameters(self) -> None:
        """After single entries of a weight were changed through ``p.data`` or numpy: prepare inference anew.

        All other changes are seen without it. torch's modules have a method of this name.
        """
        doubt()

    def train(self, mode: bool = True) -> Self:
        """As `torch.nn.Module.train`; what inference had prepared from the weights is prepared anew."""
        doubt()
        return super().train(mode)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        doubt()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self

    def _load_from_state_dict(self, *arguments: Any) -> None:
        doubt()
        super()._load_from_state_dict(*arguments)

    # -- the step with its masks ---------------------------------------------------------------------------------

    def running_graph(self) -> Graph:
        """The step as it runs now: with recurrent dropout and zoneout where they act."""
        drop = self.training and self.recurrent_dropout > 0
        zone = None if not self.zoneout else 0.0 if self.training else self.zoneout
        made = self._graphs.get(self.training)
        if made is None or made[0] != (drop, zone):  # the rates may have been set since
            graph = self.graph if (drop, zone) == (False, None) else self.graph.regularize(drop, zone)
            made = self._graphs[self.training] = (drop, zone), graph
        return made[1]

    @constant
    def _text(self) -> str:
        """The step as text; what else a call looks up is made here, so that the tracer finds it made."""
        for k, direction in self._cells.passes():
            self._cells.plan(self.running_graph(), k, direction, self.training)
        return text_of(self.running_graph())

    def choice(self, device: torch.device | None = None, dtype: torch.dtype | None = None) -> Choice:
        """The engine that runs now, see `elman.explain`."""
        if device is None or dtype is None:
            some = next(self.parameters())
            device, dtype = device or some.device, dtype or some.dtype
        return chosen(self, device, dtype, self.named_parameters())

    def _masks(self, graph: Graph, T: int, B: int, like: Tensor, row: int) -> Mapping[str, Tensor]:
        """Masks for one cell, drawn anew."""
        sizes = self.sizes_of(0)  # a state's width: the same in all layers
        return drawn(graph, sizes, T, B, like, self.recurrent_dropout, self.zoneout)

    def _weights(self, graph: Graph, k: int, direction: int, stored: Weights | None = None) -> Mapping[str, Tensor]:
        """The parameters of one cell as the step runs with them: under weight drop some of their entries are 0."""
        stored = stored or self._stored(graph, k, direction)
        if not (self.weight_drop and self.training):
            return stored
        return thinned(stored.plan.read(stored.tensors), self._waiting, self.weight_drop)

    # -- calls ---------------------------------------------------------------------------------------------------

    def forward(
        self, x: Tensor | PackedSequence, state: State | None = None, lengths: Tensor | Sequence[int] | None = None
    ) -> tuple[Any, State]:
        """Whole sequences.

        Args:
            x: (T, B, I), (B, T, I) with batch_first, (T, I) unbatched, or a PackedSequence.
            state: before the first step: (L*D, B, width), a tuple of them for several states, (L*D, width) unbatched;
                None for the cell's own start.
            lengths: (B,), in any order, each in 1..T; None for all T.

        Returns:
            y, (T, B, D*H) like x, zero past each length; and the state after each sequence's own last step.

        Raises:
            InputError: shapes or types that do not fit, an empty sequence, no time step.
        """
        again = lengths is None and not self.batch_first and isinstance(x, Tensor) and x.dim() == 3
        if again and (done := self._prepared(x, state)):
            return done
        if isinstance(x, PackedSequence):
            return self._packed(x, state, lengths)
        arguments.check_tensor("x", x, ", and give lengths")
        if x.dim() not in (2, 3) or x.shape[-1] != self.input_size:
            raise InputError(
                f"x has shape {tuple(x.shape)}, the layer wants (T, B, {self.input_size}) or (T, {self.input_size})"
            )
        given, x = x.dtype, arguments.in_kind(x, next(iter(self._parameters.values()), None))
        state = arguments.state_of(state, self.graph.state_names)
        batched = x.dim() == 3
        if not batched:
            x = x.unsqueeze(1)
            state = arguments.changed(state, lambda s: s.unsqueeze(1))
        elif self.batch_first:
            x = x.transpose(0, 1)
        T, B, _ = x.shape
        if T < 1:
            raise InputError("x has 0 time steps", remedy="give at least one")
        ends = None if lengths is None else check_lengths(lengths, T, B)
        if ends is not None and not traced() and bool((ends == T).all()):
            ends = None
        y, result = self._called(given, state, x, ends)
        if again:
            self._hold()
        if not batched:
            return y.squeeze(1), arguments.changed(result, lambda s: s.squeeze(1))  # type: ignore[return-value]
        return (y.transpose(0, 1) if self.batch_first else y), result

    def step(self, x_t: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """One time step, for streams: (B, I) -> (B, H), and the state to hand to the next call.

        Hooks on the layer's forward run around it. Without gradients what a step needs of the weights is kept from step
        to step, and any change of them is seen, with one exception: a few entries written behind autograd's back
        (``p.data[i, j] = v``, numpy) amid a matrix of over 2 KiB, at least until `flatten_parameters` or `train`.

        Raises:
            InputError: a bidirectional layer (it would need the future), or masks that a whole sequence shares.
        """
        if self._forward_pre_hooks or self._forward_hooks or EVERYWHERE[0] or EVERYWHERE[1]:
            stepped: tuple[Tensor, State] = call(self, self._step, x_t, state)
            return stepped
        return self._prepared(x_t, state) or self._step(x_t, state)

    def _step(self, x_t: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """A step of which nothing is prepared."""
        if self.bidirectional:
            raise InputError("a bidirectional layer cannot step: its backward half starts at the end of the sequence")
        if self.training and (self.recurrent_dropout or self.weight_drop):
            raise InputError("one mask per sequence cannot be drawn step by step", remedy="call layer.eval() to stream")
        arguments.check_tensor("x_t", x_t)
        if x_t.dim() != 2 or x_t.shape[-1] != self.input_size:
            raise InputError(f"x_t has shape {tuple(x_t.shape)}, a step wants (B, {self.input_size})")
        given, x_t = x_t.dtype, arguments.in_kind(x_t, next(iter(self._parameters.values()), None))
        state = arguments.state_of(state, self.graph.state_names)
        y, after = self._called(given, state, x_t.unsqueeze(0), None)
        self._hold()
        return y.squeeze(0), after

    def _prepared(self, x: Any, state: Any) -> tuple[Tensor, State] | None:
        """What comes out, where the last call like this one has left everything prepared."""
        if torch.is_grad_enabled() or looked_on() or (state is None and self.graph.learned):
            return None
        return self._stream.step(self._parameters, _SETTINGS(self), x, state)

    def _hold(self) -> None:
        """What the call that has just ended prepared may serve the next."""
        if not traced() and self.engine in ("auto", "native") and streams(self, self.running_graph()):
            graph = self.running_graph()
            plans = [self._cells.plan(graph, k, 0, self.training) for k in range(self.num_layers)]
            names = [n for plan in plans for n in plan.names]
            self._stream.hold(names, _SETTINGS(self))

    def _called(self, given: torch.dtype, state: State | None, x: Tensor, ends: Tensor | None) -> tuple[Tensor, State]:
        """y, and the states as the caller gets them. Under autocast all is computed in the weights' dtype, and returned
        in the dtypes that torch's layers return."""
        start, kind = self._initial(state, x.shape[1], x), x.device.type
        if not torch.is_autocast_enabled(kind):
            y, after = run(self, x, start, ends)
            return y, after if len(after) > 1 else after[0]
        with torch.autocast(kind, enabled=False):
            y, after = run(self, x, start, ends)
        if y.dtype == torch.float32:
            low = torch.get_autocast_dtype(kind)
            before = [given] * len(after) if state is None else [s.dtype for s in arguments.parts(state)]
            dtypes = self._autocast(low, [torch.promote_types(low, dtype) for dtype in before])
            y, after = y.to(dtypes[0]), tuple(a.to(dtype) for a, dtype in zip(after, dtypes, strict=True))
        return y, after if len(after) > 1 else after[0]

    def _autocast(self, low: torch.dtype, promoted: list[torch.dtype]) -> list[torch.dtype]:
        """The dtypes of the states; y has the first. As a cell written in torch's operations: products come out low,
        and meet the state, which promotes them."""
        return promoted

    def _initial(self, state: State | None, B: int, x: Tensor) -> list[Tensor]:
        rows = self.num_layers * self.directions
        if state is not None:
            shapes = [(rows, B, width) for width in self._widths]
            return arguments.states_like(x, state, shapes, self.graph.state_names)
        return [
            self._cells.learned(self, s.name, width, x).expand(rows, B, width)
            if s.name in self.graph.learned
            else x.new_zeros(rows, B, width)
            for s, width in zip(self.graph.states, self._widths, strict=True)
        ]

    def _packed(self, x: PackedSequence, state: State | None, lengths: object) -> tuple[PackedSequence, State]:
        if lengths is not None:
            raise InputError("a PackedSequence carries its own lengths", remedy="leave lengths out")
        padded, ends = pad_packed_sequence(x, batch_first=self.batch_first)
        y, after = self(padded, state, ends)
        return pack_padded_sequence(y, ends, self.batch_first, enforce_sorted=x.sorted_indices is None), after

    def __prepare_scriptable__(self) -> NoReturn:  # torch.jit.script asks for it
        raise InputError(
            f"torch.jit.script cannot read a layer that makes its program from equations ({self.graph.name})",
            remedy="use torch.jit.trace or torch.export, which keep any T and B",
        )

    def extra_repr(self) -> str:
        return ", ".join([*self._named(), *arguments.unusual(self)])

    def _named(self) -> list[str]:
        return [self.graph.name]
