"""Pointwise programs: instructions over blocks, their operands in block registers or straight from memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Protocol

from elman.engines.program import Operation, bits
from elman.equations.symbols import ONE, Node

if TYPE_CHECKING:
    from elman.engines.emit import Emitter

__all__ = ["OPERATIONS", "assemble", "operands"]

# In the order of native/opcodes.h; the engine compares them when it loads its library.
OPERATIONS = [
    "copy", "sigmoid", "tanh", "relu", "exp", "log", "softplus", "sqrt", "square", "abs", "sign", "neg",
    "add", "sub", "mul", "div", "minimum", "maximum", "lt", "le", "gt", "ge", "eq", "where",
    "mul_add", "mul_sub", "sub_mul", "d_sigmoid", "d_tanh", "pow", "spread",
    "mul_number", "add_number", "sub_number", "mul_add_number", "rowdot", "rowsum",
]  # fmt: skip

NUMBERS = ("const", "inverse_width")
WITH_NUMBER = ("mul", "add", "sub", "mul_add")  # instructions whose second operand may be one number a row


def instruction(node: Node, uses: Mapping[Node, int], kept: Collection[Node]) -> tuple[str, tuple[Node, ...]]:
    """The instruction for a node, and its operands: over a wide row, one that reads a row's number as it is."""
    op, args = fused(node, uses, kept)
    if op == "rowsum":
        of = args[0]
        if uses[of] == 1 and of not in kept and of.op in ("mul", "square"):
            both = (*of.args, *of.args)[:2]
            if all(_number(a, kept) is None and a.op not in NUMBERS for a in both):
                return "rowdot", both
    if op not in WITH_NUMBER or node.width == ONE:
        return op, args
    a, b, *rest = args
    if op != "sub" and _number(b, kept) is None:
        a, b = b, a
    number = _number(b, kept)
    if number is None or _number(a, kept) is not None or a.op in NUMBERS:
        return op, args
    return f"{op}_number", (a, number, *rest)


def _number(node: Node, kept: Collection[Node]) -> Node | None:
    """The number a row that a value is, or that it spreads."""
    if node.op in NUMBERS:
        return None
    if node.width == ONE:
        return node
    return node.args[0] if node.op == "spread" and node not in kept and node.args[0].op not in NUMBERS else None


def fused(node: Node, uses: Mapping[Node, int], kept: Collection[Node]) -> tuple[str, tuple[Node, ...]]:
    """The instruction for a node: its own, or one that does a neighbour's work as well."""

    def product(n: Node) -> bool:
        return n.op == "mul" and n.width == node.width and uses[n] == 1 and n not in kept

    def is_one(n: Node) -> bool:
        return n.op == "const" and n.value == 1

    a, b = (*node.args, node, node)[:2]
    if node.op == "mul":
        for g, d in ((a, b), (b, a)):
            if d in kept:
                continue
            if d.op == "sub" and is_one(d.args[0]) and d.args[1].op == "square" and d.args[1] not in kept:
                return "d_tanh", (g, d.args[1].args[0])
            if d.op == "mul" and d.args[1].op == "sub" and d.args[1] not in kept:
                one, y = d.args[1].args
                if is_one(one) and y is d.args[0]:
                    return "d_sigmoid", (g, y)
    if node.op == "add":
        if product(b):
            return "mul_add", (*b.args, a)
        if product(a):
            return "mul_add", (*a.args, b)
    if node.op == "sub":
        if product(b):
            return "sub_mul", (*b.args, a)
        if product(a):
            return "mul_sub", (*a.args, b)
    return node.op, node.args


def operands(node: Node) -> tuple[Node, ...]:
    """What a pointwise program reads to compute a node."""
    return () if node.op == "products" else node.args


class Placed(Protocol):
    """Values that lie in buffers, and in which."""

    def __contains__(self, node: Node) -> bool: ...
    def __getitem__(self, node: Node) -> int: ...


class _Assembly:
    """One program while it is written: instructions over values, values not yet in registers."""

    def __init__(self, emitter: Emitter, width: str) -> None:
        self.emitter, self.width = emitter, width
        self.code: list[tuple[str, object, list[object], bool, float]] = []
        self.values = 0

    def new(self) -> object:
        self.values += 1
        return self.values

    def put(self, op: str, d: object, args: list[object], narrow: bool = False, immediate: float = 0.0) -> object:
        self.code.append((op, d, args, narrow, immediate))
        return d


