"""What is decided from the data where nobody set it, and what is left alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.config.recipe import Recipe, load_recipe
from elman.data.labelled import Labelled
from elman.data.table import Table
from elman.errors import InputError
from elman.models.encoding import TextSettings
from elman.tasks.classify.decide import Facts, candidates_of, decide, facts_of, rule
from elman.tasks.classify.search import Candidate, folds_of, search
from elman.tasks.find import recipe_of
from elman.tasks.frame import train_run
from elman.training.progress import Silent
from elman.training.run_writer import resume_folder

SIZES = [2, 10, 50, 200, 1_000, 5_000, 20_000, 100_000, 1_000_000, 10_000_000]
TEXT = TextSettings()


def bare(*overrides: str, **values: object) -> Recipe:
    return recipe_of("classify", list(overrides), values)[1]


def texts(n: int, seed: int = 0) -> Labelled:
    rng = np.random.default_rng(seed)
    labels = rng.choice(["good", "bad"], n)
    return Labelled([f"{'nice' if y == 'good' else 'poor'} {rng.integers(99)} thing" for y in labels], labels)


def waves(n: int, seed: int = 0) -> Labelled:
    """What tells the two classes apart is how fast they swing; level and size say nothing."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    t = np.arange(30)[:, None]
    X = [rng.normal(0, 50) + 10 ** rng.normal() * np.sin(t * (0.3 + 0.5 * k) + rng.uniform(0, 6)) for k in y]
    return Labelled([x.astype(np.float32) for x in X], y)


