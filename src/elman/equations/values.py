"""Values of a step while it is traced: what the names in an equation stand for.

What the language cannot express raises `CellError` where it is written.
"""

from __future__ import annotations

import sys
import threading
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

from elman.equations.symbols import COMPARISONS, ONE, CellError, is_number, place
from elman.equations.widths import Dim, unify

__all__ = [
    "Tracer", "Value", "as_value", "binary", "elementwise", "is_tracing", "layer_norm_value", "parameter", "tracing",
    "unary",
]  # fmt: skip

OURS = frozenset(
    {"sigmoid", "tanh", "relu", "exp", "log", "softplus", "sqrt", "square", "abs", "minimum", "maximum", "where",
     "layer_norm"}
)  # fmt: skip
_UFUNCS = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "div", "less": "lt", "less_equal": "le",
    "greater": "gt", "greater_equal": "ge",
}  # fmt: skip
_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


@dataclass(eq=False)
class Value:
    """A symbolic value of the step: what the names in an equation stand for while it is traced."""

    op: str
    args: tuple[Value, ...]
    dim: Dim
    name: str = ""
    value: float = 0.0
    place: str = ""

    def __post_init__(self) -> None:
        if (tracer := getattr(_active, "tracer", None)) is not None:
            tracer.see_frame()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **_: Any) -> Value:
        """numpy: a number of numpy's may stand beside a value; its functions may not read one."""
        if ufunc.__name__ in _UFUNCS and method == "__call__" and len(inputs) == 2:
            return binary(_UFUNCS[ufunc.__name__], *inputs)
        return _foreign("numpy", ufunc.__name__)

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Value:
        for thing in args:
            if not isinstance(thing, Value):
                as_value(thing)  # a tensor beside a value: say so
        return _foreign("torch", getattr(function, "__name__", "function"))

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

    def __rpow__(self, base: object) -> Value:
        raise CellError("a value cannot be an exponent", where=place(), remedy="write exp(y * log(x))")

    def __abs__(self) -> Value:
        return unary("abs", self)

    def __eq__(self, other: object) -> bool:
        raise CellError("a step cannot ask whether two values are equal", where=place(), remedy="ask < <= > or >=")

    __hash__ = object.__hash__

    def __float__(self) -> float:
        raise CellError(
            "a value of the step is not a number yet (math functions, float, int)",
            where=place(),
            remedy=f"use elman's functions: {', '.join(sorted(OURS))}",
        )

    def __int__(self) -> int:
        return int(self.__float__())

    def __matmul__(self, other: object) -> Value:
        raise CellError(
            "only a parameter can stand to the left of @",
            where=place(),
            remedy="write self.NAME @ v, or v * w for an elementwise product",
        )

    def __rmatmul__(self, other: object) -> Value:
        raise CellError(
            f"{kind(other)} cannot stand to the left of @; only a parameter can",
            where=place(),
            remedy="write self.NAME @ v, with a name that is not set on the cell",
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
        unify(columns, v.dim, f"the columns of {self.name} and the value it multiplies")
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


@dataclass
class Tracer:
    """What one trace has seen of the cell's parameters, and of the step's own frame.

    Attributes:
        code: of the step.
        frame: in which it runs, kept so that its local variables can be read when it has returned.
    """

    code: types.CodeType | None = None
    parameters: dict[str, Declared] = field(default_factory=dict)
    defaults: dict[str, float] = field(default_factory=dict)
    frame: types.FrameType | None = None

    def see_frame(self) -> None:
        """Called wherever a value is made: by the step, or by what it calls."""
        frame = None if self.frame else sys._getframe(1)
        while frame is not None and frame.f_code is not self.code:
            frame = frame.f_back
        self.frame = self.frame or frame

    def local(self) -> dict[str, Value]:
        """The local variables of the step when it returned: they name the gates."""
        found = self.frame.f_locals if self.frame else {}
        return {k: v for k, v in found.items() if isinstance(v, Value)}

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


@contextmanager
def tracing(code: types.CodeType | None = None) -> Iterator[Tracer]:
    """While this lasts, parameters that a step uses are declared with the tracer (one a thread)."""
    outer = getattr(_active, "tracer", None)
    _active.tracer = Tracer(code)
    try:
        yield _active.tracer
    finally:
        _active.tracer = outer


def is_tracing() -> bool:
    return getattr(_active, "tracer", None) is not None


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


def _foreign(library: str, function: str) -> NoReturn:
    remedy = f"write elman.{function}" if function in OURS else f"use elman's functions: {', '.join(sorted(OURS))}"
    raise CellError(f"{library}.{function} cannot read a value of the step", where=place(), remedy=remedy)


def as_value(thing: object, where: str = "") -> Value:
    """A value, or a finite number, as an elementwise operand. `where`: its place, if it is not being computed here."""
    if isinstance(thing, Value):
        if thing.op in COMPARISONS:
            raise CellError(
                "a comparison can stand only as the first argument of where",
                where=where or place(),
                remedy="write where(v > 0, a, b)",
            )
        return thing.used()
    if is_number(thing):
        return Value("const", (), Dim(ONE), value=float(thing), place=place())  # type: ignore[arg-type]
    raise CellError(
        f"{thing if isinstance(thing, float) else kind(thing)} is neither a value of the step nor a finite number",
        where=where or place(),
        remedy="a cell may use x, its states, its parameters (self.NAME) and numbers",
    )


def unary(op: str, thing: object) -> Value:
    v = as_value(thing)
    return Value(op, (v,), v.dim, place=place())


def binary(op: str, left: object, right: object) -> Value:
    return elementwise(op, as_value(left), as_value(right))


def elementwise(op: str, *values: Value) -> Value:
    wide = [v for v in values if v.dim.find().name != ONE]
    for v in wide[1:]:
        unify(wide[0].dim, v.dim, f"the two sides of {_SIGNS.get(op, op)}")
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
