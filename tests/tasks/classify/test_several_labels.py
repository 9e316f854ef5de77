"""Any number of labels an input: learned, answered and judged in Python, beside scikit-learn's figures."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix
from sklearn.metrics import accuracy_score, f1_score, hamming_loss, log_loss, precision_recall_fscore_support
from sklearn.preprocessing import MultiLabelBinarizer

import elman
from elman.data.label_sets import LabelSets
from elman.data.several import labels_of
from elman.models.calibration import class_temperature
from elman.models.class_loss import LossSettings
from elman.models.heads import SIGMOID
from elman.models.linear_sets import best_threshold, choose_linear_sets, fit_linear_sets, micro_f1
from elman.tasks.classify.several import SeveralLabels
from elman.tasks.label_figures import score_labels

WORDS = {"sport": ["goal", "match", "team"], "money": ["bank", "stock", "price"], "rain": ["cloud", "storm", "wet"]}


def texts_of(n: int, seed: int = 0) -> tuple[list[str], list[list[str]]]:
    """Texts that say which labels they have, none to all of three."""
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(n):
        mine = [label for label in WORDS if rng.random() < 0.4]
        words = [str(rng.choice(WORDS[label])) for label in mine] + list(rng.choice(["the", "a", "of", "it"], 4))
        rng.shuffle(words)
        texts.append(" ".join(words))
        labels.append(mine)
    return texts, labels


SETTINGS: dict[str, Any] = {"embedding": 24, "hidden": 12, "epochs": 12, "rate": 0.02, "dropout": 0.1, "batch_size": 16}
TEXTS, LABELS = texts_of(300)
NEW, WANTED = texts_of(200, 1)


@pytest.fixture(scope="module")
def fitted() -> elman.Classifier:
    return elman.Classifier(**SETTINGS).fit(TEXTS, LABELS)


def test_labels_are_learned_each_by_itself(fitted: elman.Classifier) -> None:
    assert fitted.classes_.tolist() == ["money", "rain", "sport"]
    assert fitted.fitted_.history[-1].keys() >= {"valid_micro_f1", "valid_nll"}
    answers = fitted.predict(NEW)
    assert all(type(labels) is list for labels in answers)
    binary = MultiLabelBinarizer().fit(WANTED)
    y, given = binary.transform(WANTED), binary.transform(answers)
    assert fitted.score(NEW, WANTED) == accuracy_score(y, given) > 0.9
    P = fitted.predict_proba(NEW)
    assert P.shape == (200, 3)
    assert (P.sum(1) < 0.3).any()  # no label is a possible answer, and so are several
    assert (P.sum(1) > 1.7).any()
    np.testing.assert_array_equal(fitted.threshold_ <= P, given)
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(NEW)), P)
    assert fitted.predict([]) == []


@pytest.mark.parametrize("as_given", [set, tuple, frozenset, np.array])
def test_any_collection_is_a_set_of_labels(fitted: elman.Classifier, as_given: Any) -> None:
    again = labels_of([as_given(labels) for labels in LABELS], len(LABELS))
    assert again == labels_of(LABELS, len(LABELS))
    assert fitted.score(NEW[:50], [as_given(labels) for labels in WANTED[:50]]) == fitted.score(NEW[:50], WANTED[:50])


def test_a_matrix_in_a_matrix_out() -> None:
    y = np.c_[MultiLabelBinarizer().fit_transform(LABELS), np.zeros(len(LABELS), int)]  # the last label never occurs
    model = elman.Classifier(**{**SETTINGS, "epochs": 4}).fit(TEXTS, y)
    given = model.predict(NEW)
    assert isinstance(given, np.ndarray)
    assert given.shape == (200, 4)
    assert set(np.unique(given)) == {0, 1}
    assert not given[:, 3].any()
    assert model.classes_.tolist() == [0, 1, 2, 3]
    wanted = np.c_[MultiLabelBinarizer().fit_transform(WANTED), np.zeros(len(WANTED), int)]
    assert model.score(NEW, wanted) == accuracy_score(wanted, given)


def test_forms_of_a_matrix() -> None:
    y = MultiLabelBinarizer().fit_transform(LABELS)
    found = labels_of(y, len(y))
    assert isinstance(found, LabelSets)
    assert found.numbers([0, 1, 2])[:, :3].tolist() == y.tolist()
    for same in (csr_matrix(y), y.tolist(), y.astype(bool), y.astype(float)):
        assert labels_of(same, len(y)) == found
    pandas = pytest.importorskip("pandas")
    named = labels_of(pandas.DataFrame(y, columns=["money", "rain", "sport"]), len(y))
    assert isinstance(named, LabelSets)
    assert [list(labels) for labels in named] == [sorted(labels) for labels in LABELS]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([["a"], ["b"], "c"], r"y\[2\]: 'c' beside lists of labels"),
        ([["a"], ["b"], None], r"y\[2\]: the list of labels is missing"),
        ([["a"], ["b"], [None]], r"y\[2\]\[0\]: the label is missing"),
        ([["a"], [1], []], r"y\[1\]: the label 1 beside 'a': one is text"),
        ([[1], [2.5], []], r"y\[1\]: the label 2.5 is a fraction"),
        ([["a"], [("b",)], []], r"y\[1\]: the label \('b',\) is of type tuple"),
        ([["a"], ["b"]], "3 inputs and 2 lists of labels"),
        (np.eye(2, dtype=int), "3 inputs and 2 rows of labels"),
        ([[], [], []], "no example has a label"),
        ([["a"], ["a"], ["a"]], "every example has the same labels"),
    ],
)
def test_labels_that_make_no_sense(y: Any, message: str) -> None:
    with pytest.raises(elman.InputError, match=message):
        elman.Classifier(epochs=1, validation=0).fit(["one", "two", "three"], y)


def test_a_run_answers_as_before(fitted: elman.Classifier, tmp_path: Path) -> None:
    fitted.save(tmp_path / "run")
    again = elman.Classifier.load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict_proba(NEW), fitted.predict_proba(NEW))
    assert again.predict(NEW) == fitted.predict(NEW)
    assert again.threshold_ == fitted.threshold_
    said = msgspec.json.decode((tmp_path / "run" / "model.json").read_bytes())
    assert said["model"]["head"] == "sigmoid"
    said["model"]["head"] = "softmin"
    (tmp_path / "run" / "model.json").write_bytes(msgspec.json.encode(said))
    with pytest.raises(elman.InputError, match="softmin"):
        elman.Classifier.load(tmp_path / "run")


def test_several_networks_and_a_linear_model(tmp_path: Path) -> None:
    """Their answer, put together by hand from what each says."""
    more: dict[str, Any] = {"members": 2, "wide": 200, "refit": True, "epochs": 6}
    model = elman.Classifier(**{**SETTINGS, **more}).fit(TEXTS, LABELS)
    assert model.score(NEW, WANTED) > 0.9
    read = model.encoding_(NEW[:7]).batch(range(7))
    with torch.no_grad():
        each = model.model_.each(read.sequences.data, read.lengths).double()
        wide = model.model_.wide
        linear = (read.ngrams.times(wide.weight) + wide.bias).double()
    mean = each.sigmoid().mean(0)
    a, b = model.model_.mix.double()
    by_hand = ((a * mean.logit() + b * linear) / model.temperature_ + torch.from_numpy(model.offset_)).sigmoid()
    np.testing.assert_allclose(model.predict_proba(NEW[:7]), by_hand.numpy(), rtol=1e-4)
    model.save(tmp_path / "run")
    again = elman.Classifier.load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict_proba(NEW), model.predict_proba(NEW))


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, P = rng.random((80, 5)) < [0.5, 0.2, 0.1, 0.02, 0], rng.random((80, 5))
    given = P > 0.6
    found: Any = score_labels(np.c_[y, np.zeros(80)].astype(np.uint8), P, given, list("abcde"))
    assert found["micro_f1"] == pytest.approx(f1_score(y, given, average="micro"))
    assert found["macro_f1"] == pytest.approx(f1_score(y, given, average="macro", zero_division=0))
    assert found["accuracy"] == pytest.approx(accuracy_score(y, given))
    assert found["hamming"] == pytest.approx(hamming_loss(y, given))
    losses = [log_loss(y[:, k], P[:, k], labels=[False, True]) for k in range(5)]
    assert found["nll"] == pytest.approx(np.mean(losses))
    table = precision_recall_fscore_support(y, given, zero_division=0)
    for key, values in zip(("precision", "recall", "f1", "n"), table, strict=True):
        assert [row[key] for row in found["classes"].values()] == pytest.approx(values.tolist())
    assert "unseen" not in found


def test_a_label_never_seen_is_a_miss() -> None:
    """As a further label that is never given."""
    rng = np.random.default_rng(0)
    y, P = rng.random((60, 3)) < 0.4, rng.random((60, 3))
    given, strange = P > 0.5, rng.random(60) < 0.2
    found: Any = score_labels(np.c_[y, strange].astype(np.uint8), P, given, list("abc"))
    wide, answers = np.c_[y, strange], np.c_[given, np.zeros(60, bool)]
    assert found["micro_f1"] == pytest.approx(f1_score(wide, answers, average="micro"))
    assert found["accuracy"] == pytest.approx(accuracy_score(wide, answers))
    assert found["hamming"] == pytest.approx(4 / 3 * hamming_loss(wide, answers))  # of the decisions that there are
    assert found["unseen"] == strange.sum()


def test_score_knows_labels_that_training_lacks(fitted: elman.Classifier) -> None:
    answers = fitted.predict(NEW[:4])
    assert fitted.score(NEW[:4], answers) == 1
    assert fitted.score(NEW[:4], [[*answers[0], "snow"], *answers[1:]]) == 0.75


@pytest.mark.parametrize("seed", range(4))
def test_the_threshold_is_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    P = rng.random((12, 3)).round(1 + seed % 2)  # with ties
    y = np.c_[rng.random((12, 3)) < P**2, rng.random(12) < 0.2].astype(np.uint8)
    best = max(micro_f1(y, cut <= P) for cut in np.unique(P))
    found = best_threshold(P, y, rows=0)
    assert micro_f1(y, found <= P) == pytest.approx(best)
    assert micro_f1(y, P >= 0.5) < best or found == 0.5
    assert best_threshold(P, np.zeros_like(y)) == 0.5


@pytest.mark.parametrize("sure", [0.7, 1.0, 1.5])
def test_few_examples_have_half_a_say_in_the_threshold(sure: float) -> None:
    """On others it does better than the threshold that fits the few, even where probabilities are not quite true."""
    rng = np.random.default_rng(0)

    def drawn(n: int) -> tuple[np.ndarray, np.ndarray]:
        p = rng.beta(0.3, 2, (n, 5))
        y = np.c_[rng.random((n, 5)) < p, np.zeros(n)].astype(np.uint8)
        return 1 / (1 + ((1 - p) / np.maximum(p, 1e-12)) ** sure), y

    others, truth = drawn(5000)
    gained = []
    for _ in range(40):
        P, y = drawn(20)
        gained.append(
            micro_f1(truth, best_threshold(P, y) <= others) - micro_f1(truth, best_threshold(P, y, rows=0) <= others)
        )
    assert np.mean(gained) > 0.004
    many, labels = drawn(20_000)
    assert best_threshold(many, labels) == pytest.approx(best_threshold(many, labels, rows=0), abs=0.05)


def test_the_loss_is_binary_cross_entropy() -> None:
    torch.manual_seed(0)
    scores, y = torch.randn(6, 4, dtype=torch.float64), torch.randint(0, 2, (6, 5), dtype=torch.uint8)
    weights, examples = torch.tensor([1.0, 3.0, 0.5, 2.0]), torch.rand(6).double()
    p, t = scores.sigmoid(), y[:, :4] * 0.9 + 0.05
    by_hand = -(weights * t * p.log() + (1 - t) * (1 - p).log())
    torch.testing.assert_close(SIGMOID.loss(scores, y, weights, 0.1, None), by_hand.mean())
    torch.testing.assert_close(SIGMOID.loss(scores, y, weights, 0.1, examples), (examples * by_hand.mean(1)).mean())


def test_balanced_weights_make_up_for_rarity() -> None:
    """With them, examples that have a label weigh as much as all that have not."""
    y = torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 3]], dtype=torch.uint8)
    for counted in (None, torch.tensor([1.0, 2.0, 0.5, 4.0])):
        each = torch.ones(4) if counted is None else counted
        found = LossSettings(class_weights="balanced").weights(y, list("abc"), counted, SIGMOID)
        assert found is not None
        for k in range(2):
            there = y[:, k] > 0
            assert float(found[k] * each[there].sum()) == pytest.approx(float(each[~there].sum()))
        assert found[2] == 1  # nobody has it
    named = LossSettings(class_weights={"b": 5}).weights(y, list("abc"), None, SIGMOID)
    assert named is not None
    assert named.tolist() == [1, 5, 1]


def test_the_members_mean_is_of_each_labels_probability() -> None:
    scores = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3
    torch.testing.assert_close(SIGMOID.together(scores).sigmoid(), scores.sigmoid().mean(0))


def test_temperature_of_labels_is_found() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=(3000, 4)) * 2
    y = np.c_[rng.random((3000, 4)) < 1 / (1 + np.exp(-true)), np.zeros(3000)].astype(np.uint8)
    for t in (0.5, 1, 3):
        assert class_temperature(true * t, y, SIGMOID) == pytest.approx(t, rel=0.05)


def test_linear_models_one_a_label() -> None:
    """Each is the model of its label alone; one that never varies is a constant."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 6))
    y = np.c_[x @ rng.normal(size=(6, 3)) + rng.normal(size=(200, 3)) > 0.5, np.ones(200), np.zeros((200, 2))]
    W, b = fit_linear_sets(x, y.astype(np.uint8), 1.0)
    for k in range(3):
        alone = LogisticRegression(C=1.0, max_iter=500).fit(x, y[:, k])
        np.testing.assert_allclose(W[k], alone.coef_[0], rtol=1e-3, atol=1e-4)
        assert b[k] == pytest.approx(float(alone.intercept_[0]), rel=1e-3, abs=1e-4)
    assert (b[3:] == [20, -20]).all()
    chosen = choose_linear_sets(x[:120], y[:120].astype(np.uint8), x[120:], y[120:].astype(np.uint8))
    assert chosen.scores[chosen.C] == max(chosen.scores.values())
    assert chosen.scores[chosen.C] == micro_f1(
        y[120:].astype(np.uint8), chosen.threshold <= chosen.predict_proba(x[120:])
    )


def test_rare_labels_are_divided_fairly() -> None:
    """Of a label with ten rows a tenth is held out, however they are mixed with others."""
    rows = [["common"] if i % 3 else ["other"] for i in range(200)]
    sets = LabelSets([*labels, *(["rare"] if i % 20 == 0 else [])] for i, labels in enumerate(rows))
    train, held = SeveralLabels.hold_out(sets, 0.1, 0)
    assert sum("rare" in sets[i] for i in held) == 1
    assert sorted([*train, *held]) == list(range(200))
    assert all(a < b for a, b in pairwise(train))


def test_cross_validation_of_a_matrix() -> None:
    from sklearn.model_selection import cross_val_score

    y = MultiLabelBinarizer().fit_transform(LABELS)
    found = cross_val_score(elman.Classifier(**{**SETTINGS, "epochs": 6}), TEXTS, y, cv=2)
    assert (found > 0.5).all()