# -- the rule ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("series", [False, True])
def test_a_larger_table_is_never_read_less(series: bool) -> None:
    """Its steps may be fewer, where batches are larger, and its networks: from many rows they learn much the same."""
    examples, epochs, sizes, members = [], [], [], []
    for n in SIZES:
        found = rule(Facts(n, 3, series, 12.0, 100, n < 1000))
        passes, size = found["training.epochs"][0], found["training.batch_size"][0]
        assert passes >= 1
        examples.append(passes * n)
        epochs.append(passes)
        sizes.append(size)
        members.append(found.get("model.members", (1, ""))[0])
        assert passes * -(-n // size) >= min(passes * n, 60)  # steps
    assert examples == sorted(examples)
    assert sizes == sorted(sizes)
    assert epochs == sorted(epochs, reverse=True)
    assert members == sorted(members, reverse=True)


@pytest.mark.parametrize("series", [False, True])
def test_a_table_twice_as_large_is_never_read_less(series: bool) -> None:
    """At every size: passes are whole numbers, and somewhere the table is one row too large for one more."""
    for n in sorted({round(10 ** (k / 400)) for k in range(3200)}):
        once, twice = (rule(Facts(rows, 3, series, 12.0, 100, rows < 1000)) for rows in (n, 2 * n))
        assert n * once["training.epochs"][0] <= 2 * n * twice["training.epochs"][0]


def test_texts_get_a_wider_network_once_there_are_a_thousand() -> None:
    few, many = (candidates_of(Facts(n, 3, False, 12.0, 0, n < 1000)) for n in (999, 1000))
    assert len(few) == 1
    assert few[0]["model.hidden"] < many[0]["model.hidden"]
    assert few[0] in many


@pytest.mark.parametrize(
    ("rows", "steps", "again"),
    [(60, 20, True), (5000, 11, True), (7000, 22, True), (7000, 40, False), (30_000, 1, False)],
)
def test_who_learns_soon_learns_again_from_all_rows(rows: int, steps: float, again: bool) -> None:
    assert ("model.refit" in rule(Facts(rows, 3, False, steps, 0, rows < 1000))) == again


def test_the_linear_model_stays_in_memory_however_many_classes() -> None:
    for classes in (2, 20, 500, 5000):
        found = rule(Facts(10_000, classes, False, 12.0, 0, False))
        assert 0 < found["model.wide"][0] * classes <= 10_000_000


def test_so_many_words_as_fit_into_memory() -> None:
    assert "text.max_words" not in rule(Facts(10_000, 3, False, 20.0, 0, False))
    assert rule(Facts(1_000_000, 3, False, 10.0, 0, False))["text.max_words"][0] == 50_000
    assert rule(Facts(45_000, 3, False, 30.0, 0, False))["model.members"][0] == 2
    for rows in (31_500, 45_000):
        assert rule(Facts(rows, 3, False, 30.0, 0, False))["text.max_words"][0] == 25_000  # of each
    assert "text.max_words" not in rule(Facts(1_000_000, 3, True, 100.0, 100, False))


@pytest.mark.parametrize(("longest", "stride"), [(16, 1), (500, 1), (501, 2), (10_000, 20)])
def test_long_series_are_read_several_steps_at_a_time(longest: int, stride: int) -> None:
    found = rule(Facts(100, 2, True, longest, longest, True))
    assert found.get("model.stride", (1, ""))[0] == stride


def test_one_step_is_not_scaled_by_itself() -> None:
    """Which would leave nothing of it."""
    assert {c["model.scale"] for c in candidates_of(Facts(100, 2, True, 1.0, 1, True))} == {"all"}
    assert {c["model.scale"] for c in candidates_of(Facts(100, 2, True, 1.5, 2, True))} == {"all", "each", "both"}


def test_few_long_texts_take_no_more_networks_than_many() -> None:
    """900 texts of 400 words, read by three networks twice, would take an hour, and 1,100 some minutes."""
    few, many = (rule(Facts(n, 2, False, 400.0, 0, n < 1000)) for n in (900, 1100))
    assert few.get("model.members", (1, ""))[0] == many.get("model.members", (1, ""))[0] == 1
    assert rule(Facts(900, 2, False, 20.0, 0, True))["model.members"][0] == 3
    assert rule(Facts(60, 2, False, 400.0, 0, True))["model.members"][0] == 3
    assert rule(Facts(300, 2, True, 500.0, 500, True))["model.members"][0] == 5


def test_every_decision_says_why_and_can_be_set() -> None:
    for series in (False, True):
        facts = Facts(300, 2, series, 900.0, 9000, True)
        for key, (value, why) in rule(facts).items():
            assert why
            assert bare(f"{key}={json.dumps(value)}").given == {key}
        for candidate in candidates_of(facts):
            assert bare().setting(candidate)


def test_facts_are_of_the_data() -> None:
    train, valid = texts(700), texts(299)
    assert facts_of(train, valid, TEXT) == Facts(700, 2, False, 3.0, 0, True)
    assert not facts_of(train, texts(300), TEXT).few
    long = Labelled([np.zeros((n, 2)) for n in (10, 50, 30)], ["a", "b", "a"])
    assert facts_of(long, long, TEXT) == Facts(3, 2, True, 30.0, 50, True)
    words = replace(train, inputs=[x.split() for x in train.inputs])
    assert facts_of(words, valid, TEXT) == facts_of(train, valid, TEXT)  # token lists are texts, too
    endless = Labelled(["so " * 5000, "bad"], ["a", "b"])  # of which 400 tokens are read
    assert facts_of(endless, endless, TEXT).steps == 200.5
    chinese = Labelled(["我很喜欢", "不好"], ["a", "b"])  # a word is a sign, where none are set apart
    assert facts_of(chinese, chinese, TEXT).steps == 3


# -- what is set by hand ----------------------------------------------------------------------------------------------


def test_nothing_is_decided_that_was_set() -> None:
    given = ("model.members=1", "training.epochs=2", "loss.class_weights=balanced", "model.hidden=7")
    found = decide(bare(*given), texts(40), texts(8), Silent())
    assert not set(found.settings) & {item.partition("=")[0] for item in given}
    assert found.settings["training.rate"] == candidates_of(Facts(40, 2, False, 3, 0, True))[0]["training.rate"]
    assert not found.tried  # who sets how long it takes wants no search
    whole = found.of(bare(*given)).sections
    assert (whole["model"].hidden, whole["loss"].class_weights) == (7, "balanced")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("section", "decides"), [("data", True), ("text", True), ("model", False), ("training", False)]
)
def test_a_recipe_that_speaks_of_the_model_is_taken_as_it_stands(section: str, decides: bool, tmp_path: Path) -> None:
    key = {"data": "seed = 1", "text": "min_count = 1", "model": "hidden = 9", "training": "seed = 2"}[section]
    file = tmp_path / "mine.toml"
    file.write_text(f'name = "mine"\ntask = "classify"\n[{section}]\n{key}\n', encoding="utf-8")
    recipe = recipe_of(str(file), ["training.epochs=1"], {})[1]
    assert bool(decide(recipe, texts(40), texts(8), Silent()).settings) == decides


