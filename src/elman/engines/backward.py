"""The program back: from dL/dy and dL/d(state after the step) to those before it, and from the deltas to all gradients.

The step is emitted like a step forward. What is only summed over time waits: deltas go into buffers of the chunk, and
when its steps are done they give dL/dx and the gradients of the parameters, as products over all rows of the chunk.
"""

from __future__ import annotations

from elman.engines.draft import Draft
from elman.engines.emit import Emitter
from elman.engines.forward import gather_inputs, outside
from elman.engines.program import Operation, Program
from elman.engines.rewritten import Rewritten, is_made
from elman.engines.sums import base_of, terms_of
from elman.equations.symbols import Node, topological

__all__ = ["backward_program"]

ALL_ROWS = ("chunk", "tape", "after")  # homes in which the rows of a chunk lie together


def backward_program(step: Rewritten, draft: Draft) -> Program:
    """The program back, on a blank draft, over the tape that the program forward leaves."""
    return _Backward(step, draft).written()


class _Backward:
    """The program back while it is written.

    Attributes:
        targets: the buffer that each value is computed into.
        copies: what else wants it in a certain place.
        over_chunk: values that lie in a buffer of the chunk for what comes after its steps.
    """

    def __init__(self, step: Rewritten, draft: Draft) -> None:
        self.step, self.draft, self.emitter = step, draft, Emitter(draft)
        self.targets: dict[Node, int] = {}
        self.copies: list[tuple[Node, int]] = []
        self.over_chunk: dict[Node, int] = {}

    def written(self) -> Program:
        step, p = self.step, self.draft.program
        p.tape = [self.draft.size(n.width) for n in step.planes]
        gather_inputs(step, self.emitter, {*topological([*step.roots, *step.operands])})
        self._read_the_tape()
        self._arriving_output()
        self._carry()
        after_steps = [*self._weight_gradients(), *self._vector_gradients()]
        late, of_x = self._input_gradient()
        self.emitter.emit("step", self.targets)
        self.emitter.copy("step", self.copies)
        if late is not None:
            p.operations += self.emitter.late_products(*late, self.over_chunk)
        p.operations += [*of_x, *after_steps]
        return p

    # -- what is there -----------------------------------------------------------------------------------------------

    def _read_the_tape(self) -> None:
        step, p, memory = self.step, self.draft.program, self.emitter.memory
        for i, (leaf, node) in enumerate(zip(step.states, step.after, strict=True)):
            width = self.draft.size(leaf.width)
            p.states.append((width, step.kept_states[i], -1, -1, outside(step, self.draft, i)))
            if step.kept_states[i]:
                memory[leaf] = p.buffer("before", width, i)
                memory.setdefault(node, p.buffer("after", width, i))
        for j, node in enumerate(step.planes):
            memory[node] = p.buffer("tape", self.draft.size(node.width), j)

    def _arriving_output(self) -> None:
        p, leaf = self.draft.program, self.step.derivative.d_output
        width = self.draft.size(leaf.width)
        buffer = p.buffer("chunk", width)
        p.operations.append(Operation("gather", "begin", [p.tensor("d_y", width), buffer]))
        if leaf in self.step.sums:
            self.emitter.memory[self.step.sums[leaf]] = buffer

    # -- what the step makes -----------------------------------------------------------------------------------------

    def _carry(self) -> None:
        """dL/d(state): it arrives from the step after, and the step makes that of the one before."""
        p, d, sums = self.draft.program, self.step.derivative, self.step.sums
        zero = Node("const")
        for i, (leaf, arriving) in enumerate(zip(self.step.states, d.d_after, strict=True)):
            width = self.draft.size(leaf.width)
            p.carries.append((width, p.tensor(f"d_last{i}", width), p.tensor(f"d_first{i}", width)))
            if arriving in sums:
                self.emitter.memory[sums[arriving]] = p.buffer("carry_in", width, i)
            before = d.d_before[i]
            node = zero if before is None else sums[before]
            self._put(node, p.buffer("carry_out", width, i))

    def _put(self, node: Node, buffer: int) -> None:
        """A value is made in one place; what else wants it in a certain one gets a copy."""
        if node.op == "const" or node in self.targets or node in self.emitter.memory:
            self.copies.append((node, buffer))
        else:
            self.targets[node] = buffer

    def _rows(self, node: Node, width: int, *also: str) -> int:
        """The buffer that holds a value for all rows of the chunk; `also`: further homes that will do."""
        if node in self.over_chunk:
            return self.over_chunk[node]
        p = self.draft.program
        known = self.targets.get(node, self.emitter.memory.get(node))
        if known is not None and p.buffers[known].home in (*ALL_ROWS, *also) and p.buffers[known].width == width:
            return known
        self.over_chunk[node] = buffer = p.buffer("chunk", width)
        if known is None and is_made(node) and self.draft.size(node.width) == width:
            self.targets[node] = buffer
        else:
            self.copies.append((node, buffer))
        return buffer

    # -- what follows the steps of a chunk ---------------------------------------------------------------------------

    def _weight_gradients(self) -> list[Operation]:
        """dL/dM = sum over rows of delta v^T: deltas are laid out in strips once, and each v is read once for all."""
        p, sums, numbers = self.draft.program, self.step.sums, self.draft.parameters
        pairs: dict[int, list[tuple[int, int]]] = {}  # buffer of v -> (strips of delta, parameter)
        strips: dict[int, int] = {}  # buffer of delta -> its strips
        for product, delta in self.step.derivative.deltas.items():
            n, k = self.step.graph.parameters[product.name].shape(self.draft.sizes)
            rows = self._rows(sums[delta], n)
            if rows not in strips:
                strips[rows] = len(p.strips)
                p.strips.append(n)
            v = self._rows(sums[product.args[0]], k, "before", "row")
            pairs.setdefault(v, []).append((strips[rows], numbers[product.name]))
        made = [Operation("strips", "end", [*pair]) for pair in strips.items()]
        made += [Operation("outer", "end", [v, len(of), *(w for pair in of for w in pair)]) for v, of in pairs.items()]
        return made

    def _vector_gradients(self) -> list[Operation]:
        """dL/dp: the sum over rows of what arrives at the parameter."""
        parameters, made = self.step.graph.parameters, []
        for name, node in self.step.derivative.d_vectors.items():
            rows = self._rows(self.step.sums[node], self.draft.size(parameters[name].dims[0]))
            made.append(Operation("column_sum", "end", [rows, self.draft.parameters[name]]))
        return made

    def _input_gradient(self) -> tuple[tuple[Node, int] | None, list[Operation]]:
        """dL/dx. Where it is a sum of products these wait for the end of the chunk, and what they are added to is made
        step by step: that sum and its buffer; and the operation that takes the buffer out."""
        p, d = self.draft.program, self.step.derivative
        width = self.draft.size(self.step.x.width)
        tensor = p.tensor("d_x", width)
        if d.d_x is None:
            return None, []
        node = self.step.sums[d.d_x]
        if node.op != "products" or node in self.targets:
            return None, [Operation("scatter", "end", [tensor, self._rows(node, width)])]
        buffer = p.buffer("chunk", width)
        for _, operand in terms_of(node):
            self._rows(operand, self.draft.size(operand.width))
        base = base_of(node)
        if base is not None and base.op not in ("vector", "vectors"):
            if is_made(base):
                self._put(base, buffer)
            else:
                self.copies.append((base, buffer))
        return (node, buffer), [Operation("scatter", "end", [tensor, buffer])]
