"""N-grams: runs of n words or characters, as the honest linear baseline and as extra input of a network.

The baseline is tf-idf with logistic regression, its classes weighted by their rarity and its one dial, C, turned on
the validation texts. It takes seconds and is hard to beat; every report prints it beside the network.
"""

from __future__ import annotations

import math
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from elman.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from sklearn.pipeline import FeatureUnion, Pipeline

__all__ = ["Baseline", "NgramFeatures", "character_ngrams", "tfidf_baseline", "word_ngrams"]

Document = str | Sequence[str]
Range = tuple[int, int]

_WORD = re.compile(r"\b\w\w+\b")  # scikit-learn's words: two letters or more
STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


def word_ngrams(tokens: Sequence[str], n: int) -> list[str]:
    """Runs of n tokens, joined by blanks: `["a", "b", "c"]` has the 2-grams `a b`, `b c`."""
    return [" ".join(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


def character_ngrams(word: str, n: int, *, edges: bool = True) -> list[str]:
    """Runs of n characters; with `edges` the word's ends count as `<` and `>`, as in fastText (Bojanowski 2017)."""
    framed = f"<{word}>" if edges else word
    return [framed[i : i + n] for i in range(len(framed) - n + 1)]


@dataclass(frozen=True)
class Baseline:
    """A fitted baseline and how it was chosen.

    Attributes:
        estimator: vectoriser and logistic regression, ready to `predict` texts or token lists.
        C: the chosen inverse strength of regularisation.
        valid_scores: macro-F1 on the validation texts for each C tried.
    """

    estimator: Pipeline
    C: float
    valid_scores: dict[float, float]


def tfidf_baseline(
    train_texts: Sequence[Document],
    train_labels: Sequence[Any],
    valid_texts: Sequence[Document],
    valid_labels: Sequence[Any],
    *,
    words: Range | None = (1, 2),
    characters: Range | None = None,
    strengths: Sequence[float] = STRENGTHS,
) -> Baseline:
    """Fit tf-idf n-grams with logistic regression; choose C by macro-F1 on the validation texts.

    Args:
        train_texts: strings, split by scikit-learn's own rule, or token lists, taken as they are.
        train_labels: one label a text.
        valid_texts: what C is chosen on; never the test texts.
        valid_labels: their labels.
        words: shortest and longest word n-gram; where no text has a word in it, n-grams of 1 to 3 characters instead.
        characters: the same for n-grams of characters within words; None leaves them out.
        strengths: the values of C to try; of equal scores the smaller, which regularises more, wins.

    Raises:
        InputError: fewer than two classes, no text, or not a label a text.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.pipeline import make_pipeline

    for part, texts, labels in (("training", train_texts, train_labels), ("validation", valid_texts, valid_labels)):
        if len(texts) != len(labels) or not len(texts):
            raise InputError(f"the baseline got {len(texts)} {part} texts and {len(labels)} labels")
    if len(set(train_labels)) < 2:
        raise InputError(f"all training texts have the label {train_labels[0]!r}", remedy="give texts of two classes")

    features = _vectoriser(_tokenized(train_texts), words, characters)
    try:
        x = features.fit_transform(train_texts)  # (texts, n-grams), sparse
    except ValueError as e:  # scikit-learn's word for a vocabulary with nothing in it
        if words and not characters and not _tokenized(train_texts):
            # letters that stand alone, signs, emoji: its rule sees no word in them, and characters still tell
            return tfidf_baseline(
                train_texts, train_labels, valid_texts, valid_labels,
                words=None, characters=(1, 3), strengths=strengths,
            )  # fmt: skip
        raise InputError("the training texts hold no words", remedy="check the input column") from e
    x_valid = features.transform(valid_texts)
    scores: dict[float, float] = {}
    fitted: dict[float, Any] = {}
    for C in sorted(strengths):
        model = LogisticRegression(C=C, class_weight="balanced", max_iter=1000)
        with warnings.catch_warnings():  # of many classes it asks whether they are quantities; labels are labels
            warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
            fitted[C] = model.fit(x, train_labels)
        scores[C] = float(f1_score(valid_labels, model.predict(x_valid), average="macro"))
    best = max(scores, key=lambda C: (scores[C], -C))
    return Baseline(make_pipeline(features, fitted[best]), best, scores)


class NgramFeatures:
    """Word and character n-grams as numbers beside what a network reads.

    Args:
        words: shortest and longest word n-gram; None leaves them out.
        characters: the same for characters within words.
        most: so many features at most: with labels those that tell the classes apart best (chi-squared), without them
            the most frequent.
    """

    def __init__(self, words: Range | None = (1, 2), characters: Range | None = None, most: int = 2000) -> None:
        if words is None and characters is None:
            raise InputError("n-gram features of neither words nor characters")
        self.words, self.characters, self.most = words, characters, most
        self._parts: list[tuple[str, list[str], list[float]]] = []  # (kind, n-grams, idf)

    @property
    def names(self) -> list[str]:
        """The n-grams in the order of the features, as `word:not good`, `character:ful `."""
        return [f"{kind}:{ngram}" for kind, ngrams, _ in self._parts for ngram in ngrams]

    def fit(self, texts: Sequence[Document], labels: Sequence[Any] | None = None) -> NgramFeatures:
        """Choose the n-grams and their weights from the training texts."""
        import numpy as np
        from sklearn.feature_selection import chi2

        if not len(texts):
            raise InputError("no texts to take n-grams from")
        union = _vectoriser(_tokenized(texts), self.words, self.characters)
        try:
            x = union.fit_transform(texts)
        except ValueError as e:
            raise InputError("the training texts hold no words", remedy="check the input column") from e
        present = x > 0  # (texts, n-grams): which texts hold it, whatever its weight there
        worth = chi2(present, labels)[0] if labels is not None else np.asarray(present.sum(axis=0)).ravel()
        kept = np.zeros(len(worth), dtype=bool)
        kept[np.argsort(-worth, kind="stable")[: self.most]] = True
        self._parts, start = [], 0
        for kind, part in union.transformer_list:
            names, idf = part.get_feature_names_out(), part.idf_
            mine = kept[start : start + len(names)]
            self._parts.append((kind, [str(n) for n in names[mine]], [float(v) for v in idf[mine]]))
            start += len(names)
        return self

    def transform(self, texts: Sequence[Document]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """(texts, features) float32, tf-idf, each kind of n-gram of unit length a text."""
        import numpy as np

        if not self._parts:
            raise InputError("the n-gram features have learned nothing yet", remedy="fit them on the training texts")
        out = np.zeros((len(texts), len(self.names)), dtype=np.float32)
        if not len(texts):
            return out
        start = 0
        for kind, ngrams, idf in self._parts:
            sizes = self.words if kind == "word" else self.characters
            assert sizes is not None
            column = {ngram: i for i, ngram in enumerate(ngrams)}
            block = out[:, start : start + len(ngrams)]
            for row, text in zip(block, texts):
                for ngram, count in Counter(_ngrams(text, kind, sizes)).items():
                    if ngram in column:
                        row[column[ngram]] = (1 + math.log(count)) * idf[column[ngram]]
            block /= np.maximum(np.linalg.norm(block, axis=1, keepdims=True), 1e-12)
            start += len(ngrams)
        return out

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        parts = [{"kind": kind, "ngrams": ngrams, "idf": idf} for kind, ngrams, idf in self._parts]
        ranges = {"words": self.words, "characters": self.characters}
        return {k: r and list(r) for k, r in ranges.items()} | {"most": self.most, "parts": parts}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> NgramFeatures:
        first, second = (saved[k] and (int(saved[k][0]), int(saved[k][1])) for k in ("words", "characters"))
        words, characters = first or None, second or None
        features = cls(words, characters, saved["most"])
        features._parts = [
            (str(p["kind"]), list(map(str, p["ngrams"])), list(map(float, p["idf"]))) for p in saved["parts"]
        ]
        return features


def _tokenized(texts: Iterable[Document]) -> bool:
    return not isinstance(next(iter(texts)), str)


def _vectoriser(tokenized: bool, words: Range | None, characters: Range | None) -> FeatureUnion:
    """tf-idf of both kinds of n-gram side by side, frequencies damped by their logarithm."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion

    parts: list[tuple[str, TfidfVectorizer]] = []
    if words:
        split = {"tokenizer": _same, "preprocessor": _same, "token_pattern": None} if tokenized else {}
        parts.append(("word", TfidfVectorizer(ngram_range=words, sublinear_tf=True, **split)))
    if characters:
        join = {"preprocessor": " ".join} if tokenized else {}
        parts.append(
            ("character", TfidfVectorizer(analyzer="char_wb", ngram_range=characters, sublinear_tf=True, **join))
        )
    return FeatureUnion(parts)


def _ngrams(text: Document, kind: str, sizes: Range) -> list[str]:
    """What `_vectoriser` counts in a text, without the most of a second that importing scikit-learn takes."""
    if kind == "word":
        tokens = _WORD.findall(text.lower()) if isinstance(text, str) else text
        return [ngram for n in range(sizes[0], sizes[1] + 1) for ngram in word_ngrams(tokens, n)]
    found: list[str] = []
    for word in (text.lower() if isinstance(text, str) else " ".join(text)).split():
        framed = f" {word} "
        for n in range(sizes[0], sizes[1] + 1):
            found += character_ngrams(framed, n, edges=False) or [framed]
            if len(framed) <= n:  # a word that is too short counts once, whole
                break
    return found


def _same(tokens: Sequence[str]) -> Sequence[str]:
    return tokens
