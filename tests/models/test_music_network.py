"""The network over piano rolls: probabilities that are some, pieces that do not disturb each other, steps, draws."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from elman.models.music_network import MusicNetwork
from elman.models.music_settings import MusicSettings
from elman.notes.roll import PITCHES
from elman.sequences import Sequences

LENGTHS = (6, 1, 9, 4)


def network(**settings: object) -> MusicNetwork:
    torch.manual_seed(0)
    net = MusicNetwork(MusicSettings(**{"hidden": 6, "notes": 5, "layers": 2, **settings})).double().eval()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return net.requires_grad_(False)


def pieces() -> list[Tensor]:
    torch.manual_seed(1)
    return [(torch.rand(T, PITCHES) < 0.05).double() for T in LENGTHS]


def told(net: MusicNetwork, some: list[Tensor], spoil: int = 0) -> list[Tensor]:
    """ln p of each piece, (T, 2)."""
    batch = Sequences.pack(some)
    batch = batch.spoiled(spoil) if spoil else batch
    found, _ = net.log_probs(batch.data, batch.lengths)
    out = found.new_zeros(*batch.mask.shape, 2)
    out[batch.mask] = found
    return [out[:T, b] for b, T in enumerate(batch.lengths.tolist())]


@pytest.mark.parametrize("members", [1, 3])
def test_alone_in_a_batch_padded_and_in_chunks(members: int) -> None:
    net, some = network(members=members), pieces()
    whole = told(net, some)
    for piece, one, padded in zip(some, whole, told(net, some, spoil=3)):
        torch.testing.assert_close(told(net, [piece])[0], one)
        torch.testing.assert_close(padded, one)
        places, first, parts = None, None, []
        for chunk in piece.split(4):
            found, places = net.log_probs(chunk[:, None], torch.tensor([len(chunk)]), places, first)
            parts.append(found)
            first = chunk[-1:]
        torch.testing.assert_close(torch.cat(parts), one)


def test_step_by_step_it_says_the_same() -> None:
    net, piece = network(members=2), pieces()[0]
    whole, places, frame = told(net, [piece])[0], net.begin(), torch.zeros(1, PITCHES, dtype=torch.float64)
    for x, said in zip(piece, whole):
        known, places = net.step(frame, places)
        p = torch.stack([m.independent(h).sigmoid()[0] for m, h in zip(net.members, known)]).mean(0)
        assert float(torch.where(x > 0, p, 1 - p).log().sum()) == pytest.approx(float(said[0]))
        q = torch.stack([m.joint(x[None], h).sigmoid()[0] for m, h in zip(net.members, known)]).mean(0)
        assert float(torch.where(x > 0, q, 1 - q).log().sum()) == pytest.approx(float(said[1]))
        frame = x[None]


def test_the_first_frame_follows_silence_and_the_last_is_not_read() -> None:
    net, piece = network(), pieces()[2]
    before = told(net, [torch.cat([torch.zeros(1, PITCHES, dtype=torch.float64), piece])])[0]
    h, _ = net.members[0](torch.zeros(1, 1, PITCHES, dtype=torch.float64), torch.tensor([1]), [None, None])
    independent = -F.binary_cross_entropy_with_logits(net.members[0].independent(h[0, 0]), piece[0], reduction="sum")
    assert float(told(net, [piece])[0][0, 0]) == pytest.approx(float(independent))
    assert not torch.allclose(before[1:], told(net, [piece])[0])  # silence that was read is more than none
    other = piece.clone()
    other[-1] = 1 - other[-1]
    torch.testing.assert_close(told(net, [other])[0][:-1], told(net, [piece])[0][:-1])


def test_the_loss_is_what_is_told() -> None:
    net, some = network(members=2), pieces()
    batch = Sequences.pack(some).spoiled(2)
    loss, frames = net.loss(batch.data, batch.lengths)
    assert frames == sum(LENGTHS)
    total = 0.0
    for member in net.members:
        one = network()
        one.members[0].load_state_dict(member.state_dict())
        total -= float(torch.cat(told(one, some)).sum())
    assert float(loss) == pytest.approx(total / frames)


def test_gradients_by_finite_differences() -> None:
    net = network(layers=1, hidden=3, notes=2)
    batch = Sequences.pack(pieces()[:2])
    names = list(dict(net.named_parameters()))

    def loss(*values: Tensor) -> Tensor:
        own = dict(zip(names, values))
        return torch.func.functional_call(_Loss(net), {f"net.{k}": v for k, v in own.items()}, (batch,))

    values = [p.detach().clone().requires_grad_() for p in net.parameters()]
    assert torch.autograd.gradcheck(loss, tuple(values), fast_mode=True)


class _Loss(torch.nn.Module):
    def __init__(self, net: MusicNetwork) -> None:
        super().__init__()
        self.net = net

    def forward(self, batch: Sequences) -> Tensor:
        return self.net.loss(batch.data, batch.lengths)[0]


def quiet(net: MusicNetwork, low: int = 40, notes: int = 3) -> None:
    """All pitches but some never sound."""
    for member in net.members:
        member.joint.b.bias.data.fill_(-60.0)
        member.joint.b.bias.data[low : low + notes] = 0.2
        member.joint.V.weight.data *= 4


def test_chords_are_drawn_as_often_as_is_said() -> None:
    """Of eight chords over three pitches, and of two members whose probabilities are averaged note by note."""
    net = network(members=2)
    quiet(net)
    known, _ = net.step(torch.zeros(1, PITCHES, dtype=torch.float64), net.begin())
    draw, n, counts = torch.Generator().manual_seed(0), 1500, torch.zeros(8)
    with torch.no_grad():
        for _ in range(n):
            x = net.draw(known, draw)
            assert x.sum() == x[40:43].sum()
            counts[int(x[40] * 4 + x[41] * 2 + x[42])] += 1
        for k in range(8):
            x = torch.zeros(1, 1, PITCHES, dtype=torch.float64)
            x[0, 0, 40:43] = torch.tensor([k >> 2, k >> 1 & 1, k & 1])
            p = math.exp(float(net.log_probs(x, torch.tensor([1]))[0][0, 1]))
            assert abs(float(counts[k]) / n - p) < 4 * math.sqrt(p * (1 - p) / n) + 1e-9


def test_temperature() -> None:
    net = network()
    quiet(net)
    net.members[0].joint.b.bias.data[40:43] = torch.tensor([2.0, -2.0, 2.0])
    net.members[0].joint.V.weight.data.zero_()
    net.members[0].joint.b.weight.data.zero_()
    known, _ = net.step(torch.zeros(1, PITCHES, dtype=torch.float64), net.begin())
    for temperature in (0.5, 4.0):
        draw, n = torch.Generator().manual_seed(0), 600
        found = torch.stack([net.draw(known, draw, temperature)[40:43] for _ in range(n)]).mean(0)
        for share, logit in zip(found.tolist(), (2, -2, 2)):
            assert abs(share - 1 / (1 + math.exp(-logit / temperature))) < 0.08
    assert net.draw(known, torch.Generator(), 0.0)[40:43].tolist() == [1, 0, 1]
