"""Small modules, each broken in one way: verify finds every one, on the right line, and names its cause."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import elman
from elman import Example, InputError, Sequences

T, B, I, H = 9, 3, 4, 6
LENGTHS = torch.tensor([6, 9, 4])
MASK = torch.arange(T) < LENGTHS[:, None]  # (B, T), True is data


def time_first() -> Tensor:
    return torch.randn(T, B, I)


def batch_first() -> Tensor:
    return torch.randn(B, T, I)


def own_last(y: Tensor, lengths: Tensor) -> Tensor:
    """(T, B, H) -> (B, H): each sequence's own last step."""
    return y[lengths - 1, torch.arange(y.shape[1])]


class Layers(nn.Module):
    """What the modules below are made of."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(I, H)
        self.first = nn.GRU(I, H, batch_first=True)
        self.two = nn.GRU(I, H, bidirectional=True)
        self.conv = nn.Conv1d(I, I, 3, padding=1)
        self.causal = nn.Conv1d(I, I, 3)
        self.norm = nn.BatchNorm1d(I, track_running_stats=False)
        self.attend = nn.MultiheadAttention(I, 2, batch_first=True)
        self.pos_table = nn.Parameter(torch.randn(2 * T, 1, I))
        self.h: Tensor | None = None


# -- broken -----------------------------------------------------------------------------------------------------------


class LastOfTheBatch(Layers):
    def forward(self, x, lengths):
        return self.gru(x)[0][-1]


class PoolsPadding(Layers):
    def forward(self, x, lengths):
        return self.gru(x)[0].mean(0)


class MultipliesPaddingAway(Layers):
    def forward(self, x, lengths):
        here = (torch.arange(len(x))[:, None] < lengths)[..., None]
        return (x * here).sum(0) / lengths[:, None]


class BidirectionalOverPadding(Layers):
    def forward(self, x, lengths):
        return self.two(x)[0]


class AttendsToPadding(Layers):
    def forward(self, x, lengths):
        return self.attend(x, x, x, need_weights=False)[0]


class ConvolvesPadding(Layers):
    def forward(self, x, lengths):
        return self.conv(x.permute(1, 2, 0)).permute(2, 0, 1)


class CentresOverBatch(Layers):
    def forward(self, x):
        return x - x.mean(1, keepdim=True)


class OneLoss(Layers):
    def forward(self, x):
        return self.gru(x)[0].square().mean()


class NormalisesOverBatch(Layers):
    def forward(self, x):
        return self.norm(x.permute(1, 2, 0)).permute(2, 0, 1)


class BatchForTime(Layers):
    """Axes swapped: the layer runs over the batch."""

    def forward(self, x):
        return self.gru(x)[0]


class NotPutBack(Layers):
    """Sorted by length to be packed, and left so."""

    def forward(self, x, lengths):
        order = lengths.argsort(descending=True, stable=True)
        packed = pack_padded_sequence(x[:, order], lengths[order])
        return own_last(pad_packed_sequence(self.gru(packed)[0])[0], lengths[order])


class SharesState(Layers):
    def forward(self, x, state=None):
        y, after = self.gru(x, state)
        return y, after.mean(1, keepdim=True).expand_as(after).contiguous()


class KeepsState(Layers):
    def forward(self, x):
        start = self.h if self.h is not None and self.h.shape[1] == x.shape[1] else None
        y, self.h = self.gru(x, start)
        return y


class DropsAlways(Layers):
    def forward(self, x):
        return F.dropout(self.gru(x)[0], 0.5)


class AddsNoise(Layers):
    def forward(self, x):
        return x + torch.randn_like(x)


class FixedBatch(Layers):
    def forward(self, x):
        return self.gru(x, torch.zeros(1, B, H))[0]


class Absolute(Layers):
    def forward(self, x, state=None):
        return self.gru(x + self.pos_table[: len(x)], state)


class FixedLength(Layers):
    def forward(self, x, lengths):
        return x + self.pos_table[:T]


class StartsAnew(Layers):
    def forward(self, x, state=None):
        return self.gru(x)


class LooksAhead(Layers):
    def forward(self, x, state=None):
        return self.gru(self.conv(x.permute(1, 2, 0)).permute(2, 0, 1), state)


class LosesContext(Layers):
    """A causal convolution whose last inputs are not handed on."""

    def forward(self, x, state=None):
        return self.gru(self.causal(F.pad(x.permute(1, 2, 0), (2, 0))).permute(2, 0, 1), state)


class NormalisesOverTime(Layers):
    def forward(self, x, state=None):
        return self.gru((x - x.mean(0)) / x.std(0, correction=0), state)


class BothWays(Layers):
    """A stream promised of what needs the end."""

    def forward(self, x, state=None):
        return self.two(x, state)


class FullAttention(Layers):
    def forward(self, x, state=None):
        x = x.transpose(0, 1)
        return self.gru(self.attend(x, x, x, need_weights=False)[0].transpose(0, 1), state)


class TurnsPadding(Layers):
    """A backward half by hand, over the padding."""

    def forward(self, x, lengths):
        return self.gru(x.flip(0))[0].flip(0)


class DividesByT(Layers):
    def forward(self, x, lengths):
        here = (torch.arange(len(x))[:, None] < lengths)[..., None]
        return torch.where(here, x, 0).sum(0) / len(x)


class OwnGenerator(Layers):
    def __init__(self):
        super().__init__()
        self.generator = torch.Generator()

    def forward(self, x):
        return x + torch.randn(x.shape, generator=self.generator)


class TrainsItsNorm(Layers):
    """BatchNorm left in training mode by a train() of its own."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(I)

    def forward(self, x):
        self.norm.train()
        return self.norm(x.permute(1, 2, 0)).permute(2, 0, 1)


