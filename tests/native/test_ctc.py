"""The loss of CTC in the native library: beside torch's, on any number of threads; and calls that are wrong."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

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


SIZES, ALL, OTHER = "a size of CTC|sequences or threads of CTC", "CTC needs all its tensors", "of another size"
NAMES = ("log_probs", "lengths", "targets", "starts", "losses", "gradient", "left")
WRONG = {
    "is_double": [(1, "none of its numbers|past the end|overlaps"), (2, "neither"), (-1, "neither")],
    "steps": [(0, SIZES), (-5, SIZES), (4, OTHER), (6, OTHER), (2**62, SIZES)],
    "sequences": [(0, SIZES), (-1, SIZES), (1, OTHER), (3, OTHER), (2**40, SIZES)],
    "symbols": [(0, SIZES), (2, OTHER), (5, OTHER), (2**61, SIZES)],
    "blank": [(-1, "the blank"), (4, "the blank"), (2, "no symbol")],
    "threads": [(0, SIZES), (-3, SIZES), (2**31, SIZES)],
    "own_threads": [(2, "neither"), (-1, "neither")],
    **{name: [(None, ALL), (lambda c, n=name: getattr(c, n) + 1, "none of its numbers")] for name in NAMES},
    **{f"{name}_extent": [(-1, OTHER), (0, OTHER), (2**60, OTHER)] for name in NAMES},
}
WRONG["targets"][0] = None, "not there"
WRONG["log_probs"] += [(lambda c: c.gradient, "overlaps"), (lambda c: c.losses - 4, "overlaps")]
WRONG["lengths"] += [(lambda c: c.left, "overlaps")]
WRONG["targets"] += [(lambda c: c.left + 8, "overlaps"), (lambda c: c.gradient, "overlaps")]
WRONG["left"] += [(lambda c: c.starts + 16, "overlaps"), (lambda c: c.log_probs, "overlaps")]


@pytest.mark.parametrize(("name", "value", "said"), [(n, *w) for n, some in WRONG.items() for w in some])
def test_a_wrong_value_in_any_field(name, value, said):
    assert {*WRONG} == {field for field, *_ in library.CtcCall._fields_}
    room = torch.full((120,), 7.0)  # all that is float32 lies in it, so that twice as much of one thing meets another
    scores, kept, losses = room[:40].view(5, 2, 4), room[40:80].view(5, 2, 4), room[80:82]
    scores.zero_()
    whole = [torch.tensor(some) for some in ([5, 5], [1, 2], [0, 1, 2])]
    left = torch.tensor([7, 7])
    call = library.CtcCall(
        0, 5, 2, 4, 0, 1, 0, *[t.data_ptr() for t in (scores, *whole, losses, kept, left)], 40, 2, 2, 3, 2, 40, 2
    )
    setattr(call, name, value(call) if callable(value) else value)
    assert library.load().elman_ctc(call) == -1
    assert re.search(said, library.load().elman_error().decode())
    assert (losses == 7).all()
    assert (kept == 7).all()
    assert (left == 7).all()


@pytest.mark.skipif(
    sys.platform != "linux" or "ASAN_OPTIONS" in os.environ, reason="memory is bounded by Linux's means"
)
def test_memory_that_runs_out_in_any_thread_is_an_error_of_the_call(monkeypatch):
    """It is asked for by whoever takes a sequence. Before, that ended the process."""
    import resource

    T, B = 4000, 4  # 4000 frames by 7999 places in double precision, twice: 512 MB a sequence
    given = torch.zeros(T, B, 3).log_softmax(-1), torch.full((B,), T), [[1, 2] * (T // 2 - 1)] * B, 0
    small = drawn(50, 13, 9)
    monkeypatch.setattr(native, "_SMALL", 0)
    monkeypatch.setattr(native, "count", lambda: 2)
    right = native.losses(*small, 0)
    had = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    try:
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (100 << 20), had[1]))
        with pytest.raises(RuntimeError, match="bad_alloc"):
            native.losses(*given)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, had)
    assert all(torch.equal(a, b) for a, b in zip(native.losses(*small, 0), right, strict=True))
