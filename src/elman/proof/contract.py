"""`elman.verify`: every equality of the contract, tried on any module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from elman.errors import InputError
from elman.layers.recurrent import Recurrent
from elman.proof.calling import Axes, Result, Subject, tensors
from elman.proof.causes import Causes
from elman.proof.example import Example
from elman.proof.memory import unchanged
from elman.proof.verdict import Check, Proof, judge, raised

__all__ = ["evaluation", "name_of", "verify"]

Pairs = list[tuple[Tensor, Tensor]]  # (found, wanted)

_STREAMED = 8  # sequences that are taken in chunks and steps


def verify(module: Callable[..., Any], example: Example | tuple[Any, ...], *, tolerance: float | None = None) -> Proof:
    """Prove the state contract of a module on an example.

    The module is tried in evaluation mode, without gradients, and left as it was; so is the global generator of random
    numbers. A function is called as it is: what it calls is in the mode that you put it in.

    Args:
        module: any `torch.nn.Module`, or a function of tensors.
        example: a tuple of arguments, or an `Example` that names the axes, and what carries lengths, mask and state.
            What is guessed is printed.
        tolerance: largest error allowed; None: 1e-5 in float32, 1e-10 in float64.

    Returns:
        The checks, each with the error found. `Proof.ok` if all that were tried hold; `Proof.untried` says what was
        not; the note of one that fails names its likely cause.

    Raises:
        InputError: an example without a batch of sequences, or one that the module cannot be called with.
    """
    with evaluation(module), unchanged(module), torch.random.fork_rng(devices=[]):
        subject = Subject(module, example)
        return Proof(name_of(module), _Contract(subject, tolerance).checks())


@contextmanager
def evaluation(module: object) -> Iterator[None]:
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


def name_of(module: object) -> str:
    """What a proof calls its subject."""
    return type(module).__name__ if isinstance(module, nn.Module) else getattr(module, "__name__", "function")


class _Contract:
    """One proof: the calls that several checks share, and the checks."""

    def __init__(self, subject: Subject, tolerance: float | None) -> None:
        self.subject, self.tolerance = subject, tolerance
        self.everyone = range(subject.B)

    def checks(self) -> list[Check]:
        """All of them, in the order in which they are told."""
        s = self.subject
        self.whole = self._first_call()
        if not any(t.numel() for t in self.whole.outputs):
            raise InputError("the module returns no tensor that could be compared", remedy="return what it computes")
        self.axes = s.axes(self.whole)
        self.alone: list[Result] = []
        found = [self._tried("the same call twice", self._twice), self._tried("alone = in a batch", self._alone)]
        if s.all_alike():
            note = "all sequences of the example are the same: mixed ones would not be seen"
            found.append(Check("different sequences", None, note=note))
        found += [*self._padded(), *self._streamed()]
        causes = Causes(s, self.whole, self.alone, self.axes, self.tolerance)
        return [c.noted(causes.of(c.name)) if c.holds is False else c for c in found]

    def _first_call(self) -> Result:
        s = self.subject
        try:
            return s.call(self.everyone)
        except InputError:
            if s.drop_guessed_state():
                return self._first_call()
            raise
        except Exception as error:  # the user's module runs here: it may raise anything
            said = " ".join(str(error).split())
            raise InputError(
                f"{name_of(s.module)} cannot be called with this example ({type(error).__name__}: {said:.200})",
                remedy="name what carries time, batch, lengths and state: elman.Example(args, time, batch, ...)",
            ) from error

    def _tried(self, name: str, check: Callable[[], Pairs], note: str = "") -> Check:
        try:
            pairs = check()
        except Exception as error:  # the user's module runs here: it may raise anything
            return raised(name, error)
        return judge(name, pairs, 0.0 if name == "the same call twice" else self.tolerance, note)

    # -- the checks ----------------------------------------------------------------------------------------------

    def _twice(self) -> Pairs:
        return _paired(self.subject.call(self.everyone).leaves, self.whole.leaves)

    def _alone(self) -> Pairs:
        pairs: Pairs = []
        for b in self.everyone:
            one = self.subject.call([b], 0, self.subject.length(b))
            self.alone.append(one)
            pairs += self._like(one, b, self.whole, self.axes)
        return pairs

    @staticmethod
    def _like(one: Result, b: int, whole: Result, axes: list[Axes]) -> Pairs:
        """One sequence's result, and the part of the whole's that belongs to it."""
        pairs = _paired(one.leaves, whole.leaves)
        return [(o, a.cut(a.rows(w, [b]), o.shape)) for (o, w), a in zip(pairs, axes, strict=True)]

    def _padded(self) -> list[Check]:
        s = self.subject
        if s.lengths is None:
            return [Check("padded", None, note="no lengths given")]
        if s.ends == "packed":
            return [Check("padded", None, note="a PackedSequence has no padding")]
        nan = s.holds_floats() and s.ends != "mask"
        found = self._tried(
            "padded (with NaN)" if nan else "padded (with other values)",
            lambda: self.with_padding("nan" if nan else "other"),
        )
        if found.holds and s.holds_floats() and not nan:
            # what a mask hides is computed all the same, and a NaN times zero is NaN: told, and no failure
            strict = self._tried("", lambda: self.with_padding("nan"))
            found = found if strict.holds else found.noted("only NaN in padding would get through")
        return [found]

    def with_padding(self, fill: str, more: int = 3) -> Pairs:
        """The batch with other padding, and more of it: what belongs to each sequence, and what it was."""
        padded = self.subject.call(self.everyone, padding=more, fill=fill).leaves
        pairs: Pairs = []
        for (p, w), axes in zip(_paired(padded, self.whole.leaves), self.axes, strict=True):
            for b in self.everyone:
                # as far as the sequence goes: what stands behind its end means nothing
                n, T = self.subject.length(b), self.subject.longest
                sizes = [-(-size * n // max(T, size)) for size in w.shape]
                pairs.append((axes.cut(axes.rows(p, [b]), sizes), axes.cut(axes.rows(w, [b]), sizes)))
        return pairs

    def _streamed(self) -> list[Check]:
        """In chunks and step by step, the state handed on. Sequences are taken one at a time, each to its own end."""
        s = self.subject
        names = ("in chunks", "step by step")
        if not s.states:
            return [Check(name, None, note="no state named") for name in names]
        if getattr(s.module, "bidirectional", False):
            note = "bidirectional: its backward half needs the end of the sequence"
            return [Check(name, None, note=note) for name in names]
        if s.longest == 1:
            return [Check(name, None, note="the example has one time step") for name in names]
        if len(self.alone) < s.B:
            return [Check(name, None, note="a sequence alone already fails") for name in names]
        order = sorted(self.everyone, key=lambda b: -s.length(b))
        rows = order if s.B <= _STREAMED else [*order[: _STREAMED - 1], order[-1]]
        some = "" if s.B <= _STREAMED else f"{len(rows)} of {s.B} sequences"
        found = []
        for name, size in (("in chunks", max(1, s.longest // 3)), ("step by step", 1)):
            found.append(self._tried(name, lambda size=size: self._chunks(size, rows), some))  # type: ignore[misc]
        found.append(self._stepped())
        return found

    def _chunks(self, size: int, rows: list[int]) -> Pairs:
        s = self.subject
        pairs: Pairs = []
        for b in rows:
            n, state = s.length(b), None
            parts: list[list[Tensor]] = []
            for start in range(0, n, size):
                result = s.call([b], start, min(start + size, n), state=state)
                parts.append(result.outputs)
                state = result.state
            one = self.alone[b]
            streams = [len(a.times) == 1 for a in self.axes[: len(one.outputs)]]
            for k, (wanted, axes) in enumerate(zip(one.outputs, self.axes)):
                if streams[k]:
                    pairs.append((torch.cat([p[k] for p in parts], axes.times[0]), wanted))
                elif not any(streams) and not axes.times:
                    pairs.append((parts[-1][k], wanted))  # one answer a call: the last chunk's is the sequence's
            pairs += _paired(tensors(state), tensors(one.state))
        return pairs

    def _stepped(self) -> Check:
        """`module.step(x_t, state)`, all sequences at once, compared as far as each goes."""
        name, s = "layer.step", self.subject
        step = getattr(s.module, "step", None)
        if not callable(step):
            return Check(name, None, note="the module has no step")
        try:
            given = s.stream()
            y_t, state = step(next(given), s.start(self.everyone))
        except Exception as error:  # another module's step may be called in another way
            if isinstance(s.module, Recurrent):
                return raised(name, error)
            return Check(name, None, note=f"step(x_t, state) raises {type(error).__name__}")
        axes = self.axes[0]
        if not isinstance(y_t, Tensor) or len(axes.times) != 1 or axes.batch is None:
            return Check(name, None, note="step(x_t, state) returns no (y_t, state) like a call's")

        order = (axes.times[0], axes.batch)

        def pairs() -> Pairs:
            y, kept, out = self.whole.outputs[0].movedim(order, (0, 1)), state, []
            for t in range(s.T):
                found, kept = (y_t, state) if t == 0 else step(next(given), kept)
                here = [b for b in self.everyone if t < s.length(b)]
                out.append((found[here], y[t, here] if here else found[here]))
            return out

        return self._tried(name, pairs)


def _paired(found: list[Tensor], wanted: list[Tensor]) -> Pairs:
    if len(found) != len(wanted):
        raise RuntimeError(f"{len(found)} tensors come back, {len(wanted)} from the whole batch")
    return list(zip(found, wanted, strict=True))
