"""Pairs as numbers and answers as texts: batches, cuts, copies, ensembles, and the same alone and in a batch."""

from __future__ import annotations

import json
import math
import random

import numpy as np
import pytest
import torch

from elman.errors import InputError
from elman.models.pair_units import EncodedPairs, PairUnits, UnitSettings
from elman.models.seq2seq import Seq2Seq
from elman.models.seq2seq_settings import Seq2SeqSettings
from elman.models.writing import SearchSettings, Writer
from elman.text.units import BEGIN, END

draw = random.Random(0)
SOURCES = [" ".join(draw.choices("abcdefgh", k=draw.randint(1, 9))) for _ in range(40)]
TARGETS = [" ".join(reversed(text.upper().split())) for text in SOURCES]
WORDS = UnitSettings(units="word", shared=False)


def writer(seed: int = 0, search: SearchSettings | None = None, units: UnitSettings = WORDS) -> Writer:
    """Untrained, but with scores that are far apart."""
    read = PairUnits.fit(SOURCES, TARGETS, units)
    torch.manual_seed(seed)
    settings = Seq2SeqSettings(embedding=12, hidden=16, tied="none")
    model = Seq2Seq(settings, len(read.source), len(read.target)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.mul_(2.5)  # or every source would get the same answer
        model.softmax.bias[END] = -4
    return Writer([model], read, search or SearchSettings(longest=12))


def test_a_batch_by_hand() -> None:
    units = PairUnits.fit(["a b", "b"], ["X", "X Y"], WORDS)
    encoded = units.encode(["a b", "", "zz"], ["X", "Y", ""])
    a, b, x, y = units.source.encode(["a"])[0][0], 4, 4, 5
    assert encoded.sources == [[a, b], [1], [1]]
    assert encoded.targets == [[x], [y], []]
    assert encoded.lengths == [2, 2, 1]
    batch = encoded.batch([1, 0])
    assert batch.source.data.tolist() == [[1, a], [0, b]]
    assert batch.lengths.tolist() == [1, 2]
    assert batch.target is not None
    assert batch.target.data.tolist() == [[BEGIN, BEGIN], [y, x], [END, END]]
    assert batch.target.lengths.tolist() == [3, 3]
    spoiled = batch.spoiled(2)
    assert spoiled.source.data.shape == (4, 2)
    assert int(spoiled.source.data[2, 0]) == max(a, b)
    assert spoiled.target is not None
    assert EncodedPairs(encoded.sources).batch([0]).target is None


def test_long_ones_are_left_out_or_cut() -> None:
    encoded = EncodedPairs([[4] * 3, [4], [4] * 9], [[4], [4] * 9, [4]])
    assert encoded.within(3).sources == [[4] * 3]
    assert encoded.within(9) is encoded
    units = PairUnits.fit(["a"], ["X"], UnitSettings(units="word", max_length=3))
    assert units.cut(encoded).sources == [[4] * 3, [4], [4] * 3]
    assert Writer([], units, SearchSettings()).write([]) == []


def test_shared_or_apart() -> None:
    together = PairUnits.fit(["a b"], ["B A"], UnitSettings(units="word"))
    assert together.shared
    assert len(together.source) == 8
    apart = PairUnits.fit(["a b"], ["B A"], WORDS)
    assert not apart.shared
    assert (len(apart.source), len(apart.target)) == (6, 6)
    for units in (together, apart):
        again = PairUnits.from_dict(json.loads(json.dumps(units.to_dict())))
        assert again.shared is units.shared
        assert again.encode(["a b"], ["A"]) == units.encode(["a b"], ["A"])
    with pytest.raises(InputError, match=r"text\.min_count: every word of a side is rarer than 3"):
        PairUnits.fit(["a b"], ["c d"], UnitSettings(units="word", min_count=3))


@pytest.mark.parametrize("beam", [1, 4])
@pytest.mark.parametrize("nbest", [1, 3])
def test_alone_is_in_a_batch(beam: int, nbest: int) -> None:
    if nbest > beam:
        with pytest.raises(InputError, match="nbest is 3, the beam is 1 wide"):
            writer(search=SearchSettings(beam=beam)).write(SOURCES[:1], nbest)
        return
    works = writer(search=SearchSettings(beam=beam, longest=12))
    together = works.write(SOURCES, nbest, looks=True)
    for text, found in zip(SOURCES, together):
        (alone,) = works.write([text], nbest, looks=True)
        assert [w.text for w in alone] == [w.text for w in found]
        assert [w.score for w in alone] == pytest.approx([w.score for w in found], abs=1e-4)
        for one, other in zip(alone, found):
            assert one.looks is not None
            assert other.looks is not None
            assert one.looks.shape == (len(one.pieces), len(text.split()))
            assert one.looks.sum(1) == pytest.approx(1, abs=1e-5)
            np.testing.assert_allclose(one.looks, other.looks, atol=1e-4)
    assert len({w.text for found in together for w in found}) >= 5


def test_greedy_is_a_beam_of_one() -> None:
    works = writer(search=SearchSettings(beam=1, longest=12))
    texts = works.greedily(works.units.encode(SOURCES))
    assert texts == [found[0].text for found in works.write(SOURCES)]


def test_empty_texts_get_empty_answers_and_keep_their_place() -> None:
    works = writer()
    found = works.write(["", SOURCES[0], " \t"])
    assert [len(f) for f in found] == [1, 1, 1]
    assert (found[0][0].text, found[2][0].text) == ("", "")
    assert found[1][0].text == works.write([SOURCES[0]])[0][0].text
    assert works.write([]) == []


def test_unknown_is_never_written_unless_it_is_copied() -> None:
    """A network that likes nothing better than the unknown unit."""
    for copied in (False, True):
        works = writer(search=SearchSettings(copy_unknown=copied, longest=6))
        with torch.no_grad():
            works.models[0].softmax.bias[1] = 50.0
        for (found,) in works.write([*SOURCES[:5], "zebra quux"], looks=True):
            assert "<unk>" not in found.text
            if copied:
                assert found.looks is not None
                assert list(found.pieces) == [found.source[i] for i in found.looks.argmax(1)]
    assert {"zebra", "quux"} & set(found.text.split())


def test_an_ensemble_is_the_mean_of_the_probabilities() -> None:
    one, other = writer(0), writer(1)
    both = Writer([one.models[0], other.models[0]], one.units, one.settings)
    (found,) = both.write(SOURCES[:1])[0]
    encoded = one.units.encode(SOURCES[:1], [found.text]).batch([0])
    assert encoded.target is not None
    steps = []
    for model in both.models:
        with torch.no_grad():
            scores = model(encoded.source.data, encoded.lengths, encoded.target.data[:-1]).log_softmax(-1)[:, 0]
        steps.append(scores.gather(1, encoded.target.data[1:]).squeeze(1))
    mean = (steps[0].exp() + steps[1].exp()).div(2).log()
    assert found.log_prob == pytest.approx(float(mean.sum()), abs=1e-4)
    same = Writer([one.models[0]] * 2, one.units, one.settings)
    assert [w[0].text for w in same.write(SOURCES)] == [w[0].text for w in one.write(SOURCES)]


def test_lengths_are_bounded_by_the_source() -> None:
    works = writer(search=SearchSettings(beam=2))
    with torch.no_grad():
        works.models[0].softmax.bias[END] = -50.0
    (found,) = works.write(["a b"], looks=True)[0]
    assert len(found.pieces) == 10 + 3 * 2
    assert math.isfinite(found.log_prob)
