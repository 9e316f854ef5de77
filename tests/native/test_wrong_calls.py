"""Layers whose weights, inputs and states are of every kind: each call answers as the reference engine, or refuses.

A short run is part of the suite; ELMAN_FUZZ_CASES makes it a long one (`make native-asan` runs it so).
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from elman import cells
from elman.engines import library
from elman.nn import GRU, LSTM, RNN, Recurrent

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))

CASES = int(os.environ.get("ELMAN_FUZZ_CASES", "300"))


class Marked(Tensor):
    """A tensor by another name."""


class Inside(Tensor):
    """A tensor without memory of its own: what it holds, only its operations know (as DTensor and its like)."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> Inside:
        made: Inside = Tensor._make_wrapper_subclass(cls, held.shape, dtype=held.dtype, device=held.device)
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), options: Any = None) -> Any:
        def bare(t: Any) -> Any:
            return t.held if isinstance(t, Inside) else t.resolve_neg() if isinstance(t, Tensor) else t

        args, options = torch.utils._pytree.tree_map(bare, (args, options or {}))
        return function(*args, **options)


def misaligned(t: Tensor) -> Tensor:
    raw = bytearray(b"?" + t.detach().contiguous().numpy().tobytes())
    return torch.frombuffer(raw, dtype=t.dtype, offset=1).view(t.shape)


def freed(t: Tensor) -> Tensor:
    t = t.clone()
    t.untyped_storage().resize_(0)
    return t


def shortened(t: Tensor) -> Tensor:
    t = t.clone()
    t.untyped_storage().resize_(t.nbytes - 1)
    return t


def cast(dtype: torch.dtype) -> Callable[[Tensor], Tensor]:
    return lambda t: t.to(dtype)


# what a tensor becomes
CHANGES: dict[str, Callable[[Tensor], Any]] = {
    "float64": cast(torch.float64), "float32": cast(torch.float32), "float16": cast(torch.float16),
    "bfloat16": cast(torch.bfloat16), "int64": cast(torch.int64), "complex64": cast(torch.complex64),
    "bool": cast(torch.bool), "bits": lambda t: t.contiguous().view(torch.uint8),
    "meta": lambda t: t.to("meta"), "sparse": lambda t: t.to_sparse(),
    "row less": lambda t: t[1:], "row more": lambda t: torch.cat([t, t[:1]]), "column less": lambda t: t[..., 1:],
    "column more": lambda t: torch.cat([t, t[..., :1]], -1), "turned": lambda t: t.transpose(0, -1),
    "flat": lambda t: t.flatten(), "an axis more": lambda t: t[None], "one number": lambda t: t.flatten()[0],
    "nothing": lambda t: t[:0], "wide": lambda t: t[..., :1],
    "strided": lambda t: t.repeat_interleave(3, -1)[..., 1::3],
    "other way": lambda t: t.transpose(0, -1).contiguous().transpose(0, -1),
    "inside": lambda t: torch.cat([t, t, t])[t.shape[0] : 2 * t.shape[0]],
    "expanded": lambda t: t[..., :1].expand(t.shape), "same row": lambda t: t[:1].expand(t.shape),
    "overlapping": lambda t: torch.rand(t.numel() + 9, dtype=t.dtype).as_strided(t.shape, (1,) * t.dim()),
    "misaligned": misaligned, "negated": lambda t: torch._neg_view(-t.detach()),
    "imaginary": lambda t: torch.complex(t.detach(), -t.detach()).conj().imag,
    "marked": lambda t: t.detach().as_subclass(Marked), "wrapped": lambda t: Inside(t.detach().clone()),
    "fake": lambda t: FakeTensorMode().from_tensor(t.detach()), "none": lambda t: None, "a number": lambda t: 0.5,
    "a list": lambda t: t.tolist(), "an array": lambda t: t.detach().numpy(),
    "freed": freed, "shortened": shortened,
}  # fmt: skip
NO_MEMORY = ("freed", "shortened")
MOVING = ("lengths", "x", "state")  # whose ends torch itself does not ask for, nor, of lengths, whether they are there

LAYERS: list[Callable[..., Recurrent]] = [
    lambda i, h, **o: RNN(i, h, **o),
    lambda i, h, **o: LSTM(i, h, **o),
    lambda i, h, **o: LSTM(i, h, proj_size=max(1, h - 1) if h > 1 else 0, **o),
    lambda i, h, **o: LSTM(i, h, bias=False, **o),
    lambda i, h, **o: GRU(i, h, **o),
    lambda i, h, **o: GRU(i, h, reset="before", **o),
    *[
        lambda i, h, c=c, **o: Recurrent(c, i, h, **o)
        for c in (cells.LayerNormGRU, cells.LEM, cells.IndRNN, cells.SRU, cells.Elman)
    ],
]


def put(layer: Recurrent, name: str, value: Any) -> None:
    """The value in place of a parameter, as users put it there."""
    if not isinstance(value, Tensor) or value.dtype in (torch.int64, torch.bool, torch.uint8):
        del layer._parameters[name]
        setattr(layer, name, value)
        return
    del layer._parameters[name]
    kept = value if type(value) in (Inside, Marked) else nn.Parameter(value.detach(), requires_grad=False)
    setattr(layer, name, kept)


