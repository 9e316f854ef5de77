"""How frames are read: derivatives, levels and steps, against plain loops; and no padding anywhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from elman.errors import InputError
from elman.models.augmenting import AugmentSettings, masked, sped
from elman.models.frames import FrameReader, FrameSettings, Levels, delta_filters, stacked, steps_of, with_deltas

DRAW = np.random.default_rng(0)


def batch(lengths: list[int], F: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames with NaN behind each length."""
    x = torch.full((max(lengths), len(lengths), F), math.nan, dtype=torch.float64)
    for b, n in enumerate(lengths):
        x[:n, b] = torch.from_numpy(DRAW.standard_normal((n, F)))
    return x, torch.tensor(lengths)


def slope(x: np.ndarray) -> np.ndarray:
    """The HTK Book, eq. 5.16, with a window of 2, in the middle of a sequence."""
    return (x[3:-1] - x[1:-3] + 2 * (x[4:] - x[:-4])) / 10


def test_derivatives():
    x, lengths = batch([9, 4, 1])
    found = with_deltas(x, lengths, 2)
    assert found.shape == (9, 3, 9)
    for b, n in enumerate(lengths.tolist()):
        own = x[:n, b].numpy()
        wide = np.concatenate([own[:1].repeat(4, 0), own, own[-1:].repeat(4, 0)])  # the edges are repeated first
        first = slope(wide)
        np.testing.assert_allclose(found[:n, b, 3:6], first[2 : 2 + n], atol=1e-12)
        np.testing.assert_allclose(found[:n, b, 6:], slope(first), atol=1e-12)
        np.testing.assert_array_equal(found[:n, b, :3], own)
        assert not found[n:, b].any()


def test_the_filters_are_derivatives():
    """Of a straight line the first is its slope; of a parabola the second is twice its coefficient."""
    t = np.arange(20.0)
    for values, order, wanted in ((3 * t + 1, 1, 3.0), (0.5 * t**2, 2, 1.0), (t, 2, 0.0)):
        weights = np.array(delta_filters(2)[order])
        half = len(weights) // 2
        assert float(weights @ values[5 - half : 6 + half] if half <= 5 else 0) == pytest.approx(wanted)


def test_each_recording_has_its_own_level():
    x, lengths = batch([40, 7, 2])
    x = 5 * x + 3
    found, _ = Levels("utterance", 3)(torch.nan_to_num(x), lengths)
    for b, n in enumerate(lengths.tolist()):
        own = x[:n, b].numpy()
        np.testing.assert_allclose(found[:n, b], (own - own.mean(0)) / own.std(0), atol=1e-6)
        assert not found[n:, b].any()


def test_a_feature_that_never_changes_says_nothing():
    x = torch.full((6, 1, 2), 7.0)
    for kind in ("utterance", "running"):
        levels = Levels(kind, 2)
        levels.measure([(x, torch.tensor([6]))])
        found, _ = levels(x, torch.tensor([6]))
        assert bool(found.isfinite().all())
        assert float(found.abs().max()) < 1e-2


def test_the_level_of_the_training_data():
    x, lengths = batch([30, 12])
    levels = Levels("training", 3).double()
    levels.measure([(torch.nan_to_num(x), lengths)])
    all_ = np.concatenate([x[:n, b].numpy() for b, n in enumerate(lengths.tolist())])
    np.testing.assert_allclose(levels.mean, all_.mean(0), rtol=1e-5)
    np.testing.assert_allclose(levels.variance, all_.var(0), rtol=1e-5)
    found, _ = levels(torch.nan_to_num(x), lengths)
    np.testing.assert_allclose(found[:12, 1], (x[:12, 1].numpy() - all_.mean(0)) / all_.std(0), atol=1e-5)


def test_a_running_level_is_of_what_was_heard():
    """Each frame by those up to itself, and a hundred of the training level; whoever its neighbours are."""
    x, lengths = batch([30, 12])
    levels = Levels("running", 3)
    levels.measure([(torch.from_numpy(2 + 3 * DRAW.standard_normal((500, 1, 3))), torch.tensor([500]))])
    found, _ = levels(torch.nan_to_num(x), lengths)
    mean, variance = levels.mean.double().numpy(), levels.variance.double().numpy()
    for b, n in enumerate(lengths.tolist()):
        own = x[:n, b].numpy()
        for t in range(n):
            count = 100 + t + 1
            first = (100 * mean + own[: t + 1].sum(0)) / count
            second = (100 * (variance + mean**2) + (own[: t + 1] ** 2).sum(0)) / count
            np.testing.assert_allclose(found[t, b], (own[t] - first) / np.sqrt(second - first**2), atol=1e-5)


