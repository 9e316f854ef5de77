"""How a cell becomes programs of the native engine: forward, forward with a tape, and back.

1. The step is differentiated (`elman.equations.derivative`), and step and derivative are rewritten into sums of
   products, in the same terms (`elman.engines.sums`). What the step back reads of the step forward is what has to be
   kept: `elman.engines.rewritten` draws that line.
2. A program is written on a blank `Draft`. First it is said where values lie that others see: x, the states, the tape,
   y (`elman.engines.forward`), and what arrives and leaves on the way back (`elman.engines.backward`).
3. The `Emitter` works out the order between those places. Elementwise work and products alternate, and each value is
   computed in the first alternation that can (`elman.engines.emit`). Products of x alone leave the loop.
4. The elementwise work of one alternation is one operation, a list of instructions (`elman.engines.instructions` picks
   them, `elman.engines.blocks` gives their values registers).
5. Last, buffers that only pass on a tensor of the caller's become that tensor, and it is worked out where the threads
   of a team have to meet (`elman.engines.meetings`).

``print(program)`` shows what comes of it (`elman.engines.listing`): there is no other list of what an engine does when.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from elman.engines.backward import backward_program
from elman.engines.draft import blank
from elman.engines.forward import forward_program
from elman.engines.listing import Names
from elman.engines.meetings import place_meetings
from elman.engines.program import Program, pass_tensors_on
from elman.engines.rewritten import rewritten
from elman.equations.graph import Graph

__all__ = ["Lowered", "lower"]


@dataclass(frozen=True)
class Lowered:
    """The programs of one cell at given sizes.

    Attributes:
        forward: y and final states only.
        training: the same, and a tape.
        back: from dL/dy and dL/d(final states) to all gradients, over that tape.
        saved: what the tape keeps a step, by name, in numbers a row.
    """

    forward: Program
    training: Program
    back: Program
    saved: tuple[tuple[str, int], ...]


def lower(graph: Graph, sizes: Mapping[str, int]) -> Lowered:
    """The programs of a cell.

    Args:
        graph: the step, masks included.
        sizes: the numbers behind the widths' names.
    """
    step = rewritten(graph)
    called = step.names
    planes = [called.get(n, n.name or n.op) for n in step.planes]
    names = Names(list(graph.parameters), (), graph.state_names, planes)

    forward = forward_program(step, blank(graph, sizes, back=False), tape=False)
    training = forward_program(step, blank(graph, sizes, back=False), tape=True)
    back = backward_program(step, blank(graph, sizes, back=True))
    for program in (forward, training, back):
        program.names = names
        pass_tensors_on(program)
        place_meetings(program)

    widths = [(s.name, w) for s, (w, kept, *_) in zip(step.states, training.states, strict=True) if kept]
    return Lowered(forward, training, back, (*zip(planes, training.tape, strict=True), *widths))
