"""A weight that is not what the layer was made with: told in one line, or computed as torch's operations have it."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
import torch.nn.utils.prune
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

import elman
from elman import Cell, InputError, cells, tanh
from elman.errors import InputTypeError
from elman.layers import recurrent
from elman.nn import GRU, LSTM, Recurrent

WAYS: dict[str, Callable[[Recurrent, Tensor], Tensor]] = {
    "forward": lambda layer, x: layer(x)[0],
    "lengths": lambda layer, x: layer(x, lengths=[3, 1, 2])[0],
    "step": lambda layer, x: layer.step(x[0])[0],
    "steps": lambda layer, x: layer.step(x[1], layer.step(x[0])[1])[0],
}


class Marked(Tensor):
    """A tensor by another name."""


def changed(**parameters: object) -> LSTM:
    """An LSTM of which some parameters were replaced."""
    torch.manual_seed(0)
    layer = LSTM(5, 7).eval()
    for name, change in parameters.items():
        new = change(getattr(layer, name).detach())  # type: ignore[operator]
        delattr(layer, name)
        setattr(layer, name, nn.Parameter(new, requires_grad=False) if type(new) is Tensor else new)
    return layer


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "one of float64": ({"weight_hh_l0": Tensor.double}, "weight_hh_l0 is float64 on cpu, x is float32 on cpu"),
    "one on meta": ({"weight_hh_l0": lambda w: w.to("meta")}, "weight_hh_l0 is float32 on meta, x is float32 on cpu"),
    "a missing row": (
        {"weight_hh_l0": lambda w: w[1:]},
        r"weight_hh_l0 has shape \(27, 7\), the layer wants \(28, 7\)",
    ),
    "transposed": ({"weight_hh_l0": lambda w: w.t()}, r"weight_hh_l0 has shape \(7, 28\)"),
    "a bias of one": ({"bias_hh_l0": lambda b: b[:1]}, r"bias_hh_l0 has shape \(1,\), the layer wants \(28,\)"),
    "a number": ({"bias_hh_l0": lambda b: 0.5}, "bias_hh_l0 is 0.5, not a tensor"),
    "an array": ({"weight_hh_l0": Tensor.numpy}, "weight_hh_l0 is an ndarray, not a tensor"),
    "a list": ({"bias_hh_l0": Tensor.tolist}, "bias_hh_l0 is a list, not a tensor"),
    "nested": (
        {"bias_hh_l0": lambda b: torch.nested.as_nested_tensor([b, b])},
        r"bias_hh_l0 is a nested tensor, the layer wants one of shape \(28,\)",
    ),
    "sparse": ({"weight_hh_l0": Tensor.to_sparse}, r"weight_hh_l0 is sparse \(sparse_coo\), and torch cannot compute"),
    "in rows that are sparse": ({"weight_hh_l0": Tensor.to_sparse_csr}, r"weight_hh_l0 is sparse \(sparse_csr\)"),
    "laid out for another library": ({"weight_hh_l0": Tensor.to_mkldnn}, r"weight_hh_l0 is sparse \(_mkldnn\)"),
}


@pytest.mark.filterwarnings("ignore:Sparse CSR:UserWarning", "ignore:The PyTorch API of nested:UserWarning")
@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", REFUSED)
def test_what_is_wrong_is_named(what: str, way: str, engine: str) -> None:
    parameters, says = REFUSED[what]
    layer = changed(**parameters)
    layer.engine = engine
    for grads in (torch.no_grad(), torch.enable_grad()):
        with grads, pytest.raises(InputError, match=says) as error:
            WAYS[way](layer, torch.randn(3, 3, 5))
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("first", [0.5, "text", [1.0]])
def test_the_first_parameter_is_no_exception(first: object) -> None:
    """x is compared with it before the parameters are looked at."""
    layer = GRU(5, 7)
    layer._parameters["weight_ih_l0"] = first  # type: ignore[assignment]
    for way in WAYS:
        with pytest.raises(InputError, match=r"weight_ih_l0 is .*, not a tensor"):
            WAYS[way](layer, torch.randn(3, 3, 5))


def test_freed_memory_is_not_read() -> None:
    layer, x = LSTM(5, 7).eval(), torch.randn(3, 3, 5)
    with torch.no_grad():
        _, state = layer.step(x[0])
        layer.step(x[0], state)
        layer.weight_hh_l0.untyped_storage().resize_(0)  # as sharded training does between uses
        for call in (lambda: layer(x), lambda: layer.step(x[0], state), lambda: layer(x, lengths=[3, 1, 2])):
            with pytest.raises(InputError, match="weight_hh_l0 has no memory"):
                call()


@pytest.mark.filterwarnings("ignore:Sparse CSR:UserWarning", "ignore:The PyTorch API of nested:UserWarning")
def test_an_x_without_plain_memory_is_not_taken_for_freed() -> None:
    torch.manual_seed(0)
    layer, x = LSTM(5, 7), torch.randn(3, 2, 5)
    with pytest.raises(NotImplementedError, match="Sparse"):  # torch's word on it, as on the reference engine
        layer(x.to_sparse())
    with torch.no_grad():
        zeros = torch._efficientzerotensor(x.shape)  # as forward-mode AD makes them: no memory behind it
        torch.testing.assert_close(layer(zeros)[0], layer(torch.zeros_like(x))[0])
    nested = torch.nested.as_nested_tensor([x[:, 0], x[:2, 1]])
    for call in (layer, layer.step):
        with pytest.raises(InputTypeError, match="is a nested tensor; pad it"):
            call(nested)


LIES: dict[str, Callable[[Tensor], Tensor]] = {
    "transposed": lambda w: w.t().contiguous().t(),
    "every other": lambda w: w.repeat_interleave(2, -1)[..., ::2],
    "inside another": lambda w: torch.cat([w, w, w])[w.shape[0] : 2 * w.shape[0]],
    "one number": lambda w: w.flatten()[:1].expand(w.shape),
    "at an odd address": lambda w: torch.frombuffer(
        bytearray(b"?" + w.numpy().tobytes()), dtype=torch.float32, offset=1
    ).view(w.shape),
    "a subclass": lambda w: nn.Parameter(w.as_subclass(Marked)),
    "negated later": lambda w: torch._neg_view(-w),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", LIES)
def test_however_a_weight_lies_its_numbers_count(how: str, way: str) -> None:
    layer, x = changed(**dict.fromkeys(["weight_ih_l0", "weight_hh_l0", "bias_hh_l0"], LIES[how])), torch.randn(3, 3, 5)
    oracle = changed(**{n: (lambda w: LIES[how](w).clone().as_subclass(Tensor)) for n, _ in layer.named_parameters()})
    oracle.load_state_dict({n: p.detach().clone().as_subclass(Tensor) for n, p in layer.named_parameters()})
    oracle.engine = "reference"
    with torch.no_grad():
        torch.testing.assert_close(WAYS[way](layer, x).as_subclass(Tensor), WAYS[way](oracle, x))


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.data.t(),
        lambda p: p.data.view(-1)[:30].view(6, 5),
        lambda p: p.data.view(4, 9),
    ],
    ids=["transposed", "cut", "other shape"],
)
def test_the_same_address_read_in_another_way_is_seen(change: Callable[[nn.Parameter], Tensor]) -> None:
    """`p.data = ...` gives a parameter another shape, stride or dtype, and counts as no change."""
    torch.manual_seed(0)
    cell, x = Recurrent(cells.RNN, 6, 6).eval().requires_grad_(False), torch.randn(1, 2, 6)
    square = cell.W_l0
    with torch.no_grad():
        _, state = cell.step(x[0])
        cell.step(x[0], state)
        address = square.data_ptr()
        square.data = change(square)
        assert square.data_ptr() == address
        if square.shape != (6, 6):
            with pytest.raises(InputError, match="W_l0 has shape"):
                cell.step(x[0], state)
            return
        oracle = Recurrent(cells.RNN, 6, 6, engine="reference")
        oracle.load_state_dict(cell.state_dict())
        torch.testing.assert_close(cell.step(x[0], state), oracle.step(x[0], state))


def test_in_a_mode_that_takes_operations_over_they_are_plain_ones() -> None:
    layer, x = GRU(5, 7), torch.randn(4, 3, 5)
    with FlopCounterMode(display=False):
        y, _ = layer(x)
    torch.testing.assert_close(y, layer(x)[0])
    with FakeTensorMode(allow_non_fake_inputs=True) as fake:
        y, h = layer(fake.from_tensor(x))
        y_t, _ = layer.step(fake.from_tensor(x)[0], fake.from_tensor(torch.zeros(1, 3, 7)))
    assert (y.shape, h.shape, y_t.shape) == ((4, 3, 7), (1, 3, 7), (3, 7))
    with FakeTensorMode(), pytest.raises((AssertionError, RuntimeError)):
        layer(x)  # as torch.nn.GRU


@pytest.mark.parametrize("way", WAYS)
def test_another_default_device_is_not_the_layers(way: str) -> None:
    layer, x = LSTM(5, 7, num_layers=2, dropout=0.5), torch.randn(3, 3, 5)
    layer.eval()
    wanted = WAYS[way](layer, x)
    torch.set_default_device("meta")
    try:
        for grads in (torch.no_grad(), torch.enable_grad()):
            with grads:
                torch.testing.assert_close(WAYS[way](layer, x), wanted)
        layer.train()
        WAYS["forward"](layer, x).sum().backward()
    finally:
        torch.set_default_device(None)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in layer.parameters())


def test_explain_says_what_a_disguise_costs() -> None:
    said = elman.explain(changed(weight_hh_l0=LIES["a subclass"]))
    assert said.engine == "reference"
    assert "weight_hh_l0 is a Marked" in said.reasons["native"]
    layer = changed(weight_hh_l0=LIES["a subclass"])
    layer.engine = "native"
    with pytest.raises(InputError, match="weight_hh_l0 is a Marked"):
        layer(torch.randn(3, 3, 5))


class Wide(Cell):
    """A state as wide as the input."""

    widths = {"c": "I"}

    def step(self, x, h, c):
        return tanh(self.W @ h + self.V @ c + self.b), tanh(c + x)


class Residual(Cell):
    """An output as wide as the input, of a state that is not."""

    def step(self, x, h):
        h = tanh(self.W @ h + self.U @ x)
        return x + self.P @ h, h


class Through(Cell):
    """All as wide as the input."""

    widths = {"c": "I"}

    def step(self, x, c):
        return tanh(self.w * c + x)


@pytest.mark.parametrize("engine", ["native", "reference"])
def test_widths_of_the_input_over_layers(engine: str) -> None:
    with pytest.raises(InputError, match="c is as wide as the input: 8 in the first layer, 16 in layer 1") as error:
        Recurrent(Wide, 8, 16, num_layers=2)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="c is as wide as the input: 8 in the first layer, 16 in layer 1"):
        Recurrent(Through, 8, 4, num_layers=2, bidirectional=True)
    cases = [
        (Recurrent(Wide, 8, 16), 16), (Recurrent(Wide, 8, 8, num_layers=3), 8), (Recurrent(Residual, 3, 5, 4), 3),
        (Recurrent(Residual, 3, 5, 3, bidirectional=True), 24), (Recurrent(Through, 3, 9, 2), 3),
        (Recurrent(Through, 3, 9, 2, zoneout=0.2), 3), (Recurrent(Wide, 4, 8, zoneout=0.2), 8),
    ]  # fmt: skip
    for layer, width in cases:
        assert layer.output_size == width
        oracle = Recurrent(
            layer.graph, layer.input_size, layer.hidden_size, layer.num_layers, layer.bidirectional, engine="reference"
        ).double()
        oracle.zoneout = layer.zoneout
        oracle.load_state_dict(layer.state_dict())
        layer.engine = engine
        for module in (layer, oracle):
            module.eval()
        x = torch.randn(4, 3, layer.input_size, requires_grad=True)
        for lengths in (None, [4, 1, 2]):
            y, after = layer(x, lengths=lengths)
            wanted, end = oracle(x.double(), lengths=lengths)
            assert y.shape == (4, 3, width)
            torch.testing.assert_close(y.double(), wanted, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close([s.double() for s in after], list(end), rtol=1e-4, atol=1e-5)
        grads = torch.autograd.grad(y.sum(), [x, *layer.parameters()])
        expected = torch.autograd.grad(wanted.sum(), [x, *oracle.parameters()])
        torch.testing.assert_close([g.double() for g in grads], [g.double() for g in expected], rtol=1e-3, atol=1e-4)


def test_masks_switched_on_after_the_first_call_act() -> None:
    torch.manual_seed(0)
    layer, x = GRU(5, 64), torch.randn(6, 3, 5)
    plain = layer(x)[0]
    layer.zoneout = 0.5
    y = layer(x)[0]
    assert (y[1:] == y[:-1]).float().mean() > 0.2  # units that kept their state
    layer.eval()
    fresh = GRU(5, 64, zoneout=0.5).eval()
    fresh.load_state_dict(layer.state_dict())
    torch.testing.assert_close(layer(x)[0], fresh(x)[0])
    with torch.no_grad():
        _, state = layer.step(x[0])
        layer.step(x[0], state)
        layer.zoneout = fresh.zoneout = 0.1
        torch.testing.assert_close(layer.step(x[0], state), fresh.step(x[0], state))
    layer.train()
    layer.zoneout, layer.recurrent_dropout = 0.0, 0.5
    assert not torch.allclose(layer(x)[0][1:], plain[1:])
    with torch.no_grad(), pytest.raises(InputError, match="eval"):
        layer.step(x[0], state)
    layer.recurrent_dropout = 0.0
    assert torch.equal(layer(x)[0], plain)


@pytest.mark.parametrize("kind", [GRU, LSTM])
def test_what_hooks_on_saved_tensors_give_back_may_lie_as_it_likes(kind: type) -> None:
    """The step back reads y: stored with its axes the other way, or moved, it is the same y."""
    torch.manual_seed(0)
    layer, x = kind(5, 7), torch.randn(4, 3, 5)
    wanted = torch.autograd.grad(layer(x)[0].square().sum(), list(layer.parameters()))

    def turned(t: Tensor) -> Tensor:
        return t.transpose(0, -1).contiguous() if t.is_floating_point() else t

    def back(t: Tensor) -> Tensor:
        return t.transpose(0, -1) if t.is_floating_point() else torch.stack([t, t], -1)[..., 0]

    with torch.autograd.graph.saved_tensors_hooks(turned, back):
        y = layer(x)[0]
    torch.testing.assert_close(torch.autograd.grad(y.square().sum(), list(layer.parameters())), wanted)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t.double() if t.is_floating_point() else t):
        y = layer(x)[0]
    with pytest.raises(InputError, match="float64"):
        y.sum().backward()


def old_style(layer: nn.Module, name: str) -> nn.Module:
    """Weight norm by a hook that makes the weight before each forward."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        return nn.utils.weight_norm(layer, name)


