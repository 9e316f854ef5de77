"""PyTorch's own cases for RNN, GRU and LSTM, as its test suite has them, put to its layers and to ours side by side."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

import elman

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections")  # torch's, of its own kernel
try:
    from torch.testing._internal import common_modules as common

    INFOS = {i.module_cls.__name__: i for i in common.module_db if i.module_cls in (nn.RNN, nn.GRU, nn.LSTM)}
except ImportError:  # torch's tests need expecttest
    INFOS = {}
torchs_own = pytest.mark.skipif(not INFOS, reason="torch.testing._internal needs expecttest")

KINDS = ("RNN", "GRU", "LSTM")
CASES = [
    (name, dtype, training) for name in KINDS for dtype in (torch.float32, torch.float64) for training in (True, False)
]


def tensors(found):
    if isinstance(found, PackedSequence):
        return [found.data, found.batch_sizes]
    if isinstance(found, torch.Tensor):
        return [found]
    return [t for part in found for t in tensors(part)]


def samples(name, dtype, training):
    info, more = INFOS[name], {} if name == "LSTM" else {"with_packed_sequence": True}
    return info.module_inputs_func(info, device="cpu", dtype=dtype, requires_grad=True, training=training, **more)


def leaves(call):
    given = [*call.args, *call.kwargs.values()]
    flat = [g.data if isinstance(g, PackedSequence) else g for g in given]
    return [t for g in flat for t in (g if isinstance(g, tuple) else (g,)) if t.requires_grad and t.is_leaf]


@torchs_own
@pytest.mark.parametrize(("name", "dtype", "training"), CASES)
def test_forward_backward_and_torchs_own_reference(name, dtype, training):
    for number, sample in enumerate(samples(name, dtype, training)):
        made = sample.constructor_input
        theirs = getattr(nn, name)(*made.args, **made.kwargs, dtype=dtype).train(training)
        ours = getattr(elman.nn, name)(*made.args, **made.kwargs, dtype=dtype).train(training)
        ours.load_state_dict(theirs.state_dict())
        assert [tuple(p.shape) for p in ours._flat_weights] == [tuple(p.shape) for p in theirs._flat_weights]
        assert ours.mode == theirs.mode
        given = sample.forward_input
        found, wanted = (layer(*given.args, **given.kwargs) for layer in (ours, theirs))
        for p, q in zip(tensors(found), tensors(wanted), strict=True):
            torch.testing.assert_close(p, q, msg=lambda m, n=number: f"case {n}: {m}")
        inputs = leaves(given)
        grads = [
            torch.autograd.grad(
                sum(t.square().sum() for t in tensors(out) if t.requires_grad), [*inputs, *layer.parameters()]
            )
            for out, layer in ((found, ours), (wanted, theirs))
        ]
        loose = {"rtol": 1e-4, "atol": 1e-4} if dtype == torch.float32 else {}  # inputs of up to 9, through a relu
        for p, q in zip(*grads, strict=True):
            torch.testing.assert_close(p, q, **loose)
        # torch's reference: unbatched input is a batch of one
        if not isinstance(given.args[0], PackedSequence):
            alone = sample.reference_fn(ours, *given.args, **given.kwargs)
            for p, q in zip(tensors(found), tensors(alone), strict=True):
                torch.testing.assert_close(p, q)


@torchs_own
@pytest.mark.parametrize("name", KINDS)
def test_errors(name):
    """Those that torch's suite expects, of the same type and in the same words."""
    info = INFOS[name]
    for case in info.module_error_inputs_func(
        info, device="cpu", dtype=torch.float32, requires_grad=False, training=False
    ):
        made, given = case.module_error_input.constructor_input, case.module_error_input.forward_input
        for kind in (getattr(nn, name), getattr(elman.nn, name)):
            with pytest.raises(case.error_type) as error:  # noqa: PT012
                layer = kind(*made.args, **made.kwargs)
                layer(*given.args, **given.kwargs)
            assert re.search(case.error_regex, str(error.value)), f"{kind}: {error.value}"
            if kind.__module__.startswith("elman"):
                assert isinstance(error.value, elman.InputError)
                assert "\n" not in str(error.value)


