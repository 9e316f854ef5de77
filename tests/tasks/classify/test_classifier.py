"""`elman.Classifier` among scikit-learn's own tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

import elman
from elman.data.labelled import Labelled
from elman.errors import InputError
from elman.models.class_loss import LossSettings
from elman.training.divergence import DivergenceError

Data = tuple[list[str], list[str]]
SMALL: dict[str, Any] = {
    "embedding": 16, "hidden": 12, "epochs": 12, "rate": 0.03, "dropout": 0.1, "stages": ("lower",), "batch_size": 16,
    "seed": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def fitted(reviews: Data) -> elman.Classifier:
    return elman.Classifier(**SMALL).fit(reviews[0][:200], reviews[1][:200])


def test_it_learns_an_order_of_words(fitted: elman.Classifier, reviews: Data) -> None:
    """No bag of words can: both classes hold the same ones."""
    assert fitted.score(reviews[0][200:], reviews[1][200:]) > 0.95


def test_shapes_and_labels(fitted: elman.Classifier, reviews: Data) -> None:
    assert fitted.classes_.tolist() == ["negative", "positive"]
    P = fitted.predict_proba(reviews[0][200:205])
    assert P.shape == (5, 2)
    np.testing.assert_allclose(P.sum(1), 1)
    assert fitted.predict(reviews[0][200:205]).tolist() == [fitted.classes_[k] for k in P.argmax(1)]
    assert fitted.predict_proba([]).shape == (0, 2)
    assert is_classifier(fitted)


def test_alone_is_in_a_batch(fitted: elman.Classifier, reviews: Data) -> None:
    texts = reviews[0][200:230]
    alone = np.concatenate([fitted.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(fitted.predict_proba(texts), alone, atol=1e-6)


def test_saved_and_loaded(fitted: elman.Classifier, reviews: Data, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    again = elman.Classifier.load(tmp_path / "model")
    assert np.array_equal(fitted.predict_proba(reviews[0]), again.predict_proba(reviews[0]))
    assert clone(again).get_params() == clone(fitted).get_params()


def test_a_new_fit_forgets_the_columns_of_the_file_before(reviews: Data, tmp_path: Path) -> None:
    """They are kept for `elman predict --data`: of lists there are none."""
    model = elman.Classifier(**{**SMALL, "epochs": 1})
    model.columns_ = {"input": "review", "target": "verdict"}  # as one that is loaded from a RUN has them
    model.fit(*reviews).save(tmp_path / "model")
    assert elman.Classifier.load(tmp_path / "model").columns_ == {}


def test_words_that_only_the_vectors_know(reviews: Data, tmp_path: Path) -> None:
    """`splendid` never occurs in training, `awful` once; their vectors lie where those of `good` and `bad` lie."""
    draw = np.random.default_rng(0)
    words = sorted({word for text in reviews[0] for word in text.split()})
    vectors = {word: draw.standard_normal(12) for word in words}
    near = {"splendid": vectors["good"], "awful": vectors["bad"]}
    lines = [f"{w} {' '.join(f'{x:.5f}' for x in v)}" for w, v in {**vectors, **near}.items()]
    path = tmp_path / "vectors.txt"
    path.write_text(f"{len(lines)} 12\n" + "\n".join(lines) + "\n")

    X, y = [*reviews[0][:200], "good it awful"], [*reviews[1][:200], "positive"]
    model = elman.Classifier(**{**SMALL, "vectors": str(path)}).fit(X, y)
    others = [text.replace("good", "splendid").replace("bad", "awful") for text in reviews[0][200:]]
    assert model.score(others, reviews[1][200:]) > 0.9
    vocabulary, network = model.encoding_.vocabulary, model.model_
    assert vocabulary is not None
    assert vocabulary.index("awful") < network.words <= vocabulary.index("splendid")  # too rare to count, but known
    assert vocabulary.index("absent") == 1

    model.save(tmp_path / "model")
    again = elman.Classifier.load(tmp_path / "model")
    assert np.array_equal(model.predict_proba(others), again.predict_proba(others))


def test_a_users_cell_needs_no_code_when_loaded(reviews: Data, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from elman import Cell, tanh\n"
        "class Leaky(Cell):\n"
        "    def step(self, x, h):\n"
        "        return 0.5 * h + 0.5 * tanh(self.W @ h + self.U @ x + self.b)\n"
    )
    model = elman.Classifier(**{**SMALL, "cell": f"{file}:Leaky", "epochs": 1}).fit(*reviews)
    model.save(tmp_path / "model")
    file.unlink()
    again = elman.Classifier.load(tmp_path / "model")
    assert np.array_equal(model.predict_proba(reviews[0][:20]), again.predict_proba(reviews[0][:20]))


def test_parameters_are_the_settings() -> None:
    model = elman.Classifier(hidden=7)
    assert model.get_params()["hidden"] == 7
    assert model.get_params()["weight_decay"] == 0.01
    assert clone(model.set_params(epochs=2)).get_params() == model.get_params()
    assert "hidden=7" in repr(model)
    with pytest.raises(InputError, match="unknown parameter 'hiden'; did you mean 'hidden'"):
        elman.Classifier(hiden=3)
    with pytest.raises(InputError, match="Classifier, model: hidden: expected a whole number, got text"):
        elman.Classifier(hidden="many").fit(["a", "b"], [0, 1])


def test_cross_validation_and_pipeline(reviews: Data) -> None:
    quick = elman.Classifier(**{**SMALL, "epochs": 8, "validation": 0.0})
    shout = FunctionTransformer(lambda texts: [text.upper() for text in texts])
    scores = cross_val_score(Pipeline([("shout", shout), ("elman", quick)]), reviews[0], reviews[1], cv=2)
    assert scores.shape == (2,)
    assert scores.min() > 0.8


def test_grid_search(reviews: Data) -> None:
    grid = GridSearchCV(elman.Classifier(**{**SMALL, "epochs": 6}), {"rate": [1e-6, 0.03]}, cv=2)
    grid.fit(*reviews)
    assert grid.best_params_ == {"rate": 0.03}
    assert grid.best_estimator_.score(*reviews) > 0.8


def test_token_lists(reviews: Data) -> None:
    tokens = [text.split() for text in reviews[0]]
    model = elman.Classifier(**SMALL).fit(tokens[:200], reviews[1][:200])
    assert model.score(tokens[200:], reviews[1][200:]) > 0.95


def test_sequences_of_numbers() -> None:
    """Which of two features rises first; on a scale that would break an unscaled network."""
    draw = np.random.default_rng(0)
    X, y = [], []
    for _ in range(240):
        x = draw.normal(size=(draw.integers(4, 12), 2))
        x[0, k := int(draw.integers(2))] += 6
        x[-1, 1 - k] += 6
        X.append(1e4 + 1e3 * x)
        y.append(k)
    model = elman.Classifier(hidden=8, epochs=15, rate=0.03, dropout=0.0).fit(X[:180], y[:180])
    assert model.score(X[180:], y[180:]) > 0.95
    assert model.classes_.dtype.kind == "i"
    one = elman.Classifier(hidden=4, epochs=1).fit([x[:, 0] for x in X], y)  # (T,) counts as one feature
    assert one.encoding_.features == 1


def test_ngram_features_reach_the_scores(reviews: Data, tmp_path: Path) -> None:
    options = {**SMALL, "ngrams": 50, "ngram_letters": 3, "epochs": 2}
    model = elman.Classifier(**options).fit(*reviews)
    assert model.model_.out_ngrams is not None
    assert float(model.model_.out_ngrams.weight.detach().abs().max()) > 0
    model.save(tmp_path / "model")
    again = elman.Classifier.load(tmp_path / "model")
    assert np.array_equal(model.predict_proba(reviews[0]), again.predict_proba(reviews[0]))


def test_the_same_seed_gives_the_same_model(reviews: Data) -> None:
    a, b, c = (elman.Classifier(**{**SMALL, "epochs": 2, "seed": s}).fit(*reviews) for s in (1, 1, 2))
    assert np.array_equal(a.predict_proba(reviews[0]), b.predict_proba(reviews[0]))
    assert not np.allclose(a.predict_proba(reviews[0]), c.predict_proba(reviews[0]))


def test_class_weights() -> None:
    import torch

    y = torch.tensor([0, 0, 0, 1])
    weights = LossSettings(class_weights="balanced").weights(y, ["a", "b"])
    assert weights is not None
    assert weights.tolist() == pytest.approx([4 / 6, 2.0])  # each class weighs 2 in all
    assert LossSettings().weights(y, ["a", "b"]) is None  # all alike, as scikit-learn's
    with pytest.raises(InputError, match="did you mean 'balanced'"):
        LossSettings(class_weights="balance").check()


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([], [], "there are no examples"),
        (["a", "b"], [1], "2 inputs and 1 labels"),
        (["a", "b", "c", "d"], [1, 1, 1, 1], "only one class, 1"),
        ("abcd", [0, 1, 0, 1], r"X: a string where a list is expected; give \[text\]"),
        (["a", "b", "c", "d"], [0, 1, None, 1], r"y\[2\]: the label is missing \(None\)"),
        (["a", "b", "c", "d"], [0.0, np.nan, 0.0, 1.0], r"y\[1\]: the label is missing \(nan\)"),
        (["a", 3, "c", "d"], [0, 1, 0, 1], "an int where a text is expected"),
        ([np.zeros((3, 2)), np.zeros((3, 4))], [0, 1], "4 features per step, the first has 2"),
        ([np.zeros((3, 2)), np.full((3, 2), np.nan)], [0, 1], r"X\[1\], step 0: NaN or infinity"),
        ([np.zeros((3, 2)), np.zeros((0, 2))], [0, 1], r"an array of shape \(0, 2\)"),
    ],
)
def test_bad_input(X: Any, y: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        elman.Classifier(**{**SMALL, "validation": 0.0}).fit(X, y)


def test_a_text_is_not_its_letters(fitted: elman.Classifier) -> None:
    with pytest.raises(InputError, match="a string where a list is expected"):
        fitted.predict("a good one")


def test_not_fitted() -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        elman.Classifier().predict(["x"])
    with pytest.raises(NotFittedError, match="nothing to save"):
        elman.Classifier().save("/nowhere")


def test_an_answer_that_is_no_number_is_blamed_on_training_in_training_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trained model whose answer is none is asked for smaller numbers, not for another rate."""
    series = [np.full((4, 1), float(i % 2), np.float32) for i in range(20)]
    data = Labelled(series, [i % 2 for i in range(20)])
    model = elman.Classifier(hidden=4, epochs=1)
    model.fit_parts(data, data)
    with torch.no_grad():
        model.model_.out.bias.fill_(torch.inf)
    with pytest.raises(InputError, match="the answer is not a number; give smaller numbers") as said:
        model.judge(data)
    assert not isinstance(said.value, DivergenceError)
    read = model.encoded(data)
    with pytest.raises(DivergenceError, match="the model's answers are not finite numbers"):
        model.batches(read, read).validate()
