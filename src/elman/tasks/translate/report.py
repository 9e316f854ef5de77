"""What a translator shows of itself: of its training, and of one text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sacrebleu.metrics.chrf import CHRF

from elman.data.parallel import Pairs
from elman.equations.printing import equations
from elman.inspect.watching import watched_input
from elman.metric import known_figure
from elman.models.seq2seq_settings import Seq2SeqSettings
from elman.models.writing import SearchSettings, Written
from elman.pages.markup import Html, join, tag
from elman.pages.numbers import count, percent
from elman.pages.page import Section, section
from elman.report.alignment import alignment_chart
from elman.report.curves import training
from elman.report.facts import fact_list, length_figure, timing_bars
from elman.report.sections import cell, inside, proof
from elman.sequences import Sequences
from elman.tasks.contract import Look, Trained
from elman.tasks.figures import Json, number
from elman.tasks.translate.by_length import READ, WAYS, by_length, length_curve
from elman.tasks.translate.estimator import Translator
from elman.tasks.translate.faults import FAULTS, faults
from elman.tasks.translate.figures import bootstrap, sentence_counts

__all__ = ["inspect", "look"]

_EACH, _OPEN = 8, 3  # sentences of a kind, and how many of them lie open
_TELLING = (5, 24)  # units of a source whose alignment can be read
_EXAMPLES = 3  # of each fault
_NBEST = 5
_COUNTED = 20_000  # training pairs whose lengths are drawn


@dataclass(frozen=True)
class _Shown:
    """A test pair, what was made of it, and how near that is: chrF of the sentence, in points."""

    source: str
    reference: str
    found: Sequence[Written]
    near: float

    @property
    def answer(self) -> str:
        return self.found[0].text


def look(trained: Trained[Translator, Pairs]) -> Look:
    """The report: what it wrote and looked at, how it does by length, what goes wrong."""
    translator, test = trained.estimator, trained.data.test
    test = test.take(range(min(len(test), READ)))
    beam = translator.settings(SearchSettings).beam
    nbest = min(_NBEST, beam)
    found = translator.translations(list(test.source), nbest=nbest, alignment=True)
    shown = [
        _Shown(source, reference, some, CHRF().sentence_score(some[0].text, [reference]).score)
        for source, reference, some in zip(test.source, test.target, found)
    ]
    graph, fitted = translator.model_.encoder.graph, translator.fitted_
    counts = sentence_counts([s.answer for s in shown], list(test.target))
    said = trained.recipe.description or "Texts become other texts"
    return Look(
        title=trained.recipe.name.capitalize(),
        said=f"{said}; judged on {len(trained.data.test):,} test pairs it never saw.",
        ours=f"{graph.name} encoder and decoder",
        settings=_settings(translator, [str(line) for line in equations(graph).lines]),
        sections=[
            _sentences(shown),
            by_length(
                length_curve(test, [s.answer for s in shown]),
                WAYS[translator.settings(Seq2SeqSettings).attention],
                trained.metrics.get("ablation"),
            ),
            _wrong(shown),
            training(fitted.history, fitted.kept[1] or None),
            cell([str(line) for line in equations(graph).lines]),
            proof(trained.proof.to_dict()),
            _data_and_time(trained),
        ],
        show=("bleu", "chrf"),
        errors={"bleu": float(bootstrap(counts).std(ddof=1))} if len(counts) > 1 else {},
        notes=[
            f"Translates {number(trained.test, 'sentences_per_second'):,.0f} sentences a second on this machine, with "
            f"a beam of {beam}.",
        ],
    )


def inspect(translator: Translator, text: str) -> tuple[str, list[Section | None]]:
    """The translations of one text, what was looked at, and what the encoder remembered of it."""
    nbest = _NBEST
    x, (found,) = watched_input(
        translator.model_.encoder, lambda: translator.translations([text], nbest=nbest, alignment=True)
    )
    best = found[0]
    lead = "The likeliest first; the score is what they are ranked by."
    answer = section("Translations", _nbest(found), _chart(best), lead=lead)
    read = Sequences.pack([x[: len(best.source), 0]])
    return "A translated text", [answer, *inside(translator.model_.encoder, read, list(best.source))]


# -- sentences


def _sentences(shown: Sequence[_Shown]) -> Section:
    """Good ones and bad ones, with the alignment of each."""
    low, high = _TELLING
    telling = [s for s in shown if low <= len(s.found[0].source) <= high and s.found[0].pieces] or list(shown)
    order = sorted({s.source: s for s in telling}.values(), key=lambda s: -s.near)
    good = order[:_EACH]
    bad = [s for s in order[: _EACH - 1 : -1][:_EACH] if s.near < good[0].near]
    lead = (
        "The test sentences that came nearest to what stands in the data, and those that came least near, by chrF. In "
        "the charts each row is a unit that was written and each column one that was read: the stronger the colour, "
        "the more it was looked at. Point at a square to read which two it joins."
    )
    return section("Sentences", _group("Far from the data", bad), _group("Near to the data", good), lead=lead)


def _group(title: str, some: Sequence[_Shown]) -> Html | None:
    if not some:
        return None
    cards = [_card(s) for s in some]
    rest = cards[_OPEN:]
    more = tag("details", tag("summary", f"{len(rest)} more"), tag("ol", rest, class_="cards")) if rest else None
    return join(tag("h3", title), tag("ol", cards[:_OPEN], class_="cards"), more)


def _card(s: _Shown) -> Html:
    several = None
    if len(s.found) > 1:
        several = tag("details", tag("summary", f"the {len(s.found)} likeliest"), _nbest(s.found))
    head = tag("div", tag("span", "chrF ", tag("b", f"{s.near:.0f}")), class_="head")
    return tag("li", head, _said(s), _chart(s.found[0]), several, class_="card")


def _said(s: _Shown) -> Html:
    """What was read, what was written, and what stands in the data."""
    lines = {"source": s.source, "written": s.answer, "in the data": s.reference}
    rows = [(tag("dt", name), tag("dd", tag("bdi", text, dir="auto"))) for name, text in lines.items()]
    return tag("dl", rows, class_="pair")


def _chart(best: Written) -> Html | None:
    if best.looks is None or not len(best.pieces) or not best.looks.any():
        return None
    return alignment_chart(best.source, best.pieces, best.looks)


def _nbest(found: Sequence[Written]) -> Html:
    head = tag("tr", tag("th", "written"), tag("th", "score", class_="n"), tag("th", "log p", class_="n"))
    rows = [
        tag("tr", tag("td", tag("bdi", w.text, dir="auto")), tag("td", f"{w.score:.3f}", class_="n"),
            tag("td", f"{w.log_prob:.2f}", class_="n"))
        for w in found
    ]  # fmt: skip
    return tag("div", tag("table", tag("thead", head), tag("tbody", rows)), class_="scroll")


# -- what goes wrong


def _wrong(shown: Sequence[_Shown]) -> Section:
    has = faults([s.source for s in shown], [s.answer for s in shown], [s.reference for s in shown])
    rows, examples = [], []
    for name, meaning in FAULTS.items():
        some = [s for s, own in zip(shown, has) if name in own]
        cells = tag("td", count(len(some)), class_="n"), tag("td", percent(len(some) / len(shown)), class_="n")
        rows.append(tag("tr", tag("th", name, scope="row"), *cells, tag("td", meaning)))
        if some:
            line = f"{name}: {min(len(some), _EXAMPLES)} of {len(some):,}"
            examples.append(tag("details", tag("summary", line), map(_said, some[:_EXAMPLES])))
    numbers = [tag("th", name, class_="n") for name in ("texts", "share")]
    head = tag("tr", tag("th", "fault"), numbers, tag("th", "means"))
    table = tag("div", tag("table", tag("thead", head), tag("tbody", rows)), class_="scroll")
    return section("What goes wrong", table, *examples, lead="Seen by counting, without knowing the languages.")


# -- data, settings, time


def _settings(translator: Translator, lines: Sequence[str]) -> dict[str, Json]:
    units = translator.units_
    sizes = {"units": len(units.source)} if units.shared else {
        "units of the source": len(units.source), "units of the target": len(units.target)
    }  # fmt: skip
    return {"cell": translator.model_.encoder.graph.name, **translator.described_settings(), **sizes,
            "equations": list(lines)}  # fmt: skip


def _signatures(test: Mapping[str, Json]) -> Html | None:
    found = test.get("signature")
    if not isinstance(found, Mapping):
        return None
    return fact_list({known_figure(key).title: text for key, text in found.items()})


def _data_and_time(trained: Trained[Translator, Pairs]) -> Section:
    data, translator = trained.data, trained.estimator
    parts = {"training": data.train, "validation": data.valid, "test": data.test}
    columns = data.columns
    facts: dict[str, object] = {f"{name} pairs": len(part) for name, part in parts.items()}
    facts |= {"from": columns.get("input", "source"), "into": columns.get("target", "target")}
    settings = {k: v for k, v in _settings(translator, []).items() if k != "equations"}
    read = translator.units_.encode(data.train.source[:_COUNTED], data.train.target[:_COUNTED])
    lengths = {"source": list(map(len, read.sources)), "target": list(map(len, read.targets))}
    blocks = [
        ("Pairs", fact_list(facts)),
        ("Lengths of the training pairs", length_figure(lengths, unit="units")),
        ("Settings", fact_list(settings)),
        ("Time", timing_bars(trained.seconds)),
        ("Signatures of sacrebleu", _signatures(trained.test)),
    ]
    grid = tag("div", [tag("div", tag("h3", title), block) for title, block in blocks if block], class_="grid")
    return section("Data, settings, time", grid)
