"""Word vectors that a classifier trains on its own texts, and on further ones, before it learns from labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elman.errors import InputError
from elman.models.encoding import Encoding, TextSettings
from elman.models.own_vectors import own_vectors
from elman.tasks.classify.estimator import Classifier
from elman.text import Chain
from elman.text.vectors import Settings, train

TEXTS = [f"the {a} film was {b}" for a in ("good", "bad", "old", "new") for b in ("fine", "poor", "long")] * 5
LABELS = [i % 2 for i in range(len(TEXTS))]
FURTHER = [f"the {a} play was {b}" for a in ("good", "sad", "old") for b in ("fine", "grim")] * 4


@pytest.fixture
def further(tmp_path: Path) -> str:
    """Two files, with a comma between."""
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("\n".join(FURTHER[:10]))
    second.write_text("\n".join(FURTHER[10:]))
    return f"{first},{second}"


def test_they_are_cbow_of_all_texts_in_order(further: str) -> None:
    """Those of the trainer of word vectors itself, of unit spread; words of further texts alone are known as well."""
    settings = TextSettings(unlabelled=further, min_count=2)
    encoding = Encoding(settings, width=8).fit(TEXTS, np.array(LABELS), seed=3)
    chain = Chain(settings.stages).fit(TEXTS)
    expected = train([chain(text) for text in TEXTS + FURTHER], Settings(dim=8, min_count=5, threads=1, seed=3))
    assert encoding.vectors is not None
    assert encoding.vocabulary is not None
    rows = torch.cat(encoding.vectors)
    for word in ("film", "good", "play", "was"):
        wanted = torch.from_numpy(expected[word] / expected.matrix.std())
        torch.testing.assert_close(rows[encoding.vocabulary.index(word)], wanted)
    assert float(rows[2:].std(correction=0)) == pytest.approx(1, abs=0.05)  # <pad> and <unk> have no vectors
    beyond = encoding.vocabulary.to_list()[len(encoding.vectors[0]) :]
    assert set(beyond) == {"play", "sad", "grim"}
    (told,) = encoding.remarks({"training": TEXTS})
    assert told == "word vectors trained on 60 training texts and 24 further texts (420 words, 13 different)"


def test_a_network_starts_from_them_and_trains_them_on(further: str) -> None:
    small = {"embedding": 8, "hidden": 4, "epochs": 1, "validation": 0}
    one, again = (Classifier(**small, unlabelled=further).fit(TEXTS, LABELS) for _ in range(2))
    assert one.encoding_.vectors is not None
    first = one.model_.embedding.weight
    assert torch.equal(first, again.model_.embedding.weight)  # the same, whoever takes a training up again
    assert first.shape == one.encoding_.vectors[0].shape
    assert not torch.equal(first, one.encoding_.vectors[0])
    assert (first - one.encoding_.vectors[0]).abs().max() < 0.1
    assert torch.equal(one.model_.further, one.encoding_.vectors[1])
    frozen = Classifier(**small, own_vectors=True, freeze=True).fit(TEXTS, LABELS)
    assert torch.equal(frozen.model_.embedding.weight, frozen.encoding_.vectors[0])


def test_they_are_trained_once_though_all_rows_are_learned_from_at_the_end(
    further: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = []

    def counted(*args: Any) -> Any:
        trained.append(own_vectors(*args))
        return trained[-1]

    monkeypatch.setattr("elman.models.encoding.own_vectors", counted)
    small = {"embedding": 8, "hidden": 4, "epochs": 1, "validation": 0.2, "refit": True, "freeze": True}
    model = Classifier(**small, unlabelled=further).fit(TEXTS, LABELS)
    ((vectors, _),) = trained
    assert vectors is not None
    known = model.encoding_.vocabulary
    assert known is not None
    for word in ("film", "good", "play"):
        rows = torch.cat([model.model_.embedding.weight, model.model_.further])
        assert torch.equal(rows[known.index(word)], torch.from_numpy(vectors[word]))
    model.fit(TEXTS[:40], LABELS[:40])  # other texts have others
    assert len(trained) == 2


def test_what_cannot_be_is_said_before_anything_is_trained() -> None:
    with pytest.raises(InputError, match=r"^text\.unlabelled, nowhere\.txt: no such file or folder"):
        Classifier(unlabelled="nowhere.txt").fit(TEXTS, LABELS)
    with pytest.raises(InputError, match=r"^text\.own_vectors: vectors are given, and are to be trained"):
        Classifier(own_vectors=True, vectors="v.txt").fit(TEXTS, LABELS)


def test_too_few_words_are_told() -> None:
    encoding = Encoding(TextSettings(own_vectors=True)).fit(["a b", "c d"], np.array([0, 1]))
    assert encoding.vectors is None
    assert encoding.remarks({"training": ["a b", "c d"]}) == [
        "the training texts have too few words that come again for vectors of their own"
    ]
