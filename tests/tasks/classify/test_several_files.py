"""A file with several labels a row through every command: trained, judged, asked, looked into, proven."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import f1_score, log_loss

import elman
from elman.config.settings import DataSettings
from elman.data.label_sets import LabelSets
from elman.data.labelled import Labelled, load_labelled
from elman.data.table import Table
from elman.models.encoding import TextSettings
from elman.models.heads import SIGMOID
from elman.models.linear_texts import fit_linear_texts
from elman.report.labels import micro_f1_error, telling_rows
from elman.tasks.classify.decide import decide, facts_of
from elman.tasks.classify.search import folds_of
from elman.tasks.classify.several import SeveralLabels
from elman.tasks.classify.views import view
from elman.tasks.contract import Split
from elman.tasks.find import recipe_of
from elman.tasks.frame import train_run
from elman.tasks.use import Run, inspect_page
from elman.training.progress import Silent

WORDS = {"sport": "goal match team", "money": "bank stock price", "rain": "cloud storm wet"}


def rows_of(n: int, seed: int = 0, noise: float = 0.1) -> list[tuple[str, list[str]]]:
    """Texts that mostly say which labels they have."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        mine = [label for label, p in zip(WORDS, (0.5, 0.3, 0.2)) if rng.random() < p]
        said = [label for label in WORDS if (label in mine) != (rng.random() < noise)]
        words = [str(rng.choice(WORDS[label].split())) for label in said] + [f"w{k}" for k in rng.integers(0, 40, 5)]
        rng.shuffle(words)
        rows.append((" ".join(words), mine))
    return rows


def written(path: Path, rows: list[tuple[str, list[str]]]) -> Path:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([("text", "topics"), *((t, "|".join(y)) for t, y in rows)])
    return path


