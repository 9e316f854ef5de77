"""A language model in one piece, in chunks and step by step."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from elman.errors import InputError
from elman.models.language_network import LanguageNetwork
from elman.models.language_settings import LanguageSettings

V = 7
KINDS = [
    {},
    {"cell": "gru", "layers": 1, "tied": False},
    {"cell": "mingru", "block": "residual"},
    {"cell": "lstm", "block": "residual", "window": 1, "layers": 3},
    {"cell": "sru", "tied": False, "softmax": "adaptive"},
]
EACH = pytest.mark.parametrize("kind", KINDS)


def made(**settings: object) -> LanguageNetwork:
    torch.manual_seed(0)
    still = {"embedding": 4, "hidden": 6, "dropout": 0.0, "between": 0.0, "input": 0.0}
    size = 40 if settings.get("softmax") == "adaptive" else V
    return LanguageNetwork(LanguageSettings(**{**still, **settings}), size).double()


def text(model: LanguageNetwork, T: int = 9, B: int = 3) -> torch.Tensor:
    return torch.randint(0, model.size, (T + 1, B), generator=torch.Generator().manual_seed(1))


@EACH
@pytest.mark.parametrize("train", [False, True])
def test_in_one_piece_in_chunks_and_step_by_step(kind, train):
    model = made(**kind).train(train)
    units = text(model)
    with torch.no_grad():
        whole, end = model.scored(units[:-1], units[1:], model.begin(3))
        state, found = model.begin(3), []
        for a, b in ((0, 1), (1, 3), (3, 9)):
            part, state = model.scored(units[a:b], units[a + 1 : b + 1], state)
            found.append(part)
        torch.testing.assert_close(torch.cat(found), whole)
        torch.testing.assert_close(state, end)
        state = model.begin(3)
        for t in range(9):
            log_probs, state = model.step(units[t], state)
            torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(3, dtype=torch.float64))
            torch.testing.assert_close(log_probs[torch.arange(3), units[t + 1]], whole[t])


@EACH
def test_alone_as_in_a_batch_and_rows_picked(kind):
    model = made(**kind).eval()
    units = text(model)
    with torch.no_grad():
        whole, state = model.scored(units[:4], units[1:5], model.begin(3))
        alone, _ = model.scored(units[:4, 1:2], units[1:5, 1:2], model.begin(1))
        torch.testing.assert_close(alone[:, 0], whole[:, 1])
        rows = torch.tensor([2, 0, 2, 1])
        picked, _ = model.step(units[4, rows], model.select(state, rows))
        torch.testing.assert_close(picked, model.step(units[4], state)[0][rows])


@EACH
def test_the_loss_and_its_gradients(kind):
    model = made(**kind, activation=2.0, slowness=1.0)
    units, real = text(model), torch.rand(9, 3, generator=torch.Generator().manual_seed(2)) < 0.7
    loss, nll, state = model.loss(units[:-1], units[1:], model.begin(3), real)
    h, _ = model(units[:-1], model.begin(3))
    scored, _ = model.scored(units[:-1], units[1:], model.begin(3))
    torch.testing.assert_close(nll, -scored[real].mean())
    torch.testing.assert_close(loss, nll + 2 * h.square().mean() + (h[1:] - h[:-1]).square().mean())
    assert not any(
        h.requires_grad for at in state for h in (at.hidden if isinstance(at.hidden, tuple) else [at.hidden])
    )
    names, values = zip(*model.named_parameters())

    def run(*values: torch.Tensor) -> torch.Tensor:
        from torch.func import functional_call

        given = {f"m.{n}": v for n, v in zip(names, values)}
        return functional_call(_Loss(model), given, (units, real))

    assert torch.autograd.gradcheck(run, values, atol=1e-6, fast_mode=True)


class _Loss(torch.nn.Module):
    def __init__(self, m: LanguageNetwork) -> None:
        super().__init__()
        self.m = m

    def forward(self, units: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        return self.m.loss(units[:-1], units[1:], self.m.begin(3), real)[0]


def test_a_block_never_sees_what_comes_later():
    model = made(cell="mingru", block="residual").eval()
    units = text(model)
    changed = units.clone()
    changed[6:] = (changed[6:] + 1) % V
    with torch.no_grad():
        torch.testing.assert_close(model(changed, model.begin(3))[0][:6], model(units, model.begin(3))[0][:6])


def test_a_mask_is_drawn_once_for_all_steps():
    model = made(dropout=0.5)
    out = model._locked(torch.ones(5, 2, 50, dtype=torch.float64), 0.5)
    assert {0.0, 2.0} == set(out.unique().tolist())
    torch.testing.assert_close(out, out[:1].expand(5, -1, -1))
    assert torch.equal(model.eval()._locked(torch.ones(2, 1, 3), 0.5), torch.ones(2, 1, 3))


def test_a_unit_that_is_left_out_is_left_out_everywhere():
    model = made(embedding_dropout=0.5)
    units = torch.arange(V).repeat(4).view(-1, 1)
    seen = model._embedded(units).view(4, V, -1)
    torch.testing.assert_close(seen, seen[:1].expand(4, -1, -1))
    gone = (seen[0] == 0).all(-1)
    assert 0 < int(gone.sum()) < V
    torch.testing.assert_close(seen[0, ~gone], 2 * F.embedding(units[:V, 0], model.embedding.weight)[~gone] * 2)


def test_tied_adaptive_matrices_are_refused():
    with pytest.raises(InputError, match="an adaptive softmax are of several widths"):
        LanguageSettings(softmax="adaptive").check()


def test_all_continuations_of_a_text_are_certain_together():
    """Every one of three units, specials among them, behind a beginning and from the very first step."""
    model = made(cell="lstm").eval()
    more = torch.cartesian_prod(*[torch.arange(V)] * 3).T  # (3, V^3)
    for before in ([2], [2, 4, 5, 6]):
        units = torch.cat([torch.tensor(before)[:, None].expand(-1, more.shape[1]), more])
        with torch.no_grad():
            found, _ = model.scored(units[:-1], units[1:], model.begin(more.shape[1]))
        assert float(found[len(before) - 1 :].sum(0).exp().sum()) == pytest.approx(1, abs=1e-12)


def test_an_adaptive_softmax_is_the_full_one_of_its_clusters():
    """p(unit) = p(cluster | h) p(unit | cluster, h), written out over all units: values, loss and gradients."""
    model = made(cell="sru", tied=False, softmax="adaptive")
    adaptive = model.adaptive
    assert adaptive is not None
    cuts = [0, *adaptive.cutoffs]
    assert len(cuts) == 4  # a head and two clusters
    h = torch.randn(11, adaptive.in_features, dtype=torch.float64, requires_grad=True)
    wanted = torch.arange(11) * 39 // 10  # of all of them

    def full() -> torch.Tensor:
        head = adaptive.head(h).softmax(-1)
        tails = [head[:, cuts[1] + k, None] * tail(h).softmax(-1) for k, tail in enumerate(adaptive.tail)]
        return torch.cat([head[:, : cuts[1]], *tails], 1).log()

    torch.testing.assert_close(model.log_probs(h), full(), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(model.log_probs(h).exp().sum(1), torch.ones(11, dtype=torch.float64))
    inputs = [h, *adaptive.parameters()]
    ours = torch.autograd.grad(adaptive(h, wanted).loss, inputs)
    theirs = torch.autograd.grad(-full()[torch.arange(11), wanted].mean(), inputs)
    for one, other in zip(ours, theirs):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", [{}, {"embedding_dropout": 0.3}, {"block": "residual"}])
def test_gradients_of_tied_matrices_are_those_of_the_definition(kind: dict[str, object]) -> None:
    """By the scores themselves; the masks are the same, since the draws are. A softmax of its own is none of them."""
    for own in (False, True):
        still = {"embedding": 6, "hidden": 6, "tied": True, "between": 0.2, "dropout": 0.2, "input": 0.2}
        torch.manual_seed(1)
        model = LanguageNetwork(LanguageSettings(**{**still, **kind}), 9).double()  # type: ignore[arg-type]
        if own:
            model.softmax = torch.nn.Linear(6, 9).double()
        units, targets = torch.randint(0, 9, (5, 3)), torch.randint(0, 9, (5, 3))
        found = []
        for direct in (False, True):
            torch.manual_seed(4)
            if direct:
                h, _ = model(units, model.begin(3))
                scores = model.softmax(model._locked(h, 0.2)).flatten(0, 1)
                loss = torch.nn.functional.cross_entropy(scores, targets.flatten())
            else:
                loss = model.loss(units, targets, model.begin(3))[0]
            found.append(torch.autograd.grad(loss, list(model.parameters())))
        for a, b in zip(*found, strict=True):
            torch.testing.assert_close(a, b)
