"""Language models beside the same ones in plain PyTorch, in one run: `python benchmarks/language/speed.py`.

Whole training steps (forward, back, clip, move) of words (V 10,000, 2 x 512) and characters (V 69, 2 x 512), LSTM and
GRU, and how many units a second are drawn at batch 1. Text is random: what it says changes no time. Rounds of both
sides alternate; medians and the median of their ratios are printed, and what a process of each side holds at most.

Drawing a unit reads all weights once, and they are larger than the nearer caches: beside it stands what it takes to
read as many bytes and do nothing else (`torch.dot` of a vector with itself). With one thread the processor's time is
measured, which other programs change less than the clock's.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from elman.config.training import TrainingSettings
from elman.decoding.sample import sample as sampled
from elman.decoding.settings import SampleSettings
from elman.models.eight_bits import eight_bits
from elman.models.language_network import LanguageNetwork, detached
from elman.models.language_settings import LanguageSettings
from elman.training.step import clip_norm, make_optimizer
from plain import Plain, sample, training_step

H, LAYERS, RATE, BEGIN = 512, 2, 0.3, 2
# name -> V, width of the embedding, whether it is the softmax's matrix too, T, B
KINDS = {"words": (10_000, 512, True, 35, 20), "characters": (69, 128, False, 100, 64)}


def models(kind: str, cell: str) -> tuple[LanguageNetwork, Plain]:
    V, E, tied, _, _ = KINDS[kind]
    torch.manual_seed(0)
    settings = LanguageSettings(
        cell=cell, embedding=E, hidden=H, layers=LAYERS, tied=tied, dropout=RATE, between=RATE, input=RATE
    )
    return LanguageNetwork(settings, V), Plain(cell, V, E, H, LAYERS, RATE, tied)


class Ours:
    def __init__(self, model: LanguageNetwork) -> None:
        self.model, self.optimizer = model, make_optimizer(model, TrainingSettings())
        self.state = None

    def __call__(self, units: Tensor, targets: Tensor) -> None:
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        state = self.model.begin(units.shape[1]) if self.state is None else self.state
        loss, _, after = self.model.loss(units, targets, state)
        loss.backward()
        clip_norm(self.model, 1.0)
        self.optimizer.step()
        self.state = detached(after)


class Theirs:
    def __init__(self, model: Plain) -> None:
        self.model, self.optimizer = model, torch.optim.AdamW(model.parameters())
        self.state = None

    def __call__(self, units: Tensor, targets: Tensor) -> None:
        self.state = training_step(self.model, self.optimizer, units, targets, self.state)


def timed(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    started = clock()
    work()
    return clock() - started


def windows(kind: str, count: int) -> list[tuple[Tensor, Tensor]]:
    V, _, _, T, B = KINDS[kind]
    generator = torch.Generator().manual_seed(1)
    text = torch.randint(4, V, (count * T + 1, B), generator=generator)
    return [(text[i * T : (i + 1) * T], text[i * T + 1 : (i + 1) * T + 1]) for i in range(count)]


def train(kind: str, cell: str, rounds: int) -> None:
    ours, theirs = models(kind, cell)
    sides: dict[str, Callable[[Tensor, Tensor], None]] = {"ours": Ours(ours), "plain": Theirs(theirs)}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for k, (units, targets) in enumerate(windows(kind, rounds + 2)):
        for name, side in sides.items():
            took = timed(lambda s=side, u=units, y=targets: s(u, y))
            if k >= 2:
                seconds[name].append(took)
    ratio = statistics.median(p / o for o, p in zip(seconds["ours"], seconds["plain"], strict=True))
    a, b = (1e3 * statistics.median(seconds[name]) for name in sides)
    held = [peak(kind, cell, name) for name in sides]
    print(f"| {kind}, {cell} | {a:.0f} | {b:.0f} | {ratio:.2f} | {held[0]:.0f} | {held[1]:.0f} |", flush=True)


def draw(kind: str, cell: str, length: int, rounds: int) -> None:
    ours, theirs = models(kind, cell)
    eight = eight_bits(ours.eval())
    V = KINDS[kind][0]  # as a sign of the end: none is drawn
    settings = SampleSettings(max_length=length, banned=(0, 1, BEGIN))

    def our(model: LanguageNetwork) -> None:
        with torch.no_grad():
            generators = [torch.Generator().manual_seed(0)]
            sampled(model, model.begin(1), rows=1, generators=generators, begin=BEGIN, end=V, settings=settings)

    def their() -> None:
        sample(theirs, BEGIN, length)

    read = sum(p.numel() for p in ours.blocks.parameters()) + ours.softmax.weight.numel()
    weights = torch.randn(read)

    def bound(some: Tensor) -> None:
        for _ in range(length):
            torch.dot(some, some)

    sides: tuple[Callable[[], object], ...] = (
        lambda: our(ours), lambda: our(eight), their, lambda: bound(weights), lambda: bound(weights[: read // 4]),
    )  # fmt: skip
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    for side in sides:
        side()
    found = [[timed(side, clock) for side in sides] for _ in range(rounds)]
    median = [length / statistics.median(column) for column in zip(*found, strict=True)]
    for k, name in enumerate(("float32", "8 bits")):
        ratio, share = (statistics.median(row[i] / row[k] for row in found) for i in (2, 3 + k))
        print(
            f"| {kind}, {cell}, {name} | {median[k]:,.0f} | {median[2]:,.0f} | {ratio:.2f} "
            f"| {(4, 1)[k] * 1e-6 * read:.1f} | {median[3 + k]:,.0f} | {share:.0%} |",
            flush=True,
        )


def peak(kind: str, cell: str, side: str) -> float:
    """MB that a process of one side holds at most, in ten steps."""
    command = [sys.executable, __file__, "--peak", f"{kind},{cell},{side}", "--threads", str(torch.get_num_threads())]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def held(kind: str, cell: str, side: str) -> None:
    ours, theirs = models(kind, cell)
    step = Ours(ours) if side == "ours" else Theirs(theirs)
    for units, targets in windows(kind, 10):
        step(units, targets)
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    print(next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--length", type=int, default=1000)
    parser.add_argument("--sampling", action="store_true", help="only that")
    parser.add_argument("--peak", default="")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.peak:
        held(*given.peak.split(","))
        return
    print(f"{platform.machine()}, {given.threads} threads, torch {torch.__version__}; {LAYERS} layers of {H}")
    pairs = [(kind, cell) for kind in KINDS for cell in ("lstm", "gru")]
    if not given.sampling:
        print("| training step | ours, ms | plain, ms | plain / ours | ours, MB | plain, MB |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        for kind, cell in pairs:
            train(kind, cell, given.rounds)
    print("| units a second, one text | ours | plain | ratio | weights, MB | read alone | our share of that |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for kind, cell in pairs:
        draw(kind, cell, given.length, given.rounds)


if __name__ == "__main__":
    main()