BROKEN = [
    (LastOfTheBatch, Example((time_first(),), lengths=LENGTHS), "alone = in a batch", "last step of the batch"),
    (LastOfTheBatch, Example((time_first(),), lengths=LENGTHS), "padded (with NaN)", "last step of the batch"),
    (PoolsPadding, Example((time_first(),), lengths=LENGTHS), "padded (with NaN)", "pooling"),
    (PoolsPadding, (time_first(), LENGTHS), "padded (with NaN)", "pooling"),
    (MultipliesPaddingAway, Example((time_first(),), lengths=LENGTHS), "padded (with NaN)", "NaN times 0"),
    (BidirectionalOverPadding, Example((time_first(),), lengths=LENGTHS), "alone = in a batch", "bidirectional"),
    (AttendsToPadding, Example((batch_first(),), 1, 0, LENGTHS), "padded (with NaN)", "attention over padding"),
    (ConvolvesPadding, Example((time_first(),), lengths=LENGTHS), "alone = in a batch", "convolution"),
    (CentresOverBatch, Example((time_first(),)), "alone = in a batch", "mixes the sequences of a batch: mean"),
    (OneLoss, Example((time_first(),)), "alone = in a batch", "one answer for the whole batch"),
    (NormalisesOverBatch, Example((time_first(),)), "alone = in a batch", "BatchNorm1d without running statistics"),
    (BatchForTime, Example((batch_first(),), 1, 0), "alone = in a batch", "along the batch as if it were time"),
    (NotPutBack, Example((time_first(),), lengths=LENGTHS), "alone = in a batch", "another order"),
    (SharesState, Example((time_first(),), state="state"), "alone = in a batch", "a state that they share"),
    (KeepsState, Example((time_first(),)), "the same call twice", "keeps something from call to call (h)"),
    (DropsAlways, Example((time_first(),)), "the same call twice", "dropout is active in evaluation mode"),
    (AddsNoise, Example((time_first(),)), "the same call twice", "random numbers are drawn"),
    (FixedBatch, Example((time_first(),)), "alone = in a batch", "fixed to the batch"),
    (Absolute, Example((time_first(),), state="state"), "in chunks", "positions are counted from the start"),
    (FixedLength, Example((time_first(),), lengths=LENGTHS), "padded (with NaN)", "table of positions"),
    (StartsAnew, Example((time_first(),), state="state"), "step by step", "the state is ignored"),
    (LooksAhead, Example((time_first(),), state="state"), "step by step", "reads the future: a convolution"),
    (LosesContext, Example((time_first(),), state="state"), "in chunks", "last inputs of the convolution"),
    (NormalisesOverTime, Example((time_first(),), state="state"), "in chunks", "reads the future: mean, std over time"),
    (BothWays, Example((time_first(),), state="state"), "in chunks", "bidirectional"),
    (TurnsPadding, Example((time_first(),), lengths=LENGTHS), "padded (with NaN)", "flip turns the padding"),
    (DividesByT, Example((time_first(),), lengths=LENGTHS), "alone = in a batch", "how much there is of it"),
    (DividesByT, Example((time_first(),), lengths=LENGTHS), "padded (with NaN)", "how much there is of it"),
    (OwnGenerator, Example((time_first(),)), "the same call twice", "random numbers are drawn"),
    (AddsNoise, Example((time_first(),)), "alone = in a batch", "random numbers are drawn"),
    (TrainsItsNorm, Example((time_first(),)), "alone = in a batch", "BatchNorm1d in training mode"),
    (FullAttention, Example((time_first(),), state="state"), "in chunks", "without a causal mask"),
]


