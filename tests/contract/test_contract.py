"""The contract that every cell passes on every engine. A new engine or cell is one more row of the table below."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from contract.oracle import STEPS, run
from elman import InputError, cells
from elman.engines import library
from elman.engines.choose import ENGINES, choose
from elman.nn import Recurrent

SHAPES = {"one layer": {}, "deep": {"num_layers": 2}, "bidirectional": {"num_layers": 2, "bidirectional": True}}
DTYPES = {"float32": torch.float32, "float64": torch.float64}
TOLERANCE = {torch.float32: {"rtol": 5e-5, "atol": 5e-6}, torch.float64: {"rtol": 1e-9, "atol": 1e-11}}
LENGTHS = {"lengths": [3, 6, 1, 3], "none": [6, 6, 6, 6]}
T, B, I, H = 6, 4, 3, 5


# the cells that torch has kernels for; the other engines run every cell
TORCH = ("GRUAfter", "LSTM", "RNN")
ROWS = [(cell, engine) for cell in STEPS for engine in ENGINES if engine != "torch" or cell in TORCH]


def rows(*some: str) -> Any:
    """`cell` and `engine` of every row of the table, or of the rows of some cells."""
    return pytest.mark.parametrize(("cell", "engine"), [row for row in ROWS if not some or row[0] in some])


def can_run(cell: str, engine: str) -> bool:
    try:
        choose(getattr(cells, cell)().graph, torch.device("cpu"), torch.float32, engine)
    except InputError:
        return False
    return True


def needs(engine: str) -> None:
    """An installation without a compiler has no native engine: its rows are skipped, and say why."""
    if engine == "native" and (why := library.missing()):
        pytest.skip(why)


def layer_of(cell: str, engine: str, dtype: torch.dtype = torch.float64, **options) -> Recurrent:
    needs(engine)
    torch.manual_seed(7)
    proj = {"proj_size": 2} if cell == "ProjectedLSTM" else {}
    layer = Recurrent(getattr(cells, cell), I, H, engine=engine, dtype=dtype, **proj, **options)
    with torch.no_grad():
        for p in layer.parameters():  # away from the start, where gains are 1 and biases 0
            p.add_(torch.randn_like(p) * 0.3)
    return layer


def example(layer: Recurrent, steps: int = T, rows: int = B) -> tuple[torch.Tensor, list[torch.Tensor]]:
    dtype = next(layer.parameters()).dtype
    x = torch.randn(steps, rows, I, dtype=dtype).requires_grad_()
    D = layer.directions
    state = [torch.rand(layer.num_layers * D, rows, w, dtype=dtype) * 0.8 + 0.1 for w in layer._widths]
    return x, [s.requires_grad_() for s in state]


def as_state(parts):
    return parts[0] if len(parts) == 1 else tuple(parts)


def as_parts(state):
    return [state] if isinstance(state, torch.Tensor) else list(state)


def loss_of(y, state):
    """Every entry with a weight of its own, so that no error cancels."""
    parts = [y, *state]
    weights = torch.Generator().manual_seed(3)
    return sum((p * torch.randn(p.shape, generator=weights, dtype=torch.float64).to(p)).sum() for p in parts)


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
@rows()
def test_equals_the_equations(cell, engine, shape, dtype, lengths):
    """Outputs, states, and the gradient by every parameter, the input and the initial state."""
    layer = layer_of(cell, engine, DTYPES[dtype], **SHAPES[shape])
    x, state = example(layer)
    y, after = layer(x, as_state(state), torch.tensor(LENGTHS[lengths]) if lengths == "lengths" else None)
    wanted, wanted_after = run(layer, STEPS[cell], x, state, LENGTHS[lengths])
    leaves = [x, *state, *layer.parameters()]
    got = torch.autograd.grad(loss_of(y, as_parts(after)), leaves)
    oracle = torch.autograd.grad(loss_of(wanted, wanted_after), leaves)
    names = ["x", *layer.graph.state_names, *dict(layer.named_parameters())]
    close = TOLERANCE[DTYPES[dtype]]
    torch.testing.assert_close(y, wanted, **close)
    for a, b in zip(as_parts(after), wanted_after, strict=True):
        torch.testing.assert_close(a, b, **close)
    for name, a, b in zip(names, got, oracle, strict=True):
        torch.testing.assert_close(
            a, b, rtol=close["rtol"] * 4, atol=close["atol"] * 20, msg=lambda m, n=name: f"{n}: {m}"
        )


@rows()
def test_gradcheck(cell, engine):
    """Against finite differences in float64."""
    layer = layer_of(cell, engine)
    x, state = example(layer, 3, 2)
    names = list(dict(layer.named_parameters()))

    def function(x, *rest):
        s, params = rest[: len(state)], rest[len(state) :]
        y, after = torch.func.functional_call(
            layer, dict(zip(names, params, strict=True)), (x, as_state(s)), {"lengths": torch.tensor([2, 3])}
        )
        return (y, *as_parts(after))

    inputs = (x, *state, *(p.detach().requires_grad_() for p in layer.parameters()))
    assert torch.autograd.gradcheck(function, inputs)


@rows("GRU", "LSTM", "LayerNormGRU")
def test_second_derivatives(cell, engine):
    layer = layer_of(cell, engine)
    x, state = example(layer, 2, 2)
    assert torch.autograd.gradgradcheck(lambda x, *s: layer(x, as_state(s))[0], (x, *state))


@rows()
def test_step_by_step_and_in_chunks(cell, engine):
    layer = layer_of(cell, engine, torch.float32, num_layers=2).eval()
    with torch.no_grad():
        x, state = example(layer)
        whole, after = layer(x, as_state(state))
        s = as_state(state)
        stepped = []
        for t in range(T):
            y, s = layer.step(x[t], s)
            stepped.append(y)
        first, half = layer(x[:2], as_state(state))
        second, end = layer(x[2:], half)
    torch.testing.assert_close(torch.stack(stepped), whole, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(torch.cat([first, second]), whole, rtol=1e-5, atol=1e-6)
    for a, b, c in zip(as_parts(s), as_parts(end), as_parts(after), strict=True):
        torch.testing.assert_close(a, c, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(b, c, rtol=1e-5, atol=1e-6)


@rows()
@pytest.mark.parametrize("both", [False, True], ids=["forward", "bidirectional"])
def test_padding_is_never_read(cell, engine, both):
    """Any amount of padding, filled with NaN, changes no output, state, loss or gradient."""
    layer = layer_of(cell, engine, torch.float32, bidirectional=both)
    x, state = example(layer)
    lengths = torch.tensor(LENGTHS["lengths"])
    results = []
    for extra in (0, 3):
        padded = torch.full((T + extra, B, I), float("nan"))
        for b, n in enumerate(lengths.tolist()):
            padded[:n, b] = x.detach()[:n, b]
        padded.requires_grad_()
        y, after = layer(padded, as_state(state), lengths)
        grads = torch.autograd.grad(loss_of(y[:T], as_parts(after)), [padded, *state, *layer.parameters()])
        assert not y[T:].any()
        results.append([y[:T], *as_parts(after), grads[0][:T], *grads[1:]])
    clean = x.detach().clone().requires_grad_()
    y, after = layer(clean, as_state(state), lengths)
    grads = torch.autograd.grad(loss_of(y, as_parts(after)), [clean, *state, *layer.parameters()])
    for tight, loose, plain in zip(*results, [y, *as_parts(after), *grads], strict=True):
        torch.testing.assert_close(tight, plain, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(loose, plain, rtol=1e-6, atol=1e-6)


@rows()
def test_alone_equals_in_a_batch(cell, engine):
    layer = layer_of(cell, engine, torch.float32, bidirectional=True)
    x, state = example(layer)
    lengths = LENGTHS["lengths"]
    y, after = layer(x, as_state(state), torch.tensor(lengths))
    for b, n in enumerate(lengths):
        alone, end = layer(x[:n, b], as_state([s[:, b] for s in state]))  # unbatched
        torch.testing.assert_close(y[:n, b], alone, rtol=1e-5, atol=1e-6)
        for a, e in zip(as_parts(after), as_parts(end), strict=True):
            torch.testing.assert_close(a[:, b], e, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("k", [1, 2, 4, 6, 50])
@rows("RNN", "LSTM", "GRU", "GRUAfter", "LEM")
def test_truncated_bptt(cell, engine, k):
    """Blocks of k steps hand on the state without its gradient; k >= T is the whole gradient."""
    layer = layer_of(cell, engine, bidirectional=True)
    x, state = example(layer)
    lengths = LENGTHS["lengths"]
    leaves = [x, *state, *layer.parameters()]
    layer.bptt = k
    y, after = layer(x, as_state(state), torch.tensor(lengths))
    got = torch.autograd.grad(loss_of(y, as_parts(after)), leaves)
    wanted, wanted_after = run(layer, STEPS[cell], x, state, lengths, bptt=k)
    torch.testing.assert_close(y, wanted)
    for a, b in zip(got, torch.autograd.grad(loss_of(wanted, wanted_after), leaves), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)
    if k >= T:
        layer.bptt = None
        y, after = layer(x, as_state(state), torch.tensor(lengths))
        full = torch.autograd.grad(loss_of(y, as_parts(after)), leaves)
        for a, b in zip(got, full, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("steps", "rows", "inputs", "hidden"), [(1, 1, 1, 1), (1, 3, 2, 7), (9, 1, 5, 1), (3, 2, 17, 33)]
)
@rows("RNN", "LSTM", "GRU", "LayerNormLSTM", "SRU")
def test_odd_sizes(cell, engine, steps, rows, inputs, hidden):
    needs(engine)
    torch.manual_seed(0)
    layer = Recurrent(getattr(cells, cell), inputs, hidden, engine=engine, dtype=torch.float64)
    x = torch.randn(steps, rows, inputs, dtype=torch.float64, requires_grad=True)
    state = [torch.zeros(1, rows, hidden, dtype=torch.float64) for _ in layer.graph.states]
    y, after = layer(x)
    wanted, wanted_after = run(layer, STEPS[cell], x, state, [steps] * rows)
    torch.testing.assert_close(y, wanted)
    leaves = [x, *layer.parameters()]
    for a, b in zip(
        torch.autograd.grad(loss_of(y, as_parts(after)), leaves, allow_unused=True),
        torch.autograd.grad(loss_of(wanted, wanted_after), leaves, allow_unused=True),
        strict=True,
    ):
        torch.testing.assert_close(torch.zeros(()) if a is None else a, torch.zeros(()) if b is None else b)


@rows("LSTM")
def test_an_empty_sequence_is_refused(cell, engine):
    layer = layer_of(cell, engine)
    x, _ = example(layer)
    with pytest.raises(InputError, match="sequence 2 has length 0"):
        layer(x, lengths=torch.tensor([1, 2, 0, 3]))


def test_every_cell_is_in_the_table():
    assert set(STEPS) == set(cells.__all__)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_cell_that_an_engine_runs_is_in_the_table(engine):
    needs(engine)
    assert {cell for cell in STEPS if can_run(cell, engine)} == {cell for cell, other in ROWS if other == engine}
