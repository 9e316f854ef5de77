"""The part-of-speech tagger that ships with the package."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from elman.data.settings import DataSettings
from elman.tasks import tag
from elman.tasks.tagger import packaged_tagger

FOLDER = Path(str(files("elman.models") / "pos"))
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="this checkout holds no trained model: run python -m elman.tasks.ship_pos"
)


def test_it_is_small_and_complete() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 4_000_000
    names = {file.name for file in FOLDER.iterdir()}
    assert names >= {"model.safetensors", "model.json", "recipe.toml", "metrics.json", "proof.json", "card.md"}
    assert "python -m elman.tasks.ship_pos" in (FOLDER / "card.md").read_text(encoding="utf-8")
    assert json.loads((FOLDER / "proof.json").read_text())["ok"]


def test_it_tags_english() -> None:
    tagger = packaged_tagger()
    assert tagger.predict([["The", "old", "dog", "barked", "at", "Anna", "."]]) == [
        ["DET", "ADJ", "NOUN", "VERB", "ADP", "PROPN", "PUNCT"]
    ]
    # the word alone does not tell
    assert tagger.predict([["I", "will", "book", "a", "room"], ["a", "good", "book"]])[0][2] == "VERB"
    assert tagger.predict([["a", "good", "book"]])[0][2] == "NOUN"


def test_its_card_tells_the_truth() -> None:
    """Judged again on the packaged test split: the figures written when it was made."""
    said = json.loads((FOLDER / "metrics.json").read_text())["test"]
    found = tag.evaluate(FOLDER, DataSettings(path="packaged:pos"))
    assert abs(found["accuracy"] - said["accuracy"]) < 5e-4
    assert said["accuracy"] >= 0.954  # UDPipe on gold tokens: .944; Stanza from raw text: .954
