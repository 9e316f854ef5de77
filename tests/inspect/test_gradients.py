"""The shares of BPTT sum to autograd's gradient for every cell, and are what pen and paper say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import elman
from elman import cells
from elman.errors import InputError
from elman.inspect.gradients import by_distance, state_gradients, step_shares
from elman.inspect.watching import watched
from elman.layers import Recurrent

T, B, I, H = 6, 3, 2, 4


def layer_of(name: str, **options: object) -> Recurrent:
    torch.manual_seed(5)
    proj = {"proj_size": 3} if name == "ProjectedLSTM" else {}
    inputs = H if name in ("SRU",) else I
    return Recurrent(getattr(cells, name), inputs, H, dtype=torch.float64, engine="reference", **proj, **options)  # type: ignore[arg-type]


def loss_of(layer: Recurrent, x: Tensor, lengths: list[int] | None) -> Tensor:
    """Reads every output and every final state, each with a weight of its own."""
    y, state = layer(x, lengths=lengths)
    states = state if isinstance(state, tuple) else (state,)
    return sum((v * torch.cos(torch.arange(v.numel(), dtype=v.dtype)).view_as(v)).sum() for v in (y, *states))  # type: ignore[return-value]


@pytest.mark.parametrize("name", cells.__all__)
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}], ids=["one", "deep-both-ways"])
@pytest.mark.parametrize("lengths", [None, [2, 6, 1]], ids=["whole", "ragged"])
def test_shares_sum_to_the_gradient(name: str, options: dict[str, object], lengths: list[int] | None) -> None:
    layer = layer_of(name, **options)
    x = torch.randn(T, B, layer.input_size, dtype=torch.float64)
    shares = step_shares(layer, lambda: loss_of(layer, x, lengths))
    loss_of(layer, x, lengths).backward()
    wanted = {n: p.grad for n, p in layer.named_parameters() if "_0_l" not in n}
    assert shares.keys() == wanted.keys()
    for n, share in shares.items():
        assert share.shape == (T, *wanted[n].shape)  # type: ignore[union-attr]
        torch.testing.assert_close(share.sum(0), wanted[n], rtol=1e-10, atol=1e-10)
    assert sum(float(s.abs().sum()) for s in shares.values()) > 0.1


def test_the_sum_by_hand() -> None:
    """h_t = w h_(t-1) + u x_t, L = h_T: step t's share of dL/dw is w^(T-t) h_(t-1), of dL/du it is w^(T-t) x_t."""
    layer = Recurrent(cells.RNN(g=lambda v: v), 1, 1, dtype=torch.float64, engine="reference")
    w, u, x = 0.7, 1.3, [1.0, -2.0, 0.5, 3.0]
    with torch.no_grad():
        for name, value in (("W_l0", w), ("U_l0", u), ("b_l0", 0.0)):
            getattr(layer, name).fill_(value)
    shares = step_shares(layer, lambda: layer(torch.tensor(x, dtype=torch.float64).view(-1, 1, 1))[1].sum())
    h = [0.0]
    for value in x:
        h.append(w * h[-1] + u * value)
    for t in range(4):
        assert shares["W_l0"][t].item() == pytest.approx(w ** (3 - t) * h[t], abs=1e-12)
        assert shares["U_l0"][t].item() == pytest.approx(w ** (3 - t) * x[t], abs=1e-12)
        assert shares["b_l0"][t].item() == pytest.approx(w ** (3 - t), abs=1e-12)


def test_truncation_drops_the_shares_of_earlier_blocks_and_leaves_the_last_untouched() -> None:
    layer = layer_of("GRU")
    x = torch.randn(T, B, I, dtype=torch.float64)

    def loss() -> Tensor:
        return layer(x)[1].square().sum()

    full = step_shares(layer, loss)
    layer.bptt = 4  # blocks [0, 4) and [4, 6)
    cut = step_shares(layer, loss)
    for name in full:
        assert not cut[name][:4].any()
        torch.testing.assert_close(cut[name][4:], full[name][4:], rtol=0, atol=0)
    assert full["W_l0"][:4].any()
    layer.zero_grad()
    loss().backward()
    torch.testing.assert_close(cut["W_l0"].sum(0), layer.W_l0.grad, rtol=1e-10, atol=1e-10)


def test_a_drop_in_inside_a_model_gives_shares_by_the_equations_names() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(elman.nn.LSTM(I, H, batch_first=True, engine="reference").double())
    layer = model[0]
    x = torch.randn(B, T, I, dtype=torch.float64)
    shares = step_shares(layer, lambda: model(x)[0].square().sum())
    model(x)[0].square().sum().backward()
    rows = torch.cat([shares[f"W_{gate}_l0"].sum(0) for gate in "ifgo"])
    torch.testing.assert_close(rows, layer.weight_hh_l0.grad, rtol=1e-10, atol=1e-10)
    assert layer.engine == "reference"


