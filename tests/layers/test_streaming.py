"""`layer.step` prepares what it can; none of it may be seen in what it returns."""

from __future__ import annotations

import copy
import pickle
import threading

import pytest
import torch
from torch.nn.utils import parametrizations

import elman
from elman import cells
from elman.engines import library
from elman.engines.streaming import Stream
from elman.errors import InputError
from elman.layers import arguments
from elman.nn import GRU, LSTM, RNN, Recurrent

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))

LAYERS = {
    "LSTM": lambda: LSTM(5, 7, num_layers=2),
    "LSTM, projected": lambda: LSTM(5, 7, proj_size=3),
    "GRU": lambda: GRU(5, 7),
    "GRU before": lambda: GRU(5, 7, reset="before"),
    "RNN without biases": lambda: RNN(5, 7, bias=False),
    "LEM": lambda: Recurrent(cells.LEM, 5, 7, num_layers=3),
    "Jordan": lambda: Recurrent(cells.Jordan, 5, 7),
    "zoneout": lambda: Recurrent(cells.GRU, 5, 7, zoneout=0.3),
    "float64": lambda: LSTM(5, 7, dtype=torch.float64),
}


def made(name: str) -> Recurrent:
    torch.manual_seed(0)
    return LAYERS[name]().eval()


def steps(layer: Recurrent, x: torch.Tensor, state: object = None) -> tuple[torch.Tensor, object]:
    """x, one step at a time."""
    ys = []
    with torch.no_grad():
        for x_t in x:
            y, state = layer.step(x_t, state)
            ys.append(y)
    return torch.stack(ys), state


def drawn(layer: Recurrent, T: int = 6, B: int = 3) -> torch.Tensor:
    g = torch.Generator().manual_seed(1)
    return torch.randn(T, B, 5, generator=g, dtype=next(layer.parameters()).dtype)


@pytest.mark.parametrize("name", LAYERS)
def test_steps_equal_the_whole_sequence(name: str) -> None:
    layer = made(name)
    x = drawn(layer)
    with torch.no_grad():
        whole, end = layer(x)
    y, state = steps(layer, x)
    torch.testing.assert_close(y, whole)
    torch.testing.assert_close(state, end)
    torch.testing.assert_close(steps(layer, x[4:], steps(layer, x[:4])[1])[0], whole[4:])


@pytest.mark.parametrize("change", ["in place", "data", "load", "optimiser", "one of two"])
def test_a_step_sees_weights_that_moved(change: str) -> None:
    layer, fresh = LSTM(5, 7).eval(), LSTM(5, 7).eval()
    x = drawn(layer)
    steps(layer, x)
    with torch.no_grad():
        if change == "in place":
            for p, q in zip(layer.parameters(), fresh.parameters(), strict=True):
                p.copy_(q)
        elif change == "data":
            for p, q in zip(layer.parameters(), fresh.parameters(), strict=True):
                p.data = q.data.clone()
        elif change == "load":
            layer.load_state_dict(fresh.state_dict())
        elif change == "one of two":
            layer.bias_hh_l0.add_(1)
            fresh = copy.deepcopy(layer)
    if change == "optimiser":
        layer.train()
        optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1, fused=True)
        layer(x)[0].sum().backward()
        optimizer.step()
        fresh.load_state_dict(layer.state_dict())
        layer.eval()
    assert torch.equal(steps(layer, x)[0], steps(fresh, x)[0])


def test_what_a_step_returned_is_the_callers() -> None:
    """Results are new tensors: the next step does not write over them, nor over the state it was given."""
    layer = LSTM(5, 7, num_layers=2).eval()
    x = drawn(layer)
    with torch.no_grad():
        y, state = layer.step(x[0])
        kept = [t.clone() for t in (y, *state)]
        layer.step(x[1], state)
    assert all(torch.equal(a, b) for a, b in zip(kept, (y, *state), strict=True))


def test_batches_of_different_sizes_and_strided_input() -> None:
    layer = GRU(5, 7).eval()
    x = drawn(layer, B=4)
    alone = torch.cat([steps(layer, x[:, i : i + 1])[0] for i in range(4)], 1)
    torch.testing.assert_close(steps(layer, x)[0], alone)
    wide = torch.randn(6, 4, 10)
    wide[..., ::2] = x
    torch.testing.assert_close(steps(layer, wide[..., ::2])[0], alone)
    with torch.no_grad():
        state = torch.zeros(7, 4, 1).permute(2, 1, 0)
        torch.testing.assert_close(layer.step(x[0], state)[0], alone[0])


def test_threads_step_one_layer_at_once() -> None:
    """The prepared call belongs to one thread at a time; others take the usual way."""
    layer = LSTM(5, 7).eval()
    xs = [drawn(layer, T=60) + i for i in range(4)]
    wanted = [steps(layer, x)[0] for x in xs]
    found: list[torch.Tensor | None] = [None] * 4

    def work(i: int) -> None:
        found[i] = steps(layer, xs[i])[0]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b)


