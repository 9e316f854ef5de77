"""The loss of CTC in the native library: beside torch's, on any number of threads; and calls that are wrong."""

from __future__ import annotations

import re

import pytest
import torch
from torch.nn import functional as F

from elman.engines import ctc as native
from elman.engines import library
from elman.errors import InputError

pytestmark = pytest.mark.skipif(bool(library.missing()), reason=str(library.missing()))


def drawn(
    T: int, B: int, V: int, dtype: torch.dtype = torch.float32
) -> tuple[torch.Tensor, torch.Tensor, list[list[int]]]:
    draw = torch.Generator().manual_seed(T + B + V)
    scores = torch.randn(T, B, V, generator=draw).log_softmax(-1)
    lengths = torch.randint(T // 2, T + 1, (B,), generator=draw)
    sizes = torch.randint(0, T // 4 + 1, (B,), generator=draw).tolist()
    return scores, lengths, [torch.randint(1, V, (n,), generator=draw).tolist() for n in sizes]


@pytest.mark.parametrize("sizes", [(1, 1, 2), (7, 3, 4), (60, 9, 28), (33, 5, 300)], ids=str)
def test_it_is_torch_s_in_double_precision(sizes):
    """Losses, and the derivative behind a softmax: torch's own is that of the scores before it."""
    scores, lengths, targets = drawn(*sizes)
    found, gradient, left = native.losses(scores, lengths, targets, 0)
    assert not left.any()
    wide = scores.double().requires_grad_()
    flat, counts = torch.tensor([s for t in targets for s in t], dtype=torch.int64), torch.tensor([*map(len, targets)])
    wanted = F.ctc_loss(wide.log_softmax(-1), flat, lengths, counts, reduction="none", zero_infinity=True)
    torch.testing.assert_close(found.double(), wanted.detach(), rtol=1e-6, atol=1e-5)
    (theirs,) = torch.autograd.grad(wanted.sum(), wide)
    p = scores.double().exp()
    ours = gradient.double() - p * gradient.double().sum(-1, keepdim=True)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_any_number_of_threads_gives_the_same_bits(monkeypatch):
    given = drawn(50, 13, 9)
    monkeypatch.setattr(native, "_SMALL", 0)
    several = []
    for n in (1, 2, 3, 20):
        monkeypatch.setattr(native, "count", lambda n=n: n)
        several.append(native.losses(*given, 0))
    for other in several[1:]:
        assert all(torch.equal(a, b) for a, b in zip(several[0], other, strict=True))


def test_a_sequence_alone_has_the_bits_that_it_has_in_a_batch():
    scores, lengths, targets = drawn(40, 6, 12)
    together = native.losses(scores, lengths, targets, 0)
    for b in range(6):
        alone = native.losses(scores[:, b : b + 1], lengths[b : b + 1], targets[b : b + 1], 0)
        assert torch.equal(alone[0], together[0][b : b + 1])
        assert torch.equal(alone[1][:, 0], together[1][:, b])


@pytest.mark.parametrize(("change", "said"), [
    ({"targets": [[1], [4]]}, "no symbol"), ({"targets": [[0], [1]]}, "no symbol"),
    ({"targets": [[1], [-1]]}, "no symbol"),
    ({"lengths": torch.tensor([0, 5])}, "a length of CTC"), ({"lengths": torch.tensor([6, 5])}, "a length of CTC"),
    ({"blank": 4}, "the blank"),
])  # fmt: skip
def test_wrong_calls_are_refused(change, said):
    given = {"log_probs": torch.zeros(5, 2, 4), "lengths": torch.tensor([5, 5]), "targets": [[1], [2]], "blank": 0}
    with pytest.raises(RuntimeError, match=said):
        native.losses(**{**given, **change})


@pytest.mark.parametrize("change", [
    {"targets": [[1]]}, {"targets": [[1], [2], [3]]}, {"lengths": torch.tensor([5])},
    {"lengths": torch.tensor([5, 5, 5])}, {"lengths": torch.tensor([[5], [5]])},
    {"lengths": torch.tensor([5, 5], dtype=torch.int32)},
])  # fmt: skip
def test_one_length_and_one_text_for_each_sequence(change):
    """The library would read past the end of fewer."""
    given = {"log_probs": torch.zeros(5, 2, 4), "lengths": torch.tensor([5, 5]), "targets": [[1], [2]], "blank": 0}
    with pytest.raises(InputError, match="for 2 sequences"):
        native.losses(**{**given, **change})


SIZES, ALL = "a size of CTC|sequences or threads of CTC", "CTC needs all its tensors"
WRONG = {
    "steps": [(0, SIZES), (-5, SIZES), (4, "a length of CTC"), (2**62, SIZES)],
    "sequences": [(0, SIZES), (-1, SIZES), (2**40, SIZES)],
    "symbols": [(0, SIZES), (2, "no symbol"), (2**61, SIZES)],
    "blank": [(-1, "the blank"), (4, "the blank"), (2, "no symbol")],
    "threads": [(0, SIZES), (-3, SIZES), (2**31, SIZES)],
    **{name: [(None, ALL)] for name in ("log_probs", "lengths", "starts", "losses", "gradient", "left")},
    "targets": [(None, "not there")],
}


@pytest.mark.parametrize(("name", "value", "said"), [(n, *w) for n, some in WRONG.items() for w in some])
def test_a_wrong_value_in_any_field(name, value, said):
    """But for what is yes or no."""
    assert {*WRONG, "is_double", "own_threads"} == {field for field, *_ in library.CtcCall._fields_}
    scores, kept = torch.zeros(5, 2, 4), torch.full((5, 2, 4), 7.0)
    whole = [torch.tensor(some) for some in ([5, 5], [1, 2], [0, 1, 2])]
    losses, left = torch.full((2,), 7.0), torch.tensor([7, 7])
    call = library.CtcCall(0, 5, 2, 4, 0, 1, 0, *[t.data_ptr() for t in (scores, *whole, losses, kept, left)])
    setattr(call, name, value)
    assert library.load().elman_ctc(call) == -1
    assert re.search(said, library.load().elman_error().decode())
    assert (losses == 7).all()
    assert (kept == 7).all()
    assert (left == 7).all()