def test_packaged_recipes_decide_nothing() -> None:
    for name in ("sentiment", "ner", "pos"):
        assert not recipe_of(name, [], {})[1].open


# -- the search -------------------------------------------------------------------------------------------------------


def test_few_rows_are_dealt_to_folds_and_groups_stay_whole() -> None:
    people = [f"p{i // 4}" for i in range(40)]
    train = replace(waves(40), table=Table({"group": people}))
    folds = folds_of(train.take(range(32)), train.take(range(32, 40)), True, 0, 0)
    assert sum(len(held) for _, held in folds) == 40
    for learned, held in folds:
        assert len(learned) + len(held) == 40
        assert not set(learned.groups or ()) & set(held.groups or ())
    alone = folds_of(waves(40), waves(8), True, 0, 0)
    assert all(len(set(learned.labels)) == 2 for learned, _ in alone)


def test_many_rows_are_tried_on_some_of_them() -> None:
    train, valid = texts(9000), texts(500)
    ((learned, held),) = folds_of(train, valid, False, 3000.0, 0)
    assert len(learned) == 3000
    assert list(held.inputs) == list(valid.inputs)


@pytest.mark.parametrize("few", [False, True])
def test_where_nothing_can_be_tried_the_first_setting_is_taken(few: bool) -> None:
    """One row of the second class: it is not among those that are tried on, or no fold can learn both classes."""
    n = 3000 if not few else 2
    inputs = waves(n).inputs if few else [f"row {i} good" for i in range(n)]
    train = Labelled(inputs, np.array(["a"] * (n - 1) + ["b"]))
    valid = texts(100) if not few else train.take([])
    assert folds_of(train, valid, few, 1000.0, 0) == []
    if few:
        found = decide(bare(), train, valid, Silent())
        assert not found.tried
        assert candidates_of(facts_of(train, valid, TEXT))[0].items() <= found.settings.items()
        assert any("too few rows of each class" in line for line in found.lines)


def test_suited_refuses_what_fit_would() -> None:
    with pytest.raises(InputError, match="only one class, 'a'"):
        elman.suited(["one", "two", "three"] * 5, ["a"] * 15)


def test_what_suits_the_data_wins() -> None:
    """Waves that differ in nothing but their speed are told apart once each is scaled by itself, at a rate that learns;
    what diverges or stands still loses; the same data give the same answer."""
    recipe = bare("model.hidden=8", "training.epochs=12", "training.batch_size=4", "model.pooling=concat")
    ways: list[dict[str, Any]] = [
        {"model.scale": "all", "training.rate": 1e-7},
        {"model.scale": "each", "model.differences": True, "training.rate": 0.02},
        {"model.scale": "all", "training.rate": 1e9},
    ]
    folds = folds_of(waves(36), waves(8, seed=1), True, 0, 0)
    found = search(recipe, [Candidate(way) for way in ways], folds, Silent())
    assert found.best == ways[1]
    assert [trial.settings for trial in found.trials[:3]] == ways
    assert found.trials[2].nll is None
    assert "the best of 3 tried cross-validated on 44 rows" in found.why
    again = search(recipe, [Candidate(way) for way in ways], folds, Silent())
    assert [(t.settings, t.steps, t.nll) for t in again.trials] == [(t.settings, t.steps, t.nll) for t in found.trials]


