"""A program as text: every word of it that the library reads, and nothing else.

Where values live::

    s[t-1], s[t]          a state before a step, and after it
    d(s[t]), d(s[t-1])    the derivative of the loss by them
    tape.r                what training keeps, a plane of all steps and rows
    c4, w5, m6            working memory: of a chunk of steps, of one step, of a mask that is the same at all steps
    (b + c), 0.5          a sum of vector parameters; a number
    v0                    a block of a value that never leaves the nearest cache
    w5[row]               one number a row, read by an operation on whole rows

A line is one operation, of the kinds in native/program.h; an elementwise one has its instructions below it, of those in
native/opcodes.h. ``meet`` stands where the threads of a team wait for each other, as they do at the end of each part.
A test reads the text back into the words it was made from, and computes with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from textwrap import TextWrapper
from typing import TypeVar

from elman.engines.words import HOMES, KINDS, OPERANDS, OPERATIONS, SCOPES, SLOTS, STARTS, number

__all__ = ["Names", "listing"]

T = TypeVar("T")

WHEN = {
    "start": "once",
    "begin": "each chunk, before its steps",
    "step": "each step",
    "end": "each chunk, after its steps",
}
IN_LINES = TextWrapper(112, subsequent_indent=" " * 12, break_long_words=False, break_on_hyphens=False)
OWN = {"chunk": "c", "step": "w", "row": "m"}  # working memory


@dataclass(frozen=True)
class Names:
    """What the numbers in a program are called, where somebody knows.

    Attributes:
        parameters, tensors, states, tape: names, in the order of the numbers.
    """

    parameters: Sequence[str] = ()
    tensors: Sequence[str] = ()
    states: Sequence[str] = ()
    tape: Sequence[str] = ()


def listing(words: Sequence[int], names: Names) -> str:
    """The program that these words say."""
    return "\n".join(_Listing(words, names).lines)


class _Listing:
    def __init__(self, words: Sequence[int], names: Names) -> None:
        self._words = iter(words)
        # what the sections say, by number, for those below
        self.parameters: list[str] = []
        self.packed: list[str] = []
        self.tensors: list[str] = []
        self.states: list[str] = []
        self.tape: list[str] = []
        self.buffers: list[str] = []
        self.lines = ["back, from the last step to the first" if self._next() else "forward, from the first step on"]
        self._parameters(names.parameters)
        self._list("packed", self._matrix)
        self._tensors(names.tensors)
        self._states(names.states)
        self._tape(names.tape)
        vectors = self._read(lambda i: f"({' + '.join(self._read(lambda j: self.parameters[self._next()]))})")
        constants = self._read(lambda i: f"{number(self._next())!r}")
        self._carries()
        self._buffers(vectors, constants)
        self._read(lambda i: self._next())  # widths of strips: those of what is laid out in them
        self._operations()

    # -- words -----------------------------------------------------------------------------------------------------

    def _next(self) -> int:
        return next(self._words)

    def _read(self, item: Callable[[int], T]) -> list[T]:
        return [item(i) for i in range(self._next())]

    def _list(self, title: str, item: Callable[[int], str], between: str = ", ") -> None:
        if said := self._read(item):
            self.lines += IN_LINES.wrap(f"{title:11} {between.join(said)}")

    # -- what there is ---------------------------------------------------------------------------------------------

    def _parameters(self, names: Sequence[str]) -> None:
        called = _called(names, "p")

        def item(i: int) -> str:
            is_matrix, n, k = self._next(), self._next(), self._next()
            self.parameters.append(next(called))
            return f"{self.parameters[i]} {n} x {k}" if is_matrix else f"{self.parameters[i]} {n}"

        self._list("parameters", item)

    def _matrix(self, i: int) -> str:
        name, transposed = self.parameters[self._next()], self._next()
        self.packed.append(f"{name}.T" if transposed else name)
        return self.packed[i]

    def _tensors(self, names: Sequence[str]) -> None:
        called = _called(names, "tensor")

        def item(i: int) -> str:
            self.tensors.append(next(called))
            return f"{self.tensors[i]} {self._next()}"

        self._list("tensors", item)

    def _states(self, names: Sequence[str]) -> None:
        called = _called(names, "state")

        def item(i: int) -> str:
            self.states.append(next(called))
            width, kept = self._next(), self._next()
            tensors = [(word, self._next()) for word in ("from", "to", "as")]
            said = [f"{self.states[i]} {width}", *(["on the tape"] if kept else [])]
            return ", ".join([*said, *(f"{word} {self.tensors[t]}" for word, t in tensors if t >= 0)])

        self._list("states", item, "; ")

    def _tape(self, names: Sequence[str]) -> None:
        called = _called(names, "plane")

        def item(i: int) -> str:
            self.tape.append(f"tape.{next(called)}")
            return f"{self.tape[i]} {self._next()}"

        self._list("tape", item)

    def _carries(self) -> None:
        def item(i: int) -> str:
            width, *tensors = self._next(), self._next(), self._next()
            said = [f"{word} {self.tensors[t]}" for word, t in zip(("from", "to"), tensors, strict=True) if t >= 0]
            return ", ".join([f"d({self.states[i]}) {width}", *said])

        self._list("carried", item, "; ")

    def _buffers(self, vectors: list[str], constants: list[str]) -> None:
        def item(i: int) -> str:
            home, width, index, outside = HOMES[self._next()], self._next(), self._next(), self._next()
            match home:
                case "tape":
                    name = self.tape[index]
                case "before" | "after":
                    name = f"{self.states[index]}[{'t-1' if home == 'before' else 't'}]"
                case "carry_in" | "carry_out":
                    name = f"d({self.states[index]}[{'t-1' if home == 'carry_out' else 't'}])"
                case "vector":
                    name = vectors[index]
                case "constant":
                    name = constants[index]
                case _:
                    name = f"{OWN[home]}{i}"
            self.buffers.append(name)
            said = f"{name} {width}" if home in OWN else name
            return said if outside < 0 else f"{said} is {self.tensors[outside]}"

        self._list("memory", item)

    # -- what is done ----------------------------------------------------------------------------------------------

    def _operations(self) -> None:
        said: dict[str, list[str]] = {scope: [] for scope in SCOPES}
        for _ in range(self._next()):
            kind, scope, sync = KINDS[self._next()], SCOPES[self._next()], self._next()
            said[scope] += ["meet"] if sync else []
            said[scope] += getattr(self, f"_{kind}")()
        for scope, lines in said.items():
            if lines:
                self.lines += ["", WHEN[scope], *(f"    {line}" for line in lines)]

    def _buffer(self) -> str:
        return self.buffers[self._next()]

    def _gather(self) -> list[str]:
        tensor, buffer = self.tensors[self._next()], self._buffer()
        return [f"gather      {buffer} = {tensor}"]

    def _scatter(self) -> list[str]:
        tensor, buffer = self.tensors[self._next()], self._buffer()
        return [f"scatter     {tensor} = {buffer}"]

    def _multiply(self) -> list[str]:
        into, start, vector = self._buffer(), STARTS[self._next()], self._next()
        terms = self._read(lambda i: f"{self.packed[self._next()]} @ {self._buffer()}")
        terms += [self.buffers[vector]] if start == "vector" else []
        return [f"multiply    {into} {'+=' if start == 'add' else '='} {' + '.join(terms)}"]

    def _pointwise(self) -> list[str]:
        width = self._next()
        slots = self._read(lambda i: self._slot())
        return [f"pointwise   {width} a row", *self._read(lambda i: f"    {self._instruction(slots)}")]

    def _slot(self) -> str:
        buffer, kind = self._next(), SLOTS[self._next()]
        name = f"v{-1 - buffer}" if buffer < 0 else self.buffers[buffer]
        return f"{name}[row]" if kind == "column" else name

    def _instruction(self, slots: list[str]) -> str:
        operation = OPERATIONS[self._next()]
        result, *operands = (slots[self._next()] for _ in range(4))
        narrow, value = self._next(), self._next()
        said = [*operands[: OPERANDS[operation]], *([f"{number(value)!r}"] if operation == "pow" else [])]
        return f"{result} = {operation}({', '.join(said)}){', once a row' if narrow else ''}"

    def _strips(self) -> list[str]:
        of, strips = self._buffer(), self._next()
        return [f"strips      S{strips} = {of}"]

    def _outer(self) -> list[str]:
        of = self._buffer()
        pairs = self._read(lambda i: (f"S{self._next()}", self.parameters[self._next()]))
        return [f"outer       {', '.join(f'd({p}) += {strips}.T @ {of}' for strips, p in pairs)}"]

    def _column_sum(self) -> list[str]:
        of, parameter = self._buffer(), self.parameters[self._next()]
        return [f"column_sum  d({parameter}) += sum({of})"]


def _called(names: Sequence[str], otherwise: str) -> Iterator[str]:
    """Names, no two alike, and numbers once they run out."""
    taken: set[str] = set()
    for i in count():
        name = first = names[i] if i < len(names) else f"{otherwise}{i}"
        again = count(2)
        while name in taken:
            name = f"{first}{next(again)}"
        taken.add(name)
        yield name
