"""Runs `Cell.step` once on symbolic values and returns the graph of what it did.

While tracing, the width of a value may be unknown (how many rows has `W @ s`?) until it meets one that is known:
widths are unified as they meet, and a conflict names both places.
"""

from __future__ import annotations

import inspect
import sys
import threading
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from elman.equations.graph import Graph, Parameter
from elman.equations.symbols import ONE, CellError, Node, Nodes, is_number, place, topological

__all__ = ["Value", "trace"]


class Dim:
    """A width: named, or not known yet (then a link to what it was unified with)."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name
        self.link: Dim | None = None

    def find(self) -> Dim:
        dim = self
        while dim.link is not None:
            dim = dim.link
        return dim


@dataclass(eq=False)
class Value:
    """A symbolic value of the step: what the names in an equation stand for while it is traced."""

    op: str
    args: tuple[Value, ...]
    dim: Dim
    name: str = ""
    value: float = 0.0
    place: str = ""

    __array_ufunc__ = None  # numpy functions refuse at once instead of building object arrays

    def __add__(self, other: object) -> Value:
        return binary("add", self, other)

    def __radd__(self, other: object) -> Value:
        return binary("add", other, self)

    def __sub__(self, other: object) -> Value:
        return binary("sub", self, other)

    def __rsub__(self, other: object) -> Value:
        return binary("sub", other, self)

    def __mul__(self, other: object) -> Value:
        return binary("mul", self, other)

    def __rmul__(self, other: object) -> Value:
        return binary("mul", other, self)

    def __truediv__(self, other: object) -> Value:
        return binary("div", self, other)

    def __rtruediv__(self, other: object) -> Value:
        return binary("div", other, self)

    def __pow__(self, exponent: object) -> Value:
        if not is_number(exponent):
            raise CellError("an exponent must be a finite number", where=place(), remedy="write exp(y * log(x))")
        return Value("pow", (self.used(),), self.dim, value=float(exponent), place=place())  # type: ignore[arg-type]

    def __neg__(self) -> Value:
        return unary("neg", self)

    def __lt__(self, other: object) -> Value:
        return binary("lt", self, other)

    def __le__(self, other: object) -> Value:
        return binary("le", self, other)

    def __gt__(self, other: object) -> Value:
        return binary("gt", self, other)

    def __ge__(self, other: object) -> Value:
        return binary("ge", self, other)

    def __matmul__(self, other: object) -> Value:
        raise CellError(
            "only a parameter can stand left of @",
            where=place(),
            remedy="write self.NAME @ v, or v * w for an elementwise product",
        )

    def __bool__(self) -> bool:
        raise CellError(
            "a step cannot branch on a value that is not known yet (if, and, or, not, min, max)",
            where=place(),
            remedy="write where(condition, a, b), minimum or maximum",
        )

    def __getitem__(self, key: object) -> Value:
        raise CellError("a value cannot be cut into parts", where=place(), remedy="use one parameter for each part")

    def __iter__(self) -> Any:
        raise CellError("a value cannot be taken apart", where=place(), remedy="name one state for each part")

    def used(self) -> Value:
        """Itself, as an elementwise operand."""
        return self


@dataclass(eq=False)
class ParameterUse(Value):
    """`self.NAME`: a matrix where `@` follows, else a vector."""

    tracer: Tracer | None = None

    def __matmul__(self, other: object) -> Value:
        if not isinstance(other, Value):
            raise CellError(f"self.{self.name} @ needs a value of the step, not {kind(other)}", where=place())
        assert self.tracer is not None
        v = other.used()
        rows, columns = self.tracer.declare(self.name, "matrix")
        unify(columns, v.dim, f"self.{self.name} @ a value")
        return Value("product", (v,), rows, name=self.name, place=place())

    def used(self) -> Value:
        assert self.tracer is not None
        (dim,) = self.tracer.declare(self.name, "vector")
        return Value("vector", (), dim, name=self.name, place=place())


@dataclass
class Declared:
    kind: str
    dims: tuple[Dim, ...]
    place: str


class Tracer:
    """What one trace has seen of the cell's parameters."""

    def __init__(self) -> None:
        self.parameters: dict[str, Declared] = {}
        self.defaults: dict[str, float] = {}

    def declare(self, name: str, as_kind: str) -> tuple[Dim, ...]:
        known = self.parameters.setdefault(
            name, Declared(as_kind, (Dim(), Dim()) if as_kind == "matrix" else (Dim(),), place())
        )
        if known.kind != as_kind:
            raise CellError(
                f"parameter {name} is a {as_kind} here and a {known.kind} at {known.place}",
                where=place(),
                remedy="give one of them another name",
            )
        return known.dims


_active = threading.local()


def parameter(name: str) -> Value:
    """`self.NAME` of a cell that is being traced.

    Raises:
        AttributeError: nothing is being traced.
    """
    tracer = getattr(_active, "tracer", None)
    if tracer is None or name.startswith("_"):
        raise AttributeError(name)
    return ParameterUse("vector", (), Dim(), name=name, place=place(), tracer=tracer)


def kind(thing: object) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}".removeprefix("builtins.")


def as_value(thing: object) -> Value:
    if isinstance(thing, Value):
        return thing.used()
    if is_number(thing):
        return Value("const", (), Dim(ONE), value=float(thing), place=place())  # type: ignore[arg-type]
    raise CellError(
        f"{kind(thing)} is neither a value of the step nor a finite number",
        where=place(),
        remedy="a cell may use x, its states, its parameters (self.NAME) and numbers",
    )


