"""Training and decoding beside the same model in plain PyTorch, in one run: `python benchmarks/seq2seq/speed.py DATA`.

DATA holds train.en and train.de of Multi30k. Rounds of both sides alternate; medians and their ratio are printed, what
each side holds at most is measured in a process of its own, and a table says where our step's time goes.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from elman.config.training import TrainingSettings
from elman.decoding.beam import beam
from elman.decoding.greedy import greedy
from elman.models.seq2seq import Seq2Seq
from elman.models.seq2seq_settings import Seq2SeqSettings
from elman.models.smoothing import smoothed_loss
from elman.sequences import Sequences, bucket_batches
from elman.text.subwords import fit_subwords, read_subwords
from elman.training.step import clip_norm, make_optimizer
from plain import Plain

E, H, LAYERS, RATE, BATCH, UNITS = 320, 512, 2, 0.3, 64, 8000
BEGIN, END = 2, 3


def units_of(folder: Path, rows: int) -> tuple[list[list[int]], list[list[int]], int]:
    """The first sentences of both sides as numbers from 4 on, and how many numbers there are."""
    sides = [
        (folder / f"train.{tongue}").read_text(encoding="utf-8").lower().splitlines()[:rows] for tongue in ("en", "de")
    ]
    pieces = read_subwords(fit_subwords(sides[0] + sides[1], size=UNITS, apart=True))
    source, target = ([[i + 4 for i in e.ids] for e in pieces.encode_batch(side)] for side in sides)
    return source, target, pieces.get_vocab_size() + 4


def models(V: int, attention: str) -> tuple[Seq2Seq, Plain]:
    torch.manual_seed(0)
    settings = Seq2SeqSettings(embedding=E, hidden=H, layers=LAYERS, dropout=RATE, attention=attention)
    return Seq2Seq(settings, V, V), Plain(V, V, E, H, LAYERS, RATE)


def optimizer_of(model: nn.Module) -> torch.optim.Optimizer:
    """Each side's as it comes: ours is the one that `elman train` makes, theirs the one that a script makes."""
    if isinstance(model, Plain):
        return torch.optim.AdamW(model.parameters(), lr=1e-4)
    return make_optimizer(model, TrainingSettings(rate=1e-4))


def step(model: nn.Module, optimizer: torch.optim.Optimizer, loss: Callable[[], torch.Tensor]) -> None:
    model.train()
    optimizer.zero_grad()
    loss().backward()
    if isinstance(model, Plain):
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    else:
        clip_norm(model, 1.0)
    optimizer.step()


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class Batch:
    def __init__(self, source: list[list[int]], target: list[list[int]], picks: list[int]) -> None:
        self.source = Sequences.pack([torch.tensor(source[i]) for i in picks])
        self.target = Sequences.pack([torch.tensor([BEGIN, *target[i], END]) for i in picks])

    def ours(self, model: Seq2Seq) -> torch.Tensor:
        return model.loss(self.source.data, self.source.lengths, self.target.data, self.target.lengths)[0]

    def theirs(self, model: Plain) -> torch.Tensor:
        return model.loss(self.source.data, self.source.lengths, self.target.data)


def peak(side: str, file: Path) -> None:
    """Ten steps of one side; prints what the process held at most, in MB."""
    source, target, V = json.loads(file.read_text(encoding="utf-8"))
    ours, theirs = models(V, "after")
    model: nn.Module = ours if side == "ours" else theirs
    optimizer = optimizer_of(model)
    for picks in bucket_batches([len(t) for t in target], BATCH)[-10:]:
        batch = Batch(source, target, picks)
        step(model, optimizer, lambda b=batch: b.ours(ours) if side == "ours" else b.theirs(theirs))
    # getrusage would tell of the parent, too, out of whose memory a process begins
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    print(next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024)


