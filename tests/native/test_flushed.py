"""Numbers too small to be normal count as zero in the native engine: on every way through it, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from elman import Cell
from elman.engines import library
from elman.engines.compiled import Step
from elman.nn import Recurrent

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))

TINY = torch.finfo(torch.float32).tiny  # 2 ** -126


class Halved(Cell):
    """What was there fades by a half a step; W keeps it from being elementwise alone."""

    def step(self, x, h):
        return 0.5 * h + self.W @ x


class Turned(Cell):
    """The same by a product."""

    widths = {"h": "I"}

    def step(self, x, h):
        return self.W @ h + x


def halved(cell: type[Cell], H: int = 5) -> Recurrent:
    layer = Recurrent(cell, H, H, engine="native")
    with torch.no_grad():
        layer.W_l0.copy_(0.5 * torch.eye(H))
    return layer


@pytest.fixture(params=[False, True], ids=["kept", "flushed"])
def mode(request: pytest.FixtureRequest) -> Iterator[bool]:
    """Of the calling thread."""
    torch.set_flush_denormal(request.param)
    yield request.param
    torch.set_flush_denormal(False)


def flushes() -> bool:
    return float(np.float32(2.0**-127) * np.ones(1, np.float32)[0]) == 0


@pytest.mark.parametrize("cell", [Halved, Turned])
def test_what_fades_ends_at_zero_and_the_callers_mode_is_as_it_was(cell: type[Cell], mode: bool) -> None:
    """Forward, 2 ** -126 is the last state that is not zero; back, the last gradient. In steps, too; and the caller's
    numbers are treated after it as they were before."""
    layer, one = halved(cell), torch.ones(1, 2, 5)
    x = torch.zeros(130, 2, 5, requires_grad=True)
    assert flushes() == mode
    y, _ = layer(x, one)
    assert flushes() == mode
    assert [float(y[t].min().detach()) for t in (124, 125, 126, 129)] == [2.0**-125, TINY, 0, 0]
    (dx,) = torch.autograd.grad(y[-1].sum(), [x])
    assert flushes() == mode
    last = 1.0 if cell is Turned else 0.5  # what the last x counts
    falls = [float(d.max()) for d in dx.flip(0)]
    assert falls == [v if (v := last * 0.5**k) >= TINY else 0 for k in range(130)]
    with torch.no_grad():
        state = one * 2.0**-125
        for wanted in (TINY, 0.0):
            _, state = layer.step(torch.zeros(2, 5), state)
            assert (state == wanted).all()
    assert flushes() == mode


@pytest.mark.parametrize("cell", [Halved, Turned])
def test_every_way_gives_the_same_bits(cell: type[Cell]) -> None:
    """Whole, in pieces, step by step, and each sequence alone: all of them pass by the smallest numbers."""
    layer = halved(cell)
    torch.manual_seed(0)
    x, state = 4e-38 * torch.rand(140, 3, 5), torch.rand(1, 3, 5)
    x[::2] = 0
    with torch.no_grad():
        whole, _ = layer(x, state)
        piece, now = [], state
        for part in x.split(9):
            y, now = layer(part, now)
            piece.append(y)
        steps, now = [], state
        for one in x:
            y, now = layer.step(one, now)
            steps.append(y)
        alone = torch.cat([layer(x[:, b : b + 1], state[:, b : b + 1])[0] for b in range(3)], 1)
        lengths, _ = layer(x, state, torch.tensor([140, 139, 140]))
    near = whole[(whole != 0) & (whole < 4 * TINY)]
    assert len(near) > 50
    assert (near >= TINY).all()
    for other in (torch.cat(piece), torch.stack(steps), alone):
        assert torch.equal(whole, other)
    assert torch.equal(whole[:, [0, 2]], lengths[:, [0, 2]])


@pytest.mark.parametrize("own", [False, True])
def test_in_every_thread_and_no_longer_than_the_call(own: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.engines.native.own", lambda: own)
    small = torch.full((400_000,), 2.0**-127)

    def found(parts: int, team: int) -> list[Tensor]:
        monkeypatch.setattr(Step, "threads", lambda *_: (parts, team))
        x = torch.zeros(130, 8, 40, requires_grad=True)
        y, _ = halved(Turned, 40)(x, torch.ones(1, 8, 40))
        return [y.detach(), *torch.autograd.grad(y[-1].sum(), [x])]

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        wanted = found(1, 1)
        for other in (found(2, 1), found(1, 2)):
            assert all(torch.equal(a, b) for a, b in zip(wanted, other, strict=True))
        assert (small * 1.0 != 0).all(), "torch's threads"
    finally:
        torch.set_num_threads(threads)
    assert (wanted[0][126:] == 0).all()
    assert (wanted[1][:3] == 0).all()
