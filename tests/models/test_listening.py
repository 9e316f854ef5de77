"""A stream, in chunks of any size, gives what the whole recording gives; and says no more than it can know yet."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from elman.errors import InputError
from elman.models.frames import FrameSettings
from elman.models.listening import Listener, chunked
from elman.models.transcriber import TranscriberNetwork, TranscriberSettings

F, V = 4, 6


def network(bidirectional: bool = False, **frames: object) -> TranscriberNetwork:
    torch.manual_seed(0)
    settings = TranscriberSettings(hidden=7, input=5, layers=2, bidirectional=bidirectional, cell="gru", dropout=0.0)
    model = TranscriberNetwork(FrameSettings(**{"normalise": "running", **frames}), settings, F, V).eval()
    level = 3 + 2 * torch.randn(200, 1, F)
    model.level([(level, torch.tensor([200]))])
    return model


WAYS = [
    {}, {"deltas": 0, "stack": 1}, {"ahead": 2}, {"stack": 4, "every": 3, "ahead": 1}, {"normalise": "training"},
    {"deltas": 1, "stack": 2, "ahead": 0}, {"stack": 3, "every": 1, "normalise": "training", "ahead": 3},
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_chunks_are_the_whole(way):
    """Recordings of any length, down to a single frame, whose last step lacks frames; chunks of 1, 7 and 100."""
    model = network(**way)
    for T in (1, 2, 5, 30, 101):
        x = 3 + 2 * torch.from_numpy(np.random.default_rng(T).standard_normal((T, F))).float()
        with torch.no_grad():
            whole, steps = model(x[:, None], torch.tensor([T]))
        assert len(whole) == int(steps)
        for size in (1, 7, 100):
            torch.testing.assert_close(chunked(model, x, size), whole[:, 0], rtol=1e-5, atol=1e-5)


def test_it_waits_for_what_it_looks_ahead_to_and_no_longer():
    model = network(deltas=2, stack=3, ahead=1)
    listener = Listener(model)
    x, said = torch.randn(40, F), []
    for t in range(40):
        said.append(listener.steps)
        listener.push(x[t : t + 1])
        done = max(0, (t - listener.latency) // 3 + 1) if t >= listener.latency else 0
        assert listener.steps == done
    assert said[-1] > 5


def test_what_is_said_does_not_change():
    """The answers of a step do not depend on what comes behind its look-ahead."""
    model = network(ahead=1)
    x = torch.randn(30, F)
    first = Listener(model).push(x)
    other = Listener(model).push(torch.cat([x, 100 + torch.randn(30, F)]))
    torch.testing.assert_close(other[: len(first)], first, rtol=1e-5, atol=1e-5)


def test_streams_that_cannot_be():
    with pytest.raises(InputError, match="from both ends"):
        Listener(network(bidirectional=True))
    with pytest.raises(InputError, match="its own level"):
        Listener(network(normalise="utterance"))
    listener = Listener(network())
    with pytest.raises(InputError, match=r"frames of shape \(3, 5\)"):
        listener.push(torch.zeros(3, 5))
    assert listener.close().shape == (0, V)
    with pytest.raises(InputError, match="was closed"):
        listener.push(torch.zeros(3, F))