def parts(model: Seq2Seq, batch: Batch) -> dict[str, float]:
    """Seconds, forward and back, of each part on what it reads in a step."""
    T, S, B = len(batch.target.data) - 1, len(batch.source.data), len(batch.source)
    e, x = torch.randn(T, B, E, requires_grad=True), torch.randn(S, B, E, requires_grad=True)
    s, h = torch.randn(T, B, H, requires_grad=True), torch.randn(S, B, 2 * H, requires_grad=True)
    real = int((batch.target.lengths - 1).sum())
    r, y = torch.randn(real, E, requires_grad=True), torch.randint(0, model.target_size, (real,))
    attention, state = model.attention, torch.zeros(LAYERS, B, H)
    assert attention is not None

    def encoder() -> torch.Tensor:
        return model.encoder(x, None, batch.source.lengths)[0].sum()

    work = {
        "recurrence: encoder": encoder,
        "recurrence: decoder": lambda: model.decoder(e, state)[0].sum(),
        "attention": lambda: attention(s, attention.remember(h, batch.source.lengths))[0].sum(),
        "softmax and loss": lambda: smoothed_loss(model.softmax, r, y, 0.1),
        "embeddings": lambda: model.target(batch.target.data[:-1]).sum() + model.source(batch.source.data).sum(),
        "readout": lambda: model.readout(torch.cat([s, torch.randn(T, B, 2 * H), e], -1)).tanh().sum(),
    }
    return {name: statistics.median(timed(lambda f=f: f().backward()) for _ in range(7)) for name, f in work.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--peak", default="")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.peak:
        peak(given.peak, given.data)
        return
    source, target, V = units_of(given.data, 29000)
    ours, theirs = models(V, "after")
    inside = models(V, "inside")[0]
    print(f"{platform.machine()}, {given.threads} threads, torch {torch.__version__}")
    print(f"embedding {E}, hidden {H}, {LAYERS} layers, {V} units, batches of {BATCH}")
    generator = torch.Generator().manual_seed(0)
    batches = [
        Batch(source, target, p) for p in bucket_batches([len(t) for t in target], BATCH, generator)[: given.rounds + 2]
    ]
    sides = {"ours": ours, "plain": theirs, "inside": inside}
    optimizers = {name: optimizer_of(m) for name, m in sides.items()}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for k, batch in enumerate(batches):
        for name, model in sides.items():
            took = timed(
                lambda n=name, m=model, b=batch: step(
                    m, optimizers[n], lambda: b.theirs(m) if n == "plain" else b.ours(m)
                )
            )
            if k >= 2:
                seconds[name].append(took)
    middle = {name: statistics.median(of) for name, of in seconds.items()}
    print("| training step | ms | plain / ours |\n| --- | ---: | ---: |")
    for name, took in middle.items():
        ratio = statistics.median(p / o for p, o in zip(seconds["plain"], seconds[name]))
        print(f"| {name} | {1e3 * took:.0f} | {ratio:.2f} |")
    print(f"inside / after: {statistics.median(i / o for i, o in zip(seconds['inside'], seconds['ours'])):.2f}")
    print("| part, forward and back | ms |\n| --- | ---: |")
    for name, took in parts(ours.train(), batches[len(batches) // 2]).items():
        print(f"| {name} | {1e3 * took:.1f} |")
    decode(ours.eval(), theirs.eval(), source[: given.sentences], target)
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as ids:
        json.dump([source[:2000], target[:2000], V], ids)
        ids.flush()
        for side in ("ours", "plain"):
            command = [sys.executable, __file__, ids.name, "--peak", side, "--threads", str(given.threads)]
            found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]
            print(f"memory at most, {side}: {float(found):.0f} MB")


def decode(ours: Seq2Seq, theirs: Plain, source: list[list[int]], target: list[list[int]]) -> None:
    """The same sentences by both; as their weights are not trained, each answer has as many units as the reference."""
    order = bucket_batches([len(s) for s in source], BATCH)

    def our(search: Callable[..., object], **options: object) -> None:
        with torch.no_grad():
            for picks in order:
                batch = Batch(source, target, picks)
                most = torch.tensor([len(target[i]) for i in picks])
                state = ours.begin(batch.source.data, batch.source.lengths)
                search(ours, state, rows=len(picks), begin=BEGIN, end=END, max_lengths=most, **options)

    def greedily() -> None:
        for picks in order:
            batch = Batch(source, target, picks)
            theirs.greedy(batch.source.data, batch.source.lengths, BEGIN, END, max(len(target[i]) for i in picks))

    def beams() -> None:
        for i, s in enumerate(source):
            theirs.beam(torch.tensor(s)[:, None], BEGIN, END, len(target[i]))

    print(f"| decoding {len(source):,} sentences | ours, s | plain, s | ratio |\n| --- | ---: | ---: | ---: |")
    for name, a, b in (("greedy", lambda: our(greedy), greedily), ("beam of 5", lambda: our(beam, size=5), beams)):
        took, other = timed(a), timed(b)
        print(f"| {name} | {took:.2f} | {other:.2f} | {other / took:.2f} |")


if __name__ == "__main__":
    main()
