"""A random cell run as a random call, natively and on the reference engine, with every result compared.

``PYTHONPATH=src:tests python -m native.random_runs 20000`` runs as many, from seed 0 or the number that follows.
"""

from __future__ import annotations

import random
import re
import sys
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor

from elman import InputError
from elman.engines import native, reference
from elman.engines.compiled import Step
from elman.engines.scan import Way
from elman.equations.graph import Graph, size_of
from elman.nn import Recurrent
from native.races import races
from native.random_cells import Random

CLOSE = {torch.float64: 1e-7, torch.float32: 2e-3}  # a layer norm of nearly equal values enlarges what was rounded
MASKS = [(False, None), (False, None), (True, None), (False, 0.0), (True, 0.0), (True, 0.3)]


@dataclass
class Run:
    """One call.

    Attributes:
        leaves: x, states, parameters, in this order.
        wanted: which of them have a gradient; none: the call is inference.
    """

    graph: Graph
    leaves: list[Tensor]
    given: dict[str, Tensor]
    options: dict[str, Any]
    wanted: list[bool]
    threads: tuple[int, int]
    seed: int

    def on(self, engine: Any) -> list[Tensor]:
        """y, the states after the last step, and the gradients of a loss that weighs every entry differently."""
        leaves = [t.detach().clone().requires_grad_(w) for t, w in zip(self.leaves, self.wanted, strict=True)]
        n = 1 + len(self.graph.states)
        params = dict(zip(self.graph.parameters, leaves[n:], strict=True))
        with torch.set_grad_enabled(any(self.wanted)):
            way = Way(given=self.given, **self.options)
            y, after = engine.scan(self.graph, params, leaves[0], leaves[1:n], way)
        results, given = ([t.untyped_storage().data_ptr() for t in some] for some in ((y, *after), leaves))
        assert len({*results, *given}) == len({*results}) + len({*given}), "a result lies in what came in"
        assert len({*results}) == len(results), "two results are one"
        draw = torch.Generator().manual_seed(self.seed)
        loss = sum((o * torch.randn(o.shape, generator=draw, dtype=torch.float64).to(o)).sum() for o in (y, *after))
        into = [t for t in leaves if t.requires_grad]
        grads: Any = [None] * len(into)
        if into and loss.requires_grad:
            grads = torch.autograd.grad(loss, into, allow_unused=True)
        found = [y, *after, *(torch.zeros_like(t) if g is None else g for g, t in zip(grads, into, strict=True))]
        return [t.detach() for t in found]


def run_of(seed: int) -> Run:
    """The call that a seed stands for."""
    pick = random.Random(~seed)
    smooth = pick.random() < 0.4
    dtype = pick.choice([torch.float32, torch.float64]) if smooth else torch.float64
    graph = Random(seed, smooth).graph
    masks = pick.choice(MASKS)
    if pick.random() < 0.1:
        graph = graph.without(n for n, p in graph.parameters.items() if not p.is_matrix)
    if masks != (False, None):
        graph = graph.regularize(*masks)
    T, B = pick.randint(1, 7), pick.choice([1, 1, 2, 3, 5, 9, 17])
    sizes = {"I": pick.randint(1, 9), "H": pick.choice([1, 2, 5, 8, 16, 19, 33])}
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int, scale: float = 1.0) -> Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64) * scale

    def parameter(shape: tuple[int, ...]) -> Tensor:
        return normal(*shape, scale=0.4 / shape[-1] ** 0.5) if len(shape) == 2 else normal(*shape, scale=0.4) + 0.3

    states = [normal(B, size_of(s.width, sizes), scale=0.5) for s in graph.states]
    leaves = [normal(T, B, sizes["I"]), *states, *(parameter(p.shape(sizes)) for p in graph.parameters.values())]
    given = {}
    for g in graph.given:
        shape = (*((T,) if g.op == "time" else ()), B, size_of(g.width, sizes))
        given[g.name] = (torch.rand(shape, generator=draw) > 0.4).to(dtype) * (1 if g.op == "time" else 1.3)
    options = {
        "lengths": torch.randint(1, T + 1, (B,), generator=draw) if pick.random() < 0.4 else None,
        "reverse": pick.random() < 0.4,
        "bptt": pick.choice([None, None, None, 1, 2, 3]),
    }
    grad = pick.random()
    wanted = [grad < 0.6 or (grad < 0.8 and pick.random() < 0.5) for _ in leaves]
    threads = pick.choice([(1, 1), (min(2, B), 1), (1, 2), (1, 2)])
    return Run(graph, [t.to(dtype) for t in leaves], given, options, wanted, threads, seed)


