"""How a forecaster is trained where nobody says it: by how many windows there are to learn from."""

from __future__ import annotations

from collections.abc import Mapping

from elman.config.recipe import Recipe
from elman.data.windows import Windows
from elman.tasks.decided import Decided

__all__ = ["decide"]

_FEW = 2_000  # windows times channels
# many: a GRU of 256 for ten epochs, which SegRNN's form needs on ETTh1 (59,000); few: not searched yet
_OF_FEW: Mapping[str, object] = {
    "model.hidden": 64, "training.batch_size": 16, "training.rate": 0.003, "training.epochs": 60,
}  # fmt: skip
_OF_MANY: Mapping[str, object] = {
    "model.hidden": 256, "training.batch_size": 64, "training.rate": 0.001, "training.epochs": 10,
}  # fmt: skip


def decide(recipe: Recipe, train: Windows) -> Decided:
    """Few windows are learned by a small network that sees them often."""
    if not recipe.open:
        return Decided()
    count = len(train) * len(train.panel.channels)
    few = count < _FEW
    chosen = {key: value for key, value in (_OF_FEW if few else _OF_MANY).items() if key not in recipe.given}
    if not chosen:
        return Decided()
    said = ", ".join(f"{key} {value}" for key, value in chosen.items())
    return Decided(settings=chosen, lines=(f"{count:,} windows to learn from are {'few' if few else 'many'}: {said}",))
