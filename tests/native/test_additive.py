"""The additive score in the native library: definition and derivative, and what is promised of threads and padding."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from elman.engines import additive as native
from elman.engines import library

pytestmark = pytest.mark.skipif(bool(library.missing()), reason=str(library.missing()))
# (B, K, T, S, A): narrower than a vector, as wide, and with something left over
SIZES = [(1, 1, 1, 1, 1), (2, 1, 3, 5, 7), (3, 2, 1, 4, 16), (2, 2, 4, 3, 33), (5, 1, 2, 9, 130)]


def drawn(sizes: tuple[int, ...], dtype: torch.dtype) -> tuple[Tensor, ...]:
    B, K, T, S, A = sizes
    torch.manual_seed(sum(sizes))
    shapes = (B, K, T, A), (B, K, S, A), (K, A), (B, K, T, S)
    return tuple(2 * torch.randn(shape, dtype=dtype) for shape in shapes)


def defined(s: Tensor, h: Tensor, v: Tensor, g: Tensor) -> list[Tensor]:
    """The scores, ds, dh and dv in double precision, by autograd from the definition."""
    s, h, v = (t.double().requires_grad_() for t in (s, h, v))
    found = (v[:, None, None] * torch.tanh(s[:, :, :, None] + h[:, :, None])).sum(-1)
    return [found.detach(), *torch.autograd.grad((found * g.double()).sum(), (s, h, v))]


def found(s: Tensor, h: Tensor, v: Tensor, g: Tensor) -> list[Tensor]:
    return [native.scores(s, h, v), *native.gradients(s, h, v, g)]


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.float64, 1e-13)])
def test_it_is_the_definition(sizes: tuple[int, ...], dtype: torch.dtype, close: float) -> None:
    given = drawn(sizes, dtype)
    for ours, right in zip(found(*given), defined(*given), strict=True):
        torch.testing.assert_close(ours.double(), right, rtol=0, atol=close * max(1.0, float(right.abs().max())))


def test_any_number_of_threads_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    given = drawn((7, 2, 5, 6, 70), torch.float32)
    monkeypatch.setattr(native, "_SMALL", 0)
    several = []
    for n in (1, 2, 3, 20):
        monkeypatch.setattr(native, "count", lambda n=n: n)
        several.append(found(*given))
    for other in several[1:]:
        assert all(torch.equal(a, b) for a, b in zip(several[0], other, strict=True))


def test_a_sequence_alone_has_the_bits_that_it_has_in_a_batch() -> None:
    s, h, v, g = drawn((4, 2, 3, 5, 40), torch.float32)
    together = found(s, h, v, g)
    for b in range(4):
        alone = found(s[b : b + 1], h[b : b + 1], v, g[b : b + 1])
        assert all(torch.equal(a[0], b_[b]) for a, b_ in zip(alone[:3], together[:3]))


def test_where_nobody_looked_nothing_is_read() -> None:
    s, h, v, g = drawn((2, 1, 3, 4, 20), torch.float32)
    g[0, :, :, 2:] = 0
    clean = found(s, h, v, g)
    h[0, :, 2:] = torch.nan
    dirty = found(s, h, v, g)
    torch.testing.assert_close(dirty[1:], clean[1:], rtol=0, atol=0)
    assert torch.equal(dirty[0][0, :, :, :2], clean[0][0, :, :, :2])


def test_strided_tensors_are_read_as_they_are() -> None:
    s, h, v, g = drawn((3, 2, 4, 5, 12), torch.float64)
    turned = [t.transpose(0, 2).contiguous().transpose(0, 2) for t in (s, h, g)]
    for ours, right in zip(found(turned[0], turned[1], v, turned[2]), found(s, h, v, g), strict=True):
        assert torch.equal(ours, right)


def test_who_may_be_scored() -> None:
    s, h, v, _ = drawn((1, 1, 2, 3, 4), torch.float32)
    assert native.able(s, h, v)
    assert not native.able(s, h, v.double())
    assert not native.able(s.half(), h.half(), v.half())
    assert not native.able(s[:, :, :0], h, v)
    assert not torch.func.vmap(lambda x: torch.tensor(native.able(x, h, v)), out_dims=None)(s).item()


SIZE, OTHER = "a size of the additive score is out of range", "of another size"
INPUTS, AHEAD, BACK = ("s", "h", "v"), ("scores",), ("g", "ds", "dh", "dv")
WRONG: dict[str, list[tuple[Any, str]]] = {
    "is_double": [(2, "neither"), (-1, "neither")],
    "sequences": [(0, SIZE), (2, OTHER), (1 << 40, SIZE)], "heads": [(0, SIZE), (-1, SIZE), (2, OTHER)],
    "queries": [(0, SIZE), (1, OTHER), (3, OTHER), (1 << 62, SIZE)], "steps": [(-3, SIZE), (2, OTHER), (4, OTHER)],
    "width": [(0, SIZE), (3, OTHER), (5, OTHER)], "threads": [(0, SIZE), (1 << 31, SIZE)],
    "own_threads": [(2, "neither")],
    **{name: [(None, "needs s, h and v"), (lambda c, n=name: getattr(c, n) + 2, "none of its")] for name in INPUTS},
    **{name: [(None, "no place for its results"), (lambda c: c.s, "overlaps")] for name in (*AHEAD, "ds", "dh", "dv")},
    "g": [(None, OTHER), (lambda c: c.ds, "overlaps"), (lambda c: c.g + 1, "none of its")],
    **{f"{name}_extent": [(0, OTHER), (-1, OTHER), (1 << 40, OTHER)] for name in (*INPUTS, *AHEAD, *BACK)},
}  # fmt: skip


def looked_at(name: str, value: Any, back: bool) -> bool:
    """Whether this field tells anything of a call in that direction, and the value is wrong there."""
    part = name.removesuffix("_extent")
    if name == "g_extent":
        return back or bool(value)
    return not (part in AHEAD and back) and (back or part not in BACK)


@pytest.mark.parametrize(
    ("name", "value", "said", "back"),
    [(n, *w, back) for n, some in WRONG.items() for w in some for back in (False, True) if looked_at(n, w[0], back)],
)
def test_a_wrong_value_in_any_field(name: str, value: Any, said: str, back: bool) -> None:
    assert {*WRONG} == {field for field, *_ in library.AdditiveCall._fields_}
    s, h, v, g = drawn((1, 1, 2, 3, 4), torch.float32)
    results = [torch.full(t.shape, 7.0) for t in (g, s, h, v)]
    given = [t.data_ptr() for t in (s, h, v, g, *results)]
    call = library.AdditiveCall(0, 1, 1, 2, 3, 4, 1, 0, *given, 8, 12, 4, 6, 6, 8, 12, 4)
    if not back:
        call.g, call.g_extent = None, 0
    if name == "g" and value is None:
        said = "of another size"
    setattr(call, name, value(call) if callable(value) else value)
    assert library.load().elman_additive(call) == -1
    assert said in library.load().elman_error().decode()
    assert all(bool((t == 7).all()) for t in results)
