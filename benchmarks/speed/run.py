"""Elman beside torch.nn, a torch loop, torch.compile, JAX and ONNX Runtime, interleaved in one process.

    python benchmarks/speed/run.py                 every part, about twenty minutes on two cores
    python benchmarks/speed/run.py grid ragged     some parts
    python benchmarks/speed/run.py --report        only write README.md and roofline.png again from results.json

Needs, beside the package: jax, onnx, onnxruntime (a contestant that is not installed is left out and named).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import elman
import report
from elman import cells
from elman.explanation.speed import Case, Measured, ceilings, flops, forward_step, training_step, turns
from elman.nn import Recurrent
from peers import Loop, compiled, jax_contestants, onnx_contestant

HERE = Path(__file__).parent
GRID = [
    Case(100, 32, 128), Case(100, 32, 256), Case(100, 32, 512), Case(400, 32, 64), Case(100, 1, 128), Case(100, 1, 512),
]  # fmt: skip
ODD = [Case(37, 7, 100), Case(50, 20, 200), Case(100, 3, 33), Case(25, 64, 300)]
HAVE = {name: importlib.util.find_spec(name) is not None for name in ("jax", "onnx", "onnxruntime")}


def ours_and_theirs(cell: str, H: int, **options: Any) -> dict[str, nn.Module]:
    if cell == "GRU before":
        return {"elman": elman.nn.GRU(H, H, reset="before", **options)}
    theirs = getattr(nn, cell)(H, H, **options)
    ours = getattr(elman.nn, cell)(H, H, **options)
    ours.load_state_dict(theirs.state_dict())
    return {"elman": ours, "torch.nn": theirs}


def contest(
    cell: str, case: object, work: str, layer: Recurrent, steps: int, calls: dict[str, Callable[[], object]]
) -> Measured:
    gflop = flops(layer, steps) * (3 if work == "training" else 1) * 1e-9
    found = Measured(cell, str(case), work, gflop, turns(calls))
    said = "  ".join(f"{n} {r:.1f}" for n, r in found.rates.items())
    print(f"{cell:<16} {case!s:<22} {work:<9} GF/s: {said}", flush=True)
    return found


def grid(threads: int) -> list[Measured]:
    """The drop-ins and the GRU of Cho et al. 2014 over the grid and odd sizes."""
    rows = []
    for case in GRID + ODD:
        x = torch.randn(case.T, case.B, case.H)
        for cell in ("LSTM", "GRU", "GRU before", "RNN"):
            layers = ours_and_theirs(cell, case.H)
            for work, make in (("forward", forward_step), ("training", training_step)):
                calls = {name: make(layer, x) for name, layer in layers.items()}
                own = {"LSTM": "LSTM", "GRU before": "GRU"}.get(cell)
                if own and case in GRID:
                    if cell == "GRU before":
                        calls["torch loop"] = make(Loop("GRU", case.H, case.H), x)
                    if HAVE["jax"]:
                        calls["jax scan"] = jax_contestants(own, case.T, case.B, case.H)[work]
                # ONNX Runtime's GRU resets before the product, as that of Cho et al.
                runtime = {"LSTM": "LSTM", "GRU before": "GRU", "RNN": "RNN"}.get(cell)
                if runtime and work == "forward" and HAVE["onnxruntime"] and HAVE["onnx"]:
                    calls["onnxruntime"] = onnx_contestant(runtime, case.T, case.B, case.H, threads)
                rows.append(contest(cell, case, work, layers["elman"], case.T * case.B, calls))
    return rows


def ragged(threads: int) -> list[Measured]:
    """Variable lengths, uniform in 5..T: useful operations only; torch with packed sequences, and padded."""
    rows = []
    for case in (Case(100, 32, 128), Case(100, 32, 256), Case(60, 64, 64)):
        torch.manual_seed(0)
        x = torch.randn(case.T, case.B, case.H)
        lengths = torch.randint(5, case.T + 1, (case.B,))
        lengths[0] = case.T
        for cell in ("LSTM", "GRU"):
            layers = ours_and_theirs(cell, case.H)
            calls = {
                "elman": training_step(layers["elman"], x, lengths=lengths),
                "torch.nn packed": packed_step(layers["torch.nn"], x, lengths),
                "torch.nn padded": training_step(layers["torch.nn"], x),
            }
            rows.append(contest(cell, f"{case} ragged", "training", layers["elman"], int(lengths.sum()), calls))
    return rows


def packed_step(layer: nn.Module, x: torch.Tensor, lengths: torch.Tensor) -> Callable[[], None]:
    x = x.detach().requires_grad_()
    leaves = [x, *layer.parameters()]
    g = torch.randn(int(lengths.sum()), layer.hidden_size)

    def call() -> None:
        y, _ = layer(pack_padded_sequence(x, lengths, enforce_sorted=False))
        torch.autograd.grad(y.data, leaves, g)

    return call


def deep(threads: int) -> list[Measured]:
    """Bidirectional and deep."""
    rows = []
    case = Case(100, 32, 128)
    x = torch.randn(case.T, case.B, case.H)
    for cell in ("LSTM", "GRU", "RNN"):
        for name, options in (("bidirectional", {"bidirectional": True}), ("3 layers", {"num_layers": 3})):
            layers = ours_and_theirs(cell, case.H, **options)
            calls = {n: training_step(layer, x) for n, layer in layers.items()}
            rows.append(contest(cell, f"{case} {name}", "training", layers["elman"], case.T * case.B, calls))
    return rows


def own(threads: int) -> list[Measured]:
    """A cell of one's own beside the same cell as a torch loop, its step compiled, and JAX."""
    rows = []
    for case in (Case(100, 32, 128), Case(400, 32, 64), Case(100, 1, 128), Case(100, 32, 256)):
        x = torch.randn(case.T, case.B, case.H)
        for cell in ("GRU", "MGU", "LEM", "PeepholeLSTM"):
            layer = Recurrent(getattr(cells, cell), case.H, case.H)
            loop = Loop(cell, case.H, case.H)
            calls = {"elman": training_step(layer, x), "torch loop": training_step(loop, x)}
            if case == Case(100, 32, 128) and cell in ("MGU", "LEM"):
                calls["torch.compile"] = training_step(compiled(cell, case.H, case.H), x)
            if HAVE["jax"]:
                calls["jax scan"] = jax_contestants(cell, case.T, case.B, case.H)["training"]
            rows.append(contest(cell, case, "training", layer, case.T * case.B, calls))
    return rows


