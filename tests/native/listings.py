"""Reads a listed program back: into the words it was made from, and into numbers. It shares no code with the compiler.

What a line means is said here once more, in numpy, from native/program.h and native/opcodes.h alone.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

HOMES = ("tape", "before", "after", "chunk", "step", "row", "vector", "constant", "carry_in", "carry_out")
KINDS = ("gather", "scatter", "multiply", "pointwise", "strips", "outer", "column_sum")
PARTS = ("once", "each chunk, before its steps", "each step", "each chunk, after its steps")
OWN = {"c": "chunk", "w": "step", "m": "row"}
MEMORY = re.compile(r"[cwm]\d+")

# in the order of native/opcodes.h
MEANING: dict[str, Callable[..., Any]] = {
    "copy": lambda a: a,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "tanh": np.tanh,
    "relu": lambda a: np.maximum(a, 0),
    "exp": np.exp,
    "log": np.log,
    "softplus": lambda a: np.where(a > 20, a, np.log1p(np.exp(np.minimum(a, 20)))),
    "sqrt": np.sqrt,
    "square": np.square,
    "abs": np.abs,
    "sign": np.sign,
    "neg": np.negative,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "where": lambda a, b, c: np.where(a != 0, b, c),
    "mul_add": lambda a, b, c: a * b + c,
    "mul_sub": lambda a, b, c: a * b - c,
    "sub_mul": lambda a, b, c: c - a * b,
    "d_sigmoid": lambda a, b: a * b * (1 - b),
    "d_tanh": lambda a, b: a * (1 - b * b),
    "pow": lambda a, number: a**number,
    "spread": lambda a: a,
    "mul_number": np.multiply,
    "add_number": np.add,
    "sub_number": np.subtract,
    "mul_add_number": lambda a, b, c: a * b + c,
    "rowdot": lambda a, b: (a * b).sum(-1, keepdims=True),
    "rowsum": lambda a: a.sum(-1, keepdims=True),
}
INSTRUCTIONS = list(MEANING)


@dataclass
class Instruction:
    """``into = op(operands)``; the last operand of a power is a number of its own."""

    into: str
    op: str
    operands: list[str]
    narrow: bool


@dataclass
class Line:
    """One operation: its part of the program, whether threads meet before it, its kind, and the rest of the line."""

    part: str
    meets: bool
    kind: str
    text: str
    code: list[Instruction] = field(default_factory=list)


class Listed:
    """A listing, read.

    Attributes:
        back: whether steps run from last to first.
        parameters, tensors: name -> shape, width.
        states: name -> (width, whether it is kept, {"from", "to", "as": tensor}).
        tape, carried: name -> width; name -> (width, {"from", "to": tensor}).
        memory: (name, width, the tensor it may be) in order.
        lines: what is done.
    """

    def __init__(self, text: str) -> None:
        head, *parts = text.split("\n\n")
        first, *rows = re.sub(r"\n +", " ", head).splitlines()
        self.back = {"forward, from the first step on": False, "back, from the last step to the first": True}[first]
        said: dict[str, str] = dict(re.split(r"\s+", row, maxsplit=1) for row in rows)  # type: ignore[misc]
        self.parameters = {
            name: tuple(map(int, shape.split(" x ")))
            for name, shape in (item.split(" ", 1) for item in _items(said.pop("parameters", "")))
        }
        self.packed = _items(said.pop("packed", ""))
        self.tensors = _widths(said.pop("tensors", ""))
        self.states = {}
        for name, width, rest in _described(said.pop("states", "")):
            self.states[name] = width, "on the tape" in rest, _tensors(rest)
        self.tape = _widths(said.pop("tape", ""))
        self.carried = {name: (width, _tensors(rest)) for name, width, rest in _described(said.pop("carried", ""))}
        self.memory = [self._buffer(item) for item in _items(said.pop("memory", ""))]
        assert not said, f"unknown sections: {said}"
        self.lines = [line for part in parts for line in _lines(part)]

    def _buffer(self, item: str) -> tuple[str, int, str]:
        item, _, tensor = item.partition(" is ")
        if MEMORY.fullmatch(item.split()[0]):
            name, width = item.split()
            return name, int(width), tensor
        if item.startswith("tape."):
            return item, self.tape[item], tensor
        if item.startswith("d("):
            return item, self.carried[re.sub(r"\[.*?\]", "", item)][0], tensor
        if item.startswith("("):
            return item, self.parameters[item.strip("()").split(" + ")[0]][0], tensor
        if item.endswith("]"):
            return item, self.states[item.partition("[")[0]][0], tensor
        float(item)
        return item, 1, tensor

    # -- words -------------------------------------------------------------------------------------------------------

    def words(self) -> list[int]:
        """The words of the program, operations of one part after those of another."""
        names = [name for name, *_ in self.memory]
        tensors = list(self.tensors)
        vectors = [name for name in names if name.startswith("(")]
        constants = [name for name in names if re.match(r"[-+\d.]", name)]
        parameters, tape, states = list(self.parameters), list(self.tape), list(self.states)

        def tensor(name: str) -> int:
            return tensors.index(name) if name else -1

        def home(i: int, name: str) -> tuple[int, int]:
            bare = re.sub(r"^d\(|\[.*", "", name)
            if MEMORY.fullmatch(name):
                assert name[1:] == str(i)
                return HOMES.index(OWN[name[0]]), i
            for kind, known, wanted in (("tape", tape, name), ("vector", vectors, name), ("constant", constants, name)):
                if wanted in known:
                    return HOMES.index(kind), known.index(wanted)
            ends = ("carry_out", "carry_in") if name.startswith("d(") else ("before", "after")
            return HOMES.index(ends["[t]" in name]), states.index(bare)

        states_words: list[list[int]] = []
        out = [int(self.back)]
        out += _list([[int(len(s) == 2), *s, *[1] * (2 - len(s))] for s in self.parameters.values()])
        out += _list([[parameters.index(m.removesuffix(".T")), int(m.endswith(".T"))] for m in self.packed])
        out += _list([[w] for w in self.tensors.values()])
        for w, kept, ends in self.states.values():
            states_words.append([w, int(kept), *(tensor(ends.get(end, "")) for end in ("from", "to", "as"))])
        out += _list(states_words)
        out += _list([[w] for w in self.tape.values()])
        out += _list([[v.count("+") + 1, *(parameters.index(p) for p in v.strip("()").split(" + "))] for v in vectors])
        out += _list([[_bits(float(c))] for c in constants])
        out += _list([[w, tensor(t.get("from", "")), tensor(t.get("to", ""))] for w, t in self.carried.values()])
        out += _list([[(h := home(i, n))[0], w, h[1], tensor(t)] for i, (n, w, t) in enumerate(self.memory)])
        widths = {name: width for name, width, _ in self.memory}
        out += _list([[widths[line.text.split(" = ")[1]]] for line in self.lines if line.kind == "strips"])
        out += _list([self._operation(line, names, parameters, tensors) for line in self.lines])
        return out

    def _operation(self, line: Line, names: list[str], parameters: list[str], tensors: list[str]) -> list[int]:
        made = [KINDS.index(line.kind), PARTS.index(line.part), int(line.meets)]
        if line.kind == "pointwise":
            return made + self._pointwise(line, names)
        into, sign, right = re.split(r" (\+?=) ", line.text, maxsplit=1)
        match line.kind:
            case "gather":
                return [*made, tensors.index(right), names.index(into)]
            case "scatter":
                return [*made, tensors.index(into), names.index(right)]
            case "multiply":
                terms = _terms(right)
                vector = [t for t in terms if " @ " not in t]
                start = 1 if sign == "+=" else 2 if vector else 0
                pairs = [t.split(" @ ") for t in terms if " @ " in t]
                factors = [w for m, v in pairs for w in (self.packed.index(m), names.index(v))]
                return [*made, names.index(into), start, names.index(vector[0]) if vector else -1, len(pairs), *factors]
            case "strips":
                return [*made, names.index(right), int(into[1:])]
            case "outer":
                pairs = [re.fullmatch(r"d\((\w+)\) \+= S(\d+)\.T @ (.*)", p).groups() for p in line.text.split(", ")]  # type: ignore[union-attr]
                words = [w for p, s, _ in pairs for w in (int(s), parameters.index(p))]
                return [*made, names.index(pairs[0][2]), len(pairs), *words]
        return [*made, names.index(right[4:-1]), parameters.index(into[2:-1])]

    def _pointwise(self, line: Line, names: list[str]) -> list[int]:
        slots: dict[str, int] = {}
        code = []
        for i in line.code:
            operands = i.operands[:-1] if i.op == "pow" else i.operands
            read = [slots.setdefault(o, len(slots)) for o in operands]
            into = slots.setdefault(i.into, len(slots))
            value = float(i.operands[-1]) if i.op == "pow" else 0.0
            code += [INSTRUCTIONS.index(i.op), into, *(read + read[:1] * 3)[:3], int(i.narrow), _bits(value)]
        said = []
        for name in slots:
            bare = name.removesuffix("[row]")
            if re.fullmatch(r"v\d+", bare):
                said += [-1 - int(bare[1:]), 0]
            else:
                fixed = 0 if re.match(r"[-+\d.]", bare) else 3 if bare.startswith("(") else 2 if bare != name else 1
                said += [names.index(bare), fixed]
        return [int(line.text.split()[0]), len(slots), *said, len(line.code), *code]


def _items(text: str) -> list[str]:
    return text.split(", ") if text else []


def _widths(text: str) -> dict[str, int]:
    return {name: int(width) for name, width in (item.split() for item in _items(text))}


def _described(text: str) -> list[tuple[str, int, list[str]]]:
    rows = [row.split(", ") for row in text.split("; ")] if text else []
    return [(first.split()[0], int(first.split()[1]), rest) for first, *rest in rows]


def _tensors(said: Sequence[str]) -> dict[str, str]:
    return dict(item.split() for item in said if item != "on the tape")  # type: ignore[misc]


def _terms(text: str) -> list[str]:
    return re.split(r" \+ (?![^(]*\))", text)


def _lines(part: str) -> list[Line]:
    title, *rows = part.splitlines()
    assert title in PARTS
    found: list[Line] = []
    meets = False
    for row in rows:
        assert row.startswith("    ")
        row = row[4:]
        if row == "meet":
            meets = True
        elif row.startswith("    "):
            into, op, operands, narrow = re.fullmatch(r"(.*?) = (\w+)\((.*)\)(, once a row)?", row.strip()).groups()  # type: ignore[union-attr]
            found[-1].code.append(Instruction(into, op, operands.split(", "), bool(narrow)))
        else:
            kind, text = row.split(maxsplit=1)
            found.append(Line(title, meets, kind, text))
            meets = False
    return found


def _list(items: Sequence[Sequence[int]]) -> list[int]:
    return [len(items), *(word for item in items for word in item)]


def _bits(value: float) -> int:
    return int(struct.unpack("<q", struct.pack("<d", value))[0])


# -- numbers ----------------------------------------------------------------------------------------------------------


@dataclass
class Computed:
    """What a listing computes: tensors that leave it, the tape and the kept states, gradients of the parameters."""

    tensors: dict[str, Array]
    tape: dict[str, Array]
    states: dict[str, Array]
    gradients: dict[str, Array]


def compute(
    listed: Listed, parameters: Mapping[str, Array], tensors: Mapping[str, Array], chunk: int,
    kept: Computed | None = None,
) -> Computed:  # fmt: skip
    """The program over sequences of one length, `chunk` steps at a time; `kept`: what the program forward left."""
    return _Run(listed, parameters, tensors, chunk, kept).done()


class _Run:
    def __init__(
        self, listed: Listed, parameters: Mapping[str, Array], tensors: Mapping[str, Array], chunk: int,
        kept: Computed | None,
    ) -> None:  # fmt: skip
        self.listed, self.parameters, self.tensors = listed, parameters, dict(tensors)
        self.T, self.B, _ = tensors["x"].shape
        self.chunk = chunk
        self.tape = kept.tape if kept else {n: _unset(self.T, self.B, w) for n, w in listed.tape.items()}
        self.states = {n: _unset(self.T + 1, self.B, w) for n, (w, *_) in listed.states.items()}
        if kept:
            self.states |= {n: kept.states[n] for n, (_, on_tape, _) in listed.states.items() if on_tape}
        self.carried = {n: _unset(self.T + 1, self.B, w) for n, (w, _) in listed.carried.items()}
        self.gradients = {n: np.zeros(shape) for n, shape in listed.parameters.items()}
        self.own = {n: _unset(self.B, w) for n, w, _ in listed.memory if n[0] == "m" and MEMORY.fullmatch(n)}
        for name, width in listed.tensors.items():
            if name in ("y", "d_x") and name not in self.tensors:
                self.tensors[name] = _unset(self.T, self.B, width)
        self.strips: dict[str, Array] = {}
        self.steps = slice(0, 0)  # of the chunk
        self.t: int | None = None

    def done(self) -> Computed:
        listed = self.listed
        for name, (_, _, ends) in listed.states.items():
            if "from" in ends:
                self.states[name][0] = self.tensors[ends["from"]]
        for name, (_, ends) in listed.carried.items():
            self.carried[name][self.T] = self.tensors[ends["from"]]
        self._part("once")
        starts = range(0, self.T, self.chunk)
        for start in reversed(starts) if listed.back else starts:
            self.steps = slice(start, min(start + self.chunk, self.T))
            length = self.steps.stop - start
            self.own |= {n: _unset(length, self.B, w) for n, w, _ in listed.memory if re.fullmatch(r"c\d+", n)}
            self._part("each chunk, before its steps")
            order = range(self.steps.start, self.steps.stop)
            for self.t in reversed(order) if listed.back else order:
                self.own |= {n: _unset(self.B, w) for n, w, _ in listed.memory if re.fullmatch(r"w\d+", n)}
                self._part("each step")
            self.t = None
            self._part("each chunk, after its steps")
        for name, (_, _, ends) in listed.states.items():
            if "to" in ends:
                self.tensors[ends["to"]] = self.states[name][self.T]
        for name, (_, ends) in listed.carried.items():
            self.tensors[ends["to"]] = self.carried[name][0]
        return Computed(self.tensors, self.tape, self.states, self.gradients)

    def _part(self, part: str) -> None:
        for line in self.listed.lines:
            if line.part == part:
                getattr(self, f"_{line.kind}")(line)

    def _at(self, name: str) -> Array:
        """Where a value lies: (B, width) in a step, else (steps of the chunk, B, width)."""
        here: Any = self.steps if self.t is None else self.t
        later: Any = slice(self.steps.start + 1, self.steps.stop + 1) if self.t is None else self.t + 1
        if MEMORY.fullmatch(name):
            lies = self.own[name]
            return lies[self.t - self.steps.start] if name[0] == "c" and self.t is not None else lies
        if name.startswith("tape."):
            return self.tape[name][here]
        if name.endswith("]"):
            return self.states[name.partition("[")[0]][later if "[t]" in name else here]
        if name.startswith("d("):
            return self.carried[re.sub(r"\[.*?\]", "", name)][later if "[t]" in name else here]
        if name.startswith("("):
            return np.sum([self.parameters[p] for p in name.strip("()").split(" + ")], axis=0)  # type: ignore[no-any-return]
        return np.array(float(name))

    def _gather(self, line: Line) -> None:
        into, tensor = line.text.split(" = ")
        self._at(into)[:] = self.tensors[tensor] if self.steps.stop == 0 else self.tensors[tensor][self.steps]

    def _scatter(self, line: Line) -> None:
        tensor, of = line.text.split(" = ")
        self.tensors[tensor][self.steps] = self._at(of)

    def _multiply(self, line: Line) -> None:
        into, sign, right = re.split(r" (\+?=) ", line.text, maxsplit=1)
        total: Any = self._at(into) if sign == "+=" else 0
        for term in _terms(right):
            matrix, _, v = term.partition(" @ ")
            if not v:
                total = total + self._at(term)
                continue
            M = self.parameters[matrix.removesuffix(".T")]
            total = total + self._at(v) @ (M if matrix.endswith(".T") else M.T)
        self._at(into)[:] = total

    def _pointwise(self, line: Line) -> None:
        width = int(line.text.split()[0])
        registers: dict[str, Array] = {}

        def read(name: str) -> Array:
            return registers[name] if name in registers else self._at(name.removesuffix("[row]"))

        for i in line.code:
            operands = [float(o) if i.op == "pow" and k else read(o) for k, o in enumerate(i.operands)]
            for k, (name, value) in enumerate(zip(i.operands, operands, strict=True)):
                one = i.narrow or i.op == "spread" or (i.op.endswith("_number") and k == 1)
                numbers = np.ndim(value) == 0 or name.startswith("(")
                assert numbers or np.shape(value)[-1] == (1 if one else width), f"{name} in {i}"
            value = np.asarray(MEANING[i.op](*operands), dtype=float)
            wide = 1 if i.narrow or i.op in ("rowsum", "rowdot") else width
            if re.fullmatch(r"v\d+", i.into):
                registers[i.into] = np.broadcast_to(value, (*np.shape(value)[:-1], wide)).copy()
            else:
                into = self._at(i.into.removesuffix("[row]"))
                assert into.shape[-1] == wide
                into[:] = value

    def _strips(self, line: Line) -> None:
        into, of = line.text.split(" = ")
        self.strips[into] = self._at(of).copy()

    def _outer(self, line: Line) -> None:
        for pair in line.text.split(", "):
            parameter, strips, v = re.fullmatch(r"d\((\w+)\) \+= (S\d+)\.T @ (.*)", pair).groups()  # type: ignore[union-attr]
            self.gradients[parameter] += np.einsum("tbn,tbk->nk", self.strips[strips], self._rows(v))

    def _column_sum(self, line: Line) -> None:
        parameter, of = re.fullmatch(r"d\((\w+)\) \+= sum\((.*)\)", line.text).groups()  # type: ignore[union-attr]
        self.gradients[parameter] += self._rows(of).sum((0, 1))

    def _rows(self, name: str) -> Array:
        lies = self._at(name)
        return lies if lies.ndim == 3 else np.broadcast_to(lies, (self.steps.stop - self.steps.start, *lies.shape))


def _unset(*shape: int) -> Array:
    return np.full(shape, np.nan)
