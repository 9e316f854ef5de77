"""One text looked into: what a trained model answers, which words moved it, and what it remembered on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from elman.data.schemes import spans
from elman.equations.printing import equations
from elman.errors import InputError
from elman.inspect.sensitivity import gradient_times_input, leave_one_out
from elman.layers.recurrent import Recurrent
from elman.pages.markup import join, tag
from elman.pages.mathematics import equations as typeset
from elman.pages.numbers import count, fraction
from elman.pages.page import Section, page, section
from elman.report.facts import bars
from elman.report.pictures import STEPS
from elman.report.sections import remembering
from elman.report.sentences import WORDS, legend, shaded
from elman.report.tagged import sentence_line
from elman.sequences import Sequences
from elman.tasks.classify.estimator import Classifier
from elman.tasks.tag.estimator import Tagger
from elman.text.chain import Chain
from elman.text.tokenize import words
from elman.training.run_reader import run_task

__all__ = ["inspect_page"]

_REMEMBERED = 160  # words of a text that the derivatives of a state reach back over

Answer = tuple[list[list[str]], list[np.ndarray]]  # tags, and their probabilities, of each sentence


def inspect_page(run: Path, text: str) -> str:
    """A page about one text.

    Raises:
        InputError: no RUN, one that reads numbers, or a text without a word.
    """
    if not text.strip():
        raise InputError("the text is empty", where="--input", remedy="give at least one word")
    title, sections = {"classify": _classified, "tag": _tagged}[run_task(run)](run, text)
    return page(title, f"What {run.resolve().name} makes of one text.", sections)


def _classified(run: Path, text: str) -> tuple[str, list[Section | None]]:
    classifier = Classifier.load(run)
    if classifier.encoding_.reads_numbers:
        raise InputError("this RUN reads numbers, not text", where=str(run), remedy="inspect one that reads text")
    model = classifier.model_.eval()
    examples = classifier.encoding_([text])
    batch, ngrams, _ = examples.batch([0])
    with torch.no_grad():
        x = batch.with_data(model.embed(batch.data, batch.lengths))  # (T, 1, E)
    p = classifier.predict_proba([text])[0]
    labels = [str(label) for label in classifier.classes_]
    tokens = _as_written(classifier.encoding_.chain, text, examples.tokens[0]) or [text]  # nothing is left of it
    unknown = classifier.encoding_.unknown(examples.items[0])

    def scores(e: Tensor, lengths: Tensor) -> Tensor:
        return model.read(e, lengths, None if ngrams is None else ngrams.expand(e.shape[1], -1))

    order = p.argsort()[::-1]
    probabilities = {labels[k]: float(p[k]) for k in order}
    first = shaded(tokens, gradient_times_input(scores, x)[:, 0].tolist(), unknown)
    exact = shaded(tokens, leave_one_out(scores, x, first=WORDS)[:, 0].tolist(), unknown)
    lead = f"How far the log-probability of \u201c{labels[order[0]]}\u201d falls without each word."
    if ngrams is not None:
        lead += " The n-gram features are left as they are."
    if unknown:
        lead += f" {_of_words(len(unknown), len(tokens))} unknown to the model, and set in italics."
    moved = section(
        "Which words moved it",
        legend({"speaks for the answer": "blue", "speaks against it": "orange"}),
        tag("h3", "Left out one at a time"),
        exact,
        tag("h3", "To first order: gradient times input"),
        first,
        lead=lead,
    )
    said = bars(probabilities, {label: fraction(v) for label, v in probabilities.items()}, top=1)
    return labels[order[0]], [section("Answer", said), moved, *_inside(model.recurrent, x, tokens)]


def _tagged(run: Path, text: str) -> tuple[str, list[Section | None]]:
    tagger = Tagger.load(run)
    tokens = words(text, style="treebank")
    x, (tags, sure) = _watched_input(tagger.model_.context, lambda: tagger.predict_with_confidence([tokens]))
    if tagger.names_.plain:
        marks = [(i, i + 1, t) for i, t in enumerate(tags[0])]
    else:
        marks = [(e.start, e.end, e.type) for e in spans(tags[0], tagger.names_.scheme)]
    least = float(sure[0].min())
    found = section(
        "Tags" if tagger.names_.plain else "Entities",
        sentence_line(tokens, marks),
        bars({f"{i + 1} {w}": float(v) for i, (w, v) in enumerate(zip(tokens[:WORDS], sure[0]))}, top=1),
        lead=f"Sure by {fraction(least, 2)} of its least sure word; below, the probability of each word's tag.",
    )
    return "A tagged sentence", [found, *_inside(tagger.model_.context, Sequences.pack([x[: len(tokens), 0]]), tokens)]


def _watched_input(layer: nn.Module, call: Callable[[], Answer]) -> tuple[Tensor, Answer]:
    """What a layer read while `call` ran, and what `call` returned."""
    seen: list[Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, args: seen.append(args[0].detach()))
    try:
        answer = call()
    finally:
        handle.remove()
    return seen[-1], answer


def _inside(layer: Recurrent, x: Sequences, tokens: Sequence[str]) -> list[Section | None]:
    lines = [str(line) for line in equations(layer.graph).lines]
    memory = remembering(layer, Sequences.pack([x.data[:_REMEMBERED, 0]]), tokens[:_REMEMBERED])
    if memory is not None and len(tokens) > _REMEMBERED:
        left_out = (
            f"Of the {count(len(tokens))} words, the curve is of the first {_REMEMBERED}, and the pictures of single "
            f"words are of the first {STEPS}, each read as if the text ended there."
        )
        memory = Section(memory.title, join(tag("p", left_out, class_="lead"), memory.body))
    return [memory, section("The equations", typeset(lines))]


def _of_words(n: int, of: int) -> str:
    if of == 1:
        return "Its only word is"
    return f"1 of its {of} words is" if n == 1 else f"{'All' if n == of else n} of its {of} words are"


def _as_written(chain: Chain | None, text: str, tokens: list[str]) -> list[str]:
    """The words before they were stemmed or otherwise changed one by one, if as many as the model reads; else those."""
    split = [value for _, value in chain.trace(text) if isinstance(value, list)] if chain is not None else []
    words = split[0][: len(tokens)] if split and len(split[0]) == len(split[-1]) else tokens
    return [str(word) for word in words]
