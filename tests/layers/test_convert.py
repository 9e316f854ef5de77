"""`elman.convert`: what is replaced behaves as before, hooks and all; what is not is named, and works as before."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

import elman


class Deep(nn.LSTM):
    def forward(self, x, hx=None):
        y, state = super().forward(x, hx)
        return y + 1, state


def parametrized():
    layer = nn.GRU(4, 5)
    return parametrizations.weight_norm(layer, "weight_hh_l0")


def pruned():
    layer = nn.GRU(4, 5)
    prune.random_unstructured(layer, "weight_hh_l0", 0.5)
    return layer


def with_forward_replaced():
    layer = nn.GRU(4, 5)
    forward = layer.forward
    layer.forward = lambda x: (forward(x)[0] * 2, None)
    return layer


LEFT = {
    "weight_norm": (lambda: weight_norm(nn.GRU(4, 5), "weight_hh_l0"), "weight_norm"),
    "spectral_norm": (lambda: spectral_norm(nn.GRU(4, 5), "weight_hh_l0"), "spectral_norm"),
    "prune": (pruned, "prune"),
    "parametrized": (parametrized, "parametrized"),
    "subclass": (lambda: Deep(4, 5), "class of its own"),
    "forward": (with_forward_replaced, "forward was replaced"),
}


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize("name", LEFT)
@pytest.mark.parametrize("alone", [False, True])
def test_left_alone_and_named(name, alone, capsys):
    torch.manual_seed(0)
    make, reason = LEFT[name]
    layer = make().eval()
    model = layer if alone else nn.Sequential(layer)
    x = torch.randn(3, 2, 4)
    wanted = model(x)[0]
    converted = elman.convert(model)
    assert converted is model
    assert model.converted == []
    assert len(model.left_alone) == 1
    assert reason in model.left_alone[0]
    assert "elman.convert: left alone: " + model.left_alone[0] in capsys.readouterr().err
    torch.testing.assert_close(model(x)[0], wanted)
    assert not any(p.is_meta for p in model.parameters())


def test_cells_are_named(capsys):
    model = nn.ModuleDict({"cell": nn.LSTMCell(2, 3), "gru": nn.GRU(2, 3)})
    elman.convert(model)
    assert model.converted == ["gru: torch.nn.GRU -> elman.nn.GRU"]
    assert model.left_alone[0].startswith("cell: LSTMCell: ")
    assert isinstance(model["cell"], nn.LSTMCell)


def test_hooks_go_on():
    torch.manual_seed(0)
    model = nn.Sequential(nn.GRU(4, 5))
    theirs, seen = model[0], []
    handle = theirs.register_forward_hook(lambda m, args, out: (out[0] * 2, out[1]))
    theirs.register_forward_pre_hook(lambda m, args, kwargs: ((args[0] + 1,), kwargs), with_kwargs=True)
    theirs.register_full_backward_hook(lambda m, gi, go: seen.append(type(m).__name__))
    theirs.register_state_dict_post_hook(lambda m, state, prefix, meta: seen.append(prefix))
    x = torch.randn(3, 2, 4)
    wanted, plain = model(x)[0], None
    elman.convert(model)
    assert isinstance(model[0], elman.nn.GRU)
    torch.testing.assert_close(model(x)[0], wanted)
    x.requires_grad_()
    model(x)[0].sum().backward()
    model.state_dict()
    assert seen == ["GRU", "0."]
    handle.remove()  # torch's handle still finds its hook
    plain = model(x)[0]
    torch.testing.assert_close(plain * 2, wanted)


def test_weights_that_are_no_parameters_any_more_after_the_norm_is_removed():
    """Once the norm is taken off again, the layer is an ordinary one."""
    layer = nn.Sequential(parametrized())
    torch.nn.utils.parametrize.remove_parametrizations(layer[0], "weight_hh_l0")
    x = torch.randn(3, 2, 4)
    wanted = layer(x)[0]
    elman.convert(layer)
    assert len(layer.converted) == 1
    torch.testing.assert_close(layer(x)[0], wanted)
