"""The page holds any text, needs nothing from outside, and is written whole or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.report.conftest import write_classifier

from elman.inspect.sensitivity import Sensitivity
from elman.pages import page as page_module
from elman.pages.drawing import canvas, drawing, svg
from elman.pages.markup import Html, join, tag
from elman.pages.page import page, section, write
from elman.pages.palette import COLOURS
from elman.report.results import Results
from elman.report.sections import classification

HOSTILE = [
    "<script>document.title='broken'</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></style></svg>--><h1>",
    "$\\frac{1}{0}$ $unclosed",
    "_hidden \x00 \x1b[31m \ud800 \u202e gnirts",
    "猫 🐈‍⬛ &amp; &lt; {{x}} %s",
    "",
]


class Elements(HTMLParser):
    """Every element with its attributes, and every id."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    handle_startendtag = handle_starttag


def elements(text: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Elements()
    parser.feed(text)
    return parser.found


# of the headline, besides the results
AROUND: dict[str, Any] = {
    "baselines": {HOSTILE[2]: {"macro_f1": 0.5}}, "baseline_texts": {HOSTILE[2]: HOSTILE[1]}, "notes": HOSTILE,
    "ours": HOSTILE[0],
}  # fmt: skip


@pytest.fixture
def hostile_results() -> Results:
    return Results(
        title=HOSTILE[0],
        history=[{"epoch": 1, "loss": float("nan"), HOSTILE[1]: 0.5}],
        metrics={"test": {"macro_f1": 0.5, "accuracy": 0.5}, "seconds": 1.0},
        labels=HOSTILE[:3],
        y_true=np.array([0, 1, 2]),
        probabilities=np.eye(3)[[0, 2, 2]],
        texts=HOSTILE[:3],
        tokens=[[*HOSTILE, "<unk>"]] * 3,
        lengths=[1, 1, 1],
        train_lengths=[1],
        class_counts={HOSTILE[1]: [1, 1, 1]},
        settings={HOSTILE[0]: HOSTILE[1], "cell": HOSTILE[2], "equations": HOSTILE},
        timings={HOSTILE[0]: 0.0},
        vocabulary={HOSTILE[1]: 0.1},
        sensitivities=[Sensitivity(i, [float("nan"), 1.0, -1.0]) for i in range(3)],
        proof={"checks": [{"name": HOSTILE[0], "error": None, "note": HOSTILE[1], "holds": None}]},
    )


@given(st.text())
def test_any_text_comes_back_as_text(text: str) -> None:
    """What a reader sees is the text itself; what the parser sees is no element of the text's."""

    class Data(HTMLParser):
        seen = ""
        tags = 0

        def handle_data(self, data: str) -> None:
            self.seen += data

        def handle_starttag(self, *_: object) -> None:
            self.tags += 1

    parser = Data()
    parser.feed(tag("p", text, title=text))
    parser.close()
    kept = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]", "\ufffd", text)
    assert parser.seen == kept
    assert parser.tags == 1


def test_markup_is_not_escaped_twice_and_attributes_may_be_absent() -> None:
    inner = tag("b", "a & b")
    assert join(inner, " <", None, [1, [2.5]]) == "<b>a &amp; b</b> &lt;12.5"
    assert tag("td", inner, class_="n", data_v=3, hidden=True, title=None) == (
        '<td class="n" data-v="3" hidden><b>a &amp; b</b></td>'
    )
    assert tag("br") == "<br>"


def test_hostile_words_labels_and_settings_stay_text(tmp_path: Path, hostile_results: Results) -> None:
    path = write_classifier(tmp_path / "report.html", hostile_results, **AROUND)
    found = elements(path.read_text(encoding="utf-8"))
    assert not {"script", "img", "iframe", "object", "base", "form"} & {name for name, _ in found}
    assert sum(name == "h1" for name, _ in found) == 1
    assert not any(attribute.startswith("on") for _, attributes in found for attribute in attributes)


