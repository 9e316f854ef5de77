"""What the report shows of a model that answers: its answers, and the most frequent of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from elman.data.dialogues import turns_of
from elman.data.parallel import Pairs
from elman.models.replying import AnswerSettings
from elman.pages.markup import Html, tag
from elman.pages.page import Section, section
from elman.report.facts import bars
from elman.tasks.contract import Look, Trained
from elman.tasks.dialogue.estimator import Responder
from elman.tasks.dialogue.figures import CHOICES, spread

__all__ = ["look"]

_SHOWN = 12  # contexts
_OTHERS = 3  # answers that were ranked behind the first


def look(usual: Look, trained: Trained[Responder, Pairs]) -> Look:
    """The usual report, with answers before its other sections."""
    scores: dict[str, Any] = dict(trained.test)
    said = f"{usual.said.partition(';')[0]}; judged on {scores['n']:,} test contexts."
    sections = [_answers(trained.estimator, trained.data.test), _frequent(scores), *usual.sections]
    fewer = "" if scores["choices"] == CHOICES else ": the test part has no more that say something else"
    told = f"Recall@1: the true answer is ranked first of {scores['choices']}{fewer}"
    show = ("recall_at_1", "most_frequent", "perplexity")
    return replace(usual, said=said, sections=sections, show=show, notes=[told, *usual.notes])


def _answers(estimator: Responder, test: Pairs) -> Section:
    order, count = spread(len(test), _SHOWN)
    some = test.take(order[:count])
    found = estimator.replies(list(some.source))
    turns = [turns_of(context)[-estimator.settings(AnswerSettings).turns :] for context in some.source]
    rows = [
        tag("tr", tag("td", [tag("p", turn) for turn in said]), tag("td", _ranked(replies)), tag("td", true))
        for said, replies, true in zip(turns, found, some.target)
    ]
    head = tag("tr", [tag("th", name) for name in ("what was said", "the model", "a human")])
    return section(
        "Answers",
        tag("div", tag("table", tag("thead", head), tag("tbody", rows)), class_="scroll"),
        lead="Contexts evenly spread over the test part. Under the answer that was given stand some that were proposed "
        "and ranked behind it.",
    )


def _ranked(replies: Sequence[Any]) -> list[Html]:
    others = [tag("p", tag("small", f"{r.score:.2f} ", r.text)) for r in replies[1 : 1 + _OTHERS]]
    return [tag("p", tag("strong", replies[0].text)), *others]


def _frequent(scores: dict[str, Any]) -> Section | None:
    rows = {str(answer): count / scores["n"] for answer, count in scores.get("frequent", [])}
    if not rows:
        return None
    written = {answer: f"{share:.1%}" for answer, share in rows.items()}
    return section(
        "The most frequent answers",
        bars(rows, written),
        lead="A model that answers everything alike has one long bar here.",
    )
