"""Contexts and answers as vectors: what they are made of, and the loss, against numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from elman.models.matching import Matcher, telling
from elman.sequences import Sequences
from elman.text.units import BEGIN, END


def matcher(size: int = 12, width: int = 5) -> Matcher:
    torch.manual_seed(0)
    found = Matcher(size, width, 0.3, torch.rand(size)).double().eval()
    with torch.no_grad():
        for p in found.parameters():
            p.add_(0.2 * torch.randn(p.shape, dtype=torch.float64))
    return found


def vector(m: Matcher, units: list[int]) -> np.ndarray:
    rows = [float(m.weight.detach()[u]) * m.embedding.weight[u].detach().numpy() for u in units]
    return np.sum(rows, axis=0) / math.sqrt(len(units)) if units else np.zeros(m.embedding.embedding_dim)


def by_hand(m: Matcher, last: list[int], earlier: list[int]) -> np.ndarray:
    found = m.context.weight.detach().numpy() @ vector(m, last) + m.context.bias.detach().numpy()
    found = found + m.earlier.weight.detach().numpy() @ vector(m, earlier)
    return found / np.linalg.norm(found)


def test_a_context_is_its_last_turn_and_the_others() -> None:
    m = matcher()
    contexts = Sequences.numbers([[4, 5, END, 6, 7, 6], [8, 9], [4, END, 5, END, 11]])
    found = m.contexts(contexts.data, contexts.lengths).detach().numpy()
    expected = [by_hand(m, [6, 7, 6], [4, 5]), by_hand(m, [8, 9], []), by_hand(m, [11], [4, 5])]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    padded = contexts.spoiled(4)
    assert torch.equal(m.contexts(padded.data, padded.lengths), m.contexts(contexts.data, contexts.lengths))


def test_signs_say_nothing_in_an_answer() -> None:
    m = matcher()
    bare, signed = Sequences.numbers([[4, 5], [6]]), Sequences.numbers([[BEGIN, 4, 5, END], [BEGIN, 6, END]])
    torch.testing.assert_close(m.answers(bare.data, bare.lengths), m.answers(signed.data, signed.lengths))


def test_the_loss_is_a_softmax_over_the_batch_without_equal_answers() -> None:
    m = matcher()
    f, g = (torch.nn.functional.normalize(torch.randn(4, 5, dtype=torch.float64), dim=1) for _ in range(2))
    same = torch.eye(4, dtype=torch.bool)
    same[0, 2] = same[2, 0] = True
    s = math.exp(float(m.scale.detach())) * f.numpy() @ g.numpy().T
    expected = []
    for b in range(4):
        others = [c for c in range(4) if c == b or not same[b, c]]
        expected.append(-s[b, b] + math.log(sum(math.exp(s[b, c]) for c in others)))
    assert float(m.loss(f, g, same).detach()) == pytest.approx(np.mean(expected))


def test_gradients() -> None:
    m = matcher()
    contexts, answers = Sequences.numbers([[4, END, 6], [8, 9]]), Sequences.numbers([[5], [7, 10]])
    same = torch.eye(2, dtype=torch.bool)

    def loss(*parameters: torch.Tensor) -> torch.Tensor:
        f, g = m.contexts(contexts.data, contexts.lengths), m.answers(answers.data, answers.lengths)
        return m.loss(f, g, same)

    assert torch.autograd.gradcheck(loss, tuple(m.parameters()))


def test_rare_units_are_telling() -> None:
    texts = [[4, 5, 5], [4], [4, 6]]
    found = telling(texts, 8)
    idf = [math.log(4 / (1 + n)) for n in (0, 0, 0, 0, 3, 1, 1, 0)]
    often = [0, 0, 0, 0, 3, 2, 1, 0]
    mean = sum(i * n for i, n in zip(idf, often)) / 6
    assert found.tolist() == pytest.approx([i / mean for i in idf])
    assert telling([], 3).isfinite().all()
