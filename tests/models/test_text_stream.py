"""Every unit is foretold once, by a state that nothing has cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from elman.models.language_network import LanguageNetwork
from elman.models.language_settings import LanguageSettings
from elman.models.text_stream import Stream, StreamedTexts, surprises

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
