"""Runs `Cell.step` once on symbolic values and returns the graph of what it did."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any

from elman.equations.graph import Graph, Parameter
from elman.equations.symbols import ONE, CellError, Node, Nodes, topological
from elman.equations.values import Tracer, Value, as_value, tracing
from elman.equations.widths import Dim, unify

__all__ = ["definition", "trace"]


def trace(step: Callable[..., Any], name: str, widths: dict[str, Any]) -> Graph:
    """Call `step(x, *states)` on symbols.

    Args:
        step: the bound method of a cell.
        name: of the cell, for pictures and errors.
        widths: state -> name of its width, where that is not H.

    Raises:
        CellError: the step does what the language cannot express.
    """
    arguments = list(inspect.signature(step).parameters.values())
    if any(p.kind not in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in arguments) or len(arguments) < 2:
        raise CellError(
            f"{name}.step needs the arguments (self, x, and at least one state), all positional",
            where=definition(step),
        )
    states = [p.name for p in arguments[1:]]
    for state in widths:
        if state not in states:
            raise CellError(
                f"widths names {state!r}, which is not a state of {name}",
                where=definition(step),
                remedy=f"its states are {', '.join(states)}",
            )
    named: dict[str, Dim] = {}

    def dim(width: str) -> Dim:
        return named.setdefault(width, Dim(width))

    x = Value("x", (), dim("I"), name=arguments[0].name)
    before = [Value("state", (), dim(str(widths.get(s, "H"))), name=s) for s in states]
    here = definition(step)
    try:
        with tracing(_code(step)) as tracer:
            result = step(x, *before)
            local, tracer.frame = tracer.local(), None
        after = list(result) if isinstance(result, tuple) else [result]
        if len(after) not in (len(states), len(states) + 1):
            raise CellError(
                f"step returns {len(after)} values for {len(states)} states ({', '.join(states)})",
                where=definition(step),
                remedy="return one value per state, in their order, or the output first and then one value per state",
            )
        with tracing() as ended:  # a parameter that is returned as it is, is a vector
            ended.parameters = tracer.parameters
            values = [as_value(v, here) for v in after]
        for leaf, value in zip(before, values[-len(states) :], strict=True):
            if value.dim.find().name == ONE:
                raise CellError(f"the new {leaf.name} is a single number", where=definition(step))
            unify(value.dim, leaf.dim, f"the new {leaf.name} and the old", here)
        if values[0].dim.find().name == ONE:
            raise CellError("the output is a single number", where=definition(step))
    except CellError:
        raise
    except Exception as error:  # the user's step runs here: it may raise anything
        raise CellError(
            f"step cannot be traced ({type(error).__name__}: {_plain(error)})",
            where=_where(error, step),
            remedy="a step may use the functions of elman (sigmoid, tanh, exp, where, layer_norm ...) and + - * / @ **",
        ) from error
    return _freeze(name, x, before, values, tracer, local)


def _code(step: Callable[..., Any]) -> types.CodeType | None:
    return getattr(getattr(step, "__func__", step), "__code__", None)


def definition(step: Callable[..., Any]) -> str:
    """File and line where the step is defined."""
    code = _code(step)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else ""


def _plain(error: BaseException) -> str:
    """The error's text, in the words of the language."""
    said = " ".join(str(error).split())
    for ours, plain in (("'Value' object", "a value of the step"), ("'ParameterUse' object", "a parameter")):
        said = said.replace(ours, plain)
    return said


def _where(error: BaseException, step: Callable[..., Any]) -> str:
    """The line of the user's file in which the error arose, rather than the library's it passed through."""
    code = _code(step)
    line, tb = definition(step), error.__traceback__
    while tb is not None:
        if code is not None and tb.tb_frame.f_code.co_filename == code.co_filename:
            line = f"{code.co_filename}:{tb.tb_lineno}"
        tb = tb.tb_next
    return line


def _freeze(
    name: str, x: Value, before: list[Value], values: list[Value], tracer: Tracer, local: dict[str, Value]
) -> Graph:
    """Values whose widths are all known become interned nodes. A width that nothing pins down is H."""
    nodes = Nodes()
    made: dict[int, Node] = {}

    def width(d: Dim) -> str:
        return d.find().name or "H"

    def as_wide(v: Value) -> Node:
        """Where a row is wanted: one that has folded to a number is that number over the row."""
        return nodes.spread(made[id(v)], width(v.dim))

    def freeze(v: Value) -> Node:
        args = [made[id(a)] for a in v.args]
        if v.op in ("x", "state", "vector", "const"):
            return nodes.leaf(v.op, v.name, width(v.dim), v.value)
        if v.op == "product":
            return nodes.product(v.name, as_wide(v.args[0]), width(v.dim))
        if v.op == "mean":
            return nodes.mean(args[0])
        if v.op == "pow":
            return nodes.power(args[0], v.value)
        return nodes(v.op, *args)

    def settle(root: Value) -> None:
        stack = [root]
        while stack:
            v = stack[-1]
            waiting = [a for a in v.args if id(a) not in made]
            if waiting:
                stack += waiting
            else:
                made[id(v)] = freeze(v)
                stack.pop()

    for v in (x, *before, *values):
        settle(v)
    results = [as_wide(v) for v in values]
    wanted = set(topological(results))
    names: dict[Node, str] = {}
    for variable, v in local.items():
        node = made.get(id(v))
        if node in wanted and node is not None and not node.is_leaf and node not in names:
            names[node] = variable
    parameters = {p: Parameter(p, tuple(width(d) for d in declared.dims)) for p, declared in tracer.parameters.items()}
    used = {
        n for node in wanted for n in (node.names if node.is_product else (node.name,) if node.op == "vector" else ())
    }
    n = len(before)
    return Graph(
        name=name,
        x=made[id(x)],
        states=tuple(made[id(s)] for s in before),
        output=results[0],
        after=tuple(results[-n:]),
        parameters={p: parameters[p] for p in parameters if p in used},
        names=names,
        defaults={p: start for p, start in tracer.defaults.items() if p in used},
    )
