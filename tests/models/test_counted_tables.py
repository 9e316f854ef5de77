"""Counts that are saved with a network: what they say is what was counted; and what cannot be is noticed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from elman.models.counted_tables import CountedTables
from elman.models.counting import best_share
from elman.models.kneser_ney import KneserNey
from elman.models.text_stream import StreamedTexts, foretold
from elman.text.running import BEGIN, END

V = 7


def counted(order: int = 3) -> KneserNey:
    return KneserNey(order, V).fit([np.random.default_rng(0).integers(3, V, 400)])


@pytest.mark.parametrize("order", [1, 3, 5])
def test_tables_say_what_was_counted(order: int) -> None:
    model = counted(order)
    made = CountedTables.of(model, 0.25)
    again = CountedTables(made.sizes, V)
    again.load_state_dict(made.state_dict())
    assert not again.wrong()
    assert float(again.share) == 0.25
    draw = np.random.default_rng(1)
    for _ in range(50):
        context = draw.integers(0, V, draw.integers(0, 6)).tolist()
        found = again.model().distribution(context)
        np.testing.assert_allclose(found, model.distribution(context), rtol=1e-6, atol=1e-8)
        assert found.sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("share", lambda x: x.fill_(1.5)),
        ("contexts_2", lambda x: x.copy_(x.flip(0))),
        ("entries_3", lambda x: x.fill_(4)),
        ("entries_1", lambda x: x.add_(V)),
        ("entries_2", lambda x: x.sub_(1000)),
        ("gains_3", lambda x: x.mul_(-1)),
        ("shares_2", lambda x: x.add_(1)),
        ("gains_3", lambda x: x.fill_(1)),
        ("gains_2", lambda x: x[-1:].zero_()),
        ("shares_1", lambda x: x.zero_()),
        ("shares_3", lambda x: x[:1].mul_(0.9)),
    ],
)
def test_what_cannot_be_is_noticed(name: str, change: object) -> None:
    made = CountedTables.of(counted(), 0.5)
    assert not made.wrong()
    change(made.get_buffer(name))  # type: ignore[operator]
    assert made.wrong()
    assert CountedTables.of(counted(), 0.5).bfloat16().wrong() == ""  # rounded is not damaged
    assert CountedTables([(0, 0), (0, 0)], V).wrong()


def test_the_best_share_is_that_of_a_search() -> None:
    draw = np.random.default_rng(2)
    network, counts = np.log(draw.uniform(0.01, 1, 300)), np.log(draw.uniform(0.01, 1, 300))
    shares = [k / 20 for k in range(20)]
    worth = [float(np.log((1 - s) * np.exp(network) + s * np.exp(counts)).mean()) for s in shares]
    assert best_share(network, counts) == pytest.approx(shares[int(np.argmax(worth))])
    assert best_share(network, network - 1) == 0
    assert best_share(network, network + 1) == 0.95
    assert best_share(np.zeros(0), np.zeros(0)) == 0


def test_units_are_foretold_by_what_is_before_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces of any size as by the distribution of each context; where texts begin nothing is foretold."""
    model, draw = counted(), np.random.default_rng(3)
    numbers = np.concatenate([[BEGIN, *draw.integers(4, V, n), END] for n in (17, 1, 30)])
    wanted = [
        np.log(model.distribution(numbers[max(0, i - 2) : i].tolist())[unit])
        for i, unit in enumerate(numbers)
        if unit != BEGIN
    ]
    for at_once in (1, 7, 1 << 18):
        monkeypatch.setattr("elman.models.text_stream._AT_ONCE", at_once)
        read = StreamedTexts.read(
            [[part[1:]] for part in np.split(numbers, np.flatnonzero(numbers == BEGIN)[1:])], False, V
        )
        np.testing.assert_allclose(np.concatenate(list(foretold(model, read))), wanted, rtol=1e-9)


def test_tables_are_no_weights() -> None:
    made = CountedTables.of(counted(), 0.5)
    assert not list(made.parameters())
    assert made.double().gains_1.dtype == torch.float64