SMALL = ["model.hidden=8", "model.embedding=12", "training.epochs=6", "model.members=2", "training.rate=0.02"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    written(folder / "t.csv", rows_of(300))
    task, recipe = recipe_of("classify", SMALL, {"data.path": str(folder / "t.csv")})
    train_run(task, recipe, folder / "run")
    return folder / "run"


def test_the_run_says_what_it_reached(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    test, linear = metrics["test"], metrics["baseline"]
    assert test["micro_f1"] > metrics["baseline"]["majority"]["micro_f1"]
    assert linear["micro_f1"] > metrics["baseline"]["majority"]["micro_f1"]
    assert test.keys() >= {"micro_f1", "macro_f1", "accuracy", "hamming", "nll", "classes"}
    assert metrics["verdict"].startswith("Micro-F1 ")
    assert "a label is given from" in linear["text"]
    assert linear["majority"].keys() == test.keys()
    card = (run / "card.md").read_text()
    assert "| labels given from | " in card
    assert "holds several labels a row, separated by '|'" in card
    page = (run / "report.html").read_text()
    assert "Which labels" in page
    assert "A label is given where its probability is at least" in page
    assert "Rows: the class in the data" not in page  # which no table of several labels could be


def test_what_is_printed_and_written(run: Path, tmp_path: Path) -> None:
    opened = Run(run)
    rows = opened.predict(["goal stock w3 w5", "w1 w2 w3", "cloud w7"])
    for row in rows:
        labels, P = row["labels"], row["probabilities"]
        assert isinstance(P, dict)
        assert labels == [label for label, p in P.items() if p >= opened.estimator.threshold_]
    shown = [opened.show(row) for row in rows]
    assert shown[0].answer == ["money|sport"]
    assert [s.answer == ["-"] for s in shown] == [not row["labels"] for row in rows]
    assert len(shown[0].beside) == 3
    empty = {"labels": [], "probabilities": {"a": 0.1, "b": 0.2}}
    assert (opened.show(empty).answer, opened.show(empty).beside[0].split()) == (["-"], ["b", "0.200"])
    path = written(tmp_path / "new.csv", [("goal stock", ["sport"]), ("w1 w2", [])])
    table = opened.predict_file(DataSettings(path=str(path)))
    assert table.names == ["text", "topics", "predicted", "p(money)", "p(rain)", "p(sport)"]
    assert table["predicted"][0] == "money|sport"


def test_a_file_is_judged_in_any_form(run: Path, tmp_path: Path) -> None:
    rows, opened = rows_of(80, 5), Run(run)
    found = opened.evaluate(DataSettings(path=str(written(tmp_path / "t.csv", rows))))
    y = np.array([[label in labels for label in sorted(WORDS)] for _, labels in rows])
    P = opened.estimator.predict_proba([text for text, _ in rows])
    given = opened.estimator.threshold_ <= P
    assert found["micro_f1"] == pytest.approx(f1_score(y, given, average="micro"))
    assert found["nll"] == pytest.approx(np.mean([log_loss(y[:, k], P[:, k]) for k in range(3)]))
    lists = "\n".join(json.dumps({"text": text, "topics": labels}) for text, labels in rows)
    (tmp_path / "t.jsonl").write_text(lists)
    assert opened.evaluate(DataSettings(path=str(tmp_path / "t.jsonl"))) == found
    heard: list[str] = []
    more = [*rows, ("goal w1", ["sport", "snow"])]
    strange = Run(run, heard.append).evaluate(DataSettings(path=str(written(tmp_path / "s.csv", more))))
    assert strange["unseen"] == 1
    assert any("'snow'" in line and "it counts as a miss" in line for line in heard)


def test_a_text_is_looked_into(run: Path) -> None:
    page = inspect_page(run, "goal stock w3")
    assert "money|sport" in page
    assert "Each label by itself; it is given where its probability is at least" in page


def test_the_run_is_proven(run: Path) -> None:
    assert Run(run).verify().ok


def test_the_words_that_moved_a_label(run: Path) -> None:
    """The word of the likeliest label speaks for it: left out, by hand, its log-probability falls as far as is said."""
    classifier = Run(run).estimator
    data = load_labelled(DataSettings(path=str(run.parent / "t.csv")))
    parts = [Labelled.of(table) for table in (data.train, data.valid, data.test)]
    seen = view(classifier, Split(*parts))
    assert seen.y.shape == (len(parts[2]), 3)
    given = classifier.threshold_ <= seen.probabilities
    right = (given == seen.y).all(1)
    assert ((seen.sure > 0) == right).all()
    assert set(seen.shown) >= set(np.flatnonzero(~right)[:1])
    assert seen.counts["train"] == [sum(label in row for row in parts[0].labels) for label in sorted(WORDS)]


def test_what_is_decided_for_several_labels() -> None:
    rows = rows_of(120)
    examples = Labelled([text for text, _ in rows], LabelSets(labels for _, labels in rows))
    train, valid = examples.take(range(100)), examples.take(range(100, 120))
    assert facts_of(train, valid, TextSettings()).classes == 3
    folds = folds_of(train, valid, True, 1e9, 0)
    assert sorted(text for _, held in folds for text in held.inputs) == sorted(examples.inputs)
    values = {"model.hidden": 4, "model.embedding": 4}
    recipe = recipe_of("classify", ["training.batch_size=32"], values)[1]
    assert len(decide(recipe, train, valid, Silent()).tried) <= 1  # among so few texts chance would choose
    rows = rows_of(1100)
    examples = Labelled([text for text, _ in rows], LabelSets(labels for _, labels in rows))
    train, valid = examples.take(range(1000)), examples.take(range(1000, 1100))
    found = decide(recipe, train, valid, Silent())
    assert found.by == "micro_f1"
    assert len(found.tried) > 1
    for trial in found.tried:
        assert trial.figure is not None
        assert trial.nll is not None
        assert 0 < trial.figure <= 1
        assert 0.1 < trial.nll < 0.75  # of each label; a guess by its share is .6
    again = decide(recipe, train, valid, Silent())
    assert again.settings == found.settings


def test_parameters_that_suit_a_matrix() -> None:
    rows = rows_of(60)
    y = np.array([[label in labels for label in [*WORDS, "never"]] for _, labels in rows]).astype(int)
    found = elman.suited([text for text, _ in rows], y, hidden=4, embedding=4, members=1, batch_size=32)
    assert found["rate"] > 0
    model = elman.Classifier(**{**found, "epochs": 1}).fit([text for text, _ in rows], y)
    assert model.predict(["goal"]).shape == (1, 4)


def test_a_file_of_series(tmp_path: Path) -> None:
    """Numbers, too, may have several labels: how high, and how fast."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(120):
        high, fast = (int(drawn < 0.5) for drawn in rng.random(2))
        x = 3 * high + np.sin(np.arange(20) * (1.5 if fast else 0.4) + rng.uniform(0, 6)) + rng.normal(0, 0.1, 20)
        rows.append([*x.round(3), "|".join(["high"] * high + ["fast"] * fast)])
    names = [f"t{k}" for k in range(20)]
    (tmp_path / "t.csv").write_text("\n".join([",".join([*names, "label"]), *(",".join(map(str, r)) for r in rows)]))
    values = {"data.path": str(tmp_path / "t.csv")}
    more = ["model.hidden=12", "training.epochs=25", "training.rate=0.02", "model.members=1"]
    task, recipe = recipe_of("classify", more, values)
    metrics = train_run(task, recipe, tmp_path / "run").metrics
    test = metrics["test"]
    assert isinstance(test, dict)
    assert float(str(test["micro_f1"])) > 0.85


def test_the_baseline_learnt_in_parts() -> None:
    """From all rows, some at a time, it is about as good as from all at once."""
    rows = rows_of(3000)
    texts, sets = [text for text, _ in rows], LabelSets(labels for _, labels in rows)
    y = sets.numbers(sorted(WORDS))
    parts = (texts[:2500], y[:2500]), (texts[2500:], y[2500:])
    whole = fit_linear_texts(*parts, 3, head=SIGMOID)
    parted = fit_linear_texts(*parts, 3, head=SIGMOID, in_memory=20_000)
    assert parted.linear.rows == whole.linear.rows == 2500
    new = rows_of(500, 9)
    true = np.array([[label in labels for label in sorted(WORDS)] for _, labels in new])
    scores = [
        f1_score(true, fitted.linear.threshold <= fitted.predict_proba([t for t, _ in new]), average="micro")
        for fitted in (whole, parted)
    ]
    assert scores[0] > 0.8
    assert abs(scores[0] - scores[1]) < 0.03
    # and it is about as good as scikit-learn's by hand
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    words = CountVectorizer().fit(texts[:2500])
    by_hand = OneVsRestClassifier(LogisticRegression()).fit(words.transform(texts[:2500]), y[:2500, :3])
    reference = f1_score(true, by_hand.predict(words.transform([t for t, _ in new])), average="micro")
    assert abs(scores[0] - reference) < 0.03


def test_the_fixed_answer_is_the_best_of_all() -> None:
    y = np.zeros((50, 4), np.uint8)
    y[:40, 0] = y[:30, 1] = y[45:, 2] = 1
    found = SeveralLabels(np.array(["a", "b", "c"])).majority(y, y)
    sets = [[k in chosen for k in range(3)] for chosen in ([0], [1], [0, 1], [0, 1, 2], [2], [])]
    best = max(f1_score(y[:, :3], np.tile(s, (50, 1)), average="micro", zero_division=0) for s in sets)
    assert found.scores["micro_f1"] == pytest.approx(best)
    assert "always 'a', 'b'" in found.text


def test_the_error_of_micro_f1_is_that_of_the_bootstrap() -> None:
    rng = np.random.default_rng(0)
    y = np.c_[rng.random((60, 3)) < 0.4, np.zeros(60)].astype(np.uint8)
    given = rng.random((60, 3)) < np.where(y[:, :3] > 0, 0.8, 0.2)
    drawn = [rng.integers(0, 60, 60) for _ in range(1500)]
    by_hand = np.std([f1_score(y[i, :3], given[i], average="micro") for i in drawn])
    assert micro_f1_error(y, given) == pytest.approx(by_hand, rel=0.1)


def test_the_texts_shown_are_the_surest_of_each_kind() -> None:
    right = np.array([True, True, True, False, False, True])
    sure, given = np.array([0.9, 0.8, 0.3, 0.7, 0.6, 0.2]), ["", "", "a", "a", "b", "a|b"]
    assert telling_rows(right, sure, given, list("tuvwxy"), each=3) == [0, 2, 3, 4, 5]
    assert telling_rows(right, sure, given, list("ttvwxy"), each=9) == [0, 2, 3, 4, 5]  # equal texts once


def test_a_table_takes_rows_with_their_labels() -> None:
    table = Table({"text": list("abc"), "label": LabelSets([["x"], [], ["x", "y"]])})
    assert table.take([2, 0])["label"] == LabelSets([["x", "y"], ["x"]])
    text = io.StringIO()
    csv.writer(text).writerow(Labelled.of(table).labels[2])
    assert text.getvalue() == "x,y\r\n"
