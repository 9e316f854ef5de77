"""A report's results to look at, and a browser to look with."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.inspect.sensitivity import Sensitivity
from elman.metric import known_figure
from elman.pages.page import Section, write
from elman.report.results import Results
from elman.report.scores import scoreboard
from elman.report.sections import classification, subtitle


@pytest.fixture
def browser() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Chromium without a window; skips where there is none."""
    found = next((b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), None)
    if found is None:
        pytest.skip("no Chromium on this machine: the page was not opened in a browser")

    def run(page: Path, *flags: str) -> subprocess.CompletedProcess[str]:
        quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
        profile = f"--user-data-dir={page.parent / 'profile'}"
        return subprocess.run(
            [found, *quiet, profile, *flags, page.as_uri()], capture_output=True, text=True, timeout=120, check=False
        )

    return run


SENTENCES = [
    "the battery life is superb and the screen is sharp",
    "i returned it after two days because the software kept crashing",
    "it comes with a case and a short cable",
    "sound quality is not bad at all , but the <unk> breaks easily",
    "customer service was useless",
    "we bought this camera for our trip to spain last summer",
]


def mock_results(N: int = 400, seed: int = 0) -> Results:
    """A classifier's results as a training would hand them over, drawn from a seed: to look at pages with."""
    rng = np.random.default_rng(seed)
    labels = ["negative", "neutral", "positive"]
    y = rng.choice(3, N, p=[0.17, 0.53, 0.30])
    logits = rng.normal(size=(N, 3))
    logits[np.arange(N), y] += 1.6
    p = np.exp(1.3 * logits)
    p /= p.sum(1, keepdims=True)
    tokens = [SENTENCES[i % len(SENTENCES)].split() for i in range(N)]
    history = [
        {
            "epoch": e,
            "loss": 1.05 * 0.86**e,
            "valid_nll": 0.8 + 0.012 * (e - 6) ** 2,
            "valid_macro_f1": 0.62 - 0.2 * 0.6**e,
            "valid_accuracy": 0.66 - 0.15 * 0.6**e,
            "rate": 0.002 * (1 - e / 12),
            "seconds": 6.1,
        }
        for e in range(1, 11)
    ]
    hit = p.argmax(1) == y
    return Results(
        title="Sentiment",
        history=history,
        metrics={"test": {"macro_f1": 0.615, "accuracy": float(hit.mean())}, "seconds": 83.2},
        labels=labels,
        y_true=y,
        probabilities=p,
        texts=[" ".join(t) for t in tokens],
        tokens=tokens,
        lengths=[len(t) for t in tokens],
        train_lengths=rng.poisson(16, 3000) + 1,
        class_counts={"train": [960, 3070, 1690], "valid": [130, 440, 240], "test": [205, 650, 362]},
        settings={
            "cell": "LSTM",
            "bidirectional": True,
            "hidden size": 64,
            "layers": 1,
            "embedding": 100,
            "dropout": 0.5,
            "equations": [
                "i = sigmoid(W_i @ h + U_i @ x + b_i)",
                "f = sigmoid(W_f @ h + U_f @ x + b_f)",
                "g = tanh(W_g @ h + U_g @ x + b_g)",
                "o = sigmoid(W_o @ h + U_o @ x + b_o)",
                "c = f * c + i * g",
                "h = o * tanh(c)",
            ],
        },
        timings={"read": 0.21, "text chain": 0.8, "baselines": 3.2, "train": 71.0, "evaluate": 1.4, "proof": 0.35},
        vocabulary={"words": 5211, "seen once": 2310, "unknown in test": 0.031},
        sensitivities=[Sensitivity(i, rng.normal(size=len(tokens[i])) ** 3) for i in range(0, N, 3)],
        best_epoch=6,
        proof={
            "ok": True,
            "checks": [
                {"name": "alone = batch", "holds": True, "error": 1.2e-7, "tolerance": 1e-5, "note": ""},
                {"name": "padded", "holds": True, "error": 0.0, "tolerance": 1e-5, "note": ""},
                {"name": "chunks", "holds": None, "error": None, "tolerance": None, "note": "bidirectional"},
            ],
        },
    )


@pytest.fixture
def results() -> Results:
    return mock_results()


BASELINES = {
    "tf-idf + logistic regression": {"macro_f1": 0.607, "accuracy": 0.671},
    "majority class": {"macro_f1": 0.233, "accuracy": 0.534},
}
TOLD = {"tf-idf + logistic regression": "word 1-2-grams, class-balanced, C chosen on the validation split."}


def headline(results: Results, **more: Any) -> Section:
    """The first section, as a training puts it before the others; `more` of `scoreboard`."""
    rng = np.random.default_rng(0)
    given: dict[str, Any] = {
        "seeds": [{"seed": s, "macro_f1": 0.615 + 0.01 * rng.normal()} for s in range(5)],
        "baseline_texts": TOLD,
        "notes": ["Split by review: sentences of one review stay together; seed 0."],
        **more,
    }
    show = [known_figure(key) for key in ("macro_f1", "accuracy")]
    return scoreboard(results.metrics["test"], given.pop("baselines", BASELINES), show=show, **given)


def write_classifier(path: Path, results: Results, **more: Any) -> Path:
    """The whole page of a classifier, as a file."""
    return write(path, results.title, subtitle(results), [headline(results, **more), *classification(results)])
