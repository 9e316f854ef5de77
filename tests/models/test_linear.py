"""The linear models that a network has to beat, against scikit-learn used by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

from elman.errors import InputError
from elman.models.linear import choose_linear
from elman.models.linear_series import fit_linear_series, resampled, summaries
from elman.models.linear_texts import fit_linear_texts
from elman.tasks.classify.baselines import linear_baseline
from elman.tasks.classify.target import OneClass
from elman.text.tfidf import TfIdf

Part = tuple[list[str], np.ndarray]


def blurred(n: int, seed: int, classes: int = 3, noise: float = 0.3) -> Part:
    """A third of the words lean to the label; labels are then blurred, so that C matters, and the first is common."""
    rng = np.random.default_rng(seed)
    words = [f"w{i}" for i in range(16 + 8 * classes)]
    y = rng.integers(0, classes, n)
    texts = [" ".join(rng.choice(words[k * 8 : k * 8 + 24], 6)) for k in y]
    return texts, np.where(rng.random(n) > noise, y, 0)


def test_the_model_is_scikit_learns_with_c_chosen_on_validation() -> None:
    train, valid = blurred(300, 0), blurred(150, 1)
    fitted = fit_linear_texts(train, valid, 3)
    x, x_valid = (TfIdf(rare=1).fit(train[0]).transform(part[0]) for part in (train, valid))
    for (C, balanced), score in fitted.linear.scores.items():
        weight = "balanced" if balanced else None
        by_hand = OneVsRestClassifier(
            LogisticRegression(C=C, solver="liblinear", dual=True, class_weight=weight, tol=0.1, random_state=0)
        ).fit(x, train[1])
        assert f1_score(valid[1], by_hand.predict(x_valid), average="macro") == pytest.approx(score)
        if (C, balanced) == (fitted.linear.C, fitted.linear.balanced):
            np.testing.assert_allclose(by_hand.predict_proba(x_valid), fitted.predict_proba(valid[0]))
    assert len(set(fitted.linear.scores.values())) > 1
    assert {balanced for _, balanced in fitted.linear.scores} == {False, True}
    assert fitted.linear.scores[fitted.linear.C, fitted.linear.balanced] == max(fitted.linear.scores.values())


def test_the_figure_that_chooses_is_the_one_asked_for() -> None:
    """One class to twenty: weights buy macro-F1 with accuracy."""
    rng = np.random.default_rng(0)
    y = (rng.random(900) < 0.08).astype(int)
    x = rng.normal(size=(900, 1)) + 1.2 * y[:, None]
    parts = x[:600], y[:600], x[600:], y[600:]
    scores = {figure: choose_linear(*parts, 2, figure=figure) for figure in ("macro_f1", "accuracy")}
    assert scores["macro_f1"].balanced
    assert not scores["accuracy"].balanced


def test_the_test_part_chooses_nothing() -> None:
    """Other test labels, another figure, but the same model."""
    train, valid, test = blurred(200, 0), blurred(100, 1), blurred(100, 2)
    found = [
        linear_baseline(train, valid, (test[0], y), OneClass(np.array(["a", "b", "c"])), numbers=False)
        for y in (test[1], np.zeros_like(test[1]), (test[1] + 1) % 3)
    ]
    assert len({b.text for b in found}) == 1
    assert len({b.scores["accuracy"] for b in found}) == 3


def test_a_class_that_training_lacks_is_an_error_in_validation() -> None:
    train, valid = blurred(300, 0, noise=0), blurred(100, 1, noise=0)
    known = fit_linear_texts(train, valid, 3, figure="accuracy")
    strange = fit_linear_texts(
        train, (valid[0] * 2, np.concatenate([valid[1], np.full(100, -1)])), 3, figure="accuracy"
    )
    assert strange.linear.scores.keys() == known.linear.scores.keys()
    for key, score in known.linear.scores.items():
        assert strange.linear.scores[key] == pytest.approx(score / 2)
    only = fit_linear_texts(train, (valid[0], np.full(100, -1)), 3)
    assert set(only.linear.scores.values()) == {0.0}
    assert only.predict_proba(valid[0]).shape == (100, 3)


def test_many_rows_are_learnt_in_parts_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """A class of which the rows in memory might hold none; and no part of the features is larger than allowed."""
    train, valid, test = (blurred(n, seed, noise=0.1) for n, seed in ((6000, 0), (500, 1), (2000, 2)))
    train[1][:5000][train[1][:5000] == 2] = 0  # rare
    whole = fit_linear_texts(train, valid, 4)
    monkeypatch.setattr("elman.text.tfidf.blocks.__defaults__", (20_000,))
    sizes: list[int] = []
    transform = TfIdf.transform
    monkeypatch.setattr(TfIdf, "transform", lambda self, x: (sizes.append(len(x)), transform(self, x))[1])
    parted = fit_linear_texts(train, valid, 4, in_memory=60_000)
    assert parted.linear.rows == whole.linear.rows == 6000
    assert max(sizes) < 1200
    right = [(m.predict_proba(test[0]).argmax(1) == test[1]).mean() for m in (whole, parted)]
    assert right[1] > right[0] - 0.03
    again = fit_linear_texts(train, valid, 4, in_memory=60_000)
    np.testing.assert_array_equal(again.predict_proba(test[0]), parted.predict_proba(test[0]))
    assert np.all(parted.predict_proba(test[0])[:, 3] == 0)  # no row of it


@pytest.mark.parametrize(
    "texts",
    [
        ["!!! x", "? y", "!! x", "?? y"] * 3,
        ["👍", "👎", "👍👍", "👎👎"] * 3,
        ["好看", "难看", "很好", "很难"] * 3,
        ["a", "b", "a", "b"] * 3,
    ],
)
def test_texts_without_words_are_told_apart(texts: list[str]) -> None:
    y = np.array([0, 1, 0, 1] * 3)
    assert (fit_linear_texts((texts, y), (texts, y), 2).predict_proba(texts).argmax(1) == y).all()


def test_texts_that_share_nothing_still_make_a_baseline() -> None:
    texts = [chr(0x4E00 + i) for i in range(1200)]
    y = np.arange(1200) % 2
    assert fit_linear_texts((texts, y), (texts, y), 2).predict_proba(["new"]).shape == (1, 2)


def test_one_class_is_refused() -> None:
    with pytest.raises(InputError, match="one label"):
        choose_linear(np.ones((3, 2)), np.zeros(3, int), np.ones((1, 2)), np.zeros(1, int), 2)


# -- series


def test_summaries_by_hand() -> None:
    x = np.array([[1.0, 10.0], [2.0, 10.0], [3.0, 10.0], [6.0, 10.0]])
    found = summaries([x], points=2)[0].reshape(-1)
    told = dict(
        zip(["mean", "std", "min", "max", "first", "last", "slope", "rough"], found[:16].reshape(8, 2).tolist())
    )
    assert told["mean"] == [3, 10]
    assert told["std"] == pytest.approx([x[:, 0].std(), 0])
    assert (told["min"], told["max"], told["first"], told["last"]) == ([1, 10], [6, 10], [1, 10], [6, 10])
    assert told["slope"] == pytest.approx([3 * np.polyfit(range(4), x[:, 0], 1)[0], 0])
    assert told["rough"] == pytest.approx([5 / 3, 0])
    assert found[16:].tolist() == pytest.approx([1.5, 4.5, 10, 10])  # channel after channel


@pytest.mark.parametrize("T", [1, 5, 32, 33, 100, 1000])
def test_a_course_is_read_at_as_many_points_whatever_the_length(T: int) -> None:
    line = np.linspace(0, 1, T)[:, None]
    course = resampled(line, 32)
    assert course.shape == (32, 1)
    if T >= 32:  # the means of equal stretches keep the mean
        assert course.mean() == pytest.approx(line.mean())
        assert (np.diff(course[:, 0]) > 0).all()
    if T == 32:
        np.testing.assert_allclose(course, line)
    if T == 1000:
        fine = np.repeat(line, 32, 0).reshape(32, 1000)  # 32 stretches of 1000 of 32000 fine steps
        np.testing.assert_allclose(course[:, 0], fine.mean(1), atol=1e-12)


def test_series_are_told_apart_by_where_things_happen() -> None:
    """A bump early or late: mean, spread and ends are the same; lengths differ, and one channel never changes."""
    rng = np.random.default_rng(0)

    def part(n: int) -> tuple[list[Any], np.ndarray]:
        y, X = rng.integers(0, 2, n), []
        for k in y:
            T = int(rng.integers(40, 80))
            at = np.exp(-((np.arange(T) / T - (0.3 if k else 0.7)) ** 2) / 0.005)
            X.append(np.stack([at + 0.1 * rng.normal(size=T), np.full(T, 0.1)], 1).astype(np.float32))
        return X, y

    train, valid, test = part(60), part(20), part(100)
    fitted = fit_linear_series(train, valid, 2)
    assert (fitted.predict_proba(test[0]).argmax(1) == test[1]).mean() > 0.95
    assert np.isfinite(fitted.features(test[0])).all()
    told = linear_baseline(train, valid, test, OneClass(np.array(["early", "late"])), numbers=True)
    assert "course at 32 points" in told.text