def assemble(
    emitter: Emitter, scope: str, width: str, items: list[tuple[Node, int]], ready: Placed,
    uses: Counter[Node], kept: Collection[Node],
) -> Operation:  # fmt: skip
    """The program that computes `items` (value, buffer) from what is `ready` in buffers; `kept`: all that ever is."""
    program = emitter.program
    a = _Assembly(emitter, width)
    all_ones = width == ONE
    plan: dict[Node, tuple[str, tuple[Node, ...]]] = {}
    order: list[Node] = []
    stack = [(n, False) for n, _ in reversed(items)]
    while stack:  # operands first
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in plan and node not in ready and node.op not in (*NUMBERS, "vector", "vectors"):
            plan[node] = instruction(node, uses, kept)
            stack.append((node, True))
            stack += [(n, False) for n in reversed(plan[node][1]) if n not in plan]
    spreads: dict[Node, object] = {}
    value: dict[Node, object] = {}

    def narrow(node: Node) -> bool:
        return node.width == ONE and not all_ones

    def read(node: Node) -> object:
        """An operand as it is: a whole row, or one number of it."""
        if node.op == "const":
            return ("register", program.constant(node.value))
        if node.op == "inverse_width":
            return ("register", program.constant(1 / emitter.size(node.name)))
        if node.op in ("vector", "vectors"):
            numbers = tuple(emitter.parameters[n] for n in node.name.split(","))
            return ("vector", program.vector(numbers, emitter.size(node.width)))
        if node in value:
            return value[node]
        return ("column" if narrow(node) else "plane", ready[node])

    def wide(node: Node) -> object:
        """An operand over the whole row."""
        if not narrow(node) or node.op in NUMBERS:
            return read(node)
        if node not in spreads:
            spreads[node] = a.put("spread", a.new(), [read(node)])
        return spreads[node]

    first_home: dict[Node, int] = {}
    again: list[tuple[Node, int]] = []
    for node, buffer in items:
        if node in plan and node not in first_home and _fits(emitter, node, buffer, width):
            first_home[node] = buffer
        else:
            again.append((node, buffer))
    for node in order:
        op, args = plan[node]
        place = first_home.get(node)
        if op in ("rowsum", "rowdot"):
            d: object = ("plane" if all_ones else "column", place)
            a.put(op, d, [wide(n) for n in args])
        else:
            small = narrow(node)
            d = a.new() if place is None else ("column" if small else "plane", place)
            if op.endswith("_number"):
                a.put(op, d, [wide(args[0]), read(args[1]), *map(wide, args[2:])])
            elif op == "spread":
                a.put("spread" if not all_ones else "copy", d, [read(args[0])])
            else:
                a.put(op, d, [read(n) if small else wide(n) for n in args], small, node.value if op == "pow" else 0.0)
        value[node] = d
    for node, buffer in again:
        # a vector, a number or a value with a home elsewhere, into a plane
        a.put("copy", ("plane", buffer), [wide(node) if node.width == ONE and width != ONE else read(node)])
    size = program.buffers[int(width[1:])].width if width.startswith("#") else emitter.size(width)
    return Operation("pointwise", scope, _encoded(a, size))


def _fits(emitter: Emitter, node: Node, buffer: int, width: str) -> bool:
    """Whether a value can be written to its buffer as it is, without being spread."""
    return node.op == "rowsum" or emitter.program.buffers[buffer].width == emitter.size(node.width)


def _encoded(a: _Assembly, size: int) -> list[int]:
    """Values into as few registers as their lifetimes allow, operands into slots."""
    last: dict[object, int] = {}
    for i, (_, d, args, _, _) in enumerate(a.code):
        for v in (d, *args):
            last[v] = i
    slots: dict[tuple[int, int], int] = {}
    free: list[int] = []
    register: dict[object, int] = {}
    made = 0

    def slot(v: object) -> int:
        if isinstance(v, tuple):
            kind, buffer = v
            key = (int(buffer), ("register", "plane", "column", "vector").index(kind))
        else:
            key = (-1 - register[v], 0)
        return slots.setdefault(key, len(slots))

    code: list[int] = []
    for i, (op, d, args, narrow, immediate) in enumerate(a.code):
        numbers = [slot(v) for v in args]
        dying = [v for v in dict.fromkeys(args) if isinstance(v, int) and last[v] == i]
        # what reads one number a row would write over it before it has read all of them
        in_place = op != "spread" and not op.endswith("_number")
        if in_place:
            free += [register[v] for v in dying]
        if isinstance(d, int) and d not in register:
            if free:
                register[d] = free.pop()
            else:
                register[d], made = made, made + 1
        if not in_place:
            free += [register[v] for v in dying]
        numbers = (numbers + numbers[:1] * 3)[:3]
        code += [OPERATIONS.index(op), slot(d), *numbers, int(narrow), bits(immediate)]
        if isinstance(d, int) and last[d] == i:
            free.append(register[d])
    return [size, len(slots), *(w for key in slots for w in key), len(a.code), *code]
