"""Encoder and decoder: whole targets against steps, sentences alone against batches, gradients against differences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from elman.errors import InputError
from elman.models.seq2seq import Seq2Seq
from elman.models.seq2seq_settings import Seq2SeqSettings

V, U = 9, 7  # units of source and target
LENGTHS = torch.tensor([4, 1, 3])
ENDS = torch.tensor([6, 3, 2])  # of the targets, both signs counted
WAYS = ("none", "after", "inside", "fed")


def made(**settings: object) -> Seq2Seq:
    torch.manual_seed(0)
    sizes = {"embedding": 4, "hidden": 4, "dropout": 0.0, "smoothing": 0.0, "tied": "none"}
    return Seq2Seq(Seq2SeqSettings(**{**sizes, **settings}), V, U).double()


def batch() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    draws = torch.Generator().manual_seed(1)
    source = torch.randint(3, V, (4, 3), generator=draws)
    target = torch.randint(3, U, (6, 3), generator=draws)
    target[0] = 1
    for b, end in enumerate(ENDS.tolist()):
        target[end - 1, b] = 2
    return source, LENGTHS, target, ENDS


@pytest.mark.parametrize("attention", WAYS)
@pytest.mark.parametrize(
    "further",
    [
        {},
        {"cell": "lstm", "layers": 2},
        {"cell": "mingru", "bidirectional": False, "scoring": "dot"},
        {"cell": "peepholelstm", "scoring": "scaled_dot", "heads": 2},
        {"cell": "sru", "scoring": "general", "tied": "target"},
    ],
)
def test_steps_give_what_whole_targets_give(attention, further):
    model = made(attention=attention, **further).eval()
    source, lengths, target, _ = batch()
    with torch.no_grad():
        want = model(source, lengths, target[:-1]).log_softmax(-1)
        state = model.begin(source, lengths)
        for t in range(len(target) - 1):
            found, state = model.step(target[t], state)
            torch.testing.assert_close(found, want[t])
            if attention != "none":
                alpha = model.look(state)
                torch.testing.assert_close(alpha.sum(-1), torch.ones(3, dtype=torch.float64))
                assert (alpha[torch.arange(4) >= LENGTHS[:, None]] == 0).all()
    true = want.gather(-1, target[1:, :, None]).squeeze(-1)
    torch.testing.assert_close(model.log_probs(source, lengths, target), true)


@pytest.mark.parametrize("attention", WAYS)
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_alone_as_in_a_batch_whatever_the_padding_says(attention, cell):
    model = made(attention=attention, cell=cell, layers=2).eval()
    source, lengths, target, _ = batch()
    with torch.no_grad():
        whole = model(source, lengths, target[:-1])
        longer = torch.cat([source, torch.full((3, 3), V - 1)])
        longer[torch.arange(7)[:, None] >= lengths] = V - 1
        torch.testing.assert_close(model(longer, lengths, target[:-1]), whole)
        for b, (n, end) in enumerate(zip(LENGTHS.tolist(), ENDS.tolist())):
            alone = model(source[:n, b : b + 1], lengths[b : b + 1], target[: end - 1, b : b + 1])
            torch.testing.assert_close(alone[:, 0], whole[: end - 1, b])


@pytest.mark.parametrize("attention", WAYS)
def test_the_loss_is_of_the_target_without_its_padding(attention):
    model = made(attention=attention).eval()
    source, lengths, target, ends = batch()
    loss, units = model.loss(source, lengths, target, ends)
    scores = model(source, lengths, target[:-1])
    each = [F.cross_entropy(scores[: n - 1, b], target[1:n, b], reduction="sum") for b, n in enumerate(ENDS.tolist())]
    assert units == 8
    torch.testing.assert_close(loss, sum(each) / 8)
    target[torch.arange(6)[:, None] >= ends] = 5
    torch.testing.assert_close(model.loss(source, lengths, target, ends)[0], loss)


@pytest.mark.parametrize("attention", WAYS)
@pytest.mark.parametrize("further", [{}, {"cell": "lstm"}, {"tied": "target", "coverage": 3}])
def test_gradients_by_finite_differences(attention, further):
    if "coverage" in further and attention not in ("inside", "fed"):
        further = {"tied": "target"}
    model = made(attention=attention, embedding=2, hidden=2, **further)
    source, lengths, target, ends = batch()
    names, values = zip(*model.named_parameters())

    def loss(*values: Tensor) -> Tensor:
        from torch.func import functional_call

        return functional_call(
            _Loss(model), {f"m.{n}": v for n, v in zip(names, values)}, (source, lengths, target, ends)
        )

    assert torch.autograd.gradcheck(loss, values, atol=1e-6, fast_mode=True)


class _Loss(torch.nn.Module):
    def __init__(self, m: Seq2Seq) -> None:
        super().__init__()
        self.m = m

    def forward(self, *batch: Tensor) -> Tensor:
        return self.m.loss(*batch)[0]


@pytest.mark.parametrize("attention", WAYS)
@pytest.mark.parametrize("further", [{}, {"cell": "lstm", "coverage": 3}])
def test_a_search_may_pick_and_repeat_its_rows(attention, further):
    if attention in ("none", "after"):
        further = {**further, "coverage": 0}
    model = made(attention=attention, **further).eval()
    source, lengths, target, _ = batch()
    with torch.no_grad():
        _, state = model.step(target[0], model.begin(source, lengths))
        for rows in ([0, 0, 1, 1, 2, 2], [2, 0, 2, 1], [1], [0, 1, 2]):
            picked = model.select(state, torch.tensor(rows))
            found, after = model.step(target[1, rows], picked)
            _, later = model.step(target[2, rows], model.select(after, torch.arange(len(rows))))
            for i, b in enumerate(rows):
                n = LENGTHS[b]
                alone = model.begin(source[:n, b : b + 1], lengths[b : b + 1])
                for t in range(3):
                    want, alone = model.step(target[t, b : b + 1], alone)
                    if t == 1:
                        torch.testing.assert_close(found[i : i + 1], want)
                torch.testing.assert_close(model.look(later)[i, :n], model.look(alone)[0])


def test_an_lstm_hands_on_both_its_states():
    model = made(attention="none", cell="lstm", layers=2)
    source, lengths, target, ends = batch()
    model.loss(source, lengths, target, ends)[0].backward()
    for layer in model.bridges:
        for bridge in layer:
            assert bridge.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("attention", WAYS)
def test_all_that_is_drawn_in_training_and_nothing_in_evaluation(attention):
    model = made(attention=attention, dropout=0.3, recurrent_dropout=0.3, word_dropout=0.2, sampling=0.5, smoothing=0.1)
    source, lengths, target, ends = batch()
    one, other = (model.loss(source, lengths, target, ends)[0] for _ in range(2))
    assert torch.isfinite(one)
    assert one != other
    one.backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    model.eval()
    torch.testing.assert_close(*(model.loss(source, lengths, target, ends)[0] for _ in range(2)))


def test_scheduled_sampling_feeds_the_decoder_its_own_guess():
    model = made(attention="after", sampling=1.0)
    source, lengths, target, ends = batch()
    loss, _ = model.loss(source, lengths, target, ends)
    with torch.no_grad():
        guessed = model(source, lengths, target[:-1]).argmax(-1)
        fed = torch.cat([target[:1], guessed[:-1], target[-1:]])
    scores = model(source, lengths, fed[:-1])
    each = [F.cross_entropy(scores[: n - 1, b], target[1:n, b], reduction="sum") for b, n in enumerate(ENDS.tolist())]
    torch.testing.assert_close(loss, sum(each) / 8)


def test_tied_matrices_are_one():
    torch.manual_seed(0)
    s = Seq2SeqSettings(embedding=4, hidden=4, tied="all")
    model = Seq2Seq(s, V, V)
    assert model.source is model.target
    assert model.softmax.weight is model.target.weight
    with pytest.raises(InputError, match="9 units of the source cannot share the matrix of 7 of the target"):
        Seq2Seq(s, V, U)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"scoring": "cosine"}, "no score is called 'cosine'"),
        ({"coverage": 1, "attention": "after"}, "coverage is for the additive score inside the recurrence"),
        ({"coverage": 4}, "coverage of 4 places has no middle"),
        ({"dropout": 1.5}, "dropout"),
    ],
)
def test_settings_that_make_no_sense(settings, said):
    with pytest.raises(InputError, match=said):
        Seq2SeqSettings(**settings).check()


@pytest.mark.parametrize("attention", ["after", "inside", "fed"])
def test_what_nobody_attends_to_any_more_is_let_go(attention):
    model = made(attention=attention).eval()
    source, lengths, target, _ = batch()
    with torch.no_grad():
        _, state = model.step(target[0], model.begin(source, lengths))
        whole, _ = model.step(target[1], state)
        some = model.select(state, torch.tensor([0, 0, 2, 2]))  # two hypotheses each of two sentences
        assert (len(state.memory.mask), len(some.memory.mask)) == (3, 2)
        assert some.owner.tolist() == [0, 0, 1, 1]
        found, later = model.step(target[1, [0, 0, 2, 2]], some)
        torch.testing.assert_close(found, whole[[0, 0, 2, 2]])
        last = model.select(later, torch.tensor([3]))
        assert (last.owner.tolist(), len(last.memory.mask)) == ([0], 1)
        again, _ = model.step(target[2, [2]], last)
        _, other = model.step(target[1], state)
        torch.testing.assert_close(again, model.step(target[2], other)[0][[2]])
