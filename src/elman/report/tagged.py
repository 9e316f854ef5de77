"""Tagged sentences as a reader sees them: entities on coloured grounds, words with the tag they should have had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from elman.pages.markup import Child, Html, join, tag
from elman.pages.numbers import count, fraction
from elman.pages.palette import SERIES
from elman.report.sentences import WORDS, first_of_each, legend

__all__ = ["Span", "TaggedSentence", "entity_sentences", "f1_error", "score_table", "sentence_line", "word_sentences"]

Span = tuple[int, int, str]  # first word, one past the last, type


@dataclass(frozen=True)
class TaggedSentence:
    """One sentence, what was found in it and what stands in the data.

    Attributes:
        words: n of them.
        found: spans of the tagger, or (for plain tags) one tag a word as ``(i, i + 1, tag)``.
        true: likewise of the data.
        confidence: the probability of the tagging, of its least sure word, or NaN.
    """

    words: Sequence[str]
    found: Sequence[Span]
    true: Sequence[Span]
    confidence: float = float("nan")

    @property
    def errors(self) -> int:
        """Spans found that are not in the data, and spans of the data not found."""
        return len(set(self.found) ^ set(self.true))


def f1_error(sentences: Sequence[TaggedSentence], draws: int = 1000, seed: int = 0) -> float:
    """How far the F1 over all spans would move on another test set of this size: the bootstrap's standard deviation.

    Whole sentences are drawn with replacement, since what stands in one sentence is not independent. Where every word
    has a tag, found and true spans are equally many and F1 is the accuracy.
    """
    counts = np.array([[len(set(s.found) & set(s.true)), len(s.found) + len(s.true)] for s in sentences])  # (N, 2)
    drawn = np.random.default_rng(seed).multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=draws)
    hits, both = (drawn @ counts).T  # (draws,) each
    return float(np.std(2 * hits / np.maximum(both, 1), ddof=1))


def score_table(scores: Mapping[str, Mapping[str, float]], what: str = "type") -> Html:
    """Precision, recall, F1 and how many there are: a row for each type, then ``all`` if it is among them.

    Args:
        scores: name -> ``{"precision", "recall", "f1", "support"}``.
        what: heading of the first column.
    """
    head = tag("tr", tag("th", what), [tag("th", h, class_="n") for h in ("precision", "recall", "F1", "in the data")])
    names = sorted((n for n in scores if n != "all"), key=lambda n: -scores[n].get("support", 0))
    rows = []
    for name in [*names, *(["all"] if "all" in scores else [])]:
        s = scores[name]
        f1 = s["f1"]
        meter = tag("span", tag("i", style=f"--v:{100 * f1:.1f}%"), class_="meter")
        rows.append(
            tag(
                "tr",
                tag("th", tag("bdi", name), scope="row"),
                tag("td", fraction(s["precision"]), class_="n"),
                tag("td", fraction(s["recall"]), class_="n"),
                tag("td", fraction(f1), meter, class_="n"),
                tag("td", count(s.get("support", 0)), class_="n"),
                class_="best" if name == "all" else None,
            )
        )
    return tag("div", tag("table", tag("thead", head), tag("tbody", rows)), class_="scroll")


def entity_sentences(sentences: Sequence[TaggedSentence], each: int = 20, open_: int = 8) -> Html:
    """Sentences with their entities coloured: mistakes first, then right ones that hold an entity.

    Args:
        sentences: the test split, or part of it.
        each: how many of both kinds at most.
        open_: how many of them lie open; the rest behind a line to click.
    """
    types = sorted({t for s in sentences for *_, t in (*s.found, *s.true)})
    hues = {t: SERIES[i % len(SERIES)] for i, t in enumerate(types)}
    wrong = _surest([s for s in sentences if s.errors])
    right = _surest([s for s in sentences if not s.errors and s.true])
    key = tag(
        "p",
        tag("span", tag("span", "found", class_="entity", style="--hue:var(--muted)")),
        tag("span", tag("span", "found, not in the data", class_="entity false", style="--hue:var(--muted)")),
        tag("span", tag("span", "in the data, not found", class_="missed", style="--hue:var(--muted)")),
        class_="legend",
    )
    return join(
        legend(hues) if 1 < len(types) <= len(SERIES) else None,
        key,
        _group("Mistakes", [_entity_card(s, hues) for s in wrong[:each]], open_, sum(s.errors > 0 for s in sentences)),
        _group("Right", [_entity_card(s, hues) for s in right[:each]], open_, len(right)),
    )


def word_sentences(sentences: Sequence[TaggedSentence], each: int = 20, open_: int = 8) -> Html:
    """Sentences of a tagger that tags every word: those with mistakes, each wrong word with both tags under it."""
    wrong = _surest([s for s in sentences if s.errors])
    return _group(
        "Mistakes", [_word_card(s) for s in wrong[:each]], open_, sum(s.errors > 0 for s in sentences)
    ) or Html(tag("p", "No mistakes among these sentences."))


def sentence_line(words: Sequence[str], found: Sequence[Span]) -> Html:
    """One sentence with the spans found in it, each type in a colour of its own."""
    types = sorted({kind for *_, kind in found})
    hues = {kind: SERIES[i % len(SERIES)] for i, kind in enumerate(types)}
    return _line(words, [(span, "entity") for span in found], hues)


def _surest(sentences: list[TaggedSentence]) -> list[TaggedSentence]:
    """The surest first, each once; sentences whose confidence is not known keep their order after them."""
    sure = np.nan_to_num(np.array([s.confidence for s in sentences], dtype=float), nan=-1.0)
    ordered = [sentences[int(i)] for i in np.argsort(-sure, kind="stable")]
    return [ordered[i] for i in first_of_each([[*s.words, *s.found, *s.true] for s in ordered])]


def _group(title: str, cards: list[Html], open_: int, of: int) -> Html | None:
    if not cards:
        return None
    rest = cards[open_:]
    more = tag("details", tag("summary", f"{len(rest)} more"), tag("ol", rest, class_="cards")) if rest else None
    heading = tag("h3", title, tag("span", f" \u00b7 {count(of)} sentence{'s' * (of != 1)}", class_="muted"))
    return join(heading, tag("ol", cards[:open_], class_="cards"), more)


def _entity_card(s: TaggedSentence, hues: Mapping[str, str]) -> Html:
    false, missed = set(s.found) - set(s.true), set(s.true) - set(s.found)
    taken = {i for start, end, _ in s.found for i in range(start, end)}
    apart = [m for m in missed if not taken & set(range(m[0], m[1]))]
    spans = [(span, "entity false" if span in false else "entity") for span in s.found]
    spans += [(span, "missed") for span in apart]
    head: list[Child] = []
    if s.errors:
        said = [f"{len(false)} found wrongly"] if false else []
        said += [f"{len(missed)} missed"] if missed else []
        head.append(tag("span", "\u2715 " + ", ".join(said), class_="mark wrong"))
    else:
        head.append(tag("span", "\u2713 right", class_="mark right"))
    if np.isfinite(s.confidence):
        head.append(tag("span", f"sure by {fraction(s.confidence, 2)}"))
    truth = None
    if len(apart) < len(missed):  # a wrong type or a wrong boundary: the data's own reading below
        data = [(span, "entity") for span in s.true]
        truth = join(tag("p", "In the data", class_="written"), _line(s.words, data, hues))
    return tag("li", tag("div", head, class_="head"), _line(s.words, spans, hues), truth, class_="card")


def _line(words: Sequence[str], spans: Sequence[tuple[Span, str]], hues: Mapping[str, str]) -> Html:
    out: list[Child] = []
    at = 0
    shown = min(len(words), WORDS)
    for (start, end, kind), look in sorted(spans):
        if start < at or start >= shown:
            continue
        out += [(tag("bdi", w), " ") for w in words[at:start]]
        style = f"--hue:var(--{hues.get(kind, 'muted')})"
        inside = [(" " if i else None, tag("bdi", w)) for i, w in enumerate(words[start:end])]
        out += [tag("span", inside, tag("sub", tag("bdi", kind)), class_=look, style=style), " "]
        at = end
    out += [(tag("bdi", w), " ") for w in words[at:shown]]
    if len(words) > shown:
        out.append(tag("span", f"\u2026 and {count(len(words) - shown)} more", class_="muted"))
    return tag("p", out, class_="words")


def _word_card(s: TaggedSentence) -> Html:
    true = {start: kind for start, _, kind in s.true}
    found = {start: kind for start, _, kind in s.found}
    out: list[Child] = []
    wrong = 0
    for i, word in enumerate(s.words):
        if true.get(i) == found.get(i):
            out += [tag("bdi", word), " "] if i < WORDS else []
            continue
        wrong += 1
        if i < WORDS:
            both = tag("sub", tag("bdi", found.get(i, "none")), " \u2260 ", tag("bdi", true.get(i, "none")))
            out += [tag("span", tag("bdi", word), both, class_="entity", style="--hue:var(--orange)"), " "]
    said = tag("span", f"\u2715 {wrong} of {count(len(s.words))} words", class_="mark wrong")
    sure = tag("span", f"sure by {fraction(s.confidence, 2)}") if np.isfinite(s.confidence) else None
    return tag("li", tag("div", said, sure, class_="head"), tag("p", out, class_="words"), class_="card")
