"""The derivative of one step, symbolically: the step of back-propagation through time.

Reverse mode on the graph of the step (Werbos 1990): given the derivatives of the loss by the output and by the states
after the step, expressions for the derivatives by the states before it, by x, and by every parameter. Products stay
products: the derivative of `M @ v` by v is `M.T @ delta`, and by M it is the sum of `delta v^T` over steps and rows,
which engines take as one product after the loop.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from elman.equations.graph import Graph
from elman.equations.symbols import ONE, Node, Nodes, topological

__all__ = ["StepDerivative", "differentiate"]


@dataclass(frozen=True)
class StepDerivative:
    """What one step back computes. All expressions read the forward nodes and the `adjoint` leaves.

    Attributes:
        graph: the step that was differentiated.
        d_output: leaf, dL/dy_t, (B, width): what arrives from outside at this step.
        d_after: leaves, dL/d(state after), what arrives from step t + 1. Where the output is the first state, what
            arrives for both is summed inside.
        d_before: dL/d(state before), one per state; None where the step does not read it.
        d_x: dL/dx_t, or None.
        deltas: for each product node of the step, the derivative by its value.
        d_vectors: for each vector parameter, its derivative per row, to be summed over steps and rows.
        adjoints: for each node of the step that the loss depends on, the derivative by its value.
    """

    graph: Graph
    d_output: Node
    d_after: tuple[Node, ...]
    d_before: tuple[Node | None, ...]
    d_x: Node | None
    deltas: dict[Node, Node]
    d_vectors: dict[str, Node]
    adjoints: dict[Node, Node] = field(default_factory=dict)

    @property
    def roots(self) -> list[Node]:
        """Every expression above."""
        ends = [*self.d_before, self.d_x, *self.deltas.values(), *self.d_vectors.values()]
        return [e for e in ends if e is not None]

    @property
    def saved(self) -> list[Node]:
        """The nodes of the forward step that the step back reads, leaves included."""
        forward = set(topological([self.graph.x, *self.graph.states, *self.graph.given, *self.graph.results]))
        return [n for n in self._frontier(forward) if n in forward]

    def _frontier(self, forward: set[Node]) -> list[Node]:
        """A walk from the roots that does not go below forward nodes."""
        order: dict[Node, None] = {}
        stack = [*self.roots, *(p.args[0] for p in self.deltas)]
        seen: set[Node] = set()
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            order[node] = None
            if node not in forward:
                stack += node.args
        return list(order)


@lru_cache(maxsize=512)
def differentiate(graph: Graph) -> StepDerivative:
    """The derivative of one step of `graph`, by reverse mode over its nodes."""
    make = Nodes()
    forward = topological([graph.x, *graph.states, *graph.given, *graph.results])
    d_output = make.leaf("adjoint", "d_output", graph.output.width)
    d_after = tuple(
        make.leaf("adjoint", f"d_{s.name}", a.width) for s, a in zip(graph.states, graph.after, strict=True)
    )
    adjoint: dict[Node, Node] = {}
    pending: dict[Node, list[tuple[str, Node]]] = {}  # operand -> (matrix, delta) of the products that read it

    def give(node: Node, part: Node) -> None:
        if node.op in ("const", "inverse_width", "sequence", "time") or (part.op == "const" and part.value == 0):
            return
        if node.width == ONE and part.width != ONE:
            part = _row_sum(part, make)
        elif node.width != ONE:
            part = make.spread(part, node.width)
        adjoint[node] = make("add", adjoint[node], part) if node in adjoint else part

    give(graph.output, d_output)
    for node, d in zip(graph.after, d_after, strict=True):
        give(node, d)
    deltas: dict[Node, Node] = {}
    for node in reversed(forward):
        if node in pending:  # everything that reads this node has been passed: one stacked product for all
            names, ds = zip(*pending.pop(node), strict=True)
            give(node, make.product_t(names, ds, node.width))
        if node not in adjoint or node.is_leaf:
            continue
        g = adjoint[node]
        if node.op == "product":
            deltas[node] = g
            if node.args[0].op != "const":
                pending.setdefault(node.args[0], []).append((node.name, g))
        else:
            for arg, part in zip(node.args, _partials(node, g, make), strict=True):
                if part is not None:
                    give(arg, part)
    return StepDerivative(
        graph,
        d_output,
        d_after,
        tuple(adjoint.get(s) for s in graph.states),
        adjoint.get(graph.x),
        {p: deltas[p] for p in forward if p in deltas},
        {n.name: adjoint[n] for n in forward if n.op == "vector" and n in adjoint},
        adjoint,
    )


def _partials(node: Node, g: Node, make: Nodes) -> list[Node | None]:
    """g times the derivative of the node by each of its arguments. Written with the node's own value where that is
    shorter (sigmoid' = y (1 - y)), so that less of the forward step has to be kept."""
    one, zero = make.const(1), make.const(0)
    a = node.args[0]
    b = node.args[1] if len(node.args) > 1 else a
    match node.op:
        case "sigmoid":
            return [make("mul", g, make("mul", node, make("sub", one, node)))]
        case "tanh":
            return [make("mul", g, make("sub", one, make("square", node)))]
        case "relu":
            return [make("where", make("gt", node, zero), g, zero)]
        case "exp":
            return [make("mul", g, node)]
        case "log":
            return [make("div", g, a)]
        case "softplus":
            return [make("mul", g, make("where", make("gt", a, make.const(20)), one, make("sigmoid", a)))]
        case "sqrt":
            return [make("div", _scaled(g, 0.5, make), node)]
        case "square":
            return [make("mul", _scaled(g, 2, make), a)]
        case "abs":
            return [make("mul", g, make("sign", a))]
        case "sign":
            return [None]
        case "neg":
            return [make("neg", g)]
        case "pow":
            power = make.power(a, node.value - 1)
            return [make("mul", g, make("mul", make.const(node.value), power))]
        case "add":
            return [g, g]
        case "sub":
            return [g, make("neg", g)]
        case "mul":
            return [make("mul", g, b), make("mul", g, a)]
        case "div":
            return [make("div", g, b), make("neg", make("div", make("mul", g, node), b))]
        case "minimum" | "maximum":
            half = make("mul", g, make.const(0.5))
            tied = make("where", make("eq", a, b), half, zero)
            first, second = ("lt", "gt") if node.op == "minimum" else ("gt", "lt")
            return [make("where", make(first, a, b), g, tied), make("where", make(second, a, b), g, tied)]
        case "where":
            return [None, make("where", a, g, zero), make("where", a, zero, g)]
        case "lt" | "le" | "gt" | "ge" | "eq":
            return [None, None]
        case "rowsum":
            return [make.spread(g, a.width)]
        case "spread":
            return [_row_sum(g, make)]
    raise AssertionError(f"no derivative for {node.op}")


def _row_sum(v: Node, make: Nodes) -> Node:
    """The sum over a row of v. What is one number a row is taken out of the sum, and a part known to sum to zero is
    left out: layer_norm's derivative then needs two sums of what comes in, and no sum of another sum's outcome."""
    taken: list[tuple[str, Node]] = []  # out of the sum: operation, number
    while True:
        a, b = (*v.args, v, v)[:2]
        if v.op == "neg":
            taken.append(("neg", a))
            v = a
        elif v.op == "mul" and (_is_number(a) or _is_number(b)):
            number, v = (a, b) if _is_number(a) else (b, a)
            taken.append(("mul", number))
        elif v.op == "div" and _is_number(b):
            taken.append(("div", b))
            v = a
        elif v.op in ("add", "sub") and _sums_to_zero(b):
            v = a
        elif v.op == "add" and _sums_to_zero(a):
            v = b
        else:
            break
    total = make.rowsum(v)
    for op, number in reversed(taken):
        total = make("neg", total) if op == "neg" else make(op, total, _as_number(number))
    return total


def _sums_to_zero(v: Node) -> bool:
    """Whether v is a row less its own mean, or that times one number a row."""
    while v.op == "neg" or (v.op == "mul" and any(map(_is_number, v.args))):
        v = v.args[-1] if v.op == "neg" or _is_number(v.args[0]) else v.args[0]
    if v.op != "sub":
        return False
    a, b = v.args  # a - sum(a) / n
    return b.op == "mul" and b.args[0].op == "rowsum" and b.args[0].args[0] is a and b.args[1].op == "inverse_width"


def _is_number(v: Node) -> bool:
    return v.width == ONE or v.op == "spread"


def _as_number(v: Node) -> Node:
    return v.args[0] if v.op == "spread" else v


def _scaled(v: Node, by: float, make: Nodes) -> Node:
    """v times a constant, brought together with one that is in it already."""
    if v.op == "spread":
        return make.spread(_scaled(v.args[0], by, make), v.width)
    if v.op == "mul":
        for mine, other in (v.args, v.args[::-1]):
            if mine.op == "const":
                return make("mul", other, make.const(mine.value * by))
            if other.width == ONE and v.width == ONE and other.op in ("mul", "div"):
                return make("mul", mine, _scaled(other, by, make))
    if v.op == "div" and v.width == ONE:
        return make("div", _scaled(v.args[0], by, make), v.args[1])
    return make("mul", v, make.const(by))