class Case:
    """One layer, what is done to it, and how it is called."""

    def __init__(self, seed: int) -> None:
        draw = self.draw = random.Random(seed)
        torch.manual_seed(seed)
        self.I, self.H = draw.choice([1, 2, 5, 8]), draw.choice([1, 3, 8, 17, 40])
        self.T, self.B = draw.choice([1, 2, 5]), draw.choice([1, 2, 4])
        self.dtype = draw.choice([torch.float32, torch.float32, torch.float64])
        both = draw.random() < 0.2
        self.layer = draw.choice(LAYERS)(
            self.I, self.H, num_layers=draw.choice([1, 1, 2]), bidirectional=both, dtype=self.dtype
        ).eval()
        self.said = [f"seed {seed}", str(self.layer)]

    def tensor(self, *shape: int) -> Tensor:
        return torch.randn(*shape, dtype=self.dtype)

    def changed(self, what: str, t: Tensor, often: float) -> Any:
        if self.draw.random() > often:
            return t
        name = self.draw.choice(
            [n for n in CHANGES if n not in NO_MEMORY or what not in (MOVING[:1] if n == "freed" else MOVING)]
        )
        try:
            made = CHANGES[name](t)
        except (RuntimeError, IndexError, TypeError):
            return t  # there is no such thing of this tensor
        self.said.append(f"{what} {name}")
        self.unreadable |= name in NO_MEMORY and made.numel() > 0
        return made

    def weights(self) -> None:
        """Change some of the parameters, or let them share memory."""
        names = [n for n, _ in self.layer.named_parameters()]
        for name in self.draw.sample(names, min(len(names), self.draw.choice([0, 1, 1, 2]))):
            p = getattr(self.layer, name)
            others = [n for n in names if n != name and isinstance(getattr(self.layer, n), Tensor)]
            how = self.draw.choice(["put", "put", "put", "data", "shared", "view"])
            if how == "data" and isinstance(p, nn.Parameter):
                value = self.changed(name + " .data", p.data, 1)
                try:
                    p.data = value
                except (RuntimeError, TypeError):
                    self.unreadable = False
            elif how == "shared" and others:
                other = self.draw.choice(others)
                self.said.append(f"{name} is {other}")
                put(self.layer, name, getattr(self.layer, other))
            elif how == "view" and others and isinstance(p, nn.Parameter):
                other = getattr(self.layer, self.draw.choice(others))
                if type(other) is nn.Parameter and other.numel() >= p.numel() and other.is_contiguous():
                    self.said.append(f"{name} in the memory of another")
                    put(self.layer, name, other.detach().view(-1)[: p.numel()].view(p.shape))
            elif how == "put":
                put(self.layer, name, self.changed(name, p.detach(), 1))

    def call(self, layer: Recurrent, way: str, x: Any, state: Any, lengths: Any) -> Any:
        grads = way.endswith("grad")
        with torch.set_grad_enabled(grads):
            if way.startswith("step"):
                y, after = layer.step(x[0] if isinstance(x, Tensor) and x.dim() else x, state)
            else:
                y, after = layer(x, state, lengths)
            found = [y, *([after] if isinstance(after, Tensor) else after)]
            if grads and y.requires_grad:
                leaves = [t for t in (x, *layer.parameters()) if isinstance(t, Tensor) and t.requires_grad]
                found += torch.autograd.grad(y.sum(), leaves, allow_unused=True)
        return found

    def run(self) -> str:
        """What became of it: refused, or answered.

        Raises:
            AssertionError: it answered, and otherwise than the reference engine.
        """
        self.unreadable, self.refusals = False, []
        layer, draw = self.layer, self.draw
        used = draw.random() < 0.5
        x, rows = self.tensor(self.T, self.B, self.I), layer.num_layers * layer.directions
        state: Any = [self.tensor(rows, self.B, w) for w in layer._widths]
        if used:  # all is prepared for weights as they were
            with torch.no_grad():
                layer(x)
                if layer.directions == 1:
                    for _ in range(2):
                        layer.step(x[0], state[0] if len(state) == 1 else tuple(state))
        self.weights()
        way = draw.choice(["step", "step", "step grad", "call", "call", "call grad", "lengths", "lengths grad"])
        self.said.append(("used before, " if used else "") + way)
        lengths: Any = None
        if way.startswith("lengths"):
            lengths = torch.tensor([draw.randint(1, self.T) for _ in range(self.B)])
            if draw.random() < 0.2:
                lengths = self.changed("lengths", lengths, 1)
        x = self.changed("x", x, 0.2)
        state = None if draw.random() < 0.3 else [self.changed("state", s, 0.15) for s in state]
        if isinstance(x, Tensor) and type(x) is Tensor and x.is_floating_point() and draw.random() < 0.5:
            x = x.requires_grad_()
        if state is not None:
            state = state[0] if len(state) == 1 else tuple(state)
        try:
            got = self.call(layer, way, x, state, lengths)
        except Exception as error:  # torch has many ways to refuse
            if "native engine: " in str(error):  # told by the library, and not before
                raise
            self.refusals.append(error)
            return "refused"
        assert not self.unreadable, "no memory, and an answer"
        layer.engine = "reference"
        wanted = self.call(layer, way, x, state, lengths)
        close = {"rtol": 1e-3, "atol": 1e-4} if self.dtype == torch.float32 else {"rtol": 1e-7, "atol": 1e-9}
        for a, b in zip(got, wanted, strict=True):
            assert (a is None) == (b is None)
            if a is not None and not a.is_meta and type(a) in (Tensor, nn.Parameter, Marked):
                torch.testing.assert_close(a.as_subclass(Tensor), b.as_subclass(Tensor), equal_nan=True, **close)
        return "answered"


def test_whatever_a_tensor_is_a_call_answers_as_the_reference_or_refuses() -> None:
    became = {"refused": 0, "answered": 0}
    for seed in range(CASES):
        case = Case(seed)
        try:
            became[case.run()] += 1
        except Exception as error:
            raise AssertionError("; ".join(case.said)) from error
    assert min(became.values()) > CASES // 10, became