def test_the_page_asks_nothing_of_the_network(tmp_path: Path, results: Results) -> None:
    text = write_classifier(tmp_path / "report.html", results).read_text(encoding="utf-8")
    assert len(text) < 1_000_000
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", text)
    for _, attributes in elements(text):
        for name in ("src", "href", "srcset", "action"):
            assert (attributes.get(name) or "#").startswith("#")


def test_every_anchor_has_its_one_place(results: Results) -> None:
    text = page("t", "s", [*classification(results), section("Result"), section("!")])
    found = elements(text)
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = {a["href"][1:] for _, a in found if (a.get("href") or "").startswith("#")}
    assert wanted <= set(ids)
    assert set(re.findall(r"url\(#([^)]+)\)", text)) <= set(ids)


def test_a_page_that_is_too_large_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "LIMIT", 10)
    with pytest.raises(ValueError, match="more than 10"):
        write(tmp_path / "report.html", "t", "s", [])
    assert not list(tmp_path.iterdir())


def test_drawings_wear_the_page_s_colours_and_leave_text_alone() -> None:
    blue = COLOURS["blue"][0]

    @drawing
    def draw() -> Html:
        figure, ax = canvas()
        ax.plot([0, 1], [0, 1], color=blue)
        ax.set_title(f'{blue} id="x" $\\frac$')
        return svg(figure, "a < b")

    made = draw()
    assert "stroke: var(--blue)" in made
    assert f'{blue} id="x" $\\frac$' in made
    assert "<title>a &lt; b</title>" in made
    assert made == draw()
    assert "font-family" not in made


def test_light_and_dark_colours_can_be_read() -> None:
    """Text colours keep the contrast that WCAG 2 asks of text, 4.5 : 1, on both papers and panels."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for which in (0, 1):
        for ground in ("paper", "panel"):
            for name in COLOURS.keys() - {"paper", "panel", "line"}:
                a, b = sorted((luminance(COLOURS[name][which]), luminance(COLOURS[ground][which])))
                assert (b + 0.05) / (a + 0.05) >= 4.5, (name, ground, which)


@pytest.mark.parametrize("made", ["results", "hostile_results"])
def test_a_browser_opens_it_without_complaint(
    made: str, tmp_path: Path, browser: Callable[..., CompletedProcess[str]], request: pytest.FixtureRequest
) -> None:
    """No console message, nothing fetched, every word on the page."""
    around = AROUND if made == "hostile_results" else {}
    path = write_classifier(tmp_path / "report.html", request.getfixturevalue(made), **around)
    log = tmp_path / "net.json"
    run = browser(path, "--enable-logging=stderr", "--v=0", f"--log-net-log={log}", "--dump-dom")
    assert run.returncode == 0
    assert "CONSOLE" not in run.stderr, run.stderr
    assert run.stdout.count("<section") >= 6
    assert "broken" not in re.findall(r"<title>(.*?)</title>", run.stdout)[0].replace("'broken'", "")
    asked = {
        event["params"]["url"]
        for event in json.loads(log.read_text())["events"]
        if "url" in event.get("params", {}) and str(event["params"]["url"]).startswith("http")
    }
    own = {url for url in asked if not re.search(r"google|gstatic|chrome", url)}  # the browser's own housekeeping
    assert not own


CUT = """<script>addEventListener("load", () => { document.title = "cut: " + [...document.querySelectorAll(".scroll")]
  .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.slice(0, 40)).join("|") })</script></body>"""


@pytest.mark.parametrize("width", [700, 1100, 1500])
def test_no_table_is_cut_off(
    width: int, tmp_path: Path, browser: Callable[..., CompletedProcess[str]], results: Results
) -> None:
    """On a small window, a laptop and a large screen every table is seen whole."""
    path = write_classifier(tmp_path / "report.html", results)
    html, policies = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", path.read_text(encoding="utf-8"))
    assert policies == 1  # it forbids scripts, and this one to measure with
    path.write_text(html.replace("</body>", CUT), encoding="utf-8")
    run = browser(path, f"--window-size={width},900", "--dump-dom")
    assert re.findall(r"<title>(.*?)</title>", run.stdout)[0] == "cut: ", run.stderr
