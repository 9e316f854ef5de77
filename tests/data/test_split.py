"""Splits: nothing lost, nothing twice, labels in proportion, groups whole, the same on every run."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.split import split_groups, split_rows, state_split
from elman.errors import InputError

SHARES = [0.7, 0.1, 0.2]


@pytest.mark.parametrize("fractions", [[0.7, 0.1, 0.2], [0.9, 0.1]])
@pytest.mark.parametrize("each", [2, 3, 4])
def test_many_labels_of_few_rows_leave_no_part_short(each: int, fractions: list[float]) -> None:
    """Label by label, a tenth of four rows is none."""
    labels = [i % 300 for i in range(300 * each)]
    parts = split_rows(labels, fractions, 0)
    assert sorted(i for part in parts for i in part) == list(range(len(labels)))
    for part, share in zip(parts, fractions):
        assert len(part) == pytest.approx(share * len(labels), rel=0.35)
        counts = Counter(labels[i] for i in part)
        assert all(abs(counts[label] - share * each) < 1 for label in range(300))
    assert {labels[i] for i in parts[0]} == set(range(300))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from("abc"), min_size=3, max_size=200), st.integers(0, 5))
def test_rows_are_dealt_once_and_in_proportion(labels: list[str], seed: int) -> None:
    parts = split_rows(labels, SHARES, seed)
    assert sorted(i for part in parts for i in part) == list(range(len(labels)))
    assert all(parts)
    for label, n in Counter(labels).items():
        for part, share in zip(parts, SHARES):
            # to within one row of rounding, and one that an empty part may have been given
            assert abs(sum(labels[i] == label for i in part) - share * n) < 2


def test_a_rare_label_is_trained_on() -> None:
    parts = split_rows(["a"] * 50 + ["rare"], SHARES, seed=0)
    assert 50 in parts[0]


def test_another_seed_gives_another_split_and_the_same_seed_the_same() -> None:
    labels = ["a", "b"] * 50
    assert split_rows(labels, SHARES, 1) == split_rows(labels, SHARES, 1)
    assert split_rows(labels, SHARES, 1) != split_rows(labels, SHARES, 2)
    # fixed for ever: a model's test set must not change under it with a new Python
    assert split_rows(list("aabbaabbab"), SHARES, 0) == [[1, 2, 4, 5, 6, 7, 8], [9], [0, 3]]


@settings(max_examples=50, deadline=None)
@given(st.integers(30, 60), st.randoms(use_true_random=False), st.integers(0, 3))
def test_groups_stay_whole(n: int, draw: random.Random, seed: int) -> None:
    groups = [g for g in range(n) for _ in range(draw.randint(1, 9))]
    draw.shuffle(groups)
    labels = [draw.choice("abc") for _ in groups]
    parts = split_groups(labels, groups, SHARES, seed)
    assert sorted(i for part in parts for i in part) == list(range(len(groups)))
    homes = [{groups[i] for i in part} for part in parts]
    assert not homes[0] & homes[1]
    assert not homes[0] & homes[2]
    assert not homes[1] & homes[2]


def test_many_groups_come_out_in_proportion_for_every_label() -> None:
    labels = [("common", "rare")[g % 5 == 0] for g in range(400) for _ in range(1 + g % 7)]
    groups = [g for g in range(400) for _ in range(1 + g % 7)]
    for part, share in zip(split_groups(labels, groups, SHARES, 0), SHARES):
        for label, n in Counter(labels).items():
            assert sum(labels[i] == label for i in part) / n == pytest.approx(share, abs=0.015)


def test_a_giant_group_goes_where_there_is_room() -> None:
    groups = ["giant"] * 60 + list(range(40))
    assert set(range(60)) <= set(split_groups(["a", "b"] * 50, groups, SHARES, 0)[0])


def test_few_groups_leave_no_part_empty() -> None:
    parts = split_groups(["a", "b"] * 9, [0] * 10 + [1] * 5 + [2] * 2 + [3], SHARES, 0)
    assert sorted(map(len, parts), reverse=True)[-1] > 0
    assert sorted(i for part in parts for i in part) == list(range(18))


def test_what_cannot_be_split_is_an_error() -> None:
    with pytest.raises(InputError, match="2 rows cannot be split into 3 parts"):
        split_rows(["a", "b"], SHARES, 0)
    with pytest.raises(InputError, match="2 groups cannot be split"):
        split_groups(["a"] * 10, [0] * 5 + [1] * 5, SHARES, 0)
    with pytest.raises(InputError, match="must all be above 0 and add up to 1"):
        split_rows(["a"] * 10, [0.7, 0.1, 0.1], 0)


def test_the_statement_has_seed_sizes_and_group() -> None:
    line = state_split(["train", "test"], [[0, 1], [2]], 7, "review")
    assert line == "split with seed 7, whole groups of 'review' together: 2 train / 1 test"