@pytest.mark.parametrize("low", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(
    ("name", "options"),
    [("LSTM", {}), ("LSTM", {"proj_size": 2}), ("GRU", {"bidirectional": True}), ("RNN", {"num_layers": 2})],
)
def test_autocast(name, options, low):
    """Whatever the dtypes of x and of the state, what comes out has torch's; it is as exact as the weights are."""
    torch.manual_seed(0)
    theirs, ours = getattr(nn, name)(3, 4, **options), getattr(elman.nn, name)(3, 4, **options)
    ours.load_state_dict(theirs.state_dict())
    rows = theirs.num_layers * (1 + theirs.bidirectional)
    for dtype in (torch.float32, torch.bfloat16):
        x = torch.randn(5, 2, 3, dtype=dtype)
        for of_state in (None, torch.float32, torch.bfloat16):
            state = None
            if of_state is not None:
                state = tuple(torch.randn(rows, 2, w, dtype=of_state) for w in ours._widths)
                state = state if len(state) > 1 else state[0]
            with torch.autocast("cpu", low), torch.no_grad():
                try:
                    wanted = tensors(theirs(x, state))
                except RuntimeError as error:  # oneDNN has float16 only where the processor multiplies it
                    if "primitive descriptor" not in str(error):
                        raise
                    pytest.skip(f"torch's own {name} does not run in {low} on this processor")
                found = tensors(ours(x, state))
                if not ours.bidirectional:
                    y, after = ours.step(x[0], state)
                    again, _ = ours.step(x[1], after)
                    assert (y.dtype, again.dtype) == (found[0].dtype,) * 2
            assert [t.dtype for t in found] == [t.dtype for t in wanted]
            for p, q in zip(found, wanted, strict=True):
                torch.testing.assert_close(p.float(), q.float(), rtol=0.1, atol=0.03)
            with torch.no_grad():
                as_weights = (
                    None
                    if state is None
                    else tuple(s.float() for s in (state if isinstance(state, tuple) else (state,)))
                )
                exact = ours(x.float(), as_weights if as_weights is None or len(as_weights) > 1 else as_weights[0])
            for p, q in zip(found, tensors(exact), strict=True):
                assert torch.equal(p, q.to(p.dtype))


@pytest.mark.parametrize("name", KINDS)
def test_an_empty_batch(name):
    theirs, ours = getattr(nn, name)(3, 4, 2), getattr(elman.nn, name)(3, 4, 2)
    x = torch.randn(5, 0, 3)
    found, wanted = ours(x), theirs(x)
    assert [t.shape for t in tensors(found)] == [t.shape for t in tensors(wanted)]
    tensors(found)[0].sum().backward()
    assert all(p.grad is not None and not p.grad.any() for p in ours.parameters())
    assert ours(x, lengths=[])[0].shape == (5, 0, 4)
    with torch.no_grad():
        for _ in range(2):
            y, state = ours.step(x[0])
            y, state = ours.step(x[1], state)
        assert y.shape == (0, 4)


def test_names_of_torch():
    layer, theirs = elman.nn.LSTM(3, 4, 2, bidirectional=True), nn.LSTM(3, 4, 2, bidirectional=True)
    x, hx = torch.randn(5, 2, 3), (torch.randn(4, 2, 4), torch.randn(4, 2, 4))
    torch.testing.assert_close(layer(input=x, hx=hx)[0], layer(x, hx)[0])
    torch.testing.assert_close(layer(x, list(hx))[0], layer(x, hx)[0])  # torch takes a list too
    assert [[id(p) for p in of_one] for of_one in layer.all_weights] == [
        [id(getattr(layer, n)) for n in names] for names in theirs._all_weights
    ]
    assert layer._flat_weights_names == theirs._flat_weights_names
    assert repr(elman.nn.RNN(2, 3, nonlinearity="relu", bias=False)) == "RNN(2, 3, nonlinearity='relu', bias=False)"
    assert repr(elman.nn.GRU(2, 3, reset="before")) == "GRU(2, 3, reset='before')"
    assert repr(nn.LSTM(2, 3, batch_first=True)) == repr(elman.nn.LSTM(2, 3, batch_first=True))
    assert elman.nn.RNN(2, 3, nonlinearity=elman.sigmoid).mode == "RNN_SIGMOID"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda layer, x: layer(x.numpy()), "x is an ndarray"),
        (lambda layer, x: layer.step(x[0].numpy()), "x_t is an ndarray"),
        (lambda layer, x: layer(), "x is missing"),
        (lambda layer, x: layer(x, (None, None)), "tuple of NoneType, NoneType"),
        (lambda layer, x: layer(x, torch.zeros(1, 2, 4)), "the state has shapes"),
        (lambda layer, x: layer(x, [[0.0], [0.0]]), "list of list, list"),
        (lambda layer, x: layer.step(x[0], (None, None)), "tuple of NoneType, NoneType"),
        (lambda layer, x: layer(x, lengths=torch.tensor([True, True])), "lengths are bool"),
        (lambda layer, x: layer(x, lengths=[True, True]), "lengths are bool"),
        (lambda layer, x: layer(x, lengths=["5", "3"]), "not whole numbers"),
        (lambda layer, x: layer(x, input=x), "two names"),
        (lambda layer, x: elman.nn.LSTM(10, 20, 2, 0.5), "bias should be of type bool, got: float"),
        (lambda layer, x: elman.nn.LSTM(10, 20, batch_first="False"), "batch_first should be of type bool"),
        (lambda layer, x: elman.nn.GRU(10, 20, bidirectional=1), "bidirectional should be of type bool"),
        (lambda layer, x: elman.nn.GRU(10, 20, dropout="0.5"), "dropout should be of type float"),
        (lambda layer, x: elman.nn.LSTM(10, 20, proj_size=1.0), "proj_size should be of type int"),
    ],
)
def test_wrong_calls_get_one_line(call, said):
    with pytest.raises(elman.InputError) as error:
        call(elman.nn.LSTM(3, 4), torch.randn(5, 2, 3))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_parameters_are_swapped_after_inference():
    layer = elman.nn.GRU(3, 4).eval()
    x = torch.randn(5, 2, 3)
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        for lengths in (None, [5, 3]):
            with torch.no_grad():
                wanted = layer(x, lengths=lengths)[0]
                layer.step(x[0])
            layer.double()
            with torch.no_grad():
                torch.testing.assert_close(layer(x.double(), lengths=lengths)[0].float(), wanted)
            layer.load_state_dict({k: v.clone() for k, v in layer.state_dict().items()})
            layer.float()
    finally:
        torch.__future__.set_swap_module_params_on_conversion(False)
