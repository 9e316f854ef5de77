"""Plain cells forget, and gated ones keep, as their equations say: checked where the answer is known in closed form."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from elman import cells
from elman.inspect import memory
from elman.inspect.gates import activations, gate_names
from elman.inspect.gradients import by_distance, state_gradients
from elman.inspect.memory import half_life, influence, remembered
from elman.layers import Recurrent

T, B, I, H = 12, 2, 3, 5


def orthogonal(seed: int = 0) -> Tensor:
    return torch.linalg.qr(torch.randn(H, H, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)))[0]


def linear(radius: float) -> Recurrent:
    """h_t = radius Q h_(t-1) + U x_t with Q orthogonal: every singular value, and the spectral radius, is `radius`."""
    torch.manual_seed(1)
    layer = Recurrent(cells.RNN(g=lambda v: v), I, H, dtype=torch.float64, engine="reference")
    with torch.no_grad():
        layer.W_l0.copy_(radius * orthogonal())
    return layer


@pytest.mark.parametrize("radius", [0.6, 1.0, 1.3])
def test_rnn_gradients_shrink_or_grow_geometrically_with_the_spectral_radius(radius: float) -> None:
    layer = linear(radius)
    x = torch.randn(T, B, I, dtype=torch.float64)
    curve = by_distance(state_gradients(layer, lambda: layer(x)[1].sum())["h_l0"])
    wanted = math.sqrt(H) * radius ** torch.arange(T, dtype=torch.float64)
    torch.testing.assert_close(curve, wanted, rtol=1e-12, atol=0)


def test_a_tanh_rnn_never_carries_more_than_the_linear_one() -> None:
    """|tanh'| <= 1, so the largest singular value bounds each step; and it bites: the bound is not reached."""
    torch.manual_seed(2)
    layer = Recurrent(cells.RNN, I, H, dtype=torch.float64, engine="reference")
    with torch.no_grad():
        layer.W_l0.copy_(0.9 * orthogonal())
    x = 2 * torch.randn(T, B, I, dtype=torch.float64)
    curve = by_distance(state_gradients(layer, lambda: layer(x)[1].sum())["h_l0"])
    bound = curve[0] * 0.9 ** torch.arange(T, dtype=torch.float64)
    assert (curve[1:] < bound[1:]).all()


def test_remembered_and_influence_are_the_powers_of_w_times_u() -> None:
    layer = linear(0.8)
    x = torch.randn(T, B, I, dtype=torch.float64)
    W, U = layer.W_l0.detach(), layer.U_l0.detach()
    norms = torch.stack([(torch.linalg.matrix_power(W, d) @ U).norm() for d in range(T)])
    torch.testing.assert_close(remembered(layer, x), norms[:, None].expand(T, B))
    found = influence(layer, x[:, 0])
    for t in range(T):
        torch.testing.assert_close(found[t, : t + 1], norms[: t + 1].flip(0))
    assert not found.triu(1).any()
    assert half_life(norms) == pytest.approx(math.log(0.5) / math.log(0.8), abs=0.05)


def test_remembered_a_few_units_at_a_time_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = linear(0.8)
    x = torch.randn(T, B, I, dtype=torch.float64)
    whole = remembered(layer, x)
    monkeypatch.setattr(memory, "AT_ONCE", 2 * x.numel())
    torch.testing.assert_close(remembered(layer, x), whole)


def test_remembered_reads_no_padding_and_counts_from_each_end() -> None:
    torch.manual_seed(4)
    layer = Recurrent(cells.GRU, I, H, num_layers=2, bidirectional=True, dtype=torch.float64, engine="reference")
    x = torch.randn(T, B, I, dtype=torch.float64)
    x[5:, 0] = float("nan")
    found = remembered(layer, x, [5, T])
    alone = remembered(layer, x[:5, :1])
    torch.testing.assert_close(found[:5, 0], alone[:, 0])
    assert found[5:, 0].isnan().all()
    assert not found[:, 1].isnan().any()


def saturated(forget: float, write: float) -> Recurrent:
    """An LSTM whose forget and input gates stand at the sigmoid of these, whatever it reads."""
    torch.manual_seed(6)
    layer = Recurrent(cells.LSTM, I, H, dtype=torch.float64, engine="reference")
    with torch.no_grad():
        for gate, value in (("f", forget), ("i", write)):
            getattr(layer, f"b_{gate}_l0").fill_(value)
            getattr(layer, f"W_{gate}_l0").zero_()
            getattr(layer, f"U_{gate}_l0").zero_()
    return layer


