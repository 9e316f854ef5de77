"""What a trained tagger shows of itself: the facts that card and report are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from elman.data.schemes import convert, spans
from elman.data.tagged import TaggedTexts
from elman.equations.printing import equations
from elman.figure import known_figure
from elman.pages.markup import tag
from elman.pages.page import Section, page, section
from elman.report import sections as report
from elman.report.calibration import calibration_figure, reliability
from elman.report.curves import training
from elman.report.facts import fact_list, length_figure, timing_bars
from elman.report.results import Results
from elman.report.scores import confusion_table, is_better, scoreboard, verdict
from elman.report.tagged import TaggedSentence, entity_sentences, f1_error, score_table, word_sentences
from elman.tasks.frame import Trained
from elman.tasks.tag.estimator import Tagger

__all__ = ["report_page", "settings_of"]


def settings_of(tagger: Tagger) -> dict[str, Any]:
    """What was trained, as printed pairs."""
    model = tagger.model_
    s = model.settings
    pairs = {
        "cell": model.context.graph.name,
        "layers": s.layers,
        "hidden size": s.hidden,
        "head": "CRF" if s.head == "crf" else "softmax",
        "word embedding": s.word_dim,
        "pretrained vectors": f"{len(tagger.lexicon_.known):,} of {model.vectors.shape[1]}" if s.vectors else "none",
        "letters": f"{s.char_dim} into 2 x {s.char_hidden}" if s.reads_letters else "none",
        "case": s.case_dim,
        "beginnings and endings": f"1 to {s.affix} letters into {s.affix_dim}" if s.affix_dim else "none",
        "parts of speech": "from the packaged tagger" if s.pos else "none",
        "parameters": sum(p.numel() for p in model.parameters()),
        "dropout": s.dropout,
        "recurrent dropout": s.recurrent_dropout,
        "word dropout": s.word_dropout,
    }
    if not tagger.names_.plain:
        pairs |= {"scheme of the data": tagger.names_.scheme, "scheme inside": tagger.names_.inner}
    for key in ("epochs", "batch_size", "rate", "schedule", "average", "weight_decay", "clip_norm", "seed"):
        pairs[key.replace("_", " ")] = getattr(tagger, key)
    if s.refit:
        pairs["trained anew"] = f"on training and validation sentences, {tagger.fitted_.best_epoch} epochs"
    pairs["temperature"] = round(tagger.temperature_, 3)
    if not tagger.names_.plain:
        pairs["entity threshold"] = tagger.threshold_
    pairs["engine"] = model.context.choice().name
    return pairs


def report_page(trained: Trained[Tagger, TaggedTexts]) -> tuple[str, str, bool]:
    """report.html: sentences with their entities coloured, mistakes first, and the figures around them.

    Returns:
        The page, its sentence on ours beside the baseline, and whether that says better.
    """
    recipe, data, tagger, metrics = trained.recipe, trained.data, trained.estimator, trained.metrics
    names = tagger.names_
    words, tags = [s.words for s in data.test], [s.tags for s in data.test]
    if not names.plain:
        tags = [convert(row, "IOB2", names.scheme) for row in tags]
    predicted, tables = tagger.predict(words), tagger.predict_proba(words)
    test, fitted = metrics["test"], tagger.fitted_
    columns = {name: k for k, name in enumerate(tagger.classes_.tolist())}
    chosen = [p[np.arange(len(row)), [columns[t] for t in names.as_classes(row)]] for row, p in zip(predicted, tables)]
    entities = data.is_entities
    results = Results(
        title=recipe.name,
        task="tag",
        history=fitted.history,
        metrics=metrics,
        labels=[],
        y_true=np.zeros(0),
        probabilities=np.zeros((0, 0)),
        settings={"equations": [str(line) for line in equations(tagger.model_.context.graph).lines]},
        proof=trained.proof.to_dict(),
    )
    shown = [
        TaggedSentence(w, _marked(p, names.scheme), _marked(t, names.scheme), float(sure.min()))
        for w, t, p, sure in zip(words, tags, predicted, chosen)
    ]
    (base,) = trained.baselines
    metric = "entity_f1" if entities else "accuracy"
    error = f1_error(shown)
    sections: list[Section | None] = [
        scoreboard(
            test,
            {base.name: base.scores},
            show=[known_figure(key) for key in (("entity_f1", "accuracy") if entities else ("accuracy", "macro_f1"))],
            errors={metric: error},
            seeds=metrics.get("seeds", {}).get("runs", ()),
            baseline_texts={base.name: base.text},
            ours=f"{tagger.model_.context.graph.name} tagger",
            notes=[*data.notes, f"Tags {test['words_per_second']:,.0f} words a second on this machine."],
        ),
        _sentences(shown, entities),
        _types(test, entities),
        training(fitted.history, fitted.best_epoch or None),
        _calibration(chosen, tags, predicted, tagger),
        report.cell(results),
        report.proof(results),
        _data_and_time(data, tagger, trained.seconds),
    ]
    said = f"{recipe.description or 'A tagger'}; judged on {test['sentences']:,} test sentences it never saw."
    judged = known_figure(metric), test[metric], error, {base.name: base.scores}
    return page(recipe.name.upper(), said, sections), verdict(*judged), is_better(*judged)


def _marked(row: Sequence[str], scheme: str) -> list[tuple[int, int, str]]:
    if scheme != "none":
        return [(e.start, e.end, e.type) for e in spans(row, scheme)]
    return [(i, i + 1, t) for i, t in enumerate(row)]


def _sentences(shown: Sequence[TaggedSentence], entities: bool) -> Section:
    lead = "Mistakes first, the surest of them at the top: each is sure by the probability of its least sure word."
    return section("Sentences", entity_sentences(shown) if entities else word_sentences(shown), lead=lead)


def _types(test: Mapping[str, Any], entities: bool) -> Section:
    table = confusion_table(np.array(test["confusion"]), test["labels"])
    if entities:
        whole = {key: test[f"entity_{key}"] for key in ("precision", "recall", "f1")} | {"support": test["entities"]}
        lead = (
            "An entity counts if its type and both its borders are right. Below, word by word: the type of the entity "
            "that each is in."
        )
        return section("Which entities", score_table({**test["types"], "all": whole}), table, lead=lead)
    rows = {name: {**row, "support": row["n"]} for name, row in test["classes"].items()}
    return section("Which tags", score_table(rows, "tag"), table)


def _calibration(
    chosen: Sequence[np.ndarray], tags: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], tagger: Tagger
) -> Section:
    right = [t == p for row, other in zip(tags, predicted) for t, p in zip(row, other)]
    found = reliability(np.concatenate(chosen), np.array(right))
    lead = (
        "When a tag is stated with probability .8, is it right four times in five? Scores were divided by "
        f"{tagger.temperature_:.2f}, the temperature that suits the validation sentences best."
    )
    return section("How sure, how right", calibration_figure(found), lead=lead)


def _data_and_time(data: TaggedTexts, tagger: Tagger, seconds: Mapping[str, float]) -> Section:
    parts = {"training": data.train, "validation": data.valid, "test": data.test}
    known = {w for s in data.train for w in s.words}
    test = [w for s in data.test for w in s.words]
    facts: dict[str, object] = {f"{name} sentences": len(part) for name, part in parts.items()}
    facts |= {f"{name} words": sum(map(len, part)) for name, part in parts.items()}
    facts["unknown share in test"] = sum(w not in known for w in test) / len(test)
    if tagger.lexicon_.known:
        vectors = set(tagger.lexicon_.known)
        facts["share of test words with a vector"] = sum(w in vectors or w.lower() in vectors for w in test) / len(test)
    blocks = [
        ("Words", fact_list(facts)),
        ("Sentences", length_figure({name: [len(s) for s in part] for name, part in parts.items()})),
        ("Settings", fact_list(settings_of(tagger))),
        ("Time", timing_bars(seconds)),
    ]
    return section(
        "Data, settings, time", tag("div", [tag("div", tag("h3", t), b) for t, b in blocks if b], class_="grid")
    )
