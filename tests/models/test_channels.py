"""What a network reads of a series, against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from elman.models.channels import Measure, channels, frames, measured, width
from elman.models.classifier import ClassifierSettings, SequenceClassifier

WAYS: list[tuple[Any, bool]] = [(scale, moved) for scale in ("all", "each", "both") for moved in (False, True)]


def series(seed: int = 0, sizes: tuple[int, ...] = (9, 4, 1, 6)) -> list[Tensor]:
    rng = np.random.default_rng(seed)
    return [torch.from_numpy(rng.normal([5, -300], [2, 40], (n, 2)).astype(np.float32)) for n in sizes]


def by_hand(x: np.ndarray, scale: str, moved: bool, by: Measure) -> np.ndarray:
    each = np.where(x.std(0) > 0, (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1), 0)
    whole = (x - by.mean.numpy()) / by.spread.numpy()
    found = {"all": [whole], "each": [each], "both": [whole, each]}[scale]
    if moved:
        assert by.change is not None
        found.append(np.diff(found[-1], axis=0, prepend=found[-1][:1]) / by.change.numpy())
    return np.concatenate(found, 1)


@pytest.mark.parametrize(("scale", "moved"), WAYS)
def test_each_series_in_a_batch_as_by_hand_alone(scale: Any, moved: bool) -> None:
    items = series()
    by = measured(items, scale, moved)
    together = torch.cat(items).numpy()
    np.testing.assert_allclose(by.mean, together.mean(0), rtol=1e-5)
    np.testing.assert_allclose(by.spread, together.std(0), rtol=1e-5)
    lengths = torch.tensor([len(x) for x in items])
    x = torch.full((9, 4, 2), 1e6)  # any finite number stands past the lengths
    for b, item in enumerate(items):
        x[: len(item), b] = item
    found = channels(x, lengths, scale, by)
    assert found.shape[-1] == width(2, scale, moved)
    for b, item in enumerate(items):
        expected = by_hand(item.numpy().astype(float), scale, moved, by)
        np.testing.assert_allclose(found[: len(item), b], expected, atol=2e-4)


@pytest.mark.parametrize("scale", ["all", "each"])
def test_differences_are_of_unit_size_in_training(scale: Any) -> None:
    items = series(sizes=(300, 200))
    by = measured(items, scale, True)
    moved = [channels(x[:, None], torch.tensor([len(x)]), scale, by)[1:, 0, 2:] for x in items]
    np.testing.assert_allclose(torch.cat(moved).square().mean(0).sqrt(), 1, rtol=1e-4)


def test_a_flat_series_has_no_shape() -> None:
    """And a channel that never moves in training is zero, not infinite; neither are series of a single step."""
    items = [torch.full((5, 1), 1234.567), torch.randn(5, 1) + 1000]
    by = measured(items, "each", True)
    assert torch.equal(channels(items[0][:, None], torch.tensor([5]), "each", by), torch.zeros(5, 1, 2))
    still = measured([torch.full((4, 1), 3.0)] * 2, "both", True)
    assert torch.equal(channels(torch.full((4, 1, 1), 3.0), torch.tensor([4]), "both", still), torch.zeros(4, 1, 3))
    assert measured([torch.ones(1, 1), torch.zeros(1, 1)], "all", True).change == 1


@pytest.mark.parametrize(("scale", "moved"), WAYS)
@pytest.mark.parametrize("unit", [1e-20, 1e-9, 1e6, 1e30])
def test_the_unit_of_a_channel_says_nothing(scale: Any, moved: bool, unit: float) -> None:
    """Amperes or nanoamperes: what is read is the same, as far as float32 goes."""
    items, lengths = series(sizes=(40,)), torch.tensor([40])
    scaled = [(x.double() * unit).float() for x in items]
    found = channels(scaled[0][:, None], lengths, scale, measured(scaled, scale, moved))
    expected = channels(items[0][:, None], lengths, scale, measured(items, scale, moved))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    assert expected.abs().max() > 1


def test_what_never_moved_in_training_and_moves_later_is_no_explosion() -> None:
    for value in (0.0, 3.0, -1e9):
        by = measured([torch.full((4, 1), value)] * 2, "both", True)
        later = torch.tensor([value, value + 1, value])[:, None, None]
        assert channels(later, torch.tensor([3]), "both", by).abs().max() < 10


def test_level_and_size_are_gone_where_each_is_scaled_by_itself() -> None:
    items = series(sizes=(40, 30))
    by = measured(items, "each", True)
    one = channels(items[0][:, None], torch.tensor([40]), "each", by)
    other = channels(items[0][:, None] * 17 - 4000, torch.tensor([40]), "each", by)
    torch.testing.assert_close(one, other, atol=2e-3, rtol=0)


def test_frames_hold_every_number_once() -> None:
    x = torch.arange(14.0).reshape(7, 2)
    assert frames(x, 1) is x
    found = frames(x, 3)
    assert found.shape == (3, 6)
    assert found[:2].flatten().tolist() == list(range(12))
    assert found[2].tolist() == [12, 13, 12, 13, 12, 13]  # the last step again
    assert frames(x[:1], 10).shape == (1, 20)


@pytest.mark.parametrize(("scale", "moved"), WAYS)
def test_what_stands_past_a_length_reaches_nothing(scale: Any, moved: bool) -> None:
    torch.manual_seed(0)
    settings = ClassifierSettings(hidden=5, scale=scale, differences=moved, pooling="concat")
    model = SequenceClassifier(settings, 3, features=2).eval()
    items = series(sizes=(6, 3))
    model.scale_to(measured(items, scale, moved))
    x = torch.full((6, 2, 2), float("nan"))
    for b, item in enumerate(items):
        x[: len(item), b] = item
    x.requires_grad_()
    scores = model(x, torch.tensor([6, 3]))
    torch.testing.assert_close(scores[1:], model(items[1][:, None], torch.tensor([3])))
    scores.sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert torch.equal(x.grad[3:, 1], torch.zeros(3, 2))
    assert bool(x.grad.isfinite().all())
