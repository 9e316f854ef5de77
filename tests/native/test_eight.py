"""Matrices in 8 bits: what is read with them is what the network says whose matrices were rounded, in torch, to what 8
bits hold; alone and among others, in one step or in many."""

from __future__ import annotations

import copy
from ctypes import c_int64
from typing import Any

import numpy as np
import pytest
import torch

from elman import cells
from elman.engines import library
from elman.engines.compiled import Compiled
from elman.engines.eight import Kept, packed, rounded
from elman.engines.lowering import lower
from elman.engines.next_units import NextUnits, flat
from elman.models.eight_bits import eight_bits
from elman.models.language_network import LanguageNetwork
from elman.models.language_settings import LanguageSettings
from elman.models.reading import NativeReader, network_reader

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))

KINDS: list[dict[str, Any]] = [
    {"embedding": 37, "hidden": 70},
    {"cell": "gru", "tied": False, "embedding": 5, "hidden": 131, "layers": 1},
    {"cell": "sru", "tied": False, "layers": 3},
    {"cell": "layernormgru", "embedding": 33, "hidden": 9, "tied": False},
    {"cell": "mingru", "hidden": 65, "tied": False, "softmax": "adaptive"},
    {"cell": "rnn", "tied": False, "embedding": 1, "hidden": 2, "layers": 1},
]


def made(dtype: torch.dtype = torch.float32, units: int = 201, **settings: Any) -> LanguageNetwork:
    torch.manual_seed(3)
    model = LanguageNetwork(LanguageSettings(**{"embedding": 5, "hidden": 7, **settings}), units)
    return model.to(dtype).eval()


def steps_of(model: LanguageNetwork, N: int, eight: bool) -> tuple[NextUnits, np.ndarray]:
    with torch.no_grad():
        layers = model.followed(model.begin(N))
        assert layers is not None
        embedding, *softmax = model._tables()
        return NextUnits(layers, embedding, model.settings.embedding**0.5, softmax, Kept() if eight else None), flat(
            layers
        )


def read(model: LanguageNetwork, units: Any, eight: bool) -> np.ndarray:
    """What T units (T, N) make of N texts, (T, N, V + H)."""
    steps, before = steps_of(model, units.shape[1], eight)
    after, found = np.empty_like(before), []
    for row in units.tolist():
        steps(row, before, after)
        found.append(np.concatenate([steps.log_probs, steps.h.numpy()], 1))
        before, after = after, before
    return np.stack(found)


def some_units(T: int, N: int, V: int = 201) -> Any:
    return np.random.default_rng(T + N).integers(0, V, (T, N))


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.float64, 1e-13)])
@pytest.mark.parametrize("N", [1, 3, 6])
def test_it_is_the_network_of_the_rounded_weights(
    kind: dict[str, Any], dtype: torch.dtype, close: float, N: int
) -> None:
    """By the native engine in the weights' dtype, by the reference one, and rounded once more; by the network that was
    not rounded it is something else."""
    model, units = made(dtype, **kind), some_units(9, N)
    near = eight_bits(model)
    wanted, found = read(near, units, False), read(model, units, True)
    if kind.get("tied", True):  # the embedding is read as it stands: rounded in the one, not in the other
        found = read(near, units, True)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=close * max(1, abs(wanted).max()))
    np.testing.assert_allclose(read(near, units, True), wanted, rtol=0, atol=close * max(1, abs(wanted).max()))
    assert abs(found - read(model, units, False)).max() > 1e-5
    for block in near.blocks:
        block.cell.engine = "reference"
    with torch.no_grad():
        h, _ = near(torch.from_numpy(units), near.begin(N))
        right = h if near.adaptive is not None else torch.cat([near.log_probs(h), h], 2)
    np.testing.assert_allclose(found, right.numpy(), rtol=0, atol=3 * close * max(1, abs(wanted).max()))


