"""What `run.py` times, in a process of its own: reads a task a line, does it, answers with seconds and a loss.

`sys.argv[1]` says what is imported first: torch, as in a script with a loop of its own, or elman.
"""

from __future__ import annotations

import importlib
import sys
import time
import warnings
from typing import Any

STEPS = {128: 30, 512: 3}  # of a layer, about half a second


def layer(cell: str, hidden: int, whole: bool) -> tuple[float, float]:
    """Seconds of one training step of a layer, T 100, B 32, I = H.

    Args:
        whole: with a loss and an optimiser, which are torch's own operations; else forward and back alone.
    """
    import torch

    from elman import nn

    torch.manual_seed(0)
    module = getattr(nn, cell)(hidden, hidden)
    x = torch.randn(100, 32, hidden)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, fused=True)
    loss, started = x[0, 0, 0], 0.0
    for i in range(STEPS[hidden] + 2):
        if i == 2:
            started = time.perf_counter()
        optimizer.zero_grad()
        y = module(x)[0]
        if whole:
            loss = (y - x).square().mean()
            loss.backward()
            optimizer.step()
        else:
            loss = y.detach()[-1].square().mean()
            y.backward(x)
    return (time.perf_counter() - started) / STEPS[hidden], float(loss.detach())


def classifier(side_by_side: int) -> tuple[float, float]:
    """Seconds of a training, without what is read before it, and its last loss; of more than one the seconds that
    GridSearchCV takes for them, as many at a time, and the best score."""
    from elman import Classifier
    from elman.config.settings import DataSettings
    from elman.data.labelled import load_labelled

    train = load_labelled(DataSettings(path="packaged:sentiment", input="text", target="label")).train
    texts, labels = list(train["text"][:3000]), list(train["label"][:3000])
    model: Any = Classifier(embedding=100, hidden=64, epochs=3, batch_size=32, seed=1)
    if not side_by_side:
        model.fit(texts, labels)
        return model.fitted_.seconds, model.fitted_.history[-1]["loss"]
    from sklearn.model_selection import GridSearchCV

    split = [(range(2500), range(2500, 3000))]
    grid = {"seed": list(range(1, side_by_side + 1))}
    search = GridSearchCV(model, grid, cv=split, n_jobs=side_by_side, refit=False)
    started = time.perf_counter()
    search.fit(texts, labels)
    return time.perf_counter() - started, float(search.best_score_)


def main() -> None:
    importlib.import_module(sys.argv[1])
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        task, *options = line.split()
        if task == "classifier":
            seconds, loss = classifier(int(options[0]))
        else:
            seconds, loss = layer(task, int(options[0]), options[1] == "whole")
        print(seconds, loss, flush=True)


main()
