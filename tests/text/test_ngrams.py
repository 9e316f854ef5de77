"""N-grams, and features of them for a network, against scikit-learn used by hand."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import chi2
from sklearn.pipeline import FeatureUnion

from elman.errors import InputError
from elman.text.corpus import Corpus
from elman.text.ngram_counts import Known, learn
from elman.text.ngram_strings import ngrams_of
from elman.text.ngrams import (
    NgramFeatures,
    character_ngrams,
    word_ngrams,
)

GOOD = ["a good film", "really good fun", "good and clever", "such a good cast", "very good indeed", "fun and good"]
BAD = ["a bad film", "really bad jokes", "bad and dull"]
TEXTS, LABELS = GOOD + BAD, [1] * len(GOOD) + [0] * len(BAD)


def _vectoriser(tokenized: bool, words: tuple[int, int], characters: tuple[int, int]) -> FeatureUnion:
    """tf-idf of both kinds of n-gram side by side, frequencies damped by their logarithm."""
    split = {"tokenizer": list, "preprocessor": list, "token_pattern": None} if tokenized else {}
    join = {"preprocessor": " ".join} if tokenized else {}
    return FeatureUnion(
        [
            ("word", TfidfVectorizer(ngram_range=words, sublinear_tf=True, **split)),
            ("character", TfidfVectorizer(analyzer="char_wb", ngram_range=characters, sublinear_tf=True, **join)),
        ]
    )


def test_ngrams_by_hand() -> None:
    assert word_ngrams(["not", "very", "good"], 2) == ["not very", "very good"]
    assert word_ngrams(["a"], 2) == []
    assert character_ngrams("cat", 3) == ["<ca", "cat", "at>"]
    assert character_ngrams("cat", 2, edges=False) == ["ca", "at"]


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
    for kind in ("word", "character", "unspaced"):
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
        as_it_comes = known.count(asked_often, ordered=False)
        assert sorted(as_it_comes.columns) == sorted(columns)
        assert as_it_comes.ends.tolist() == ends.tolist()
        few = known.count(asked)
        assert few.columns.tolist() == columns[: ends[len(asked) - 1]].tolist()


def test_pieces_of_a_large_corpus_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    texts = [[f"w{n}" for n in draw.integers(0, 60, draw.integers(0, 9))] for _ in range(200)]
    labels = draw.integers(0, 3, 200).tolist()
    whole = NgramFeatures((1, 3), (2, 3), most=300).fit(texts, labels)
    rows = whole.rows(texts)
    monkeypatch.setattr("elman.text.ngram_counts._AT_ONCE", 16)
    monkeypatch.setattr("elman.text.ngrams._AT_ONCE", 100)
    monkeypatch.setattr("elman.text.ngrams._TEXTS", 70)
    monkeypatch.setattr("elman.text.ngram_counts._WORDS", 20)  # what is remembered of words is forgotten now and then
    parts = NgramFeatures((1, 3), (2, 3), most=300).fit(Corpus.of(texts), labels)
    assert parts.to_dict() == whole.to_dict()
    for one, other in zip(rows, parts.rows(texts)):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(rows, parts.rows([" ".join(text) for text in texts])):
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
    some = corpus.only(np.array([word in ("a", "c", "") for word in corpus.words]))
    assert list(some) == [["a"], [], ["c"], [""]]
    assert sorted(some.words) == ["", "a", "c"]
    assert list(corpus.only(np.zeros(5, bool))) == [[], [], [], []]
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
