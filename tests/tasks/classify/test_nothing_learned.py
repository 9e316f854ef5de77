"""Labels that no input tells of: the figures say so, and nobody is sent to a model that knows nothing either."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import elman
from elman.data.labelled import Labelled
from elman.metric import known_figure
from elman.tasks.classify.baselines import doubt
from elman.tasks.classify.scores import predict_parts
from elman.tasks.contract import Baseline
from elman.tasks.find import recipe_of
from elman.tasks.frame import train_run

WORDS = ["red", "green", "blue", "one", "two", "three", "dog", "cat"]
SMALL = ["training.epochs=3", "model.hidden=4", "model.embedding=4", "model.members=1", "model.wide=100"]


def rows(n: int, told: bool, seed: int = 0) -> tuple[list[str], list[str]]:
    """Texts of six words; `told`: one of them is the label."""
    draw = np.random.default_rng(seed)
    labels = draw.choice(["x", "y"], n).tolist()
    return [" ".join([*draw.choice(WORDS, 6), *([f"is{label}"] if told else [])]) for label in labels], labels


@pytest.mark.parametrize(
    ("ours", "theirs", "blind", "doubted"),
    [
        ((0.52, 0.04), (0.49, -0.02), 0.5, True),  # of 100: a standard error is .05
        ((0.56, 0.04), (0.49, -0.02), 0.5, False),
        ((0.52, 0.04), (0.56, 0.04), 0.5, False),  # then the advice is to use theirs
        ((0.98, 0.0), (0.99, 0.0), 0.99, True),
        ((0.98, 0.35), (0.99, 0.0), 0.99, False),  # uneven classes: a rare one is found, at the cost of as many errors
    ],
)
def test_a_doubt_is_told_where_neither_beats_a_blind_answer(
    ours: tuple[float, float], theirs: tuple[float, float], blind: float, doubted: bool
) -> None:
    linear, most = (
        Baseline("linear", "words", {"accuracy": theirs[0], "mcc": theirs[1]}),
        Baseline("majority class", "always 'x'", {"accuracy": blind, "mcc": 0.0}),
    )
    said = doubt({"accuracy": ours[0], "mcc": ours[1], "n": 100}, [linear, most], known_figure("accuracy"))
    assert bool(said) == doubted
    assert not said or "always 'x'" in said


@pytest.mark.parametrize("told", [False, True])
def test_terminal_card_and_report_tell_it(tmp_path: Path, told: bool) -> None:
    with open(tmp_path / "t.csv", "w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *zip(*rows(200, told))])
    task, recipe = recipe_of("classify", SMALL, {"data.path": str(tmp_path / "t.csv")})
    metrics = train_run(task, recipe, tmp_path / "run").metrics
    assert ("doubt" in metrics) != told
    for said in (
        metrics["verdict"],  # of which the terminal's last line is made
        (tmp_path / "run" / "card.md").read_text(encoding="utf-8"),
        (tmp_path / "run" / "report.html").read_text(encoding="utf-8"),
    ):
        assert isinstance(said, str)
        assert ("Neither is better than always" in said) != told
        assert told or "Use that one" not in said


def test_what_is_trained_again_to_the_end_is_calibrated_at_the_end() -> None:
    """Of chance labels some early epoch looks best, and its temperature is too low for what is learned by heart."""
    X, y = rows(120, told=False)
    parameters = {"epochs": 12, "hidden": 8, "embedding": 8, "rate": 0.02, "batch_size": 16, "dropout": 0.0}
    chosen = elman.Classifier(**parameters).fit(X, y)
    again = elman.Classifier(**parameters, refit=True).fit(X, y)
    assert chosen.fitted_.best_epoch < 12
    assert again.fitted_.best_epoch == 12
    assert again.temperature_ > chosen.temperature_


def test_the_epoch_is_chosen_by_the_networks_alone() -> None:
    """The linear model beside them knows these labels from the start: with it every epoch would look the best."""
    train, valid = (Labelled(*rows(n, told=True, seed=n)) for n in (160, 60))
    parameters = {"epochs": 12, "hidden": 8, "embedding": 8, "rate": 0.005, "batch_size": 16, "members": 2, "wide": 100}
    model = elman.Classifier(**parameters)
    model.fit_parts(train, valid)
    held = model.encoded(valid)
    networks, linear = predict_parts(model.model_, held)
    assert (linear.argmax(1) == held.y).all()
    chosen = model.fitted_.history[model.fitted_.best_epoch - 1]
    assert chosen["valid_accuracy"] == float((networks.argmax(1) == held.y).float().mean())
    assert chosen["valid_accuracy"] == max(row["valid_accuracy"] for row in model.fitted_.history)
    assert model.fitted_.history[0]["valid_accuracy"] < 0.8
    assert model.figures(held)["accuracy"] == 1
