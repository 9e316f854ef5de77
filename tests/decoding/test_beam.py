"""Beam search against the definition: every sequence of a small vocabulary, of every length, scored."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from decoding.steppers import BEGIN, END, Historic, Markov, Model, everything, normalised
from elman.decoding import BeamSettings, Ensemble, Hypothesis, beam, greedy
from elman.errors import InputError

WIDE = 400  # more than there are sequences
SCORES = [("none", 1.0), ("mean", 1.0), ("mean", 0.5), ("mean", -0.7), ("wu", 0.6), ("wu", 1.0), ("wu", -1.5)]


def search(model: Model, rows: list[int] | None = None, **options: object) -> list[list[Hypothesis]]:
    own = list(range(model.rows)) if rows is None else rows
    options = {"banned": (BEGIN,), **options}
    return beam(model, model.begin(own), rows=len(own), begin=BEGIN, end=END, **options)  # type: ignore[arg-type]


def are_first_of(hypotheses: list[Hypothesis], expected: list[tuple[float, tuple[int, ...]]]) -> None:
    """The best of all there are, best first; equal ones (the same transitions in another order) in either order."""
    scores = {tokens: score for score, tokens in expected}
    assert [h.score for h in hypotheses] == pytest.approx([score for score, _ in expected[: len(hypotheses)]])
    assert [h.score for h in hypotheses] == pytest.approx([scores[tuple(h.tokens)] for h in hypotheses])


def told(found: list[list[Hypothesis]]) -> list[list[tuple[list[int], bool]]]:
    return [[(h.tokens, h.ended) for h in row] for row in found]


@pytest.mark.parametrize(("how", "alpha"), SCORES)
@pytest.mark.parametrize("kind", [Markov, Historic])
def test_wide_enough_it_is_exhaustive(kind: type[Model], how: str, alpha: float) -> None:
    model = kind(3, rows=3, V=5)
    found = search(model, size=WIDE, nbest=WIDE, max_length=4, normalise=how, alpha=alpha)
    for row, hypotheses in enumerate(found):
        expected = everything(model, row, 4, how=how, alpha=alpha)
        assert len(expected) == 1 + 3 + 9 + 27 + 81
        assert {tuple(h.tokens) for h in hypotheses} == {tokens for _, tokens in expected}
        are_first_of(hypotheses, expected)
        for h in hypotheses:
            assert h.ended
            assert h.log_probs == pytest.approx(model.log_probs(row, (*h.tokens, END)))
            assert h.log_prob == pytest.approx(sum(h.log_probs))


@pytest.mark.parametrize(("how", "alpha"), SCORES)
@pytest.mark.parametrize("nbest", [1, 3])
def test_the_early_stop_loses_nothing_of_a_search_of_everything(how: str, alpha: float, nbest: int) -> None:
    model = Historic(4, rows=4, V=5)
    found = search(model, size=WIDE, nbest=nbest, max_length=4, normalise=how, alpha=alpha)
    for row, hypotheses in enumerate(found):
        assert len(hypotheses) == nbest
        are_first_of(hypotheses, everything(model, row, 4, how=how, alpha=alpha))


def test_coverage_is_exhaustive_too() -> None:
    model = Historic(5, rows=4, V=5)
    assert len(set(model.lengths.tolist())) > 1  # source steps past an input's own must not count
    options = {"normalise": "wu", "alpha": 0.8, "coverage": 0.7}
    changed = 0
    found = search(model, size=WIDE, nbest=5, max_length=4, lengths=model.lengths, **options)
    for row, hypotheses in enumerate(found):
        expected = everything(model, row, 4, how="wu", alpha=0.8, beta=0.7)
        assert len(hypotheses) == 5
        are_first_of(hypotheses, expected)
        changed += expected[0][1] != everything(model, row, 4, how="wu", alpha=0.8)[0][1]
    assert changed  # by the penalty


@pytest.mark.parametrize("kind", [Markov, Historic])
@given(seed=st.integers(0, 10**6), V=st.integers(3, 6), longest=st.integers(1, 4), data=st.data())
@settings(max_examples=25)
def test_every_rule_at_once_is_exhaustive(
    kind: type[Model], seed: int, V: int, longest: int, data: st.DataObject
) -> None:
    model = kind(seed, rows=2, V=V)
    how, alpha = data.draw(st.sampled_from(SCORES))
    shortest, unique = data.draw(st.integers(0, longest)), data.draw(st.integers(0, 3))
    unknown = data.draw(st.sampled_from([(BEGIN,), (BEGIN, V - 1)]))
    prefix = data.draw(st.lists(st.integers(2, V - 1), max_size=1))
    found = search(
        model, size=1500, nbest=2, max_length=longest, min_length=shortest, normalise=how, alpha=alpha,
        banned=unknown, no_repeat_ngram=unique, prefix=[prefix, []],
    )  # fmt: skip
    for row, forced in enumerate([prefix, []]):
        expected = everything(
            model, row, longest, how=how, alpha=alpha, shortest=shortest, banned=unknown, prefix=tuple(forced),
            unique=unique,
        )  # fmt: skip
        ended = [h for h in found[row] if h.ended]
        assert len(ended) == min(2, len(expected))
        are_first_of(ended, expected)


@pytest.mark.parametrize("kind", [Markov, Historic])
@given(seed=st.integers(0, 10**6), longest=st.integers(1, 12), shortest=st.integers(0, 3))
@settings(max_examples=25)
def test_a_beam_of_one_is_greedy(kind: type[Model], seed: int, longest: int, shortest: int) -> None:
    model = kind(seed, rows=7, V=6)
    rules = {"max_length": longest, "min_length": min(shortest, longest), "banned": (BEGIN, 3)}
    one = search(model, size=1, normalise="none", **rules)
    fast = greedy(model, model.begin(), rows=7, begin=BEGIN, end=END, **rules)  # type: ignore[arg-type]
    assert told(one) == [[(h.tokens, h.ended)] for h in fast]
    assert [h.log_probs for h in fast] == [pytest.approx(row[0].log_probs) for row in one]
    assert [h.score for h in fast] == pytest.approx([row[0].score for row in one])
    for row, h in enumerate(fast):  # and by hand
        before: tuple[int, ...] = ()
        assert h.ended
        for token in [*h.tokens, END]:
            every = {v: model.log_probs(row, (*before, v))[-1] for v in range(6) if v not in (BEGIN, 3)}
            if len(before) < rules["min_length"]:
                del every[END]
            if len(before) == longest:
                every = {END: every[END]}
            assert token == max(every, key=lambda v: every[v])
            before = (*before, token)


@pytest.mark.parametrize("options", [{}, {"normalise": "mean"}, {"coverage": 0.4}, {"no_repeat_ngram": 2}])
def test_alone_as_in_a_batch_of_64(options: dict[str, object]) -> None:
    model = Historic(8, rows=64, V=9)
    limits = torch.randint(0, 15, (64,), generator=torch.Generator().manual_seed(0))
    options = {"size": 5, "nbest": 5, "looks": True, **options}
    together = search(model, max_lengths=limits, lengths=model.lengths, **options)
    assert len({len(row[0].tokens) for row in together}) > 3
    for row in range(64):
        (alone,) = search(model, [row], max_lengths=limits[[row]], lengths=model.lengths[[row]], **options)
        assert told([alone]) == told([together[row]])
        for a, b in zip(alone, together[row]):
            assert a.score == pytest.approx(b.score)
            torch.testing.assert_close(a.looks, b.looks)


@given(
    seed=st.integers(0, 10**6),
    size=st.integers(1, 6),
    score=st.sampled_from(SCORES),
    coverage=st.sampled_from([0.0, 1.0]),
)
@settings(max_examples=25)
def test_nbest_is_sorted_without_doubles_and_begins_alike(
    seed: int, size: int, score: tuple[str, float], coverage: float
) -> None:
    model = Historic(seed, rows=3, V=6)
    options = {
        "size": size, "max_length": 9, "normalise": score[0], "alpha": score[1], "coverage": coverage,
        "lengths": model.lengths,
    }  # fmt: skip
    whole = search(model, nbest=size, early_stop=False, **options)
    for row in whole:
        assert len(row) == size
        assert len({tuple(h.tokens) for h in row}) == size
        ranks = [h.score for h in row]
        assert ranks == sorted(ranks, reverse=True)
        assert all(h.ended for h in row)
    for nbest in range(1, size + 1):
        assert search(model, nbest=nbest, **options) == [row[:nbest] for row in whole]
        assert search(model, nbest=nbest, early_stop=False, **options) == [row[:nbest] for row in whole]


def test_the_early_stop_saves_steps() -> None:
    model = Markov(0, rows=50, V=8)
    counts = []
    for early in (True, False):
        model.steps = 0
        search(model, size=5, max_length=60, early_stop=early)
        counts.append(model.steps)
    assert counts[0] < 0.8 * counts[1]


def test_a_longer_one_wins_over_the_first_that_ended() -> None:
    """Its log-probability is lower, its mean is not: .5 at once, or .5 * .9^4 a little later."""
    model = Markov(0, rows=1, V=4)
    p = torch.full((4, 4), 1e-9)
    p[BEGIN] = torch.tensor([0, 0.5, 0.5, 0])
    p[2] = torch.tensor([0, 0, 0.05, 0.95])
    p[3] = torch.tensor([0, 0.95, 0, 0.05])
    model.table = p.log()[None]
    assert search(model, size=2, normalise="none")[0][0].tokens == []
    assert search(model, size=2, normalise="mean")[0][0].tokens == [2, 3]
    assert search(model, size=2, normalise="wu", alpha=2.0)[0][0].tokens == [2, 3]
    assert search(model, size=2, normalise="wu", alpha=-2.0)[0][0].tokens == []


@pytest.mark.parametrize(("how", "alpha"), SCORES)
def test_a_penalty_takes_each_own_length(how: str, alpha: float) -> None:
    model = Historic(2, rows=5, V=7)
    for row in search(model, size=6, nbest=6, max_length=8, normalise=how, alpha=alpha):
        assert len({len(h.tokens) for h in row}) > 1
        for h in row:
            assert len(h.log_probs) == len(h.tokens) + h.ended
            assert h.score == pytest.approx(normalised(h.log_prob, len(h.log_probs), how, alpha))


def test_looks_come_along_the_way_back() -> None:
    model = Historic(6, rows=6, V=7)
    found = search(model, size=4, nbest=4, max_length=7, looks=True)
    for row, hypotheses in enumerate(found):
        for h in hypotheses:
            torch.testing.assert_close(h.looks, model.looks(row, h.tokens)[: len(h.log_probs)])
    fast = greedy(model, model.begin(), rows=6, begin=BEGIN, end=END, max_length=7, looks=True)
    for row, h in enumerate(fast):
        torch.testing.assert_close(h.looks, model.looks(row, h.tokens)[: len(h.log_probs)])
    assert search(model, size=4, max_length=7)[0][0].looks is None


@pytest.mark.parametrize("kind", [Markov, Historic])
def test_a_forced_beginning_is_continued(kind: type[Model]) -> None:
    model = kind(9, rows=4, V=7)
    prefixes = [[5, 2, 3], [], [4], [6, 6]]
    options = {"size": 3, "nbest": 3, "normalise": "none"}
    found = search(model, prefix=prefixes, max_length=8, **options)
    assert told([found[1]]) == told(search(model, [1], max_length=8, **options))
    for row, forced in enumerate(prefixes):
        state, before = model.begin([row]), BEGIN
        for token in forced:
            _, state = model.step(torch.tensor([before]), state)  # type: ignore[arg-type]
            before = token
        rest = {**options, "banned": (BEGIN,), "max_length": 8 - len(forced)}
        (by_hand,) = beam(model, state, rows=1, begin=before, end=END, **rest)  # type: ignore[arg-type, type-var]
        assert [h.tokens for h in found[row]] == [forced + h.tokens for h in by_hand]
        given = sum(model.log_probs(row, tuple(forced)))
        assert [h.log_prob for h in found[row]] == pytest.approx([given + h.log_prob for h in by_hand])


def test_forced_tokens_may_be_banned_ones() -> None:
    (row,) = search(Markov(1, rows=1, V=6), prefix=[[3, 3, 3]], banned=(BEGIN, 3), no_repeat_ngram=1, max_length=6)
    assert row[0].tokens[:3] == [3, 3, 3]
    assert 3 not in row[0].tokens[3:]


def test_no_unknown_word_is_among_the_answers() -> None:
    model = Markov(0, rows=8, V=6)
    model.table[:, :, 3] = math.log(0.9)  # almost sure, wherever one is
    for row in search(model, size=4, nbest=4, banned=(BEGIN, 3), max_length=10):
        assert all(3 not in h.tokens for h in row)
    for h in greedy(model, model.begin(), rows=8, begin=BEGIN, end=END, banned=(BEGIN, 3), max_length=10):
        assert 3 not in h.tokens


@pytest.mark.parametrize("n", [1, 2, 3])
def test_no_ngram_twice(n: int) -> None:
    model = Markov(0, rows=20, V=6, sharp=4.0)
    model.table[:, :, END] -= 6  # long ones, which repeat themselves where they may

    def repeat(row: list[Hypothesis]) -> bool:
        grams = [[tuple(h.tokens[i : i + n]) for i in range(len(h.tokens) - n + 1)] for h in row]
        return any(len(g) != len(set(g)) for g in grams)

    assert any(map(repeat, search(model, size=3, nbest=3, max_length=20)))
    assert not any(map(repeat, search(model, size=3, nbest=3, max_length=20, no_repeat_ngram=n)))


def test_targets_shorter_than_the_beam_is_wide() -> None:
    """Two tokens besides begin and end, at most two of them: seven sequences, for a beam of twenty."""
    for row in search(Historic(1, rows=3, V=4), size=20, nbest=20, max_length=2):
        assert sum(h.ended for h in row) == 7


@pytest.mark.parametrize("limit", [2, 3])
def test_at_the_greatest_length_the_end_counts(limit: int) -> None:
    """What is cut short is judged as a whole sequence: by how likely its end is there."""
    model = Markov(0, rows=1, V=7, sharp=0.1)
    model.table[:, :, END] = -30.0
    (row,) = search(model, size=3, nbest=3, max_length=limit, normalise="none")
    assert [(len(h.tokens), h.ended, h.log_probs[-1]) for h in row] == [(limit, True, -30.0)] * 3
    model.table[0, BEGIN, END] = -1.5  # nothing at all is likelier than what ends where no sequence would
    model.table[0, 2:, 3] = -0.01
    (row,) = search(model, size=3, nbest=3, max_length=limit, normalise="none")
    assert [len(h.tokens) for h in row] == [0, limit, limit]
    model.table[0, BEGIN, 3], model.table[0, 3, END] = -0.5, -0.1
    (row,) = search(model, size=3, nbest=3, max_length=limit, normalise="none")
    assert row[0].tokens == [3]  # and not where it may


def test_an_end_that_cannot_be_stands_behind() -> None:
    model = Markov(0, rows=1, V=5)
    model.table[0, 2:, END] = -torch.inf
    model.table[0, BEGIN, END] = -0.1
    (row,) = search(model, size=3, nbest=3, max_length=2)
    assert [(len(h.tokens), h.ended, len(h.log_probs)) for h in row] == [(0, True, 1), (2, False, 2), (2, False, 2)]
    (fast,) = greedy(model, model.begin(), rows=1, begin=BEGIN, end=END, max_length=2, min_length=1)
    assert (len(fast.tokens), fast.ended, len(fast.log_probs)) == (2, False, 2)


def test_where_nothing_can_follow() -> None:
    model = Markov(0, rows=2, V=3)
    assert told(search(model, banned=(BEGIN, 2), min_length=3)) == [[([], False)]] * 2
    found = greedy(model, model.begin(), rows=2, begin=BEGIN, end=END, banned=(BEGIN, 2), min_length=3)
    assert [(h.tokens, h.ended, h.log_prob) for h in found] == [([], False, 0.0)] * 2


def test_without_an_end_all_are_as_long_as_they_may_be() -> None:
    model = Markov(0, rows=3, V=4)
    limits = torch.tensor([0, 3, 5])
    for row, most in zip(beam(model, model.begin(), rows=3, begin=0, end=None, max_lengths=limits), limits.tolist()):
        assert [(len(h.tokens), h.ended) for h in row] == [(most, False)]
    found = greedy(model, model.begin(), rows=3, begin=0, end=None, max_lengths=limits)
    assert [(len(h.tokens), h.ended) for h in found] == [(0, False), (3, False), (5, False)]


def test_lengths_of_each_row() -> None:
    model = Historic(1, rows=3, V=5)
    found = search(model, size=WIDE, max_lengths=torch.tensor([0, 1, 3]))
    assert [tuple(row[0].tokens) for row in found] == [
        everything(model, row, most, how="wu")[0][1] for row, most in enumerate([0, 1, 3])
    ]


def test_no_rows() -> None:
    model = Markov(0, rows=2, V=4)
    assert search(model, []) == []
    assert greedy(model, model.begin([]), rows=0, begin=0, end=1) == []


def test_nothing_is_selected_where_all_stay() -> None:
    model = Historic(3, rows=5, V=6)
    greedy(model, model.begin(), rows=5, begin=BEGIN, end=None, max_length=30)
    search(model, size=1, max_length=1, min_length=1)
    assert model.selected == 0


def test_what_is_returned_by_a_step_is_left_alone() -> None:
    model = Markov(0, rows=3, V=5, dtype=torch.float32)
    held = (torch.randn(3, 5, generator=torch.Generator().manual_seed(1)) * 2).log_softmax(1)
    kept = held.clone()
    model.step = lambda tokens, state: (held[state], state)  # type: ignore[method-assign]
    model.begin = lambda rows=None: torch.arange(3)  # type: ignore[method-assign]
    model.select = lambda state, rows: state[rows]  # type: ignore[method-assign]
    search(model, size=1, banned=(0, 2), min_length=2, max_length=4, no_repeat_ngram=1, prefix=[[3], [], [2]])
    greedy(model, model.begin(), rows=3, begin=0, end=1, banned=(0, 2), min_length=2, max_length=4)
    assert torch.equal(held, kept)


def test_an_ensemble_is_the_mean_of_probabilities() -> None:
    one, two = Historic(1, rows=4, V=6), Historic(2, rows=4, V=6)
    both = Ensemble([one, two])
    tokens = torch.tensor([0, 3, 4, 5])
    p, state = both.step(tokens, [one.begin(), two.begin()])
    expected = (one.step(tokens, one.begin())[0].exp() + two.step(tokens, two.begin())[0].exp()) / 2
    torch.testing.assert_close(p.exp(), expected)
    rows = torch.tensor([2, 2, 0])
    assert [own.row.tolist() for own in both.select(state, rows)] == [[2, 2, 0]] * 2
    same = Ensemble([one, one, one])
    options = {"rows": 4, "begin": BEGIN, "end": END, "size": 3, "nbest": 3, "looks": True, "max_length": 8}
    found = beam(same, [one.begin()] * 3, **options)  # type: ignore[arg-type]
    expected_found = beam(one, one.begin(), **options)  # type: ignore[arg-type]
    assert told(found) == told(expected_found)
    torch.testing.assert_close(found[0][0].looks, expected_found[0][0].looks)
    with pytest.raises(InputError, match=r"know \[5, 6\] tokens; give one vocabulary"):
        Ensemble([one, Historic(1, rows=4, V=5)]).step(tokens[:1], [one.begin([0]), one.begin([0])])
    with pytest.raises(InputError, match="no models"):
        Ensemble([])


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"size": 0}, "size is 0; give at least 1"),
        ({"size": "5"}, "size: expected a whole number, got text"),
        ({"siez": 5}, "unknown option 'siez'; did you mean 'size'?"),
        ({"nbest": 6}, "nbest is 6, the beam is 5 wide; give a size of at least nbest"),
        ({"normalise": "avg"}, "'none', 'mean', 'wu'"),
        ({"alpha": float("nan")}, "alpha is nan"),
        ({"coverage": -1.0}, "coverage is -1.0; give"),
        ({"coverage": 1.0}, "Markov shows no attention; give it a method look"),
        ({"looks": True}, "Markov shows no attention; give it a method look"),
        ({"min_length": 9, "max_length": 5}, "min_length is 9, max_length 5"),
        ({"banned": (7,)}, "token 7 is banned; the model's tokens are 0 to 5"),
        ({"banned": (1,)}, "token 1 is both banned and the end"),
        ({"prefix": [[2]]}, "forced beginnings of 1 rows; give one for each of 2"),
        ({"prefix": [[2], [END]]}, "row 1: the end is in the forced beginning; leave it out"),
        ({"prefix": [[2], [-3]]}, "row 1: a token below 0 is in the forced beginning"),
        ({"prefix": [[2, 2], []], "max_length": 1}, "row 0: a forced beginning of 2 tokens; at most 1"),
        ({"prefix": [[6], []]}, "token 6 is forced; the model's tokens are 0 to 5"),
        ({"max_lengths": torch.tensor([3])}, "max_lengths are no lengths; give 2 whole numbers"),
        ({"max_lengths": torch.tensor([3, -1])}, "max_lengths are no lengths"),
    ],
)
def test_wrong_settings_are_one_clear_line(options: dict[str, object], line: str) -> None:
    with pytest.raises(InputError) as error:
        search(Markov(0, rows=2, V=6), **options)
    assert line in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("table", "line"),
    [
        (torch.full((2, 5), torch.nan), "log-probabilities of a step are not numbers"),
        (torch.tensor([[0.0, 7.5], [0.0, 0.0]]), "log-probabilities of a step are as large as 7.5; return log_softmax"),
        (torch.zeros(2, 1, 5), r"a step of 2 rows returned (2, 1, 5)"),
        (torch.zeros(3, 5), r"a step of 2 rows returned (3, 5)"),
    ],
)
def test_a_model_that_returns_something_else(table: torch.Tensor, line: str) -> None:
    model = Markov(0, rows=2, V=5)
    model.step = lambda tokens, state: (table, state)  # type: ignore[method-assign]
    for call in (lambda: search(model, banned=()), lambda: greedy(model, model.begin(), rows=2, begin=0, end=1)):
        with pytest.raises(InputError) as error:
            call()
        assert line in str(error.value)


def test_settings_serve_as_well_as_options() -> None:
    model = Historic(0, rows=3, V=6)
    assert search(model, settings=BeamSettings(size=3, nbest=2), banned=(BEGIN,)) == search(model, size=3, nbest=2)
