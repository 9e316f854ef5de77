"""A whole task in one file: how many words of a text have stood in it before? A sequence to a number."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import torch
from torch import Tensor, nn

from elman.config import bounds, structs
from elman.config.recipe import Recipe
from elman.config.settings import DataSettings
from elman.config.training import TrainingSettings
from elman.data.formats import read_table
from elman.data.parts import find_parts
from elman.data.split import divide
from elman.data.table import Table
from elman.models.encoding import Examples, TextBatch
from elman.nn import GRU
from elman.tasks.batches import at_once
from elman.tasks.contract import Baseline, Figure, Note, Row, Shown, Split, Task, Variants
from elman.tasks.estimator import Estimator
from elman.tasks.figures import Scores
from elman.text import Vocabulary
from elman.training.divergence import check_answer


class ReturnsSettings(msgspec.Struct, frozen=True, kw_only=True):
    cell: str = "gru"
    hidden: bounds.Positive = 24

    def check(self) -> None:
        structs.check_values(self, "model")


class Network(nn.Module):
    """The last state of a GRU, and a number made of it."""

    def __init__(self, words: int, hidden: int) -> None:
        super().__init__()
        self.embed, self.layer, self.out = nn.Embedding(words, hidden), GRU(hidden, hidden), nn.Linear(hidden, 1)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        _, last = self.layer(self.embed(words.clamp(0, self.embed.num_embeddings - 1)), lengths=lengths)
        number: Tensor = self.out(last[-1])[:, 0]
        return number


@dataclass(frozen=True)
class Counted:
    """Rows with the column text, and where they are known the column count."""

    table: Table

    def __len__(self) -> int:
        return len(self.table)

    def take(self, indices: Sequence[int]) -> Counted:
        return Counted(self.table.take(indices))


class Counter(Estimator[Counted, Examples, TextBatch]):
    TASK = "returns"
    SETTINGS: ClassVar = {"model": ReturnsSettings, "training": TrainingSettings}
    FIGURES = (Figure("mse", "low", "number", "Mean squared error"), Figure("exact", name="Exact counts"))

    def encode(self, train: Counted, valid: Counted | None) -> None:
        self.words_ = Vocabulary.build(text.split() for text in train.table["text"])

    def encoded(self, examples: Counted) -> Examples:
        table = examples.table
        items = [torch.tensor(self.words_.encode(text.split()) or [1]) for text in table["text"]]
        known = "count" in table.columns
        return Examples(items, [], None, torch.tensor([float(n) for n in table["count"]]) if known else None)

    def network(self, train: Examples) -> Network:
        return Network(len(self.words_), self.settings(ReturnsSettings).hidden)

    def outputs(self, batch: TextBatch) -> list[Tensor]:
        return list(self.model_(batch.sequences.data, batch.lengths))

    def loss(self, batch: TextBatch) -> tuple[Tensor, float]:
        return (torch.stack(self.outputs(batch)) - batch.y).square().mean(), float(len(batch.lengths))

    def predict(self, examples: Examples) -> Tensor:
        found = torch.zeros(len(examples))
        for picks, batch in at_once(self.model_, examples):
            found[picks] = torch.stack(self.outputs(batch))
        return check_answer(found)

    def figures(self, examples: Examples) -> Scores:
        assert examples.y is not None
        return scores(self.predict(examples), examples.y)

    def described(self) -> dict[str, Any]:
        return {"words": self.words_.to_list()}

    def rebuild(self, description: Mapping[str, Any]) -> None:
        self.words_ = Vocabulary.from_list(description["words"])
        self.model_ = Network(len(self.words_), self.settings(ReturnsSettings).hidden)


def scores(predicted: Tensor, y: Tensor) -> Scores:
    exact = float((predicted.round() == y).double().mean())
    return {"mse": float((predicted - y).square().double().mean()), "exact": exact, "n": len(y)}


class Returns(Task[Counter, Counted]):
    kind = Counter

    def read(self, settings: DataSettings) -> Split[Counted]:
        tables = {part: read_table(path, settings.encoding) for part, path in find_parts(settings).items()}
        whole, missing = tables["train"], [part for part in ("valid", "test") if part not in tables]
        rows, note = divide([0] * len(whole), None, missing, settings, whole.source)
        tables |= {part: whole.take(picks) for part, picks in rows.items()}
        return Split(*(Counted(tables[part]) for part in ("train", "valid", "test")), notes=[note])

    def baselines(self, estimator: Counter, data: Split[Counted]) -> list[Baseline]:
        y, test = (torch.tensor([float(n) for n in part.table["count"]]) for part in (data.train, data.test))
        return [Baseline("mean", "the mean of the training data", scores(y.mean().expand(len(test)), test))]

    def variants(self, recipe: Recipe, data: Split[Counted]) -> Variants:
        return Variants({"one unit": recipe.replace(model=ReturnsSettings(hidden=1))})

    def examples_of(self, estimator: Counter, texts: Sequence[str]) -> Counted:
        return Counted(Table({"text": list(texts)}))

    def examples_in(self, estimator: Counter, settings: DataSettings, labelled: bool, note: Note) -> Counted:
        table = read_table(find_parts(settings).get("test", settings.path), settings.encoding)
        return Counted(Table({name: table[name] for name in ("text", *(["count"] if labelled else []))}))

    def answer(self, estimator: Counter, examples: Counted, note: Note) -> list[Row]:
        return [{"returns": round(n, 4)} for n in estimator.predict(estimator.encoded(examples)).tolist()]

    def table(self, estimator: Counter, examples: Counted, answers: Sequence[Row]) -> Table:
        return Table({**examples.table.columns, "returns": [row["returns"] for row in answers]})

    def show(self, row: Row) -> Shown:
        return Shown([f"{row['returns']}"])

    def made(self, estimator: Counter, lengths: Sequence[int]) -> Counted:
        draw, known = random.Random(0), estimator.words_.words[2:]
        return Counted(Table({"text": [" ".join(draw.choices(known, k=n)) for n in lengths]}))


TASK = Returns()
