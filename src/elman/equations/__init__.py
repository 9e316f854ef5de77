"""Cells as equations: traced once, differentiated symbolically, printed. No tensor is touched here."""

from elman.equations.cell import (
    FUNCTIONS,
    Cell,
    abs,
    exp,
    layer_norm,
    log,
    maximum,
    minimum,
    relu,
    sigmoid,
    softplus,
    sqrt,
    square,
    tanh,
    where,
)
from elman.equations.derivative import StepDerivative, differentiate
from elman.equations.graph import Graph, Parameter
from elman.equations.symbols import CellError, Node

__all__ = [
    "FUNCTIONS", "Cell", "CellError", "Graph", "Node", "Parameter", "StepDerivative", "abs",
    "differentiate", "exp", "layer_norm", "log", "maximum", "minimum", "relu",
    "sigmoid", "softplus", "sqrt", "square", "tanh", "where",
]  # fmt: skip
