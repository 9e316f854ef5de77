"""The program forward: what is brought in, what is made for a whole chunk of steps at once, the step, what goes out.

Every value that somebody wants in a certain place has a *home*, the buffer it is written to by whatever computes it: a
state its place after the step, a value of the tape its plane. A value with two homes is copied into the second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from elman.engines.draft import Draft
from elman.engines.emit import Emitter
from elman.engines.program import Operation, Program
from elman.engines.rewritten import Rewritten
from elman.engines.sums import base_of
from elman.equations.symbols import Node, topological

__all__ = ["forward_program", "gather_inputs", "outside"]


def forward_program(step: Rewritten, draft: Draft, tape: bool) -> Program:
    """The program forward, on a blank draft.

    Args:
        tape: whether it keeps what the step back reads.
    """
    p, emitter = draft.program, Emitter(draft)
    wanted = topological([step.output, *step.after, *(step.saved if tape else ())])
    gather_inputs(step, emitter, set(wanted))
    _begin_with_states(step, emitter, tape)
    targets = [
        (node, p.buffer("after", draft.size(leaf.width), i))
        for i, (leaf, node) in enumerate(zip(step.states, step.after, strict=True))
    ]
    if tape:
        p.tape = [draft.size(n.width) for n in step.planes]
        targets += [(n, p.buffer("tape", draft.size(n.width), j)) for j, n in enumerate(step.planes)]
    y = _output(step, emitter, targets)
    homes = {n: b for n, b in reversed(targets) if n not in emitter.memory}  # of several the first
    _hoist(step, emitter, wanted, homes)
    emitter.emit("step", homes)
    emitter.copy("step", [(n, b) for n, b in targets if homes.get(n) != b])
    p.operations.append(Operation("scatter", "end", [p.tensor("y", draft.size(step.output.width)), y]))
    return p


def gather_inputs(step: Rewritten, emitter: Emitter, wanted: Collection[Node]) -> None:
    """x and masks, brought into the order of the rows."""
    p = emitter.draft.program
    for node in [step.x, *step.given]:
        width = emitter.draft.size(node.width)
        tensor = p.tensor("x" if node is step.x else node.name, width)
        if node not in wanted:
            continue
        home, scope = ("row", "start") if node.op == "sequence" else ("chunk", "begin")
        buffer = p.buffer(home, width)
        p.operations.append(Operation("gather", scope, [tensor, buffer]))
        emitter.memory[node] = buffer


def outside(step: Rewritten, draft: Draft, i: int) -> int:
    """The tensor that holds a state after every step: y, if that state is the output."""
    first = step.output in step.after and i == step.after.index(step.output)
    return draft.program.tensor("y", draft.size(step.output.width)) if first else -1


def _begin_with_states(step: Rewritten, emitter: Emitter, tape: bool) -> None:
    draft, p = emitter.draft, emitter.draft.program
    for i, (leaf, kept) in enumerate(zip(step.states, step.kept_states, strict=True)):
        width = draft.size(leaf.width)
        first, last = p.tensor(f"first{i}", width), p.tensor(f"last{i}", width)
        p.states.append((width, kept and tape, first, last, outside(step, draft, i)))
        emitter.memory[leaf] = p.buffer("before", width, i)


def _output(step: Rewritten, emitter: Emitter, targets: list[tuple[Node, int]]) -> int:
    """The buffer that y is taken from: where the output lies anyway, or one of its own."""
    draft, p = emitter.draft, emitter.draft.program
    width = draft.size(step.output.width)
    if step.output in step.after:
        return p.buffer("after", width, step.after.index(step.output))
    lies = {**dict(reversed(targets)), **emitter.memory}
    if step.output in lies:
        return lies[step.output]
    targets.append((step.output, p.buffer("chunk", width)))
    return targets[-1][1]


def _hoist(step: Rewritten, emitter: Emitter, wanted: list[Node], homes: dict[Node, int]) -> None:
    """Sums of products that depend on x alone, for all steps of a chunk at once. Where a sum in the loop starts from
    one, it is added to it where it lies."""
    early = step.sums.is_early
    sums = [n for n in wanted if n.op == "products" and early(n)]
    uses = Counter(a for n in wanted for a in n.args)
    inner = {a for n in sums for a in n.args}
    targets = {n: homes[n] for n in sums if n in homes}
    for node in wanted:
        base = base_of(node) if node.op == "products" and not early(node) else None
        if base in sums and uses[base] == 1 and base not in homes:
            homes.setdefault(node, emitter.fresh("begin", node))
            targets[base] = homes[node]
    for node in sums:
        if node not in targets and (node not in inner or uses[node] > 1):
            targets[node] = emitter.fresh("begin", node)
    for node in topological(list(targets)):  # what the tape wants of it is made here too
        if node in homes and early(node) and node not in targets:
            targets[node] = homes[node]
    emitter.emit("begin", targets)
