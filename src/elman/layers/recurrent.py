"""Any cell through time: layers upon layers, both directions, sequences of any lengths."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any, NoReturn, Self

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from elman.engines.choose import ENGINES, Choice, choose
from elman.engines.operation import call as call_operation
from elman.engines.operation import seen, text_of
from elman.engines.scan import Outcome, Scan, Way
from elman.engines.streaming import Stream
from elman.engines.tracing import constant, traced, transformed
from elman.engines.unchanged import doubt
from elman.engines.weights import PLAIN, Plan, Weights, disguise, kind
from elman.equations import Cell, CellError
from elman.equations.graph import Graph, size_of
from elman.errors import InputError, InputTypeError
from elman.layers.dropout import dropout
from elman.layers.hooks import EVERYWHERE, call
from elman.layers.layout import ByName, Layout
from elman.sequences import check_lengths
from elman.training.randomness import generator

__all__ = ["Recurrent", "State", "cell_graph"]

State = Tensor | tuple[Tensor, ...]
# what a prepared step was prepared for, of what may be set on a layer at any time
_SETTINGS = attrgetter("training", "engine", "dropout", "weight_drop", "recurrent_dropout", "zoneout")


def cell_graph(cell: type[Cell] | Cell | Graph) -> tuple[Graph, dict[str, Callable[[Tensor], object]]]:
    """The graph of a cell, and the functions that its `init` fills parameters with.

    Raises:
        CellError: not a cell.
    """
    if isinstance(cell, Graph):
        return cell, {}
    if isinstance(cell, type) and issubclass(cell, Cell):
        cell = cell()
    if not isinstance(cell, Cell) or not hasattr(type(cell), "step"):
        what = f"{cell!r} is no cell" if not isinstance(cell, Cell) else f"{type(cell).__name__} has no step"
        raise CellError(what, remedy="pass a subclass of elman.Cell that writes its step, or an instance of one")
    return cell.graph, {name: fill for name, fill in cell.init.items() if callable(fill)}


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
            of_type(what, size, int)
            if size < 1:
                raise InputError(f"{what} is {size}", remedy=f"{what} must be greater than zero")
        for what, flag in (("bidirectional", bidirectional), ("batch_first", batch_first)):
            of_type(what, flag, bool)
        rates = {
            "dropout": dropout,
            "recurrent_dropout": recurrent_dropout,
            "zoneout": zoneout,
            "weight_drop": weight_drop,
        }
        for what, rate in rates.items():
            of_type(what, rate, float)
            if not 0 <= rate < 1 and not (what == "dropout" and rate == 1):
                raise InputError(f"{what} is {rate!r}", remedy="give a chance of at least 0 and below 1")
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bidirectional, self.batch_first, self.proj_size = bidirectional, batch_first, proj_size
        self.dropout, self.recurrent_dropout, self.zoneout, self.weight_drop = rates.values()
        if engine not in ("auto", *ENGINES):
            raise InputError(f"no engine is called {engine!r}", remedy=f"choose auto, {', '.join(ENGINES)}")
        self.engine: str | Scan = engine
        self.bptt: int | None = None
        self.graph, self._fillers = cell_graph(cell)
        self.layout: Layout = layout or ByName()
        self._graphs: dict[bool, tuple[tuple[bool, float | None], Graph]] = {}
        self._plans: dict[tuple[int, int, bool], Plan] = {}
        self._waits: tuple[str, ...] | None = None
        self._stream = Stream()
        self._sizes = {"H": hidden_size, "I": input_size} | ({"proj_size": proj_size} if proj_size else {})
        known = {s.width for s in self.graph.states} | {d for p in self.graph.parameters.values() for d in p.dims}
        if proj_size and "proj_size" not in known:
            raise InputError(f"{self.graph.name} has no state of width proj_size", remedy="leave proj_size at 0")
        self._layer_sizes = self._all_sizes()
        self._widths = tuple(size_of(s.width, self._sizes_of(0)) for s in self.graph.states)
        self._output_width = size_of(self.graph.output.width, self._sizes_of(num_layers - 1))
        for k, direction in self._passes():
            name = _suffix(k, direction)
            shapes = self.layout.shapes(self.graph, self._sizes_of(k))
            for stored, shape in shapes.items():
                self.register_parameter(stored + name, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))
            for s, width in zip(self.graph.states, self._widths, strict=True):
                if s.name in self.graph.learned:
                    empty = torch.empty(width, device=device, dtype=dtype)
                    self.register_parameter(f"{s.name}_0{name}", nn.Parameter(empty))
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

    def _passes(self) -> Iterator[tuple[int, int]]:
        return ((k, d) for k in range(self.num_layers) for d in range(self.directions))

    def _all_sizes(self) -> list[dict[str, int]]:
        """The sizes of each layer, whose I is the width of what comes from below.

        Raises:
            InputError: a state is as wide as the input, and layers differ in that: their states are one tensor.
        """
        found = [self._sizes]
        for _ in range(1, self.num_layers):
            width = self.directions * size_of(self.graph.output.width, found[-1])
            found.append({**self._sizes, "I": width})
        for state in self.graph.states:
            for k, sizes in enumerate(found):
                if size_of(state.width, sizes) != size_of(state.width, found[0]):
                    raise InputError(
                        f"{state.name} is as wide as the input: {found[0]['I']} in the first layer, {sizes['I']} in "
                        f"layer {k}, and the layers' states are kept in one tensor",
                        remedy=f"give num_layers=1, or an input_size of {sizes['I']}",
                    )
        return found

    def _sizes_of(self, k: int) -> dict[str, int]:
        return self._layer_sizes[k]

    def reset_parameters(self) -> None:
        """Start anew: uniform in +-1/sqrt(H), or what the cell's `init` says; learned initial states at 0."""
        bound = 1 / math.sqrt(self.hidden_size)
        with torch.no_grad():
            for k, direction in self._passes():
                name = _suffix(k, direction)
                for stored in self.layout.shapes(self.graph, self._sizes_of(k)):
                    tensor = getattr(self, stored + name)
                    if stored in self._fillers:
                        self._fillers[stored](tensor)
                    elif stored in self.graph.defaults:
                        tensor.fill_(self.graph.defaults[stored])
                    else:
                        tensor.uniform_(-bound, bound)
                for s in self.graph.learned:
                    getattr(self, f"{s}_0{name}").zero_()

    def cell_parameters(self, layer: int = 0, direction: int = 0) -> dict[str, Tensor]:
        """The parameters of one cell by the names its equations use."""
        weights = self._stored(self.graph, layer, direction)
        return weights.plan.read(weights.tensors)

    def _plan(self, graph: Graph, k: int, direction: int) -> Plan:
        """How the parameters of one cell are kept, and under which names."""
        found = self._plans.get((k, direction, self.training))
        if found is None or found.graph is not graph:
            sizes = self._sizes_of(k)
            shapes = self.layout.shapes(graph, sizes)
            names = tuple(name + _suffix(k, direction) for name in shapes)
            places, numbers = self.layout.places(graph, sizes), tuple(sorted(sizes.items()))
            found = Plan(graph, self.layout, tuple(shapes), names, list(shapes.values()), places, numbers)
            self._plans[k, direction, self.training] = found
        return found

    def _stored(self, graph: Graph, k: int, direction: int) -> Weights:
        """The parameters of one cell as they are kept."""
        found = self._plan(graph, k, direction)
        own = self._parameters
        # a parametrised parameter (weight_norm and its like) is an attribute only
        return Weights(found, [t if (t := own.get(n)) is not None else getattr(self, n) for n in found.names])

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

    def _waiting(self) -> tuple[str, ...]:
        """The matrices that have to wait for a state."""
        if self._waits is None:
            self._waits = self.graph.waiting
        return self._waits

    @constant
    def _text(self) -> str:
        """The step as text; what else a call looks up is made here, so that the tracer finds it made."""
        self._waiting()
        for k, direction in self._passes():
            self._plan(self.running_graph(), k, direction)
        return text_of(self.running_graph())

    def choice(self, device: torch.device | None = None, dtype: torch.dtype | None = None) -> Choice:
        """The engine that runs now, see `elman.explain`."""
        if device is None or dtype is None:
            some = next(self.parameters())
            device, dtype = device or some.device, dtype or some.dtype
        if not isinstance(self.engine, str):
            return Choice(getattr(self.engine, "__name__", "own"), self.engine, {})
        choice = choose(self.running_graph(), device, dtype, self.engine)
        hidden = next((f"{name} is {why}" for name, p in self.named_parameters() if (why := disguise(p))), None)
        if choice.name != "native" or self.engine == "native" or hidden is None:
            return choice
        return replace(choose(self.running_graph(), device, dtype, "reference"), passed_over={"native": hidden})

    def _masks(self, graph: Graph, T: int, B: int, like: Tensor) -> dict[str, Tensor]:
        masks, draws = {}, generator(like.device)
        for leaf in graph.given:
            width = size_of(leaf.width, self._sizes_of(0))  # a state's: the same in all layers
            if leaf.op == "sequence":
                keep = 1 - self.recurrent_dropout
                masks[leaf.name] = like.new_empty(B, width).bernoulli_(keep, generator=draws).div_(keep)
            else:
                masks[leaf.name] = like.new_empty(T, B, width).bernoulli_(self.zoneout, generator=draws)
        return masks

    def _weights(self, graph: Graph, k: int, direction: int, stored: Weights | None = None) -> Mapping[str, Tensor]:
        """The parameters of one cell as the step runs with them: under weight drop some of their entries are 0."""
        stored = stored or self._stored(graph, k, direction)
        if not (self.weight_drop and self.training):
            return stored
        params = stored.plan.read(stored.tensors)
        waiting = self._waiting()
        return {n: dropout(v, self.weight_drop) if n in waiting else v for n, v in params.items()}

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
        if not isinstance(x, Tensor):
            raise InputTypeError(f"x is a {type(x).__name__}", remedy="give a tensor: torch.as_tensor(x)")
        if x.is_nested:
            raise InputTypeError("x is a nested tensor", remedy="pad it: x.to_padded_tensor(0.0), and give lengths")
        if x.dim() not in (2, 3) or x.shape[-1] != self.input_size:
            raise InputError(
                f"x has shape {tuple(x.shape)}, the layer wants (T, B, {self.input_size}) or (T, {self.input_size})"
            )
        given, x = x.dtype, self._in_kind(x)
        state = self._checked(state)
        batched = x.dim() == 3
        if not batched:
            x = x.unsqueeze(1)
            state = _map(state, lambda s: s.unsqueeze(1))
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
            return y.squeeze(1), _map(result, lambda s: s.squeeze(1))  # type: ignore[return-value]
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
            raise InputError("one mask a sequence cannot be drawn step by step", remedy="call layer.eval() to stream")
        if not isinstance(x_t, Tensor):
            raise InputTypeError(f"x_t is a {type(x_t).__name__}", remedy="give a tensor: torch.as_tensor(x_t)")
        if x_t.is_nested:
            raise InputTypeError("x_t is a nested tensor", remedy="pad it: x_t.to_padded_tensor(0.0)")
        if x_t.dim() != 2 or x_t.shape[-1] != self.input_size:
            raise InputError(f"x_t has shape {tuple(x_t.shape)}, a step wants (B, {self.input_size})")
        given, x_t = x_t.dtype, self._in_kind(x_t)
        state = self._checked(state)
        y, after = self._called(given, state, x_t.unsqueeze(0), None)
        self._hold()
        return y.squeeze(0), after

    def _prepared(self, x: Any, state: Any) -> tuple[Tensor, State] | None:
        """What comes out, where the last call like this one has left everything prepared."""
        if torch.is_grad_enabled() or _watched() or (state is None and self.graph.learned):
            return None
        return self._stream.step(self._parameters, _SETTINGS(self), x, state)

    def _hold(self) -> None:
        """What the call that has just ended prepared may serve the next."""
        if not traced() and self.engine in ("auto", "native") and self._plain(self.running_graph()):
            names = [n for k in range(self.num_layers) for n in self._plans[k, 0, self.training].names]
            self._stream.hold(names, _SETTINGS(self))

    def _run(self, x: Tensor, start: list[Tensor], ends: Tensor | None) -> Outcome:
        """Every layer and direction; `start` and the result are one (L*D, B, width) for each state of the cell."""
        T, B, _ = x.shape
        text = self._text() if traced() and self.engine in ("auto", "native") else ""
        graph = self.running_graph()
        stored = [self._stored(graph, *p) for p in self._passes()]
        scan: Scan
        if text:
            compiling = torch.compiler.is_compiling() and not torch.onnx.is_in_onnx_export()
            scan = partial(call_operation, text) if compiling else seen(graph, self.bptt)
        else:
            done = self._eager(graph, stored, x, start, ends)
            if isinstance(done, tuple):
                return done
            scan = done
        y = x
        finals: list[tuple[Tensor, ...]] = []
        for k in range(self.num_layers):
            outputs = []
            for d in range(self.directions):
                row = k * self.directions + d
                out, after = scan(
                    graph,
                    self._weights(graph, k, d, stored[row]),
                    y,
                    tuple(s[row] for s in start),
                    Way(ends, d == 1, self._masks(graph, T, B, y), self.bptt),
                )
                outputs.append(out)
                finals.append(after)
            y = outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)
            if self.dropout and k + 1 < self.num_layers:
                y = dropout(y, self.dropout, self.training)
        if len(finals) == 1:
            return y, tuple(s.unsqueeze(0) for s in finals[0])
        return y, tuple(torch.stack(column) for column in zip(*finals, strict=True))

    def _eager(
        self, graph: Graph, stored: Sequence[Weights], x: Tensor, start: list[Tensor], ends: Tensor | None
    ) -> Scan | Outcome:
        """The scan that is to run; or what came out, where a prepared one could."""
        if not isinstance(self.engine, str):
            return self.engine
        # of an empty batch kernels know nothing
        plain = x.shape[1] == 0 or (self.engine == "auto" and (transformed() or traced()))
        engine = "reference" if plain else self.engine
        choice = choose(graph, x.device, x.dtype, engine)
        ordinary = choice.name == "native" and _in_memory((x, *start))
        prepared = ordinary and ends is None and self._plain(graph)
        if prepared and (done := self._stream.run(graph, stored, x, start)):
            return done[0], tuple(done[1])
        for weights in stored:
            weights.check(x)
        hidden = next((w.disguise for w in stored if w.disguise), None)
        if choice.name == "native" and self.engine == "auto" and (hidden or not ordinary):
            choice = choose(graph, x.device, x.dtype, "reference")
        trains = torch.is_grad_enabled() and ends is None and not self.bptt and self._undropped()
        if trains and (other := choice.training):
            T, B, _ = x.shape
            if other.at(T, B, self.input_size, self.hidden_size):
                return other.layers(graph, stored, x, start, self.directions)
        return partial(_as_it_is, choice.scan, hidden) if hidden and choice.name != "native" else choice.scan

    def _plain(self, graph: Graph) -> bool:
        """Whether a call is inference in one direction, with nothing drawn at random: what `Stream` prepares."""
        if torch.is_grad_enabled() or self.bidirectional or graph.given:
            return False
        return self._undropped()

    def _undropped(self) -> bool:
        """Whether nothing is dropped between layers, nor of the weights."""
        return not (self.training and (self.weight_drop or (self.dropout and self.num_layers > 1)))

    def _in_kind(self, x: Tensor) -> Tensor:
        """x, of the weights' dtype and device; under autocast, where a layer before may give bfloat16, made so."""
        some = next(iter(self._parameters.values()), None)
        if not isinstance(some, Tensor) or (x.dtype == some.dtype and x.device == some.device):
            return x  # what a parameter is that is no tensor, its check says
        if x.device == some.device and x.is_floating_point() and torch.is_autocast_enabled(x.device.type):
            return x.to(some.dtype)
        if x.device != some.device:
            raise InputError(f"x is {kind(x)}, the layer {kind(some)}", remedy="bring them together: x.to(device)")
        in_torchs_words = f"RNN input dtype {x.dtype} does not match weight dtype {some.dtype}"
        raise InputError(
            f"x is {kind(x)}, the layer {kind(some)}: {in_torchs_words}",
            remedy=f"Convert input: input.to({some.dtype}), or convert model: model.to({x.dtype})",
        )

    def _checked(self, state: object) -> State | None:
        """The state of a call, known to be one tensor a state of the cell; of the weights' dtype under autocast."""
        if state is None:
            return None
        count = len(self.graph.states)
        if count == 1 and isinstance(state, Tensor):
            return state
        parts = state if isinstance(state, (tuple, list)) else (state,)
        if all(isinstance(s, Tensor) for s in parts):  # how many, and of which shapes, `_initial` asks
            return tuple(parts)
        wanted = "one tensor" if count == 1 else f"a tuple of {count} tensors ({', '.join(self.graph.state_names)})"
        found = ", ".join(type(s).__name__ for s in parts)
        raise InputTypeError(
            f"the state is {type(state).__name__} of {found}" if parts is state else f"the state is a {found}",
            remedy=f"give {wanted}, or None",
        )

    def _called(self, given: torch.dtype, state: State | None, x: Tensor, ends: Tensor | None) -> tuple[Tensor, State]:
        """y, and the states as the caller gets them. Under autocast all is computed in the weights' dtype, and returned
        in the dtypes that torch's layers return."""
        start, kind = self._initial(state, x.shape[1], x), x.device.type
        if not torch.is_autocast_enabled(kind):
            y, after = self._run(x, start, ends)
            return y, after if len(after) > 1 else after[0]
        with torch.autocast(kind, enabled=False):
            y, after = self._run(x, start, ends)
        if y.dtype == torch.float32:
            low = torch.get_autocast_dtype(kind)
            before = [given] * len(after) if state is None else [s.dtype for s in _parts(state)]
            dtypes = self._autocast(low, [torch.promote_types(low, dtype) for dtype in before])
            y, after = y.to(dtypes[0]), tuple(a.to(dtype) for a, dtype in zip(after, dtypes, strict=True))
        return y, after if len(after) > 1 else after[0]

    def _autocast(self, low: torch.dtype, promoted: list[torch.dtype]) -> list[torch.dtype]:
        """The dtypes of the states; y has the first. As a cell written in torch's operations: products come out low,
        and meet the state, which promotes them."""
        return promoted

    def _initial(self, state: State | None, B: int, x: Tensor) -> list[Tensor]:
        rows = self.num_layers * self.directions
        if state is None:
            return [
                self._learned(s.name, width, x).expand(rows, B, width)
                if s.name in self.graph.learned
                else x.new_zeros(rows, B, width)
                for s, width in zip(self.graph.states, self._widths, strict=True)
            ]
        given = _parts(state)
        if torch.is_autocast_enabled(x.device.type):
            given = [s.to(x.dtype) if s.is_floating_point() and s.device == x.device else s for s in given]
        wanted = [(rows, B, width) for width in self._widths]
        if any(s.dtype != x.dtype or s.device != x.device for s in given):
            kinds = ", ".join(kind(s) for s in given)
            raise InputError(f"the state is {kinds}, x is {kind(x)}", remedy="bring them together: state.to(x)")
        if [tuple(s.shape) for s in given] != wanted:
            names = ", ".join(f"{n} {w}" for n, w in zip(self.graph.state_names, wanted, strict=True))
            raise InputError(f"the state has shapes {[tuple(s.shape) for s in given]}, the layer wants {names}")
        return given

    def _learned(self, state: str, width: int, x: Tensor) -> Tensor:
        """The learned initial states of all layers and directions, (L*D, 1, width)."""
        names = [f"{state}_0{_suffix(*p)}" for p in self._passes()]
        for name in names:
            start: Tensor = getattr(self, name)
            if start.dtype != x.dtype or start.device != x.device or start.shape != (width,):
                has = f"{kind(start)} of shape {tuple(start.shape)}"
                raise InputError(f"{name} is {has}, the layer wants {kind(x)} of shape ({width},)")
        return torch.stack([getattr(self, name) for name in names])[:, None]

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
        said = [*self._named(), str(self.input_size), str(self.hidden_size)]
        said += [f"{n}={_shown(getattr(self, n))}" for n, usual in _USUAL if getattr(self, n, usual) != usual]
        return ", ".join(said)

    def _named(self) -> list[str]:
        return [self.graph.name]


