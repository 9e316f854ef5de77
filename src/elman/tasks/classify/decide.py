"""What a classifier decides from its data where nobody said it: one rule for all tables, from ten rows to millions.

Most follows from the number of rows and their kind; what the data alone can tell (the learning rate, the width, what of
a series is read) is tried, on examples held out of the training part. What nobody set and what was set by hand are told
apart by `Recipe.given`; a recipe with sections of its own for model, loss or training is taken as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elman.config.recipe import Recipe
from elman.config.told import in_words
from elman.config.training import TrainingSettings
from elman.data.label_sets import each_label
from elman.data.labelled import Labelled
from elman.models.classifier import ClassifierSettings
from elman.models.encoding import TextSettings, are_texts
from elman.models.own_vectors import check_unlabelled
from elman.tasks.classify.search import Candidate, folds_of, search
from elman.tasks.decided import Decided
from elman.text.chain import Chain
from elman.text.tag import no_tags
from elman.training.progress import Silent

__all__ = ["Facts", "decide", "facts_of", "rule"]

FEW = 1000  # rows; of fewer every one counts: choices are cross-validated, and the answer is learned from all
_SOME, _SOON = 10_000, 2_000_000  # rows, and time steps of a network, for learning twice
_USUAL = 5000  # rows that are read twelve times
_MANY = 4_000_000  # rows; so many are read once
# sequences in a batch, for fewer rows than that
_BATCHES = ((8, 150), (16, 500), (32, 30_000), (64, 60_000), (128, 1_200_000), (256, math.inf))
# networks, for fewer rows than that: the more rows, the less their answers differ
_MEMBERS = ((3, 30_000), (2, 150_000), (1, math.inf))
_MUCH = 500_000  # words of text, from which on no more than so many different ones are told apart
_WORDS = 50_000  # by all networks together: their vectors are most of what training holds
_WIDE = 50_000  # n-gram features of the linear model
_WIDEST = 10_000_000  # numbers of it, n-grams times classes
_STEPS = 500  # of a series at most; longer ones are read several steps at a time
_EFFORT = 3_000_000  # time steps read in a search: about a minute of two cores
_SAMPLE = 500  # texts whose length is taken for that of all


@dataclass(frozen=True)
class Facts:
    """What the rule goes by.

    Attributes:
        rows: to train on, and to choose by.
        classes: K.
        series: numbers, and not texts.
        steps: of a sequence, on average: words that are read, or time steps.
        longest: of the series, in time steps.
        few: whether there are so few rows that every one counts.
    """

    rows: int
    classes: int
    series: bool
    steps: float
    longest: int
    few: bool


def facts_of(train: Labelled, valid: Labelled, text: TextSettings) -> Facts:
    """The facts of the training and the validation part."""
    stages, most = text.stages, text.max_length
    rows, classes = len(train), len(set(each_label(train.labels)))
    few = rows + len(valid) < FEW
    some = [train.inputs[i] for i in range(0, rows, max(1, rows // _SAMPLE))]
    if are_texts(some):
        read = Chain(stages, tagger=no_tags).fit(some) if "tags" not in str(stages) else None
        lengths = [len(x.split() if isinstance(x, str) else x) if read is None else len(read(x)) for x in some]
        lengths = [min(length, most) if most else length for length in lengths]
        return Facts(rows, classes, False, sum(lengths) / len(lengths), 0, few)
    lengths = [len(x) for x in train.inputs]
    return Facts(rows, classes, True, sum(lengths) / rows, max(lengths), few)


def rule(facts: Facts) -> dict[str, tuple[Any, str]]:
    """Dotted key -> (value, why), in the order in which they are told."""
    n = facts.rows
    once = 120 if facts.series else 60  # passes over few rows; an epoch of series teaches less than one of words
    slower = 0.5 if n < _USUAL else 0.65  # batches grow from there on, and a step of a larger one is worth more
    epochs = max(2 if n < _MANY else 1, min(once, round(once / 5 * (_USUAL / n) ** slower)))
    # Passes are whole, so what is read in all is not quite even: of two tables of much the same size the larger may
    # read a third less. Of one twice as large it never is. Its steps may be fewer, of larger batches: on 77,626 phrases
    # two passes in batches of 128 were level with three in batches of 64, and so were two networks with three
    # (benchmarks/tables/README.md).
    batch = next(size for size, below in _BATCHES if n < below)
    passes = f"{epochs * -(-n // batch):,} steps for {n:,} rows: more rows are read more in all, in fewer passes"
    found: dict[str, tuple[Any, str]] = {
        "loss.class_weights": ("none", "every example counts alike; rare classes weigh more only where asked"),
        "training.batch_size": (batch, "small sets in small batches"),
        "training.epochs": (epochs, passes),
        "training.schedule": ("one-cycle", "the rate rises, and falls to nothing at the end"),
    }
    effort = _effort(facts, epochs)
    most = 5 if facts.few and facts.series else next(k for k, below in _MEMBERS if n < below)
    members = min(most, 5 if effort < 1_500_000 else 3 if effort < 2_500_000 else 2 if effort < 5_000_000 else 1)
    if members > 1:
        found["model.members"] = (members, f"networks whose answers are averaged, at {members} times the cost of one")
    if facts.few or (n < _SOME and effort < _SOON):
        found["model.refit"] = (True, f"{n:,} rows are few: the answer is learned from the validation rows, too")
    if facts.series:
        stride = -(-facts.longest // _STEPS)
        if stride > 1:
            found["model.stride"] = (stride, f"the longest series has {facts.longest:,} steps")
        found["model.pooling"] = ("concat", "last, largest and mean state side by side")
        found["model.cell"] = ("gru", "fewer numbers to learn than an LSTM's")
        found["model.dropout"] = (0.1, "series of numbers bear less than words")
        found["model.hidden"] = (64, "for series of numbers")
        return found
    if n * facts.steps > _MUCH:
        each = _WORDS // max(1, members)
        found["text.max_words"] = (each, "the rarest words of so much text are met too seldom to be learned")
    found["training.weight_decay"] = (0.1, "for words, most of which are rare")
    wide = min(_WIDE, _WIDEST // facts.classes)
    found["model.wide"] = (wide, "n-grams read by a linear model beside the networks; its share is learned")
    found["model.ngram_letters"] = (5, "n-grams of letters among them")
    return found


def _effort(facts: Facts, epochs: int) -> float:
    """Time steps that one network reads; of series each is soon done."""
    return facts.rows * facts.steps * epochs * (0.1 if facts.series else 1.0)


def candidates_of(facts: Facts) -> list[dict[str, Any]]:
    """What is tried; the first is what is taken where nothing is."""
    if facts.series and facts.longest == 1:  # plain tables of numbers: one step has no course of its own
        return [{"model.scale": "all", "training.rate": rate} for rate in (0.005, 0.01)]
    if facts.series:
        ways: list[dict[str, Any]] = [
            {"model.scale": scale, "model.differences": True, "training.rate": 0.005}
            for scale in ("both", "all", "each")
        ]
        return ways
    wide, narrow = {"model.embedding": 300, "model.hidden": 128}, {"model.embedding": 100, "model.hidden": 64}
    if facts.few:  # among those that are tried on so few, chance would choose
        return [{**narrow, "training.rate": 0.005}]
    return [{**wide, "training.rate": 0.005}, {**wide, "training.rate": 0.002}, {**narrow, "training.rate": 0.005}]


def decide(recipe: Recipe, train: Labelled, valid: Labelled, progress: Silent) -> Decided:
    """What the data say of the keys that nobody set."""
    if not recipe.open:
        return Decided()
    check_unlabelled(recipe[TextSettings].unlabelled)
    facts = facts_of(train, valid, recipe[TextSettings])
    ruled = {key: value for key, value in rule(facts).items() if key not in recipe.given}
    if recipe[ClassifierSettings].ngrams:
        ruled.pop("model.wide", None)
    if "training.steps" in recipe.given:
        ruled.pop("training.epochs", None)
    settings = {key: value for key, (value, _) in ruled.items()}
    lines = [f"{in_words({key: value})} ({why})" for key, (value, why) in ruled.items()]
    tried = _distinct(candidates_of(facts), recipe)
    by_hand = {"training.epochs", "training.steps"} & recipe.given
    settings |= tried[0]
    training = recipe.setting(settings)[TrainingSettings]
    rows = _EFFORT / max(1.0, facts.steps * training.epochs)
    folds = [] if len(tried) == 1 or by_hand else folds_of(train, valid, facts.few, rows, training.seed)
    if facts.few:  # long texts are tried on two folds
        folds = folds[: max(2, int(_EFFORT / max(1.0, _effort(facts, training.epochs))))]
    if not folds:
        if tried[0]:
            few = "a wider network learns no more from few rows" if facts.few and not facts.series else ""
            why = "too few rows of each class to try others" if len(tried) > 1 else few or "nothing to choose"
            if by_hand:
                why = f"{' and '.join(sorted(by_hand))} set by hand: nothing was tried"
            lines.append(f"{in_words(tried[0])} ({why})")
        return Decided(settings, tuple(lines))
    progress.note(f"trying {len(tried)} settings on examples held out of the training part")
    found = search(recipe.setting(settings), [Candidate(c) for c in tried], folds, progress)
    settings |= found.best
    lines.append(f"{in_words(found.best)} ({found.why})")
    return Decided(settings, tuple(lines), tuple(found.trials), found.by)


def _distinct(candidates: Sequence[Mapping[str, Any]], recipe: Recipe) -> list[dict[str, Any]]:
    """Without what was set by hand, each once."""
    found: list[dict[str, Any]] = []
    for candidate in candidates:
        left = {key: value for key, value in candidate.items() if key not in recipe.given}
        if left not in found:
            found.append(left)
    return found
