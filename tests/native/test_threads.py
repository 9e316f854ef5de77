"""How many threads compute, whose they are, and that it never matters which of them is there in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

from elman.engines import library
from elman.engines.compiled import Step
from elman.nn import GRU, LSTM
from elman.training import threads

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))


def gradients(module: nn.Module, x: Tensor) -> list[Tensor]:
    y, _ = module(x)
    return [y.detach(), *torch.autograd.grad(y.square().sum(), list(module.parameters()))]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(u, v) for u, v in zip(a, b, strict=True))


@contextmanager
def computing(n: int) -> Iterator[None]:
    """Processes that want every processor."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("dealt", [(1, 1), (2, 1), (5, 1), (1, 2), (1, 3)])
def test_whoever_computes_the_bits_are_the_same(
    own: bool, dealt: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More threads than processors, and other programs on them: many come late, some never. Nobody is waited for in
    vain, and what the late ones leave is done by others."""
    torch.manual_seed(0)
    layer, x = LSTM(24, 40, engine="native"), torch.randn(12, 10, 24)
    monkeypatch.setattr(Step, "threads", lambda *_: dealt)
    monkeypatch.setattr("elman.engines.native.own", lambda: own)
    first = gradients(layer, x)
    with computing(os.cpu_count() or 1):
        assert all(same(gradients(layer, x), first) for _ in range(5))
    monkeypatch.setattr("elman.engines.native.own", lambda: not own)
    assert same(gradients(layer, x), first), "the other pool"


def test_callers_at_once_on_the_own_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who finds it busy works alone, to the same end."""
    monkeypatch.setattr(Step, "threads", lambda *_: (3, 1))
    monkeypatch.setattr("elman.engines.native.own", lambda: True)
    torch.manual_seed(0)
    layer = GRU(9, 16, engine="native")
    xs = [torch.randn(7, 6, 9) for _ in range(4)]
    wanted = [gradients(layer, x) for x in xs]
    wrong: list[int] = []

    def work(i: int) -> None:
        wrong.extend(i for _ in range(100) if not same(gradients(layer, xs[i]), wanted[i]))

    callers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(120)
    assert not wrong
    assert not any(caller.is_alive() for caller in callers)


ALONE = """
import os, sys, torch
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"): assert name not in os.environ
from torch import nn
from elman.training import threads
if len(sys.argv) > 1: torch.set_num_threads(int(sys.argv[1]))
before = torch.get_num_threads()
with threads.suited(nn.Linear(8, 8)):
    print(torch.get_num_threads(), threads.count(), int(threads.own()), end=" ")
print(torch.get_num_threads() - before, end=" ")
with threads.suited(nn.Linear(1500, 1500)):
    print(torch.get_num_threads() - before)
"""


def answer(script: str, *arguments: str, **settings: str) -> list[str]:
    """What a script prints where the user has set this and nothing else."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_", "GOMP_"))}
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, env=inherited | settings, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor")
def test_torch_takes_one_thread_for_a_small_model_and_the_engine_as_many_as_before() -> None:
    n = answer("import torch; print(torch.get_num_threads())")[0]
    if n == "1":
        pytest.skip("torch has one thread")
    assert answer(ALONE) == ["1", n, "1", "0", "0"]


def test_what_the_user_has_set_is_obeyed() -> None:
    n = str((os.cpu_count() or 1) + 1)
    assert answer(ALONE, n) == [n, n, "0", "0", "0"], "by torch.set_num_threads"
    script = ALONE.replace('for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"): assert name not in os.environ', "")
    assert answer(script, OMP_NUM_THREADS="2") == ["2", "2", "0", "0", "0"]
    assert answer(script, OMP_NUM_THREADS="1") == ["1", "1", "0", "0", "0"]


def test_only_the_thread_that_trains_has_one_of_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    openmp = threads.openmp()
    if openmp is None:
        pytest.skip("torch's threads are not OpenMP's here")
    before = torch.get_num_threads()
    openmp.omp_set_num_threads(3)
    try:
        monkeypatch.setattr(threads, "chosen", lambda n: False)
        seen: list[tuple[int, int]] = []

        def other() -> None:
            seen.append((torch.get_num_threads(), threads.count()))

        thread = threading.Thread(target=other)
        with threads.suited(nn.Linear(3, 3)):
            assert (torch.get_num_threads(), threads.count()) == (1, 3)
            with threads.suited(nn.Linear(3, 3)):  # a training within a training
                assert (torch.get_num_threads(), threads.count()) == (1, 3)
            assert (torch.get_num_threads(), threads.count()) == (1, 3)
            thread.start()
            thread.join()
        assert (torch.get_num_threads(), threads.count()) == (3, 3)
        with pytest.raises(ZeroDivisionError), threads.suited(nn.Linear(3, 3)):
            raise ZeroDivisionError
        assert torch.get_num_threads() == 3
        assert seen[0][0] == seen[0][1] != 0, "another thread has its own number"
    finally:
        openmp.omp_set_num_threads(before)


@pytest.mark.parametrize(
    ("imports", "settings", "spins"),
    [
        ("elman", {}, "10000"),
        ("elman", {"OMP_WAIT_POLICY": "active"}, "None"),
        ("elman", {"GOMP_SPINCOUNT": "7"}, "7"),
        ("torch, elman", {}, "None"),
    ],
)
def test_torchs_threads_sleep_early_unless_the_user_has_said_how_they_wait(
    imports: str, settings: dict[str, str], spins: str
) -> None:
    assert answer(f"import os, {imports}; print(os.environ.get('GOMP_SPINCOUNT'))", **settings) == [spins]


BUSY = """
import hashlib, sys, {imports}
from elman.nn import GRU
torch.manual_seed(0)
layer, x, told = GRU(32, 48, engine="native"), torch.randn(20, 16, 32), set()
for _ in range(25):
    y, _ = layer(x)
    found = [y, *torch.autograd.grad(y.square().sum(), list(layer.parameters()))]
    told.add(hashlib.sha256(b"".join(t.detach().numpy().tobytes() for t in found)).hexdigest())
print(*told)
"""


@pytest.mark.parametrize("imports", ["elman, torch", "torch, elman"])
def test_a_script_on_a_busy_machine_computes_the_same_bits(imports: str) -> None:
    """Where torch's threads sleep soon, jobs change over to the own pool and back, in the middle of a training."""
    alone = answer(BUSY.format(imports=imports))
    with computing(os.cpu_count() or 1):
        busy = answer(BUSY.format(imports=imports))
    assert alone == busy
    assert len(busy) == 1


CROWD = """
import os, time, torch
from elman.nn import GRU
layer, x = GRU(64, 64, engine="native"), torch.randn(50, 32, 64)
def threads(): return len(os.listdir("/proc/self/task"))
def until(true, work):
    ends = time.monotonic() + 60
    while not true() and time.monotonic() < ends: work()
    print(int(true()))
layer(x)[0].sum().backward()
before = threads()
print("ready", flush=True)
input()
until(lambda: threads() >= before + 2, lambda: layer(x)[0].sum().backward())
print("seen", flush=True)
input()
until(lambda: threads() <= before + 1, lambda: time.sleep(.1))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux counts interruptions of a thread")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one processor")
def test_a_crowd_of_openmps_comes_with_other_programs_and_leaves_with_them() -> None:
    """Where torch was imported first its threads spin for long; the crowd has them sleep while others compute. One
    thread more may stay: the own pool's."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "MKL_", "GOMP_"))}
    child = subprocess.Popen(
        [sys.executable, "-c", CROWD], env=inherited, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "ready\n"
        with computing(2 * (os.cpu_count() or 1)):
            child.stdin.write("\n")
            child.stdin.flush()
            assert [child.stdout.readline() for _ in range(2)] == ["1\n", "seen\n"]
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.readline() == "1\n"
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()


FORK = """
import os, sys, signal, torch
from unittest.mock import patch
from elman.engines import native
from elman.engines.compiled import Step
from elman.nn import LSTM
layer, x = LSTM(16, 32, engine="native"), torch.randn(20, 8, 16)
with patch.object(Step, "threads", lambda *_: {dealt}), patch.object(native, "own", lambda: True), torch.no_grad():
    y = layer(x)[0]
    for _ in range(5):
        child = os.fork()
        if child == 0:
            os._exit(0 if torch.equal(layer(x)[0], y) else 3)
        y = layer(x)[0]
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("dealt", ["(2, 1)", "(1, 2)"])
def test_a_child_of_a_process_whose_pool_is_awake(dealt: str) -> None:
    """The pool spins, or sleeps, at the moment of the fork; the child has none of its threads, and the same answer."""
    answer(FORK.format(dealt=dealt), OMP_NUM_THREADS="1")


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no signals to stop a process here")
def test_a_process_that_was_stopped_goes_on() -> None:
    script = """
import torch
from unittest.mock import patch
from elman.engines import native
from elman.engines.compiled import Step
from elman.nn import LSTM
layer, x = LSTM(16, 32, engine="native"), torch.randn(20, 8, 16)
print("ready", flush=True)
with patch.object(Step, "threads", lambda *_: (1, 2)), patch.object(native, "own", lambda: True), torch.no_grad():
    y = layer(x)[0]
    for _ in range(300):
        assert torch.equal(layer(x)[0], y)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for _ in range(20):
            process.send_signal(signal.SIGSTOP)
            process.send_signal(signal.SIGCONT)
        assert process.wait(120) == 0
