"""Inputs far from 1: where the equations have a finite value, every engine finds it, and finite gradients."""

from __future__ import annotations

import pytest
import torch

from contract.oracle import STEPS, run
from contract.test_contract import DTYPES, H, I, as_parts, layer_of, rows
from elman.nn import Recurrent

SIZES = (0.0, 100.0, -100.0, 1e4, -1e4)  # one sequence each; the sixth changes from step to step


def extreme(steps: int, dtype: torch.dtype) -> torch.Tensor:
    """x (steps, 6, I): constant sequences, one of random sign and size, and the same in all dtypes."""
    torch.manual_seed(1)
    constant = torch.tensor(SIZES).expand(steps, len(SIZES))
    mixed = torch.randn(steps, 1).sign() * 10 ** torch.randint(-2, 5, (steps, 1))
    return torch.cat([constant, mixed], 1)[:, :, None].repeat(1, 1, I).to(dtype).requires_grad_()


def gradients(layer: Recurrent, x: torch.Tensor, outputs: list[torch.Tensor]) -> list[torch.Tensor]:
    total = sum(part.sum() for part in outputs)
    return list(torch.autograd.grad(total, [x, *layer.parameters()]))


@pytest.mark.parametrize("dtype", DTYPES)
@rows()
def test_large_inputs_give_what_the_equations_give(cell, engine, dtype):
    layer = layer_of(cell, engine, DTYPES[dtype])
    x = extreme(9, DTYPES[dtype])
    y, after = layer(x)
    found = [y, *as_parts(after)]
    found += gradients(layer, x, found)
    for part in found:
        assert part.isfinite().all()
    if dtype == "float32":
        return  # what sits on the edge of a gate differs in its last digits: float64 tells
    state = [torch.zeros(1, x.shape[1], w, dtype=x.dtype) for w in layer._widths]
    y, after = run(layer, STEPS[cell], x, state, [len(x)] * x.shape[1])
    wanted = [y, *after]
    wanted += gradients(layer, x, wanted)
    for got, right in zip(found, wanted, strict=True):
        assert right.isfinite().all()
        torch.testing.assert_close(got, right, rtol=1e-7, atol=1e-9 * max(1.0, float(right.detach().abs().max())))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("cell", STEPS)
def test_large_inputs_stay_finite_through_many_steps(cell, dtype):
    layer = layer_of(cell, "native", DTYPES[dtype])
    with torch.no_grad():
        for name, p in layer.named_parameters():
            if name.startswith("w"):  # IndRNN's recurrent weights: beyond 1 its state has no bound to find
                p.clamp_(-1, 1)
    x = extreme(400, DTYPES[dtype])
    y, after = layer(x)
    for part in [y, *as_parts(after), *gradients(layer, x, [y])]:
        assert part.isfinite().all()


@rows("SLSTM")
def test_slstm_starts_m_at_the_first_input_gate(cell, engine):
    """An input gate far below the start of m: exp underflows, and 0 / 0 would be left of the cell."""
    layer = layer_of(cell, engine, torch.float32)
    with torch.no_grad():
        for name, p in layer.named_parameters():
            p.zero_() if name.startswith(("W", "U")) else p.fill_({"b_i_l0": -1000.0, "b_z_l0": 0.5}.get(name, 0.0))
    y, (_, _, n, m) = layer(torch.zeros(1, 1, I))
    torch.testing.assert_close(y, torch.full((1, 1, H), 0.5).tanh() * 0.5)  # o * z, whatever i is
    torch.testing.assert_close((n, m), (torch.ones(1, 1, H), torch.full((1, 1, H), -1000.0)))


@rows("MinLSTM")
def test_min_lstm_shares_out_gates_that_underflow(cell, engine):
    layer = layer_of(cell, engine, torch.float32)
    with torch.no_grad():
        for name, p in layer.named_parameters():
            wanted = {"b_f_l0": -300.0, "b_i_l0": -301.0, "b_l0": 1.0}.get(name, 0.0)
            p.fill_(wanted)
    y, _ = layer(torch.zeros(1, 1, I))
    torch.testing.assert_close(y, torch.full((1, 1, H), 1 / (1 + torch.e)))  # i / (f + i), where i = f / e
