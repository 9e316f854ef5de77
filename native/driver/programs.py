"""Writes the words of a cell's programs, forward with tape and back, for driver/threads.cpp: FILE and GRU or Normed."""

import sys

from elman import Cell, cells, layer_norm, sigmoid, tanh
from elman.engines.lowering import lower


class Normed(Cell):
    """A number a row is made of a whole row that a team has just written by columns."""

    def step(self, x, h):
        z = sigmoid(self.W_z @ h + self.U_z @ x)
        v = layer_norm(self.V @ x + self.G @ h, self.g, self.b)
        return z * h + (1 - z) * tanh(self.W @ v)


cell = {"GRU": cells.GRU, "Normed": Normed}[sys.argv[2]]
programs = lower(cell().graph, {"H": 24, "I": 10})
with open(sys.argv[1], "w") as out:
    for program in (programs.training, programs.back):
        words = program.words()
        print(len(words), *words, len(program.tensors), *program.tensors.keys(), file=out)
    print(len(programs.training.parameters), *(n * k for _, n, k in programs.training.parameters), file=out)
