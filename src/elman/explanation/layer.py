"""`elman.explain`: which engine runs a layer and why not a faster one; what a cell's equations come to.

>>> import elman
>>> said = elman.explain(elman.nn.GRU(50, 64))
>>> said.engine in ("native", "torch")
True
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import nn

from elman.cells.find import find_cell
from elman.engines.choose import Choice
from elman.engines.lowering import lower
from elman.equations import Cell
from elman.equations.derivative import differentiate
from elman.equations.graph import Graph, Parameter, size_of
from elman.equations.printing import Derivative, derivative, equations
from elman.errors import InputError
from elman.explanation.cell_lanes import lanes
from elman.explanation.cost import Cost, Row, Size, Timing, compare, cost, formula
from elman.explanation.meanwhile import Meanwhile
from elman.layers.recurrent import Recurrent, cell_graph

__all__ = ["Explanation", "explain"]


_SEEN = "a change is seen at once; of single entries written through p.data, after flatten_parameters() or train()"


class Explanation(str):
    """Text that explains, with what it says as attributes too.

    Of a layer: ``engine`` (its name), ``reasons`` (for each faster engine, why it does not run),
    ``second_derivatives``, ``parameters`` (a count), ``memory`` (bytes that the step back reads, a step and sequence),
    ``equations``, ``graph``.
    Of a cell: ``graph``, ``equations``, ``picture``, ``derivative``, ``schedule``, ``parameters`` (name -> shape),
    ``cost``, ``timings`` (cell -> quartiles of its time), ``others`` (what other programs took of the processors
    meanwhile, as a share).
    Of a model: ``layers``, one explanation for each recurrent layer by its name; ``engine`` and ``reasons`` of all.
    """

    def __new__(cls, text: str, **facts: Any) -> Explanation:
        said = super().__new__(cls, text)
        vars(said).update(facts)
        return said

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"this explanation has no {name!r}; it has {', '.join(vars(self))}")

    def __repr__(self) -> str:
        return str(self)

    def to_dict(self) -> dict[str, Any]:
        """What it says, as JSON can hold it."""
        return {name: _plain(value) for name, value in vars(self).items() if not isinstance(value, Graph)}


def explain(thing: object, *, size: Size | None = None, time: bool = True) -> Explanation:
    """What runs, what it computes, and what it costs.

    Args:
        thing: a recurrent layer, any `torch.nn.Module` with some inside, a cell (class, instance, graph), or a cell's
            name as the command line takes it (``"gru"``, ``"my_cells.py:Mine"``).
        size: at which a cell is counted and timed.
        time: whether a cell is timed beside the packaged ones (some seconds).

    Raises:
        InputError: there is nothing recurrent to explain.
    """
    if isinstance(thing, Recurrent):
        return _layer(thing)
    if isinstance(thing, nn.Module):
        return _model(thing)
    if isinstance(thing, str):
        thing = find_cell(thing)
    if isinstance(thing, Graph | Cell) or (isinstance(thing, type) and issubclass(thing, Cell)):
        graph, fillers = cell_graph(thing)
        return _cell(graph, set(fillers), size or Size(), time)
    raise InputError(
        f"{type(thing).__name__} is neither a cell nor a module",
        remedy="explain a layer, a model, or a subclass of Cell",
    )


# -- layers -----------------------------------------------------------------------------------------------------------


def _layer(layer: Recurrent) -> Explanation:
    choice = layer.choice()
    some = next(layer.parameters())
    numbers = sum(p.numel() for p in layer.parameters())
    kept = _kept(layer)
    second = _second_derivatives(choice, some.device)
    mode = "training" if layer.training else "evaluation"
    rows = [("engine", f"{choice.name}, in {_dtype(some.dtype)} on {some.device.type}, {mode} mode")]
    rows += [(f"not {name}", why) for name, why in choice.passed_over.items()]
    if layer.engine != "auto":
        rows.append(("", f"asked for by engine={layer.engine!r}"))
    if quicker := choice.training:
        rows.append(("", f"but {quicker.name} with gradients where its kernel is faster: {quicker.when}"))
    other = _other_mode(layer, choice)
    if other:
        rows.append(("", other))
    rows += [
        ("masks", _masks(layer)),
        ("gradient", f"truncated BPTT, cut every {layer.bptt} steps" if layer.bptt else "full BPTT"),
        ("second", second),
        *([("weights", _SEEN)] if choice.name == "native" else []),
        ("memory", f"the step back reads {kept:,} bytes a time step and sequence: {_megabytes(kept * 100 * 32)} "
                   "at T = 100, B = 32"),
        ("parameters", f"{numbers:,}"),
    ]  # fmt: skip
    head = f"{type(layer).__name__}({layer.extra_repr()})"
    body = _table(rows, indent="  ") + "\n" + _indented(str(equations(layer.graph)), "  | ")
    return Explanation(
        f"{head}\n{body}", engine=choice.name, reasons=dict(choice.passed_over), second_derivatives=second,
        parameters=numbers, memory=kept, equations=str(equations(layer.graph)), graph=layer.graph,
    )  # fmt: skip


def _kept(layer: Recurrent) -> int:
    """Bytes that the step back of every layer and direction reads, for one time step of one sequence."""
    graph, total = layer.running_graph(), 0
    for k in range(layer.num_layers):
        total += _values(graph, layer.sizes_of(k)) * layer.directions
    return total * next(layer.parameters()).element_size()


def _values(graph: Graph, widths: Mapping[str, int]) -> int:
    return sum(
        size_of(n.width, widths)
        for n in differentiate(graph).saved
        if n.op not in ("vector", "const", "inverse_width", "sequence")
    )


def _other_mode(layer: Recurrent, choice: Choice) -> str:
    """What runs in the other mode, where masks make a difference."""
    layer_mode = layer.training
    try:
        layer.training = not layer_mode
        other = layer.choice()
    except InputError as error:
        return f"in the other mode it fails: {error}"
    finally:
        layer.training = layer_mode
    mode = "evaluation" if layer_mode else "training"
    return f"{other.name} in {mode} mode" if other.name != choice.name else ""


def _second_derivatives(choice: Choice, device: torch.device) -> str:
    if choice.name == "native":
        from elman.engines import native

        return native.SECOND_DERIVATIVES
    if choice.name == "torch" and device.type != "cpu":
        return "cuDNN has no derivative of a derivative: pass engine='reference' for one"
    return "a derivative of a derivative runs on the same engine"


def _masks(layer: Recurrent) -> str:
    said = []
    if layer.recurrent_dropout:
        said.append(f"recurrent dropout {layer.recurrent_dropout:g}, one mask per sequence")
    if layer.zoneout:
        said.append(f"zoneout {layer.zoneout:g}, a mask for every step")
    if layer.weight_drop:
        names = ", ".join(layer.graph.waiting)
        said.append(f"weight drop {layer.weight_drop:g} on {names or 'nothing: no matrix meets a state'}")
    return "; ".join(said) + " (in training; inside the loop)" if said else "none inside the loop"


def _model(model: nn.Module) -> Explanation:
    found = {name: _layer(m) for name, m in model.named_modules() if isinstance(m, Recurrent)}
    foreign = {name: m for name, m in model.named_modules() if isinstance(m, nn.RNNBase)}
    if not found and not foreign:
        raise InputError(f"{type(model).__name__} has no recurrent layer", remedy="give a module that contains one")
    parts = [f"{name}: {said}" if name else str(said) for name, said in found.items()]
    parts += [
        f"{name or 'it'} is torch.nn.{type(m).__name__}, torch's own; elman.convert(model) puts ours in its place"
        for name, m in foreign.items()
    ]
    engines = sorted({said.engine for said in found.values()})
    reasons: dict[str, str] = {}
    for said in found.values():
        reasons |= said.reasons
    return Explanation("\n\n".join(parts), layers=found, engine=", ".join(engines) or "torch.nn", reasons=reasons)


# -- cells ------------------------------------------------------------------------------------------------------------


def _cell(graph: Graph, filled: Collection[str], size: Size, timed: bool) -> Explanation:
    step, back, order = equations(graph), derivative(graph), _schedule(graph, size)
    counted = cost(graph, size)
    with Meanwhile() as meanwhile:
        timings = compare(graph, size) if timed else []
    after = "" if not graph.separate_output else f"; the output is {step.output}"
    parts = [
        f"{graph.name}: reads {graph.x.name}, keeps {', '.join(graph.state_names)}{after}",
        _section("equations", str(step)),
        _section("picture", lanes(graph)),
        _section("derivative, back through time", _derivative(back)),
        _section(f"schedule of the native engine in training ({size})", "\n".join(order)),
        _section("parameters", _parameters(graph, filled, size)),
        _section(f"cost of a step, one sequence ({size})", _cost(counted, graph)),
    ]
    if timed:
        title = f"beside the packaged cells (B = {size.B}, float32, {_threads()}; microseconds a step of the batch: "
        title += "median and quartiles)"
        parts.append(_section(title, "\n".join(filter(None, [_comparison(timings), str(meanwhile)]))))
    return Explanation(
        "\n\n".join(parts),
        graph=graph,
        equations=str(step),
        picture=lanes(graph),
        derivative=str(back),
        schedule=order,
        parameters=dict(graph.parameters),
        cost=counted,
        timings={row.name: row.timing for row in timings},
        others=meanwhile.others,
    )


def _section(title: str, body: str) -> str:
    return f"{title}\n{_indented(body, '  ')}"


def _derivative(back: Derivative) -> str:
    given = _table([(name, f"the derivative {what}") for name, what in back.arrives.items()], "")
    lines = "\n".join(map(str, back.lines))
    return f"{given}\n\n{lines}\n\nsummed over all steps and sequences:\n" + "\n".join(back.gradients)


def _schedule(graph: Graph, size: Size) -> tuple[str, ...]:
    """What is done in which order, forward and back: the programs that the native engine runs."""
    programs = lower(graph, size.widths(graph))
    return (*str(programs.training).splitlines(), "", *str(programs.back).splitlines())


def _parameters(graph: Graph, filled: Collection[str], size: Size) -> str:
    widths = size.widths(graph)
    rows = []
    for p in graph.parameters.values():
        shape = " x ".join(p.dims)
        count = 1
        for d in p.shape(widths):
            count *= d
        start = "uniform in +-1/sqrt(H)"
        if p.name in graph.defaults:
            start = f"starts at {graph.defaults[p.name]:g}"
        elif p.name in filled:
            start = "started by the cell's init"
        rows.append((p.name, shape, f"{count:,}", start))
    for leaf in graph.states:
        if leaf.name in graph.learned:
            rows.append((f"{leaf.name}_0", leaf.width, f"{size_of(leaf.width, widths):,}", "the initial state: 0"))
    return _table(rows, "")


def _cost(counted: Cost, graph: Graph) -> str:
    rows = [
        ("parameters", f"{counted.parameters:,}", formula(graph)),
        ("forward", f"{counted.forward:,} FLOPs", "2 for each entry of a matrix, 1 for each elementwise value"),
        ("back", f"{counted.backward:,} FLOPs", f"{counted.backward / counted.forward:.1f} times as many"),
        ("read by it", f"{counted.kept:,} values", "of the step forward, besides x"),
    ]
    return _table(rows, "")


def _comparison(rows: Sequence[Row]) -> str:
    shown = [("  cell", "parameters", "FLOPs", "forward", "training", "engine")]
    for row in rows:
        c, t, mark = row.cost, row.timing, "> " if row.ours else "  "
        shown.append(
            (
                f"{mark}{row.name}",
                f"{c.parameters:,}",
                f"{c.forward:,}",
                t.forward.show(1),
                t.training.show(1),
                t.engine,
            )
        )
    return _table(shown, "", right=(1, 2, 3, 4))


def _plain(value: Any) -> Any:
    if isinstance(value, Explanation):
        return value.to_dict()
    if isinstance(value, Parameter):
        return list(value.dims)
    if isinstance(value, Cost | Timing):
        return asdict(value)
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return value


# -- text -------------------------------------------------------------------------------------------------------------


def _table(rows: Sequence[Sequence[str]], indent: str, right: Sequence[int] = ()) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells_ = [v.rjust(w) if i in right else v.ljust(w) for i, (v, w) in enumerate(zip(row, widths, strict=True))]
        lines.append((indent + "  ".join(cells_)).rstrip())
    return "\n".join(lines)


def _indented(text: str, indent: str) -> str:
    return "\n".join(f"{indent}{line}".rstrip() for line in text.splitlines())


def _dtype(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


def _threads() -> str:
    n = torch.get_num_threads()
    return "1 thread" if n == 1 else f"{n} threads"
