"""The whole training step of the sentiment model: ours beside the script that a PyTorch user would write.

    python benchmarks/speed/training_step.py [--threads 2] [--epochs 2] [--write] [--profile]

Both read the packaged reviews, in the same batches, from the same initial weights, with the recipe's own sizes, rates
and dropout, on the same number of threads. They take turns in one process, twenty batches each, so that a busy machine
slows both. The n-gram input of the recipe is left out on both sides: nn.LSTM has no counterpart to argue about there.

Timed on both sides is everything between two batches: picking and padding the examples, forward, loss, backward,
clipping, the optimiser. With `--write` the figures go to training_step.md beside this file.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

from elman.config.recipe import load_recipe
from elman.config.training import TrainingSettings
from elman.data.labelled import load_labelled
from elman.models.class_loss import LossSettings, cross_entropy
from elman.models.classifier import ClassifierSettings, SequenceClassifier
from elman.models.encoding import Encoding, Examples, TextSettings
from elman.tasks.batches import Batches
from elman.tasks.classify import task as classify
from elman.training.loop import clip_norm, make_optimizer, training_step
from elman.training.schedules import SCHEDULES

HERE = Path(__file__).parent
BLOCK = 20  # batches in a turn
GATES = "ifgo"  # the order of rows in torch.nn.LSTM's weights


# -- the idiomatic script ---------------------------------------------------------------------------------------------


class Reviews(Dataset[tuple[Tensor, int]]):
    def __init__(self, items: Sequence[Tensor], y: Tensor) -> None:
        self.items, self.y = items, y

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        return self.items[i], int(self.y[i])


def collate(rows: list[tuple[Tensor, int]]) -> tuple[Tensor, Tensor, Tensor]:
    items, y = zip(*rows, strict=True)
    return pad_sequence(list(items), batch_first=True), torch.tensor([len(i) for i in items]), torch.tensor(y)


class BiLSTM(nn.Module):
    def __init__(self, words: int, embedding: int, hidden: int, classes: int, dropout: float, word_dropout: float):
        super().__init__()
        self.embedding = nn.Embedding(words, embedding)
        self.lstm = nn.LSTM(embedding, hidden, bidirectional=True, batch_first=True)
        self.out = nn.Linear(2 * hidden, classes)
        self.dropout = nn.Dropout(dropout)
        self.word_dropout = word_dropout

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        if self.training and self.word_dropout:
            x = x.masked_fill(torch.rand(x.shape) < self.word_dropout, 1)
        packed = pack_padded_sequence(self.dropout(self.embedding(x)), lengths, batch_first=True, enforce_sorted=False)
        y, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, padding_value=-torch.inf)
        return self.out(self.dropout(y.amax(1)))


# -- the two contestants ----------------------------------------------------------------------------------------------


class Ours:
    """The step that `elman train` runs."""

    name = "elman"

    def __init__(self, model: SequenceClassifier, examples: Examples, loss: LossSettings, settings: TrainingSettings):
        assert examples.y is not None
        weights = loss.weights(examples.y, range(model.classes))
        of = partial(cross_entropy, model, weights, loss.label_smoothing)
        self.task = Batches(model, examples, of, None, "", settings, lambda batch: [])
        self.settings, self.optimizer = settings, make_optimizer(model, settings)

    def run(self, plan: list[list[int]], rates: list[float]) -> Iterator[float]:
        for picks, rate in zip(plan, rates, strict=True):
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.task.model.train()
            loss, _, _ = training_step(self.task, self.optimizer, self.task.collate(picks), None, self.settings)
            yield loss


class Theirs:
    """The script."""

    name = "torch.nn"

    def __init__(self, model: BiLSTM, data: Reviews, weights: Tensor | None, settings: TrainingSettings):
        self.model, self.data, self.settings = model, data, settings
        self.loss = nn.CrossEntropyLoss(weights)
        decayed = [p for p in model.parameters() if p.dim() >= 2 and p.requires_grad]
        others = [p for p in model.parameters() if p.dim() < 2 and p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=settings.rate,
        )

    def run(self, plan: list[list[int]], rates: list[float]) -> Iterator[float]:
        self.model.train()
        loader = DataLoader(self.data, batch_sampler=plan, collate_fn=collate)
        for (x, lengths, y), rate in zip(loader, rates, strict=True):
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self.optimizer.zero_grad()
            loss = self.loss(self.model(x, lengths), y)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm)
            self.optimizer.step()
            yield loss.item()


class Contest:
    """Data, sizes and weights that both sides share."""

    def __init__(self, overrides: Sequence[str] = ()) -> None:
        recipe = load_recipe("sentiment", ["model.ngrams=0", *overrides], sections=classify.TASK.sections)
        data = load_labelled(recipe.data)
        self.model_settings, self.settings = recipe[ClassifierSettings], recipe[TrainingSettings]
        self.loss = recipe[LossSettings]
        _, y = np.unique(data.train["label"], return_inverse=True)
        encoding = Encoding(recipe[TextSettings]).fit(data.train["text"], y)
        self.examples = encoding(data.train["text"], y)
        assert encoding.vocabulary is not None
        self.words, self.classes = len(encoding.vocabulary), int(y.max()) + 1

    def ours(self, dropout: bool) -> Ours:
        torch.manual_seed(self.settings.seed)
        model = SequenceClassifier(self._rates(dropout), self.classes, words=self.words)
        return Ours(model, self.examples, self.loss, self.settings)

    def theirs(self, dropout: bool, tied: bool) -> Theirs:
        """The script from the weights that ours starts with.

        Args:
            tied: keep the second of nn.LSTM's two biases at 0, so that both sides have the same parameters. Both move
                by the rate otherwise, and their sum by twice the rate.
        """
        m, start = self._rates(dropout), self.ours(dropout).task.model
        model = BiLSTM(self.words, m.embedding, m.hidden, self.classes, m.dropout, m.word_dropout)
        with torch.no_grad():
            model.embedding.weight.copy_(start.embedding.weight)  # type: ignore[union-attr]
            model.out.load_state_dict(start.out.state_dict())  # type: ignore[union-attr]
            for direction, suffix in enumerate(("_l0", "_l0_reverse")):
                p = start.recurrent.cell_parameters(0, direction)  # type: ignore[operator, union-attr]
                for stored, letter in (("weight_ih", "U"), ("weight_hh", "W"), ("bias_ih", "b")):
                    getattr(model.lstm, stored + suffix).copy_(torch.cat([p[f"{letter}_{gate}"] for gate in GATES]))
                getattr(model.lstm, "bias_hh" + suffix).zero_().requires_grad_(not tied)
        assert self.examples.y is not None
        weights = self.loss.weights(self.examples.y, range(self.classes))
        return Theirs(model, Reviews(self.examples.items, self.examples.y), weights, self.settings)

    def plan(self, epochs: int) -> tuple[list[list[int]], list[float]]:
        """Batches and rates of a whole training, the same for both."""
        task, order = self.ours(True).task, torch.Generator().manual_seed(self.settings.seed)
        plan = [picks for _ in range(epochs) for picks in task.plan(order)]
        schedule = SCHEDULES[self.settings.schedule]
        rates = [self.settings.rate * schedule(i, len(plan), self.settings.warmup) for i in range(len(plan))]
        return plan, rates

    def _rates(self, dropout: bool) -> ClassifierSettings:
        m = self.model_settings
        return m if dropout else msgspec.structs.replace(m, dropout=0.0, word_dropout=0.0)


# -- what is measured -------------------------------------------------------------------------------------------------


def same_curve(contest: Contest, batches: int) -> tuple[list[float], list[float]]:
    """Losses of both sides without dropout, whose draws differ: the same arithmetic in another order."""
    plan, rates = contest.plan(2)
    plan, rates = plan[:batches], rates[:batches]
    return list(contest.ours(False).run(plan, rates)), list(contest.theirs(False, tied=True).run(plan, rates))


def race(contest: Contest, epochs: int) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Seconds of each turn, and every loss, with the recipe's dropout."""
    plan, rates = contest.plan(epochs)
    sides = [contest.ours(True), contest.theirs(True, tied=False)]
    seconds: dict[str, list[float]] = {side.name: [] for side in sides}
    losses: dict[str, list[float]] = {side.name: [] for side in sides}
    for start in range(0, len(plan) - BLOCK + 1, BLOCK):
        part = slice(start, start + BLOCK)
        for side in sides if start // BLOCK % 2 else sides[::-1]:
            began = time.perf_counter()
            losses[side.name] += side.run(plan[part], rates[part])
            seconds[side.name].append(time.perf_counter() - began)
            time.sleep(0.03)
    return seconds, losses