@pytest.mark.parametrize(
    ("kind", "example", "check", "cause"), BROKEN, ids=[f"{k.__name__}-{c}" for k, _, c, _ in BROKEN]
)
def test_each_fault_is_found_and_named(kind, example, check, cause):
    proof = elman.verify(kind(), example)
    assert not proof.ok
    assert "NOT proven" in proof.verdict
    (found,) = [c for c in proof.checks if c.name == check]
    assert found.holds is False, str(proof)
    assert cause in found.note, str(proof)
    assert "likely cause: " in found.note


@pytest.mark.parametrize("part", [nn.Dropout(0.5), nn.BatchNorm1d(I)])
def test_a_function_around_a_model_that_is_still_in_training(part):
    """A module is put into evaluation mode; what a function calls is as it was left."""
    model = nn.Sequential(nn.Linear(I, I), part)

    def call(x):
        return model(x.flatten(0, 1)).view_as(x)

    proof = elman.verify(call, Example((time_first(),)))
    assert not proof.ok
    assert f"{type(part).__name__} in training mode" in str(proof)
    model.eval()
    assert elman.verify(call, Example((time_first(),))).ok


# -- healthy ----------------------------------------------------------------------------------------------------------


class Packs(Layers):
    """Outputs and the last state by packing, lengths as the second argument."""

    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        y, h = self.two(packed)
        return {"steps": pad_packed_sequence(y)[0], "last": h.transpose(0, 1).flatten(1)}


