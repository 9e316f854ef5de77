"""Which of two figures is the better one is asked of the figure."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from elman.metric import Figure, known_figure

HIGH, LOW = Figure("accuracy"), Figure("perplexity", "low", "number")
VALUES = st.one_of(st.floats(), st.none(), st.integers(-9, 9), st.just("n/a"), st.booleans())


@given(st.lists(VALUES, min_size=1))
def test_the_best_is_the_largest_or_the_least_and_never_one_that_is_no_number(values: list[object]) -> None:
    numbers = [v for v in values if type(v) in (int, float) and math.isfinite(v)]  # type: ignore[arg-type]
    for figure, best in ((HIGH, max), (LOW, min)):
        chosen = values[figure.best(values)]
        assert chosen == best(numbers) if numbers else figure.best(values) == 0  # type: ignore[type-var]


def test_a_gain_has_the_sign_of_better() -> None:
    assert HIGH.gain(0.75, 0.5) == LOW.gain(0.5, 0.75) == 0.25


def test_names_and_directions_that_are_known() -> None:
    assert (known_figure("nll").better, known_figure("nll").unit) == ("low", "nats")
    assert known_figure("macro_f1").title == "Macro-F1"
    assert (known_figure("my_own").better, known_figure("my_own").title) == ("high", "my own")