def of_type(what: str, value: object, wanted: type) -> None:
    """In torch's words."""
    real = isinstance(value, (int, float)) if wanted is float else isinstance(value, wanted)
    if not real or (isinstance(value, bool) and wanted is not bool):
        raise InputTypeError(f"{what} should be of type {wanted.__name__}, got: {type(value).__name__}")


_USUAL = (
    ("num_layers", 1), ("nonlinearity", "tanh"), ("bias", True), ("batch_first", False), ("dropout", 0.0),
    ("bidirectional", False), ("proj_size", 0), ("reset", "after"), ("recurrent_dropout", 0.0), ("zoneout", 0.0),
    ("weight_drop", 0.0), ("engine", "auto"),
)  # fmt: skip


def _shown(value: object) -> str:
    return getattr(value, "__name__", repr(value))


def _suffix(k: int, direction: int) -> str:
    return f"_l{k}" + ("_reverse" if direction else "")


def _as_it_is(scan: Scan, disguised: str, *arguments: Any) -> Any:
    """A scan over a parameter that only torch's operations can read; not all of them can."""
    try:
        return scan(*arguments)
    except (RuntimeError, TypeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{disguised}, and torch cannot compute the step with it: {first}") from error


def _in_memory(tensors: tuple[Tensor, ...]) -> bool:
    """Whether the numbers of these tensors lie in memory, as far as that shows at once.

    Raises:
        InputError: one whose memory was freed.
    """
    if not PLAIN.issuperset(map(type, tensors)):
        return False
    try:
        if all(map(Tensor.data_ptr, tensors)):
            return True
    except RuntimeError:  # sparse
        return False
    if any(t._is_zerotensor() for t in tensors):
        return False
    raise InputError("x or a state has no memory: its storage was freed")


def _watched() -> bool:
    """Whether a step has to be more than the prepared call."""
    return torch._C._is_any_autocast_enabled() or transformed() or traced()


def _parts(state: State) -> list[Tensor]:
    return [state] if isinstance(state, Tensor) else list(state)


def _map(state: State | None, change: Callable[[Tensor], Tensor]) -> State | None:
    if state is None or isinstance(state, Tensor):
        return None if state is None else change(state)
    return tuple(change(s) for s in state)