def test_dropout_turned_on_after_a_first_step_acts() -> None:
    layer = LSTM(5, 7, num_layers=2)  # in training mode
    x = drawn(layer)
    plain = steps(layer, x)[0]
    layer.dropout = 0.9
    assert not torch.allclose(steps(layer, x)[0], plain)


def test_a_parametrised_weight_is_read_anew() -> None:
    layer = parametrizations.weight_norm(RNN(5, 7).eval(), "weight_hh_l0")
    x = drawn(layer)
    with torch.no_grad():
        before = steps(layer, x)[0]
        layer.parametrizations.weight_hh_l0.original0.mul_(2)
        whole = layer(x)[0]
    assert not torch.allclose(before, whole)
    torch.testing.assert_close(steps(layer, x)[0], whole)


def test_copies_and_pickles_prepare_their_own() -> None:
    layer = GRU(5, 7).eval()
    x = drawn(layer)
    y = steps(layer, x)[0]
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(steps(other, x)[0], y)
        with torch.no_grad():
            other.weight_hh_l0.mul_(2)
        assert not torch.equal(steps(other, x)[0], y)
    assert torch.equal(steps(layer, x)[0], y)


def test_steps_with_gradients_are_differentiated() -> None:
    layer = GRU(5, 7)
    x = drawn(layer, T=4)
    state, total = None, torch.zeros(())
    for x_t in x:
        y, state = layer.step(x_t, state)
        total = total + y.pow(2).sum()
    total.backward()
    stepped = {n: p.grad.clone() for n, p in layer.named_parameters()}
    layer.zero_grad()
    layer(x)[0].pow(2).sum().backward()
    for n, p in layer.named_parameters():
        torch.testing.assert_close(stepped[n], p.grad)


def test_gradients_of_both_biases_are_apart() -> None:
    """One sum, two stored biases: each has a gradient of its own that can be changed alone."""
    for layer in (LSTM(5, 7), GRU(5, 7), GRU(5, 7, reset="before")):
        reference = type(layer)(5, 7, engine="reference", **({"reset": layer.reset} if hasattr(layer, "reset") else {}))
        reference.load_state_dict(layer.state_dict())
        x = drawn(layer)
        for m in (layer, reference):
            m(x)[0].pow(2).sum().backward()
        for p, q in zip(layer.parameters(), reference.parameters(), strict=True):
            torch.testing.assert_close(p.grad, q.grad)
        other = layer.bias_hh_l0.grad.clone()
        layer.bias_ih_l0.grad.zero_()
        assert torch.equal(layer.bias_hh_l0.grad, other)


@pytest.mark.parametrize("frozen", ["bias_ih_l0", "bias_hh_l0", "weight_ih_l0", "weight_hh_l0"])
def test_a_frozen_parameter_gets_no_gradient_and_the_others_keep_theirs(frozen: str) -> None:
    layer = GRU(5, 7)
    x = drawn(layer)
    layer(x)[0].pow(2).sum().backward()
    wanted = {n: p.grad.clone() for n, p in layer.named_parameters()}
    layer.zero_grad()
    getattr(layer, frozen).requires_grad_(False)
    layer(x)[0].pow(2).sum().backward()
    for n, p in layer.named_parameters():
        if n == frozen:
            assert p.grad is None
        else:
            torch.testing.assert_close(p.grad, wanted[n])


def test_explain_still_names_the_engine() -> None:
    assert "native" in str(elman.explain(GRU(5, 7)))


def test_a_step_after_a_call_with_other_weights() -> None:
    """What was prepared for weights handed in for one call does not serve the layer's own."""
    layer, other = GRU(5, 7).eval(), GRU(5, 7).eval()
    x = drawn(layer)
    wanted = steps(layer, x)[0]
    with torch.no_grad():
        torch.func.functional_call(layer, dict(other.named_parameters()), (x,))
    state = torch.zeros(1, 3, 7)
    with torch.no_grad():
        assert torch.equal(layer.step(x[0], state)[0], wanted[0])


def test_what_lies_elsewhere_is_not_read() -> None:
    """A prepared step reads addresses: those of a tensor on another device lead nowhere."""
    layer = made("GRU")
    x = drawn(layer, B=1)
    _, state = steps(layer, x)
    with torch.no_grad():
        wanted, _ = layer.step(x[0], state)
        for there in ((x[0].to("meta"), state), (x[0], state.to("meta"))):
            with pytest.raises((InputError, RuntimeError, NotImplementedError)):
                layer.step(*there)
        torch.testing.assert_close(layer.step(x[0], state)[0], wanted)


