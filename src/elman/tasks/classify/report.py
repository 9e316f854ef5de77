"""What a classifier shows of itself: of its training, and of one text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elman.config.recipe import Recipe
from elman.config.training import TrainingSettings
from elman.data.labelled import Labelled
from elman.equations.printing import equations
from elman.errors import InputError
from elman.inspect.sensitivity import Sensitivity, explain_answers, gradient_times_input, leave_one_out
from elman.metric import known_figure
from elman.models.class_loss import LossSettings
from elman.models.classifier import ClassifierSettings, SequenceClassifier
from elman.models.committee import Committee, first_of
from elman.models.encoding import Encoding, Examples, TextSettings
from elman.pages.numbers import fraction
from elman.pages.page import Section, section
from elman.report.facts import bars, vocabulary_facts
from elman.report.results import Results
from elman.report.sections import inside, remembering, subtitle
from elman.report.sentences import WORDS, moved_words
from elman.tasks.classify.baselines import doubt
from elman.tasks.classify.estimator import Classifier
from elman.tasks.classify.target import written
from elman.tasks.classify.views import View, view
from elman.tasks.contract import Look, Trained
from elman.text.chain import Chain

__all__ = ["inspect", "look", "sensitivities"]


def look(trained: Trained[Classifier, Labelled]) -> Look:
    """What card and report show besides the figures."""
    seen = view(trained.estimator, trained.data)
    results = _results(trained, seen)
    return Look(
        title=results.title,
        said=subtitle(results),
        ours=str(results.settings["cell"]),
        settings=results.settings,
        sections=seen.sections(results, _memory(results, trained.estimator, seen.sure)),
        errors=seen.errors(results),
        doubt=doubt(trained.test, trained.baselines, known_figure(trained.estimator.target_.tried)),
    )


def _results(trained: Trained[Classifier, Labelled], seen: View) -> Results:
    """Everything the report draws."""
    data, classifier = trained.data, trained.estimator
    encoding, fitted = classifier.encoding_, classifier.fitted_
    train, test = encoding(data.train.inputs, ngrams=False), encoding(data.test.inputs)
    return Results(
        title=trained.recipe.name.capitalize(),
        history=fitted.history,
        metrics=trained.metrics,
        labels=seen.labels,
        y_true=seen.y,
        probabilities=seen.probabilities,
        texts=data.test.inputs,
        tokens=[] if encoding.reads_numbers else encoding.seen(test),
        lengths=test.lengths if test.given is None else np.maximum(test.given, 1).tolist(),
        train_lengths=train.lengths if train.given is None else np.maximum(train.given, 1).tolist(),
        most=0 if encoding.reads_numbers else encoding.max_length,
        unit=_unit(encoding),
        class_counts=seen.counts,
        settings=_settings(trained.recipe, classifier),
        timings=trained.seconds,
        vocabulary=vocabulary_facts(encoding.vocabulary, encoding.features, train.tokens, test.tokens),
        sensitivities=sensitivities(classifier.model_, test, seen.shown),
        again=classifier.valid_ is not None and not (fitted.interrupted or fitted.diverged),
        best_epoch=fitted.kept[1] or None,
        proof=trained.proof.to_dict(),
    )


def _unit(encoding: Encoding) -> str:
    """Of lengths."""
    if not encoding.reads_numbers:
        return "words"
    return "steps" if encoding.stride == 1 else f"readings of {encoding.stride} steps each"


def inspect(classifier: Classifier, text: str) -> tuple[str, list[Section | None]]:
    """The answer to one text, which words moved it, and what was remembered of them."""
    if classifier.encoding_.reads_numbers:
        raise InputError("this RUN reads numbers, not text", remedy="inspect one that reads text")
    model = classifier.model_.eval()
    examples = classifier.encoding_([text])
    batch = examples.batch([0])
    with torch.no_grad():
        x = batch.sequences.with_data(model.embed(batch.sequences.data, batch.lengths))  # (T, 1, E)
    P = classifier.predict_proba([text])
    p, asked = P[0], torch.from_numpy(P.argmax(1))
    tokens = _as_written(classifier.encoding_.chain, text, examples.tokens[0]) or [text]  # nothing is left of it
    unknown = classifier.encoding_.unknown(examples.items[0])

    def scores(e: Tensor, lengths: Tensor) -> Tensor:
        found = model.read(e, lengths, None if batch.ngrams is None else batch.ngrams.repeated(e.shape[1]))
        return model.head.contrast(found, asked.to(found.device).expand(len(found)))[0]

    order = p.argsort()[::-1]
    probabilities = {classifier.labels[k]: float(p[k]) for k in order}
    place = model.head.contrast(torch.zeros(1, len(p)), asked)[1].to(x.data.device)
    exact = leave_one_out(scores, x, place, first=WORDS)[:, 0].tolist()
    moved = moved_words(
        tokens, exact, gradient_times_input(scores, x, place)[:, 0].tolist(), unknown, classifier.labels[order[0]],
        " The n-gram features are left as they are." if batch.ngrams is not None else "",
    )  # fmt: skip
    first = first_of(model)
    said = bars(probabilities, {label: fraction(v) for label, v in probabilities.items()}, top=1)
    answer = classifier.target_.rows(P, classifier.threshold_)[0]
    return written(answer) or "no label", [
        section("Answer", said, lead=classifier.target_.rule(classifier.threshold_)),
        moved,
        *inside(first.recurrent, x.with_data(x.data[..., : first.recurrent.input_size]), tokens),
    ]


def _as_written(chain: Chain | None, text: str, tokens: list[str]) -> list[str]:
    """The words before they were stemmed or otherwise changed one by one, if as many as the model reads; else those."""
    split = [value for _, value in chain.trace(text) if isinstance(value, list)] if chain is not None else []
    words = split[0][: len(tokens)] if split and len(split[0]) == len(split[-1]) else tokens
    return [str(word) for word in words]


def _memory(results: Results, classifier: Classifier, sure: np.ndarray, most: int = 24) -> Section | None:
    """What the recurrent layers remember of some test sequences, and the pictures of one of them.

    That one is answered rightly, with confidence, and neither too short to show memory nor too long to print.
    """
    fits = [i for i, n in enumerate(results.lengths) if 10 <= n <= 18]
    if not fits:
        return None
    one = max(fits, key=lambda i: float(sure[i]))
    picks = [one, *[i for i in range(len(results.lengths)) if i != one and results.lengths[i] <= 60][: most - 1]]
    model = first_of(classifier.model_.eval())
    sequences = classifier.encoding_([results.texts[i] for i in picks]).batch(range(len(picks))).sequences
    with torch.no_grad():
        x = sequences.with_data(model.embed(sequences.data, sequences.lengths))
    words = results.tokens[one] if len(results.tokens) else [str(t + 1) for t in range(results.lengths[one])]
    return remembering(model.recurrent, x, words)


def _settings(recipe: Recipe, classifier: Classifier) -> dict[str, Any]:
    model, text, training = recipe[ClassifierSettings], recipe[TextSettings], recipe[TrainingSettings]
    graph = classifier.model_.recurrent.graph
    stages = [s if isinstance(s, str) else s.get("name", "?") for s in text.stages]
    linear = getattr(classifier.model_, "wide", None)
    wide = 0 if linear is None else linear.in_features
    of_numbers = {"scale": model.scale, "differences": model.differences, "stride": model.stride}
    of_texts = {
        "word dropout": model.word_dropout,
        "n-gram features": model.ngrams,
        **({"n-grams of a linear model": wide} if wide else {}),
        "text chain": ", ".join(stages),
    }
    return {
        "cell": graph.name,
        "bidirectional": model.bidirectional,
        "layers": model.layers,
        "hidden size": model.hidden,
        "embedding": classifier.model_.recurrent.input_size,
        "pooling": model.pooling,
        **({"members": model.members} if model.members > 1 else {}),
        "parameters": sum(p.numel() for p in classifier.model_.parameters()),
        "dropout": model.dropout,
        **(of_numbers if classifier.encoding_.reads_numbers else of_texts),
        "class weights": recipe[LossSettings].class_weights,
        "label smoothing": recipe[LossSettings].label_smoothing,
        **classifier.target_.told(classifier.threshold_),
        **({"learned from validation rows too": True} if model.refit else {}),
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


def sensitivities(model: SequenceClassifier | Committee, examples: Examples, picks: Sequence[int]) -> list[Sensitivity]:
    """For each picked sequence, how much every time step's input raised the log-probability of the likeliest class."""
    if not picks:
        return []
    model.eval()
    batch = examples.batch(list(picks))
    with torch.no_grad():
        x = batch.sequences.with_data(model.embed(batch.sequences.data, batch.lengths))  # (T, B, E)
        found = model.read(x.data, x.lengths, batch.ngrams)
        asked = found.argmax(1)
        place = model.head.contrast(found, asked)[1]

    def scores(e: Tensor, lengths: Tensor) -> Tensor:
        return model.head.contrast(model.read(e, lengths, batch.ngrams), asked)[0]

    return explain_answers(scores, x, picks, place)
