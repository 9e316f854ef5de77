"""Why a check failed: small experiments and what ran meanwhile, until one names a likely cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from elman.proof.calling import Axes, Result, Subject
from elman.proof.memory import changed, kept
from elman.proof.verdict import difference, judge

__all__ = ["Causes"]

_OVER_TIME = {"mean", "sum", "amax", "max", "std", "var", "cumsum", "norm", "softmax", "layer_norm", "instance_norm"}
_ATTENTION = {"scaled_dot_product_attention", "multi_head_attention_forward"}
_RANDOM = {"rand", "randn", "rand_like", "randn_like", "randint", "randperm", "normal", "bernoulli", "multinomial"}
_RECURRENT = {"gru", "lstm", "rnn_tanh", "rnn_relu"}


class Causes:
    """Looks for the cause of each failed check of one subject.

    Args:
        whole: the result of the whole batch.
        alone: of each sequence alone, as far as that went.
        axes: of every tensor in them.
    """

    def __init__(
        self, subject: Subject, whole: Result, alone: Sequence[Result], axes: Sequence[Axes], tolerance: float | None
    ) -> None:
        self._subject, self._whole, self._alone, self._axes = subject, whole, alone, axes
        self._tolerance = tolerance
        self._everyone = range(subject.B)
        self._seen: Seen | None = None

    def of(self, check: str) -> str:
        """The likely cause of a failed check, as a note; empty where nothing points to one."""
        experiments: dict[str, Callable[[], str]] = {
            "the same call twice": self._not_repeated,
            "alone = in a batch": self._not_alone,
            "in chunks": self._not_streamed,
            "step by step": self._not_streamed,
            "layer.step": lambda: "step computes something else than a call does",
        }
        found = ""
        with suppress(Exception):  # an experiment may fail like the check itself: then there is nothing to say
            if any(t.is_floating_point() and bool(t.isnan().any()) for one in self._alone for t in one.outputs):
                return "likely cause: the output holds NaN, even of a sequence alone"
            found = experiments.get(check, self._not_padded)()
        return f"likely cause: {found}" if found else ""

    # -- one method a check --------------------------------------------------------------------------------------

    def _not_repeated(self) -> str:
        seen = self._watched()
        if seen.dropout:
            return (
                f"dropout is active in evaluation mode ({seen.dropout}): give it training=self.training, call .eval()"
            )
        if seen.random or seen.names & _RANDOM:
            return "random numbers are drawn in evaluation mode"
        if seen.kept:
            return f"the module keeps something from call to call ({', '.join(seen.kept[:3])}): pass the state instead"
        return "something outside the module is kept from call to call"

    def _not_alone(self) -> str:
        s = self._subject
        repeated = self._not_repeated_briefly()
        if repeated:
            return repeated
        seen = self._watched()
        try:
            as_wide = [s.call([b]) for b in self._everyone]  # alone, but with all its padding
        except Exception:  # it may refuse a batch of one in any way
            return "a size is fixed to the batch of the example"
        if all(a.batch is None for a in self._axes):
            return "one answer for the whole batch: a mean or sum over it, or a batch axis other than the one named"
        if all(self._same(self._row(self._whole, b), self._row(one, 0)) for b, one in enumerate(as_wide)):
            return self._padding_read(seen)
        if seen.batch_norm:
            return f"{seen.batch_norm}: it normalises over the batch; call .eval(), and let it keep running statistics"
        swapped = self._other_order(as_wide)
        if swapped:
            return "the sequences come back in another order: sorted by length, and not put back"
        up, down = self._reaches(0, s.B - 1), self._reaches(s.B - 1, 0)
        if up and not down:
            return "it runs along the batch as if it were time: is batch_first what the example says?"
        if up or down:
            many = ", ".join(sorted(seen.names & _OVER_TIME)) or "mean, softmax, flattening"
            return f"it mixes the sequences of a batch: {many} over the batch axis, or a state that they share"
        return "the number of sequences enters the result, or a state is shared across the batch"

    def _not_padded(self) -> str:
        repeated = self._not_repeated_briefly()
        return repeated or self._padding_read(self._watched())

    def _padding_read(self, seen: Seen) -> str:
        s = self._subject
        if s.lengths is None:
            return "the sequences of the batch are not independent"
        try:
            if s.ends != "mask" and s.holds_floats() and self._ignores(3, "other"):
                return "padding is multiplied away, and NaN times 0 is NaN: leave it out with masked_fill"
            if s.ends != "mask" and min(s.lengths) < s.T and self._ignores(0, "other"):
                return (
                    "what padding holds is not read, but how much there is of it: a division by T, a count from the end"
                )
        except Exception as error:  # the module may refuse more steps in any way
            return f"it takes no more time steps than the example has ({type(error).__name__}): a table of positions?"
        if "flip" in seen.names:
            return "flip turns the padding to the front: turn each sequence inside its own length"
        if seen.bidirectional:
            return "bidirectional over padding: its backward half starts there; pack the sequences, or pass lengths"
        if seen.names & _ATTENTION:
            return "attention over padding: hide it with key_padding_mask or attn_mask"
        if seen.batch_norm or seen.names & {"instance_norm"}:
            return "normalisation over padding: leave padded steps out of its mean and variance"
        if seen.convolution and not seen.names & _RECURRENT:
            return "padding is read: a convolution reaches from it into the last steps, or pooling counts it"
        if seen.names & _RECURRENT or any(a.times == () for a in self._axes[: len(self._whole.outputs)]):
            return (
                "padding is read: the last step of the batch in place of each sequence's own, a state that runs on "
                "through it, or pooling that counts it"
            )
        return "padding is read: pooling, normalisation or a running sum counts it"

    def _not_streamed(self) -> str:
        s = self._subject
        repeated = self._not_repeated_briefly()
        if repeated:
            return repeated
        seen = self._watched()
        if seen.bidirectional:
            return "bidirectional: its backward half needs the end of the sequence"
        b = max(self._everyone, key=s.length)
        n = s.length(b)
        if self._looks_ahead(b, n):
            if seen.convolution:
                return "it reads the future: a convolution with padding on both sides; pad on the left alone"
            if seen.names & _ATTENTION:
                return "it reads the future: attention without a causal mask"
            many = ", ".join(sorted(seen.names & _OVER_TIME))
            what = f"{many} over time" if many else "a flip, a mean or a normalisation over time"
            return f"it reads the future: {what}"
        first = s.call([b], 0, n // 2)
        on = s.call([b], n // 2, n, state=first.state)
        if self._same(on.leaves, s.call([b], n // 2, n).leaves):
            return "the state is ignored: every call starts afresh"
        if seen.convolution:
            return "the state does not hold the last inputs of the convolution"
        positions = _positions(s.module, s.T)
        if positions or seen.names & {"arange", "embedding"}:
            return f"positions are counted from the start of each call{f' ({positions})' if positions else ''}"
        return "the state does not hold all of the past, or positions are counted from the start of each call"

    # -- experiments ---------------------------------------------------------------------------------------------

    def _not_repeated_briefly(self) -> str:
        again = self._subject.call(self._everyone)
        return "" if self._same(again.leaves, self._subject.call(self._everyone).leaves) else self._not_repeated()

    def _watched(self) -> Seen:
        """What runs in a call of the whole batch."""
        if self._seen is None:
            before, random = kept(self._subject.module), torch.get_rng_state()
            with _watching() as seen, suppress(Exception):
                self._subject.call(self._everyone)
            seen.random = not torch.equal(random, torch.get_rng_state())
            seen.kept = sorted(changed(before, kept(self._subject.module)))
            self._seen = seen
        return self._seen

    def _same(self, found: Sequence[Tensor], wanted: Sequence[Tensor]) -> bool:
        pairs = list(zip(found, wanted))
        return len(found) == len(wanted) and bool(judge("", pairs, self._tolerance).holds)

    def _ignores(self, more: int, fill: str) -> bool:
        """Whether other values in the padding, and so many steps more of it, change nothing."""
        result = self._subject.call(self._everyone, padding=more, fill=fill)
        return all(self._same(self._own(result, b), self._own(self._whole, b)) for b in self._everyone)

    def _row(self, result: Result, b: int) -> list[Tensor]:
        return [a.rows(t, [b]) for t, a in zip(result.leaves, self._axes)]

    def _own(self, result: Result, b: int) -> list[Tensor]:
        """Of a result, the row of sequence b, to its own end."""
        sizes = [t.shape for t in self._alone[b].leaves]
        return [a.cut(t, n) for t, a, n in zip(self._row(result, b), self._axes, sizes)]

    def _other_order(self, alone: Sequence[Result]) -> bool:
        """Whether every row of the batch is what some sequence gives alone, though not its own."""
        rows = [self._row(self._whole, b) for b in self._everyone]
        return all(any(self._same(row, self._row(one, 0)) for one in alone) for row in rows)

    def _reaches(self, source: int, goal: int) -> bool:
        """Whether other values in one sequence change the result of another."""
        result = self._subject.spoiled([source]).call(self._everyone)
        return not self._same(self._row(result, goal), self._row(self._whole, goal))

    def _looks_ahead(self, b: int, n: int) -> bool:
        """Whether what is changed in the last step shows in the output before it."""
        s = self._subject
        result = s.spoiled([b], [n - 1]).call([b], 0, n)
        for found, wanted, axes in zip(result.outputs, self._alone[b].outputs, self._axes):
            sizes = [size - 1 if a in axes.times else size for a, size in enumerate(wanted.shape)]
            if len(axes.times) == 1 and difference(axes.cut(found, sizes), axes.cut(wanted, sizes)) > 1e-4:
                return True
        return False


# -- what runs in a call ----------------------------------------------------------------------------------------------


@dataclass
class Seen:
    """What ran: names of torch functions, and what is known to break the contract."""

    names: set[str] = field(default_factory=set)
    dropout: str = ""
    batch_norm: str = ""
    bidirectional: bool = False
    convolution: bool = False
    random: bool = False
    kept: list[str] = field(default_factory=list)


class _Functions(TorchFunctionMode):
    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self._seen = seen

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name, options = getattr(func, "__name__", ""), kwargs or {}
        self._seen.names.add(name)
        self._seen.convolution |= name.startswith("conv")
        if name == "batch_norm" and not self._seen.batch_norm and (options.get("training") or args[5:6] == (True,)):
            self._seen.batch_norm = "batch_norm with training=True"
        if (
            name in ("dropout", "alpha_dropout", "feature_dropout")
            and not self._seen.dropout
            and _trains(args, options)
        ):
            self._seen.dropout = f"{name} with training=True"
        if name in _RECURRENT and len(args) >= 8 and not _packed(args):
            self._seen.bidirectional |= args[7] is True
        return func(*args, **options)


def _trains(args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Whether a dropout drops: its third argument, True where it is left out."""
    rate = options.get("p", args[1] if len(args) > 1 else 0.5)
    return bool(options.get("training", args[2] if len(args) > 2 else True)) and rate > 0


