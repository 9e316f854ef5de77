"""A cell: one time step, written as its equations, and the functions they may use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from elman.equations import values as tracing
from elman.equations.graph import Graph
from elman.equations.symbols import CellError, is_number, place
from elman.equations.trace import definition, trace

__all__ = [
    "FUNCTIONS",
    "Cell",
    "abs",
    "exp",
    "layer_norm",
    "log",
    "maximum",
    "minimum",
    "relu",
    "sigmoid",
    "softplus",
    "sqrt",
    "square",
    "tanh",
    "where",
]  # fmt: skip


class Cell:
    """One step of a recurrent network.

    Subclasses write `step(self, x, *states)`: the arguments after x name the states, and the values returned are the
    states after the step, the first being the output too; or the output and then the states. Every attribute of `self`
    that is not set is a parameter, declared by its use: `self.P @ v` is a matrix, `self.p` a vector.

    The step is traced when the class is defined, so that what the language cannot express fails there, with its line.

    Attributes:
        widths: state -> name of its width, for states that are not H wide (``{"h": "proj_size"}``).
        init: parameter -> a number, or a function that fills a tensor in place; others start uniform in +-1/sqrt(H).
        initial: state -> ``"learned"``, for initial states that are parameters; others start at 0.
    """

    widths: ClassVar[Mapping[str, Any]] = {}
    init: ClassVar[Mapping[str, Any]] = {}
    initial: ClassVar[Mapping[str, str]] = {}

    step: Callable[..., Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not hasattr(cls, "step"):
            return
        if cls.__init__ is Cell.__init__ or not _needs_arguments(cls):
            _ = cls().graph

    def __init__(self) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return tracing.parameter(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if tracing.is_tracing() and name != "_traced":
            raise CellError(
                f"a step cannot set self.{name}", where=place(), remedy="return what the next step needs as a state"
            )
        super().__setattr__(name, value)

    @property
    def graph(self) -> Graph:
        """The step as a graph, traced anew whenever the numbers set on the cell have changed."""
        if tracing.is_tracing():
            raise CellError("graph is a name of Cell's own", where=place(), remedy="give the parameter another name")
        constants = tuple(sorted((k, repr(v)) for k, v in vars(self).items() if k != "_traced"))
        traced: tuple[Any, Graph] | None = vars(self).get("_traced")
        if traced is None or traced[0] != constants:
            graph = trace(self.step, type(self).__name__, dict(self.widths))
            numbers = {name: float(value) for name, value in self.init.items() if is_number(value)}
            graph = replace(graph, defaults={**graph.defaults, **numbers}, learned=tuple(self.initial))
            self._check(graph)
            traced = (constants, graph)
            self._traced = traced
        return traced[1]

    def _check(self, graph: Graph) -> None:
        cls, where = type(self), definition(self.step)
        for option, known in (("init", list(graph.parameters)), ("initial", list(graph.state_names))):
            for name in getattr(cls, option):
                if name not in known:
                    raise CellError(
                        f"{cls.__name__}.{option} names {name!r}, which the step does not use",
                        where=where,
                        remedy=f"known: {', '.join(known)}",
                    )
        for name, start in cls.init.items():
            if not (is_number(start) or callable(start)):
                raise CellError(
                    f"{cls.__name__}.init[{name!r}] is neither a number nor a function that fills a tensor", where=where
                )
        for name, start in cls.initial.items():
            if start != "learned":
                raise CellError(
                    f"{cls.__name__}.initial[{name!r}] is {start!r}", where=where, remedy='the one choice is "learned"'
                )

    def __repr__(self) -> str:
        numbers = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if not k.startswith("_"))
        return f"{type(self).__name__}({numbers})"


def _needs_arguments(cls: type[Cell]) -> bool:
    import inspect

    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return any(p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


def sigmoid(v: Any) -> Any:
    """1 / (1 + exp(-v)), elementwise."""
    return tracing.unary("sigmoid", v)


def tanh(v: Any) -> Any:
    """The hyperbolic tangent, elementwise."""
    return tracing.unary("tanh", v)


def relu(v: Any) -> Any:
    """max(v, 0), elementwise; its derivative at 0 is 0, as torch's."""
    return tracing.unary("relu", v)


def exp(v: Any) -> Any:
    """e to the power v, elementwise."""
    return tracing.unary("exp", v)


def log(v: Any) -> Any:
    """The natural logarithm, elementwise."""
    return tracing.unary("log", v)


def softplus(v: Any) -> Any:
    """log(1 + exp(v)), elementwise; v itself above 20, as torch's."""
    return tracing.unary("softplus", v)


def sqrt(v: Any) -> Any:
    """The square root, elementwise."""
    return tracing.unary("sqrt", v)


def square(v: Any) -> Any:
    """v * v."""
    return tracing.unary("square", v)


def abs(v: Any) -> Any:
    """The absolute value, elementwise; its derivative at 0 is 0, as torch's."""
    return tracing.unary("abs", v)


def minimum(a: Any, b: Any) -> Any:
    """The smaller of two values, elementwise; equal values share the derivative, as torch's."""
    return tracing.binary("minimum", a, b)


def maximum(a: Any, b: Any) -> Any:
    """The larger of two values, elementwise; equal values share the derivative, as torch's."""
    return tracing.binary("maximum", a, b)


def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition (a comparison) holds, else `b`, elementwise."""
    if not isinstance(condition, tracing.Value) or condition.op not in ("lt", "le", "gt", "ge"):
        raise CellError("where needs a comparison first", where=place(), remedy="write where(v > 0, a, b)")
    return tracing.elementwise("where", condition, tracing.as_value(a), tracing.as_value(b))


def layer_norm(v: Any, gain: Any, bias: Any, eps: float = 1e-5) -> Any:
    """(v - mean) / sqrt(variance + eps) * gain + bias over the values of a row (Ba et al. 2016, eq. 4).

    `gain` starts at 1 and `bias` at 0 where they are parameters and `init` says nothing else.
    """
    if not is_number(eps) or eps <= 0:
        raise CellError(f"layer_norm's eps must be a positive number, not {eps!r}", where=place())
    return tracing.layer_norm_value(v, gain, bias, eps)


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": sigmoid, "tanh": tanh, "relu": relu, "exp": exp, "log": log, "softplus": softplus, "sqrt": sqrt,
    "square": square, "abs": abs,
}  # fmt: skip