def check(seed: int) -> None:
    """Raise AssertionError where the native engine computes something else than the reference, or would race."""
    run = run_of(seed)
    try:
        wanted = run.on(reference)
    except InputError as error:
        with pytest.raises(InputError, match=re.escape(str(error))):
            run.on(native)
        return
    with patch.object(Step, "threads", lambda *_: run.threads):
        got, again = run.on(native), run.on(native)
    for k, (a, b, c) in enumerate(zip(got, again, wanted, strict=True)):
        where = f"seed {seed}, result {k} of {run.graph.name}, {run.threads[1]} threads"
        assert torch.equal(a, b), f"{where}: not the same bits twice"
        scale = float(c.abs().max().clamp(min=1e-2)) if c.numel() else 1.0
        assert float((a - c).abs().max()) / scale < CLOSE[a.dtype], f"{where}:\n{a}\nand not\n{c}"
    sizes = {"I": run.leaves[0].shape[2], "H": 5}
    programs = native.lowered(run.graph, tuple(sorted(sizes.items())))
    for program in (programs.forward, programs.training, programs.back):
        found = races(program)
        assert not found, f"seed {seed}: {found[:3]}"


def check_layer(seed: int) -> None:
    """The cell in a layer or more: training, inference, and step by step, as on the reference engine."""
    pick = random.Random(~seed)
    graph = Random(seed, smooth=True).graph
    sizes = {"input_size": pick.randint(1, 9), "hidden_size": pick.choice([1, 5, 16, 33])}
    options = {"num_layers": pick.randint(1, 3), "bidirectional": pick.random() < 0.2, "dtype": torch.float64}
    T, B, threads = pick.randint(1, 5), pick.choice([1, 1, 4, 9]), pick.choice([(1, 1), (1, 2)])
    try:
        reference_layer = Recurrent(graph, **sizes, **options, engine="reference")
    except InputError as error:
        if "is as wide as the input" not in str(error):
            raise  # nothing else is refused
        with pytest.raises(InputError, match=re.escape(str(error))):
            Recurrent(graph, **sizes, **options, engine="native")
        return
    layer = Recurrent(graph, **sizes, **options, engine="native")
    layer.load_state_dict(reference_layer.state_dict())
    x = torch.randn(T, B, sizes["input_size"], generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    with patch.object(Step, "threads", lambda *_: threads):
        found = []
        for one in (reference_layer, layer):
            y, state = one(x.clone().requires_grad_())
            leaves = [t for t in one.parameters() if t.requires_grad]
            loss = y.square().sum() + sum(s.sin().sum() for s in ([state] if isinstance(state, Tensor) else state))
            grads: Any = []
            if leaves and loss.requires_grad:
                grads = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)
            with torch.no_grad():
                again, _ = one(x)
                steps, state = [again], None
                for t in range(0 if one.bidirectional else T):
                    y_t, state = one.step(x[t], state)
                    steps.append(y_t)
            found.append([y, *steps, *grads])
    for k, (wanted, got) in enumerate(zip(*found, strict=True)):
        torch.testing.assert_close(
            got, wanted, rtol=1e-7, atol=1e-7, msg=lambda m, k=k: f"seed {seed}, result {k}: {m}"
        )


if __name__ == "__main__":
    count, first = int(sys.argv[1]), int((*sys.argv, 0)[2])
    torch.set_num_threads(1)
    wrong = 0
    for seed in range(first, first + count):
        try:
            check(seed)
            check_layer(seed)
        except Exception as error:
            wrong += 1
            print(f"seed {seed}: {type(error).__name__} {error}", flush=True)
    print(f"{count} cells, {wrong} wrong")
    sys.exit(wrong > 0)
