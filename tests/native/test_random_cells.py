"""Any cell that the language can express runs natively as it does on the reference engine: drawn at random."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from elman.engines import library, native, reference
from elman.engines.compiled import Step
from native.random_cells import Random, cells

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))

CLOSE = {torch.float64: 1e-9, torch.float32: 5e-5}


def error(a: torch.Tensor, b: torch.Tensor) -> float:
    """Largest difference, relative to the largest value."""
    return float((a - b).abs().max() / b.abs().max().clamp(min=1e-3)) if a.numel() else 0.0


def run(engine, graph, params, x, states, given, seed, **options):
    """Outputs and all gradients of a loss that weighs every entry differently."""
    leaves = [t.clone().requires_grad_() for t in (x, *states, *params.values())]
    x, states = leaves[0], leaves[1 : 1 + len(states)]
    named = dict(zip(params, leaves[1 + len(states) :], strict=True))
    y, after = engine.scan(graph, named, x, states, given=given, **options)
    weights = torch.Generator().manual_seed(seed)
    loss = sum((o * torch.randn(o.shape, generator=weights, dtype=torch.float64).to(o)).sum() for o in (y, *after))
    grads = torch.autograd.grad(loss, leaves, allow_unused=True)
    return [
        y.detach(),
        *(a.detach() for a in after),
        *(torch.zeros_like(t) if g is None else g for g, t in zip(grads, leaves, strict=True)),
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    cell=cells(),
    size=st.tuples(
        st.integers(1, 7),
        st.sampled_from([1, 2, 3, 5, 9, 17]),
        st.integers(1, 9),
        st.sampled_from([1, 2, 5, 8, 16, 19, 33]),
    ),
    seed=st.integers(0, 2**16),
    ragged=st.booleans(),
    reverse=st.booleans(),
    masks=st.sampled_from([(False, None), (True, None), (False, 0.0), (True, 0.0)]),
    bptt=st.sampled_from([None, None, 1, 2, 3]),
    threads=st.sampled_from([(1, 1), (2, 1), (1, 2)]),
)
def test_random_cells_equal_the_reference(cell: Random, size, seed, ragged, reverse, masks, bptt, threads):
    T, B, I, H = size
    graph = cell.graph.regularize(*masks) if masks != (False, None) else cell.graph
    draw = torch.Generator().manual_seed(seed)

    def normal(*shape: int, scale: float = 1.0) -> torch.Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64) * scale

    sizes = {"H": H, "I": I}
    params = {
        p.name: normal(*p.shape(sizes), scale=0.4 / (p.shape(sizes)[-1] ** 0.5 if p.is_matrix else 1))
        + (0.0 if p.is_matrix else 0.3)
        for p in graph.parameters.values()
    }
    x, states = normal(T, B, I), [normal(B, H, scale=0.5) for _ in graph.states]
    given_masks = {
        g.name: (
            torch.rand(*((T,) if g.op == "time" else ()), B, H, generator=draw, dtype=torch.float64) > 0.4
        ).double()
        * 1.3
        for g in graph.given
    }
    lengths = torch.randint(1, T + 1, (B,), generator=draw) if ragged else None
    options = {"lengths": lengths, "reverse": reverse, "bptt": bptt}
    parts = (min(threads[0], B), threads[1])
    for dtype, close in CLOSE.items():

        def cast(t: torch.Tensor, dtype: torch.dtype = dtype) -> torch.Tensor:
            return t.to(dtype)

        arguments = (
            {n: cast(p) for n, p in params.items()}, cast(x), [cast(s) for s in states],
            {n: cast(m) for n, m in given_masks.items()},
        )  # fmt: skip
        wanted = run(reference, graph, params, x, states, given_masks, seed, **options)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Step, "threads", lambda *_: parts)
            got = run(native, graph, *arguments, seed, **options)
            again = run(native, graph, *arguments, seed, **options)
        if dtype == torch.float32 and not all(torch.isfinite(w).all() for w in wanted):
            continue
        for a, b, same in zip(got, wanted, again, strict=True):
            assert torch.equal(a, same), "not the same bits twice"
            assert error(a.double(), b) < close, (dtype, a, b)
