"""Products of numbers rounded to bfloat16, in training alone: whole numbers, which it holds, to the last bit; others as
the rounded numbers say; and nowhere where they are not asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from elman import Cell, InputError, cells
from elman.engines import compiled, library, native, reference
from elman.nn import Recurrent
from elman.training.precision import products, rounded
from native.random_runs import run_of

HAS = library.missing() is None and (library.halves() or "wide" in library.load().elman_isas().decode().split(","))
pytestmark = pytest.mark.skipif(not HAS, reason="no native engine that multiplies bfloat16")
needs_halves = pytest.mark.skipif(library.missing() is not None or not library.halves(), reason="AVX512-BF16")

# T, B, I, H: nothing a multiple of anything, odd sums, odd rows, one of each, sums in pieces, many panels
SIZES = [
    (3, 40, 7, 9),
    (2, 70, 1, 1),
    (3, 33, 33, 65),
    (1, 300, 48, 31),
    (2, 67, 1100, 6),
    (2, 65, 5, 1030),
    (66, 1, 3, 2),
]


class Summed(Cell):
    """Nothing but products."""

    def step(self, x, s):
        return self.W @ s + self.U @ x


class Shown(Cell):
    """One product of x, which its state passes on."""

    def step(self, x, s):
        return self.U @ x + self.b


def whole(layer: Recurrent, generator: torch.Generator) -> None:
    """Few weights that are not 0, so that sums stay small: numbers of 8 bits."""
    with torch.no_grad():
        for p in layer.parameters():
            drawn = torch.randint(-1, 2, p.shape, generator=generator).float()
            p.copy_(drawn * (torch.rand(p.shape, generator=generator) < 2 / p.shape[-1]))


def everything(layer: Recurrent, x: Tensor, bf16: bool, lengths: Tensor | None = None, **way: int) -> list[Tensor]:
    """y, the last state, and all gradients of whole numbers that arrive."""
    with products("bf16" if bf16 else "full"):
        y, after = layer(x, lengths=lengths, **way)
        arriving = torch.arange(y.numel()).view_as(y) % 3 - 1.0
        total = (y * arriving).sum() + after.sum()
        return [y, after, *torch.autograd.grad(total, [x, *layer.parameters()])]


@needs_halves
@pytest.mark.parametrize("threads", [(1, 1), (2, 1), (1, 2)], ids=str)
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_whole_numbers_are_what_they_are(
    sizes: tuple[int, int, int, int], ragged: bool, threads: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    T, B, I, H = sizes
    generator = torch.Generator().manual_seed(1)
    monkeypatch.setattr(compiled.Step, "threads", lambda self, T, B: (min(threads[0], B), threads[1]))
    layer = Recurrent(Summed, I, H, bidirectional=True, engine="native")
    whole(layer, generator)
    x = torch.randint(-3, 4, (T, B, I), generator=generator).float().requires_grad_()
    lengths = torch.randint(1, T + 1, (B,), generator=generator) if ragged else None
    if ragged and lengths is not None and int(lengths.sum()) < 70:
        lengths = torch.full((B,), T)
    full, half = (everything(layer, x, bf16, lengths) for bf16 in (False, True))
    for a, b in zip(full, half, strict=True):
        assert float(a.detach().abs().max()) <= 2**24  # else float32 would not hold it either
        assert torch.equal(a, b)
    assert any(bool(a.detach().any()) for a in full[2:])


@needs_halves
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_others_are_rounded_and_summed_in_single_precision(sizes: tuple[int, int, int, int]) -> None:
    """A product, there and back, beside torch's of the rounded numbers in double precision; bias and its gradient are
    not rounded."""
    T, B, I, H = sizes
    torch.manual_seed(2)
    layer = Recurrent(Shown, I, H, engine="native")
    x = torch.randn(T, B, I).requires_grad_()
    arriving = torch.randn(T, B, H)
    with products("bf16"):
        y, _ = layer(x)
        y.backward(arriving)
    near = [t.detach().bfloat16().double() for t in (x, layer.U_l0, arriving)]
    wanted = {
        "y": near[0] @ near[1].T + layer.b_l0.detach().double(),
        "x": near[2] @ near[1],
        "U": near[2].flatten(0, 1).T @ near[0].flatten(0, 1),
        "b": arriving.double().sum((0, 1)),
    }
    found = {"y": y.detach(), "x": x.grad, "U": layer.U_l0.grad, "b": layer.b_l0.grad}
    for name, right in wanted.items():
        scale = float(right.abs().max())
        assert float((found[name].double() - right).abs().max()) < 2e-6 * scale * max(1, (T * B) ** 0.5), name
    exact = x.detach() @ layer.U_l0.detach().T + layer.b_l0.detach()
    assert not torch.allclose(found["y"], exact, rtol=0, atol=1e-5)


@needs_halves
@pytest.mark.parametrize("cell", ["RNN", "LSTM", "GRU", "LayerNormGRU", "MinGRU", "LEM", "SRU"])
def test_gradients_of_cells_are_near(cell: str) -> None:
    torch.manual_seed(3)
    layer = Recurrent(getattr(cells, cell), 21, 38, num_layers=2, engine="native")
    x = torch.randn(9, 11, 21).requires_grad_()

    def gradients(precision: str) -> list[Tensor]:
        with products(precision):
            y, _ = layer(x)
            loss = (y * torch.linspace(-1, 1, 38)).sum()
            return [y.detach(), *torch.autograd.grad(loss, [x, *layer.parameters()])]

    for full, half in zip(gradients("full"), gradients("bf16"), strict=True):
        apart = float((full - half).norm() / full.norm())
        assert 1e-5 < apart < 0.02


@needs_halves
def test_what_is_no_number_stays_none() -> None:
    """Also one whose digits all lie in the half that is cut off."""
    layer = Recurrent(Shown, 3, 4, engine="native")
    for bits in (0x7FC00000, 0x7F800000, 0x7F800001, 0x7FFFFFFF):
        x = torch.ones(80, 2, 3)
        # by torch alone: Python would hand on another where it signals (0x7F800001)
        x[5, 1, 2:] = torch.tensor([bits], dtype=torch.int32).view(torch.float32)
        assert x[5, 1].view(torch.int32)[2] == bits
        with products("bf16"):
            y, _ = layer(x.requires_grad_())
        found = torch.isfinite(y.detach())
        assert not found[5, 1].any()
        assert int(found.sum()) == 80 * 2 * 4 - 4


@needs_halves
def test_only_where_it_is_asked_for() -> None:
    """Not when the block has ended, not in inference, not in double precision, not in calls of few rows, not where
    torch's own setting says medium."""
    torch.manual_seed(4)
    layer = Recurrent(cells.GRU, 5, 6, engine="native")
    x = torch.randn(20, 10, 5)

    def learned(x: Tensor = x, layer: Recurrent = layer) -> list[Tensor]:
        y, _ = layer(x)
        return [y.detach(), *torch.autograd.grad(y.square().sum(), list(layer.parameters()))]

    def same(found: list[Tensor], wanted: list[Tensor]) -> bool:
        return all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))

    before = learned()
    with products("bf16"):
        assert not same(learned(), before)
        with torch.no_grad():
            inferred = layer(x)[0]
        with products("full"):  # the inner one says nothing
            assert not same(learned(), before)
    with torch.no_grad():
        assert torch.equal(layer(x)[0], inferred)
    assert same(learned(), before)
    few, double = learned(x[:6]), Recurrent(cells.GRU, 5, 6, engine="native").double()
    exact = learned(x.double(), double)
    with products("bf16"):
        assert same(learned(x[:6]), few)
        assert same(learned(x.double(), double), exact)
    torch.set_float32_matmul_precision("medium")
    try:
        assert same(learned(), before)
    finally:
        torch.set_float32_matmul_precision("highest")


