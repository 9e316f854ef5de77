"""What a tagger shows of itself: of its training, and of one text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from elman.data.schemes import convert, spans
from elman.data.tagged import TaggedSentences
from elman.equations.printing import equations
from elman.inspect.watching import watched_input
from elman.pages.markup import tag
from elman.pages.numbers import fraction
from elman.pages.page import Section, section
from elman.report.calibration import calibration_figure, reliability
from elman.report.curves import training
from elman.report.facts import bars, fact_list, length_figure, timing_bars
from elman.report.scores import confusion_table
from elman.report.sections import cell, inside, proof
from elman.report.sentences import WORDS
from elman.report.tagged import (
    TaggedSentence,
    entity_sentences,
    f1_error,
    score_table,
    sentence_line,
    word_sentences,
)
from elman.sequences import Sequences
from elman.tasks.contract import Look, Split, Trained
from elman.tasks.figures import Json, number
from elman.tasks.tag.estimator import Tagger

__all__ = ["inspect", "look", "settings_of"]


def settings_of(tagger: Tagger) -> dict[str, Json]:
    """What was trained, as printed pairs."""
    model = tagger.model_
    s = model.settings
    pairs: dict[str, Json] = {
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


def look(trained: Trained[Tagger, TaggedSentences]) -> Look:
    """Sentences with their entities coloured, mistakes first, and the figures around them."""
    tagger, names, test = trained.estimator, trained.estimator.names_, trained.data.test
    entities = not names.plain
    tags = [convert(row, test.scheme, names.scheme) for row in test.tags] if entities else test.tags
    predicted, chosen = tagger.predict_with_confidence(test.words)
    shown = [
        TaggedSentence(list(w), _marked(p, names.scheme), _marked(t, names.scheme), float(sure.min()))
        for w, t, p, sure in zip(test.words, tags, predicted, chosen)
    ]
    scores: Mapping[str, Any] = trained.test
    graph, fitted = tagger.model_.context.graph, tagger.fitted_
    said = trained.recipe.description or "A tagger"
    return Look(
        title=trained.recipe.name.upper(),
        said=f"{said}; judged on {scores['sentences']:,} test sentences it never saw.",
        ours=f"{graph.name} tagger",
        settings=settings_of(tagger),
        sections=[
            _sentences(shown, entities),
            _types(scores, entities),
            training(fitted.history, fitted.kept[1] or None),
            _calibration(chosen, tags, predicted, tagger),
            cell([str(line) for line in equations(graph).lines]),
            proof(trained.proof.to_dict()),
            _data_and_time(trained.data, tagger, trained.seconds),
        ],
        show=("entity_f1", "accuracy") if entities else ("accuracy", "macro_f1"),
        errors={"entity_f1" if entities else "accuracy": f1_error(shown)},
        notes=[f"Tags {number(scores, 'words_per_second'):,.0f} words a second on this machine."],
    )


def inspect(tagger: Tagger, examples: TaggedSentences) -> tuple[str, list[Section | None]]:
    """The tags of one sentence, how sure each is, and what was remembered of the words."""
    tokens = list(examples.words[0])
    x, (tags, sure) = watched_input(tagger.model_.context, lambda: tagger.predict_with_confidence([tokens]))
    least = float(sure[0].min())
    found = section(
        "Tags" if tagger.names_.plain else "Entities",
        sentence_line(tokens, _marked(tags[0], tagger.names_.scheme)),
        bars({f"{i + 1} {w}": float(v) for i, (w, v) in enumerate(zip(tokens[:WORDS], sure[0]))}, top=1),
        lead=f"Sure by {fraction(least, 2)} of its least sure word; below, the probability of each word's tag.",
    )
    read = Sequences.pack([x[: len(tokens), 0]])
    return "A tagged sentence", [found, *inside(tagger.model_.context, read, tokens)]


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


def _data_and_time(data: Split[TaggedSentences], tagger: Tagger, seconds: Mapping[str, float]) -> Section:
    parts = {"training": data.train, "validation": data.valid, "test": data.test}
    known = {w for words in data.train.words for w in words}
    test = [w for words in data.test.words for w in words]
    facts: dict[str, object] = {f"{name} sentences": len(part) for name, part in parts.items()}
    facts |= {f"{name} words": sum(map(len, part.words)) for name, part in parts.items()}
    facts["unknown share in test"] = sum(w not in known for w in test) / len(test)
    if tagger.lexicon_.known:
        vectors = set(tagger.lexicon_.known)
        facts["share of test words with a vector"] = sum(w in vectors or w.lower() in vectors for w in test) / len(test)
    blocks = [
        ("Words", fact_list(facts)),
        ("Sentences", length_figure({name: [len(words) for words in part.words] for name, part in parts.items()})),
        ("Settings", fact_list(settings_of(tagger))),
        ("Time", timing_bars(seconds)),
    ]
    return section(
        "Data, settings, time", tag("div", [tag("div", tag("h3", t), b) for t, b in blocks if b], class_="grid")
    )
