"""Completion against all words enumerated; kept state against reading from the beginning."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from elman.models.completing import Completer
from elman.models.kneser_ney import KneserNey
from elman.models.language_network import LanguageNetwork
from elman.models.language_settings import LanguageSettings
from elman.models.reading import CountedReader, MixedReader, network_reader
from elman.models.text_stream import surprises
from elman.models.typed_counts import TypedCounts
from elman.text.running import BEGIN, RunningUnits

TEXT = "a cab, abba cabs\nbad cab. back a cab,\n"


def made(
    kind: str = "character",
    text: str = TEXT,
    size: int = 100,
    learn: bool = False,
    mixed: float = 0.0,
    **settings: object,
) -> Completer:
    torch.manual_seed(3)
    units = RunningUnits.fit([text], kind, size)
    network = LanguageNetwork(LanguageSettings(**{"embedding": 6, "hidden": 12, "tied": False, **settings}), len(units))
    with torch.no_grad():
        network.softmax.weight.mul_(6)  # so that some of it is likelier than the rest
    reader = network_reader(network.double())
    if mixed:
        counts = KneserNey(3, len(units)).fit([np.array([BEGIN, *units.encode(text)])])
        reader = MixedReader(reader, CountedReader(counts), mixed)
    return Completer(reader, units, learn=learn)


def chance(completer: Completer, numbers: list[int], before: int) -> float:
    """p of the units behind the first ones."""
    if completer.counts is not None or isinstance(completer.reader, MixedReader):
        return counted_chance(completer, numbers, before)
    found = torch.cat(list(surprises(completer.reader.model, np.array([BEGIN, *numbers]))))
    return float(found[before:].sum().exp())


def counted_chance(completer: Completer, numbers: list[int], before: int) -> float:
    """The same, by whole distributions of the network's, mixed with those of n-grams, and by counts over them of what
    was typed up to the word."""
    reader, whole = completer.reader, [BEGIN, *numbers]
    model = reader.first.model if isinstance(reader, MixedReader) else reader.model
    h, _ = model(torch.tensor(whole)[:, None], model.begin(1))
    p = model.log_probs(h)[:, 0].exp().detach().numpy()
    if isinstance(reader, MixedReader):
        counted = np.stack([reader.second.model.distribution(whole[: i + 1]) for i in range(len(whole))])
        p = (1 - reader.share) * p + reader.share * counted
    if completer.counts is None:
        return float(np.prod([p[i][whole[i + 1]] for i in range(before, len(numbers))]))
    counts = TypedCounts(completer.counts.contexts)
    text = completer.units.decode(numbers[:before])
    counts.tell(whole[: 1 + before - (0 if completer.spelling.blanks else len(completer.spelling.typed(text)))])
    found = [counts.over(p[i], whole[: i + 1])[whole[i + 1]] for i in range(before, len(numbers))]
    return float(np.prod(found))


def characters(completer: Completer, text: str, longest: int) -> tuple[dict[str, float], float]:
    """By word, p of it behind a text and its letters; and how likely the word is longer than that."""
    units = completer.units
    letters = [c for c in units.words[4:] if c.isalpha()]
    before = len(text)
    typed = completer.spelling.typed(text)

    def begins(more: str) -> float:
        return chance(completer, units.encode(text + more).tolist(), before) if more else 1.0

    found, longer = {}, 0.0
    for n in range(longest + 1):
        for word in map("".join, itertools.product(letters, repeat=n)):
            whole = begins(word)
            further = sum(begins(word + c) for c in letters)
            if typed + word:
                found[typed + word] = whole - further
            else:
                nothing = whole - further
            longer += further if n == longest else 0.0
    return found, longer + (0.0 if typed else nothing)


@pytest.mark.parametrize("text", ["a ca", "a ", "ab", "", "bad\n", "a cab, b"])
@pytest.mark.parametrize(
    "kind", [{}, {"cell": "lstm"}, {"learn": True}, {"mixed": 0.4}, {"mixed": 0.7, "learn": True}], ids=str
)
def test_characters_are_completed_by_the_likeliest_of_all_words(text, kind):
    completer, most = made(**{"cell": "gru", **kind}), 2 if "mixed" in kind or "learn" in kind else 3
    wanted, longer = characters(completer, text, most)
    assert sum(wanted.values()) + longer == pytest.approx(1)
    best = sorted(wanted.items(), key=lambda pair: -pair[1])
    best = [(word, p) for word, p in best if word != completer.spelling.typed(text)][:3]
    found = [c for c in completer(text, 5) if len(c.word) - len(completer.spelling.typed(text)) <= most][:3]
    assert [c.word for c in found] == [word for word, _ in best[: len(found)]]
    assert [c.probability for c in found] == pytest.approx([p for _, p in best[: len(found)]])
    assert found
    assert all(text + c.insert == text[: len(text) - len(completer.spelling.typed(text))] + c.word for c in found)


def test_all_words_with_a_prefix_are_certain_together():
    completer = made()
    completer.most = 100_000
    found, whole = completer.words("a ca", 2_000)
    assert whole == 1
    some = sum(p for word, p in found if len(word) <= 5)
    enumerated, _ = characters(completer, "a ca", 3)
    assert some == pytest.approx(sum(enumerated.values()), rel=1e-6)
    assert sum(p for _, p in found) > 0.98


def test_behind_a_sign_the_next_word_has_a_blank_before_it():
    completer = made()
    (one,) = completer("a cab,", 1)
    spelt = completer.units.encode(f"a cab,{one.insert}").tolist()
    further = sum(chance(completer, [*spelt, int(u)], 6) for u in completer.spelling.continues)
    assert one.insert == f" {one.word}"
    assert one.probability == pytest.approx(chance(completer, spelt, 6) - further)


@pytest.mark.parametrize("kind", ["word", "token"])
@pytest.mark.parametrize("typed", ["c", "ca", "b", "", "cab"])
@pytest.mark.parametrize("more", [{}, {"learn": True}, {"mixed": 0.5}], ids=str)
def test_words_are_completed_by_those_that_begin_alike(kind, typed, more):
    completer = made(kind, **more)
    before = completer.units.encode("a cab").tolist()
    p = {}
    for number in completer.spelling.begins.tolist():
        word = completer.spelling.letters[number]
        if word.startswith(typed):
            p[word] = chance(completer, [*before, number], 2)
    whole = sum(p.values()) if typed else 1.0
    best = sorted(((w, q / whole) for w, q in p.items() if w != typed), key=lambda pair: -pair[1])
    found = completer(f"a cab {typed}", 100)
    assert [c.word for c in found] == [w for w, _ in best]
    assert [c.probability for c in found] == pytest.approx([q for _, q in best])


@pytest.mark.parametrize("kind", ["bpe", "unigram"])
def test_subwords_sum_over_all_ways_to_write_a_word(kind):
    completer = made(kind, TEXT * 3, 24)
    completer.most = 3_000
    units, spelling, typed = completer.units, completer.spelling, "ca"
    before = units.encode("a").tolist()
    worth: dict[str, float] = {}
    whole = 0.0

    def walk(numbers: list[int], letters: str) -> None:
        nonlocal whole
        p = chance(completer, [*before, *numbers], len(before)) if numbers else 1.0
        agrees = letters.startswith(typed)
        if agrees and not letters[: -len(spelling.letters[numbers[-1]])].startswith(typed):
            whole += p  # the first unit with which the letters are whole
        if numbers and agrees:
            further = sum(chance(completer, [*before, *numbers, int(u)], len(before)) for u in spelling.continues)
            worth[letters] = worth.get(letters, 0.0) + p - further
        if len(numbers) == 3 or (numbers and p < 1e-4):
            return
        for u in (spelling.continues if numbers else spelling.begins).tolist():
            new = letters + spelling.letters[u]
            if new.startswith(typed) or typed.startswith(new):
                walk([*numbers, u], new)

    walk([], "")
    best = sorted(worth.items(), key=lambda pair: -pair[1])[:2]
    found = {c.word: c.probability for c in completer("a ca", 60)}
    for word, p in best:
        if word != typed:
            assert found[word] == pytest.approx(p / whole, rel=0.02)
    assert sum(found.values()) <= 1 + 1e-9


@pytest.mark.parametrize("kind", ["character", "bpe", "word"])
def test_as_one_types_and_deletes_it_answers_as_from_the_beginning(kind):
    once = made(kind, TEXT * 3, 24)
    for text in ("", "a", "a c", "a ca", "a cab", "a ca", "a c", "b", "bad cab", "bad ca", "bad ca\nc"):
        found, anew = once(text), made(kind, TEXT * 3, 24)(text)
        assert [c.word for c in found] == [c.word for c in anew]
        assert [c.probability for c in found] == pytest.approx([c.probability for c in anew])


@pytest.mark.parametrize("text", ["a ca", "a ", "bad\n", "a cab, b"])
def test_counted_n_grams_complete_too(text):
    units = RunningUnits.fit([TEXT])
    counted = KneserNey(3, len(units)).fit([np.array([BEGIN, *units.encode(TEXT)])])
    completer = Completer(CountedReader(counted), units)
    typed = completer.spelling.typed(text)
    for found in completer(text):
        numbers = [BEGIN, *units.encode(text + found.insert).tolist()]
        before = len(numbers) - len(found.insert)
        whole = math.exp(counted.log_probs([np.array(numbers)])[before:].sum())
        further = counted.distribution(numbers)[completer.spelling.continues].sum()
        assert found.probability == pytest.approx(whole * (1 - further), rel=1e-4)
        assert found.word == typed + found.insert


@pytest.mark.parametrize("kind", ["character", "token", "word", "bpe", "unigram"])
def test_lines_that_are_kept_are_those_of_the_text(kind):
    completer = made(kind, TEXT * 3, 24)
    for text in ("a cab,\nbad", "a cab,\nbad cab", "a cab,\nbad\n", "\n\na", "a", "", "abba\n\nb\n cab", "a cab,\n"):
        assert completer._encoded(text) == [BEGIN, *completer.units.encode(text).tolist()]


@pytest.mark.parametrize("kind", ["word", "token", "bpe", "unigram"])
def test_letters_that_are_more_in_lower_case_take_nothing_from_the_text_before(kind):
    """The capital I with a dot is two letters in lower case."""
    text = "a bad \u0130sle, a cab and a bad \u0130sland\n" * 3
    units = RunningUnits.fit([text], kind, 60, lowercase=True)
    completer = Completer(CountedReader(KneserNey(3, len(units)).fit([units.encode(text)])), units)
    found = completer("a bad \u0130s")
    assert found[0].word.startswith("i\u0307sl")
    assert found == completer("a bad i\u0307s")


def test_a_long_text_is_read_once_and_a_letter_costs_a_step():
    completer = made()
    completer(TEXT * 40 + "a c")
    steps = completer.steps
    completer.most = 0  # reading alone
    completer(TEXT * 40 + "a ca")
    assert completer.steps - steps <= 1
    completer(TEXT * 40 + "a")  # letters are deleted
    assert completer.steps - steps <= 1
    completer((TEXT * 40)[:-200])  # further back than is kept: from the last mark on
    assert completer.steps - steps <= 1 + 128
    assert math.isclose(sum(len(node.read) > 0 for node in completer._stack.values()), len(completer._stack))
    assert len(completer._stack) < 300


@pytest.mark.parametrize("text", ["ж", "a ca漢", "a caж"])
def test_letters_that_were_never_seen_are_completed_by_nothing(text):
    for kind in ("character", "word", "bpe"):
        assert made(kind, TEXT * 3, 24)(text) == []


@pytest.mark.parametrize("kind", ["character", "word", "bpe"])
def test_what_is_typed_is_learned_and_typed_or_given_at_once_is_the_same(kind):
    """Letter by letter, with words taken back on the way, as from the beginning; and the network reads no more."""
    text = "a cab, bac cabs\nbad bac. back a bac, b"
    plain, learning = made(kind, TEXT * 3, 24), made(kind, TEXT * 3, 24, learn=True)
    moved = 0
    for at in [*range(len(text) + 1), 30, 31, 3, 4, 22, 23, 24]:
        found, anew = learning(text[:at]), made(kind, TEXT * 3, 24, learn=True)(text[:at])
        assert [one.word for one in found] == [one.word for one in anew]
        assert [one.probability for one in found] == pytest.approx([one.probability for one in anew])
        moved += found != plain(text[:at])
    assert moved > 5
    assert made(kind, TEXT * 3, 24, learn=True)("") == made(kind, TEXT * 3, 24)("")


def test_a_word_that_was_typed_is_likelier():
    text = "bac " * 5
    assert chance(made(learn=True), made().units.encode(text + "bac ").tolist(), 20) > 3 * chance(
        made(), made().units.encode(text + "bac ").tolist(), 20
    )
