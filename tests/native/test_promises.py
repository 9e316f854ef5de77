"""What the native engine promises besides the right numbers: threads, forks, kept weights, every instruction set."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
import torch

import elman
from elman.engines import library, native
from elman.engines.compiled import Compiled, Step, compiled
from elman.nn import GRU, LSTM, Recurrent

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))


def layer(kind=LSTM, **options):
    torch.manual_seed(1)
    return kind(6, 17, engine="native", **options)


def gradients(module, x, **options):
    y, _ = module(x, **options)
    return [y.detach(), *torch.autograd.grad(y.square().sum(), list(module.parameters()))]


def same(a, b) -> bool:
    return all(torch.equal(u, v) for u, v in zip(a, b, strict=True))


def test_two_forwards_outstanding_do_not_share_anything():
    m = layer()
    x1, x2 = torch.randn(5, 3, 6), torch.randn(7, 2, 6)
    alone1, alone2 = gradients(m, x1), gradients(m, x2)
    y1, _ = m(x1)
    y2, _ = m(x2)
    later2 = torch.autograd.grad(y2.square().sum(), list(m.parameters()))
    later1 = torch.autograd.grad(y1.square().sum(), list(m.parameters()), retain_graph=True)
    again1 = torch.autograd.grad(y1.square().sum(), list(m.parameters()))
    assert same(later1, alone1[1:])
    assert same(later2, alone2[1:])
    assert same(again1, later1), "a second walk back over the same tape"


def test_from_several_threads_at_once():
    m = layer(GRU, bidirectional=True)
    xs = [torch.randn(9, 4, 6) for _ in range(4)]
    wanted = [gradients(m, x) for x in xs]
    wrong: list[int] = []

    def work(i: int) -> None:
        for _ in range(20):
            if not same(gradients(m, xs[i]), wanted[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_the_number_of_threads_changes_nothing_but_the_last_bits(monkeypatch):
    m = LSTM(32, 64, engine="native")
    x, lengths = torch.randn(20, 6, 32), torch.tensor([20, 3, 7, 20, 1, 12])
    found = []
    for parts, team in ((1, 1), (2, 1), (3, 1), (1, 2)):
        monkeypatch.setattr(Step, "threads", lambda *_, p=parts, t=team: (p, t))
        found.append(gradients(m, x, lengths=lengths))
        assert same(found[-1], gradients(m, x, lengths=lengths)), "the same bits twice"
    assert same(found[0], found[3]), "a team adds in the same order as one thread"
    for other in found[1:3]:
        for a, b in zip(found[0], other, strict=True):
            torch.testing.assert_close(a, b, rtol=2e-5, atol=2e-5)


def test_torch_decides_how_many_threads(monkeypatch):
    step = compiled(LSTM(128, 128).running_graph(), (("H", 128), ("I", 128)), torch.float32)
    for threads in (1, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda n=threads: n)
        assert step.threads(100, 32)[0] == threads


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_does_not_hang():
    script = """