def _packed(args: tuple[Any, ...]) -> bool:
    """Whether a recurrent kernel was handed (data, batch_sizes, ...)."""
    return isinstance(args[1], Tensor) and args[1].dim() == 1 and not args[1].is_floating_point()


@contextmanager
def _watching() -> Iterator[Seen]:
    seen = Seen()

    def note(module: nn.Module, args: Any) -> None:
        kind = type(module).__name__
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            if module.training:
                seen.batch_norm = seen.batch_norm or f"{kind} in training mode"
            elif module.running_mean is None:
                seen.batch_norm = seen.batch_norm or f"{kind} without running statistics"
        if isinstance(module, nn.modules.dropout._DropoutNd) and module.training and module.p > 0:
            seen.dropout = seen.dropout or f"{kind} in training mode"
        if isinstance(module, nn.RNNBase) and module.training and module.dropout > 0 and module.num_layers > 1:
            seen.dropout = seen.dropout or f"{kind} with dropout in training mode"

    hook = register_module_forward_pre_hook(note)
    try:
        with _Functions(seen):
            yield seen
    finally:
        hook.remove()


def _positions(module: object, T: int) -> str:
    """The name of a table of positions: a parameter or buffer called so, with a row for each time step."""
    if isinstance(module, nn.Module):
        for name, t in [*module.named_parameters(), *module.named_buffers()]:
            if "pos" in name.lower() and any(n >= T for n in t.shape):
                return name
    return ""
