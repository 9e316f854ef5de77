"""Writes a cell's programs for driver/: FILE and GRU or Normed, forward with tape and back; FILE and LSTM, forward
alone, of two layers that read each other."""

import sys

from elman import Cell, cells, layer_norm, sigmoid, tanh
from elman.engines.lowering import lower


class Normed(Cell):
    """A number a row is made of a whole row that a team has just written by columns."""

    def step(self, x, h):
        z = sigmoid(self.W_z @ h + self.U_z @ x)
        v = layer_norm(self.V @ x + self.G @ h, self.g, self.b)
        return z * h + (1 - z) * tanh(self.W @ v)


def write(programs, out):
    for program in programs:
        words = program.words()
        print(len(words), *words, len(program.tensors), *program.tensors.keys(), file=out)
    print(len(programs[0].parameters), *(n * k for _, n, k in programs[0].parameters), file=out)


cell = {"GRU": cells.GRU, "Normed": Normed, "LSTM": cells.LSTM}[sys.argv[2]]
with open(sys.argv[1], "w") as out:
    if cell is cells.LSTM:
        for width in (10, 24):
            write([lower(cell().graph, {"H": 24, "I": width}).forward], out)
    else:
        made = lower(cell().graph, {"H": 24, "I": 10})
        write([made.training, made.back], out)
