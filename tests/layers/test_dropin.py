"""In place of torch.nn's layers: same arguments, same state_dict, same results, in both directions."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import elman
from elman import CellError, InputError
from elman.engines.choose import ENGINES, choose

PAIRS = {
    "LSTM": (elman.nn.LSTM, nn.LSTM, {}),
    "LSTM projected": (elman.nn.LSTM, nn.LSTM, {"proj_size": 3}),
    "LSTM no bias": (elman.nn.LSTM, nn.LSTM, {"bias": False}),
    "GRU": (elman.nn.GRU, nn.GRU, {}),
    "GRU no bias": (elman.nn.GRU, nn.GRU, {"bias": False}),
    "RNN tanh": (elman.nn.RNN, nn.RNN, {}),
    "RNN relu": (elman.nn.RNN, nn.RNN, {"nonlinearity": "relu", "bias": False}),
}
LENGTHS = torch.tensor([3, 7, 5])


def parts(state):
    return state if isinstance(state, tuple) else (state,)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize(
    ("pair", "engine"),
    # of a projection torch has a module, and no kernel that one layer at a time could call
    [(p, e) for p in PAIRS for e in ("auto", *ENGINES) if (p, e) != ("LSTM projected", "torch")],
)
def test_equals_torch(pair, batch_first, engine):
    ours, theirs, options = PAIRS[pair]
    a = theirs(4, 6, num_layers=2, bidirectional=True, batch_first=batch_first, dtype=torch.float64, **options)
    b = ours(4, 6, num_layers=2, bidirectional=True, batch_first=batch_first, dtype=torch.float64, **options)
    try:
        choose(b.graph, torch.device("cpu"), torch.float64, engine)
    except InputError as error:
        pytest.skip(str(error))
    b.engine = engine
    b.load_state_dict(a.state_dict())
    a.load_state_dict(b.state_dict())
    assert list(a.state_dict()) == list(b.state_dict())
    x = torch.randn(7, 3, 4, dtype=torch.float64)
    state = [torch.randn(4, 3, w, dtype=torch.float64) for w in b._widths]
    hx = tuple(state) if len(state) > 1 else state[0]
    given = x.transpose(0, 1) if batch_first else x
    packed = pack_padded_sequence(given, LENGTHS, batch_first, enforce_sorted=False)
    ya, sa = a(packed, hx)
    ya, _ = pad_packed_sequence(ya, batch_first)
    yb, sb = b(given, hx, lengths=LENGTHS)
    yc, sc = b(packed, hx=hx)
    yc, _ = pad_packed_sequence(yc, batch_first)
    torch.testing.assert_close(yb, ya)
    torch.testing.assert_close(yc, ya)
    for p, q, r in zip(parts(sa), parts(sb), parts(sc), strict=True):
        torch.testing.assert_close(q, p)
        torch.testing.assert_close(r, p)
    ga = torch.autograd.grad(ya.square().sum(), list(a.parameters()))
    gb = torch.autograd.grad(yb.square().sum(), list(b.parameters()))
    for p, q in zip(ga, gb, strict=True):
        torch.testing.assert_close(q, p)


@pytest.mark.parametrize("pair", PAIRS)
def test_unbatched_and_positional_arguments(pair):
    ours, theirs, _ = PAIRS[pair]
    names = list(inspect.signature(ours.__init__).parameters)[1:7]
    known = ["input_size", "hidden_size", "num_layers", "nonlinearity", "bias", "batch_first", "dropout"]
    assert names == [n for n in known if n != "nonlinearity" or ours is elman.nn.RNN][:6]
    a, b = theirs(4, 6), ours(4, 6)
    b.load_state_dict(a.state_dict())
    x = torch.randn(5, 4)
    ya, sa = a(x)
    yb, sb = b(x)
    torch.testing.assert_close(yb, ya)
    for p, q in zip(parts(sa), parts(sb), strict=True):
        torch.testing.assert_close(q, p)
    b.flatten_parameters()


def test_reset_before_is_the_lectures_gru():
    """By hand: r and z from the state, the reset before the product."""
    layer = elman.nn.GRU(2, 3, reset="before", dtype=torch.float64)
    x, s = torch.randn(1, 1, 2, dtype=torch.float64), torch.randn(1, 1, 3, dtype=torch.float64)
    W, U = layer.weight_hh_l0.view(3, 3, 3), layer.weight_ih_l0.view(3, 3, 2)
    b = (layer.bias_ih_l0 + layer.bias_hh_l0).view(3, 3)
    h, v = s[0, 0], x[0, 0]
    r, z = torch.sigmoid(W[0] @ h + U[0] @ v + b[0]), torch.sigmoid(W[1] @ h + U[1] @ v + b[1])
    n = torch.tanh(W[2] @ (r * h) + U[2] @ v + b[2])
    torch.testing.assert_close(layer(x, s)[0][0, 0], z * h + (1 - z) * n)
    with pytest.raises(InputError, match="reset"):
        elman.nn.GRU(2, 3, reset="during")


@pytest.mark.parametrize("g", ["sigmoid", "softplus", elman.tanh, elman.relu])
def test_rnn_takes_any_activation(g):
    layer = elman.nn.RNN(2, 3, nonlinearity=g)
    x = torch.randn(4, 1, 2)
    by_name = {"sigmoid": torch.sigmoid, "softplus": nn.functional.softplus}
    function = by_name[g] if isinstance(g, str) else torch.tanh if g is elman.tanh else torch.relu
    h = torch.zeros(3)
    for t in range(4):
        h = function(layer.weight_ih_l0 @ x[t, 0] + layer.weight_hh_l0 @ h + layer.bias_ih_l0 + layer.bias_hh_l0)
    torch.testing.assert_close(layer(x)[0][-1, 0], h)
    with pytest.raises(CellError, match="no activation is called 'swish'"):
        elman.nn.RNN(2, 3, nonlinearity="swish")


def test_convert_keeps_weights_and_behaviour_and_says_so(capsys):
    class Theirs(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = nn.Sequential(nn.Linear(4, 4), nn.LSTM(4, 5, 2, bidirectional=True))
            self.shared = nn.GRU(10, 3, batch_first=True)
            self.again = self.shared
            self.rnn = nn.RNN(3, 3, nonlinearity="relu")

        def forward(self, x):
            y, _ = self.encoder(x)
            y, _ = self.shared(y.transpose(0, 1))
            return self.rnn(y.transpose(0, 1))[0]

    model = Theirs().eval()
    before, names = dict(model.named_parameters()), list(model.state_dict())
    x = torch.randn(6, 2, 4)
    wanted = model(x)
    converted = elman.convert(model)
    assert converted is model
    torch.testing.assert_close(converted(x), wanted)
    assert list(converted.state_dict()) == names
    assert all(p is before[n] for n, p in converted.named_parameters())
    assert model.shared is model.again
    assert not any(isinstance(m, nn.RNNBase) for m in model.modules())
    said = capsys.readouterr().err
    assert "encoder.1: torch.nn.LSTM -> elman.nn.LSTM" in said
    assert said.count("GRU") >= 2
    alone = elman.convert(nn.GRU(2, 3))
    assert isinstance(alone, elman.nn.GRU)
