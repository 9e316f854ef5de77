"""What people hand over: series, tables and arrays, labels of every kind, weights, numpy's numbers as parameters."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from tests.tasks.conftest import ordered
from tests.tasks.tag.conftest import sentences
from torch.nn import functional as F

import elman
from elman.config.parameters import plain
from elman.data.inputs import listed
from elman.data.labelled import Labelled
from elman.data.split import split_rows
from elman.errors import InputError
from elman.models.class_loss import LossSettings, cross_entropy
from elman.models.encoding import Encoding, TextSettings

TEXTS, LABELS = ordered(60)
SENTENCES, TAGS = sentences(0, 30)
QUICK: dict[str, Any] = {"epochs": 1, "hidden": 4, "embedding": 4, "stages": ("lower",)}
TAGGER: dict[str, Any] = {"epochs": 1, "hidden": 4, "word_dim": 4, "char_hidden": 0, "affix_dim": 0}


def classifier(**more: Any) -> elman.Classifier:
    return elman.Classifier(**{**QUICK, **more})


def tagger(**more: Any) -> elman.Tagger:
    return elman.Tagger(**{**TAGGER, **more})


@pytest.fixture(scope="module")
def fitted() -> elman.Classifier:
    return classifier().fit(TEXTS, LABELS)


# -- X ----------------------------------------------------------------------------------------------------------------

FRAME = pd.DataFrame({"text": TEXTS, "label": LABELS}, index=range(100, 160))


@pytest.mark.parametrize(
    "X",
    [FRAME["text"], FRAME[["text"]], FRAME[["text"]].to_numpy(), FRAME["text"].to_numpy(), np.array(TEXTS),
     np.array(TEXTS)[:, None], FRAME["text"].astype("string"), FRAME["text"].astype("category"), tuple(TEXTS),
     pd.DataFrame(FRAME["text"]).rename(columns={"text": 0})],
)  # fmt: skip
def test_one_column_of_texts_is_a_list_of_texts(fitted: elman.Classifier, X: Any) -> None:
    expected = fitted.predict_proba(TEXTS)
    np.testing.assert_array_equal(fitted.predict_proba(X), expected)
    np.testing.assert_array_equal(classifier().fit(X, FRAME["label"]).predict_proba(X), expected)
    np.testing.assert_array_equal(classifier().fit(X, FRAME[["label"]]).predict_proba(TEXTS), expected)


def test_tables_of_other_libraries() -> None:
    arrow = pytest.importorskip("pyarrow")
    assert listed(arrow.table({"text": ["a", "b"]})) == ["a", "b"]
    assert listed(arrow.array(["a", "b"])) == listed(arrow.chunked_array([["a"], ["b"]])) == ["a", "b"]
    with pytest.raises(InputError, match=r"X: a table of 2 columns \(text, id\); give one of them: X\['text'\]"):
        listed(arrow.table({"text": ["a", "b"], "id": [1, 2]}))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (FRAME, r"X: a table of 2 columns \(text, label\); give one of them: X\['text'\]"),
        (FRAME.to_numpy(), r"X: a table of 2 columns; give one of them: X\[:, 0\]; token lists as lists"),
        (np.array([["a", "b"], ["c", "d"]]), r"X: a table of 2 columns"),
        (FRAME[[]], r"X: a table of 0 columns"),
        ("good bad", r"X: a string where a list is expected; give \[text\]"),
        ({"a": 1}, r"X: a dict where a list is expected"),
        ({"a", "b"}, r"X: a set where a list is expected"),
        (scipy.sparse.eye(3).tocsr(), r"X: a csr_\w+ where a list is expected"),
        (5, r"X: an int where a list is expected"),
        (["a", None, "b", np.nan], r"X\[1\]: the input is missing \(None\); so are 1 more \(X\[3\]\)"),
        (["a", pd.NA], r"X\[1\]: the input is missing \(<NA>\)"),
        ([None, "a"], r"X\[0\]: the input is missing"),
        (["a", ["b", None]], r"X\[1\]: token 1 is not text: None"),
        (["a", np.zeros((3, 2))], r"X\[1\]: an ndarray where a text is expected"),
        ([[], "a", 5], r"X\[2\]: an int where a text is expected"),
    ],
)
def test_inputs_that_are_none(fitted: elman.Classifier, X: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fitted.predict(X)
    with pytest.raises(InputError, match=message):
        classifier(validation=0).fit(X, [0, 1] * (len(X) // 2) + [0] * (len(X) % 2) if hasattr(X, "__len__")
                                     and not scipy.sparse.issparse(X) else [0])  # fmt: skip


@pytest.mark.parametrize("row", [0, 7, 41, 59])
@pytest.mark.parametrize("bad", [None, 3, ["a", 5]])
def test_a_wrong_row_is_the_callers(row: int, bad: Any) -> None:
    """Whether it would have been held out or not."""
    with pytest.raises(InputError, match=rf"X\[{row}\]"):
        classifier(validation=0.3).fit([*TEXTS[:row], bad, *TEXTS[row + 1 :]], LABELS)
    numbers: list[Any] = [np.ones((4, 2)) * i for i in range(60)]
    for wrong in (np.ones((4, 3)), np.full((2, 2), np.nan), np.ones((0, 2))):
        with pytest.raises(InputError, match=rf"X\[{max(row, 1)}\]"):
            classifier(validation=0.3).fit([*numbers[: max(row, 1)], wrong, *numbers[max(row, 1) + 1 :]], LABELS)


# -- y ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [("a", "b", "U"), (0, 1, "i"), (False, True, "b"), (np.int8(-3), np.int8(5), "i"),
     (np.str_("x"), np.str_("y"), "U"), (1.0, 2.0, "f"), (np.bool_(False), np.bool_(True), "b")],
)  # fmt: skip
def test_labels_come_back_as_they_were(first: Any, second: Any, kind: str, tmp_path: Path) -> None:
    y = [first if label == "negative" else second for label in LABELS]
    for given in (y, np.array(y), np.array(y, dtype=object), pd.Series(y, index=range(60, 120))):
        model = classifier().fit(TEXTS, given)
        assert model.classes_.tolist() == [first, second]
        assert model.classes_.dtype.kind == kind
    model.save(tmp_path / "run")
    again = elman.Classifier.load(tmp_path / "run")
    assert again.predict(TEXTS).tolist() == model.predict(TEXTS).tolist()
    assert set(model.predict(TEXTS).tolist()) <= {first, second}


NOT_SAVED = "which cannot be saved; give texts or whole numbers"


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (None, r"y\[3\]: the label is missing \(None\)"),
        (np.nan, r"y\[3\]: the label is missing \(nan\)"),
        (pd.NA, r"y\[3\]: the label is missing \(<NA>\)"),
        (pd.NaT, r"y\[3\]: the label is missing \(NaT\)"),
        (b"positive", NOT_SAVED),
        (datetime.date(2026, 1, 2), r"y\[3\].*" + NOT_SAVED),
        (np.datetime64("2026-01-02"), NOT_SAVED),
        (("a", "b"), NOT_SAVED),
        (3, r"y\[3\]: the label 3 beside 'negative'|y\[3\]: the label 3 beside 'positive'"),
    ],
)
def test_labels_that_are_none(label: Any, message: str) -> None:
    """A list of texts and NaN is an array of texts to numpy: the gap would be a class called nan."""
    y: list[Any] = [*LABELS[:3], label, *LABELS[4:]]
    with pytest.raises(InputError, match=message):
        classifier().fit(TEXTS, y)
    with pytest.raises(InputError, match=message):
        classifier().fit(TEXTS, pd.Series(y, dtype=object))


def test_all_gaps_are_counted() -> None:
    y = [None if i in (4, 9, 20) else label for i, label in enumerate(LABELS)]
    with pytest.raises(InputError, match=r"y\[4\]: the label is missing \(None\); so are 2 more \(y\[9\], y\[20\]\)"):
        classifier().fit(TEXTS, y)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (
            ["a", "b"],
            [0, 1],
            "2 examples of 2 classes are too few to hold one out; give more of each class, or validat",
        ),
        (["a", "b", "c"], [0, 1, 2], "3 examples of 3 classes are too few"),
        (TEXTS, np.linspace(0, 1, 60), r"y\[1\]: the label 0.0169\d* is a fraction"),
        (TEXTS, [[[0]], [[1]]] * 30, NOT_SAVED),
        (TEXTS, np.full((60, 2), 0.5), r"60 inputs and labels of shape \(60, 2\)"),
        (TEXTS, FRAME, r"y: a table of 2 columns"),
        (["a", "b", "c"], [1, 1, 1], "only one class, 1"),
    ],
)
def test_labels_that_make_no_classes(X: Any, y: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        classifier().fit(X, y)


def test_two_examples_are_enough_where_none_is_held_out() -> None:
    assert len(classifier(validation=0).fit(["a", "b"], [0, 1]).predict(["a"])) == 1


@pytest.mark.parametrize("seed", range(6))
def test_a_labels_only_row_is_trained_on(seed: int) -> None:
    train, valid = split_rows(["a", "a", "b"], [0.9, 0.1], seed)
    assert 2 in train
    assert len(valid) == 1


# -- weights ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("classes", ["none", {"negative": 2.0, "positive": 0.5}])
def test_a_weighted_loss_by_hand(fitted: elman.Classifier, classes: Any, smoothing: float) -> None:
    """sum_i w_i c_{y_i} l_i over sum_i c_{y_i}, w of mean 1; smoothing spreads the target over both classes."""
    w = np.arange(1.0, 13.0)
    labels = ["negative", "positive"] * 6
    examples = fitted.encoded(Labelled(TEXTS[:12], labels, w))
    batch, y = examples.batch(range(12)), examples.y
    weights = LossSettings(class_weights=classes).weights(y, fitted.classes_.tolist(), examples.weights)
    found = cross_entropy(fitted.model_.eval(), weights, smoothing, batch)[0]
    logp = F.log_softmax(fitted.model_(batch.sequences.data, batch.lengths, None).double(), 1)
    c = torch.tensor([2.0, 0.5] if classes != "none" else [1.0, 1.0]).double()
    target = F.one_hot(y, 2) * (1 - smoothing) + smoothing / 2
    each = -(target * c * logp).sum(1)
    expected = (torch.tensor(w / w.mean()) * each).sum() / c[y].sum()
    assert float(found.detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_weights_that_are_all_alike_are_none() -> None:
    plainly = classifier(class_weights="none").fit(TEXTS, LABELS)
    alike = classifier(class_weights="none").fit(TEXTS, LABELS, sample_weight=np.full(60, 7.0))
    np.testing.assert_allclose(plainly.predict_proba(TEXTS), alike.predict_proba(TEXTS), atol=1e-6)


def test_a_weight_of_nothing_is_an_example_left_out() -> None:
    kept = [i for i in range(60) if i % 3]
    w = [0 if i % 3 == 0 else 1 + i for i in range(60)]
    few = classifier().fit([TEXTS[i] for i in kept], [LABELS[i] for i in kept], sample_weight=[w[i] for i in kept])
    all_of_them = classifier().fit(TEXTS, LABELS, sample_weight=pd.Series(w, index=range(5, 65)))
    np.testing.assert_array_equal(few.predict_proba(TEXTS), all_of_them.predict_proba(TEXTS))


@pytest.mark.parametrize("size", [1, 8])
def test_the_heavier_of_two_contradictions_is_believed(size: int) -> None:
    """Also where each example is alone in its batch."""
    texts, labels = ["yes indeed", "no never"] * 12, [0, 1] * 6 + [1, 0] * 6
    heavy = np.where(np.arange(24) < 12, 5.0, 1.0)
    options = {"rate": 0.03, "epochs": 4, "batch_size": size, "validation": 0.0, "dropout": 0.0}
    for weights, expected in ((heavy, [0, 1]), (heavy[::-1], [1, 0])):
        model = classifier(**options).fit(texts, labels, sample_weight=weights.copy())
        assert model.predict(["yes indeed", "no never"]).tolist() == expected


def test_class_weights_by_label(fitted: elman.Classifier) -> None:
    y = torch.tensor([0, 0, 1])
    named = LossSettings(class_weights={"negative": 3.0})
    assert named.weights(y, ["negative", "positive"]).tolist() == [3.0, 1.0]  # type: ignore[union-attr]
    assert LossSettings(class_weights={"1": 3.0}).weights(y, [0, 1]).tolist() == [1.0, 3.0]  # type: ignore[union-attr]
    # balanced, by what examples weigh: classes of equal weight in all
    weighed = LossSettings(class_weights="balanced").weights(y, [0, 1], torch.tensor([0.5, 0.5, 2.0]))
    assert weighed.tolist() == pytest.approx([1.5, 0.75])  # type: ignore[union-attr]


def test_class_weight_as_scikit_learn_names_it(fitted: elman.Classifier, tmp_path: Path) -> None:
    balanced = classifier(class_weight="balanced").fit(TEXTS, LABELS)
    named = classifier(class_weights="balanced").fit(TEXTS, LABELS)
    np.testing.assert_array_equal(balanced.predict_proba(TEXTS), named.predict_proba(TEXTS))
    y = [label == "positive" for label in LABELS]
    shares = []
    for weight in (0.05, 20):
        model = classifier(epochs=4, rate=0.03, batch_size=8, validation=0, class_weight={True: weight}).fit(TEXTS, y)
        shares.append(model.predict_proba(TEXTS)[:, 1].mean())
    assert shares[0] < 0.4 < 0.6 < shares[1]
    assert clone(model).get_params()["class_weight"] == {True: 20}
    model.save(tmp_path / "run")
    clone(elman.Classifier.load(tmp_path / "run")).fit(TEXTS, y)
    for given, message in [
        ({"neutral": 2.0}, r"class_weight: unknown label 'neutral'"),
        ({"negative": 0}, r"the class 'negative' weighs 0"),
        ({"negative": np.nan}, r"the class 'negative' weighs nan"),
        ("ballanced", r"did you mean 'balanced'"),
        (3, "Classifier, class_weight: expected text or a table, got a whole number"),
    ]:
        with pytest.raises(InputError, match=message):
            classifier(class_weight=given).fit(TEXTS, LABELS)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0] * 59, r"sample_weight: 60 inputs and weights of shape \(59,\)"),
        ([1.0] * 59 + [-1.0], r"sample_weight\[59\]: the weight is -1"),
        ([np.nan] + [1.0] * 59, r"sample_weight\[0\]: the weight is nan"),
        ([0.0] * 60, "every weight is 0"),
        (["heavy"] * 60, "not all are numbers"),
        (3.0, "a float where a list is expected"),
    ],
)
def test_weights_that_are_none(weights: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        classifier().fit(TEXTS, LABELS, sample_weight=weights)


# -- parameters and answers -------------------------------------------------------------------------------------------


def test_log_probabilities(fitted: elman.Classifier) -> None:
    np.testing.assert_allclose(fitted.predict_log_proba(TEXTS), np.log(fitted.predict_proba(TEXTS)), rtol=1e-12)
    assert fitted.predict_log_proba([]).shape == (0, 2)
    sure = clone(fitted).fit(TEXTS, LABELS)
    sure.temperature_ = 1.0
    with torch.no_grad():
        sure.model_.out.weight *= 0
        sure.model_.out.bias.copy_(torch.tensor([0.0, 3000.0]))
    assert sure.predict_log_proba(TEXTS[:1]).tolist() == [[-3000.0, 0.0]]


@pytest.mark.parametrize(
    "values",
    [
        {"rate": np.float64(0.01), "hidden": np.int64(5), "bidirectional": np.bool_(False), "cell": np.str_("gru")},
        {"rate": np.float32(0.01), "hidden": np.uint8(5), "epochs": np.int16(1), "seed": np.int64(3)},
        {"rate": np.longdouble(0.01), "dropout": np.float16(0.5), "validation": np.float64(0.2)},
        {"stages": np.array(["lower"]), "validation": np.float32(0.0)},
    ],
)
def test_parameters_of_numpy(values: dict[str, Any], tmp_path: Path) -> None:
    plainly = {k: v.tolist() if isinstance(v, np.ndarray) else type(v.item())(v) for k, v in values.items()}
    one = clone(classifier(**values)).fit(TEXTS, LABELS)
    two = classifier(**{k: plain(v) for k, v in plainly.items()}).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(one.predict_proba(TEXTS), two.predict_proba(TEXTS))
    one.save(tmp_path / "run")
    again = elman.Classifier.load(tmp_path / "run")
    assert again.predict(TEXTS).tolist() == one.predict(TEXTS).tolist()


def test_a_search_over_numpy_values() -> None:
    grid = {"rate": np.logspace(-3, -2, 2), "hidden": np.arange(3, 5), "pooling": np.array(["max", "mean"])}
    search = GridSearchCV(classifier(), grid, cv=2, error_score="raise").fit(FRAME["text"], FRAME["label"])
    assert search.best_params_["rate"] in grid["rate"]
    tags = GridSearchCV(tagger(), {"rate": np.logspace(-3, -2, 2)}, cv=2, error_score="raise").fit(SENTENCES, TAGS)
    assert tags.best_params_["rate"] in grid["rate"]


@pytest.mark.parametrize("share", [-0.1, 1.0, np.nan, "half", True, None])
def test_a_share_that_is_none(share: Any) -> None:
    with pytest.raises(InputError, match="validation is"):
        classifier(validation=share).fit(TEXTS, LABELS)
    with pytest.raises(InputError, match="validation is"):
        tagger(validation=share).fit(SENTENCES, TAGS)


# -- taggers ----------------------------------------------------------------------------------------------------------


def test_a_tagger_among_scikit_learns_tools() -> None:
    tags = tagger().__sklearn_tags__()
    assert (tags.estimator_type, tags.target_tags.required, tags.input_tags.string) == (None, True, True)
    pipe = Pipeline([("tag", tagger())]).fit(SENTENCES, TAGS)
    assert pipe.predict(SENTENCES[:1])[0] == pipe[-1].predict(SENTENCES[:1])[0]

    def words_right(estimator: Any, X: Any, y: Any) -> float:
        return float(np.mean([a == b for p, q in zip(estimator.predict(X), y) for a, b in zip(p, q)]))

    for scoring in (None, words_right):
        scores = cross_val_score(tagger(), SENTENCES, TAGS, cv=2, scoring=scoring, error_score="raise")
        assert scores.shape == (2,)


def test_a_tagger_reads_series_and_tables() -> None:
    frame = pd.DataFrame({"words": SENTENCES, "tags": TAGS}, index=range(7, 37))
    model = tagger().fit(SENTENCES, TAGS)
    for X, y in ((frame["words"], frame["tags"]), (frame[["words"]], frame[["tags"]])):
        assert tagger().fit(X, y).predict(X) == model.predict(SENTENCES)
    with pytest.raises(InputError, match=r"X: a table of 2 columns \(words, tags\)"):
        model.predict(frame)


@pytest.mark.parametrize(
    ("kind", "of"),
    [("int", lambda t: 10 if t == "O" else 2), ("bool", lambda t: t == "O"), ("int", lambda t: np.int8(t == "O"))],
)
def test_tags_that_are_numbers_come_back_as_numbers(kind: str, of: Any, tmp_path: Path) -> None:
    y = [[of(tag) for tag in row] for row in TAGS]
    model = tagger(rate=0.05, epochs=3).fit(SENTENCES, y)
    assert model.classes_.dtype.kind == kind[0]
    assert set(model.classes_.tolist()) == {tag for row in y for tag in row}
    answers = model.predict(SENTENCES)
    assert {type(tag).__name__ for row in answers for tag in row} == {kind}
    share = np.mean([a == b for p, q in zip(answers, y) for a, b in zip(p, q)])
    assert model.score(SENTENCES, y) == pytest.approx(share)
    tags, _ = model.predict_with_confidence(SENTENCES[:2])
    assert tags == answers[:2]
    model.save(tmp_path / "run")
    assert elman.Tagger.load(tmp_path / "run").predict(SENTENCES) == answers


@pytest.mark.parametrize(
    ("words", "tags", "message"),
    [
        (["a", None], ["O", "O"], r"X\[3\]: word 1 is missing \(None\)"),
        (["a", 5], ["O", "O"], r"X\[3\]: word 1 is not text: 5"),
        (["a", "b"], ["O", None], r"y\[3\]: the tag of word 1, 'b', is missing \(None\)"),
        (["a", "b"], ["O", np.nan], r"y\[3\]: the tag of word 1, 'b', is missing \(nan\)"),
        (["a", "b"], ["O", pd.NA], r"y\[3\]: the tag of word 1, 'b', is missing \(<NA>\)"),
        (["a", "b"], ["O", b"O"], r"y\[3\], word 1: .*" + NOT_SAVED),
        (["a", "b"], ["O", 0.5], r"y\[3\], word 1: the tag 0.5 is not a whole number"),
        (["a", "b"], ["O", 3], r"y\[3\]: tags of two types, int and str"),
        (None, ["O"], r"X\[3\]: the sentence is missing"),
        (["a"], None, r"y\[3\]: the list of tags is missing"),
        (["a"], "O", r"y\[3\]: a string where a list of tags is expected"),
    ],
)
def test_sentences_that_are_none(words: Any, tags: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        tagger().fit([*SENTENCES[:3], words, *SENTENCES[4:]], [*TAGS[:3], tags, *TAGS[4:]])


def test_two_sentences_of_two_tags_are_told_what_is_too_few() -> None:
    with pytest.raises(InputError, match="2 sentences are too few: without the 1 held out, one tag is left"):
        tagger().fit([["a"], ["b"]], [["X"], ["Y"]])


# -- vectors and kinds ------------------------------------------------------------------------------------------------


def test_an_encoding_knows_its_kind_by_all_inputs() -> None:
    encoding = Encoding(TextSettings(stages=("lower",), min_count=1)).fit([[], "a b"], np.array([0, 1]))
    assert not encoding.reads_numbers
