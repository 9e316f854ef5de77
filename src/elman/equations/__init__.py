"""Cells as equations: traced once, differentiated symbolically, scheduled, printed. No tensor is touched here."""

from elman.equations.bptt import StepDerivative, differentiate
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
from elman.equations.graph import Graph, Parameter
from elman.equations.schedule import Backward, Forward, schedule_backward, schedule_forward
from elman.equations.symbols import CellError, Node

__all__ = [
    "FUNCTIONS", "Backward", "Cell", "CellError", "Forward", "Graph", "Node", "Parameter", "StepDerivative", "abs",
    "differentiate", "exp", "layer_norm", "log", "maximum", "minimum", "relu", "schedule_backward", "schedule_forward",
    "sigmoid", "softplus", "sqrt", "square", "tanh", "where",
]  # fmt: skip
