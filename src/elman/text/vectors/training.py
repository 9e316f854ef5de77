"""Train word vectors from a corpus: read it once, then run the kernel over it, epoch by epoch."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from elman.errors import InputError
from elman.text.vectors.corpus import texts
from elman.text.vectors.lexicon import Encoded, encode
from elman.text.vectors.native import Job, library
from elman.text.vectors.reference import Plan, sigmoid_table, train_chunk
from elman.text.vectors.words import WordVectors

__all__ = ["Progress", "Settings", "plan_of", "run", "train"]


@dataclass(frozen=True)
class Settings:
    """How to train: as word2vec does, but for `share_error`.

    Attributes:
        sample: threshold t of subsampling: a word of frequency f stays with probability sqrt(t/f) + t/f; 0 keeps all.
        rate: learning rate at first, falling in a line to a thousandth; None is .15 for CBOW, .05 for CBOW with the
            whole error, .025 for skip-gram.
        noise_power: noise words are drawn from counts to this power.
        share_error: each context word gets its share of the error, which is the gradient of the mean (Irsoy et al.
            2021, "Corrected CBOW Performs as well as Skip-gram"); False gives each the whole, as word2vec does.
        share_noise: positives in a row that meet the same noise words, whose rows then stay in the nearest cache.
        threads: None for every core; one thread repeats bit for bit.
        tokens, lower, min_count, max_words: see `lexicon.encode`.
    """

    dim: int = 100
    window: int = 5
    negative: int = 10
    epochs: int = 5
    min_count: int = 5
    skip_gram: bool = False
    sample: float = 1e-3
    rate: float | None = None
    noise_power: float = 0.75
    share_error: bool = True
    share_noise: int = 4
    threads: int | None = None
    seed: int = 0
    tokens: str = "words"
    lower: bool = True
    max_words: int | None = None

    def __post_init__(self) -> None:
        for name, low, high in (
            ("dim", 1, 4096),
            ("window", 1, 1000),
            ("negative", 1, 63),
            ("epochs", 1, 10_000),
            ("share_noise", 1, 1000),
            ("min_count", 1, 2**31),
            ("max_words", 1, 2**31),
            ("threads", 1, 1024),
            ("seed", 0, 2**63 - 1),
            ("sample", 0, 1),
            ("rate", 1e-9, 10),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InputError(f"{name} = {value}", remedy=f"it must lie in {low}..{high}")


@dataclass(frozen=True)
class Progress:
    """Where training stands: `done` of `total` raw words (all epochs), and raw words a second so far."""

    phase: str
    done: int
    total: int
    words_a_second: float


def plan_of(corpus: Encoded, settings: Settings) -> Plan:
    """Initial vectors, keep probabilities and the noise table, all from the seed."""
    random = np.random.default_rng(settings.seed)
    V, D = len(corpus.words), settings.dim
    S = -(-D // 16) * 16
    vectors, classifiers = _aligned(V, S), _aligned(V, S)
    vectors[:, :D] = (random.random((V, D), np.float32) - np.float32(0.5)) / np.float32(D)
    share = corpus.counts / corpus.counts.sum()
    keep = np.ones(V)
    if settings.sample > 0:
        keep = np.minimum(1, np.sqrt(settings.sample / share) + settings.sample / share)
    # each word as often as its share of counts^power asks, at least once, in random order
    noise = corpus.counts**settings.noise_power
    size = max(1 << 16, min(64 * V, 1 << 22), 16 * V)
    places = np.maximum(1, np.round(noise / noise.sum() * size)).astype(np.int64)
    table = np.repeat(np.arange(V, dtype=np.int32), places)
    random.shuffle(table)
    table = np.concatenate([table, np.resize(table, settings.negative)])  # reading on never wraps
    usual = 0.025 if settings.skip_gram else 0.15 if settings.share_error else 0.05
    rate = usual if settings.rate is None else settings.rate
    return Plan(
        vectors, classifiers, corpus.tokens, np.round(keep * 2**31).astype(np.uint32), table, sigmoid_table(),
        settings.window, settings.negative, settings.epochs, rate, rate * 1e-3, settings.seed,
        settings.skip_gram, settings.share_error, settings.share_noise,
    )  # fmt: skip


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _aligned(V: int, S: int) -> np.ndarray:
    """Zeros (V, S) float32 that begin on a cache line, as the kernel's registers want."""
    room = np.zeros(V * S + 16, np.float32)
    skip = -room.ctypes.data // 4 % 16
    return room[skip : skip + V * S].reshape(V, S)


