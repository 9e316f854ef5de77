"""What `Recurrent` adds around the step: masks, learned starts, output layers, refusals, streams."""

from __future__ import annotations

import math

import pytest
import torch

import elman
from elman import Cell, InputError, cells, tanh
from elman.engines import reference
from elman.engines.choose import ENGINES, choose
from elman.nn import GRU, LSTM, Recurrent


class Hand(Cell):
    """An output of its own, a learned start, parameters that start at given numbers."""

    init = {"b": 0.5, "W": lambda t: torch.nn.init.eye_(t)}
    initial = {"h": "learned"}

    def step(self, x, h):
        h = tanh(self.W @ h + self.U @ x + self.b)
        return h * 2, h


def test_init_and_learned_initial_state():
    layer = Recurrent(Hand, 2, 3, num_layers=2)
    assert torch.equal(layer.W_l0, torch.eye(3))
    assert torch.equal(layer.b_l1, torch.full((3,), 0.5))
    assert layer.U_l0.abs().max() <= 1 / math.sqrt(3)
    assert torch.equal(layer.h_0_l0, torch.zeros(3))
    with torch.no_grad():
        layer.h_0_l0.copy_(torch.tensor([0.1, -0.2, 0.3]))
    x = torch.randn(1, 4, 2)
    y, h = Recurrent.forward(layer, x)
    first = torch.tanh(layer.h_0_l0 + x[0] @ layer.U_l0.T + 0.5)
    torch.testing.assert_close(h[0], first)
    y.sum().backward()
    assert layer.h_0_l0.grad is not None
    assert layer.h_0_l0.grad.abs().sum() > 0


def test_the_output_is_not_carried():
    layer = Recurrent(Hand, 2, 3)
    y, h = layer(torch.randn(4, 2, 2))
    torch.testing.assert_close(y[-1], 2 * h[0])


def masks_of(layer, T, B):
    torch.manual_seed(11)
    return layer._masks(layer.running_graph(), T, B, torch.empty(0, dtype=torch.float64), 0)


@pytest.mark.parametrize("engine", [e for e in ENGINES if e != "torch"])  # whose kernels have no masks inside the loop
def test_recurrent_dropout_is_one_mask_a_sequence(engine, monkeypatch):
    layer = Recurrent(cells.GRU, 3, 4, recurrent_dropout=0.5, dtype=torch.float64)
    try:
        choose(layer.running_graph(), torch.device("cpu"), torch.float64, engine)
    except InputError as error:
        pytest.skip(str(error))
    layer.engine = engine
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    mask = masks_of(layer, 5, 2)["drop_s"]
    monkeypatch.setattr(layer, "_masks", lambda *a: {"drop_s": mask})
    y, _ = layer(x)
    p, s = layer.cell_parameters(), torch.zeros(2, 4, dtype=torch.float64)
    for t in range(5):
        m = s * mask
        r = torch.sigmoid(m @ p["W_r"].T + x[t] @ p["U_r"].T + p["b_r"])
        z = torch.sigmoid(m @ p["W_z"].T + x[t] @ p["U_z"].T + p["b_z"])
        n = torch.tanh((r * m) @ p["W"].T + x[t] @ p["U"].T + p["b"])
        s = z * s + (1 - z) * n
        torch.testing.assert_close(y[t], s)
    assert set(mask.unique().tolist()) <= {0.0, 2.0}


@pytest.mark.parametrize("engine", [e for e in ENGINES if e != "torch"])  # whose kernels have no masks inside the loop
def test_zoneout_keeps_units_in_training_and_mixes_in_evaluation(engine, monkeypatch):
    layer = LSTM(3, 4, zoneout=0.25, dtype=torch.float64)
    try:
        choose(layer.running_graph(), torch.device("cpu"), torch.float64, engine)
    except InputError as error:
        pytest.skip(str(error))
    layer.engine = engine
    plain = LSTM(3, 4, dtype=torch.float64)
    plain.load_state_dict(layer.state_dict())
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    masks = masks_of(layer, 5, 2)
    monkeypatch.setattr(layer, "_masks", lambda *a: masks if layer.training else {})
    for training in (True, False):
        layer.train(training)
        y, _ = layer(x)
        h = c = torch.zeros(1, 2, 4, dtype=torch.float64)
        for t in range(5):
            _, (h_new, c_new) = plain(x[t : t + 1], (h, c))
            z_h, z_c = (masks["zone_h"][t], masks["zone_c"][t]) if training else (0.25, 0.25)
            h, c = z_h * h + (1 - z_h) * h_new, z_c * c + (1 - z_c) * c_new
            torch.testing.assert_close(y[t], h[0])


def test_weight_drop_hits_only_matrices_on_a_state():
    torch.manual_seed(0)
    layer = Recurrent(cells.GRU, 3, 40, weight_drop=0.5)
    dropped = layer._weights(layer.running_graph(), 0, 0)
    own = layer.cell_parameters()
    for name, w in dropped.items():
        if name.startswith("W"):
            assert 0.4 < (w == 0).float().mean() < 0.6
            kept = w != 0
            torch.testing.assert_close(w[kept], 2 * own[name][kept])
        else:
            assert torch.equal(w, own[name])
    layer.eval()
    assert torch.equal(layer._weights(layer.running_graph(), 0, 0)["W"], own["W"])


