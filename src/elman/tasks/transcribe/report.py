"""What a transcriber shows of itself: what it heard where, and what goes wrong for whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from elman.data.speech import Utterances
from elman.equations.printing import equations
from elman.inspect.watching import watched_input
from elman.models.frames import FrameSettings
from elman.pages.markup import Html, join, tag
from elman.pages.numbers import count, percent
from elman.pages.page import Section, section
from elman.report.by_length import Span, by_length_figure, length_spans
from elman.report.curves import training
from elman.report.facts import fact_list, length_figure, timing_bars
from elman.report.player import recorded
from elman.report.sections import cell, inside, proof
from elman.report.spoken import edited, spoken_figure
from elman.sequences import Sequences
from elman.signals.audio import AUDIO
from elman.tasks.contract import Look, Trained
from elman.tasks.figures import Json
from elman.tasks.transcribe.estimator import Transcriber
from elman.tasks.transcribe.figures import confused, deviation, edits, error_counts
from elman.tasks.transcribe.search import Transcript

__all__ = ["inspect", "look"]

_WORST, _DRAWN, _GOOD = 12, 4, 2  # recordings that are shown, those with a picture, and good ones beside them
_LONGEST = 20.0  # seconds of a recording that is drawn, and can be played
_PLAYED = 60.0  # seconds that can be played, of all recordings together: a second is 30 kB of the page
_READ = 2000  # test recordings that are looked into


@dataclass(frozen=True)
class _Shown:
    """A test recording, its file, if it has one, what was heard in it, and its counts of errors, (4,)."""

    name: str
    file: str
    reference: str
    heard: Transcript
    frames: np.ndarray
    log_probs: np.ndarray
    counts: np.ndarray

    @property
    def rate(self) -> float:
        return float(self.counts[:3].sum() / max(1, self.counts[3]))


def look(trained: Trained[Transcriber, Utterances]) -> Look:
    """The report: the worst recordings first, then what is taken for what, by length and by speaker."""
    transcriber, fitted = trained.estimator, trained.estimator.fitted_
    test = trained.data.test.take(range(min(len(trained.data.test), _READ)))
    heard, log_probs = transcriber.heard(test), transcriber.log_probs(test)
    references = [" ".join(text.split()) for text in test.texts or ()]
    counts = error_counts(references, [one.text for one in heard])
    letters = error_counts(references, [one.text for one in heard], letters=True)
    files = test.files or [""] * len(test)
    columns = (test.names, files, references, heard, test.frames, log_probs, counts)
    shown = [_Shown(*some) for some in zip(*columns, strict=True)]
    graph = transcriber.model_.graph
    lines = [str(line) for line in equations(graph).lines]
    settings: dict[str, Json] = {"cell": graph.name, **transcriber.described_settings(), "equations": lines,
                                 "symbols": len(transcriber.symbols_)}  # fmt: skip
    if transcriber.fused_ is not None:
        settings |= {"weight": transcriber.fused_.weight, "bonus": transcriber.fused_.bonus}
    said = trained.recipe.description or "Speech becomes text"
    return Look(
        title=trained.recipe.name.capitalize(),
        said=f"{said}; judged on {len(trained.data.test):,} test recordings it never heard.",
        ours=f"{graph.name} and CTC",
        settings=settings,
        sections=[
            _recordings(transcriber, shown, test.rate),
            _wrong(references, heard, counts),
            _by_length(test, counts),
            _by_speaker(test, counts),
            training(fitted.history, fitted.kept[1] or None, "Loss, nats a symbol"),
            cell(lines),
            proof(trained.proof.to_dict()),
            _data_and_time(trained, {key: value for key, value in settings.items() if key != "equations"}),
        ],
        show=("wer", "cer"),
        errors={"wer": deviation(counts), "cer": deviation(letters)} if len(shown) > 1 else {},
        notes=[
            "Error rates are the fewest substituted, deleted and inserted words (or characters) that turn what was "
            "heard into what was said, over all words that were said."
        ],
    )


def inspect(transcriber: Transcriber, some: Utterances) -> tuple[str, list[Section | None]]:
    """What was heard in one recording, and where; and what the first layer remembered of it."""
    layer = transcriber.model_.layer
    x, ((heard,), (log_probs,)) = watched_input(layer, lambda: (transcriber.heard(some), transcriber.log_probs(some)))
    picture = _picture(transcriber, some.frames[0], log_probs, heard, some.rate)
    facts = fact_list({"text": heard.text, "log p": heard.log_prob, "seconds": len(some.frames[0]) / some.rate})
    sound = recorded(some.files[0], some.names[0], _LONGEST) if some.files else None
    answer = section("What was heard", facts, sound, picture, _words(heard))
    names = transcriber.symbols_.names
    tokens = [names[k] or "\u00b7" for k in log_probs.argmax(1).tolist()]
    return heard.text or "(nothing)", [answer, *inside(layer, Sequences.pack([x[: len(tokens), 0]]), tokens)]


# -- recordings


def _recordings(transcriber: Transcriber, shown: Sequence[_Shown], rate: float) -> Section:
    order = sorted(shown, key=lambda s: (-s.rate, -int(s.counts[:3].sum())))
    bad = [s for s in order[:_WORST] if s.rate]
    good = [s for s in order[::-1] if not s.rate and s.reference][:_GOOD]
    lead = (
        "The worst first. Above, the features of the recording, frame by frame: coloured where one is high, grey where "
        "it is low. Below, how likely each symbol is at each moment; the pale line is the blank, which says nothing. "
        "Words stand where the likeliest path has them. "
    )
    heard = any(s.file.lower().endswith(AUDIO) for s in shown)
    lead += (
        "The button plays the recording."
        if heard
        else "There is nothing to play: of these recordings features alone are kept."
    )
    played = _playable([*bad, *good], rate)
    cards = [_card(transcriber, s, rate, s.name in played, drawn=i < _DRAWN) for i, s in enumerate(bad)]
    rest = cards[_DRAWN:]
    more = tag("details", tag("summary", f"{len(rest)} more"), tag("ol", rest, class_="cards")) if rest else None
    blocks = [join(tag("h3", "Most of it wrong"), tag("ol", cards[:_DRAWN], class_="cards"), more)] if bad else []
    if good:
        cards = [_card(transcriber, s, rate, s.name in played, drawn=True) for s in good]
        blocks.append(join(tag("h3", "All of it right"), tag("ol", cards, class_="cards")))
    return section("Recordings", *blocks, lead=lead)


def _playable(shown: Sequence[_Shown], rate: float) -> set[str]:
    """The names of the first recordings that together are no longer than a page can play."""
    found, left = set(), _PLAYED
    for s in shown:
        seconds = len(s.frames) / rate
        if s.file and seconds <= min(left, _LONGEST):
            found.add(s.name)
            left -= seconds
    return found


def _card(transcriber: Transcriber, s: _Shown, rate: float, played: bool, drawn: bool) -> Html:
    wrong = int(s.counts[:3].sum())
    head = tag("div", tag("span", s.name), tag("span", f" {wrong} of {int(s.counts[3])} words wrong"), class_="head")
    picture = _picture(transcriber, s.frames, s.log_probs, s.heard, rate) if drawn else None
    sound = recorded(s.file, s.name, _LONGEST) if played else None
    return tag("li", head, edited(edits(s.reference, s.heard.text)), sound, picture, class_="card")


def _picture(
    transcriber: Transcriber, frames: np.ndarray, log_probs: np.ndarray, heard: Transcript, rate: float
) -> Html | None:
    seconds = len(frames) / rate
    if seconds > _LONGEST:
        return None
    step = transcriber.settings(FrameSettings).stride / rate
    words = [(w.word, w.start, w.end) for w in heard.words]
    drawn = spoken_figure(frames, np.exp(log_probs), transcriber.symbols_.names, step, seconds, words)
    return tag("figure", drawn, class_="wide scroll")


def _words(heard: Transcript) -> Html:
    head = tag("tr", tag("th", "word"), [tag("th", name, class_="n") for name in ("from, s", "to, s", "confidence")])
    rows = [
        tag("tr", tag("th", w.word, scope="row"),
            [tag("td", f"{value:.2f}", class_="n") for value in (w.start, w.end, w.confidence)])
        for w in heard.words
    ]  # fmt: skip
    return tag("div", tag("table", tag("thead", head), tag("tbody", rows)), class_="scroll")


# -- what goes wrong


def _wrong(references: Sequence[str], heard: Sequence[Transcript], counts: np.ndarray) -> Section:
    total = max(1, int(counts[:, 3].sum()))
    kinds = {name: int(counts[:, k].sum()) for k, name in enumerate(("substituted", "deleted", "inserted"))}
    facts = fact_list({name: f"{n:,} ({percent(n / total)} of {total:,} words)" for name, n in kinds.items()})
    pairs = confused(references, [one.text for one in heard])
    head = tag("tr", tag("th", "said"), tag("th", "heard"), tag("th", "times", class_="n"))
    rows = [tag("tr", tag("td", a), tag("td", b), tag("td", count(n), class_="n")) for a, b, n in pairs]
    table = tag("div", tag("table", tag("thead", head), tag("tbody", rows)), class_="scroll") if rows else None
    lead = "Which words were taken for which, the commonest first; \u2205 stands where there is no word."
    return section("What goes wrong", facts, table, lead=lead)


def _by_length(test: Utterances, counts: np.ndarray) -> Section | None:
    tenths = [round(10 * len(frames) / test.rate) for frames in test.frames]
    groups = length_spans(tenths)
    if len(groups) < 2:
        return None
    spans = []
    for group in groups:
        value, error = 100 * _rate(counts[group]), 100 * deviation(counts[group])
        low, high = min(tenths[i] for i in group), max(tenths[i] for i in group)
        spans.append(Span(low, high, len(group), value, max(0.0, value - 2 * error), value + 2 * error))
    lead = "Word errors by how long a recording is, with two standard deviations of a bootstrap over recordings."
    figure = by_length_figure({"errors": spans}, "Word error rate, %", of="tenths of a second, and how many recordings")
    return section("By length", tag("figure", figure), lead=lead)


def _by_speaker(test: Utterances, counts: np.ndarray) -> Section | None:
    speakers = sorted({*test.speakers} - {""})
    if len(speakers) < 2:
        return None
    mine = {s: np.array([i for i, other in enumerate(test.speakers) if other == s]) for s in speakers}
    head = tag("tr", tag("th", "speaker"), [tag("th", name, class_="n") for name in ("recordings", "words", "errors")])
    rows = [
        tag("tr", tag("th", s, scope="row"), tag("td", count(len(mine[s])), class_="n"),
            tag("td", count(int(counts[mine[s], 3].sum())), class_="n"),
            tag("td", percent(_rate(counts[mine[s]])), class_="n"))
        for s in sorted(speakers, key=lambda s: -_rate(counts[mine[s]]))
    ]  # fmt: skip
    rates = [_rate(counts[mine[s]]) for s in speakers]
    lead = f"From {percent(min(rates))} to {percent(max(rates))}; their mean is {percent(float(np.mean(rates)))}."
    table = tag("div", tag("table", tag("thead", head), tag("tbody", rows)), class_="scroll")
    return section("By speaker", table, lead=lead)


def _rate(counts: np.ndarray) -> float:
    return float(counts[:, :3].sum() / max(1, counts[:, 3].sum()))


def _data_and_time(trained: Trained[Transcriber, Utterances], settings: dict[str, Json]) -> Section:
    data = trained.data
    parts = {"training": data.train, "validation": data.valid, "test": data.test}
    facts: dict[str, object] = {}
    for name, part in parts.items():
        speakers = len({*part.speakers} - {""})
        told = f"{len(part):,}, {part.seconds / 60:.1f} minutes"
        facts[f"{name} recordings"] = f"{told}, {speakers} speakers" if speakers else told
    facts |= {"frames a second": data.train.rate, "features a frame": data.train.frames[0].shape[1]}
    lengths = {name: [len(frames) for frames in part.frames] for name, part in parts.items()}
    blocks = [
        ("Recordings", fact_list(facts)), ("Lengths", length_figure(lengths, unit="frames")),
        ("Settings", fact_list(settings)), ("Time", timing_bars(trained.seconds)),
    ]  # fmt: skip
    grid = tag("div", [tag("div", tag("h3", title), block) for title, block in blocks if block], class_="grid")
    return section("Data, settings, time", grid)