def unify(a: Dim, b: Dim, what: str) -> None:
    a, b = a.find(), b.find()
    if a is b:
        return
    if a.name is None:
        a.link = b
    elif b.name is None:
        b.link = a
    elif a.name != b.name:
        raise CellError(
            f"{what}: {a.name} values on one side, {b.name} on the other",
            where=place(),
            remedy="multiply one of them by a matrix first (self.NAME @ v)",
        )


def unary(op: str, thing: object) -> Value:
    v = as_value(thing)
    return Value(op, (v,), v.dim, place=place())


def binary(op: str, left: object, right: object) -> Value:
    return elementwise(op, as_value(left), as_value(right))


def elementwise(op: str, *values: Value) -> Value:
    wide = [v for v in values if v.dim.find().name != ONE]
    for v in wide[1:]:
        unify(wide[0].dim, v.dim, op)
    return Value(op, values, wide[0].dim if wide else Dim(ONE), place=place())


def layer_norm_value(thing: object, gain: object, bias: object, eps: float) -> Value:
    v = as_value(thing)
    for role, start in ((gain, 1.0), (bias, 0.0)):
        if isinstance(role, ParameterUse) and role.tracer is not None:
            role.tracer.defaults[role.name] = start

    def mean(u: Value) -> Value:
        return Value("mean", (u,), Dim(ONE), place=place())

    centred = binary("sub", v, mean(v))
    scale = binary("div", 1.0, unary("sqrt", binary("add", mean(unary("square", centred)), eps)))
    return binary("add", binary("mul", binary("mul", centred, scale), gain), bias)


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
            where=_definition(step),
        )
    states = [p.name for p in arguments[1:]]
    for state in widths:
        if state not in states:
            raise CellError(
                f"widths names {state!r}, which is no state of {name}",
                where=_definition(step),
                remedy=f"its states are {', '.join(states)}",
            )
    named: dict[str, Dim] = {}

    def dim(width: str) -> Dim:
        return named.setdefault(width, Dim(width))

    x = Value("x", (), dim("I"), name=arguments[0].name)
    before = [Value("state", (), dim(str(widths.get(s, "H"))), name=s) for s in states]
    tracer = Tracer()
    outer = getattr(_active, "tracer", None)
    _active.tracer = tracer
    try:
        result, local = _call_seeing_locals(step, x, *before)
        after = list(result) if isinstance(result, tuple) else [result]
        if len(after) not in (len(states), len(states) + 1):
            raise CellError(
                f"step returns {len(after)} values for {len(states)} states ({', '.join(states)})",
                where=_definition(step),
                remedy="return one value a state, in their order, or the output and then one value a state",
            )
        values = [as_value(v) for v in after]
        for leaf, value in zip(before, values[-len(states) :], strict=True):
            if value.dim.find().name == ONE:
                raise CellError(f"the new {leaf.name} is a single number", where=_definition(step))
            unify(value.dim, leaf.dim, f"the new {leaf.name}")
        if values[0].dim.find().name == ONE:
            raise CellError("the output is a single number", where=_definition(step))
    except CellError:
        raise
    except Exception as error:
        raise CellError(
            f"step cannot be traced ({type(error).__name__}: {error})".replace("\n", " "),
            where=_where(error, step),
            remedy="a step may use the functions of elman (sigmoid, tanh, exp, where, layer_norm ...) and + - * / @ **",
        ) from error
    finally:
        _active.tracer = outer
    return _freeze(name, x, before, values, tracer, local)


def _call_seeing_locals(step: Callable[..., Any], *values: Value) -> tuple[Any, dict[str, Value]]:
    """The result, and the local variables of the step when it returned: they name the gates."""
    code = getattr(getattr(step, "__func__", step), "__code__", None)
    local: dict[str, Value] = {}

    def watch(frame: types.FrameType, event: str, _: object) -> None:
        if event == "return" and frame.f_code is code:
            local.update({k: v for k, v in frame.f_locals.items() if isinstance(v, Value)})

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        return step(*values), local
    finally:
        sys.setprofile(before)


def _definition(step: Callable[..., Any]) -> str:
    code = getattr(getattr(step, "__func__", step), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else ""


def _where(error: BaseException, step: Callable[..., Any]) -> str:
    """The line of the user's file in which the error arose, rather than the library's it passed through."""
    code = getattr(getattr(step, "__func__", step), "__code__", None)
    line, tb = _definition(step), error.__traceback__
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

    def freeze(v: Value) -> Node:
        args = [made[id(a)] for a in v.args]
        if v.op in ("x", "state", "vector", "const"):
            return nodes.leaf(v.op, v.name, width(v.dim), v.value)
        if v.op == "product":
            return nodes.product(v.name, args[0], width(v.dim))
        if v.op == "mean":
            return nodes.mean(args[0])
        if v.op == "pow":
            return nodes.power(args[0], v.value)
        return nodes(v.op, *args)

    def settle(root: Value) -> Node:
        stack = [root]
        while stack:
            v = stack[-1]
            waiting = [a for a in v.args if id(a) not in made]
            if waiting:
                stack += waiting
            else:
                made[id(v)] = freeze(v)
                stack.pop()
        return made[id(root)]

    for v in (x, *before):
        settle(v)
    results = [settle(v) for v in values]
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