import os, sys, warnings, torch
from elman.nn import LSTM
warnings.simplefilter("ignore")
torch.set_num_threads(2)
m, x = LSTM(64, 128, engine="native"), torch.randn(50, 16, 64)
y = m(x)[0].detach()
child = os.fork()
if child == 0:
    with torch.no_grad():
        again = m(x)[0]
    torch.set_num_threads(1)  # torch's own operations would wait for threads that the child does not have
    os._exit(0 if torch.allclose(again, y, atol=1e-6) else 3)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run([sys.executable, "-c", script], timeout=120, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("change", ["in place", "load", "data"])
def test_kept_weights_follow_every_change(change):
    m, fresh = layer(), layer()
    x = torch.randn(4, 2, 6)
    with torch.no_grad():
        first, _ = m(x)
        assert torch.equal(m(x)[0], first)
        new = torch.randn_like(m.weight_hh_l0)
        fresh.weight_hh_l0.copy_(new)
        if change == "in place":
            m.weight_hh_l0.copy_(new)
        elif change == "load":
            m.load_state_dict(fresh.state_dict())
        else:
            m.weight_hh_l0.data = new
        assert torch.equal(m(x)[0], fresh(x)[0])
        assert not torch.equal(m(x)[0], first)


def test_in_inference_weights_are_packed_once():
    m = layer()
    x = torch.randn(4, 2, 6)
    packs = []
    inner = Compiled.keep

    def counted(self, watch, packed):
        packs.append(packed)
        inner(self, watch, packed)

    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(Compiled, "keep", counted)
        for _ in range(3):
            m(x)
        assert len(packs) == 1
        for _ in range(2):
            m(x, lengths=torch.tensor([4, 2]))
    assert len(packs) == 1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("cell", [elman.cells.LSTM, elman.cells.LayerNormGRU])
def test_nan_and_infinity_travel_as_in_the_reference(cell, value):
    outputs = []
    for engine in ("native", "reference"):
        torch.manual_seed(0)
        m = Recurrent(cell, 6, 17, engine=engine)
        x = torch.randn(5, 3, 6, generator=torch.Generator().manual_seed(2))
        x[2, 1, 4] = value
        x.requires_grad_()
        y, _ = m(x)
        outputs.append((y.detach(), *torch.autograd.grad(y.sum(), [x])))
    for a, b in zip(*outputs, strict=True):
        torch.testing.assert_close(a, b, equal_nan=True, rtol=1e-4, atol=1e-5)
        assert torch.equal(a.isnan(), b.isnan())
    assert torch.isfinite(outputs[0][0][:2]).all(), "nothing before the bad step"


def test_every_instruction_set_of_this_processor_computes_the_same():
    """Each in a process of its own: the choice is made once, when the library loads."""
    script = """
import torch
from elman.engines import additive, library
from elman import cells
from elman.models.eight_bits import eight_bits
from elman.models.language_network import LanguageNetwork
from elman.models.language_settings import LanguageSettings
from elman.models.reading import network_reader
from elman.nn import Recurrent
torch.manual_seed(0)
out = []
for dtype in (torch.float32, torch.float64):
    for cell in (cells.GRUAfter, cells.LayerNormLSTM):
        m = Recurrent(cell, 11, 37, engine="native", dtype=dtype)
        x = torch.randn(7, 5, 11, dtype=dtype, requires_grad=True)
        y, _ = m(x, lengths=torch.tensor([7, 2, 5, 7, 1]))
        g = torch.autograd.grad(y.square().sum(), [x, *m.parameters()])
        out += [float(v.detach().double().abs().sum()) for v in (y, *g)]
    s, h, v, g = (torch.randn(shape, dtype=dtype) for shape in ((2, 2, 3, 41), (2, 2, 5, 41), (2, 41), (2, 2, 3, 5)))
    found = (additive.scores(s, h, v), *additive.gradients(s, h, v, g))
    out += [float(v.double().abs().sum()) for v in found]
    settings = LanguageSettings(cell="gru", embedding=19, hidden=45, layers=1, tied=False)
    reader = network_reader(eight_bits(LanguageNetwork(settings, 70).to(dtype)))
    out += [float(abs(reader.step([3, 5, 8][:n], [(reader.begin(), 0)] * n)[0]).sum()) for n in (1, 3)]
print(library.instruction_set(), *out)
"""
    found = {}
    for name in library.load().elman_isas().decode().split(","):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "ELMAN_ISA": name},
            capture_output=True,
            text=True,
            check=True,
        )
        used, *numbers = done.stdout.split()
        assert used == name
        found[name] = torch.tensor([float(v) for v in numbers])
    assert len(found) >= 2
    first = next(iter(found.values()))
    for name, numbers in found.items():
        torch.testing.assert_close(numbers, first, rtol=2e-5, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}")


