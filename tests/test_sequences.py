"""Batches of sequences: padding is never data, every example is dealt exactly once."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elman import InputError, Sequences
from elman.sequences import bucket_batches, check_lengths, within


def test_pack_and_take_apart():
    items = [np.arange(6.0).reshape(3, 2), torch.ones(1, 2, dtype=torch.float64), np.zeros((4, 2))]
    batch = Sequences.pack(items, pad=float("nan"))
    assert batch.data.shape == (4, 3, 2)
    assert batch.lengths.tolist() == [3, 1, 4]
    assert len(batch) == 3
    for one, item in zip(batch, items, strict=True):
        torch.testing.assert_close(one, torch.as_tensor(item))
    assert torch.equal(batch.mask.sum(0), batch.lengths)
    assert batch.data.isnan().any(-1).eq(~batch.mask).all()
    assert torch.equal(batch.with_data(batch.data * 2).lengths, batch.lengths)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [([1, 2], "has 3 sequences"), ([1, 0, 2], "sequence 1 has length 0"), ([1, 2, 9], "sequence 2 has length 9")],
)
def test_lengths_that_cannot_be(lengths, message):
    with pytest.raises(InputError, match=message):
        check_lengths(lengths, 4, 3)


@pytest.mark.parametrize("kind", [torch.float32, torch.int64])
def test_spoiled_padding_holds_what_nothing_may_read(kind):
    batch = Sequences.pack([torch.arange(1, n + 1).to(kind) for n in (3, 5, 1)])
    spoiled = batch.spoiled(2)
    assert spoiled.data.shape == (7, 3)
    assert torch.equal(spoiled.lengths, batch.lengths)
    for one, other in zip(spoiled, batch, strict=True):
        assert torch.equal(one, other)
    padding = spoiled.data[~spoiled.mask]
    assert len(padding) == 7 * 3 - 9
    assert padding.isnan().all() if kind.is_floating_point else (padding == 5).all()
    assert not batch.data[~batch.mask].any()  # the batch it came from is left as it was


def test_nothing_to_pack():
    with pytest.raises(InputError, match="at least one sequence"):
        Sequences.pack([])
    with pytest.raises(InputError, match="sequence 1 has length 0"):
        Sequences.pack([[1], []])


@settings(deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=300), st.integers(1, 40), st.none() | st.integers(0, 9))
def test_every_example_is_dealt_once(lengths, size, seed):
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    batches = bucket_batches(lengths, size, generator)
    assert sorted(i for b in batches for i in b) == list(range(len(lengths)))
    assert all(1 <= len(b) <= size for b in batches)


def test_buckets_pad_little_and_differ_between_epochs():
    lengths = torch.randint(1, 100, (2000,), generator=torch.Generator().manual_seed(0)).tolist()
    generator = torch.Generator().manual_seed(1)
    first, second = bucket_batches(lengths, 20, generator), bucket_batches(lengths, 20, generator)

    def padded(batches):
        return sum(max(lengths[i] for i in b) * len(b) for b in batches) / sum(lengths)

    order = torch.randperm(2000).tolist()
    assert padded(first) < 1.08 < 1.5 < padded([order[i : i + 20] for i in range(0, 2000, 20)])
    assert {frozenset(b) for b in first} != {frozenset(b) for b in second}


def test_one_very_long_sequence_does_not_pad_the_others():
    """10,000 words in a batch of 128 sentences were 1.3 million steps, and gigabytes."""
    lengths = [10_000, *[8] * 500, 30_000, 400_000]
    for generator in (None, torch.Generator().manual_seed(0)):
        batches = bucket_batches(lengths, 128, generator)
        assert sorted(i for b in batches for i in b) == list(range(len(lengths)))
        padded = sum(max(lengths[i] for i in b) * len(b) for b in batches)
        assert padded < 1.2 * sum(lengths)


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 50), max_size=300), st.integers(1, 200), st.none() | st.integers(0, 9), st.integers(1, 40)
)
def test_batches_by_tokens(lengths, tokens, seed, size):
    """Every example once; the limit is kept, a longer one is alone; sorted within; batch_size is not read."""

    def deal(size):
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        return bucket_batches(lengths, size, generator, tokens=tokens)

    batches = deal(size)
    assert sorted(i for b in batches for i in b) == list(range(len(lengths)))
    for batch in batches:
        padded = [lengths[i] for i in batch]
        assert len(batch) * max(padded) <= tokens or len(batch) == 1
        assert padded == sorted(padded)
    assert batches == deal(size) == deal(size + 1)


def test_batches_by_tokens_are_full_and_of_like_length():
    """Sorted, a further sequence would fit nowhere; shuffled, little is padded, and epochs differ."""
    lengths = torch.randint(1, 100, (2000,), generator=torch.Generator().manual_seed(0)).tolist()
    ordered = bucket_batches(lengths, 1, tokens=1000)
    for batch, after in pairwise(ordered):
        assert lengths[after[0]] * (len(batch) + 1) > 1000
        assert lengths[batch[-1]] <= lengths[after[0]]
    generator = torch.Generator().manual_seed(1)
    first, second = (bucket_batches(lengths, 1, generator, tokens=1000) for _ in range(2))
    assert {frozenset(b) for b in first} != {frozenset(b) for b in second}
    for batches in (ordered, first, second):
        padded = [max(lengths[i] for i in b) * len(b) for b in batches]
        assert sum(padded) < 1.08 * sum(lengths)
        assert sum(padded) / len(padded) > 900  # of 1000
    longest = [max(lengths[i] for i in b) for b in first]
    assert longest != sorted(longest)  # not from short to long


def test_importing_elman_does_not_import_torch():
    code = "import elman, sys; assert 'torch' not in sys.modules; elman.Cell; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_public_name_is_there():
    code = "import elman\nfor name in elman.__all__: getattr(elman, name)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_within_is_where_a_sequence_has_steps() -> None:
    found = within(torch.tensor([3, 1, 2]), 4)  # (T, B)
    assert found.tolist() == [[True, True, True], [True, False, True], [True, False, False], [False] * 3]
    assert torch.equal(within(torch.tensor([3, 1, 2]), 4, batch_first=True), found.T)
    assert within(torch.tensor([3, 1, 2]), 4, device="meta").is_meta


def dealt_one_by_one(
    lengths: list[int], size: int, generator: torch.Generator | None, pool: int, tokens: int
) -> list[list[int]]:
    """What `bucket_batches` says, in lists; a plan that differed would end whatever training is taken up again."""
    order = (
        list(range(len(lengths))) if generator is None else torch.randperm(len(lengths), generator=generator).tolist()
    )
    pools: list[list[int]] = [[]]
    for i in order:
        full = sum(lengths[j] for j in pools[-1]) >= pool * tokens if tokens else len(pools[-1]) == pool * size
        if pools[-1] and full and generator is not None:
            pools.append([])
        pools[-1].append(i)
    batches: list[list[int]] = []
    for part in pools:
        for place, i in enumerate(sorted(part, key=lambda i: lengths[i])):
            begins = place == 0 or (not tokens and place % size == 0)
            if begins or lengths[i] * (len(batches[-1]) + 1) > (tokens or 65_536):
                batches.append([])
            batches[-1].append(i)
    if generator is None:
        return batches
    return [batches[k] for k in torch.randperm(len(batches), generator=generator).tolist()]


@pytest.mark.parametrize("tokens", [0, 1, 700, 90_000])
@pytest.mark.parametrize("longest", [1, 40, 3000, 80_000])
@pytest.mark.parametrize("shuffled", [False, True])
def test_the_plan_of_an_epoch_is_as_it_always_was(tokens: int, longest: int, shuffled: bool) -> None:
    draw = np.random.default_rng(longest + tokens)
    for n, size, pool in ((0, 3, 2), (1, 1, 1), (57, 8, 3), (300, 7, 50)):
        lengths = draw.integers(1, longest + 1, n).tolist()
        one, other = (torch.Generator().manual_seed(5) if shuffled else None for _ in range(2))
        expected = dealt_one_by_one(lengths, size, one, pool, tokens)
        assert bucket_batches(lengths, size, other, pool, tokens=tokens) == expected
