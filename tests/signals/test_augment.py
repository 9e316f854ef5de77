"""What is made different in training: only so much, the same with the same seed, and nothing of what is given."""

from __future__ import annotations

import pytest
import torch

from elman.errors import InputError
from elman.signals.augment import add_noise, change_gain, change_speed, mask


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_masks_hide_stretches_and_bands_alone() -> None:
    x = torch.randn(100, 13, generator=drawn())
    for seed in range(20):
        found = mask(x, drawn(seed), times=1, longest=10, bands=1, widest=3)
        changed = found != x
        assert torch.equal(found[changed], x.mean(0).expand_as(x)[changed])
        rows, columns = changed.all(1), changed.all(0)
        assert torch.equal(changed, rows[:, None] | columns)
        assert (int(rows.sum()), int(columns.sum())) <= (10, 3)
        assert int(rows.diff().sum()) <= 2
    assert torch.equal(mask(x, drawn(3)), mask(x, drawn(3)))
    assert mask(torch.randn(1, 1), drawn()).shape == (1, 1)


def test_noise_is_as_loud_as_is_said() -> None:
    x = torch.randn(20000, 2, generator=drawn()) * torch.tensor([1.0, 50.0])
    noise = add_noise(x, drawn(1), 20) - x
    assert torch.allclose(noise.std(0) / x.std(0), torch.tensor(0.1), rtol=0.05)


def test_gain_keeps_the_shape() -> None:
    x = torch.randn(50, 2, generator=drawn())
    for seed in range(10):
        by = change_gain(x, drawn(seed), 6) / x
        assert torch.allclose(by, by[0, 0].expand_as(by), rtol=1e-4)
        assert 10 ** (-6 / 20) - 1e-4 <= float(by[0, 0]) <= 10 ** (6 / 20) + 1e-4


@pytest.mark.parametrize(("factor", "frames"), [(1.0, 41), (0.5, 82), (2.0, 20), (10.0, 4)])
def test_speed_keeps_lines_and_ends(factor: float, frames: int) -> None:
    x = torch.stack([torch.linspace(0, 1, 41), torch.linspace(5, -3, 41)], 1)
    found = change_speed(x, factor)
    assert len(found) == frames
    assert torch.allclose(found[:, 0], torch.linspace(0, 1, frames), atol=1e-6)
    assert torch.allclose(found[:, 1], torch.linspace(5, -3, frames), atol=1e-5)


def test_one_frame_stays_one() -> None:
    assert torch.equal(change_speed(torch.ones(1, 3), 0.8), torch.ones(1, 3))
    with pytest.raises(InputError):
        change_speed(torch.ones(4, 3), 0.0)
