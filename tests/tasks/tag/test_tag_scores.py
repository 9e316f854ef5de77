"""Figures of a tagger, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from elman.models.calibration import best_temperature
from elman.models.tag_names import TagNames
from elman.models.tagger import TaggerModel, TaggerSettings
from elman.tasks.figures import calibration_error
from elman.tasks.tag.figures import tag_figures, usual_tags


def test_figures_of_plain_labels() -> None:
    figures = tag_figures([["a", "a", "b"], ["b"]], [["a", "b", "b"], ["c"]], entities=False)
    assert figures["accuracy"] == 2 / 4
    assert figures["sentence_accuracy"] == 0
    assert figures["labels"] == ["a", "b", "c"]
    assert figures["confusion"] == [[1, 1, 0], [0, 1, 1], [0, 0, 0]]
    assert figures["classes"]["b"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "n": 2}
    assert figures["macro_f1"] == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)


def test_figures_of_entities() -> None:
    figures = tag_figures([["B-x", "I-x", "O"]], [["B-x", "O", "O"]], entities=True)
    assert figures["accuracy"] == 2 / 3
    assert (figures["entity_f1"], figures["entities"]) == (0.0, 1)
    assert figures["types"]["x"]["recall"] == 0.0
    assert figures["labels"] == ["O", "x"]
    assert figures["confusion"] == [[1, 0], [1, 1]]


def test_the_confusion_of_entities_is_that_of_their_types() -> None:
    gold = [["B-a-b", "I-a-b", "O", "B-Z"], ["O", "B-Z"]]
    predicted = [["B-Z", "I-Z", "O", "B-Z"], ["B-a-b", "O"]]
    figures = tag_figures(gold, predicted, entities=True)
    assert figures["labels"] == ["O", "Z", "a-b"]
    assert figures["confusion"] == [[1, 0, 1], [1, 1, 0], [0, 2, 0]]


def test_calibration_error() -> None:
    sure = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55])
    right = np.array([True, True, True, False, True, False])
    # four in the bin .9-1: 3/4 right; two in .5-.6: 1/2 right
    assert calibration_error(sure, right) == pytest.approx((4 * 0.2 + 2 * 0.05) / 6)


def test_usual_tags() -> None:
    train = ([["run", "run", "Run", "the"], ["the", "the"]], [["V", "N", "N", "D"], ["D", "D"]])
    assert usual_tags(train, [["Run", "run", "THE", "zebra"]]) == [["N", "N", "D", "D"]]


def test_temperature_is_recovered() -> None:
    """Tags drawn from softmax(z / 2.5): the likeliest temperature of scores z is 2.5."""
    generator = torch.Generator().manual_seed(0)
    settings = TaggerSettings(head="softmax", char_hidden=0, affix_dim=0, case_dim=0, hidden=2)
    model = TaggerModel(settings, {"words": 3, "chars": 2, "affixes": 2}, 4)
    e = 3 * torch.randn(40, 200, 4, generator=generator)
    tags = torch.multinomial((e / 2.5).softmax(-1).reshape(-1, 4), 1, generator=generator).view(40, 200)
    lengths = torch.full((200,), 30)
    e[30:] = torch.nan
    tags[:3] = -1  # tags that training never showed do not count
    found = best_temperature(model, [(e, lengths, tags)])
    assert found == pytest.approx(2.5, rel=0.05)
    grid = np.geomspace(2, 3, 401)  # steps of a thousandth
    scores, wanted = e[3:30].double(), tags[3:30, :, None]
    nll = [-float((scores / t).log_softmax(-1).gather(2, wanted).sum()) for t in grid]
    assert found == pytest.approx(grid[np.argmin(nll)], rel=2e-3)


def test_tag_names_complete_the_types_that_training_shows() -> None:
    names = TagNames.of([["O", "I-a", "B-a"]], "IOB1", "IOBES")
    assert names.names == ["O", "B-a", "I-a", "E-a", "S-a"]
    assert names.inwards(["I-a", "B-a", "O"]) == [4, 4, 0]
    assert names.outwards([4, 4, 0]) == ["I-a", "B-a", "O"]
    assert names.classes == ["B-a", "I-a", "O"]
    assert names.inwards(["B-unseen"]) == [-1]
