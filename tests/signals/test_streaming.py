"""A signal that comes in pieces has the features of the whole, at every edge; and whole stages refuse to stream."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from elman.errors import InputError
from elman.signals.chain import STAGES, Chain
from elman.signals.signal import Layout, Signal

CHAINS: list[tuple[float, int, list[Any]]] = [
    (16000, 1, ["logmel"]),
    (16000, 1, [{"name": "mfcc", "edges": "snip"}, "deltas", "stack"]),
    (8000, 2, ["mono", "mfcc", {"name": "normalise", "over": "past"}, {"name": "stack", "count": 3, "step": 2}]),
    (8000, 1, [{"name": "resample", "rate": 16000}, "logmel", {"name": "deltas", "order": 1, "reach": 3}]),
    (16000, 1, [{"name": "gain", "by": 3}, {"name": "logmel", "step": 0.03, "energy": True}]),
    (100, 4, ["reference", {"name": "bandpass", "causal": True}, {"name": "notch", "at": 40, "causal": True}, "bands"]),
    (100, 4, [{"name": "channels", "keep": ["c", "a"]}, {"name": "bands", "edges": "mirror", "step": 0.3}]),
    (100, 3, [{"name": "covariances", "step": 0.7}]),
    (100, 4, [{"name": "bandpass", "low": 0, "high": 20, "causal": True}]),
]


def made(rate: float, channels: int, samples: int) -> Signal:
    t = np.arange(samples)[:, None] / rate
    x = np.sin(2 * np.pi * t * (5 + np.arange(channels))) + np.random.default_rng(samples).normal(
        size=(samples, channels)
    )
    return Signal(x.astype(np.float32), Layout(rate, tuple("abcd"[:channels])))


@pytest.mark.parametrize("chunk", [1, 7, 100, 1600, 100_000])
@pytest.mark.parametrize(("rate", "channels", "stages"), CHAINS)
def test_chunks_of_any_size_come_to_the_whole(rate: float, channels: int, stages: list[Any], chunk: int) -> None:
    chain = Chain(stages)
    samples = 997 if chunk == 1 else 4801
    signal = made(rate, channels, samples)
    whole = chain(signal).values
    stream = chain.begin(signal.layout)
    pieces = [stream.push(signal.values[t : t + chunk]) for t in range(0, samples, chunk)]
    found = np.concatenate([*pieces, stream.close()])
    assert found.shape == whole.shape
    assert np.abs(found - whole).max() < 1e-5 * max(1.0, float(np.abs(whole).max()))


@pytest.mark.parametrize(("rate", "channels", "stages"), CHAINS[:5])
def test_a_feature_is_no_later_than_is_said(rate: float, channels: int, stages: list[Any]) -> None:
    """After so many seconds of signal every frame that began `delay` before is there."""
    chain, signal = Chain(stages), made(rate, channels, 8000)
    stream, given = chain.begin(signal.layout), 0
    delay = chain.delay(signal.layout)
    for t in range(0, 8000, 50):
        given += len(stream.push(signal.values[t : t + 50]))
        due = ((t + 50) / rate - delay) * stream.layout.rate
        assert given >= int(due) - 1


@pytest.mark.parametrize("samples", [1, 2, 3, 50, 399])
def test_streams_shorter_than_a_frame_are_flushed(samples: int) -> None:
    chain, signal = Chain(["logmel", "deltas", "stack"]), made(16000, 1, samples)
    stream = chain.begin(signal.layout)
    for t in range(samples):
        stream.push(signal.values[t : t + 1])
    found = stream.close()
    assert len(found) == 1
    assert np.allclose(found, chain(signal).values, atol=1e-5)


def test_every_live_stage_stands_in_a_chain_above() -> None:
    used = {stage if isinstance(stage, str) else stage["name"] for _, _, stages in CHAINS for stage in stages}
    assert used == STAGES.keys() - {"windows", "reject"}


@pytest.mark.parametrize("stage", ["bandpass", "notch", "normalise"])
def test_a_stage_that_needs_the_whole_does_not_stream(stage: str) -> None:
    with pytest.raises(InputError, match=f"the stage {stage} needs the whole signal"):
        Chain([stage]).begin(Layout(1000, ("a",)))


def test_a_stream_refuses_other_channels_and_what_is_no_number() -> None:
    stream = Chain(["mono"]).begin(Layout(100, ("a", "b")))
    with pytest.raises(InputError, match="samples of shape"):
        stream.push(np.zeros((3, 1)))
    with pytest.raises(InputError, match="a sample is no number"):
        stream.push(np.array([[0, np.nan]]))
