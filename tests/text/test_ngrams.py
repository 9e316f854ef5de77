"""N-grams, the linear baseline, and features for a network, against scikit-learn used by hand."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from elman.errors import InputError
from elman.text.ngrams import (
    NgramFeatures,
    _ngrams,
    _vectoriser,
    character_ngrams,
    tfidf_baseline,
    word_ngrams,
)

GOOD = ["a good film", "really good fun", "good and clever", "such a good cast", "very good indeed", "fun and good"]
BAD = ["a bad film", "really bad jokes", "bad and dull"]
TEXTS, LABELS = GOOD + BAD, [1] * len(GOOD) + [0] * len(BAD)


def test_ngrams_by_hand() -> None:
    assert word_ngrams(["not", "very", "good"], 2) == ["not very", "very good"]
    assert word_ngrams(["a"], 2) == []
    assert character_ngrams("cat", 3) == ["<ca", "cat", "at>"]
    assert character_ngrams("cat", 2, edges=False) == ["ca", "at"]


def test_the_baseline_is_scikit_learns_with_c_chosen_on_validation() -> None:
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(40)]
    y = rng.integers(0, 3, 300).tolist()
    # a third of the words lean to the label; labels are then blurred, so that C matters
    texts = [" ".join(rng.choice(words[k * 8 : k * 8 + 24], 6)) for k in y]
    labels = ["abc"[k] if rng.random() > 0.3 else "a" for k in y]
    parts = texts[:200], labels[:200], texts[200:], labels[200:]
    baseline = tfidf_baseline(*parts, strengths=[0.01, 1.0, 100.0])

    vectoriser = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    x, x_valid = vectoriser.fit_transform(parts[0]), vectoriser.transform(parts[2])
    by_hand = {}
    for C in (0.01, 1.0, 100.0):
        model = LogisticRegression(C=C, class_weight="balanced", max_iter=1000).fit(x, parts[1])
        by_hand[C] = f1_score(parts[3], model.predict(x_valid), average="macro")
    assert baseline.valid_scores == pytest.approx(by_hand)
    assert len(set(by_hand.values())) > 1
    assert by_hand[baseline.C] == max(by_hand.values())
    assert f1_score(parts[3], baseline.estimator.predict(parts[2]), average="macro") == by_hand[baseline.C]


def test_classes_are_weighted_by_rarity() -> None:
    """One telling word a class, forty of one class to two of the other: without weights a weak fit says one class."""
    texts, labels = ["yes x"] * 40 + ["no x"] * 2, ["y"] * 40 + ["n"] * 2
    baseline = tfidf_baseline(texts, labels, ["yes", "no"], ["y", "n"], strengths=[0.03])
    assert baseline.estimator.predict(["no x"]).tolist() == ["n"]


def test_token_lists_are_taken_as_they_are() -> None:
    lists = [text.split() for text in TEXTS]
    baseline = tfidf_baseline(lists, LABELS, lists, LABELS, characters=(2, 3))
    assert baseline.estimator.predict([["good"], ["bad"]]).tolist() == [1, 0]
    names = baseline.estimator[0].get_feature_names_out()
    assert "word__a good" in names  # "a" is a token here; scikit-learn's own rule would drop it
    assert "character__oo" in names


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (TEXTS, [1] * len(TEXTS), "all training texts have the label 1"),
        (TEXTS, LABELS[1:], "9 training texts and 8 labels"),
        ([], [], "0 training texts"),
        (["", " "], [0, 1], "the training texts hold no words"),
    ],
)
def test_what_no_baseline_can_be_made_of(texts: list[str], labels: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        tfidf_baseline(texts, labels, TEXTS, LABELS)


@pytest.mark.parametrize("tokenized", [False, True])
def test_features_equal_scikit_learns(tokenized: bool) -> None:
    texts = [t.split() for t in TEXTS] if tokenized else TEXTS
    unseen = ["good good film never seen", ""]
    features = NgramFeatures((1, 2), (2, 4), most=10_000).fit(texts)
    ours = features.transform([t.split() for t in unseen] if tokenized else unseen)
    pattern = {"token_pattern": r"\S+"} if tokenized else {}
    parts = [
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, **pattern).fit(TEXTS),
        TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True).fit(TEXTS),
    ]
    theirs = np.concatenate([p.transform(unseen).toarray() for p in parts], axis=1)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert np.abs(ours[0]).max() > 0.1


@pytest.mark.parametrize("document", ["A été don't x_9  İ ß, a", "", ["A", "été", "x y", "", "."], [""]])
def test_ngrams_are_cut_as_scikit_learn_cuts_them(document: str | list[str]) -> None:
    for kind, part in _vectoriser(not isinstance(document, str), (1, 3), (2, 4)).transformer_list:
        cut = _ngrams(document, kind, (1, 3) if kind == "word" else (2, 4))
        assert Counter(cut) == Counter(part.build_analyzer()(document))


def test_with_labels_the_telling_ngrams_are_kept() -> None:
    assert set(NgramFeatures((1, 1), most=2).fit(TEXTS, LABELS).names) == {"word:good", "word:bad"}
    # without labels the frequent ones: "and" comes as often as "bad", three times; the alphabet decides
    assert NgramFeatures((1, 1), most=2).fit(TEXTS).names == ["word:and", "word:good"]


def test_saved_features_are_the_same() -> None:
    features = NgramFeatures((1, 2), (3, 3), most=12).fit(TEXTS, LABELS)
    back = NgramFeatures.from_dict(json.loads(json.dumps(features.to_dict())))
    assert back.names == features.names
    assert len(back.names) == 12
    np.testing.assert_array_equal(back.transform(TEXTS), features.transform(TEXTS))
    assert back.to_dict() == json.loads(json.dumps(features.to_dict()))


def test_features_say_what_is_wrong() -> None:
    with pytest.raises(InputError, match="neither words nor characters"):
        NgramFeatures(None, None)
    with pytest.raises(InputError, match="have learned nothing yet"):
        NgramFeatures().transform(TEXTS)
    with pytest.raises(InputError, match="no texts"):
        NgramFeatures().fit([])
    assert NgramFeatures().fit(TEXTS).transform([]).shape[0] == 0


def test_texts_without_a_word_are_told_apart_by_their_characters() -> None:
    """scikit-learn's rule sees no word in signs or single letters, and a whole training ended in an error."""
    texts, labels = ["!!! x", "? y", "!! x", "?? y"] * 3, [0, 1, 0, 1] * 3
    fitted = tfidf_baseline(texts, labels, texts, labels)
    assert fitted.estimator.predict(["! x", "??? y"]).tolist() == [0, 1]
