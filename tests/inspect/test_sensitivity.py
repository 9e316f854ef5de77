"""Word sensitivities on models whose answer is known by hand."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from elman.inspect.sensitivity import explain_answers, gradient_times_input, leave_one_out
from elman.sequences import Sequences

E, K = 3, 4


def batch(seed: int = 0) -> Sequences:
    torch.manual_seed(seed)
    return Sequences.pack([torch.randn(n, E, dtype=torch.float64) for n in (5, 2, 7)], pad=float("nan"))


def bag(weight: Tensor) -> object:
    """Scores that are the sum of the words' own scores: (T, B, E) -> (B, K)."""

    def scores(x: Tensor, lengths: Tensor) -> Tensor:
        inside = torch.arange(len(x))[:, None] < lengths
        return torch.where(inside[..., None], x, 0).sum(0) @ weight.T

    return scores


def test_gradient_times_input_of_a_bag_of_words_by_hand() -> None:
    """d log p_k / dx = W_k - sum_j p_j W_j at every word, so the value of a word is that row times the word."""
    x, weight = batch(), torch.randn(K, E, dtype=torch.float64)
    found = gradient_times_input(bag(weight), x)  # type: ignore[arg-type]
    for b, words in enumerate(x):
        p = torch.softmax(words.sum(0) @ weight.T, -1)
        row = weight[p.argmax()] - p @ weight
        torch.testing.assert_close(found[: len(words), b], words @ row)
        assert not found[len(words) :, b].any()
    norms = gradient_times_input(bag(weight), x, kind="norm")  # type: ignore[arg-type]
    torch.testing.assert_close(norms[:5, 0], norms[0, 0].expand(5))


def test_leave_one_out_by_hand_and_in_small_batches() -> None:
    x, weight = batch(), torch.randn(K, E, dtype=torch.float64)
    target = torch.tensor([3, 0, 1])
    found = leave_one_out(bag(weight), x, target, rows=4)  # type: ignore[arg-type]
    for b, words in enumerate(x):
        whole = torch.log_softmax(words.sum(0) @ weight.T, -1)[target[b]]
        for t in range(len(words)):
            without = torch.log_softmax((words.sum(0) - words[t]) @ weight.T, -1)[target[b]]
            torch.testing.assert_close(found[t, b], whole - without)
        assert not found[len(words) :, b].any()


def test_only_the_first_steps_are_left_out() -> None:
    x, weight = batch(), torch.randn(K, E, dtype=torch.float64)
    whole, found = (leave_one_out(bag(weight), x, first=n) for n in (None, 3))  # type: ignore[arg-type]
    torch.testing.assert_close(found[:3], whole[:3])
    assert whole[3:].any()
    assert not found[3:].any()


def test_the_two_agree_to_first_order() -> None:
    """Words near zero: the estimate's error falls with the square of their size."""
    torch.manual_seed(2)
    rnn, out = nn.GRU(E, 6).double(), nn.Linear(6, K).double()

    def scores(x: Tensor, lengths: Tensor) -> Tensor:
        y, _ = rnn(torch.nan_to_num(x))
        return out(y[lengths - 1, torch.arange(len(lengths))])

    gaps = []
    for size in (1e-2, 1e-3):
        x = batch().with_data(size * batch().data)
        estimate, exact = gradient_times_input(scores, x), leave_one_out(scores, x)
        gaps.append(float((estimate - exact).abs().max()))
        assert gaps[-1] < 0.3 * float(exact.abs().max())
    assert gaps[1] < 0.02 * gaps[0]


def test_a_batch_is_each_sequence_alone_and_carries_its_index() -> None:
    torch.manual_seed(3)
    weight = torch.randn(K, E, dtype=torch.float64)
    x = batch()
    together = explain_answers(bag(weight), x, [10, 4, 7])  # type: ignore[arg-type]
    assert [s.index for s in together] == [10, 4, 7]
    for words, seen in zip(x, together, strict=True):
        (alone,) = explain_answers(bag(weight), Sequences.pack([words]), [0])  # type: ignore[arg-type]
        torch.testing.assert_close(torch.tensor(seen.values), torch.tensor(alone.values))
        assert len(seen.values) == len(words)