def test_whole_sequences_between_steps_leave_them_as_they_were() -> None:
    layer = made("LSTM")
    x = drawn(layer, B=1)
    wide = torch.stack([x, x], 3)[..., 0]  # the same numbers, a step apart by twice their width
    _, state = steps(layer, x)
    with torch.no_grad():
        wanted = layer.step(x[0], state)[0]
        for _ in range(2):
            layer(wide[:1].movedim(2, 0).contiguous().movedim(0, 2), state)
            torch.testing.assert_close(layer.step(x[0], state)[0], wanted)
            layer(x, state)
            torch.testing.assert_close(layer.step(x[0], state)[0], wanted)
            layer.step(x[0].repeat(3, 1), tuple(s.repeat(1, 3, 1) for s in state))
            torch.testing.assert_close(layer.step(x[0], state)[0], wanted)


@pytest.mark.parametrize("start", [False, True], ids=["from zeros", "from a state"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_call_like_the_one_before_gives_what_the_first_gave(name: str, start: bool) -> None:
    """The second call of a shape prepares, the third finds it prepared; none may show in what comes out."""
    layer, fresh = made(name), made(name)
    x = drawn(layer)
    with torch.no_grad():
        state = layer(x.flip(0))[1] if start else None
        first = layer(x, state)
        again = [layer(x, state) for _ in range(3)]
        moved = [layer(2 * x, state), layer(x[:2], state), layer(x, state)]
        for p, q in zip(layer.parameters(), fresh.parameters(), strict=True):
            p.mul_(1.5)
            q.mul_(1.5)
        last = layer(x, state)
        assert all(torch.equal(y, first[0]) for y, _ in (*again, moved[2]))  # none was written over by a later call
        torch.testing.assert_close([s for _, s in again], [first[1]] * 3, rtol=0, atol=0)
        assert not torch.equal(last[0], first[0])
        for found, wanted in ((moved[0], 2 * x), (moved[1], x[:2])):
            other = made(name)
            torch.testing.assert_close(found, other(wanted, state), rtol=0, atol=0)
        torch.testing.assert_close(last, fresh(x, state), rtol=0, atol=0)
    layer.train()
    y, _ = layer(x, state)
    assert y.requires_grad


@pytest.mark.parametrize("sizes", [(1, 2, 2), (1, 2, 3, 1, 2), (1, 2, 3, 4, 5, 6)])
@pytest.mark.parametrize("name", ["LSTM", "LEM", "float64"])
def test_chunks_of_several_sizes_by_turns_are_the_whole_sequence(
    name: str, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the few sizes stays prepared; of more than are kept all are right still. A weight that moves is seen."""
    layer, rounds, prepared = made(name), 4, list[bool]()
    x = drawn(layer, rounds * sum(sizes))
    step = Stream.step
    monkeypatch.setattr(Stream, "step", lambda *given: [found := step(*given), prepared.append(found is not None)][0])
    for moved in (False, True):
        with torch.no_grad():
            if moved:
                next(layer.parameters()).mul_(0.5)
            whole, end = layer(x)
            prepared.clear()
            ys, state = [], None
            for chunk in torch.split(x, list(sizes) * rounds):
                y, state = layer(chunk, state)
                ys.append(y)
        assert torch.allclose(torch.cat(ys), whole, atol=1e-5)
        assert all(map(torch.allclose, arguments.parts(state), arguments.parts(end)))
        if len(set(sizes)) <= 4:
            assert all(prepared[2 * len(sizes) :])  # a first round prepares, at the latest the second
            assert not all(prepared)


def test_a_prepared_call_refuses_what_a_first_call_refuses() -> None:
    layer = made("LSTM")
    x = drawn(layer)
    with torch.no_grad():
        for _ in range(3):
            _, (h, c) = layer(x)
        for wrong in ((h,), (h, c[:, :2]), (h, 5), 5, h, (h.double(), c)):
            with pytest.raises(InputError):
                layer(x, wrong)
        with pytest.raises(InputError):
            layer(x[..., :4])
        with pytest.raises(InputError):
            layer(x[:0])


@pytest.mark.parametrize("which", ["x", "state"])
def test_a_negated_view_is_read_as_what_it_stands_for(which: str) -> None:
    """torch hands out conjugates' imaginary parts so: other numbers lie in memory than the tensor has."""
    layer = made("GRU")
    x, state = drawn(layer, 2)[0], torch.randn(1, 3, 7)
    with torch.no_grad():
        for _ in range(2):
            layer.step(x, state)
        if which == "x":
            found, wanted = layer.step(torch._neg_view(x), state), layer.step(-x, state)
        else:
            found, wanted = layer.step(x, torch._neg_view(state)), layer.step(x, -state)
    torch.testing.assert_close(found, wanted)
