"""A proof must hold for what is right and fail, on the right line, for each way a recurrent model can be wrong."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import elman
from elman import Example, InputError, Sequences
from elman.nn import GRU, LSTM, Recurrent
from elman.proof import Proof, prove_model
from elman.proof.verdict import Check, gathered

LENGTHS = torch.tensor([4, 7, 2])


def failed(proof: elman.Proof) -> set[str]:
    return {c.name for c in proof.checks if c.holds is False}


def held(proof: elman.Proof) -> set[str]:
    return {c.name for c in proof.checks if c.holds}


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_our_layers_are_proven(batch_first, dtype):
    layer = LSTM(3, 5, 2, batch_first=batch_first, dtype=dtype)
    x = torch.randn(7, 3, 3, dtype=dtype)
    proof = elman.verify(
        layer,
        Example((x.transpose(0, 1) if batch_first else x,), int(batch_first), int(not batch_first), LENGTHS, "state"),
    )
    assert proof.ok
    assert held(proof) == {
        "the same call twice",
        "alone = in a batch",
        "padded (with NaN)",
        "in chunks",
        "step by step",
        "layer.step",
    }


def test_a_bidirectional_layer_says_what_has_no_meaning():
    proof = elman.verify(
        GRU(3, 5, bidirectional=True), Example((torch.randn(7, 3, 3),), lengths=LENGTHS, state="state")
    )
    assert proof.ok
    assert {c.name for c in proof.checks if c.holds is None} == {"in chunks", "step by step"}


def test_torch_itself_and_the_guess_is_printed(capsys):
    proof = elman.verify(nn.GRU(3, 5, batch_first=True), (torch.randn(2, 7, 3),))
    assert proof.ok
    assert "step by step" in held(proof)
    assert "time 1, batch 0" in capsys.readouterr().err


def test_training_mode_is_restored_part_by_part():
    model = nn.Sequential(nn.Dropout(0.5), nn.Dropout(0.5))
    model[1].eval()
    assert elman.verify(model, Example((torch.randn(4, 2, 3),))).ok
    assert (model.training, model[0].training, model[1].training) == (True, True, False)


class Leaks(nn.Module):
    """Centres over the batch: what a sequence gets depends on its neighbours."""

    def forward(self, x, lengths=None, state=None):
        return x - x.nan_to_num().mean(1, keepdim=True), None


class ReadsPadding(nn.Module):
    def forward(self, x, lengths=None):
        return x.mean(0)


class ReadsPaddingValuesAway(nn.Module):
    """Masks by multiplying: 0 * NaN is NaN."""

    def forward(self, x, lengths):
        mask = (torch.arange(len(x))[:, None] < lengths)[:, :, None]
        return (x * mask).sum(0) / lengths[:, None]


class Forgets(nn.Module):
    """Returns a state but starts every call anew."""

    def __init__(self):
        super().__init__()
        self.layer = nn.GRU(3, 3)

    def forward(self, x, state=None):
        return self.layer(x)


class Random(nn.Module):
    def forward(self, x):
        return x + torch.randn_like(x)


@pytest.mark.parametrize(
    ("module", "example", "wrong"),
    [
        (Leaks(), Example((torch.randn(7, 3, 3),)), "alone = in a batch"),
        (ReadsPadding(), Example((torch.randn(7, 3, 3),), lengths=LENGTHS), "alone = in a batch"),
        (ReadsPaddingValuesAway(), Example((torch.randn(7, 3, 3),), lengths=LENGTHS), "padded (with NaN)"),
        (Forgets(), Example((torch.randn(7, 3, 3),), state="state"), "step by step"),
        (Random(), Example((torch.randn(7, 3, 3),)), "the same call twice"),
    ],
)
def test_each_disease_is_found(module, example, wrong):
    if isinstance(module, Leaks):
        call = module.forward
        module.forward = lambda x, lengths=None: call(x)[0]
    proof = elman.verify(module, example)
    assert not proof.ok
    assert wrong in failed(proof)
    assert "NOT proven" in str(proof)


def test_an_example_without_sequences():
    with pytest.raises(InputError, match="no batch of sequences"):
        elman.verify(nn.Linear(2, 2), Example((torch.randn(3),)))


class Tiny(nn.Module):
    def __init__(self, broken=False):
        super().__init__()
        self.embed = nn.Embedding(9, 4)
        self.layer = Recurrent(elman.cells.GRU, 4, 6)
        self.broken = broken

    def forward(self, batch: Sequences):
        y, s = self.layer(self.embed(batch.data), lengths=batch.lengths)
        return y.mean(0) if self.broken else s[0]


def outputs_of(model):
    def outputs(items, padding):
        batch = Sequences.pack([torch.tensor(i) for i in items])
        data = torch.cat([batch.data, torch.full((padding, len(items)), 5)])
        return list(model(Sequences(data, batch.lengths)))

    return outputs


def test_a_claim_on_layers_that_differ_in_their_number_is_told_once():
    checks = [
        *(Check(f"members.{k}.layer: steps", True, error, 1e-5) for k, error in enumerate([1e-7, 3e-6, 0.0])),
        Check("members.3.layer: steps", False, 1.0, 1e-5),
        Check("members.5.layer: steps", True, 0.0, 1e-5),
        Check("members.0.layer: chunks", None, note="no state"),
        Check("layer: steps", True, 2e-7, 1e-5),
    ]
    found = {check.name: (check.holds, check.error) for check in gathered(checks)}
    assert found == {
        "members.0-2,5.layer: steps": (True, 3e-6),
        "members.3.layer: steps": (False, 1.0),
        "members.0.layer: chunks": (None, None),
        "layer: steps": (True, 2e-7),
    }


def test_a_model_and_the_layers_inside_it():
    items = [[1, 2, 3], [4], [5, 6, 7, 8]]
    good, bad = Tiny(), Tiny(broken=True)
    proof = prove_model(good, outputs_of(good), items)
    assert proof.ok
    assert {"alone = in a batch", "in any order", "layer: padded (with NaN)", "layer: step by step"} <= held(proof)
    assert "alone = in a batch" in failed(prove_model(bad, outputs_of(bad), items))
    saved = proof.to_dict()
    assert saved["ok"] is True
    assert all(c["error"] is not None for c in saved["checks"] if c["holds"] is not None)


def test_a_long_name_moves_the_whole_column() -> None:
    checks = [Check("alone = in a batch", True, 0.0, 1e-5), Check("greedy search: padded (with other values)", True)]
    lines = str(Proof("subject", checks)).splitlines()[1:]
    assert lines[0].index("holds") == lines[1].index("holds")
