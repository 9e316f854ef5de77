"""Models with our layers in other tools' hands: written down once, right at any T and B afterwards, beside eager."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from elman import InputError, cells
from elman.engines import native, operation
from elman.nn import GRU, LSTM, RNN, Recurrent

LAYERS: dict[str, Callable[[], Recurrent]] = {
    "LSTM": lambda: LSTM(4, 6, 2, bidirectional=True, dropout=0.3),
    "GRU": lambda: GRU(4, 6, bias=False),
    "RNN": lambda: RNN(4, 5, nonlinearity="relu", bidirectional=True),
    "LSTM projected": lambda: LSTM(4, 6, proj_size=2),
    "GRU reset before": lambda: GRU(4, 6, reset="before", bidirectional=True),
    "RNN sigmoid": lambda: RNN(4, 5, nonlinearity="sigmoid"),
    "MGU": lambda: Recurrent(cells.MGU, 4, 6, num_layers=2),
}
TORCH_HAS = ("LSTM", "GRU", "RNN")
ONNX_HAS = (*TORCH_HAS, "GRU reset before", "RNN sigmoid")
SIZES = [(5, 3), (9, 2), (2, 4)]  # the first is the one that tracers see
# torch's warnings of what a trace might freeze; those who trace torch's own layers see them too
pytestmark = pytest.mark.filterwarnings(
    "ignore::torch.jit.TracerWarning",
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore:.*batch_size.*",
    "ignore:# The axis name",
)


class Model(nn.Module):
    def __init__(self, layer: Recurrent, batch_first: bool = False) -> None:
        super().__init__()
        self.before, self.layer, self.after = nn.Linear(4, 4), layer, nn.Linear(layer.output_size, 2)
        layer.batch_first = batch_first

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        y, state = self.layer(self.before(x), lengths=lengths)
        return self.after(torch.tanh(y)), state if isinstance(state, Tensor) else state[-1]


def model_of(name: str, **options: bool) -> Model:
    torch.manual_seed(0)
    return Model(LAYERS[name](), **options).eval()


def inputs(T: int, B: int, lengths: bool) -> tuple[Tensor, ...]:
    g = torch.Generator().manual_seed(T)
    x = torch.randn(T, B, 4, generator=g)
    return (x, torch.randint(1, T + 1, (B,), generator=g)) if lengths else (x,)


def shapes(lengths: bool) -> tuple[dict[int, torch.export.Dim], ...]:
    T, B = torch.export.Dim("T"), torch.export.Dim("B")
    return ({0: T, 1: B}, {0: B}) if lengths else ({0: T, 1: B},)


def compare(found: Callable[..., object], model: Model, lengths: bool) -> None:
    for T, B in SIZES:
        given = inputs(T, B, lengths)
        with torch.no_grad():
            for p, q in zip(found(*given), model(*given), strict=True):
                torch.testing.assert_close(torch.as_tensor(p), q)


@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize(
    ("name", "strict"), [("LSTM", False), ("GRU", True), ("RNN", False), ("LSTM projected", True), ("MGU", False)]
)
def test_torch_export(name: str, strict: bool, lengths: bool) -> None:
    model = model_of(name)
    program = torch.export.export(model, inputs(5, 3, lengths), dynamic_shapes=shapes(lengths), strict=strict)
    compare(program.module(), model, lengths)


def test_an_exported_program_is_saved_loaded_and_trained(tmp_path: Path) -> None:
    model = model_of("MGU", batch_first=True)
    program = torch.export.export(model, inputs(5, 3, False), dynamic_shapes=shapes(False))
    torch.export.save(program, tmp_path / "model.pt2")
    loaded = torch.export.load(tmp_path / "model.pt2").module()
    x = inputs(9, 2, False)[0]
    torch.testing.assert_close(loaded(x), model(x))
    wanted = torch.autograd.grad(model(x)[0].square().sum(), list(model.parameters()))
    found = dict(zip(dict(loaded.named_parameters()), torch.autograd.grad(
        loaded(x)[0].square().sum(), list(loaded.parameters())), strict=True))  # fmt: skip
    for (name, _), gradient in zip(model.named_parameters(), wanted, strict=True):
        torch.testing.assert_close(found[name], gradient)


@pytest.mark.parametrize(("name", "lengths"), [("RNN", False), ("MGU", True)])
def test_torch_compile(name: str, lengths: bool) -> None:
    torch._dynamo.reset()
    model = model_of(name, batch_first=False)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager", dynamic=True)
    compare(compiled, model, lengths)
    given = inputs(9, 2, lengths)
    wanted = torch.autograd.grad(model(*given)[0].square().sum(), list(model.parameters()))
    found = torch.autograd.grad(compiled(*given)[0].square().sum(), list(model.parameters()))
    for p, q in zip(found, wanted, strict=True):
        torch.testing.assert_close(p, q)


def test_what_is_compiled_trains_with_dropout_and_runs_once_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tape goes from the step forward to the step back: nothing is computed twice."""
    torch._dynamo.reset()
    ran: list[bool] = []
    forward = native.forward

    def counted(job: object, tensors: object, training: bool) -> object:
        ran.append(training)
        return forward(job, tensors, training)

    monkeypatch.setattr(native, "forward", counted)
    layer = LSTM(4, 6, 2, dropout=0.5, recurrent_dropout=0.2, weight_drop=0.1).train()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    x = torch.randn(5, 3, 4)
    compiled(x)[0].sum().backward()
    ran.clear()
    y, _ = compiled(x)
    y.sum().backward()
    assert ran == [True, True]  # two layers, forward
    assert not torch.equal(y, compiled(x)[0])  # the masks are drawn at each call