@pytest.mark.parametrize("sizes", [(10,), (1, 9), (3, 3, 3, 1), (1,) * 10])
def test_a_running_level_goes_on(sizes):
    x = torch.from_numpy(DRAW.standard_normal((10, 2, 3)))
    levels = Levels("running", 3)
    whole, _ = levels(x, torch.tensor([10, 10]))
    past, parts = None, []
    for part in torch.split(x, list(sizes)):
        found, past = levels(part, torch.full((2,), len(part)), past)
        parts.append(found)
    torch.testing.assert_close(torch.cat(parts), whole, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("stack", "stride", "ahead"), [(3, 3, 0), (1, 1, 0), (3, 2, 0), (2, 2, 2), (4, 1, 1)])
def test_steps(stack, stride, ahead):
    for T in (1, 2, 3, 4, 7, 8):
        x = torch.arange(1.0, T + 1)[:, None, None] * torch.tensor([1.0, 100.0])
        found = stacked(x, stack, stride, ahead)
        steps = int(steps_of(T, stride))
        assert steps == math.ceil(T / stride)
        assert found.shape == (steps, 1, 2 * stack * (1 + ahead))
        for s in range(steps):
            seen = {float(v) for v in found[s, 0] if v}
            frames = {t for k in range(ahead + 1) if s + k < steps
                      for t in range((s + k) * stride, (s + k) * stride + stack) if t < T}  # fmt: skip
            assert seen == {float(v) for t in frames for v in x[t, 0]}


def test_what_is_read_does_not_know_its_neighbours():
    x, lengths = batch([11, 5, 8])
    for normalise in ("utterance", "training", "running"):
        reader = FrameReader(FrameSettings(normalise=normalise, ahead=1), 3)
        read, steps = reader.stack(reader(x, lengths), lengths)
        assert bool(read.isfinite().all())
        for b, n in enumerate(lengths.tolist()):
            own = torch.tensor([n])
            alone, count = reader.stack(reader(x[:n, b : b + 1], own), own)
            assert int(count) == int(steps[b]) == len(alone)
            torch.testing.assert_close(read[: len(alone), b : b + 1], alone)


def test_speed():
    """Straight lines stay straight, ends stay ends, and lengths are what the speed makes of them."""
    lengths = torch.tensor([41, 20] * 50)
    x = torch.full((41, 100, 1), math.nan)
    for b, n in enumerate(lengths.tolist()):
        x[:n, b, 0] = torch.linspace(0, 1, n)
    found, after = sped(x, lengths, 0.2, torch.Generator().manual_seed(0))
    for b, n in enumerate(after.tolist()):
        torch.testing.assert_close(found[:n, b, 0], torch.linspace(0, 1, n))
    ratio = lengths / after
    assert 0.78 < float(ratio.min()) < 0.85
    assert 1.15 < float(ratio.max()) < 1.24
    same, still = sped(x, lengths, 0.0, None)
    assert same is x
    assert still is lengths


def test_masks():
    """Two stretches of a tenth at most, and a band of a quarter of the features, in their derivatives, too."""
    lengths = torch.tensor([50, 30] * 40)
    x, F = torch.ones(50, 80, 12), 4
    settings = AugmentSettings(noise=0.0)
    found = masked(x, lengths, F, settings, torch.Generator().manual_seed(0))
    gone, bands = [], []
    for b, n in enumerate(lengths.tolist()):
        own = found[:n, b]
        silent = (own == 0).all(1)
        band = (own[~silent] == 0).all(0)
        assert ((own[~silent] == 0) == band).all()
        assert (band.view(3, F) == band[:F]).all()
        assert not found[n:, b].any()
        gone.append(int(silent.sum()) / n)
        bands.append(int(band.sum()) // 3)
    assert 0.05 < np.mean(gone) < 0.15
    assert max(gone) <= 2 * (0.1 + 1 / 30)
    assert {0, 1} <= set(bands) <= {0, 1, 2}
    noisy = masked(x, lengths, F, AugmentSettings(time_masks=0, feature_masks=0, noise=0.5), None)
    assert float(noisy[:30].std()) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(("settings", "said"), [
    ({"every": 4, "stack": 3}, "leaves frames out"), ({"deltas": 3}, "frames.deltas"), ({"stack": 0}, "frames.stack"),
])  # fmt: skip
def test_settings_that_make_no_sense(settings, said):
    with pytest.raises(InputError, match=said):
        FrameSettings(**settings).check()


def test_how_far_ahead_is_looked():
    assert FrameSettings(deltas=0, stack=1).seen_ahead == 0
    assert FrameSettings(deltas=2, stack=3, ahead=2).seen_ahead == 2 + 6 + 4
