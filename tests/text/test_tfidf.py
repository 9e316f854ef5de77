"""Tf-idf of many texts against scikit-learn's, where writing has blanks and where it has none."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from elman.errors import InputError
from elman.text.tfidf import TfIdf, blocks, pieces

WORDS = [
    "Été",
    "don't",
    "a",
    "x_9",
    "naïve",
    "Straße",
    "İzmir",
    "हिन्दी",
    "한국어",
    "sofa,",
    "sofas!",
    "(so-so)",
    "U.S.",
    "3.14",
    "...",
    "unbelievably",
]
UNSPACED = [
    "我喜欢这部电影",
    "我不喜欢这部电影",
    "这部电影很好",
    "很好很好",
    "ไม่ชอบหนังเรื่องนี้",
    "この映画が好き",
    "😀😀👍🏽",
    "❤️😀",
]


def drawn(n: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randrange(9))) for _ in range(n)]


def by_hand(train: Sequence[Any], texts: Sequence[Any], rare: int) -> Any:
    """scikit-learn's two vectorisers side by side, over the same pieces."""

    def spaced(text: Any) -> list[str]:
        return [piece for piece, unspaced in pieces(text) if not unspaced]

    word = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=rare, tokenizer=spaced, token_pattern=None,
                           lowercase=False)  # fmt: skip
    character = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=rare,
                                preprocessor=lambda text: " ".join(spaced(text)))  # fmt: skip
    return sparse.hstack([v.fit(train).transform(texts) for v in (word, character)], "csr")


def alike(ours: Any, theirs: Any) -> None:
    """The same features in another order: what texts have in common is the same, and every column is there."""
    assert ours.shape == theirs.shape
    np.testing.assert_allclose((ours @ ours.T).toarray(), (theirs @ theirs.T).toarray(), atol=1e-5)
    sums = [np.sort(np.asarray(m.sum(0)).ravel()) for m in (ours, theirs)]
    np.testing.assert_allclose(*sums, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rare", [1, 2])
@pytest.mark.parametrize("tokenized", [False, True])
def test_features_are_scikit_learns(rare: int, tokenized: bool) -> None:
    train, unseen = drawn(60, 0), [*drawn(9, 1), "sofabed never-seen 3", "", "a"]
    given = [[text.split() for text in part] if tokenized else part for part in (train, unseen)]
    features = TfIdf(rare).fit(given[0])
    for part in given:
        ours = features.transform(part)
        assert ours.dtype == np.float32
        alike(ours, by_hand(given[0], part, rare))


def test_writing_without_blanks_is_its_characters() -> None:
    vectoriser = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True).fit(UNSPACED)
    features = TfIdf(rare=1).fit(UNSPACED)
    asked = [*UNSPACED, "电影好", "unknown"]
    alike(features.transform(asked), vectoriser.transform(asked))
    assert "1-3-grams of characters where no blanks are written" in features.told()
    assert "of words" not in features.told()


def test_mixed_writing_keeps_to_its_own_kind() -> None:
    assert pieces("我用iPhone拍照, ok") == [
        ("我用", True),
        ("iphone", False),
        ("拍照", True),
        (",", False),
        ("ok", False),
    ]
    features = TfIdf(rare=1).fit(["我用iPhone拍照"])
    # 1-3-grams of two runs of two characters, 2-5-grams of " iphone ", one word; none across a border
    assert features.transform(["我用iPhone拍照"]).nnz == 2 * 3 + (7 + 6 + 5 + 4) + 1


def test_no_ngram_reaches_over_a_text_or_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = drawn(80, 2) + UNSPACED
    whole = TfIdf(rare=2).fit(texts)
    want = whole.transform(texts)
    monkeypatch.setattr("elman.text.tfidf.blocks.__defaults__", (50,))
    assert len(list(blocks(texts))) > 40
    pieced = TfIdf(rare=2).fit(texts)
    got = pieced.transform(texts)
    assert got.shape == want.shape
    np.testing.assert_allclose((got @ got.T).toarray(), (want @ want.T).toarray(), atol=1e-5)


def test_the_most_frequent_are_kept_and_room_stays_flat() -> None:
    """Ten times the texts of ever new words are not ten times the features."""
    texts = [f"same word {i} q{i}x" for i in range(3000)]
    features = TfIdf(rare=1, most=100).fit(texts)
    assert features.width == 200
    assert features.transform(["same word"]).nnz >= 3 + 14  # what is in every text has not been crowded out
    assert "of 3,000 texts" not in features.told()
    sampled = TfIdf(rare=1, sample=300).fit(texts)
    assert sampled.told().endswith("found in 300 of 3,000 texts")
    assert sampled.transform([texts[10]]).nnz > sampled.transform([texts[11]]).nnz  # the tenths are its sample


def test_texts_come_back_the_same_every_time() -> None:
    texts = drawn(50, 3)
    first, second = (TfIdf().fit(texts).transform(texts) for _ in range(2))
    assert (first != second).nnz == 0
    assert TfIdf().fit(texts).transform([]).shape == (0, first.shape[1])


def test_blank_texts_are_refused() -> None:
    with pytest.raises(InputError, match="the training texts hold no words"):
        TfIdf().fit(["", "  \n"])
