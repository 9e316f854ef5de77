"""A composer from Python: it learns a pattern, says what pieces are worth, goes on, is saved."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone

import elman
from elman.errors import InputError
from elman.models.music_batches import transposed
from elman.notes.midi import write_midi
from elman.notes.roll import LOW, PITCHES, tune_of

SMALL = {
    "cell": "gru", "hidden": 12, "notes": 12, "dropout": 0.0, "input": 0.0, "notes_dropout": 0.0, "rate": 0.05,
    "batch_size": 4, "epochs": 30, "clip_norm": 5.0,
}  # fmt: skip
CHORDS = [(60, 64, 67), (59, 62, 69)]
DRAW = np.random.default_rng(0)


def piece(chords: list[int]) -> np.ndarray:
    roll = np.zeros((len(chords), PITCHES), bool)
    for t, chord in enumerate(chords):
        roll[t, [pitch - LOW for pitch in CHORDS[chord]]] = True
    return roll


# after each chord one of the two comes, as a coin falls
PIECES = [piece(DRAW.integers(0, 2, 6 + n % 5).tolist()) for n in range(40)]


@pytest.fixture(scope="module")
def composer() -> elman.Composer:
    return elman.Composer(**SMALL).fit(PIECES)


def test_it_learns_what_sounds_together(composer):
    """One after the other the notes cost one coin, ln 2; independent of each other each of the six costs one."""
    found = composer.evaluate(PIECES)
    assert found["nll"] == pytest.approx(math.log(2), abs=0.15)
    assert found["nll_independent"] == pytest.approx(6 * math.log(2), abs=0.3)
    assert composer.score(PIECES) == -found["nll"]
    made = composer.compose("C4 E4 G4", length=40)
    chords = [tuple((np.flatnonzero(frame) + LOW).tolist()) for frame in made]
    assert sum(chord in CHORDS for chord in chords) > 34
    assert min(chords.count(chord) for chord in CHORDS) > 8


def test_what_is_counted(composer):
    """Frames behind the first, over all pieces; the first ones apart; silence would cost something else."""
    told = [composer.log_prob(roll) for roll in PIECES[:3]]
    found = composer.evaluate(PIECES[:3])
    assert [len(one) for one in told] == [6, 7, 8]
    assert found["nll"] == pytest.approx(-np.mean(np.concatenate([one[1:] for one in told])))
    assert found["nll_all"] == pytest.approx(-np.mean(np.concatenate(told)))
    assert (found["n"], found["frames"]) == (3, 5 + 6 + 7)
    apart = [composer.log_prob(roll, independent=True) for roll in PIECES[:3]]
    assert found["nll_independent"] == pytest.approx(-np.mean(np.concatenate([one[1:] for one in apart])))


def test_pieces_do_not_disturb_each_other(composer):
    alone, beside = composer.evaluate(PIECES[:1]), composer.log_prob(PIECES[0])
    composer.evaluate(PIECES)
    assert alone == composer.evaluate(PIECES[:1])
    np.testing.assert_array_equal(composer.log_prob(PIECES[0]), beside)
    longer = np.concatenate([PIECES[0], ~PIECES[1]])
    np.testing.assert_allclose(composer.log_prob(longer)[:6], beside, atol=1e-5)


def test_a_piece_goes_on_by_its_seed(composer):
    some = [composer.compose("C4", length=12, temperature=2.0, seed=seed) for seed in (0, 0, 1)]
    assert (some[0] == some[1]).all()
    assert (some[0] != some[2]).any()
    assert some[0].shape == (12, PITCHES)
    assert np.flatnonzero(some[0][0]).tolist() == [60 - LOW]
    begun = composer.compose("C4 E4 G4 | - | D4", length=3)
    assert [(np.flatnonzero(frame) + LOW).tolist() for frame in begun] == [[60, 64, 67], [], [62]]
    assert composer.compose(length=2).shape == (2, PITCHES)
    with pytest.raises(InputError, match="a start of 2 frames is longer than the 1 asked for"):
        composer.compose("C4 | D4", length=1)


def test_saved_and_loaded(composer, tmp_path):
    composer.save(tmp_path / "run")
    again = elman.Composer.load(tmp_path / "run")
    np.testing.assert_array_equal(again.log_prob(PIECES[3]), composer.log_prob(PIECES[3]))
    assert (again.compose("C4", seed=3) == composer.compose("C4", seed=3)).all()
    assert (again.step_, again.per_minute_) == (composer.step_, composer.per_minute_)
    assert clone(composer).get_params() == composer.get_params()
    described = json.loads((tmp_path / "run" / "model.json").read_text(encoding="utf-8"))
    for key, value in (("step", -1), ("per_minute", "fast"), ("step", None)):
        (tmp_path / "run" / "model.json").write_text(json.dumps({**described, key: value}), encoding="utf-8")
        with pytest.raises(InputError, match=key):
            elman.Composer.load(tmp_path / "run")


def test_tunes_that_are_new_have_figures_of_their_own(composer):
    draw = np.random.default_rng(0)
    strange = np.zeros((12, PITCHES), bool)
    strange[np.arange(12), draw.integers(30, 60, 12)] = True
    voice = [0, 4, 7, 2, 9, 5, 0, 11, 4, 2, 7, 9, 0, 5]
    known = np.zeros((14, PITCHES), bool)
    known[np.arange(14), np.array(voice) + 40] = True
    composer = copy.copy(composer)
    composer.known_ = [np.roll(known, 3, 1)]
    found = composer.evaluate([known, strange])
    alone = composer.evaluate([strange])
    assert found["nll_unrepeated"] == alone["nll"]
    assert found["nll_independent_unrepeated"] == alone["nll_independent"]
    assert "nll_unrepeated" not in alone


def test_pieces_are_moved_within_the_piano():
    draw = torch.Generator().manual_seed(0)
    low, wide, silent = np.zeros((3, 5, PITCHES))
    low[:, 2], wide[0, [0, PITCHES - 1]] = 1, 1
    rolls = torch.from_numpy(np.stack([low, wide, silent], 1)).float()
    seen = set()
    for _ in range(80):
        moved = transposed(rolls, torch.tensor([5, 5, 5]), 4, draw)
        assert torch.equal(moved[:, 1:], rolls[:, 1:])
        assert torch.equal(moved.sum(2), rolls.sum(2))
        seen.add(int(moved[0, 0].argmax()))
    assert seen == {0, 1, 2, 3, 4, 5, 6}
    learned = elman.Composer(**{**SMALL, "epochs": 2}, transpose=6).fit(PIECES)
    assert np.isfinite(learned.score(PIECES))


def test_files_are_pieces(tmp_path):
    for n, roll in enumerate(PIECES[:6]):
        (tmp_path / f"{n}.mid").write_bytes(write_midi(tune_of(roll, 0.25, 90)))
    composer = elman.Composer(**{**SMALL, "epochs": 1}).fit([str(tmp_path)])
    assert (composer.step_, round(composer.per_minute_, 3)) == (0.25, 90)
    assert len(composer.log_prob(tmp_path / "0.mid")) == 6


@pytest.mark.parametrize(("X", "said"), [
    ([], "there are no pieces"), ([PIECES[0]], "one piece is too little"), ([3], r"X\[0\]: this is no piece"),
    ([PIECES[0], "nothing.mid"], r"X\[1\]: this is no piece"), ([np.zeros((4, 5))], "this is no piece"),
    ("C4", "a string where a list"),
])  # fmt: skip
def test_what_cannot_be_learned_from(X, said):
    with pytest.raises(InputError, match=said):
        elman.Composer(**SMALL).fit(X)


def test_a_run_from_elsewhere_is_read_with_care(composer, tmp_path: Path):
    composer.save(tmp_path / "run")
    described = json.loads((tmp_path / "run" / "model.json").read_text(encoding="utf-8"))
    for change in ({"members": 10**6}, {"layers": 10**6}, {"hidden": 10**6}, {"hidden": -1}):
        described["parameters"] |= change
        (tmp_path / "run" / "model.json").write_text(json.dumps(described), encoding="utf-8")
        with pytest.raises(InputError):
            elman.Composer.load(tmp_path / "run")
