"""Writes the words of a GRU's programs, forward with tape and back, for driver/threads.cpp."""

import sys

from elman import cells
from elman.engines.lowering import lower

programs = lower(cells.GRU().graph, {"H": 24, "I": 10})
with open(sys.argv[1], "w") as out:
    for program in (programs.training, programs.back):
        words = program.words()
        print(len(words), *words, len(program.tensors), *program.tensors.keys(), file=out)
    print(len(programs.training.parameters), *(n * k for _, n, k in programs.training.parameters), file=out)