def every(threads: int) -> list[Measured]:
    """Every packaged cell, and the masks inside the loop."""
    rows = []
    for H in (128, 256):
        case = Case(100, 32, H)
        x = torch.randn(case.T, case.B, case.H)
        for name in cells.__all__:
            proj = {"proj_size": H // 2} if name == "ProjectedLSTM" else {}
            layer = Recurrent(getattr(cells, name), H, H, **proj)
            calls = {"elman": training_step(layer, x)}
            rows.append(contest(name, case, "training", layer, case.T * case.B, calls))
        for option in ("recurrent_dropout", "zoneout", "weight_drop"):
            for name in ("LSTM", "GRU"):
                layer = Recurrent(getattr(cells, name), H, H, **{option: 0.25})
                calls = {"elman": training_step(layer, x)}
                rows.append(contest(f"{name} {option}", case, "training", layer, case.T * case.B, calls))
    return rows


def steps(threads: int) -> list[Measured]:
    """One time step of one sequence: microseconds a call."""
    rows = []
    case = Case(1, 1, 128)
    x = torch.randn(1, 1, case.H)
    for cell in ("LSTM", "GRU", "GRU before", "RNN"):
        layers = ours_and_theirs(cell, case.H)
        ours = layers["elman"].eval()
        with torch.no_grad():
            _, state = ours.step(x[0])

        def step(layer: Any = ours, x_t: torch.Tensor = x[0], state: Any = state) -> None:
            layer.step(x_t, state)

        calls: dict[str, Callable[[], object]] = {"elman": step}
        if "torch.nn" in layers:
            calls["torch.nn"] = partial(layers["torch.nn"].eval(), x)
        runtime = {"LSTM": "LSTM", "GRU before": "GRU", "RNN": "RNN"}.get(cell)
        if runtime and HAVE["onnxruntime"] and HAVE["onnx"]:
            calls["onnxruntime"] = onnx_contestant(runtime, 1, 1, case.H, 1, states=True)
            calls["onnxruntime, y alone"] = onnx_contestant(runtime, 1, 1, case.H, 1)
        with torch.no_grad():  # once, around the whole stream, as anybody would
            rows.append(contest(cell, f"step {case}", "forward", ours, 1, calls))
    return rows


def short(threads: int) -> list[Measured]:
    """Calls in which weights weigh more than rows do: one or two time steps, wide inputs, many units, deep at T = 1."""
    rows = []
    shapes = [
        (1, 1, 1024, 1024, 1), (1, 32, 1024, 1024, 1), (1, 1, 128, 128, 4), (1, 32, 512, 512, 4), (2, 1, 2048, 2048, 1),
        (2, 16, 2048, 2048, 1), (20, 1, 10_000, 128, 1), (20, 32, 10_000, 128, 1), (35, 20, 650, 650, 1),
    ]  # fmt: skip
    for T, B, inputs, H, L in shapes:
        x = torch.randn(T, B, inputs)
        for cell in ("LSTM", "GRU", "RNN"):
            theirs = getattr(nn, cell)(inputs, H, L)
            ours = getattr(elman.nn, cell)(inputs, H, L)
            ours.load_state_dict(theirs.state_dict())
            for work, make in (("forward", forward_step), ("training", training_step)):
                calls = {"elman": make(ours, x), "torch.nn": make(theirs, x)}
                rows.append(contest(cell, f"T{T} B{B} I{inputs} H{H} L{L}", work, ours, T * B, calls))
    return rows


PARTS = {f.__name__: f for f in (grid, ragged, deep, own, every, steps, short)}


def machine() -> dict[str, object]:
    cpu = platform.processor() or platform.machine()
    try:
        flags = Path("/proc/cpuinfo").read_text()
        cpu = next(line.split(":", 1)[1].strip() for line in flags.splitlines() if line.startswith("model name"))
        widest = next((i for i in ("avx512f", "avx2", "sse4_2") if i in flags), "")
    except (OSError, StopIteration):
        widest = ""
    return {"cpu": cpu, "cores": os.cpu_count(), "widest": widest, "python": platform.python_version(),
            "torch": torch.__version__}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    path = HERE / "results.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"parts": {}}
    if not options.report:
        threads = torch.get_num_threads()
        for name in options.parts or list(PARTS):
            top = ceilings(threads)
            rows = PARTS[name](threads)
            again = ceilings(threads)
            found["parts"][name] = {
                "threads": threads, "ceilings": {k: max(top[k], again[k]) for k in top},
                "rows": [r.to_dict() for r in rows],
            }  # fmt: skip
            found["machine"] = machine()
            found["missing"] = [n for n, there in HAVE.items() if not there]
            path.write_text(json.dumps(found, indent=1) + "\n")
    report.write(found, HERE)


if __name__ == "__main__":
    main()
