"""Chrono initialisation, by what it does: how long a state lasts when nothing comes in."""

from __future__ import annotations

import pytest
import torch
from scipy import stats
from torch import Tensor

from elman import Cell, InputError, cells, sigmoid, tanh
from elman.layers.chrono import GATES
from elman.nn import GRU, LSTM, Recurrent, chrono_

T, H = 50, 400


class Writes(Cell):
    """A cell of one's own that knows only its writing gate; its bias has the name of the LSTM's forget gate."""

    def step(self, x, h):  # type: ignore[no-untyped-def]
        f = sigmoid(self.U_f @ x + self.b_f)
        return h + f * (tanh(self.U @ x + self.b) - h)


def made(cell: type[Cell], longest: float = T, **names: str) -> Recurrent:
    """Everything but the biases that are set is 0: what is left of a state is what its gate keeps."""
    layer = Recurrent(cell, 3, H, proj_size=7 if cell is cells.ProjectedLSTM else 0, dtype=torch.float64)
    with torch.no_grad():
        for p in layer.parameters():
            p.zero_()
    return chrono_(layer, longest, generator=torch.Generator().manual_seed(0), **names)


def kept(layer: Recurrent) -> Tensor:
    """Which share of its state each unit keeps in a step without input; of several, of the last state (an LSTM's c)."""
    small = 1e-5  # the CFN keeps f * tanh(h)
    widths = [7 if name == "h" and layer.proj_size else H for name in layer.graph.state_names]
    states = [torch.full((1, 1, width), small, dtype=torch.float64) for width in widths]
    with torch.no_grad():
        _, after = layer(torch.zeros(1, 1, 3, dtype=torch.float64), tuple(states) if len(states) > 1 else states[0])
    return (after[-1] if isinstance(after, tuple) else after).flatten() / small


@pytest.mark.parametrize("name", GATES)
def test_states_last_from_2_to_longest_each_time_as_often(name: str) -> None:
    """Tallec & Ollivier 2018: the times 1 / (1 - f) are uniform in 2 .. T."""
    times = 1 / (1 - kept(made(getattr(cells, name))))
    assert 2 <= times.min() < 3
    assert T - 1 < times.max() <= T
    assert stats.kstest(times.numpy(), stats.uniform(2, T - 2).cdf).pvalue > 0.05


def test_a_cell_of_one_s_own_names_its_gate() -> None:
    times = 1 / (1 - kept(made(Writes, write="b_f")))
    assert stats.kstest(times.numpy(), stats.uniform(2, T - 2).cdf).pvalue > 0.05
    assert (kept(made(Writes, keep="b_f")) < 0.5).all()  # named the wrong way round, it forgets at once


def test_what_is_written_is_what_is_forgotten() -> None:
    """f + i = 1: with a candidate of 1 everywhere, a state of 1 stays 1."""
    layer = made(cells.LSTM)
    with torch.no_grad():
        layer.b_g_l0.fill_(30.0)  # tanh(30) = 1
        ones = torch.ones(1, 1, H, dtype=torch.float64)
        _, (_, c) = layer(torch.zeros(1, 1, 3, dtype=torch.float64), (ones, ones))
    torch.testing.assert_close(c, ones, rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", [LSTM, GRU])
def test_torch_s_layout_keeps_all_else(make: type[LSTM] | type[GRU]) -> None:
    """Of torch's stacked biases the gate's rows change alone, in every layer and direction, by what torch computes."""
    torch.manual_seed(0)
    layer = make(3, 5, num_layers=2, bidirectional=True)
    before = {name: p.clone() for name, p in layer.named_parameters()}
    assert chrono_(layer, T) is layer
    gates = ("i", "f") if make is LSTM else ("z",)
    rows = {"i": slice(0, 5), "f": slice(5, 10), "z": slice(5, 10)}
    drawn = []
    for name, p in layer.named_parameters():
        if name.startswith("weight"):
            assert torch.equal(p, before[name])
            continue
        others = torch.ones(len(p), dtype=torch.bool)
        for gate in gates:
            others[rows[gate]] = False
        assert torch.equal(p[others], before[name][others]), name
        if name.startswith("bias_ih"):
            total = p + getattr(layer, name.replace("ih", "hh"))
            keeps = total[rows[gates[-1]]]
            assert (keeps > 0).all()
            assert (keeps < torch.tensor(T - 1.0).log()).all()
            drawn.append(keeps)
            if make is LSTM:
                assert torch.equal(total[rows["i"]], -keeps)
    assert len(torch.stack(drawn).unique()) == 4 * 5  # each unit of each layer and direction its own
    theirs = getattr(torch.nn, make.__name__)(3, 5, num_layers=2, bidirectional=True)
    theirs.load_state_dict(layer.state_dict())
    x = torch.randn(6, 2, 3)
    torch.testing.assert_close(layer(x)[0], theirs(x)[0])


def test_a_layer_that_has_run_sees_its_new_biases() -> None:
    torch.manual_seed(0)
    layer, x = LSTM(3, 5).eval(), torch.randn(6, 2, 3)
    with torch.no_grad():
        before, _ = layer(x)
        chrono_(layer, T)
        again, _ = layer(x)
        fresh = LSTM(3, 5)
        fresh.load_state_dict(layer.state_dict())
        assert not torch.equal(before, again)
        torch.testing.assert_close(again, fresh(x)[0])


def test_what_cannot_be_set_is_told() -> None:
    for longest in (2, -5, float("inf"), float("nan")):
        with pytest.raises(InputError, match=r"longest is .*; give more than 2 steps"):
            chrono_(LSTM(3, 5), longest)
    with pytest.raises(InputError, match=r"LSTM is no layer of Elman's; see elman\.convert"):
        chrono_(torch.nn.LSTM(3, 5), T)  # type: ignore[type-var]
    with pytest.raises(InputError, match="LSTM has no biases here"):
        chrono_(LSTM(3, 5, bias=False), T)
    with pytest.raises(InputError, match=r"which gate of RNN keeps its state is not known; .*keep=NAME"):
        chrono_(Recurrent(cells.RNN, 3, 5), T)
    with pytest.raises(InputError, match="GRU has no bias 'b_f'; it has b_r, b_z, b"):
        chrono_(Recurrent(cells.GRU, 3, 5), T, keep="b_f")

    class LSTMs(Cell):
        def step(self, x, h):  # type: ignore[no-untyped-def]
            return tanh(self.U @ x + self.b_f)

    LSTMs.__name__ = "LSTM"  # the packaged one's name is not its equations
    with pytest.raises(InputError, match="which gate of LSTM keeps"):
        chrono_(Recurrent(LSTMs, 3, 5), T)
