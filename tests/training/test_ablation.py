"""What each stage is worth: the variants of a recipe, and their figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from elman.config.recipe import Recipe, load_recipe
from elman.errors import InputError
from elman.metric import known_figure
from elman.models.classifier import ClassifierSettings
from elman.models.encoding import TextSettings
from elman.tasks.classify import task as classify
from elman.tasks.classify.estimator import Classifier
from elman.tasks.classify.variants import variants, variants_on
from elman.tasks.contract import Variants
from elman.tasks.frame import train_run
from elman.text.variants import chains
from elman.training.ablation import RECIPE, Shown, ablate

Texts = list[str]


def recipe(*overrides: str) -> Recipe:
    return load_recipe("classify", overrides, sections=classify.TASK.sections)


def chain(found: Recipe) -> list[str]:
    return [stage if isinstance(stage, str) else stage["name"] for stage in found[TextSettings].stages]


def test_a_recipe_has_a_variant_for_each_chain_one_step_away() -> None:
    given = recipe('text.stages=["unicode", "lower", "words", "lemma"]')
    found = variants(given, tagger=True)
    assert chain(found["without lower"]) == ["unicode", "words", "lemma"]
    assert chain(found["with tags"]) == ["unicode", "lower", "words", "tags", "lemma"]
    assert "with tags" not in variants(given, tagger=False)
    told = {
        name: other[TextSettings].stages for name, other in found.items() if other[TextSettings] != given[TextSettings]
    }
    assert told == {name: tuple(stages) for name, stages in chains(given[TextSettings].stages, tagger=True)}


@pytest.mark.parametrize(
    ("overrides", "names"),
    [
        (["model.ngrams=0"], {"with 4,000 n-grams of words", "with 4,000 n-grams of words and letters"}),
        (["model.ngrams=9", "model.ngram_letters=3"], {"without n-grams", "n-grams of words alone"}),
        (["model.wide=9", "model.ngram_letters=3"], {"without n-grams", "n-grams of words alone"}),
        (["text.vectors=v.txt"], {"without vectors", "vectors frozen"}),
        (["text.vectors=v.txt", "text.freeze=true"], {"without vectors", "vectors trained on"}),
        (["model.word_dropout=0.1"], {"without word dropout"}),
    ],
)
def test_inputs_beside_the_words(overrides: list[str], names: set[str]) -> None:
    found = variants(recipe(*overrides), tagger=False)
    assert names <= set(found)
    for name, other in found.items():
        other[ClassifierSettings].check()  # each can be trained
        assert not (name == "without n-grams" and (other[ClassifierSettings].ngrams or other[ClassifierSettings].wide))


def test_chains_that_change_nothing_are_told_apart() -> None:
    texts = ["Good it is", "it is BAD", "so good, so it is"]
    found = variants_on(recipe('text.stages=["lower", "words"]'), texts, ["it's"])
    assert {"with emoji", "with spaces", "with urls"} <= set(found.idle)
    assert {"without lower", "with contractions", "with punctuation"} <= set(found.recipes)
    assert not set(found.idle) & set(found.recipes)


# -- running them -----------------------------------------------------------------------------------------------------

FIGURE = known_figure("macro_f1")
WORTH = {RECIPE: 0.7, "without lower": 0.5, "with stem": 0.71}


class Runs:
    """Trainings whose figures are known beforehand; `stop` interrupts the one of that number."""

    def __init__(self, stop: int = 0, error: type[BaseException] | None = None) -> None:
        self.done: list[tuple[str, int]] = []
        self.stop, self.error = stop, error

    def __call__(self, name: str, seed: int, checkpoint: Path, title: str) -> float | None:
        checkpoint.mkdir(parents=True)
        if len(self.done) + 1 == self.stop:
            if self.error is not None:
                raise self.error
            return None
        self.done.append((name, seed))
        return WORTH[name] + seed / 100


def test_means_spreads_and_differences(tmp_path: Path) -> None:
    runs = Runs()
    found, interrupted = ablate(
        ["without lower", "with stem"],
        [0, 1],
        runs,
        tmp_path,
        figure=FIGURE,
        known={0: 0.7},
        idle=["with emoji"],
    )
    assert not interrupted
    assert (RECIPE, 0) not in runs.done  # known already
    assert runs.done[:2] == [("without lower", 0), ("with stem", 0)]  # all with one seed before any with the next
    told = found.to_dict()
    assert told["variants"]["without lower"]["difference"] == pytest.approx(-0.2)
    assert told["variants"]["with stem"]["mean"] == pytest.approx(0.715)
    assert told["variants"][RECIPE]["std"] == pytest.approx(0.01 / 2**0.5)
    assert told["changes nothing"] == ["with emoji"]
    assert not any((tmp_path / "ablation").iterdir())  # no checkpoint is left


@pytest.mark.parametrize("error", [None, KeyboardInterrupt])
def test_interrupted_and_taken_up_again(tmp_path: Path, error: type[BaseException] | None) -> None:
    first = Runs(stop=3, error=error)
    found, interrupted = ablate(["without lower", "with stem"], [0, 1], first, tmp_path, figure=FIGURE)
    assert interrupted
    assert first.done == [(RECIPE, 0), ("without lower", 0)]
    assert set(found.runs) == {RECIPE, "without lower"}  # what was not measured is not shown
    (tmp_path / "ablation" / "3").rmdir()  # the checkpoint of the one under way
    second = Runs()
    found, interrupted = ablate(["without lower", "with stem"], [0, 1], second, tmp_path, figure=FIGURE)
    assert not interrupted
    assert second.done == [("with stem", 0), (RECIPE, 1), ("without lower", 1), ("with stem", 1)]
    assert found.runs["without lower"] == pytest.approx([0.5, 0.51])


def test_what_is_shown_of_a_variant_is_kept(tmp_path: Path) -> None:
    shown = Shown(tmp_path / "shown.json")
    assert shown.to_dict() == {}
    shown.put("without lower", [1, {"low": 2}])
    shown.put("with stem", None)
    assert Shown(tmp_path / "shown.json").to_dict() == {"shown": {"without lower": [1, {"low": 2}]}} == shown.to_dict()
    (tmp_path / "shown.json").write_text("[1")
    with pytest.raises(InputError, match="the checkpoint is damaged"):
        Shown(tmp_path / "shown.json")


# -- on the way to a RUN ----------------------------------------------------------------------------------------------


def test_a_stage_known_to_matter_shows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each word is written in one case in training, in another in validation: without `lower` nothing is known."""
    rows = {
        "train": [(f"it is {w} {i % 7}", w) for i in range(30) for w in ("good", "bad")],
        "valid": [(f"IT IS {w.upper()} {i % 7}", w) for i in range(10) for w in ("good", "bad")],
        "test": [(f"it is {w}", w) for w in ("good", "bad")],
    }
    for part, lines in rows.items():
        (tmp_path / f"{part}.csv").write_text("text,label\n" + "".join(f"{t},{l}\n" for t, l in lines))
    monkeypatch.setattr(
        "elman.tasks.classify.task.variants_on",
        lambda recipe, *rest: Variants({k: v for k, v in variants(recipe, False).items() if k == "without lower"}),
    )
    again = []
    relearn = Classifier.relearn
    monkeypatch.setattr(Classifier, "relearn", lambda self, *given: (again.append(self.seed), relearn(self, *given)))
    sizes = ["model.hidden=8", "model.embedding=8", "model.refit=true"]
    small = load_recipe(
        "classify",
        [*sizes, "training.epochs=8", "training.rate=0.03", "training.seeds=2"],
        sections=classify.TASK.sections,
        values={f"data.{'path' if p == 'train' else p}": str(tmp_path / f"{p}.csv") for p in rows},
    )
    run = tmp_path / "run"
    metrics = train_run(classify.TASK, small, run, ablated=True).metrics
    told = metrics["ablation"]["variants"]
    assert told[RECIPE]["mean"] > 0.95
    assert told["without lower"]["mean"] < 0.7
    assert len(told["without lower"]["runs"]) == 2
    assert again == [0, 1]  # what is measured on the validation examples does not go on to learn them
    page = (run / "report.html").read_text()
    assert "without lower" in page
    assert "Each row is the recipe with one thing left out" in page
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run", "test.csv", "train.csv", "valid.csv"]
