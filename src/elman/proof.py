"""The state contract, proven: alone = in a batch = padded = in chunks = step by step.

A recurrent model is trusted when none of these changes what it says about a sequence: which others stand beside it,
how much padding follows it and what the padding holds, where a stream was cut, and whether it came a step at a time.
Each is tried on real input, in evaluation mode, and the largest difference is reported beside what is tolerated.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from elman.errors import InputError
from elman.layers.recurrent import Recurrent
from elman.sequences import Sequences, check_lengths

__all__ = ["Check", "Example", "Proof", "prove_model", "verify"]

Item = TypeVar("Item")
_TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5, torch.bfloat16: 3e-2, torch.float16: 5e-3}


@dataclass(frozen=True)
class Check:
    """One equality of the contract.

    Attributes:
        name: ``alone = batch``, ``padded``, ``chunks``, ``steps`` ...
        holds: None where it has no meaning for this model, and `note` says why.
        error: largest |difference| / max(1, largest |value|); infinite where one side is not a number.
        tolerance: what `error` may be.
    """

    name: str
    holds: bool | None
    error: float | None = None
    tolerance: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Proof:
    """What was checked on which subject. `ok` if something was proven and nothing failed."""

    subject: str
    checks: list[Check] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return any(c.holds for c in self.checks) and not any(c.holds is False for c in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """The object of proof.json (an infinite error becomes null)."""
        rows = [asdict(c) for c in self.checks]
        for row in rows:
            if row["error"] is not None and not row["error"] < float("inf"):
                row["error"] = None
        return {"subject": self.subject, "ok": self.ok, "checks": rows}

    def __str__(self) -> str:
        lines = [f"{self.subject}: {'proven' if self.ok else 'NOT proven'}"]
        for c in self.checks:
            said = {True: "holds", False: "FAILS", None: "-"}[c.holds]
            size = "" if c.error is None else f"  error {c.error:.1e} (at most {c.tolerance:.0e})"
            lines.append(f"  {c.name:<34} {said}{size}{'  ' + c.note if c.note else ''}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Example:
    """How to call a module, and which axis means what.

    Attributes:
        args: positional arguments. A tensor with T and B at the two axes is a batch of sequences; a `Sequences` knows
            its axes and lengths itself; everything else is passed on as it is.
        time, batch: the axes.
        lengths: (B,) if the module takes them, as the keyword ``lengths``; or the name of another keyword, whose values
            are then drawn. None: the module takes none.
        state: the keyword that takes the state, if the module returns ``(y, state)``. None: it takes none.
    """

    args: tuple[Any, ...]
    time: int = 0
    batch: int = 1
    lengths: Any = None
    state: str | None = None


@contextmanager
def _evaluation(module: object) -> Iterator[None]:
    """Evaluation mode without gradients, and back to how each part was."""
    parts = list(module.modules()) if isinstance(module, nn.Module) else []
    before = [p.training for p in parts]
    try:
        if isinstance(module, nn.Module):
            module.eval()
        with torch.no_grad():
            yield
    finally:
        for p, training in zip(parts, before, strict=True):
            p.training = training


def _difference(a: Tensor, b: Tensor) -> float:
    if a.shape != b.shape:
        return float("inf")
    if not a.numel():
        return 0.0
    a, b = a.double(), b.double()
    gap = float((a - b).abs().max()) / max(1.0, float(b.abs().max()))
    return gap if gap == gap else float("inf")


def _judge(name: str, pairs: Sequence[tuple[Tensor, Tensor]], tolerance: float | None, note: str = "") -> Check:
    error = max((_difference(a, b) for a, b in pairs), default=0.0)
    allowed = tolerance if tolerance is not None else max((_TOLERANCE.get(b.dtype, 0.0) for _, b in pairs), default=0.0)
    return Check(name, error <= allowed, error, allowed, note)


class _Subject:
    """A module with its example: how to call it on some rows, some time steps, with some padding."""

    def __init__(self, module: Callable[..., Any], example: Example | tuple[Any, ...]) -> None:
        self.module = module
        self.example = e = _guessed(module, example)
        sequence = next((a for a in e.args if isinstance(a, Sequences)), None)
        tensor = next((a for a in e.args if isinstance(a, Tensor) and a.dim() > max(e.time, e.batch)), None)
        if sequence is not None:
            self.T, self.B = sequence.data.shape[:2]
            self.lengths: list[int] | None = sequence.lengths.tolist()
            self.keyword: str | None = None
        elif tensor is not None:
            self.T, self.B = tensor.shape[e.time], tensor.shape[e.batch]
            self.keyword = None if e.lengths is None else e.lengths if isinstance(e.lengths, str) else "lengths"
            if self.keyword is None:
                self.lengths = None
            elif isinstance(e.lengths, str):
                self.lengths = [max(1, self.T - (self.T * b) // (2 * self.B)) for b in range(self.B)]
            else:
                self.lengths = check_lengths(e.lengths, self.T, self.B).tolist()
        else:
            raise InputError(
                "the example has no batch of sequences", remedy="give a tensor with a time and a batch axis"
            )

    def call(
        self, rows: Sequence[int], start: int = 0, stop: int | None = None, padding: int = 0, state: Any = None
    ) -> tuple[list[Tensor], Any]:
        """y and the state after, for these rows and time steps."""
        stop = self.T if stop is None else stop
        ends = None
        if self.lengths is not None:
            ends = torch.tensor([min(self.lengths[b], stop) - start for b in rows])
        args = [self._cut(a, rows, start, stop, padding, ends) for a in self.example.args]
        options: dict[str, Any] = {}
        if self.keyword is not None:
            options[self.keyword] = ends
        if self.example.state is not None and state is not None:
            options[self.example.state] = state
        result = self.module(*args, **options)
        after = None
        if self.example.state is not None:
            result, after = result
        return _tensors(result), after

    def _cut(self, a: Any, rows: Sequence[int], start: int, stop: int, padding: int, ends: Tensor | None) -> Any:
        e = self.example
        time, batch = (0, 1) if isinstance(a, Sequences) else (e.time, e.batch)
        data = a.data if isinstance(a, Sequences) else a
        if not isinstance(data, Tensor) or data.dim() <= max(time, batch):
            return a
        if (data.shape[time], data.shape[batch]) != (self.T, self.B):
            return a
        part = data.index_select(batch, torch.tensor(list(rows), device=data.device)).narrow(time, start, stop - start)
        if padding:
            assert ends is not None
            part = part.movedim((time, batch), (0, 1))
            wide = _garbage(part, padding)
            for i, n in enumerate(ends.tolist()):
                wide[:n, i] = part[:n, i]
            part = wide.movedim((0, 1), (time, batch))
        return Sequences(part, ends) if isinstance(a, Sequences) and ends is not None else part


def _garbage(part: Tensor, padding: int) -> Tensor:
    """(T + padding, B, ...) of what must never be read: NaN, or whole numbers that do occur."""
    shape = (part.shape[0] + padding, *part.shape[1:])
    if part.is_floating_point():
        return part.new_full(shape, float("nan"))
    return part.new_full(shape, int(part.max()))


def _tensors(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, Sequences):
        return [result.data]
    if isinstance(result, Mapping):
        result = list(result.values())
    return [t for part in result for t in _tensors(part)] if isinstance(result, list | tuple) else []


def _guessed(module: Callable[..., Any], example: Example | tuple[Any, ...]) -> Example:
    if isinstance(example, Example):
        return example
    if isinstance(module, Recurrent):
        time, batch = (1, 0) if module.batch_first else (0, 1)
        return Example(example, time, batch, lengths="lengths", state="state")
    parts = list(module.modules()) if isinstance(module, nn.Module) else []
    first = any(getattr(m, "batch_first", False) for m in parts)
    torchs = isinstance(module, nn.RNNBase)
    if any(isinstance(a, Sequences) for a in example):
        return Example(example)
    guess = Example(example, 1 if first else 0, 0 if first else 1, state="hx" if torchs else None)
    state = f", keyword {guess.state} carries the state" if guess.state else ""
    print(f"elman.verify: guessed axes: time {guess.time}, batch {guess.batch}{state}", file=sys.stderr)
    return guess


def _rows(full: Tensor, one: Tensor, b: int, n: int, T: int, B: int, e: Example) -> tuple[Tensor, Tensor]:
    """The part of a batch's output that belongs to sequence b alone, n steps long."""
    if full.dim() != one.dim():
        return full, one
    order = [e.batch, *range(full.dim())]
    axis = next((a for a in order if a < full.dim() and full.shape[a] == B and one.shape[a] == 1), None)
    if axis is not None:
        full, one = full.select(axis, b), one.select(axis, 0)
        time = e.time - (1 if axis < e.time else 0)
        if time < full.dim() and full.shape[time] >= n and one.shape[time] == n:
            full = full.narrow(time, 0, n)
    return full, one


