"""One row by itself goes the same way as among others."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from decoding.steppers import BEGIN, END, Historic, Markov, Model
from elman.decoding import greedy, sample
from elman.decoding.sample import drawn, drawn_alone
from elman.decoding.settings import SampleSettings
from elman.errors import InputError

WAYS: list[dict[str, object]] = [
    {},
    {"temperature": 0.3},
    {"temperature": 2.5, "top_k": 3},
    {"top_p": 0.7},
    {"top_k": 5, "top_p": 0.9, "temperature": 1.4},
    {"banned": (BEGIN, 3, 5)},
    {"banned": (), "min_length": 9},
    {"banned": (0, 2, 3, 4, 5, 6), "min_length": 2},  # nothing is left
    {"max_length": 3},
]


def drawn_by(model: Model, row: int, together: bool, way: dict[str, object], end: int | None) -> list[object]:
    """Of one row, alone or beside another."""
    rows = [row, (row + 1) % model.rows] if together else [row]
    options = {"banned": (BEGIN,), "max_length": 20, **way}
    draws = [torch.Generator().manual_seed(seed) for seed in rows]
    found = sample(model, model.begin(rows), rows=len(rows), generators=draws, begin=BEGIN, end=end, **options)  # type: ignore[arg-type]
    return list(found[0])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("end", [END, None])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_draws_what_it_draws_among_others(way: dict[str, object], end: int | None, dtype: torch.dtype) -> None:
    models: list[Model] = [Markov(5, rows=8, V=7, dtype=dtype), Historic(6, rows=8, V=7)]
    lengths = set()
    for model in models:
        for row in range(8):
            alone = drawn_by(model, row, False, way, end)
            assert alone == drawn_by(model, row, True, way, end)
            lengths.add(len(alone[0].tokens))  # type: ignore[attr-defined]
    assert len(lengths) > 1 or end is None or "min_length" in way or "max_length" in way


@given(
    seed=st.integers(0, 10**6), V=st.integers(1, 40), top_k=st.integers(0, 41), top_p=st.floats(0.01, 1),
    temperature=st.floats(0.05, 20), equal=st.booleans(), gone=st.floats(0, 1), chance=st.floats(0, 1 - 2**-53),
)  # fmt: skip
@settings(max_examples=200)
def test_a_draw_is_the_same_to_the_last_bit(
    seed: int, V: int, top_k: int, top_p: float, temperature: float, equal: bool, gone: float, chance: float
) -> None:
    generator = torch.Generator().manual_seed(seed)
    scores = 3 * torch.randn(V, generator=generator, dtype=torch.float64)
    if equal:  # several tokens are as likely as each other
        scores = scores.round()
    log_probs = scores.log_softmax(0)
    log_probs[torch.rand(V, generator=generator) < gone] = -math.inf
    how = SampleSettings(top_k=top_k, top_p=top_p, temperature=temperature)
    among = int(drawn(log_probs[None], torch.tensor([chance], dtype=torch.float64), how))
    token = drawn_alone(log_probs.numpy(), chance, how)
    assert token == among or bool((log_probs == -math.inf).all())


@pytest.mark.parametrize("options", [{}, {"min_length": 4}, {"banned": (0, 2, 4), "max_length": 6}, {"max_length": 0}])
@pytest.mark.parametrize("end", [END, None])
def test_the_likeliest_too(options: dict[str, object], end: int | None) -> None:
    options = {"banned": (BEGIN,), "max_length": 12, **options}
    if options["max_length"] == 0:
        options |= {"max_length": 12, "max_lengths": [0, 0]}
    for model in (Markov(5, rows=8, V=7), Historic(6, rows=8, V=7)):
        for row in range(7):
            both = greedy(model, model.begin([row, row + 1]), rows=2, begin=BEGIN, end=end, **options)  # type: ignore[arg-type]
            own = {**options, "max_lengths": [0]} if "max_lengths" in options else options
            assert greedy(model, model.begin([row]), rows=1, begin=BEGIN, end=end, **own) == both[:1]  # type: ignore[arg-type]


class Wrong:
    """Returns what is no log-probability."""

    def __init__(self, value: float, shape: tuple[int, ...] = (1, 4)) -> None:
        self.value, self.shape = value, shape

    def step(self, tokens: Tensor, state: object) -> tuple[Tensor, object]:
        return torch.full(self.shape, self.value), state

    def select(self, state: object, rows: Tensor) -> object:
        return state


@pytest.mark.parametrize(
    ("model", "said"),
    [(Wrong(math.nan), "not numbers"), (Wrong(2.0), "as large as 2"), (Wrong(-1.0, (2, 4)), r"returned \(2, 4\)")],
)
def test_what_is_no_log_probability_is_one_clear_line(model: Wrong, said: str) -> None:
    with pytest.raises(InputError, match=said):
        sample(model, None, rows=1, generators=[torch.Generator()], begin=0, end=1)
    with pytest.raises(InputError, match=said):
        greedy(model, None, rows=1, begin=0, end=1)


def test_a_banned_token_that_is_none() -> None:
    for banned, said in (((9,), "token 9 is banned"), ((END,), "both banned and the end")):
        with pytest.raises(InputError, match=said):
            drawn_by(Markov(0, rows=2, V=6), 0, False, {"banned": banned}, END)
        with pytest.raises(InputError, match=said):
            greedy(Markov(0, rows=2, V=6), torch.tensor([0]), rows=1, begin=BEGIN, end=END, banned=banned)


def test_bfloat16_is_read() -> None:
    model = Markov(3, rows=2, V=6, dtype=torch.bfloat16)
    assert drawn_by(model, 0, False, {}, END) == drawn_by(model, 0, True, {}, END)
