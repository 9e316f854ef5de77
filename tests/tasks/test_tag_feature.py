"""Parts of speech beside the words, as an input of the classifier."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

import elman
from elman.config.recipe import load_recipe
from elman.errors import InputError
from elman.tasks.classify import task as classify
from elman.tasks.frame import train_run

STAGES = ({"name": "words", "style": "treebank"}, "tags", "lower")
SMALL = {
    "embedding": 8, "hidden": 12, "epochs": 12, "rate": 0.03, "dropout": 0.0, "batch_size": 16, "tag_embedding": 4,
    "validation": 0.0,
}  # fmt: skip


def by_ending(words: list[str]) -> list[str]:
    return ["VERB" if word.endswith("ing") else "NOUN" for word in words]


def texts(seed: int, n: int) -> tuple[list[str], list[str]]:
    """No word occurs twice, so each is `<unk>`; the label is whether the second one is a verb."""
    rng = random.Random(seed)
    X, y = [], []
    for i in range(n):
        ends = [rng.choice(["ing", "er"]) for _ in range(rng.randint(2, 6))]
        X.append(" ".join(f"w{seed}x{i}x{j}{end}" for j, end in enumerate(ends)))
        y.append("yes" if ends[1] == "ing" else "no")
    return X, y


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.tasks.classify.estimator.parts_of_speech", by_ending)


@pytest.mark.usefixtures("stand_in")
def test_tags_say_what_unknown_words_cannot(tmp_path: Path) -> None:
    X, y = texts(0, 120)
    unseen, labels = texts(1, 80)
    blind = elman.Classifier(**SMALL, stages=(STAGES[0], "lower")).fit(X, y)
    seeing = elman.Classifier(**SMALL, stages=STAGES).fit(X, y)
    assert blind.score(unseen, labels) < 0.7
    assert seeing.score(unseen, labels) == 1.0
    P = seeing.predict_proba(unseen)
    alone = np.concatenate([seeing.predict_proba([x]) for x in unseen])
    np.testing.assert_allclose(P, alone, atol=1e-6)
    seeing.save(tmp_path / "run")
    assert np.array_equal(elman.Classifier.load(tmp_path / "run").predict_proba(unseen), P)


@pytest.mark.usefixtures("stand_in")
def test_a_run_knows_whose_tags_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.tasks.classify.estimator.packaged_digest", lambda: "of an older version")
    X, y = texts(0, 40)
    elman.Classifier(**{**SMALL, "epochs": 1}, stages=STAGES).fit(X, y).save(tmp_path / "tags")
    elman.Classifier(**{**SMALL, "epochs": 1}, stages=("lower",)).fit(X, y).save(tmp_path / "none")
    elman.Classifier.load(tmp_path / "none")
    with pytest.raises(InputError, match="the tags of another part-of-speech model"):
        elman.Classifier.load(tmp_path / "tags")


@pytest.mark.usefixtures("stand_in")
def test_padding_reaches_no_tag() -> None:
    """Numbers past a length that belong to no word and no tag change nothing."""
    model = elman.Classifier(**{**SMALL, "epochs": 1, "min_count": 1}, stages=STAGES).fit(*texts(0, 40)).model_
    data = torch.tensor([[[2, 2], [3, 3]], [[4, 3], [10**6, 10**6]]])  # (T, B, 2)
    full = model(data, torch.tensor([2, 1]))
    torch.testing.assert_close(full[1:], model(data[:1, 1:], torch.tensor([1])))


@pytest.mark.usefixtures("stand_in")
def test_joined_tags_are_words_and_no_second_feature() -> None:
    joined = ({"name": "words"}, {"name": "tags", "use": "join"})
    model = elman.Classifier(**{**SMALL, "epochs": 1, "min_count": 1}, stages=joined).fit(*texts(0, 40))
    assert model.model_.tag_embedding is None
    assert any(word.endswith("_VERB") for word in model.encoding_.vocabulary)


@pytest.mark.usefixtures("stand_in")
def test_a_run_with_tags_is_reported_proven_and_inspected(tmp_path: Path) -> None:
    from elman.tasks.use import inspect_page

    X, y = texts(0, 120)
    lines = ["text,label", *(f"{x},{label}" for x, label in zip(X, y))]
    (tmp_path / "data.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    stages = 'text.stages=[{name = "words", style = "treebank"}, "tags", "lower"]'
    small = ["model.hidden=8", "model.embedding=8", "model.ngrams=0", "training.epochs=2", "text.min_count=1", stages]
    values = {"data.path": str(tmp_path / "data.csv"), "data.target": "label"}
    recipe = load_recipe("sentiment", small, sections=classify.TASK.sections, values=values)
    train_run(classify.TASK, recipe, tmp_path / "run")
    assert elman.Classifier.load(tmp_path / "run").model_.tag_embedding is not None
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000
    assert "w0x0x0" in inspect_page(tmp_path / "run", X[0])


def test_the_tagger_that_ships_is_the_one_asked(tmp_path: Path) -> None:
    """One word, two parts of speech: what the recipe's `tags` stage hands the network, before and after saving."""
    X = ["I will book a room", "a good book", "they book it", "the book fell"]
    model = elman.Classifier(**{**SMALL, "epochs": 1, "min_count": 1}, stages=STAGES).fit(X, ["v", "n", "v", "n"])
    model.save(tmp_path / "run")
    for classifier in (model, elman.Classifier.load(tmp_path / "run")):
        encoding = classifier.encoding_
        assert encoding.vocabulary is not None
        assert encoding.tags is not None
        book = encoding.vocabulary.index("book")
        told = [encoding.tags.decode(item[item[:, 0] == book, 1].tolist()) for item in encoding(X).items]
        assert told == [["VERB"], ["NOUN"], ["VERB"], ["NOUN"]]
