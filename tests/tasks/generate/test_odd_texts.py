"""Texts as nobody should have them: too short for the window, one endless line, one character again and again."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.tasks.generate.test_language_model import SMALL

import elman

FEW = {**SMALL, "epochs": 1, "hidden": 8}


@pytest.mark.parametrize("kind", ["character", "word", "token"])
def test_a_text_shorter_than_the_window(kind):
    model = elman.LanguageModel(**{**FEW, "bptt": 100, "batch_size": 64}, units=kind).fit(["to be or not to be " * 3])
    assert math.isfinite(model.perplexity(["to be"]))
    assert model.complete("to b")


@pytest.mark.parametrize("text", ["abcabd" * 300, "x" * 900, "é漢ж" * 300])
def test_one_endless_line(text):
    model = elman.LanguageModel(**FEW).fit([text])
    assert math.isfinite(model.perplexity([text]))
    some = model.complete(text[:400])  # a word of four hundred letters
    assert all(c.word.startswith(text[:400]) and len(c.insert) <= 24 for c in some)


def test_a_vocabulary_of_one():
    model = elman.LanguageModel(**{**FEW, "epochs": 5}).fit(["a" * 800])
    assert model.perplexity(["a" * 50]) < 5  # the signs that begin and end a text have a share
    assert set(model.sample("a", length=20)) <= {"a"}
    assert len(model.log_prob("a" * 7)) == 7


def test_what_it_never_saw_is_counted_and_completed_by_nothing():
    model = elman.LanguageModel(**FEW).fit(["abcabd" * 300])
    assert np.isfinite(model.log_prob("ab漢")).all()
    assert model.complete("漢") == []
    assert math.isfinite(model.perplexity(["漢字かな"]))


def test_a_loss_that_does_not_depend_on_how_it_was_trained():
    """Whatever rows and windows a model was trained in, a text is judged in one piece."""
    model = elman.LanguageModel(**FEW).fit(["abcabd" * 300])
    for other in ({"batch_size": 1}, {"bptt": 3}, {"batch_size": 7, "bptt": 50}):
        assert model.set_params(**other).perplexity(["abcabdab"]) == model.perplexity(["abcabdab"])
    figures = model.evaluate(["abcabdab", "cabd"])
    assert figures["units"] == 14  # both texts, and the end of each
    assert figures["nll"] * 14 == pytest.approx(figures["bits_per_character"] * 12 * math.log(2))
