"""What the report shows of a language model: how it writes, and what is left to type where it completes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from elman.data.texts import Texts
from elman.pages.markup import Child, Html, tag
from elman.pages.page import Section, section
from elman.tasks.contract import Look, Trained
from elman.tasks.generate.estimator import LanguageModel
from elman.tasks.generate.keystrokes import SHOWN, taken

__all__ = ["look"]

_WRITTEN = 600  # characters
_TYPED = 600


def look(usual: Look, trained: Trained[LanguageModel, Texts]) -> Look:
    """The usual report, with texts before its other sections."""
    characters = sum(map(len, trained.data.test.texts))
    said = f"{usual.said.partition(';')[0]}; judged on {characters:,} characters."
    sections = [_typed(trained.estimator, trained.data.test), _written(trained.estimator), *usual.sections]
    return replace(usual, said=said, sections=sections, show=("perplexity", "bits_per_character", "keystrokes_saved"))


def _typed(estimator: LanguageModel, test: Texts) -> Section | None:
    completer = estimator.completer()
    text = next((text for text in test.texts if text.strip()), "")[:_TYPED]
    parts: list[Child] = []
    done = 0
    for at, end in taken(completer, text, completer.spelling):
        parts += [tag("strong", text[done:at]), tag("span", text[at:end], class_="muted")]
        done = end
    if not done:
        return None
    parts.append(tag("strong", text[done:]))
    return section(
        "Typed with suggestions", _text(parts),
        lead=f"The beginning of the test text. {SHOWN} words are shown after each key: what is faint came with a word "
        "that was taken, the rest is typed.",
    )  # fmt: skip


def _written(estimator: LanguageModel) -> Section:
    text = estimator.sample(length=_WRITTEN, temperature=0.8)
    return section("What it writes", _text([text[:_WRITTEN]]), lead="Drawn at a temperature of 0.8, from nothing.")


def _text(parts: Sequence[Child]) -> Html:
    return tag("p", parts, style="white-space: pre-wrap")