@needs_halves
def test_back_is_as_forward_was() -> None:
    """Whether the way back is taken inside the block or after it."""
    torch.manual_seed(5)
    layer = Recurrent(cells.LSTM, 5, 6, engine="native")
    x = torch.randn(20, 10, 5).requires_grad_()
    found = []
    for inside in (True, False):
        with products("bf16"):
            y, _ = layer(x)
            if inside:
                found.append(torch.autograd.grad(y.sum(), [x, *layer.parameters()]))
        if not inside:
            found.append(torch.autograd.grad(y.sum(), [x, *layer.parameters()]))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


class Near(torch.autograd.Function):
    """A product of rounded factors, as is what it hands back."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, w: Tensor) -> Tensor:
        ctx.save_for_backward(near(a), near(w))
        return near(a) @ near(w).T

    @staticmethod
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor, Tensor]:
        a, w = ctx.saved_tensors
        return near(d) @ w, near(d).reshape(-1, len(w)).T @ a.reshape(-1, w.shape[1])


def near(t: Tensor) -> Tensor:
    return t.float().bfloat16().double()


@needs_halves
@pytest.mark.parametrize("first", range(0, 600, 200))
def test_random_cells_are_what_rounded_factors_make(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the reference engine in double precision, whose products round their factors, there and back. (Mostly
    1e-7 from that and 3e-3 from one that does not; more where a last bit decides how a number is rounded.) Calls of few
    rows round, too, and none that is inference."""
    monkeypatch.setattr(compiled, "FEW", 0)
    seen = 0
    for seed in range(first, first + 200):
        run = run_of(seed)
        if run.leaves[0].dtype is not torch.float32:  # it has kinks, where what was rounded decides
            continue
        given = {name: mask.double() for name, mask in run.given.items()}
        exact = replace(run, leaves=[t.double() for t in run.leaves], given=given)
        try:
            apart = exact.on(reference)
        except InputError:
            continue
        with monkeypatch.context() as patched:
            if any(run.wanted):
                patched.setattr(reference, "F", SimpleNamespace(linear=Near.apply))
            wanted = exact.on(reference)
        monkeypatch.setattr(compiled.Step, "threads", lambda *_, threads=run.threads: threads)
        with products("bf16"):
            got = run.on(native)
        for a, b, full in zip(got, wanted, apart, strict=True):
            scale = max(float(b.norm()), 1e-3)
            assert float((a - b).norm()) < 1e-3 * scale, f"seed {seed}"
            seen += float((a - full).norm()) > 1e-3 * scale
    assert seen > 20


