"""Which channels and which moments an answer hangs on: gradient times input, and channels left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from elman.models.encoding import TextBatch
from elman.tasks.batches import at_once
from elman.tasks.recordings.estimator import RecordingClassifier
from elman.tasks.recordings.figures import balanced_accuracy
from elman.tasks.recordings.windows import Windowed

__all__ = ["Mattered", "channel_shares", "left_out", "what_mattered"]


class Mattered(NamedTuple):
    """What moved the answers to N windows of T_i frames.

    Attributes:
        channels: C names.
        evidence: N arrays (T_i, C): to first order, how far the log-probability of the answer would fall if this
            channel's features in this frame were those of the mean of the training data.
        lost: (C,) by how much the balanced accuracy of the windows falls without the channel: with all its features at
            that mean.
    """

    channels: Sequence[str]
    evidence: Sequence[np.ndarray]
    lost: np.ndarray


def channel_shares(features: Sequence[str], channels: Sequence[str]) -> np.ndarray | None:
    """(F, C) how much of each feature is each channel's, by their names: ``Cz alpha`` is of Cz, ``Fz x Cz alpha`` half
    of each; None where a name tells of no channel."""
    shares = np.zeros((len(features), len(channels)))
    longest = sorted(range(len(channels)), key=lambda c: -len(channels[c]))

    def begins(text: str) -> int | None:
        return next((c for c in longest if text == channels[c] or text.startswith(f"{channels[c]} ")), None)

    for f, name in enumerate(features):
        first = begins(name)
        if first is None:
            return None
        rest = name[len(channels[first]) :]
        second = begins(rest[3:]) if rest.startswith(" x ") else None
        for c in (first, first if second is None else second):
            shares[f, c] += 0.5
    return shares


def what_mattered(estimator: RecordingClassifier, examples: Windowed) -> Mattered | None:
    """Of a trained estimator, on examples of known answers; None where features tell of no channel."""
    layout = estimator.signal_chain_.layout(estimator.layout_)
    shares = channel_shares(layout.channels, estimator.layout_.channels)
    if shares is None:
        return None
    there = np.flatnonzero(shares.any(0))
    names = [estimator.layout_.channels[c] for c in there]
    shares = shares[:, there]
    return Mattered(names, _evidence(estimator, examples, shares), left_out(estimator, examples, shares > 0))


def _evidence(estimator: RecordingClassifier, examples: Windowed, shares: np.ndarray) -> list[np.ndarray]:
    model, F = estimator.model_, len(shares)
    found = [np.zeros((0, 0))] * len(examples)
    for picks, batch in at_once(model, examples):
        with torch.no_grad():
            x = model.embed(batch.sequences.data, batch.lengths)  # (T, B, k F): what each member reads side by side
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            log_p = torch.log_softmax(model.read(x, batch.lengths), -1)  # (B, K)
            (gradient,) = torch.autograd.grad(log_p.max(-1).values.sum(), x)
        moved = (gradient * x.detach()).reshape(*x.shape[:2], -1, F).sum(2).double().cpu().numpy()  # (T, B, F)
        for b, (i, n) in enumerate(zip(picks, batch.lengths.tolist())):
            found[i] = moved[:n, b] @ shares
    return found


def left_out(estimator: RecordingClassifier, examples: Windowed, parts: np.ndarray) -> np.ndarray:
    """(C,) what the balanced accuracy of N windows loses when features (F, C) are taken away, C times other ones."""
    assert examples.answers is not None
    y = examples.answers[examples.owners]
    whole = balanced_accuracy(estimator.window_probabilities(examples), y)
    return np.array([whole - balanced_accuracy(_without(estimator, examples, part), y) for part in parts.T])


@torch.no_grad()
def _without(estimator: RecordingClassifier, examples: Windowed, gone: np.ndarray) -> np.ndarray:
    """(N, K) with these features (F,) at the mean of the training data."""
    model = estimator.model_
    stays = torch.from_numpy(~gone).float()
    out = np.zeros((len(examples), len(estimator.labels)))
    for picks, batch in at_once(model, examples):
        out[picks] = _answers(estimator, batch, stays)
    return out


def _answers(estimator: RecordingClassifier, batch: TextBatch, stays: torch.Tensor) -> np.ndarray:
    x = estimator.model_.embed(batch.sequences.data, batch.lengths)
    x = (x.reshape(*x.shape[:2], -1, len(stays)) * stays.to(x)).flatten(2)
    return estimator.model_.read(x, batch.lengths).double().softmax(1).cpu().numpy()
