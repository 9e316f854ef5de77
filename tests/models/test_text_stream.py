"""Every unit is foretold once, by a state that nothing has cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from elman.models.language_network import LanguageNetwork
from elman.models.language_settings import LanguageSettings
from elman.models.text_stream import Stream, StreamedTexts, surprises
from elman.text.stream_numbers import StreamNumbers

V = 9


def model() -> LanguageNetwork:
    torch.manual_seed(0)
    return LanguageNetwork(LanguageSettings(embedding=4, hidden=5, dropout=0, between=0, input=0), V).double()


def texts(*sizes: int) -> StreamedTexts:
    draw = np.random.default_rng(0)
    return StreamedTexts.of([draw.integers(4, V, n) for n in sizes])


@pytest.mark.parametrize("sizes", [(50,), (7, 1, 20), (3,)])
@pytest.mark.parametrize("rows", [1, 4, 64])
@pytest.mark.parametrize("window", [1, 6, 100])
def test_each_unit_once_an_epoch_and_rows_run_on(sizes, rows, window):
    read = texts(*sizes)
    stream = Stream(model(), read, rows, window, None, "")
    draws = torch.Generator().manual_seed(0)
    for _ in range(2):
        seen, before = [], None
        for picks in stream.plan(draws):
            batch = stream.collate(picks)
            assert batch.first == (before is None)
            assert 1 <= len(batch.units) <= window + 1
            if before is not None:  # what is read now is what was foretold last
                both = batch.real[0] & before.real[-1]
                assert torch.equal(batch.units[0][both], before.targets[-1][both])
            seen.append((batch.targets * batch.real).T)
            before = batch
        row_by_row = torch.cat(seen, 1).flatten()
        want = read.numbers[1:]
        assert row_by_row[row_by_row > 0].tolist() == want[want != 2].tolist()
    assert read.targets == int((read.numbers[1:] != 2).sum())


@pytest.mark.parametrize("rows", [1, 3])
def test_the_loss_of_an_epoch_does_not_depend_on_the_window(rows):
    network, read = model(), texts(31)
    losses = []
    for window in (1, 7, 100):
        stream, state, total, weight = Stream(network, read, rows, window, None, ""), None, 0.0, 0.0
        for picks in stream.plan(torch.Generator().manual_seed(window)):
            loss, n, state = stream.loss(stream.collate(picks), state)
            total, weight = total + loss.item() * n, weight + n
        losses.append(total / weight)
        assert weight == read.targets
    assert losses == pytest.approx([losses[0]] * 3, rel=1e-12)
    if rows == 1:
        alone = torch.cat(list(surprises(network, read.numbers)))
        assert losses[0] == pytest.approx(-float(alone.mean()), rel=1e-12)


@pytest.mark.parametrize("steps", [1, 5, 512])
def test_a_text_costs_the_same_in_chunks(steps):
    network, read = model(), texts(12, 5)
    found = torch.cat(list(surprises(network, read.numbers, steps)))
    assert len(found) == read.targets == 19
    torch.testing.assert_close(found, torch.cat(list(surprises(network, read.numbers))))


def test_pieces_hold_the_beginning_without_gaps():
    read = texts(40)
    lengths = read.lengths
    batch = read.batch(range(len(lengths)))
    found = [batch.sequences.data[:n, b] for b, n in enumerate(batch.lengths.tolist())]
    assert torch.cat(found).tolist() == read.numbers[: sum(lengths)].tolist()
    assert min(lengths) == 2


@pytest.mark.parametrize("part", [0, 1])
def test_both_states_of_an_lstm_are_carried_on(part):
    """Without h, or without c, the second window would be another one."""
    network, read = model(), texts(30)
    stream = Stream(network, read, 2, 7, None, "")
    first, second, *_ = stream.plan(torch.Generator().manual_seed(1))
    _, _, state = stream.loss(stream.collate(first), None)
    whole, _, _ = stream.loss(stream.collate(second), state)
    lost = []
    for at in state:
        hidden = list(at.hidden)
        hidden[part] = torch.zeros_like(hidden[part])
        lost.append(at._replace(hidden=tuple(hidden)))
    without, _, _ = stream.loss(stream.collate(second), lost)
    assert abs(whole.item() - without.item()) > 1e-6


def test_numbers_take_as_few_bytes_as_they_need_and_lie_on_disk_when_they_are_many(monkeypatch):
    draw = np.random.default_rng(0)
    for size, width in ((2, 1), (256, 1), (257, 2), (65_536, 2), (65_537, 4), (10**9, 4)):
        want = draw.integers(0, size, 1000)
        want[:2] = 0, size - 1
        for limit in (100 * width, 10**9):
            monkeypatch.setattr("elman.text.stream_numbers._IN_MEMORY", limit)
            monkeypatch.setattr("elman.text.stream_numbers._PIECE", 64)
            numbers = StreamNumbers(size)
            for start in range(0, 1000, 7):
                numbers.add(want[start : start + 7])
                if start == 700:
                    assert numbers[600:].tolist() == want[600:707].tolist()  # amid writing
            assert numbers.on_disk == (limit < 10**9)
            assert numbers._type.itemsize == width
            for part in (slice(None), slice(3, 9), slice(-20, None), slice(990, 2000), slice(9, 3), slice(5, 5)):
                found = numbers[part]
                assert (found.dtype, found.tolist()) == (np.int64, want[part].tolist())
            assert np.concatenate(list(numbers.pieces())).tolist() == want.tolist() == np.asarray(numbers).tolist()
            with pytest.raises(IndexError):
                numbers[::2]
