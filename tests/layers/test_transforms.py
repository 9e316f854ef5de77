"""`torch.func` over a layer: what plain operations give, whatever engine would run without it."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call, grad, jvp, vmap

from elman.nn import GRU, LSTM


def made(kind: type = GRU) -> torch.nn.Module:
    torch.manual_seed(0)
    return kind(3, 4)


def test_gradients_of_each_sequence_equal_those_of_each_alone() -> None:
    layer = made()
    p = {name: w.detach() for name, w in layer.named_parameters()}
    x = torch.randn(6, 5, 3, generator=torch.Generator().manual_seed(1))  # (B, T, I)

    def loss(p: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
        return functional_call(layer, p, (x[:, None],))[0].square().sum()

    each = vmap(grad(loss), in_dims=(None, 0))(p, x)
    for b in range(len(x)):
        y = layer(x[b][:, None])[0].square().sum()
        alone = torch.autograd.grad(y, list(layer.parameters()))
        for name, wanted in zip(p, alone, strict=True):
            torch.testing.assert_close(each[name][b], wanted)


def test_forward_derivatives() -> None:
    layer = made().double()
    x, v = (torch.randn(5, 2, 3, dtype=torch.float64) for _ in range(2))
    y, along = jvp(lambda x: layer(x)[0], (x,), (v,))
    torch.testing.assert_close(y, layer(x)[0])
    eps = 1e-6
    with torch.no_grad():
        torch.testing.assert_close(
            along, (layer(x + eps * v)[0] - layer(x - eps * v)[0]) / (2 * eps), rtol=1e-5, atol=1e-7
        )


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_a_prepared_step_is_not_taken_within_a_transform(kind: type) -> None:
    layer = made(kind).eval()
    x = torch.randn(6, 1, 3)
    with torch.no_grad():
        _, state = layer.step(x[0])
        wanted = torch.stack([layer.step(x_t, state)[0] for x_t in x])
        torch.testing.assert_close(vmap(lambda x_t: layer.step(x_t, state)[0])(x), wanted)