def test_dropout_between_layers_but_not_after_the_last():
    torch.manual_seed(0)
    layer = GRU(3, 8, num_layers=2, dropout=1.0)
    with torch.no_grad():
        layer.weight_ih_l1.fill_(1.0)
    x = torch.randn(4, 2, 3)
    y, _ = layer(x)
    alone = GRU(8, 8)
    alone.load_state_dict({n.replace("_l1", "_l0"): p for n, p in layer.state_dict().items() if "_l1" in n})
    torch.testing.assert_close(y, alone(torch.zeros(4, 2, 8))[0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LSTM(0, 3), "input_size is 0"),
        (lambda: LSTM(3, 3, num_layers=0), "num_layers"),
        (lambda: LSTM(3, 3, dropout=1.5), "dropout is 1.5"),
        (lambda: LSTM(3, 3, zoneout=1.0), "zoneout is 1.0"),
        (lambda: LSTM(3, 3, proj_size=3), "proj_size is 3"),
        (lambda: Recurrent(cells.GRU, 3, 3, proj_size=2), "no state of width proj_size"),
        (lambda: Recurrent(cells.ProjectedLSTM, 3, 3), "proj_size"),
        (lambda: Recurrent(object, 3, 3), "is not a cell"),
        (lambda: LSTM(3, 4)(torch.randn(5, 2, 7)), "x has shape"),
        (lambda: LSTM(3, 4)(torch.randn(0, 2, 3)), "0 time steps"),
        (lambda: LSTM(3, 4)(torch.randn(5, 2, 3), torch.zeros(1, 2, 4)), "the state has shapes"),
        (lambda: LSTM(3, 4)(torch.randn(5, 2, 3), lengths=[5]), "lengths has shape"),
        (lambda: LSTM(3, 4)(torch.randn(5, 2, 3), lengths=[5, 6]), "sequence 1 has length 6"),
        (lambda: LSTM(3, 4, bidirectional=True).step(torch.randn(2, 3)), "cannot step"),
        (lambda: LSTM(3, 4, recurrent_dropout=0.5).step(torch.randn(2, 3)), "eval()"),
        (lambda: LSTM(3, 4, engine="gpu"), "no engine is called 'gpu'"),
        (lambda: Recurrent(Cell, 3, 4), "Cell has no step"),
        (lambda: LSTM(3, 4)(torch.randn(5, 2, 3).double()), "x is float64 on cpu, the layer float32 on cpu"),
        (lambda: LSTM(3, 4)(torch.ones(5, 2, 3, dtype=torch.int64)), "x is int64"),
        (lambda: LSTM(3, 4).step(torch.randn(2, 3).half()), "x is float16"),
        (lambda: GRU(3, 4)(torch.randn(5, 2, 3), torch.zeros(1, 2, 4).double()), "the state is float64"),
        (lambda: LSTM(3, 4)(torch.randn(5, 2, 3), lengths=[2.5, 3.0]), "lengths are float32; give whole numbers"),
        (lambda: Recurrent(cells.LEM, 3, 4, engine="torch")(torch.randn(5, 2, 3)), "torch has no kernel for LEM"),
    ],
)
def test_what_makes_no_sense_is_one_clear_line(make, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(").replace(")", r"\)")) as error:
        make()
    assert "\n" not in str(error.value)


def test_autocast_hands_over_what_it_made():
    """A linear layer gives bfloat16 under autocast; a recurrent layer computes in the dtype of its weights."""
    layer, x = LSTM(3, 4), torch.randn(5, 2, 3)
    with torch.autocast("cpu", torch.bfloat16):
        y, _ = layer(x.bfloat16())
        step, _ = layer.step(x[0].bfloat16())
    wanted, _ = layer(x.bfloat16().float())
    torch.testing.assert_close(y.float(), wanted, rtol=0.02, atol=0.02)
    torch.testing.assert_close(step.float(), wanted[0], rtol=0.02, atol=0.02)


def test_a_trained_cell_needs_no_code_of_its_author():
    """A layer made from the saved graph computes the same."""
    from elman.equations import Graph

    layer = Recurrent(Hand, 2, 3)
    again = Recurrent(Graph.from_dict(layer.graph.to_dict()), 2, 3)
    again.load_state_dict(layer.state_dict())
    x = torch.randn(4, 2, 2)
    torch.testing.assert_close(again(x)[0], layer(x)[0])


def test_lengths_all_full_equal_none():
    layer = elman.nn.GRU(3, 4, bidirectional=True)
    x = torch.randn(5, 2, 3)
    assert torch.equal(layer(x, lengths=[5, 5])[0], layer(x)[0])


def test_a_scan_of_ones_own_runs_in_place_of_an_engine():
    layer = LSTM(3, 4, num_layers=2, bidirectional=True)
    x = torch.randn(5, 2, 3)
    wanted, _ = layer(x, lengths=[5, 3])
    seen = []

    def own(graph, params, x, states, way):
        seen.append((way.reverse, way.lengths.tolist()))
        return reference.scan(graph, params, x, states, way)

    layer.engine = own
    torch.testing.assert_close(layer(x, lengths=[5, 3])[0], wanted)
    assert seen == [(False, [5, 3]), (True, [5, 3])] * 2
    assert layer.choice().scan is own
