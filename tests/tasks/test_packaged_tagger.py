"""The part-of-speech tagger that ships with the package."""

from __future__ import annotations

import copy
import json
import pickle
from importlib.resources import files
from pathlib import Path

import pytest

import elman
from elman.config.settings import DataSettings
from elman.errors import InputError
from elman.tasks.packaged import packaged_tagger
from elman.tasks.tag import ship
from elman.tasks.use import Run
from elman.text.tag import Remembering

FOLDER = Path(str(files("elman.models") / "pos"))
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="this checkout holds no trained model: run python -m elman.tasks.tag.ship"
)


def test_it_is_small_and_complete() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 4_000_000
    names = {file.name for file in FOLDER.iterdir()}
    assert names >= {"model.safetensors", "model.json", "recipe.toml", "metrics.json", "proof.json", "card.md"}
    assert "python -m elman.tasks.tag.ship" in (FOLDER / "card.md").read_text(encoding="utf-8")
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
    found = Run(FOLDER).evaluate(DataSettings(path="packaged:pos"))
    assert abs(found["accuracy"] - said["accuracy"]) < 5e-4
    assert said["accuracy"] >= 0.954  # UDPipe on gold tokens: .944; Stanza from raw text: .954


def test_sentences_are_remembered_up_to_a_limit() -> None:
    asked: list[int] = []

    class Counting:
        def predict(self, X: list[list[str]]) -> list[list[str]]:
            asked.append(len(X))
            return [["X"] * len(words) for words in X]

    tags = Remembering(lambda: Counting().predict, "nowhere.tags", most=3)
    assert tags.many([["a"], ["b", "c"], ["a"], []]) == [["X"], ["X", "X"], ["X"], []]
    assert tags(["a"]) == ["X"]
    tags.many([[str(n)] for n in range(9)])
    tags(["8"])
    assert asked == [3, 9]
    assert len(tags._known) <= 3


def test_a_new_one_is_written_where_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training and rounding stood in for; this is about the place."""
    written: list[Path] = []
    monkeypatch.setattr(ship, "train_run", lambda task, recipe, run, progress: None)
    monkeypatch.setattr(ship, "ship", lambda run, out: written.append(out) or {"accuracy": 1.0})
    ship.main()
    assert written == [FOLDER]


def test_copies_ask_the_same_tagger() -> None:
    assert copy.deepcopy(elman.parts_of_speech) is elman.parts_of_speech
    assert pickle.loads(pickle.dumps(elman.parts_of_speech)) is elman.parts_of_speech


def test_a_text_instead_of_its_words_is_told() -> None:
    with pytest.raises(InputError, match="a string where a list of words is expected"):
        elman.parts_of_speech("two words")


def test_a_tagger_far_smaller_than_it_can_read_its_tags(tmp_path: Path) -> None:
    """What the weights of a RUN leave room for is no bound on the model that it works beside."""
    sentences, tags = [["a", "cat", "slept"], ["the", "dog"]] * 6, [["x", "y", "z"], ["x", "y"]] * 6
    small = elman.Tagger(pos=True, hidden=2, word_dim=2, char_dim=0, affix_dim=0, epochs=1).fit(sentences, tags)
    small.save(tmp_path / "run")
    assert elman.Tagger.load(tmp_path / "run").predict(sentences) == small.predict(sentences)
