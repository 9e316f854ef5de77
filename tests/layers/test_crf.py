"""The CRF against the definition: every one of the K^T taggings written down and summed."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from torch import Tensor

import elman
from elman.errors import InputError
from elman.nn import CRF

K = 4


def random_crf(seed: int, rules: bool) -> CRF:
    generator = torch.Generator().manual_seed(seed)
    allowed = allowed_start = allowed_end = None
    if rules:
        allowed = torch.rand(K, K, generator=generator) < 0.7
        allowed.fill_diagonal_(True)
        allowed_start = torch.tensor([True, True, False, True])
        allowed_end = torch.tensor([True, False, True, True])
    crf = CRF(K, allowed, allowed_start, allowed_end).double()
    with torch.no_grad():
        for p in crf.parameters():
            p.normal_(generator=generator)
    return crf


def enumerate_taggings(crf: CRF, e: Tensor) -> tuple[list[tuple[int, ...]], Tensor]:
    """Every tagging of one sequence e (T, K) and its score, straight from the formula."""
    A, start, end = crf.potentials()
    taggings = list(product(range(crf.num_tags), repeat=len(e)))
    scores = []
    for y in taggings:
        score = start[y[0]] + end[y[-1]]
        for t, k in enumerate(y):
            score = score + e[t, k]
        for i, j in pairwise(y):
            score = score + A[i, j]
        scores.append(score)
    return taggings, torch.stack(scores)


def batch(seed: int = 0) -> tuple[Tensor, Tensor]:
    """Emissions (5, 4, K) of lengths 5, 1, 3, 2 whose padding is NaN."""
    e = torch.randn(5, 4, K, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) * 2
    lengths = torch.tensor([5, 1, 3, 2])
    for b, length in enumerate(lengths.tolist()):
        e[length:, b] = torch.nan
    return e, lengths


@pytest.mark.parametrize("rules", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_equals_enumeration(seed: int, rules: bool) -> None:
    crf, (e, lengths) = random_crf(seed, rules), batch(seed)
    log_z, marginals = crf.log_partition(e, lengths), crf.marginals(e, lengths)
    path, best = crf.best_path(e, lengths)
    for b, T in enumerate(lengths.tolist()):
        taggings, scores = enumerate_taggings(crf, e[:T, b])
        torch.testing.assert_close(log_z[b], scores.logsumexp(0))
        assert tuple(path[:T, b].tolist()) == taggings[int(scores.argmax())]
        torch.testing.assert_close(best[b], scores.max())
        p = scores.softmax(0)
        expected = torch.zeros(T, K, dtype=torch.float64)
        for y, weight in zip(taggings, p):
            for t, k in enumerate(y):
                expected[t, k] += weight
        torch.testing.assert_close(marginals[:T, b], expected.detach())
        assert not marginals[T:, b].any()
        assert not path[T:, b].any()


@pytest.mark.parametrize("rules", [False, True])
def test_gradients_equal_those_of_the_enumeration(rules: bool) -> None:
    """Autograd through the sum over all taggings is the oracle of the hand-written backward."""
    crf, (e, lengths) = random_crf(5, rules), batch(5)
    weights = torch.tensor([0.3, -2.0, 1.7, 0.9], dtype=torch.float64)
    e.requires_grad_()
    inputs = [e, *crf.parameters()]
    ours = torch.autograd.grad((crf.log_partition(e, lengths) * weights).sum(), inputs)
    total = e.new_zeros(())
    for b, T in enumerate(lengths.tolist()):
        _, scores = enumerate_taggings(crf, e[:T, b])
        total = total + weights[b] * scores[scores.isfinite()].logsumexp(0)
    oracle = torch.autograd.grad(total, inputs)
    for mine, theirs in zip(ours, oracle):
        torch.testing.assert_close(mine, theirs.nan_to_num(0.0))
        assert mine.abs().max() > 0.1  # a zero gradient would prove nothing


def test_gradcheck() -> None:
    crf, (e, lengths) = random_crf(1, False), batch(1)
    tags = torch.randint(K, (5, 4), generator=torch.Generator().manual_seed(1))
    names = [name for name, _ in crf.named_parameters()]

    def loss(e: Tensor, *parameters: Tensor) -> Tensor:
        result: Tensor = torch.func.functional_call(crf, dict(zip(names, parameters)), (e, tags, lengths))
        return result

    inputs = [e.nan_to_num(0.0).requires_grad_(), *(p.detach().clone().requires_grad_() for p in crf.parameters())]
    assert torch.autograd.gradcheck(loss, inputs)


def test_padded_equals_alone_with_nan_in_the_padding() -> None:
    crf, (e, lengths) = random_crf(2, True), batch(2)
    wide = torch.cat([e, torch.full((7, 4, K), torch.nan, dtype=torch.float64)]).requires_grad_()
    tags, _ = crf.best_path(wide, lengths)
    tags = torch.where(torch.arange(12)[:, None] < lengths, tags, 99)  # nor do tags in the padding reach anything
    loss = crf(wide, tags, lengths)
    loss.sum().backward()
    together = {name: p.grad.clone() for name, p in crf.named_parameters()}
    crf.zero_grad()
    for b, T in enumerate(lengths.tolist()):
        alone = e[:T, b : b + 1].clone().requires_grad_()
        one = crf(alone, tags[:T, b : b + 1])
        torch.testing.assert_close(one[0], loss[b])
        one.sum().backward()
        torch.testing.assert_close(alone.grad, wide.grad[:T, b : b + 1])
        assert not wide.grad[T:, b].any()
    for name, p in crf.named_parameters():
        torch.testing.assert_close(p.grad, together[name])


def test_forbidden_taggings_have_no_probability() -> None:
    crf, (e, lengths) = random_crf(3, True), batch(3)
    path, _ = crf.best_path(e * 50, lengths)  # even where the emissions plead for it
    for b, T in enumerate(lengths.tolist()):
        y = path[:T, b]
        assert not crf.forbidden[y[:-1], y[1:]].any()
        assert not crf.forbidden_start[y[0]]
        assert not crf.forbidden_end[y[-1]]
    i, j = crf.forbidden.nonzero()[0].tolist()
    with pytest.raises(InputError, match="sequence 0 break the tag scheme"):
        crf(e[:2, :1], torch.tensor([[i], [j]]))


def test_an_improbable_beginning_survives_until_its_rivals_are_forbidden() -> None:
    """Tag 0 leads by 200 nats, more than float32 can hold as a ratio, and then may not go on to tag 1."""
    crf = CRF(2, allowed=torch.tensor([[True, False], [True, True]]))
    e = torch.tensor([[[200.0, 0.0]], [[0.0, 300.0]]])
    torch.testing.assert_close(crf.log_partition(e), torch.tensor([300.0]))
    assert crf.best_path(e)[0].flatten().tolist() == [1, 1]


def test_no_transitions_is_softmax() -> None:
    e = torch.randn(6, 3, K)
    torch.testing.assert_close(CRF(K).marginals(e), e.softmax(-1))
    tags = e.argmax(-1)
    torch.testing.assert_close(
        CRF(K)(e, tags), torch.nn.functional.cross_entropy(e.permute(1, 2, 0), tags.T, reduction="none").sum(1)
    )


def test_temperature_scales_every_score() -> None:
    crf, (e, lengths) = random_crf(4, False), batch(4)
    cool = random_crf(4, False)
    with torch.no_grad():
        for p in cool.parameters():
            p /= 2.5
    torch.testing.assert_close(crf.marginals(e, lengths, temperature=2.5), cool.marginals(e / 2.5, lengths))


@pytest.mark.parametrize(
    ("shape", "lengths", "message"),
    [
        ((3, 2, K + 1), None, "the CRF needs"),
        ((3, K), None, "the CRF needs"),
        ((3, 2, K), [3, 0], "sequence 1 has length 0"),
        ((3, 2, K), [3, 4], "T = 3"),
        ((3, 2, K), [2.5, 3.0], "lengths are float32"),
        ((0, 2, K), None, "T and B above 0"),
        ((3, 0, K), None, "T and B above 0"),
    ],
)
def test_wrong_input_is_refused(shape: tuple[int, ...], lengths: list[int] | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CRF(K).log_partition(torch.zeros(shape), None if lengths is None else torch.tensor(lengths))


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (torch.tensor([[0, 1], [2, K], [0, 9]]), f"tag {K} at step 1 of sequence 1; 0 to {K - 1}"),
        (torch.tensor([[0, 1], [-1, 2], [0, 9]]), "tag -1 at step 1 of sequence 0"),
        (torch.zeros(3, 2), "tags are torch.float32"),
        (torch.zeros(3, 2, dtype=torch.bool), "tags are torch.bool"),
        (torch.zeros(2, 3, dtype=torch.int64), r"tags have shape \(2, 3\), emissions \(3, 2, 4\)"),
        ([[0, 1]] * 3, "tags are list"),
    ],
)
def test_wrong_tags_are_refused(tags: Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CRF(K)(torch.zeros(3, 2, K), tags, torch.tensor([3, 2]))  # nine stands in the padding


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_tags": 0}, "num_tags is 0"),
        ({"num_tags": True}, "num_tags is True"),
        ({"num_tags": 2.0}, "num_tags is 2.0"),
        ({"num_tags": 2, "allowed": torch.ones(2, 3)}, r"forbidden have shape \(2, 3\), 2 tags need \(2, 2\)"),
        ({"num_tags": 2, "allowed_end": torch.zeros(2)}, "forbidden_end leave no tag"),
    ],
)
def test_wrong_rules_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        CRF(**arguments)  # type: ignore[arg-type]


def test_emissions_that_are_no_numbers_are_refused() -> None:
    for wrong, kind in ((torch.zeros(3, 2, K, dtype=torch.int64), "torch.int64"), (np.zeros((3, 2, K)), "ndarray")):
        with pytest.raises(InputError, match=f"emissions are {kind}"):
            CRF(K).best_path(wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="temperature is 0"):
        CRF(K).marginals(torch.zeros(3, 2, K), temperature=0)


def test_where_the_rules_leave_no_tagging() -> None:
    """From 0 only to 1, and from 1 nowhere: two steps at most, of which the second cannot be the first."""
    crf = CRF(2, allowed=torch.tensor([[False, True], [False, False]]), allowed_end=[False, True])
    e, lengths = torch.randn(3, 3, 2, generator=torch.Generator().manual_seed(0)), [1, 2, 3]
    log_z = crf.log_partition(e, lengths)
    torch.testing.assert_close(log_z, torch.stack([e[0, 0, 1], e[0, 1, 0] + e[1, 1, 1], torch.tensor(-torch.inf)]))
    for ask in (crf.best_path, crf.marginals):
        with pytest.raises(InputError, match="the rules leave sequence 2 no tagging"):
            ask(e, lengths)
        ask(e[:, :2], lengths[:2])


def test_batch_first_is_the_same_with_the_axes_swapped() -> None:
    crf, (e, lengths) = random_crf(6, True), batch(6)
    other = CRF(K, ~crf.forbidden, ~crf.forbidden_start, ~crf.forbidden_end, batch_first=True, dtype=torch.float64)
    other.load_state_dict(crf.state_dict())
    rows = e.transpose(0, 1)
    tags, best = crf.best_path(e, lengths)
    found, score = other.best_path(rows, lengths.tolist())
    assert torch.equal(found, tags.T)
    assert torch.equal(score, best)
    assert torch.equal(other.marginals(rows, lengths), crf.marginals(e, lengths).transpose(0, 1))
    assert torch.equal(other(rows, found, lengths), crf(e, tags, lengths))
    assert torch.equal(other.score(rows, found, lengths), best)
    assert torch.equal(other.log_partition(rows, lengths), crf.log_partition(e, lengths))


def test_emissions_of_another_precision_than_the_parameters() -> None:
    """Under autocast a network's scores are bfloat16, and the CRF's own parameters float32: both learn."""
    crf, (e, lengths) = random_crf(7, False).float(), batch(7)
    low = e.bfloat16().requires_grad_()
    tags = torch.zeros(5, 4, dtype=torch.uint8)
    loss = crf(low, tags, lengths)
    torch.testing.assert_close(loss, crf(low.detach().float(), tags, lengths))
    loss.sum().backward()
    assert low.grad is not None
    assert low.grad.dtype == torch.bfloat16
    assert crf.transitions.grad is not None
    assert crf.transitions.grad.dtype == torch.float32


def test_it_is_made_as_torchs_layers_are() -> None:
    crf = CRF(K, torch.eye(K), device="meta", dtype=torch.float64)
    assert all(p.is_meta and p.dtype == torch.float64 for p in crf.parameters())
    assert list(crf.state_dict()) == ["transitions", "start", "end"]
    rules = torch.eye(K)
    with torch.device("meta"):  # where parameters are made, what is handed over goes too
        crf = CRF(K, rules)
    assert crf.forbidden.is_meta
    assert crf.forbidden_start.is_meta
    assert repr(CRF(K, torch.eye(K))) == "CRF(4, forbidden=12)"
    assert elman.layers.CRF is elman.nn.CRF is CRF
