"""N-grams, the linear baseline, and features for a network, against scikit-learn used by hand."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import chi2
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from elman.errors import InputError
from elman.text.corpus import Corpus
from elman.text.ngram_counts import Known, learn, ngrams_of
from elman.text.ngrams import (
    NgramFeatures,
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
        cut = ngrams_of(document, kind, (1, 3) if kind == "word" else (2, 4))
        assert Counter(cut) == Counter(part.build_analyzer()(document))


def test_with_labels_the_telling_ngrams_are_kept() -> None:
    assert set(NgramFeatures((1, 1), most=2).fit(TEXTS, LABELS).names) == {"word:good", "word:bad"}
    # without labels the frequent ones: "and" comes as often as "bad", three times; the alphabet decides
    assert NgramFeatures((1, 1), most=2).fit(TEXTS).names == ["word:and", "word:good"]


WORDS = st.text("ab \u00e9\u4e2d.", max_size=3)
LISTS = st.lists(st.lists(WORDS, max_size=6), min_size=1, max_size=8)


@settings(deadline=None)
@given(LISTS, LISTS, st.integers(1, 3), st.integers(0, 2), st.booleans(), st.booleans())
def test_counting_many_is_counting_one_by_one(
    texts: list[list[str]], others: list[list[str]], first: int, more: int, bare: bool, joined: bool
) -> None:
    """Trees of word numbers, and characters by word, against a Counter over the strings: of token lists, whose tokens
    may be empty or hold blanks, and of strings."""
    sizes = first, first + more
    if bare:
        texts, others = ([[w.replace(" ", "") for w in t] for t in some] for some in (texts, others))
    given_texts, asked = (([" ".join(t) for t in some] if joined else some) for some in (texts, others))
    for kind in ("word", "character"):
        cut = [Counter(ngrams_of(text, kind, sizes)) for text in given_texts]
        learned = learn(given_texts, kind, sizes, None)
        frequency = Counter(ngram for counted in cut for ngram in counted)
        names = learned.names(np.arange(len(learned.frequency)))
        assert dict(zip(names, learned.frequency.tolist())) == frequency
        known = Known(kind, sizes, names[::2])
        asked_often = asked * (1 + 64 // len(asked))
        ends, columns, times = known.count(asked_often)
        expected = [
            sorted((names[::2].index(n), c) for n, c in Counter(ngrams_of(t, kind, sizes)).items() if n in names[::2])
            for t in asked_often
        ]
        assert list(zip(columns.tolist(), times.tolist())) == [pair for row in expected for pair in row]
        assert ends.tolist() == np.cumsum([len(row) for row in expected]).tolist()
        few = known.count(asked)
        assert few.columns.tolist() == columns[: ends[len(asked) - 1]].tolist()


def test_pieces_of_a_large_corpus_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    texts = [[f"w{n}" for n in draw.integers(0, 60, draw.integers(0, 9))] for _ in range(200)]
    labels = draw.integers(0, 3, 200).tolist()
    whole = NgramFeatures((1, 3), (2, 3), most=300).fit(texts, labels)
    rows = whole.rows(texts)
    monkeypatch.setattr("elman.text.ngram_counts._AT_ONCE", 16)
    parts = NgramFeatures((1, 3), (2, 3), most=300).fit(Corpus.of(texts), labels)
    assert parts.to_dict() == whole.to_dict()
    for one, other in zip(rows, parts.rows(texts)):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("classes", [2, 3, 20])
def test_what_tells_the_classes_apart_is_chi_squared(classes: int) -> None:
    draw = np.random.default_rng(classes)
    labels = draw.integers(0, classes, 300)
    texts = [[f"w{n}" for n in [*draw.integers(0, 300, 8), 3 * k, 3 * k + 1]] for k in labels]
    features = NgramFeatures((1, 2), (2, 3), most=100).fit(texts, labels.tolist())
    union = _vectoriser(True, (1, 2), (2, 3))
    x = union.fit_transform(texts) > 0
    worth = dict(zip(union.get_feature_names_out(), chi2(x, labels)[0]))
    kept = [worth.pop(name.replace(":", "__")) for name in features.names]
    assert len(kept) == 100
    assert min(kept) >= max(worth.values()) - 1e-9
    assert min(kept) > np.median(list(worth.values()))


def test_a_corpus_is_its_token_lists() -> None:
    texts = [["b", "a", "b"], [], ["c"], ["", "a b"]]
    corpus = Corpus.of(iter(texts))
    assert list(corpus) == texts
    assert corpus[-1] == texts[-1]
    assert corpus[1:3] == texts[1:3]
    assert dict(zip(corpus.words, corpus.counts().tolist())) == Counter(word for text in texts for word in text)
    assert [list(piece) for piece in corpus.pieces(2)] == [texts[:1], texts[1:3], texts[3:]]
    assert corpus.lengths.tolist() == [3, 0, 1, 2]
    with pytest.raises(IndexError):
        corpus[4]


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