@pytest.mark.parametrize("kind", KINDS[:4], ids=str)
def test_a_text_among_others_is_read_as_alone_bit_for_bit(kind: dict[str, Any]) -> None:
    model, units = made(**kind), some_units(6, 7)
    together = read(model, units, True)
    for n in range(7):
        np.testing.assert_array_equal(read(model, units[:, n : n + 1], True)[:, 0], together[:, n])


@pytest.mark.parametrize("kind", KINDS[:3], ids=str)
def test_a_long_piece_at_once_is_the_same_unit_by_unit(kind: dict[str, Any]) -> None:
    """A reader of the rounded network takes many units by the whole sequence, few one by one in 8 bits."""
    reader = network_reader(eight_bits(made(torch.float64, **kind)))
    assert isinstance(reader, NativeReader)
    units = some_units(40, 1)[:, 0].tolist()
    whole, after = reader.skip(units, reader.begin())
    state = reader.begin()
    for unit in units:
        found, state = reader.step([unit], [(state, 0)])
    np.testing.assert_allclose(found[0], whole, rtol=0, atol=1e-12)
    np.testing.assert_allclose(state, after, rtol=0, atol=1e-12)


def test_threads_that_share_the_softmax_change_nothing() -> None:
    model = made(units=5003, embedding=16, hidden=128, tied=False)
    found, threads = [], torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            found.append(read(model, some_units(3, 2), True))
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(*found)


