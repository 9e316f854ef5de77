"""What the report shows of a language model: how it writes, and what is left to type where it completes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from elman.data.texts import Texts
from elman.errors import InputError
from elman.inspect.watching import first_layer, watched_input
from elman.pages.markup import Child, Html, tag
from elman.pages.page import Section, section
from elman.report.sections import inside
from elman.sequences import Sequences
from elman.tasks.contract import Look, Trained
from elman.tasks.generate.estimator import LanguageModel, RunningSettings
from elman.tasks.generate.keystrokes import SHOWN, taken
from elman.text.running import BEGIN

__all__ = ["inspect", "look", "typed_with_suggestions"]

_WRITTEN = 600  # characters
_TYPED = 600
_LOOKED = 200  # units of a text that is looked into


def look(usual: Look, trained: Trained[LanguageModel, Texts]) -> Look:
    """The usual report, with texts before its other sections."""
    characters, typed = trained.data.test.characters, trained.estimator.settings(RunningSettings).typed
    keys = f", keys saved on the first {typed:,} of them" if 0 < typed < characters else ""
    said = f"{usual.said.partition(';')[0]}; judged on {characters:,} characters{keys}."
    sections = [
        typed_with_suggestions(trained.estimator, trained.data.test),
        _written(trained.estimator),
        *usual.sections,
    ]
    return replace(usual, said=said, sections=sections, show=("perplexity", "bits_per_character", "keystrokes_saved"))


def inspect(estimator: LanguageModel, text: str) -> tuple[str, Sequence[Section | None]]:
    """What each unit of a text came as, what else was likely there, and what the first layer remembered."""
    layer, units = first_layer(estimator.model_), estimator.units_
    numbers = [BEGIN, *units.encode(text).tolist()][: _LOOKED + 1]
    if len(numbers) < 2:
        raise InputError("there is no unit in it", remedy="give more text")
    model = estimator.model_.eval()

    def read() -> Tensor:
        with torch.no_grad():
            h, _ = model(torch.tensor(numbers[:-1])[:, None], model.begin(1))
            return model.log_probs(h)[:, 0]

    x, log_probs = watched_input(layer, read)
    shown = [units.words[n].replace("\n", "\u21b5") for n in range(len(units))]

    def likeliest(p: Tensor) -> str:
        return ", ".join(f"{shown[k]} {float(p[k].exp()):.2f}" for k in p.topk(min(3, len(p))).indices.tolist())

    rows = [
        tag("tr", tag("td", shown[n]), tag("td", f"{float(p[n].exp()):.3f}", class_="n"), tag("td", likeliest(p)))
        for n, p in zip(numbers[1:], log_probs)
    ]
    head = tag("tr", [tag("th", name) for name in ("unit", "probability", "likeliest there")])
    table = tag("div", tag("table", tag("thead", head), tag("tbody", rows)), class_="scroll")
    lead = f"Given all before each. Perplexity {math.exp(-float(log_probs[range(len(rows)), numbers[1:]].mean())):.2f}."
    tokens = [shown[n] for n in numbers[:-1]]
    return "What comes next", [
        section("Unit by unit", table, lead=lead),
        *inside(layer, Sequences.pack([x[:, 0]]), tokens),
    ]


def typed_with_suggestions(estimator: LanguageModel, test: Texts) -> Section | None:
    """The beginning of the test text: what is left to type, and what came with a word that was suggested."""
    completer = estimator.completer()
    text = next((head for text in test.texts if (head := text[:_TYPED]).strip()), "")
    parts: list[Child] = []
    done = 0
    for at, end in taken(completer, text, completer.spelling):
        parts += [tag("strong", text[done:at]), tag("span", text[at:end], class_="muted")]
        done = end
    if not done:
        return None
    parts.append(tag("strong", text[done:]))
    lead = (
        f"The beginning of the test text. {SHOWN} words are shown after each key: what is faint came with a word that "
        "was taken, the rest is typed."
    )
    if (counted := estimator.model_.counted) is not None:
        lead += (
            f" They are suggested by the network and by counted n-grams together, whose share of a probability is "
            f"{float(counted.share):.2f}; perplexity is the network's alone."
        )
    return section("Typed with suggestions", _text(parts), lead=lead)


def _written(estimator: LanguageModel) -> Section:
    text = estimator.sample(length=_WRITTEN, temperature=0.8)
    return section("What it writes", _text([text[:_WRITTEN]]), lead="Drawn at a temperature of 0.8, from nothing.")


def _text(parts: Sequence[Child]) -> Html:
    return tag("p", parts, style="white-space: pre-wrap")