def run(
    plan: Plan, *, threads: int = 1, native: bool = True, isa: str = "", tick: Callable[[float], None] | None = None
) -> str:
    """Train a plan to its end, in place. Returns the kernel that ran.

    Args:
        native: use the C++ kernel where there is one.
        isa: instruction set (v4, v3, v2, portable); by default the library's choice.
        tick: called with the fraction done, a few times a second; an exception it raises (Ctrl-C) ends the training.
    """
    lib = library() if native else None
    if lib is None:
        return _run_slowly(plan, tick)
    job = Job(
        *(a.ctypes.data for a in (plan.input, plan.output, plan.tokens, plan.keep, plan.negatives, plan.sigmoid)),
        len(plan.tokens), len(plan.negatives) - plan.negative, plan.chunk, plan.chunks, 0, 0, 0, plan.epochs,
        plan.seed & (2**64 - 1), plan.rate, plan.last_rate, plan.input.shape[1], len(plan.sigmoid) - 1, plan.window,
        plan.negative, plan.skip_gram, plan.share_error, plan.share_noise, threads,
    )  # fmt: skip
    # A stretch of chunks a call: long enough that threads seldom wait for one another, short enough for a live bar.
    stretch = 64 * threads
    used: bytes | None = b""
    for epoch in range(plan.epochs):
        job.epoch = epoch
        for first in range(0, plan.chunks, stretch):
            job.first_chunk, job.last_chunk = first, min(first + stretch, plan.chunks)
            used = lib.elman_vectors_train(ctypes.byref(job), isa.encode())
            if used is None:
                asked = isa or os.environ.get("ELMAN_ISA", "")
                raise InputError(
                    f"no instruction set {asked!r} here", remedy=f"choose from {lib.elman_isas().decode()}"
                )
            if tick is not None:
                tick((epoch * plan.chunks + job.last_chunk) / (plan.epochs * plan.chunks))
    return f"native ({(used or b'').decode()})"


def _run_slowly(plan: Plan, tick: Callable[[float], None] | None) -> str:
    for epoch in range(plan.epochs):
        for chunk in range(plan.chunks):
            train_chunk(plan, epoch, chunk)
            if tick is not None:
                tick((epoch * plan.chunks + chunk + 1) / (plan.epochs * plan.chunks))
    return "reference (numpy)"


def train(
    corpus: str | Path | Iterable[str | Sequence[str]],
    settings: Settings | None = None,
    *,
    column: str | None = None,
    native: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> WordVectors:
    """Word vectors of a corpus.

    Args:
        corpus: files (see `corpus.texts`), or texts themselves: strings, which `settings.tokens` splits, or lists of
            tokens, which are taken as they are.
        column: the field or column with the text, for records and tables.
        native: False takes the slow readable kernel, which is also what runs where there is no native library.
        progress: told where training stands.

    Returns:
        The vectors, most frequent word first; `about` holds the settings, the kernel, and words a second.

    Raises:
        InputError: no such file, a broken one, no word that comes often enough, or nothing to learn from: texts of one
            word each.
    """
    settings = settings or Settings()
    source = texts(corpus, column) if isinstance(corpus, str | Path) else corpus
    if native and library() is None:
        print("no native library in this installation: word vectors train on the slow numpy kernel", file=sys.stderr)
    began = time.perf_counter()

    def told(phase: str, done: int, total: int) -> None:
        if progress is not None:
            progress(Progress(phase, done, total, done / max(1e-9, time.perf_counter() - began)))

    encoded = encode(
        source, rule=settings.tokens, lower=settings.lower, min_count=settings.min_count, max_words=settings.max_words,
        native=native, progress=lambda n: told("reading", n, 0),
    )  # fmt: skip
    plan = plan_of(encoded, settings)
    began = time.perf_counter()
    total = encoded.raw_words * settings.epochs
    threads = settings.threads or _cores()
    kernel = run(plan, threads=threads, native=native, tick=lambda part: told("training", round(part * total), total))
    seconds = time.perf_counter() - began
    if not np.isfinite(plan.input).all():
        raise InputError("the vectors have grown without bound", remedy="train with a smaller --rate")
    about = {name: getattr(settings, name) for name in settings.__dataclass_fields__}
    about |= {
        "corpus": str(corpus) if isinstance(corpus, str | Path) else "texts given",
        "raw_words": encoded.raw_words,
        "kept_words": int(encoded.counts.sum()),
        "threads": threads,
        "kernel": kernel,
        "reading_seconds": round(encoded.seconds, 3),
        "training_seconds": round(seconds, 3),
        "words_a_second": round(total / seconds),
    }
    return WordVectors(encoded.words, np.ascontiguousarray(plan.input[:, : settings.dim]), encoded.counts, about)