@pytest.mark.parametrize("lengths", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_jit_trace(name: str, lengths: bool) -> None:
    model = model_of(name)
    traced = torch.jit.trace(model, inputs(5, 3, lengths))
    compare(traced, model, lengths)
    graph = str(traced.inlined_graph)
    assert ("elman::scan" in graph) == (name not in TORCH_HAS)  # torch's own cells run where there is torch alone


@pytest.mark.parametrize(("name", "how"), [("LSTM", "export"), ("LSTM", "trace"), ("MGU", "compile")])
def test_a_step(name: str, how: str) -> None:
    class Step(nn.Module):
        def __init__(self, layer: Recurrent) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
            y, after = self.layer.step(x, state if len(state) > 1 else state[0])
            return (y, *after) if isinstance(after, tuple) else (y, after)

    layer = (LSTM(4, 6, 2) if name == "LSTM" else Recurrent(cells.MGU, 4, 6)).eval()
    rows = layer.num_layers

    def given(B: int) -> tuple[Tensor, ...]:
        return torch.randn(B, 4), *(torch.randn(rows, B, 6) for _ in layer.graph.states)

    model, B = Step(layer), torch.export.Dim("B")
    found: Callable[..., object]
    if how == "export":
        states = tuple({1: B} for _ in layer.graph.states)
        found = torch.export.export(model, given(3), dynamic_shapes=({0: B}, states)).module()
    elif how == "trace":
        found = torch.jit.trace(model, given(3))
    else:
        torch._dynamo.reset()
        found = torch.compile(model, fullgraph=True, backend="aot_eager", dynamic=True)
    with torch.no_grad():
        for size in (3, 5):
            arguments = given(size)
            torch.testing.assert_close(found(*arguments), model(*arguments))


def run_onnx(path: Path, given: tuple[Tensor, ...]) -> list[np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    names = [i.name for i in session.get_inputs()]
    return session.run(None, {n: t.numpy() for n, t in zip(names, given, strict=True)})


@pytest.mark.parametrize(
    ("name", "dynamo", "lengths"),
    [(name, False, lengths) for name in (*TORCH_HAS, "MGU") for lengths in (False, True)]
    + [("LSTM", True, True), ("GRU reset before", True, True), ("RNN sigmoid", True, False), ("MGU", True, False)],
)
def test_torch_onnx_export(name: str, dynamo: bool, lengths: bool, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    if dynamo and importlib.util.find_spec("onnxscript") is None:
        pytest.skip("torch.onnx.export(dynamo=True) needs onnxscript")
    model, path = model_of(name), tmp_path / "model.onnx"
    given, names = inputs(5, 3, lengths), ["x", "lengths"][: 1 + lengths]

    def export() -> None:
        if dynamo:
            torch.onnx.export(model, given, path, input_names=names, dynamic_shapes=shapes(lengths), verbose=False)
        else:
            axes = dict(zip(names, ({0: "T", 1: "B"}, {0: "B"}), strict=False))
            torch.onnx.export(model, given, path, input_names=names, dynamic_axes=axes, dynamo=False)

    if name not in (ONNX_HAS if dynamo else TORCH_HAS):
        with pytest.raises(Exception, match=r"for one T only; set layer\.engine"):
            export()
        return
    export()
    compare(lambda *given: run_onnx(path, given), model, lengths)


def test_the_reference_engine_is_written_to_onnx_step_by_step(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    model, path = model_of("MGU"), tmp_path / "model.onnx"
    model.layer.engine = "reference"
    given = inputs(5, 3, False)
    torch.onnx.export(model, given, path, dynamo=False)
    for p, q in zip(run_onnx(path, given), model(*given), strict=True):
        torch.testing.assert_close(torch.from_numpy(p), q.detach())


def test_tensorboard_draws_the_graph(tmp_path: Path) -> None:
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    for name in ("LSTM", "MGU"):
        with tensorboard.SummaryWriter(tmp_path / name) as writer:
            writer.add_graph(model_of(name), inputs(5, 3, False))
        assert any((tmp_path / name).iterdir())


def test_jit_script_is_refused_with_a_way_out() -> None:
    for model in (model_of("LSTM"), LSTM(2, 3), Recurrent(cells.MGU, 2, 3)):
        with pytest.raises(InputError, match=r"torch\.jit\.trace"):
            torch.jit.script(model)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("cell", [cells.LSTM, cells.MGU, cells.SRU])
def test_the_operation_keeps_torchs_rules(cell: type, keep: bool) -> None:
    """`torch.library.opcheck`: schema, fake kernel, autograd; and finite differences."""
    torch.manual_seed(0)
    layer = Recurrent(cell, 3, 3, dtype=torch.float64)
    params = [p.detach().requires_grad_() for p in layer.cell_parameters().values()]
    x = torch.randn(3, 2, 3, dtype=torch.float64, requires_grad=True)
    states = [torch.randn(2, 3, dtype=torch.float64, requires_grad=True) for _ in layer.graph.states]
    n = len(states)
    text = operation.text_of(layer.graph)
    for lengths, reverse, bptt in ((None, False, 0), (torch.tensor([3, 1]), True, 2)):
        rest = ([], lengths, text, reverse, bptt, keep)
        torch.library.opcheck(torch.ops.elman.scan.default, (x, states, params, *rest))

        def run(x: Tensor, *more: Tensor, rest: tuple[object, ...] = rest) -> tuple[Tensor, ...]:
            return tuple(torch.ops.elman.scan(x, list(more[:n]), list(more[n:]), *rest)[:-1])

        if not bptt:  # a cut gradient is not the function's
            torch.autograd.gradcheck(run, (x, *states, *params))


def test_lengths_are_checked_when_the_program_runs() -> None:
    model = model_of("MGU")
    program = torch.export.export(model, inputs(5, 3, True), dynamic_shapes=shapes(True)).module()
    with pytest.raises(InputError, match="length 7"):
        program(torch.randn(5, 2, 4), torch.tensor([7, 1]))


def test_shapes_alone_under_a_fake_mode() -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        layer = LSTM(4, 6, 2, bidirectional=True)
        y, (h, c) = layer(torch.randn(5, 3, 4))
        y.sum().backward()
    assert (y.shape, h.shape, c.shape) == ((5, 3, 12), (4, 3, 6), (4, 3, 6))
