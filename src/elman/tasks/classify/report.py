"""What a trained classifier shows of itself: the facts that card and report are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from elman.config.recipe import Recipe
from elman.config.training import TrainingSettings
from elman.data.labelled import LabelledTexts
from elman.equations.printing import equations
from elman.figure import known_figure
from elman.models.classifier import ClassifierSettings
from elman.models.encoding import Examples, TextSettings
from elman.pages.page import Section
from elman.report.ablation import ablation
from elman.report.results import Results
from elman.report.sections import classifier_page, remembering
from elman.tasks.classify.estimator import Classifier, LossSettings
from elman.tasks.classify.sensitivity import interesting, sensitivities
from elman.tasks.frame import Trained

__all__ = ["report_page", "results_of"]


def results_of(trained: Trained[Classifier, LabelledTexts]) -> Results:
    """Everything the report draws."""
    recipe, data, classifier, metrics = trained.recipe, trained.data, trained.estimator, trained.metrics
    labels = [str(label) for label in classifier.classes_]
    train = classifier.encoding_(data.train["text"])
    test = classifier.encoding_(data.test["text"])
    y = {part: classifier.class_numbers(getattr(data, part)["label"]) for part in ("train", "valid", "test")}
    P = classifier.predict_proba(data.test["text"])
    shown = interesting(y["test"], P, data.test["text"])
    return Results(
        title=recipe.name.capitalize(),
        task="classify",
        history=classifier.fitted_.history,
        metrics=metrics,
        labels=labels,
        y_true=y["test"],
        probabilities=P,
        texts=data.test["text"],
        tokens=_as_seen(classifier, test),
        lengths=test.lengths,
        train_lengths=train.lengths,
        class_counts={part: np.bincount(k, minlength=len(labels)).tolist() for part, k in y.items()},
        settings=_settings(recipe, classifier),
        timings=trained.seconds,
        vocabulary=_vocabulary(classifier, train, test),
        baselines={b.name: b.scores for b in trained.baselines},
        baseline_texts={b.name: b.text for b in trained.baselines},
        seeds=metrics.get("seeds", {}).get("runs", ()),
        sensitivities=sensitivities(classifier.model_, test, shown),
        notes=list(data.notes),
        best_epoch=classifier.fitted_.best_epoch or None,
        proof=trained.proof.to_dict(),
    )


def report_page(results: Results, classifier: Classifier) -> str:
    """report.html."""
    return classifier_page(results, _memory(results, classifier), _ablation(results.metrics.get("ablation")))


def _ablation(found: Mapping[str, Any] | None) -> Section | None:
    """What `elman train --ablate` measured, if it did."""
    if found is None:
        return None
    runs = {name: row["runs"] for name, row in found["variants"].items()}
    lead = (
        "Each row is the recipe with one thing left out, changed or added, trained anew with the seeds "
        f"{', '.join(map(str, found['seeds']))} and judged on the validation split, never on the test split. What is "
        "left out was worth something where the difference is below zero by more than its standard error, twice over. "
        "The best epoch is chosen on the same split, which flatters every row a little, and alike."
    )
    idle = found["changes nothing"]
    if idle:
        lead += f" These change not one token of these texts, so nothing was trained: {', '.join(idle)}."
    return ablation(runs, found["reference"], figure=known_figure(found["metric"]), lead=lead)


def _memory(results: Results, classifier: Classifier, most: int = 24) -> Section | None:
    """What the recurrent layers remember of some test sequences, and the pictures of one of them.

    That one is answered rightly, with confidence, and neither too short to show memory nor too long to print.
    """
    sure = results.probabilities[np.arange(len(results.y_true)), results.y_true]
    fits = [i for i, n in enumerate(results.lengths) if 10 <= n <= 18]
    if not fits:
        return None
    one = max(fits, key=lambda i: float(sure[i]))
    picks = [one, *[i for i in range(len(results.lengths)) if i != one and results.lengths[i] <= 60][: most - 1]]
    model = classifier.model_.eval()
    batch, _, _ = classifier.encoding_([results.texts[i] for i in picks]).batch(list(range(len(picks))))
    with torch.no_grad():
        x = batch.with_data(model.embed(batch.data, batch.lengths))
    words = results.tokens[one] if len(results.tokens) else [str(t + 1) for t in range(results.lengths[one])]
    return remembering(model.recurrent, x, words)


def _as_seen(classifier: Classifier, examples: Examples) -> list[list[str]]:
    if classifier.encoding_.vocabulary is None:
        return []
    return [classifier.encoding_.as_read(item) for item in examples.items]


def _settings(recipe: Recipe, classifier: Classifier) -> dict[str, Any]:
    model, text, training = recipe[ClassifierSettings], recipe[TextSettings], recipe[TrainingSettings]
    graph = classifier.model_.recurrent.graph
    stages = [s if isinstance(s, str) else s.get("name", "?") for s in text.stages]
    return {
        "cell": graph.name,
        "bidirectional": model.bidirectional,
        "layers": model.layers,
        "hidden size": model.hidden,
        "embedding": classifier.model_.recurrent.input_size,
        "pooling": model.pooling,
        "parameters": sum(p.numel() for p in classifier.model_.parameters()),
        "dropout": model.dropout,
        "word dropout": model.word_dropout,
        "n-gram features": model.ngrams,
        "text chain": ", ".join(stages),
        "class weights": recipe[LossSettings].class_weights,
        "label smoothing": recipe[LossSettings].label_smoothing,
        "epochs": training.epochs,
        "batch size": training.batch_size,
        "learning rate": training.rate,
        "schedule": training.schedule,
        "weight decay": training.weight_decay,
        "clip norm": training.clip_norm,
        "seed": classifier.seed,
        "engine": classifier.model_.recurrent.choice().name,
        "equations": [str(line) for line in equations(graph).lines],
    }


def _vocabulary(classifier: Classifier, train: Examples, test: Examples) -> dict[str, float]:
    vocabulary = classifier.encoding_.vocabulary
    if vocabulary is None:
        return {"features a step": classifier.encoding_.features}
    counts: dict[str, int] = {}
    for tokens in train.tokens:
        for token in tokens:
            counts[token] = counts.get(token, 0) + 1
    return {
        "words known": len(vocabulary) - 2,
        "different words in training": len(counts),
        "seen only once": sum(c == 1 for c in counts.values()),
        "unknown share in training": vocabulary.unknown_share(train.tokens),
        "unknown share in test": vocabulary.unknown_share(test.tokens),
    }
