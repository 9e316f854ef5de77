"""What is decided of speech that nobody said anything about: by minutes, by how short it is, by its words."""

from __future__ import annotations

import numpy as np
import pytest

from elman.config.recipe import load_recipe
from elman.data.speech import Utterances
from elman.tasks.contract import Split
from elman.tasks.transcribe.decide import decide
from elman.tasks.transcribe.task import TASK


def speech(texts: list[str], frames: int, times: int = 1) -> Utterances:
    """Recordings of so many frames each, a hundred a second."""
    some = [np.zeros((frames, 2), np.float32)] * (len(texts) * times)
    names = [str(i) for i in range(len(some))]
    return Utterances(some, texts * times, names, [""] * len(some), 100.0)


def decided(train: Utterances, valid: Utterances, *given: str) -> dict[str, object]:
    recipe = load_recipe("transcribe", [*given], sections=TASK.sections)
    found = decide(recipe, Split(train, valid, valid))
    changed = found.of(recipe)  # every key is one, every value fits
    assert changed.sections.keys() == recipe.sections.keys()
    assert len(found.lines) >= 1 or not found.settings
    return found.settings


def test_spoken_digits():
    """Single words, short, of which there are few: no others are written."""
    words = ["three", "seven", "one"]
    found = decided(speech(words, 20, 400), speech(words, 20, 30))
    assert (found["model.hidden"], found["model.layers"]) == (64, 2)
    assert found["training.epochs"] == 40  # of 75 batches
    assert (found["search.language"], found["search.order"], found["search.open"]) == ("words", 1, False)
    assert found["frames.stack"] == 2  # three needs six steps and some room, and 20 frames are 17 when they are faster
    assert "frames.stack" not in decided(speech(words, 40, 400), speech(words, 40))
    assert decided(speech(words, 8, 400), speech(words, 8))["frames.stack"] == 1


def test_sentences():
    texts = [f"the {a} saw the {b}" for a in ("cat", "dog", "fox") for b in ("cow", "hen")]
    found = decided(speech(texts, 300, 200), speech(["the cat saw the dog"], 300))
    assert found["model.hidden"] == 192
    assert (found["search.language"], found["search.order"]) == ("words", 3)
    strange = decided(speech(texts, 300, 200), speech(["the wolf saw a dog"], 300))
    assert strange["search.language"] == "symbols"
    rare = decided(speech([f"w{n}" for n in range(50)], 300, 3), speech(["w1"], 300))
    assert rare["search.language"] == "symbols"


@pytest.mark.parametrize("given", [("model.hidden=9", "training.epochs=2", "search.language=none", "frames.stack=5")])
def test_what_is_said_stays(given):
    words = ["three", "seven", "one"]
    found = decided(speech(words, 8, 400), speech(words, 8), *given)
    assert not {key.split("=")[0] for key in given} & found.keys()
    assert "training.rate" in found
    assert "training.epochs" not in decided(speech(words, 8, 9), speech(words, 8), "training.steps=5")


def test_a_recipe_of_its_own_is_taken_as_it_stands():
    recipe = load_recipe("speech", sections=TASK.sections)
    some = speech(["yes", "no"], 90, 30)
    assert decide(recipe, Split(some, some, some)).settings == {}
