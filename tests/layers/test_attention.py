"""Attention against its formula, one query and one step of the memory at a time."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from elman.errors import InputError
from elman.layers import additive_score as room
from elman.layers.attention import SCORES
from elman.nn import Attention

T, S, B, H = 3, 5, 4, 6
LENGTHS = torch.tensor([5, 1, 3, 4])
EACH = pytest.mark.parametrize("score", list(SCORES))


def made(score: str, heads: int = 1, coverage: int = 0) -> tuple[Attention, Tensor, Tensor]:
    torch.manual_seed(0)
    attention = Attention(H, H, score=score, heads=heads, coverage=coverage).double()
    for p in attention.parameters():
        torch.nn.init.normal_(p)
    return attention, torch.randn(T, B, H, dtype=torch.float64), torch.randn(S, B, H, dtype=torch.float64)


@torch.no_grad()
def by_hand(attention: Attention, s: Tensor, h: list[Tensor], covered: list[float]) -> tuple[Tensor, Tensor]:
    """c and alpha (heads, S) of one query s (H,) over the steps h, straight from the formulas."""
    n = attention.heads
    alphas, found = [], []
    for k in range(n):
        of = slice(k * H // n, (k + 1) * H // n)
        e = []
        for i, h_i in enumerate(h):
            if attention.score == "additive":
                inside = attention.W_a @ s + attention.U_a @ h_i
                if attention.W_cov is not None:
                    reach = attention.W_cov.shape[1] // 2
                    for j in range(max(0, i - reach), min(len(covered), i + reach + 1)):
                        inside = inside + attention.W_cov[:, j - i + reach] * covered[j]
                e.append(float((attention.v_a[of] * torch.tanh(inside[of])).sum()))
            else:
                key = attention.U_a @ h_i if attention.score == "general" else h_i
                e.append(float(s[of] @ key[of]) / (math.sqrt(H // n) if attention.score == "scaled_dot" else 1))
        weights = [math.exp(x - max(e)) for x in e]
        alphas.append(torch.tensor(weights, dtype=torch.float64) / sum(weights))
        found.append(sum(a * h_i[of] for a, h_i in zip(alphas[-1], h)))
    return torch.cat(found), torch.stack(alphas)


@EACH
@pytest.mark.parametrize("heads", [1, 2])
def test_equals_the_formula_and_reads_no_padding(score, heads):
    attention, s, h = made(score, heads)
    for b, n in enumerate(LENGTHS.tolist()):
        h[n:, b] = torch.nan
    with torch.no_grad():
        c, alpha = attention(s, attention.remember(h, LENGTHS))
        alpha = alpha.reshape(T, B, heads, S)
        for t in range(T):
            for b, n in enumerate(LENGTHS.tolist()):
                want, weights = by_hand(attention, s[t, b], [*h[:n, b]], [0.0] * n)
                torch.testing.assert_close(c[t, b], want)
                torch.testing.assert_close(alpha[t, b, :, :n], weights)
                assert (alpha[t, b, :, n:] == 0).all()
    torch.testing.assert_close(alpha.sum(-1), torch.ones(T, B, heads, dtype=torch.float64))


@EACH
def test_one_step_and_all_steps_alone_and_in_a_batch(score):
    attention, s, h = made(score)
    memory = attention.remember(h, LENGTHS)
    whole, alpha = attention(s, memory)
    for t in range(T):
        c, a = attention(s[t], memory)
        torch.testing.assert_close(c, whole[t])
        torch.testing.assert_close(a, alpha[t])
    for b, n in enumerate(LENGTHS.tolist()):
        c, _ = attention(s[:, b : b + 1], attention.remember(h[:n, b : b + 1]))
        torch.testing.assert_close(c[:, 0], whole[:, b])
    swapped = memory.take(torch.tensor([2, 0, 2]))
    torch.testing.assert_close(attention(s[:, [2, 0, 2]], swapped)[0], whole[:, [2, 0, 2]])


@pytest.mark.parametrize("heads", [1, 3])
@EACH
def test_gradients_by_finite_differences(score, heads):
    attention, s, h = made(score, heads)
    s.requires_grad_()
    h.requires_grad_()

    def run(s, h, *parameters):
        state = dict(zip(dict(attention.named_parameters()), parameters))
        c, alpha = torch.func.functional_call(_Both(attention), {f"a.{k}": v for k, v in state.items()}, (s, h))
        return c, alpha

    assert torch.autograd.gradcheck(run, (s, h, *attention.parameters()), atol=1e-6)


class _Both(torch.nn.Module):
    def __init__(self, a: Attention) -> None:
        super().__init__()
        self.a = a

    def forward(self, s: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        return self.a(s, self.a.remember(h, LENGTHS))


@pytest.mark.parametrize("places", [1, 3])
def test_coverage_is_read_and_learned(places):
    attention, s, h = made("additive", coverage=places)
    covered = torch.rand(B, S, dtype=torch.float64) * (torch.arange(S) < LENGTHS[:, None])
    covered.requires_grad_()
    memory = attention.remember(h, LENGTHS)
    c, _ = attention(s[0], memory, covered)
    for b, n in enumerate(LENGTHS.tolist()):
        want, _ = by_hand(attention, s[0, b], [*h[:n, b]], covered[b].tolist())
        torch.testing.assert_close(c[b], want)
    c.sum().backward()
    assert attention.W_cov.grad.abs().sum() > 0
    assert covered.grad.abs().sum() > 0


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("block", [1, 2 * S * H * T, 1 << 18])
def test_scores_come_in_blocks(heads, block, monkeypatch):
    monkeypatch.setattr(room.native, "able", lambda *tensors: False)
    monkeypatch.setattr(room, "_BLOCK", block)
    torch.manual_seed(0)
    shapes = (B, heads, T, H), (B, heads, S, H), (heads, H)
    s, h, v = (torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)
    want = (torch.tanh(s[:, :, :, None] + h[:, :, None]) * v[:, None, None]).sum(-1)
    weights = torch.randn_like(want)
    torch.testing.assert_close(room.additive(s, h, v), want)
    ours = torch.autograd.grad((room.additive(s, h, v) * weights).sum(), (s, h, v))
    torch.testing.assert_close(ours, torch.autograd.grad((want * weights).sum(), (s, h, v)))
    with torch.no_grad():
        torch.testing.assert_close(room.additive(s, h, v), want)


def test_a_mask_in_place_of_lengths():
    attention, s, h = made("general")
    mask = torch.arange(S)[:, None] < LENGTHS
    torch.testing.assert_close(
        attention(s, attention.remember(h, mask=mask)), attention(s, attention.remember(h, LENGTHS))
    )
    mask[:, 2] = False
    with pytest.raises(InputError, match="attention over nothing: of sequence 2 no step may be seen"):
        attention.remember(h, mask=mask)
    with pytest.raises(InputError, match="both lengths and a mask"):
        attention.remember(h, LENGTHS, mask)
    with pytest.raises(InputError, match=r"mask is float32 of shape \(5, 4\), not bool"):
        attention.remember(h, mask=torch.ones(S, B))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"score": "cosine"}, "no score is called 'cosine'"),
        ({"score": "dot", "memory_size": 8}, "a query of 6 numbers by a memory of 8"),
        ({"score": "dot", "coverage": 1}, "coverage is read by the additive score"),
        ({"coverage": 2}, "coverage of 2 places has no middle"),
        ({"heads": 4}, "4 heads do not divide the widths 6 and 6"),
        ({"query_size": 0}, "query_size"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        Attention(**{"query_size": H, "memory_size": H, **arguments})


def test_shapes_that_do_not_fit():
    attention, s, h = made("additive")
    with pytest.raises(InputError, match=r"memory has shape \(5, 4, 5\), attention wants \(S, B, 6\)"):
        attention.remember(h[..., :5])
    with pytest.raises(InputError, match=r"query has shape \(3, 2, 6\), attention wants \(T, 4, 6\)"):
        attention(s[:, :2], attention.remember(h))
