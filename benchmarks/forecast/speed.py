"""How long forecasting takes, beside the same things done otherwise.

    python benchmarks/forecast/speed.py epoch DATA [--hidden 128 256] [--share 1]    training, beside PyTorch
    python benchmarks/forecast/speed.py answers                                      one short series, once loaded
    python benchmarks/forecast/speed.py many                                         500 series, beside a loop of ETS

DATA is the folder that holds `ETTh1.csv`. Each prints what it finds as JSON lines. One thread; seconds are of processor
time. Of an epoch each side is a process of its own, since what one has freed the other would use; they take turns.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

import elman
from elman.config.training import TrainingSettings
from elman.data.windows import origins
from elman.forecasting import classical
from elman.tasks.forecast.given import panel_of
from elman.training.memory import keep_freed
from elman.training.step import make_optimizer, training_step

ROWS, READ, AHEAD, SEGMENT, CHANNELS, BATCH, DROPOUT, RATE = 8640, 336, 96, 48, 7, 64, 0.3, 2e-3
PIECES = 8  # of an epoch: the two take turns


def say(**found: object) -> None:
    print(json.dumps(found), flush=True)


class Stretches(nn.Module):
    """SegRNN's form (Lin et al. 2023), as one writes it: each channel's segments through a GRU, and from its last state
    one step for each segment ahead."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.ahead = AHEAD // SEGMENT
        self.embed, self.out = nn.Linear(SEGMENT, hidden), nn.Linear(hidden, SEGMENT)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)
        self.place = nn.Parameter(torch.randn(self.ahead, hidden // 2))
        self.channel = nn.Parameter(torch.randn(CHANNELS, hidden // 2))
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        B, T, C = x.shape
        level = x[:, -1:]
        segments = (x - level).permute(0, 2, 1).reshape(B * C, T // SEGMENT, SEGMENT)
        _, h = self.gru(torch.relu(self.embed(segments)))
        place = self.place.expand(C, -1, -1)
        queries = torch.cat([place, self.channel[:, None].expand(-1, self.ahead, -1)], -1).repeat(B, 1, 1)
        _, y = self.gru(queries.view(B * C * self.ahead, 1, -1), h.repeat_interleave(self.ahead, 1))
        return self.out(self.dropout(y)).view(B, C, AHEAD).permute(0, 2, 1) + level


class Rows(Dataset[tuple[Tensor, Tensor]]):
    def __init__(self, values: np.ndarray) -> None:
        self.values = torch.from_numpy(((values - values.mean(0)) / values.std(0)).astype(np.float32))

    def __len__(self) -> int:
        return len(self.values) - READ - AHEAD + 1

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return self.values[i : i + READ], self.values[i + READ : i + READ + AHEAD]


def pytorch(values: np.ndarray, hidden: int, half: bool = False) -> Iterator[float]:
    """Losses, a step each: a DataLoader, AdamW as it comes, gradients clipped. half: by autocast to bfloat16."""
    torch.manual_seed(0)
    model, rows = Stretches(hidden), Rows(values)
    optimizer = torch.optim.AdamW(model.parameters(), RATE)
    while True:
        for x, y in DataLoader(rows, BATCH, shuffle=True):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                loss = (model(x) - y).abs().mean()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            yield loss.item()


def ours(values: np.ndarray, hidden: int, half: bool = False) -> Iterator[float]:
    """The same of an estimator: the steps that `fit` takes, without its validation. half: by products of bfloat16."""
    model = elman.Forecaster(
        context=READ, segment=SEGMENT, horizon=AHEAD, season=24, hidden=hidden, dropout=DROPOUT, batch_size=BATCH,
        rate=RATE, schedule="constant", precision="bf16" if half else "full",
    )  # fmt: skip
    trainable = model.ready(origins(panel_of(values), [READ], AHEAD), None)
    settings, generator = model.settings(TrainingSettings), torch.Generator().manual_seed(0)
    optimizer = make_optimizer(trainable.model, settings)
    trainable.model.train()
    keep_freed()
    while True:
        for picks in trainable.plan(generator):
            yield training_step(trainable, optimizer, trainable.collate(picks), None, settings)[0]


SIDES = {"ours": (ours, False), "pytorch": (pytorch, False), "ours_bf16": (ours, True), "pytorch_bf16": (pytorch, True)}


def side(name: str, values: np.ndarray, hidden: int, asked: Connection) -> None:
    """So many steps as it is asked for, again and again: the processor time they took, and their mean loss."""
    torch.set_num_threads(1)
    steps, half = SIDES[name]
    losses = steps(values, hidden, half)
    while count := asked.recv():
        started = time.process_time()
        found = [next(losses) for _ in range(count)]
        asked.send((time.process_time() - started, statistics.mean(found)))


def epoch(folder: Path, sizes: list[int], share: float) -> None:
    values = np.loadtxt(folder / "ETTh1.csv", delimiter=",", skiprows=1, usecols=range(1, 8))[:ROWS]
    steps = -(-(ROWS - READ - AHEAD + 1) // BATCH)
    each = max(1, round(share * steps / PIECES))
    start = multiprocessing.get_context("spawn")
    for hidden in sizes:
        asked: dict[str, Connection] = {}
        for name in SIDES:
            asked[name], theirs = start.Pipe()
            start.Process(target=side, args=(name, values, hidden, theirs), daemon=True).start()
            theirs.close()  # or who waits for a side that has died would wait for ever

        def took(name: str, count: int, asked: dict[str, Connection] = asked) -> tuple[float, float]:
            asked[name].send(count)
            return asked[name].recv()

        for name in SIDES:
            took(name, 2)  # the first are slower
        turns: dict[str, list[float]] = {name: [] for name in SIDES}
        losses = {}
        for turn in range(PIECES):
            for name in list(SIDES)[:: 1 if turn % 2 else -1]:
                seconds, losses[name] = took(name, each)
                turns[name].append(seconds)
        for one in asked.values():
            with closing(one):
                one.send(0)
        arithmetic = 3 * 2 * 3 * BATCH * CHANNELS * 2 * hidden * hidden  # of a step of each row, there and back
        flops = arithmetic * (READ // SEGMENT + AHEAD // SEGMENT) * each * PIECES
        say(
            what="training", hidden=hidden, steps=each * PIECES, of=steps,
            ratio=_ratio(turns, "pytorch", "ours"), ratio_bf16=_ratio(turns, "pytorch", "ours_bf16"),
            ratio_bf16_both=_ratio(turns, "pytorch_bf16", "ours_bf16"),
            **{f"{name}_ms_a_step": 1e3 * sum(turns[name]) / each / PIECES for name in SIDES},
            **{f"{name}_gflops": flops / 1e9 / sum(turns[name]) for name in SIDES},
            **{f"{name}_loss": loss for name, loss in losses.items()},
        )  # fmt: skip


def _ratio(took: dict[str, list[float]], theirs: str, mine: str) -> float:
    return statistics.median(b / a for a, b in zip(took[mine], took[theirs]))


def answers() -> None:
    """A forecast with its interval, of a series that is given and of one that grows step by step."""
    months = 2 * np.pi * np.arange(300) / 12
    y = 50 + 10 * np.sin(months) + np.random.default_rng(0).normal(size=300).cumsum() / 4
    sizes = {"horizon": 12, "season": 12, "hidden": 64}
    with tempfile.TemporaryDirectory() as made:
        elman.Forecaster(**sizes, epochs=2, batch_size=16).fit(y[:150]).save(Path(made) / "run")
        model = elman.Forecaster.load(Path(made) / "run")
    say(what="60 values given", ms=_times(lambda k: model.predict_interval(y=y[k : k + 60])))
    say(what="one value more each time, bands following the last 64 errors", ms=_follow(model, y))


def _times(answer: Callable[[int], object], count: int = 40) -> dict[str, float]:
    answer(0)
    found = []
    for k in range(count):
        started = time.process_time()
        answer(k)
        found.append(1e3 * (time.process_time() - started))
    return {"median": statistics.median(found), "most": max(found)}


def _follow(model: elman.Forecaster, y: np.ndarray) -> dict[str, float]:
    model.update(y[:250])

    def answer(k: int) -> object:
        model.update(y[250 + k : 251 + k])
        return model.predict_interval()

    return _times(answer)


def many() -> None:
    draw = np.random.default_rng(1)
    months = 2 * np.pi * np.arange(200) / 12
    series = [20 + 5 * np.sin(months + draw.uniform(0, 6)) + draw.normal(size=200) for _ in range(500)]
    started = time.process_time()
    elman.Forecaster(horizon=12, context=48, season=12, hidden=64, epochs=2, batch_size=256).fit(series).predict()
    mine = time.process_time() - started
    started = time.process_time()
    for past in series[:20]:
        classical.ets(past, 12, 12)
    ets = 25 * (time.process_time() - started)
    say(what="500 series of 200 points: fit and forecast", ours=mine, ets=ets, ets_reckoned_from=20)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["epoch", "answers", "many"])
    parser.add_argument("data", type=Path, nargs="?", default=Path())
    parser.add_argument("--hidden", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--share", type=float, default=1.0, help="of an epoch's steps")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.what == "epoch":
        epoch(asked.data, asked.hidden, asked.share)
    else:
        {"answers": answers, "many": many}[asked.what]()