@needs_halves
def test_threads_ask_for_themselves() -> None:
    """Steps that overlap, so that the block that began first is left first; and one in full precision beside them."""
    torch.manual_seed(6)
    layer = Recurrent(cells.GRU, 5, 6, engine="native")
    x = torch.randn(20, 10, 5)
    met = [Barrier(3) for _ in range(4)]

    def learned(precision: str = "full", first: int = 0, last: int = 2) -> Tensor:
        """y of a block that lies between two meetings."""
        for meeting in met[:first]:
            meeting.wait(60)
        with products(precision):
            for meeting in met[first:last]:
                meeting.wait(60)
            y = layer(x)[0].detach()
        for meeting in met[last:]:
            meeting.wait(60)
        return y

    before = layer(x)[0].detach()
    with products("bf16"):
        half = layer(x)[0].detach()
    with ThreadPoolExecutor(3) as pool:
        one, other, full = pool.map(learned, ("bf16", "bf16", "full"), (0, 1, 2), (2, 3, 2))
        assert torch.equal(one, half)
        assert torch.equal(other, half)
        assert torch.equal(full, before)
    assert not torch.equal(half, before)
    assert not rounded()
    assert torch.get_float32_matmul_precision() == "highest"


def test_products_of_no_kind_are_refused() -> None:
    from ctypes import c_int64

    functions, words = library.load(), (c_int64 * 1)(0)
    for is_double, kind, said in ((0, 3, "no kind"), (0, -1, "no kind"), (1, 2, "double precision")):
        assert functions.elman_program_new(words, 1, is_double, kind) is None
        assert said in functions.elman_error().decode()


@pytest.mark.skipif(os.environ.get("ELMAN_ISA") == "wide", reason="it runs already")
@pytest.mark.skipif("ELMAN_LIBRARY" in os.environ, reason="the sanitizers' library has them everywhere")
def test_the_same_without_the_instructions() -> None:
    """By a set of the tests' own that makes them of others; and a set that has none refuses."""
    sets = library.load().elman_isas().decode().split(",")
    if "wide" in sets:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", __file__],
            env={**os.environ, "ELMAN_ISA": "wide"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:]
        assert " passed" in done.stdout
    code = (
        "from ctypes import c_int64\nfrom elman.engines import library\nassert not library.halves()\n"
        "assert library.load().elman_program_new((c_int64 * 1)(0), 1, 0, 2) is None\n"
        "print(library.load().elman_error().decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "ELMAN_ISA": "portable"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "bfloat16, which this processor does not multiply" in done.stdout