def verify(module: Callable[..., Any], example: Example | tuple[Any, ...], *, tolerance: float | None = None) -> Proof:
    """Prove the state contract of a module on an example.

    Args:
        module: any `torch.nn.Module`, or a function of tensors.
        example: a tuple of arguments, or an `Example` that names the axes and keywords. Guessed axes are printed.
        tolerance: largest error allowed; None: 1e-5 in float32, 1e-10 in float64.

    Raises:
        InputError: an example without a batch of sequences.
    """
    subject = _Subject(module, example)
    checks: list[Check] = []
    everyone = range(subject.B)
    e = subject.example
    with _evaluation(module):
        whole, after = subject.call(everyone)
        again, _ = subject.call(everyone)
        checks.append(_judge("the same call twice", list(zip(again, whole, strict=True)), 0.0))
        state_after = _tensors(after) if after is not None else []
        alone_pairs = []
        for b in everyone:
            n = subject.lengths[b] if subject.lengths is not None else subject.T
            one, one_after = subject.call([b], 0, n)
            ys = [_rows(f, o, b, n, subject.T, subject.B, e) for f, o in zip(whole, one, strict=True)]
            alone_pairs += [(o, f) for f, o in ys]
            if after is not None:  # a state is (layers, B, width), or (B, width)
                states = zip(state_after, _tensors(one_after), strict=True)
                alone_pairs += [(o.select(o.dim() - 2, 0), f.select(f.dim() - 2, b)) for f, o in states]
        if subject.B > 1 or subject.lengths is not None:
            checks.append(_judge("alone = in a batch", alone_pairs, tolerance))
        else:
            checks.append(Check("alone = in a batch", None, note="the example holds one sequence"))
        if subject.lengths is None:
            checks.append(Check("padded", None, note="the module takes no lengths: it cannot know what is padding"))
        else:
            padded, padded_after = subject.call(everyone, padding=3)
            pairs = []
            for p, w in zip(padded, whole, strict=True):
                longer = p.dim() == w.dim() and p.dim() > e.time and p.shape[e.time] == w.shape[e.time] + 3
                pairs.append((p.narrow(e.time, 0, w.shape[e.time]) if longer else p, w))
            if after is not None:
                pairs += list(zip(_tensors(padded_after), state_after, strict=True))
            checks.append(_judge("padded (with NaN)", pairs, tolerance))
        checks += _streamed(subject, whole, state_after, tolerance)
    return Proof(_name(module), checks)


