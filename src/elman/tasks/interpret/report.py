"""What an interpreter shows of itself: what it wrote of what was said, and what it listened to as it wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sacrebleu.metrics.chrf import CHRF

from elman.data.parallel import Pairs
from elman.equations.printing import equations
from elman.inspect.watching import watched_input
from elman.models.writing import Written
from elman.pages.markup import Html, join, tag
from elman.pages.page import Section, section
from elman.report.alignment import shown_pieces
from elman.report.facts import fact_list
from elman.report.sections import inside, usual
from elman.report.spoken import attended_figure
from elman.sequences import Sequences
from elman.tasks.contract import Look, Trained
from elman.tasks.figures import Json
from elman.tasks.interpret.estimator import Heard, Interpreter
from elman.tasks.translate.estimator import Translator
from elman.tasks.translate.figures import bootstrap, sentence_counts

__all__ = ["inspect", "look"]

_READ, _EACH = 500, 4  # test recordings that are looked into, and how many of a kind are shown
_LONGEST = 20.0  # seconds of a recording that is drawn


@dataclass(frozen=True)
class _Shown:
    """A test recording, what it becomes, what was written, and how near that is: chrF, in points."""

    name: str
    frames: np.ndarray
    reference: str
    found: Written
    near: float


def look(trained: Trained[Translator, Pairs]) -> Look:
    """The report: recordings with what was listened to, by how near they came; then what every training shows."""
    interpreter, test = trained.estimator, trained.data.test
    assert isinstance(interpreter, Interpreter)
    test = test.take(range(min(len(test), _READ)))
    found = [some[0] for some in interpreter.translations(list(test.source), alignment=True)]
    names: Sequence[Any] = test.table["recording"] if test.table is not None else range(len(test))
    near = [CHRF().sentence_score(one.text, [text]).score for one, text in zip(found, test.target)]
    shown = [_Shown(str(n), *some) for n, *some in zip(names, test.source, test.target, found, near, strict=True)]
    graph, fitted = interpreter.model_.encoder.graph, interpreter.fitted_
    lines = [str(line) for line in equations(graph).lines]
    facts: dict[str, Json] = {"cell": graph.name, **interpreter.described_settings(),
                              "units": len(interpreter.units_.target)}  # fmt: skip
    counts = sentence_counts([one.text for one in found], list(test.target))
    right = sum(one.text == text for one, text in zip(found, test.target))
    said = trained.recipe.description or "Speech becomes text in another language"
    return Look(
        title=trained.recipe.name.capitalize(),
        said=f"{said}; judged on {len(trained.data.test):,} test recordings it never heard.",
        ours=f"{graph.name} encoder and decoder",
        settings={**facts, "equations": lines},
        sections=[
            _recordings(interpreter, shown),
            *usual(fitted.history, fitted.kept[1] or None, lines, trained.proof.to_dict(), facts, trained.seconds),
        ],
        show=("bleu", "chrf"),
        errors={"bleu": float(bootstrap(counts).std(ddof=1))} if len(counts) > 1 else {},
        notes=[f"Of {len(shown):,} test recordings {right:,} are written to the letter as they stand in the data."],
    )


def inspect(interpreter: Interpreter, some: Heard) -> tuple[str, list[Section | None]]:
    """What was written of one recording, what was listened to, and what the encoder remembered of it."""
    layer = interpreter.model_.encoder
    x, (found,) = watched_input(layer, lambda: interpreter.translations(list(some.source), alignment=True))
    best = found[0]
    facts = fact_list({"translation": best.text, "score": best.score, "log p": best.log_prob})
    answer = section("What was written", facts, _picture(interpreter, some.source[0], best))
    read = Sequences.pack([x[: len(best.source), 0]])
    return best.text or "(nothing)", [answer, *inside(layer, read, list(best.source))]


def _recordings(interpreter: Interpreter, shown: Sequence[_Shown]) -> Section:
    order = sorted(shown, key=lambda s: s.near)
    good = [s for s in order[::-1] if s.near > order[0].near][:_EACH]
    lead = (
        "The recordings of which least came out right, and some of which most did. Below the features of each there is "
        "a row for every unit that was written, in their order: the stronger the colour, the more it was listened to."
    )
    groups = [("Far from the data", order[:_EACH]), ("Near to the data", good)]
    blocks = [join(tag("h3", title), tag("ol", [_card(interpreter, s) for s in some], class_="cards"))
              for title, some in groups if some]  # fmt: skip
    return section("Recordings", *blocks, lead=lead)


def _card(interpreter: Interpreter, s: _Shown) -> Html:
    head = tag("div", tag("span", s.name), tag("span", " chrF ", tag("b", f"{s.near:.0f}")), class_="head")
    rows = {"written": s.found.text, "in the data": s.reference}
    said = tag("dl", [(tag("dt", name), tag("dd", text)) for name, text in rows.items()], class_="pair")
    return tag("li", head, said, _picture(interpreter, s.frames, s.found), class_="card")


def _picture(interpreter: Interpreter, frames: np.ndarray, found: Written) -> Html | None:
    seconds = len(frames) / interpreter.rate_
    if seconds > _LONGEST or found.looks is None or not len(found.pieces) or not found.looks.any():
        return None
    pieces = shown_pieces(found.pieces)
    drawn = attended_figure(frames, found.looks, pieces, interpreter.units_.step, seconds)
    return tag("figure", drawn, class_="wide scroll")