class MaskedMean(Layers):
    def forward(self, x, mask):
        y, _ = self.first(x)
        return (y * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


class MaskedAttention(Layers):
    def forward(self, x, key_padding_mask=None):
        y, weights = self.attend(x, x, x, key_padding_mask=key_padding_mask)
        return y, weights


class BatchFirstState(Layers):
    """States (B, L, H), as a server keeps them by session."""

    def forward(self, x, state=None):
        y, h = self.first(x, None if state is None else state.transpose(0, 1).contiguous())
        return y, h.transpose(0, 1)


class ConvolvesWithItsPast(Layers):
    """A causal convolution that hands its last inputs on, in a state of two."""

    def forward(self, x, state=None):
        past, h = (x.new_zeros(2, x.shape[1], I), None) if state is None else state
        x = torch.cat([past, x])
        y, h = self.gru(self.causal(x.permute(1, 2, 0)).permute(2, 0, 1), h)
        return y, (x[-2:], h)


class OwnLast(Layers):
    """A pooled answer beside its state: streams end at the same answer."""

    def forward(self, x, state=None):
        y, h = self.gru(x, state)
        return {"answer": y[-1], "hidden": h}


class Targets(Layers):
    """Two sequences of different lengths, and something about each."""

    def forward(self, x, targets, speaker):
        h = self.gru(x)[1][0] + speaker
        return h, targets * h[None]


class HalvesTime(Layers):
    def forward(self, x):
        return F.avg_pool1d(x.permute(1, 2, 0), 2, ceil_mode=True).permute(2, 0, 1)


class TakesAny(Layers):
    def forward(self, batch):
        y, _ = self.gru(batch)
        return y


class TakesSequences(Layers):
    def forward(self, batch: Sequences):
        return Packs.forward(self, batch.data, batch.lengths)["last"]


class CountsInItsState(Layers):
    """Absolute positions, counted in the state beside h."""

    def forward(self, x, state=None):
        at, h = (0, None) if state is None else state
        y, h = self.gru(x + self.pos_table[at : at + len(x)], h)
        return y, (at + len(x), h)


@dataclass
class Answer:
    steps: Tensor
    last: Tensor


class Answers(Packs):
    def forward(self, x, lengths):
        return Answer(**super().forward(x, lengths))


class TrainedNorm(Layers):
    """BatchNorm by its running statistics."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(I)

    def forward(self, x):
        return self.norm(x.permute(1, 2, 0)).permute(2, 0, 1)


class TakesTwo(nn.Module):
    """h and c as two arguments, and as two results."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(I, H)

    def forward(self, x, h0=None, c0=None):
        y, (h, c) = self.lstm(x, None if h0 is None else (h0, c0))
        return y, h, c


class NestsTwo(TakesTwo):
    def forward(self, x, h0=None, c0=None):
        y, h, c = super().forward(x, h0, c0)
        return y, (h, c)


class NamesTwo(TakesTwo):
    def forward(self, x, h0=None, c0=None):
        return dict(zip(("y", "h0", "c0"), super().forward(x, h0, c0)))


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(I, H)

    def forward(self, x: Tensor, state: Tensor | None = None):
        return self.gru(x, state)


def state_of(*shape: int) -> Tensor:
    return torch.randn(*shape)


HEALTHY = {
    "lengths by place": (Packs, (time_first(), LENGTHS), {"padded (with NaN)"}),
    "lengths by place, in an Example": (Packs, Example((time_first(), LENGTHS)), {"padded (with NaN)"}),
    "lengths by number": (Packs, Example((time_first(), LENGTHS), lengths=1), {"padded (with NaN)"}),
    "lengths in a list": (Packs, Example((time_first(), LENGTHS.tolist())), {"padded (with NaN)"}),
    "lengths drawn": (Packs, Example((time_first(),), lengths="lengths"), {"padded (with NaN)"}),
    "one sequence": (Packs, Example((time_first()[:, :1],), lengths=LENGTHS[1:2]), {"padded (with NaN)"}),
    "mask of data": (MaskedMean, (batch_first(), MASK), {"padded (with other values)"}),
    "mask of floats": (MaskedMean, (batch_first(), MASK.float()), {"padded (with other values)"}),
    "full mask": (MaskedMean, (batch_first(), torch.ones(B, T)), {"padded (with other values)"}),
    "mask as keyword": (MaskedMean, Example((batch_first(),), 1, 0, MASK), {"padded (with other values)"}),
    "mask of padding": (MaskedAttention, (batch_first(), ~MASK), {"padded (with other values)"}),
    "named mask": (
        MaskedAttention, Example((batch_first(),), 1, 0, "key_padding_mask"), {"padded (with other values)"},
    ),
    "marked mask": (
        MaskedAttention,
        Example((batch_first(),), 1, 0, "key_padding_mask", mask_marks="padding", keywords={"key_padding_mask": ~MASK}),
        {"padded (with other values)"},
    ),
    "batch-first state": (BatchFirstState, Example((batch_first(),), 1, 0, state="state"), {"in chunks"}),
    "batch-first state given": (
        BatchFirstState, Example((batch_first(), state_of(B, 1, H)), 1, 0, state=1), {"in chunks", "step by step"},
    ),
    "state of one layer a sequence": (
        BatchFirstState, (batch_first()[:1], state_of(1, 1, H)), {"in chunks", "step by step"},
    ),
    "torch's state by place": (nn.LSTM(I, H), (time_first(), (state_of(1, B, H), state_of(1, B, H))), {"in chunks"}),
    "h and c by place": (TakesTwo, (time_first(), state_of(1, B, H), state_of(1, B, H)), {"in chunks", "step by step"}),
    "h and c guessed": (TakesTwo, (time_first(),), {"in chunks", "step by step"}),
    "h and c named": (NestsTwo, Example((time_first(),), state=("h0", "c0")), {"in chunks", "step by step"}),
    "h and c in a dictionary": (NamesTwo, Example((time_first(),), state=("h0", "c0")), {"in chunks", "step by step"}),
    "h and c, None": (TakesTwo, Example((time_first(), None, None), state=(1, 2)), {"in chunks", "step by step"}),
    "scripted": (torch.jit.script(Plain()), Example((time_first(),), state="state"), {"in chunks"}),
    "a state of two": (ConvolvesWithItsPast, Example((time_first(),), state="state"), {"in chunks", "step by step"}),
    "a dictionary with its state": (OwnLast, Example((time_first(),), state="state"), {"in chunks", "step by step"}),
    "more than one sequence": (Targets, Example((time_first(), torch.randn(5, B, H), torch.randn(B, H))), set()),
    "shorter outputs": (HalvesTime, Example((time_first(),)), set()),
    "packed": (TakesAny, (pack_padded_sequence(time_first(), LENGTHS, enforce_sorted=False),), set()),
    "Sequences": (TakesSequences, (Sequences(time_first(), LENGTHS),), {"padded (with NaN)"}),
    "positions in the state": (CountsInItsState, Example((time_first(),), state="state"), {"in chunks"}),
    "a dataclass": (Answers, (time_first(), LENGTHS), {"padded (with NaN)"}),
    "running statistics": (TrainedNorm, Example((time_first(),)), set()),
    "infinite scores": (lambda x: x.masked_fill(x < 0, -torch.inf), Example((time_first(),)), set()),
    "complex numbers": (lambda x: torch.complex(x, x), Example((time_first(),)), set()),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_what_is_right_is_proven(name):
    kind, example, tried = HEALTHY[name]
    proof = elman.verify(kind() if isinstance(kind, type) else kind, example)
    assert proof.ok, str(proof)
    assert {"the same call twice", "alone = in a batch", *tried} <= {c.name for c in proof.checks if c.holds}


# -- what the verdict says --------------------------------------------------------------------------------------------


def test_what_was_never_tried_is_said():
    def nothing(x):
        return x

    proof = elman.verify(nothing, Example((time_first(),)))
    assert proof.ok
    assert proof.verdict == (
        "nothing: proven for what was tried; never tried: padded (no lengths given); in chunks, step by step "
        "(no state named)"
    )
    assert str(proof).startswith(proof.verdict)
    assert [c.name for c in proof.untried] == ["padded", "in chunks", "step by step"]
    assert proof.to_dict()["verdict"] == proof.verdict

    full = elman.verify(elman.nn.GRU(I, H), Example((time_first(),), lengths=LENGTHS, state="state"))
    assert full.verdict == "GRU: proven"
    theirs = elman.verify(nn.GRU(I, H), Example((time_first(),), state="hx"))
    assert "layer.step (the module has no step)" in theirs.verdict


def test_an_example_that_could_show_nothing():
    """Equal sequences, one time step: what cannot fail proves nothing."""
    same = elman.verify(nn.GRU(I, H), Example((torch.ones(T, B, I),)))
    assert "different sequences" in {c.name for c in same.untried}
    short = elman.verify(nn.GRU(I, H), Example((torch.randn(1, B, I),), state="hx"))
    assert {"in chunks", "step by step"} <= {c.name for c in short.untried}
    with pytest.raises(InputError, match="returns no tensor"):
        elman.verify(lambda x: None, Example((time_first(),)))


def test_one_sequence_gets_a_neighbour():
    proof = elman.verify(CentresOverBatch(), Example((time_first()[:, :1],)))
    assert not proof.ok


def test_guesses_are_printed(capsys):
    elman.verify(Packs(), (time_first(), LENGTHS))
    assert "guessed axes: time 0, batch 1, argument 1 (lengths) carries the lengths" in capsys.readouterr().err
    elman.verify(Packs(), Example((time_first(),), lengths=LENGTHS))
    assert capsys.readouterr().err == ""
    elman.verify(BatchFirstState(), (batch_first(),))
    assert "keyword state carries the state" in capsys.readouterr().err


class CallsItState(nn.Module):
    def forward(self, x, state=None):
        return x


def test_a_guessed_state_that_is_none():
    assert elman.verify(CallsItState(), (time_first(),)).ok
    with pytest.raises(InputError, match=r"returns no \(y, state\)"):
        elman.verify(CallsItState(), Example((time_first(),), state="state"))


@pytest.mark.parametrize(
    ("example", "said"),
    [
        (Example((time_first(), MASK.flip(1))), "not a run of data followed by padding"),
        (Example((batch_first(),), 1, 0, torch.ones(B, T + 1)), "the mask has shape"),
        (Example((batch_first(),), 1, 0, torch.zeros(B, T), mask_marks="data"), "leaves nothing of sequence 0"),
        (Example((time_first(),), lengths=[1, 2]), "lengths has shape"),
        (Example((time_first(),), lengths=4), "no argument 4"),
        (Example((torch.randn(0, B, I),)), "0 time steps"),
        (Example((torch.randn(T, B, I + 1),), lengths=LENGTHS), "cannot be called with this example"),
    ],
)
def test_an_example_that_makes_no_sense(example, said):
    with pytest.raises(InputError, match=said) as caught:
        elman.verify(Packs(), example)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="without a batch axis"):
        elman.verify(nn.GRU(I, H), (torch.randn(T, I),))
    with pytest.raises(InputError, match="mask_marks is 'x'"):
        Example((time_first(),), mask_marks="x")


def test_the_module_and_the_random_numbers_are_left_as_they_were():
    module = KeepsState()
    module(time_first())
    noise, example = AddsNoise(), Example((time_first(),))
    before, seed = module.h, torch.get_rng_state()
    elman.verify(module, example)
    assert torch.equal(module.h, before)
    elman.verify(noise, example)
    assert torch.equal(torch.get_rng_state(), seed)


class Steps(Layers):
    """A module with a step of its own, right or wrong."""

    def __init__(self, wrong: bool) -> None:
        super().__init__()
        self.wrong = wrong

    def forward(self, x, state=None):
        return self.gru(x, state)

    def step(self, x_t, state=None):
        y, after = self.gru(x_t[None], state)
        return y[0] + self.wrong, after


@pytest.mark.parametrize("wrong", [False, True])
def test_a_step_of_ones_own(wrong):
    proof = elman.verify(Steps(wrong), Example((time_first(),), state="state"))
    assert [c.holds for c in proof.checks if c.name == "layer.step"] == [not wrong]
    assert proof.ok is not wrong
