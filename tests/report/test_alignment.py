"""The chart of what was looked at, and scores by length."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np

from elman.report.alignment import alignment_chart, shown_pieces
from elman.report.by_length import Span, by_length_figure, length_spans


def test_a_square_says_what_it_joins_and_how_strongly() -> None:
    looks = np.array([[0.9, 0.1, 0.0], [0.01, 0.49, 0.5]])
    page = alignment_chart(["▁the", "▁house", "s"], ["▁das", "▁<Haus>"], looks)
    assert re.findall(r'title="([^"]*)"', page) == [
        "das ← the: .90", "das ← house: .10", "&lt;Haus&gt; ← house: .49", "&lt;Haus&gt; ← ·s: .50"
    ]  # fmt: skip
    assert re.findall(r"--v:(\d+)%", page) == ["90", "10", "49", "50"]
    assert page.count("<td") == 1 + 6
    assert "<Haus>" not in page


def test_pieces_as_people_read_them() -> None:
    assert shown_pieces(["▁un", "known", "▁", "."]) == ["un", "·known", "␣", "."]
    assert shown_pieces(["No", "￭,", "(￭"]) == ["No", ",", "("]
    assert shown_pieces(["a", " ", "b"]) == ["a", "␣", "b"]


def test_long_ones_are_cut() -> None:
    page = alignment_chart(["a"] * 100, ["b"] * 100, np.full((100, 100), 0.01))
    assert page.count("<tr") == 41


def test_spans_hold_everything_once_and_enough() -> None:
    draw = np.random.default_rng(0)
    for n in (1, 19, 45, 300, 2000):
        lengths = draw.geometric(0.15, n)
        spans = length_spans(lengths.tolist())
        assert sorted(np.concatenate(spans).tolist()) == list(range(n))
        assert all(len(span) >= 20 for span in spans) or len(spans) == 1
        ends = [(lengths[s].min(), lengths[s].max()) for s in spans]
        assert all(a[1] < b[0] for a, b in pairwise(ends))  # equal lengths stand together
    assert len(length_spans([5] * 500)) == 1
    assert len(length_spans(list(range(600)))) == 6


def test_the_figure_reads_its_numbers_aloud() -> None:
    spans = [Span(1, 4, 50, 40.0, 35.0, 45.0), Span(5, 5, 30, 30.0, 20.0, 35.0)]
    page = by_length_figure({"attention": spans, "fixed context": spans[:2]}, "BLEU")
    assert "attention: 1–4: 40.0, 5: 30.0; fixed context" in page
    assert "fixed context" in re.sub("<title>.*?</title>", "", page)