def test_weights_that_move_are_packed_anew() -> None:
    """Also by an optimiser that counts nothing, behind a step of training."""
    model = made()
    units = some_units(2, 1)
    before = read(model, units, True)
    model.train().loss(torch.from_numpy(units), torch.from_numpy(units), model.begin(1))[0].backward()
    with torch.no_grad():
        for w in model.parameters():
            w.data[w.shape[0] // 2 :] *= 1.5
    model.eval()
    again = read(eight_bits(model), units, True)
    np.testing.assert_allclose(again, read(eight_bits(model), units, False), rtol=0, atol=1e-4)
    assert abs(again - before).max() > 1e-2


def test_the_softmax_is_packed_once_and_anew_when_it_has_changed() -> None:
    model = eight_bits(made())
    assert model.eight is not None
    model.eight(model._tables()[1])
    once = model.eight(model._tables()[1])
    assert model.eight(model._tables()[1]) is once
    with torch.no_grad():
        model.softmax.weight[3] *= 2
    again = model.eight(model._tables()[1])
    assert not torch.equal(again, once)
    assert torch.equal(again, packed(model.softmax.weight))
    other = copy.deepcopy(model)
    assert other.eight is not None
    assert other.eight is not model.eight
    assert torch.equal(other.eight(other._tables()[1]), again)


# -- rounding


def test_what_a_row_is_rounded_to() -> None:
    """To the nearest 127th of the largest; halves to the even one."""
    row = torch.tensor([[127.0, 2.5, -3.5, 0.49, -0.51, -126.5, 0.0]]) / 64
    assert (64 * rounded(row))[0].tolist() == pytest.approx([127, 2, -4, 0, -1, -126, 0], abs=1e-5)
    w = torch.randn(40, 33, dtype=torch.float64)
    off, scale = (rounded(w) - w).abs(), w.abs().amax(1, keepdim=True) / 127
    assert bool((off <= scale / 2 * (1 + 1e-12)).all())
    assert float(off.max()) > 0.4 * float(scale.max())  # they are rounded at all
    torch.testing.assert_close(rounded(rounded(w)), rounded(w), rtol=1e-15, atol=0)


@pytest.mark.parametrize("value", [0.0, 1e-44, 3e-42, 1e-38, 3e38, float("nan"), float("inf"), -float("inf")])
def test_rows_that_are_odd(value: float) -> None:
    """All of nothing, of numbers with few digits left, of no numbers: as torch has them, and no other row changes."""
    model = made(cell="gru", tied=False, softmax="full")
    with torch.no_grad():
        model.softmax.weight[7] = value * torch.linspace(-1, 1, 7) if np.isfinite(value) else value
        model.softmax.weight[:, 2] = 0
    steps, before = steps_of(model, 1, True)
    other, _ = steps_of(eight_bits(model), 1, False)
    for each in (steps, other):
        each([3], before, np.empty_like(before))
    found, wanted = steps.log_probs, other.log_probs
    assert np.isnan(wanted).all() == (not np.isfinite(value))
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


# -- what is refused


def test_no_way_back_and_no_call_that_packs_nothing() -> None:
    programs = lower(cells.GRU().graph, {"H": 3, "I": 2})
    with pytest.raises(RuntimeError, match="the way back"):
        Compiled(programs.back, torch.float32, "eight")
    model = made(cell="gru")
    steps, before = steps_of(model, 1, True)
    layer, handle = steps._kept[0][0], steps._kept[0][0].program.handle
    layer.call.packed, layer.call.packed_bytes = None, 0
    native = library.load()
    assert native.elman_run(handle, layer.reference) == -1
    assert "have to be packed" in native.elman_error().decode()
    with pytest.raises(RuntimeError, match="has changed"):
        steps([1], before, np.empty_like(before))


@pytest.mark.parametrize("is_double", [0, 1])
def test_a_matrix_is_looked_at_before_it_is_packed(is_double: int) -> None:
    native = library.load()
    w = torch.randn(5, 3, dtype=torch.float64 if is_double else torch.float32)
    size = native.elman_eight_bytes(5, 3, is_double)
    room = torch.full((size,), 9, dtype=torch.uint8)
    right: dict[str, Any] = {
        "matrix": w.data_ptr(), "extent": 15, "n": 5, "k": 3, "is_double": is_double, "to": room.data_ptr(),
        "bytes": size,
    }  # fmt: skip
    for name, value, said in (
        ("matrix", None, "none of its numbers"), ("matrix", w.data_ptr() + 1, "none of its numbers"),
        ("matrix", room.data_ptr(), "overlaps"), ("extent", 14, "another size"), ("extent", -1, "another size"),
        ("n", 0, "out of range"), ("n", 6, "another size"), ("n", 2**40, "out of range"), ("k", -1, "out of range"),
        ("k", 2, "another size"), ("to", None, "none of its numbers"), ("to", room.data_ptr() + 2, "none of its"),
        ("bytes", size - 1, "another size"), ("bytes", 2 * size, "another size"),
    ):  # fmt: skip
        assert native.elman_eight(*{**right, name: value}.values()) == -1, name
        assert said in native.elman_error().decode()
        assert bool((room == 9).all())
    for n, k in ((0, 1), (1, -5), (2**40, 1), (2**31, 2**31)):
        assert native.elman_eight_bytes(n, k, is_double) == -1
        assert "out of range" in native.elman_error().decode()
    room.zero_()  # what lies behind the last row is left as it is
    assert native.elman_eight(*right.values()) == 0
    assert torch.equal(packed(w), room)


@pytest.mark.parametrize(("field", "value", "said"), [
    ("eight", 2, "neither"), ("eight", -1, "neither"), ("eight", 0, "not \\(V, H\\)"),
    ("weight_extent", lambda c: c.weight_extent - 1, "not \\(V, H\\)"), ("weight_extent", 201 * 7, "not \\(V, H\\)"),
    ("weight", lambda c: c.weight + 2, "none of its numbers"), ("weight", lambda c: c.scores, "overlaps"),
    ("scores", lambda c: c.weight + c.weight_extent - 4, "overlaps"),
])  # fmt: skip
def test_a_softmax_in_8_bits_is_what_it_says(field: str, value: Any, said: str) -> None:
    steps, before = steps_of(made(), 1, True)
    after, call = np.zeros_like(before), steps._call
    kept = getattr(call, field)
    setattr(call, field, value(call) if callable(value) else value)
    with pytest.raises(RuntimeError, match=said):
        steps([1], before, after)
    assert not after.any()
    setattr(call, field, kept)
    steps([1], before, after)
    assert after.any()


def test_an_address_of_nothing() -> None:
    assert library.load().elman_program_new((c_int64 * 1)(0), 1, 0, 1) is None