@pytest.mark.parametrize("name", ["GRU", "LSTM", "Elman", "LayerNormGRU"])
def test_watching_changes_no_number(name: str) -> None:
    """Outputs and states while watched are the layer's own, padded with NaN or not."""
    layer = layer_of(name, num_layers=2, bidirectional=True)
    x = torch.randn(T, B, I, dtype=torch.float64)
    lengths = torch.tensor([4, 6, 1])
    x[torch.arange(T)[:, None] >= lengths] = float("nan")
    plain = layer(x, lengths=lengths)
    with watched(layer) as watch:
        seen = layer(x, lengths=lengths)
    torch.testing.assert_close(seen, plain, rtol=1e-12, atol=1e-12)
    first = watch.passes[0, 0]
    assert list(first.states) == list(layer.graph.state_names)
    forwards = first.states[layer.graph.state_names[0]]
    torch.testing.assert_close(forwards[3, 0], forwards[5, 0])  # sequence 0 ends after 4 steps and keeps its state


def test_state_gradients_are_the_powers_of_w_in_a_linear_network() -> None:
    """dL/dh_t = (W^T)^(T-1-t) dL/dh_T, by an independent product of matrices."""
    torch.manual_seed(3)
    layer = Recurrent(cells.RNN(g=lambda v: v), I, H, dtype=torch.float64, engine="reference")
    x = torch.randn(T, B, I, dtype=torch.float64)
    final = torch.randn(B, H, dtype=torch.float64)
    found = state_gradients(layer, lambda: (layer(x)[1][0] * final).sum())["h_l0"]
    for t in range(T):
        wanted = final @ torch.linalg.matrix_power(layer.W_l0.detach(), T - 1 - t)
        torch.testing.assert_close(found[t], wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("lengths", [None, [2, 6, 3]])
def test_a_state_that_leaves_as_output_has_a_gradient_by_that_too(lengths: list[int] | None) -> None:
    """L = sum of all outputs of a linear network: dL/dh_t = 1 W^0 + 1 W^1 + ... up to the sequence's end."""
    torch.manual_seed(3)
    layer = Recurrent(cells.RNN(g=lambda v: v), I, H, dtype=torch.float64)
    x = torch.randn(T, B, I, dtype=torch.float64)
    found = state_gradients(layer, lambda: layer(x, lengths=lengths)[0].sum())["h_l0"]
    ones, W = torch.ones(H, dtype=torch.float64), layer.W_l0.detach()
    for b, end in enumerate(lengths or [T] * B):
        for t in range(T):
            wanted = sum(ones @ torch.linalg.matrix_power(W, s - t) for s in range(t, end))
            torch.testing.assert_close(found[t, b], torch.zeros_like(ones) + wanted, rtol=1e-12, atol=1e-12)


def test_what_is_seen_of_a_batch_is_what_is_seen_of_each_sequence() -> None:
    """Gates, states and copies of the parameters, ragged and in both directions; zero where a gate is not computed."""
    layer = layer_of("LSTM", bidirectional=True)
    x = torch.randn(T, B, I, dtype=torch.float64)
    lengths = [4, 6, 1]
    with watched(layer, own_parameters=True) as together:
        layer(x, lengths=lengths)
    for b, end in enumerate(lengths):
        with watched(layer) as alone:
            layer(x[:end, b : b + 1])
        for place, seen in together.passes.items():
            assert len(seen.parameters) == T
            single = alone.passes[place]
            for name, values in seen.values.items():
                torch.testing.assert_close(values[:end, b], single.values[name][:, 0])
                assert not values[end:, b].any()
            for name, states in seen.states.items():
                torch.testing.assert_close(states[:end, b], single.states[name][:, 0])


def test_a_layer_that_was_prepared_for_streams_is_watched_all_the_same() -> None:
    layer = Recurrent(cells.GRU, I, H)
    x = torch.randn(T, B, I)
    with torch.no_grad():
        for _ in range(4):  # calls of one shape, of which the later ones are prepared
            y, _ = layer(x)
        with watched(layer) as watch:
            layer(x)
        torch.testing.assert_close(watch.passes[0, 0].y, y)
        assert torch.equal(layer(x)[0], y)


def test_distance_is_counted_from_each_sequence_s_own_end() -> None:
    gradients = torch.zeros(4, 2, 1)
    gradients[:, 0, 0] = torch.tensor([1.0, 2.0, 3.0, 4.0])
    gradients[:2, 1, 0] = torch.tensor([10.0, -20.0])
    assert by_distance(gradients, torch.tensor([4, 2])).tolist() == [12.0, 6.5, 2.0, 1.0]
    assert by_distance(gradients, torch.tensor([4, 2]), reverse=True).tolist() == [5.5, 11.0, 3.0, 4.0]
    assert by_distance(gradients[:, :1]).tolist() == [4.0, 3.0, 2.0, 1.0]


def test_a_loss_that_misses_the_layer_is_refused() -> None:
    layer = layer_of("GRU")
    x = torch.randn(T, B, I, dtype=torch.float64)
    with pytest.raises(InputError, match="never called the layer"):
        step_shares(layer, lambda: torch.zeros((), requires_grad=True))
    with pytest.raises(InputError, match="return one number"):
        step_shares(layer, lambda: layer(x)[0])
    layer.requires_grad_(False)
    with pytest.raises(InputError, match="frozen"):
        state_gradients(layer, lambda: layer(x)[0].sum())
    assert layer.engine == "reference"
