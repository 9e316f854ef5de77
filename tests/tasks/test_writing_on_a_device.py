"""What writes learns on another device, where there is one, and answers from there after every epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import elman
from elman.training.device import device_of

THERE = [
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")),
    pytest.param("mps", marks=pytest.mark.skipif(not torch.backends.mps.is_available(), reason="no Apple GPU")),
]
GERMAN, ENGLISH = ["ein", "zwei", "drei", "vier", "fünf"], ["one", "two", "three", "four", "five"]
ROWS = [[(i * j) % 5 for j in range(1, 2 + i % 4)] for i in range(60)]
COUNTED = [" ".join(GERMAN[n] for n in row) for row in ROWS], [" ".join(ENGLISH[n] for n in row) for row in ROWS]
PAIRED = {"units": "word", "embedding": 16, "hidden": 32, "epochs": 12, "batch_size": 8, "rate": 0.02, "dropout": 0}


@pytest.mark.parametrize("device", THERE)
@pytest.mark.parametrize(
    "more",
    [
        {"attention": "inside", "coverage": 3},
        {"attention": "after", "scoring": "general", "beam": 1},
        {"attention": "none", "cell": "lstm"},
    ],
    ids=str,
)
def test_a_translator_learns_there(device: str, more: dict[str, Any]) -> None:
    model = elman.Translator(device=device, **PAIRED, **more).fit(*COUNTED)
    assert sum(a == b for a, b in zip(model.predict(COUNTED[0]), COUNTED[1])) > 30
    assert device_of(model.model_).type == "cpu"


@pytest.mark.parametrize("device", THERE)
@pytest.mark.parametrize("propose", ["sample", "beam"])
def test_a_responder_answers_there(device: str, propose: str) -> None:
    talks = [["hello there", "hi how are you", "fine"], ["your name", "my name is bob", "nice"]] * 15
    model = elman.Responder(device=device, propose=propose, **PAIRED).fit(talks)
    assert model.predict([["hello there"], ["your name"]]) == ["hi how are you", "my name is bob"]
    assert device_of(model.model_).type == "cpu"


@pytest.mark.parametrize("device", THERE)
@pytest.mark.parametrize(
    "more", [{"cell": "lstm", "weight_drop": 0.1}, {"cell": "gru", "softmax": "adaptive"}], ids=str
)
def test_a_language_model_learns_there(device: str, more: dict[str, Any]) -> None:
    text = "the cat sat on the mat, and the cattle lay there.\n" * 40
    settings = {"hidden": 32, "layers": 1, "tied": False, "epochs": 8, "rate": 0.02, "batch_size": 4, "bptt": 20}
    model = elman.LanguageModel(device=device, **settings, **more).fit([text])
    assert model.perplexity([text]) < 2
    assert device_of(model.model_).type == "cpu"


@pytest.mark.parametrize("device", THERE)
def test_a_composer_learns_there(device: str) -> None:
    piece = np.zeros((40, 88), dtype=bool)
    piece[np.arange(40), 40 + np.arange(40) % 4] = True
    model = elman.Composer(device=device, hidden=32, epochs=30, batch_size=2, rate=0.02).fit([piece] * 6)
    assert model.evaluate([piece])["nll"] < 2
    assert device_of(model.model_).type == "cpu"