def test_a_step_runs_the_hooks_that_make_its_weights() -> None:
    torch.manual_seed(0)
    layer, other = (old_style(GRU(5, 7).eval(), "weight_hh_l0") for _ in range(2))
    pruned = nn.utils.prune.random_unstructured(GRU(5, 7).eval(), "weight_hh_l0", 0.5)
    x = torch.randn(2, 3, 5)
    with torch.no_grad():
        for module in (layer, pruned):
            state = module.step(x[0])[1]
            torch.testing.assert_close(module.step(x[1], state)[0], module(x)[0][1])
        layer.load_state_dict(other.state_dict())
        fresh = layer.step(x[1], state)
        torch.testing.assert_close(fresh[0], other(x[1:], state)[0][0])
        pruned.weight_hh_l0_orig.mul_(2)
        torch.testing.assert_close(pruned.step(x[1], state)[0], pruned(x[1:], state)[0][0])


def test_hooks_before_and_after_a_step_are_those_of_a_call() -> None:
    layer, x = GRU(5, 7).eval(), torch.randn(3, 5)
    seen: list[tuple[int, ...]] = []
    with torch.no_grad():
        _, state = layer.step(x)
        plain, doubled = layer.step(x, state)[0], layer.step(2 * x, state)[0]
        handles = [
            layer.register_forward_pre_hook(lambda _, args: (2 * args[0], *args[1:])),
            layer.register_forward_pre_hook(lambda _, args, options: (args, options), with_kwargs=True),
            layer.register_forward_hook(lambda _, args, result: seen.append(tuple(result[0].shape))),
            layer.register_forward_hook(lambda _, args, options, result: (-result[0], result[1]), with_kwargs=True),
        ]
        torch.testing.assert_close(layer.step(x, state)[0], -doubled)
        assert seen == [(3, 7)]
        for handle in handles:
            handle.remove()
        torch.testing.assert_close(layer.step(x, state)[0], plain)
        everywhere = nn.modules.module.register_module_forward_hook(lambda _, args, result: (result[0] + 1, result[1]))
        torch.testing.assert_close(layer.step(x, state)[0], plain + 1)
        everywhere.remove()
    layer.register_full_backward_hook(lambda *_: None)
    with pytest.raises(InputError, match="backward hook"):
        old_style(layer, "weight_hh_l0").step(x, state)


def test_another_engine_asked_for_after_a_step_runs() -> None:
    layer, x = GRU(5, 7).eval(), torch.randn(3, 5)
    with torch.no_grad():
        _, state = layer.step(x)
        layer.step(x, state)
        layer.engine = "reference"
        layer.step(x, state)
        prepared = layer._stream.step(layer._parameters, recurrent._SETTINGS(layer), x, state)
    assert prepared is None