# -- in a training ----------------------------------------------------------------------------------------------------


class Notes(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    examples = texts(90)
    lines = ["text,label", *(f"{x},{y}" for x, y in zip(examples.inputs, examples.labels))]
    (tmp_path / "mine.csv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path / "mine.csv"


SMALL = ["training.epochs=2", "model.hidden=4", "model.embedding=4", "model.wide=20", "model.members=2"]


def test_decisions_are_said_kept_and_shown(table: Path, tmp_path: Path) -> None:
    task, recipe = recipe_of("classify", SMALL, {"data.path": str(table)})
    notes, out = Notes(), tmp_path / "run"
    metrics = train_run(task, recipe, out, progress=notes).metrics
    said = [line.removeprefix("decided: ") for line in notes.lines if line.startswith("decided: ")]
    assert any(line.startswith("class weights none") for line in said)
    assert metrics["decided"]["lines"] == said  # type: ignore[index,call-overload]
    for place in ("card.md", "report.html"):
        page = (out / place).read_text(encoding="utf-8")
        assert all(line.split(" (")[0] in page for line in said), place
    # the RUN's recipe says all of it, and decides nothing more
    whole = load_recipe(out / "recipe.toml", sections=task.sections)
    assert not whole.open
    assert whole.sections["loss"].class_weights == "none"  # type: ignore[attr-defined]
    again = train_run(task, whole, tmp_path / "again").metrics
    assert again["test"] == metrics["test"]
    assert "decided" not in again


def test_the_test_part_has_no_say(table: Path, tmp_path: Path) -> None:
    task, recipe = recipe_of("classify", ["training.seed=3", *SMALL], {"data.path": str(table)})
    data = task.read(recipe.data)
    upset = replace(data, test=replace(data.test, labels=np.array(["good"] * len(data.test))))
    assert task.decide(recipe, data, Silent()) == task.decide(recipe, upset, Silent())


def test_what_was_decided_is_read_again_where_a_training_goes_on(table: Path, tmp_path: Path) -> None:
    task, recipe = recipe_of("classify", SMALL, {"data.path": str(table)})
    whole = train_run(task, recipe, tmp_path / "whole").metrics

    class Stop(Silent):
        def epoch(self, title: str, row: Any) -> None:
            if row["epoch"] == 2:
                raise OSError("the power went")

    with pytest.raises(OSError, match="power"):
        train_run(task, recipe, tmp_path / "run", progress=Stop())
    kept = resume_folder(tmp_path / "run") / "decided.json"
    decided = json.loads(kept.read_text())
    assert decided["settings"]["loss.class_weights"] == "none"
    decided["lines"] = ["as it was decided then"]
    kept.write_text(json.dumps(decided))
    resumed = train_run(task, recipe, tmp_path / "run", resume=True).metrics
    assert resumed["decided"]["lines"] == ["as it was decided then"]  # type: ignore[index,call-overload]
    assert resumed["test"] == whole["test"]


# -- in Python --------------------------------------------------------------------------------------------------------


def test_examples_in_python_are_decided_upon_alike() -> None:
    examples = texts(80)
    found = elman.suited(examples.inputs, examples.labels, epochs=2, hidden=4, embedding=np.int64(4))
    assert (found["epochs"], found["hidden"], found["class_weights"], found["refit"]) == (2, 4, "none", True)
    model = elman.Classifier(**found).fit(examples.inputs, examples.labels)
    assert model.score(examples.inputs, examples.labels) > 0.9
    series = waves(40)
    heard = Notes()
    tried = elman.suited(series.inputs, series.labels, progress=heard, batch_size=8, hidden=4)
    assert tried["scale"] in ("each", "both")
    assert any("cross-validated on 40 rows" in line for line in heard.lines)
    with pytest.raises(InputError, match="did you mean 'hidden'"):
        elman.suited(examples.inputs, examples.labels, hiden=3)
    with pytest.raises(InputError, match=r"y\[1\]"):
        elman.suited(["a", "b"], ["x", None])
