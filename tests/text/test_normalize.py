"""Normalisation: what each function does, that it promises to do nothing twice, and that no text makes it slow."""

from __future__ import annotations

import time
from collections.abc import Callable

import ftfy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.text import normalize as n
from elman.text.tables import read_language, read_table


@pytest.mark.parametrize(
    ("function", "text", "expected"),
    [
        (n.unicode, "cafÃ© â€œnaïveâ€\x9d &amp; ﬁne", 'café "naïve" & fine'),
        (n.unicode, "schoÌˆn", "schön"),
        (n.lower, "GROẞE Straße", "große straße"),
        (n.accents, "Crème brûlée, Ångström, ñ", "Creme brulee, Angstrom, n"),
        (n.accents, "がき हिन्दी ß ø й", "がき हिन्दी ß ø и"),
        (n.markup, "a<!-- no -->b<!DOCTYPE html>c <3 d", "a b c <3 d"),
        (n.markup, "good<br /><br />film <i>really</i> a < b, <url>", "good film really a < b, <url>"),
        (n.urls, "see http://foo.com/a?b=1. Or www.x.org, foo.co.uk/x", "see <url>. Or <url>, <url>"),
        (n.urls, "0@0.AA.@0.AA", "<email>.@0.AA"),
        (n.urls, "0.COMHTTP://0", "0.COMHTTP://0"),
        (n.urls, "mail me: a.b@c.example.org!", "mail me: <email>!"),
        (n.urls, "end of it.Then more, e.g. this", "end of it.Then more, e.g. this"),
        (n.emoji, "nice 😀👍🏽 :-) <3", "nice grinning face thumbs up sign smile heart"),
        (n.emoji, "Berlin🇩🇪", "Berlin flag de"),
        (n.emoji, "© 2004 at 8) 12:30 (see:Dog)", "© 2004 at 8) 12:30 (see:Dog)"),
        (n.contractions, "I don't think they're WON'T y'all", "I do not think they are WILL NOT you all"),
        (n.contractions, "It’s John's; shouldn't've", "It is John's; should not have"),
        (n.contractions, "Didnt", "Did not"),
        (n.contractions, "doeſnt ıſn’t", "doeſnt ıſ not"),  # ſ is s only where case is ignored
        (n.abbreviations, "e.g. Dr. No vs. Mr. X, etc.", "for example Doctor No versus Mister X, and so on"),
        (n.abbreviations, "U.S. u", "U.S. you"),
        (n.numbers, "1,234.5 at -3 or +7, 2nd", "<number> at <number> or <number>, <number>"),
        (n.numbers, "mp3 3-5 12:30 ½ v2", "mp3 <number>-<number> <number> <number> v2"),
        (n.repeats, "sooooo goooood!!!!!! 10000", "sooo goood!!! 10000"),
        (n.punctuation, "Well, don't (ever) pay $3.50! <url> C++", "Well don't ever pay 3.50 <url> C"),
        (n.spaces, "  a \t b\n c ", "a b c"),
    ],
)  # fmt: skip
def test_known_answers(function: Callable[[str], str], text: str, expected: str) -> None:
    assert function(text) == expected


def test_options() -> None:
    assert n.unicode("ｆｕｌｌ", form="NFKC") == "full"
    assert n.urls("see http://a.com now", to="remove") == "see now"
    assert n.emoji("a 😀 b :(", to="token") == "a <emoji> b <emoji>"
    assert n.emoji("a 😀 b :(", to="remove") == "a b"
    assert n.numbers("mp3 in 1998", to="digits") == "mp0 in 0000"
    assert n.numbers("5 of 6 mp3", to="remove") == "of mp3"
    assert n.repeats("sooo", most=1) == "so"
    assert n.punctuation("What?! No, [really].", keep="?!]-^") == "What?! No really]"


def test_the_users_entries_go_before_the_table() -> None:
    assert n.contractions("can't y'all", extra={"can't": "cannot"}) == "cannot you all"
    assert n.contractions("walkin' talkin'", extra={"*in'": "*ing"}) == "walking talking"
    assert n.abbreviations("ROFL", extra={"rofl": "rolling on the floor"}) == "ROLLING ON THE FLOOR"


def test_other_languages() -> None:
    assert n.abbreviations("z.B. am Montag usw.", language="de") == "zum Beispiel am Montag und so weiter"
    assert n.contractions("Zum Haus", language="german") == "Zu dem Haus"
    assert n.contractions("J'aime l'été", language="fr") == "Je aime le été"