def test_an_unknown_instruction_set_is_no_engine_and_says_so():
    script = "from elman.engines import library; print(library.missing())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "ELMAN_ISA": "v9"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "ELMAN_ISA" in done.stdout


def test_what_the_tape_keeps():
    """The LSTM keeps gates, candidate, tanh(c), and its states; 1 - z of a GRU is made again."""
    lstm = native.lowered(elman.cells.LSTM().graph, (("H", 8), ("I", 8)))
    gru = native.lowered(elman.cells.GRU().graph, (("H", 8), ("I", 8)))
    assert len(lstm.saved) == 7
    assert len(gru.saved) == 4
    assert not native.lowered(elman.cells.LSTM().graph, (("H", 8), ("I", 8))).forward.tape


@pytest.mark.parametrize("broken", [[], [0], [2], [0, 1, 1, 3, 3, 1, 5]])
def test_a_broken_program_is_refused(broken):
    with pytest.raises(RuntimeError, match="native engine"):
        library.program_new(broken, False)


def test_tanh_and_sigmoid_to_a_few_units_in_the_last_place():
    for nonlinearity, units in (("tanh", 8), ("sigmoid", 4), ("exp", 4), ("softplus", 8)):
        for dtype in (torch.float32, torch.float64):
            m = elman.nn.RNN(1, 1, nonlinearity=nonlinearity, bias=False, engine="native", dtype=dtype)
            with torch.no_grad():
                m.weight_ih_l0.fill_(1)
                m.weight_hh_l0.fill_(0)
                x = torch.linspace(-30, 30, 20001, dtype=dtype)
                y = m(x.reshape(1, -1, 1))[0].flatten().double()
            wanted = getattr(torch, nonlinearity, torch.nn.functional.softplus)(x.double())
            worst = ((y - wanted) / wanted.abs().clamp(min=1e-30)).abs().max() / torch.finfo(dtype).eps
            assert worst < units, (nonlinearity, dtype, float(worst))


def test_gradients_to_differentiate_again_where_one_input_is_made_from_another():
    """What x gives through the initial state, or a lower layer through shared weights, is counted once."""
    torch.manual_seed(0)
    found = []
    for engine in ("native", "reference"):
        layer = elman.nn.Recurrent(elman.cells.GRU, 5, 5, num_layers=2, dtype=torch.float64, engine=engine)
        torch.nn.init.constant_(layer.W_l0, 0.2)
        layer.W_l1 = layer.W_l0
        with torch.no_grad():
            for i, p in enumerate(layer.parameters()):
                p.copy_(torch.linspace(-1, 1, p.numel(), dtype=p.dtype).sin().roll(i).view_as(p))
        x = torch.linspace(-1, 1, 40, dtype=torch.float64).view(4, 2, 5).requires_grad_()
        y, _ = layer(x, torch.stack([x[0], x[1].cos()]))
        first = torch.autograd.grad(y.square().sum(), [x, layer.W_l0], create_graph=True)
        second = torch.autograd.grad(sum(g.square().sum() for g in first), [x, layer.W_l0])
        found.append([*first, *second])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_a_cell_without_parameters_runs_and_has_gradients():
    class Swap(elman.Cell):
        def step(self, x, a, b):
            return b, a

    found = []
    for engine in ("native", "reference"):
        m = Recurrent(Swap, 3, 2, engine=engine)
        a, b = (torch.randn(1, 2, 2, generator=torch.Generator().manual_seed(i)).requires_grad_() for i in (0, 1))
        y, _ = m(torch.zeros(3, 2, 3), (a, b))
        with torch.no_grad():
            assert torch.equal(m(torch.zeros(3, 2, 3), (a, b))[0], y)
        found.append((y.detach(), *torch.autograd.grad(y.square().sum(), [a, b])))
    for u, v in zip(*found, strict=True):
        torch.testing.assert_close(u, v)