def profile(contest: Contest, batches: int = 150) -> dict[str, float]:
    """Milliseconds of each part of our step, medians."""
    side, (plan, _) = contest.ours(True), contest.plan(1)
    model, task, settings = side.task.model, side.task, side.settings
    assert isinstance(model, SequenceClassifier)
    model.train()
    seen: dict[str, list[float]] = {}

    def timed(part: str, call: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        result = call()
        seen.setdefault(part, []).append(1e3 * (time.perf_counter() - began))
        return result

    for picks in plan[:batches]:
        sequences, _, y = timed("pick and pad the examples", lambda picks=picks: task.collate(picks))
        side.optimizer.zero_grad(set_to_none=True)
        lengths = sequences.lengths
        x = timed("embedding", lambda s=sequences: model.embed(s.data, s.lengths))
        x = timed("dropout", lambda x=x: model.dropout(x))
        h, _ = timed("recurrent layer", lambda x=x, n=lengths: model.recurrent(x, lengths=n))
        v = timed("pooling", lambda h=h, n=lengths: model.pooling(h, n))
        scores = timed("scores", lambda v=v: model.out(model.dropout(v)))
        loss = timed("loss", lambda s=scores, y=y: nn.functional.cross_entropy(s, y, task.weights))
        timed("backward, all of it", loss.backward)
        timed("clipping", lambda: clip_norm(model, settings.clip_norm))
        timed("AdamW", side.optimizer.step)
    return {part: statistics.median(values) for part, values in seen.items()}


# -- what is said -----------------------------------------------------------------------------------------------------


def report(contest: Contest, epochs: int, profiled: bool) -> str:
    settings, n = contest.model_settings, contest.settings.batch_size
    ours, theirs = same_curve(contest, 200)
    first, end = statistics.mean(ours[:BLOCK]), statistics.mean(ours[-BLOCK:])
    apart = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
    race(contest, 1)  # warm
    seconds, losses = race(contest, epochs)
    ratios = [b / a for a, b in zip(seconds["elman"], seconds["torch.nn"], strict=True)]
    rate = {name: BLOCK * n / statistics.median(values) for name, values in seconds.items()}
    low, high = np.quantile(ratios, [0.1, 0.9])
    last = {name: statistics.mean(values[-2 * BLOCK :]) for name, values in losses.items()}
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads on either side"
    lines = [
        f"{machine}, torch {torch.__version__}; {len(contest.examples):,} sentences of "
        f"{statistics.mean(contest.examples.lengths):.1f} words, {contest.words:,} words known, embedding "
        f"{settings.embedding}, BiLSTM {settings.hidden}, batches of {n}; {len(ratios)} turns of {BLOCK} batches.",
        "",
        "| | sentences a second (median) | milliseconds a step |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {value:,.0f} | {1e3 * n / value:.2f} |" for name, value in rate.items()),
        "",
        f"Ratio, turn by turn: median {statistics.median(ratios):.2f}, tenth to ninetieth percentile "
        f"{low:.2f} to {high:.2f}.",
        "",
        f"Loss curve without dropout, {len(ours)} steps from the same weights: mean of the first and last {BLOCK} "
        f"{first:.3f} and {end:.3f}, at most {apart:.1e} apart. With dropout, whose draws differ, mean of the last "
        f"{2 * BLOCK} steps: {last['elman']:.3f} and {last['torch.nn']:.3f}.",
    ]
    if profiled:
        parts = profile(contest)
        lines += [
            "",
            "Our step, milliseconds (medians; measuring adds a little):",
            "",
            "| part | ms |",
            "| --- | ---: |",
        ]
        lines += [f"| {part} | {value:.2f} |" for part, value in parts.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    contest, parts = Contest(), []
    for threads in asked.threads:
        torch.set_num_threads(threads)
        parts.append(report(contest, asked.epochs, asked.profile))
        print(parts[-1], flush=True)
    if asked.write:
        command = "    python benchmarks/speed/training_step.py --profile --write\n"
        head = f"# The whole training step beside a PyTorch script\n\n{command}"
        (HERE / "training_step.md").write_text("\n".join([head, *parts]), encoding="utf-8")


if __name__ == "__main__":
    main()