def _name(module: object) -> str:
    return type(module).__name__ if isinstance(module, nn.Module) else getattr(module, "__name__", "function")


def _streamed(subject: _Subject, whole: list[Tensor], after: list[Tensor], tolerance: float | None) -> list[Check]:
    """In chunks and step by step, the state handed on. Sequences are taken one at a time, each to its own end."""
    module, e = subject.module, subject.example
    if e.state is None:
        return [Check(name, None, note="the module takes no state") for name in ("in chunks", "step by step")]
    if getattr(module, "bidirectional", False):
        note = "bidirectional: its backward half needs the end of the sequence"
        return [Check(name, None, note=note) for name in ("in chunks", "step by step")]
    found = []
    for name, size in (("in chunks", max(1, subject.T // 3)), ("step by step", 1)):
        pairs: list[tuple[Tensor, Tensor]] = []
        for b in range(subject.B):
            n = subject.lengths[b] if subject.lengths is not None else subject.T
            state: Any = None
            parts: list[Tensor] = []
            for start in range(0, n, size):
                ys, state = subject.call([b], start, min(start + size, n), state=state)
                parts.append(ys[0])
            row = whole[0].index_select(e.batch, torch.tensor([b], device=whole[0].device)).narrow(e.time, 0, n)
            pairs.append((torch.cat(parts, e.time), row))
            pairs += [
                (s.select(s.dim() - 2, 0), a.select(a.dim() - 2, b))
                for s, a in zip(_tensors(state), after, strict=True)
            ]
        found.append(_judge(name, pairs, tolerance))
    if isinstance(module, Recurrent):
        found.append(_stepped(module, subject, whole, tolerance))
    return found


def _stepped(layer: Recurrent, subject: _Subject, whole: list[Tensor], tolerance: float | None) -> Check:
    """`layer.step`, all rows at once, compared as far as each sequence goes."""
    e = subject.example
    x = subject.example.args[0].movedim((e.time, e.batch), (0, 1))
    state: Any = None
    pairs = []
    y = whole[0].movedim((e.time, e.batch), (0, 1))
    for t in range(subject.T):
        y_t, state = layer.step(torch.nan_to_num(x[t]), state)
        here = [b for b in range(subject.B) if subject.lengths is None or t < subject.lengths[b]]
        pairs.append((y_t[here], y[t, here]))
    return _judge("layer.step", pairs, tolerance)


def prove_model(
    model: nn.Module, outputs: Callable[[Sequence[Item], int], Sequence[Tensor]], items: Sequence[Item],
    *, tolerance: float | None = None,
) -> Proof:  # fmt: skip
    """Prove the contract of a whole model on real items, and of each recurrent layer inside it on what it then reads.

    Args:
        model: the module; its recurrent layers are found inside.
        outputs: `outputs(items, padding)` runs the model on a batch of these items with so many steps of padding more
            than needed, filled with anything but zeros, and returns one tensor for each item, without padding.
        items: some examples of different lengths, at least two.
    """
    checks: list[Check] = []
    layers = {name: m for name, m in model.named_modules() if isinstance(m, Recurrent)}
    seen: dict[str, Example] = {}

    def watch(name: str) -> Callable[..., None]:
        def keep(layer: nn.Module, args: tuple[Any, ...], options: dict[str, Any]) -> None:
            lengths = options.get("lengths")
            time, batch = (1, 0) if layer.batch_first else (0, 1)
            if name not in seen and isinstance(args[0], Tensor) and args[0].dim() == 3:
                seen[name] = Example((args[0].detach().clone(),), time, batch, lengths, "state")

        return keep

    with _evaluation(model):
        hooks = [m.register_forward_pre_hook(watch(name), with_kwargs=True) for name, m in layers.items()]
        try:
            whole = list(outputs(items, 0))
        finally:
            for hook in hooks:
                hook.remove()
        alone = [outputs([item], 0)[0] for item in items]
        checks.append(_judge("alone = in a batch", list(zip(alone, whole, strict=True)), tolerance))
        backwards = list(outputs(items[::-1], 0))[::-1]
        checks.append(_judge("in any order", list(zip(backwards, whole, strict=True)), tolerance))
        padded = list(outputs(items, 5))
        checks.append(_judge("padded (with other values)", list(zip(padded, whole, strict=True)), tolerance))
    for name, example in seen.items():
        if example.lengths is None:  # where the model gave none, the layer still takes them
            example = Example(example.args, example.time, example.batch, "lengths", "state")
        for c in verify(layers[name], example, tolerance=tolerance).checks:
            checks.append(Check(f"{name}: {c.name}", c.holds, c.error, c.tolerance, c.note))
    return Proof(_name(model), checks)