@pytest.mark.parametrize("language", ["en", "de", "fr"])
@pytest.mark.parametrize("section", ["contractions", "abbreviations"])
def test_every_entry_of_the_tables_works_and_stays_written_out(language: str, section: str) -> None:
    function = getattr(n, section)
    for short, long in read_language(language)[section].items():
        written, expected = short.replace("*", "would"), long.replace("*", "would")
        assert function(written, language=language).lower() == expected.lower(), short
        assert function(expected, language=language) == expected, short


def test_every_emoticon_has_a_name() -> None:
    for name, signs in read_table("emoticons")["emoticons"].items():
        for sign in signs.split():
            assert n.emoji(f"a {sign} b") == f"a {name} b"


IDEMPOTENT = [n.unicode, n.lower, n.accents, n.urls, n.emoji, n.numbers, n.repeats, n.punctuation, n.spaces]
# texts full of what the functions look for, besides texts of anything
LETTERS = "a 2nd 1 ½ é \u0301 Ã© İ ß 日 u U.S. e.g. n't don't"
SIGNS = "' ’ . , : ) ( - @ a@b.cc http:// www. .com <url> < > &amp; 😀 \u200d \ufe0f 🇩"
PIECES = [*LETTERS.split(" "), *SIGNS.split(" "), " ", "\n"]
anything = st.text(max_size=40) | st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@pytest.mark.parametrize("function", IDEMPOTENT, ids=lambda f: f.__name__)
@settings(max_examples=300, deadline=None)
@given(text=anything)
def test_done_twice_is_done_once(function: Callable[[str], str], text: str) -> None:
    once = function(text)
    assert function(once) == once


@pytest.mark.parametrize("function", [*IDEMPOTENT, n.markup, n.contractions, n.abbreviations], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "unit",
    ["a", "a.", "a-", "a'", "@", "a@", "http://", "www.", "<", "<a", "<!--", "1,", "1", "(:", "😀\u200d", ".com", " "],
)
def test_no_text_makes_it_slow(function: Callable[[str], str], unit: str) -> None:
    text = unit * (20_000 // len(unit))
    start = time.process_time()
    function(text)
    assert time.process_time() - start < 2


# -- most texts need no repair, and are told by a look: against doing it in full

ODD = st.text(
    st.sampled_from(
        "aIt s'’‘“n.,;&#x2ﬁĳǆＡﾀ　\r\n\x0b\x1b\x7f\x85\xa0\u2028éÃ©â€œ™Â ̈ü̈中の가😀\u200d\ufeff\ud83d\ude00\ufffc"
    )
)


def repaired(text: str, form: str) -> str:
    for _ in range(8):
        fixed = ftfy.fix_text(text, normalization=form)
        if fixed == text:
            return text
        text = fixed
    return text


@settings(deadline=None, max_examples=200)
@given(st.one_of(ODD, st.text()), st.sampled_from(["NFC", "NFKC", "NFD", "NFKD"]))
def test_what_is_taken_for_whole_ftfy_leaves_alone(text: str, form: str) -> None:
    assert n.unicode(text, form=form) == repaired(text, form)  # type: ignore[arg-type]


def test_no_sign_is_overlooked() -> None:
    """Every character of the basic plane, and some beyond, between two letters."""
    for code in [*range(0x10000), *range(0x10000, 0x110000, 997)]:
        text = f"a{chr(code)}b"
        if n._whole(text, "NFC") and not n._SINGLE.search(text) and not n._DOUBLE.search(text):
            assert ftfy.fix_text(text) == text, hex(code)


SHORT = st.lists(
    st.sampled_from(["don't", "DONT", "gonna", "Cannot", "i'm", "xin", "(im)", "-", "e.g.", "a", " ", "'", "et al."]),
    max_size=6,
).map("".join)


@settings(deadline=None)
@given(st.one_of(SHORT, st.text(st.characters(max_codepoint=127))))
def test_a_look_overlooks_no_short_form(text: str) -> None:
    """A letter beyond ASCII at the end, and the look is not taken."""
    for expand in (n.contractions, n.abbreviations):
        for extra in ({}, {"so*": "* so", "*in": "*ing", "et al.": "and others"}):
            assert expand(text, extra=extra) == expand(text + " é", extra=extra)[:-2]
