"""The native kernel is the readable one, bit for bit, and both learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from elman.text.vectors import Settings, train
from elman.text.vectors.lexicon import encode
from elman.text.vectors.native import library
from elman.text.vectors.reference import Plan
from elman.text.vectors.training import plan_of, run

needs_native = pytest.mark.skipif(library() is None, reason="no native library in this installation")
LIBRARY = library()
INSTRUCTION_SETS = LIBRARY.elman_isas().decode().split(",") if LIBRARY is not None else [""]


def small_corpus(texts: int = 12, seed: int = 0) -> list[str]:
    """Texts over 60 words, very unequal in frequency, some words often twice in a window."""
    random = np.random.default_rng(seed)
    words = np.array([f"w{i}" for i in range(60)])
    share = 1 / np.arange(1, 61)
    return [" ".join(random.choice(words, size=random.integers(1, 60), p=share / share.sum())) for _ in range(texts)]


def small_plan(settings: Settings, chunk: int = 100) -> Plan:
    corpus = encode(small_corpus(), min_count=1)
    # a corpus of several chunks, and a noise table so short that it is read around its end
    plan = replace(plan_of(corpus, settings), chunk=chunk)
    plan.negatives = np.resize(plan.negatives[:997], 997 + settings.negative)
    return plan


CASES = [
    Settings(dim=100, window=5, negative=10, epochs=2, share_error=False),
    Settings(dim=50, window=2, negative=5, epochs=1, share_error=True, share_noise=1, sample=0),
    Settings(dim=300, window=5, negative=3, epochs=1, share_noise=7, rate=0.2, share_error=False),
    Settings(dim=17, window=1, negative=1, epochs=2, rate=2.0),  # a rate so large that sigmoids saturate
    Settings(dim=100, window=3, negative=6, epochs=1, skip_gram=True),
    Settings(dim=33, window=1, negative=63, epochs=1, skip_gram=True),
]


@needs_native
@pytest.mark.parametrize("settings", CASES, ids=lambda s: f"{'skip' if s.skip_gram else 'cbow'}{s.dim}")
@pytest.mark.parametrize("isa", INSTRUCTION_SETS)
def test_native_equals_the_readable_kernel_bit_for_bit(settings: Settings, isa: str) -> None:
    slow, fast = small_plan(settings), small_plan(settings)
    run(slow, native=False)
    run(fast, threads=1, isa=isa)
    assert np.array_equal(slow.input, fast.input)
    assert np.array_equal(slow.output, fast.output)
    assert np.abs(slow.output).max() > 1e-3  # something was learned at all


def test_update_is_the_gradient_of_the_loss() -> None:
    """One example against finite differences of -log s(h.u_w) - sum log s(-h.u_k), in float64."""
    from elman.text.vectors.reference import _classify

    plan = small_plan(Settings(dim=16, negative=4))
    random = np.random.default_rng(3)
    plan.output[:] = random.normal(size=plan.output.shape) * 0.5
    h, rows = random.normal(size=16).astype(np.float32), [3, 7, 9, 11, 20]

    def loss(h: np.ndarray, u: np.ndarray) -> float:
        signs = np.array([1, -1, -1, -1, -1])
        return float(np.log1p(np.exp(-signs * (u[rows] @ h))).sum())

    def slope(f: Callable[[np.ndarray], float], at: np.ndarray) -> np.ndarray:
        out = np.zeros_like(at)
        for i in np.ndindex(at.shape):
            step = np.zeros_like(at)
            step[i] = 1e-5
            out[i] = (f(at + step) - f(at - step)) / 2e-5
        return out

    before = plan.output.astype(np.float64)
    error = _classify(plan, h, rows[0], rows[1:], np.float32(1e-2))
    # the table holds the sigmoid to a step of 1/128: within .001, times rate, times sums of a few values
    assert np.allclose(-error / 1e-2, slope(lambda x: loss(x, before), h.astype(np.float64)), atol=5e-3)
    moved = (before - plan.output) / 1e-2
    assert np.allclose(moved[rows], slope(lambda u: loss(h.astype(np.float64), u), before)[rows], atol=5e-3)
    assert np.array_equal(np.delete(moved, rows, 0), np.delete(np.zeros_like(moved), rows, 0))


@needs_native
def test_one_thread_repeats_bit_for_bit_and_the_seed_matters() -> None:
    texts = small_corpus(400)
    settings = Settings(dim=20, min_count=1, threads=1, epochs=2)
    first, again = train(texts, settings), train(texts, settings)
    other = train(texts, replace(settings, seed=1))
    assert np.array_equal(first.matrix, again.matrix)
    assert not np.allclose(first.matrix, other.matrix)


def cliques(native: bool, **kw: object) -> tuple[float, float]:
    """Two groups of words that never meet: mean cosine within a group and across."""
    random = np.random.default_rng(5)
    groups = [[f"{g}{i}" for i in range(8)] for g in "ab"]
    texts = [" ".join(random.choice(groups[i % 2], 10)) for i in range(200)]
    settings = Settings(dim=16, min_count=1, sample=0, epochs=5, rate=0.2, share_error=False, share_noise=1, **kw)  # type: ignore[arg-type]
    vectors = train(texts, settings, native=native)
    cosine = vectors.directions @ vectors.directions.T
    group = np.array([w[0] == "a" for w in vectors.words])
    same = (group[:, None] == group[None, :]) & ~np.eye(len(group), dtype=bool)
    return float(cosine[same].mean()), float(cosine[group][:, ~group].mean())


@pytest.mark.parametrize("native", [pytest.param(True, marks=needs_native), False])
@pytest.mark.parametrize("skip_gram", [False, True])
def test_words_that_share_contexts_come_to_lie_together(native: bool, skip_gram: bool) -> None:
    within, across = cliques(native, skip_gram=skip_gram, negative=3, window=3, threads=2 if native else 1)
    assert within > 0.75
    assert across < 0.2


def test_subsampling_and_noise_follow_the_paper() -> None:
    texts = ["common " * 900 + "rare " * 100]
    corpus = encode(texts, min_count=1)
    plan = plan_of(corpus, Settings(sample=0.01))
    expected = np.minimum(1, np.sqrt(0.01 / np.array([0.9, 0.1])) + 0.01 / np.array([0.9, 0.1]))
    assert np.allclose(plan.keep / 2**31, expected, atol=1e-6)
    table = plan.negatives
    noise = np.array([900, 100]) ** 0.75
    assert np.allclose(np.bincount(table) / len(table), noise / noise.sum(), atol=1e-3)
    # in random order: the share holds in any stretch, not only overall
    assert abs((table[:4096] == 0).mean() - noise[0] / noise.sum()) < 0.04


def test_the_readable_kernel_draws_the_right_share_of_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from elman.text.vectors import reference

    corpus = encode(["x y " * 10_000], min_count=1)
    plan = plan_of(corpus, Settings(dim=2, window=1, negative=1, sample=0.01, epochs=1))
    targets: list[int] = []
    monkeypatch.setattr(reference, "_classify", lambda p, h, t, n, r: targets.append(t) or np.zeros_like(h))
    for chunk in range(plan.chunks):
        reference.train_chunk(plan, 0, chunk)
    assert abs(len(targets) / 20_000 - plan.keep[0] / 2**31) < 0.015
