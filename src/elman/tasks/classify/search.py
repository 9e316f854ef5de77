"""Settings tried against each other on held-out examples, by successive halving (Jamieson & Talwalkar 2016): all get a
quarter of the steps, the better half twice as many, and so on."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import torch

from elman.config.recipe import Recipe
from elman.config.told import in_words
from elman.config.training import TrainingSettings
from elman.data.label_sets import all_labels, split_keys
from elman.data.labelled import Labelled
from elman.data.split import split_groups, split_rows
from elman.models.calibration import class_temperature
from elman.tasks.classify.estimator import Classifier
from elman.tasks.classify.scores import predict_scores
from elman.tasks.classify.several import target_of
from elman.tasks.classify.target import Target
from elman.tasks.decided import Trial
from elman.tasks.figures import number
from elman.training.divergence import DivergenceError
from elman.training.progress import Silent

__all__ = ["Candidate", "Fold", "Found", "folds_of", "search"]

_FOLDS = 4
_JUDGED = 4000  # rows: their figure is sure to one in a hundred and fifty
_NEVER = 30.0  # nats: a class that a fold never met
Fold = tuple[Labelled, Labelled]  # to learn from, to judge by


@dataclass(frozen=True)
class Candidate:
    """Settings by dotted key, and what they came to so far: nll of held-out examples, the lower the better."""

    settings: dict[str, Any]
    nll: float = math.inf


@dataclass(frozen=True)
class Found:
    """Attributes: best: the settings that won; why: how; by: key of the trials' figure; trials: all, in order."""

    best: dict[str, Any]
    why: str
    by: str = ""
    trials: list[Trial] = field(default_factory=list)


def folds_of(train: Labelled, valid: Labelled, few: bool, rows: float, seed: int) -> list[Fold]:
    """On what to try: where rows are few, four folds of all of them; else the parts as they are, at most so many rows
    to learn from, and some thousands to judge by (every so-manieth). None without two classes to learn."""
    if not few:
        step = max(1, math.ceil(len(train) / max(rows, 1000)))
        some = train.take(range(0, len(train), step))
        held = valid.take(range(0, len(valid), max(1, len(valid) // _JUDGED)))
        return [(some, held)] if len(set(some.labels)) > 1 else []
    both = train.and_(valid)
    labels = [str(label) for label in split_keys(both.labels)]
    shares = [1 / _FOLDS] * min(_FOLDS, len(both))
    shares = [1 / len(shares)] * len(shares)
    groups = both.groups
    if groups is not None and len(set(groups)) >= len(shares):
        parts = split_groups(labels, groups, shares, seed)
    else:
        parts = split_rows(labels, shares, seed)
    everything = set(range(len(both)))
    folds = [(both.take(sorted(everything - set(part))), both.take(part)) for part in parts]
    return [fold for fold in folds if len(set(fold[0].labels)) > 1]


def search(recipe: Recipe, candidates: Sequence[Candidate], folds: Sequence[Fold], progress: Silent) -> Found:
    """Try the candidates, and say which is the best and by how much."""
    started, left, share, trials = time.perf_counter(), list(candidates), 0.5 if len(folds) > 1 else 0.25, []
    progress.start("trying settings", _runs(len(left)) * len(folds))
    try:
        while len(left) > 1:
            judged = []
            for candidate in left:
                trial = _try(recipe.setting(candidate.settings), candidate.settings, folds, share, progress)
                trials.append(trial)
                judged.append(Candidate(candidate.settings, math.inf if trial.nll is None else trial.nll))
            judged.sort(key=lambda candidate: candidate.nll)
            best, next_ = judged[0], judged[1]
            left, share = judged[: len(judged) // 2], min(1.0, 2 * share)
    finally:
        progress.stop()
    held = sum(len(held) for _, held in folds)
    how = f"cross-validated on {held} rows" if len(folds) > 1 else f"on {held:,} validation row{'s' * (held > 1)}"
    why = (
        f"the best of {len(candidates)} tried {how}: nll {best.nll:.3f}; the next, {in_words(next_.settings)}, "
        f"came to {next_.nll:.3f}; {time.perf_counter() - started:.0f} s"
    )
    return Found(best.settings, why, target_of(folds[0][0].labels).tried, trials)


def _runs(count: int) -> int:
    """How many trials halving takes."""
    return count + _runs(count // 2) if count > 1 else 0


def _try(recipe: Recipe, settings: dict[str, Any], folds: Sequence[Fold], share: float, progress: Silent) -> Trial:
    """One network, without the linear model, with a share of the steps; judged on all folds together."""
    started, scores, wanted, steps = time.perf_counter(), [], [], 0
    classes = sorted({label for parts in folds for part in parts for label in all_labels(part.labels)})
    target = type(target_of(folds[0][0].labels))(np.array(classes))
    whole = recipe[TrainingSettings]
    recipe = recipe.setting({"text.own_vectors": False, "text.unlabelled": ""})  # minutes, and the same for each
    recipe = recipe.setting({"model.members": 1, "model.wide": 0, "model.ngram_letters": 0, "model.refit": False})
    sections = [section for name, section in recipe.sections.items() if name != "data"]
    parameters = {k: v for section in sections for k, v in msgspec.structs.asdict(section).items()}
    for k, (learned, held) in enumerate(folds):
        every = math.ceil(len(learned) / whole.batch_size)
        few = max(1, round(share * whole.epochs * every))
        estimator = Classifier(**{**parameters, "steps": few, "seed": whole.seed + k})
        try:
            estimator.fit_parts(learned, None)
        except DivergenceError:
            return Trial(settings, few, None, None, time.perf_counter() - started)
        found = predict_scores(estimator.model_, estimator.encoded(held))
        if estimator.fitted_.diverged or not bool(found.isfinite().all()):
            return Trial(settings, few, None, None, time.perf_counter() - started)
        known = [classes.index(label) for label in estimator.classes_.tolist()]
        wide = np.full((len(held), len(classes)), -_NEVER)
        wide[:, known] = target.head.normalised(found).numpy()
        scores.append(wide)
        wanted.append(target.without(target.numbers(held.labels), sorted(set(range(len(classes))).difference(known))))
        steps += estimator.fitted_.steps
        progress.advance({})
    figure, nll = _judged(target, np.concatenate(scores), np.concatenate(wanted))
    return Trial(settings, steps, figure, nll, time.perf_counter() - started)


def _judged(target: Target, scores: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The figure, and the nll at the temperature that suits: how sure a network is can be mended afterwards."""
    head = target.head
    scores = scores / class_temperature(scores, y, head)
    P = head.probabilities(torch.from_numpy(scores)).numpy()
    figures = target.figures(y, P, head.threshold(P, y))
    return number(figures, target.tried), head.nll(scores, y) if len(head.known(y)) else math.inf
