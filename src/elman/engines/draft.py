"""A program while it is written for a cell of given sizes: what the cell calls by name, the program knows by number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elman.engines.program import Program
from elman.equations.graph import Graph, size_of
from elman.equations.symbols import ONE, Node

__all__ = ["Draft", "blank"]


@dataclass(frozen=True)
class Draft:
    """A program, and the numbers behind the names in a cell.

    Attributes:
        program: what is written.
        sizes: the numbers behind the widths' names.
        parameters: name -> number.
    """

    program: Program
    sizes: Mapping[str, int]
    parameters: Mapping[str, int]

    def size(self, width: str) -> int:
        """The number of a width."""
        return 1 if width == ONE else size_of(width, self.sizes)

    def constant(self, node: Node) -> int:
        """The buffer of a number that the step names."""
        return self.program.constant(1 / self.size(node.name) if node.op == "inverse_width" else node.value)

    def vector(self, node: Node) -> int:
        """The buffer of a vector parameter, or of a sum of several."""
        return self.program.vector(tuple(self.parameters[n] for n in node.name.split(",")), self.size(node.width))

    def matrix(self, name: str) -> int:
        """The packed matrix of a factor, ``'`` after it for the transposed one."""
        return self.program.matrix(self.parameters[name.removesuffix("'")], name.endswith("'"))


def blank(graph: Graph, sizes: Mapping[str, int], back: bool) -> Draft:
    """Nothing written yet but the parameters of a cell."""
    program = Program(back, [])
    for p in graph.parameters.values():
        n, k = (*p.shape(sizes), 1)[:2]
        program.parameters.append((p.is_matrix, n, k))
    return Draft(program, sizes, {name: i for i, name in enumerate(graph.parameters)})