def test_an_lstm_with_an_open_forget_gate_carries_gradient_and_state_unchanged() -> None:
    """f = 1, i = 0: c_t = c_0 and dL/dc_t = dL/dc_T to the last bit, over 200 steps."""
    layer = saturated(forget=800.0, write=-800.0)
    x = torch.randn(200, B, I, dtype=torch.float64)
    start = (torch.randn(1, B, H, dtype=torch.float64), torch.randn(1, B, H, dtype=torch.float64))
    weights = torch.randn(1, B, H, dtype=torch.float64)
    gradient = state_gradients(layer, lambda: (layer(x, start)[1][1] * weights).sum())["c_l0"]
    assert torch.equal(gradient, weights.expand(200, B, H))
    assert torch.equal(layer(x, start)[1][1], start[1])


def test_a_forget_gate_at_one_half_halves_the_gradient_each_step() -> None:
    layer = saturated(forget=0.0, write=-800.0)
    x = torch.randn(T, B, I, dtype=torch.float64)
    curve = by_distance(state_gradients(layer, lambda: layer(x)[1][1].sum())["c_l0"])
    torch.testing.assert_close(curve, math.sqrt(H) * 0.5 ** torch.arange(T, dtype=torch.float64))


def test_a_closed_forget_gate_overwrites() -> None:
    """f = 0, and no way from h to the gates: the state knows its last input and nothing before it."""
    layer = saturated(forget=-800.0, write=0.0)
    with torch.no_grad():
        layer.W_g_l0.zero_()
        layer.W_o_l0.zero_()
    found = remembered(layer, torch.randn(T, B, I, dtype=torch.float64))
    assert (found[0] > 0.01).all()
    assert not found[1:].any()


def test_a_gru_overwrites_exactly_when_its_input_tells_it_to() -> None:
    """z = 1 keeps, z = 0 overwrites; z reads the third input alone, which is set once."""
    torch.manual_seed(7)
    layer = Recurrent(cells.GRU, I, H, dtype=torch.float64, engine="reference")
    with torch.no_grad():
        layer.W_z_l0.zero_()
        layer.U_z_l0.zero_()
        layer.U_z_l0[:, 2] = -1600.0
        layer.b_z_l0.fill_(800.0)
        layer.W_l0.zero_()
    x = torch.randn(T, I, dtype=torch.float64)
    x[:, 2] = 0.0
    x[7, 2] = 1.0
    found = influence(layer, x)
    assert (found[7:, 7] > 0.01).all()  # what was written at 7 stays
    torch.testing.assert_close(found[7:, 7], found[7, 7].expand(T - 7))
    found[:, 7] = 0
    assert not found.any()  # nothing else ever enters, and nothing from before survives


def test_gates_are_the_sigmoids_of_the_equation_worked_out_apart() -> None:
    torch.manual_seed(8)
    layer = Recurrent(cells.LSTM, I, H, bidirectional=True, dtype=torch.float64, engine="reference")
    x = torch.randn(T, B, I, dtype=torch.float64)
    seen = activations(layer, lambda: layer(x))
    assert list(seen) == ["l0", "l0_reverse"]
    values = seen["l0"]
    p = {n: v.detach() for n, v in layer.cell_parameters().items()}
    h, c = values["h"][3], values["c"][3]
    f = torch.sigmoid(h @ p["W_f"].T + x[4] @ p["U_f"].T + p["b_f"])
    i = torch.sigmoid(h @ p["W_i"].T + x[4] @ p["U_i"].T + p["b_i"])
    g = torch.tanh(h @ p["W_g"].T + x[4] @ p["U_g"].T + p["b_g"])
    torch.testing.assert_close(values["f"][4], f)
    torch.testing.assert_close(values["c"][4], f * c + i * g)
    y = layer(x)[0]
    torch.testing.assert_close(values["h"], y[..., :H])
    torch.testing.assert_close(seen["l0_reverse"]["h"], y[..., H:])


@pytest.mark.parametrize(
    ("name", "gates"), [("LSTM", "ifo"), ("GRU", "rz"), ("RNN", ""), ("CoupledLSTM", "fo"), ("PeepholeLSTM", "ifo")]
)
def test_gates_are_told_from_candidates(name: str, gates: str) -> None:
    assert sorted(gate_names(getattr(cells, name)().graph)) == sorted(gates)


def test_half_life_by_hand() -> None:
    assert half_life(torch.tensor([8.0, 6.0, 2.0, 1.0])) == 1.5
    assert half_life(torch.tensor([1.0, 0.1, 0.9, 0.3])) == pytest.approx(2 + 0.4 / 0.6)
    assert half_life(torch.tensor([1.0, 0.9, 0.8])) == math.inf
    assert half_life(torch.tensor([4.0, 1.0, float("nan")])) == pytest.approx(2 / 3)
