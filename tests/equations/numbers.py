"""Numbers for the names of a step, and the printed equations run as Python."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from torch.nn import functional as F

from elman.engines.reference import evaluate
from elman.equations.graph import Graph, size_of

SIZES = {"I": 3, "H": 5, "proj_size": 2}


def tensor(v):
    return torch.as_tensor(v, dtype=torch.float64)


UNARY = {
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu, "exp": torch.exp, "log": torch.log,
    "softplus": F.softplus, "sqrt": torch.sqrt, "square": torch.square, "abs": torch.abs, "sign": torch.sign,
}  # fmt: skip
FUNCTIONS = {
    **{name: lambda v, f=f: f(tensor(v)) for name, f in UNARY.items()},
    "minimum": lambda a, b: torch.minimum(tensor(a), tensor(b)),
    "maximum": lambda a, b: torch.maximum(tensor(a), tensor(b)),
    "where": lambda c, a, b: torch.where(torch.as_tensor(c), tensor(a), tensor(b)),
    "mean": lambda v: v.mean(-1, keepdim=True), "sum": lambda v: v.sum(-1, keepdim=True),
    "ones": lambda n: torch.ones(n, dtype=torch.float64), "outer": torch.outer,
    "layer_norm": lambda v, g, b, eps=1e-5: F.layer_norm(v, v.shape, eps=eps) * g + b,
}  # fmt: skip


def draw(graph: Graph, seed: int = 0) -> tuple[dict, dict]:
    """(leaf -> vector, parameter -> tensor): one row, float64."""
    g = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=g, dtype=torch.float64)

    leaves = {leaf: normal(size_of(leaf.width, SIZES)) for leaf in (graph.x, *graph.states, *graph.given)}
    params = {p.name: normal(*p.shape(SIZES)) * 0.5 for p in graph.parameters.values()}
    return leaves, params


def values(graph: Graph, leaves: dict, params: dict) -> dict:
    """Every node of the step."""
    return evaluate(graph.results, leaves, params, SIZES)


def run(lines, scope: dict, params: dict) -> dict:
    """What the names stand for after the lines have run as Python."""
    scope = {**FUNCTIONS, **params, **SIZES, "self": SimpleNamespace(**params), **scope}
    exec("\n".join(map(str, lines)), scope)
    return scope
