"""How a composer is trained where nobody says it: by how many frames there are to learn from."""

from __future__ import annotations

from collections.abc import Mapping

from elman.config.recipe import Recipe
from elman.data.music import Pieces
from elman.tasks.decided import Decided

__all__ = ["decide"]

_FEW = 50_000  # frames
# few: tried on the chorales (14,000 frames), many: on the folk tunes (177,000), by their validation parts
_OF_FEW: Mapping[str, object] = {
    "model.hidden": 128, "model.notes": 256, "model.members": 4, "model.input": 0.05, "model.dropout": 0.3,
    "model.notes_dropout": 0.2, "training.batch_size": 4, "training.rate": 0.03, "training.steps": 1100,
    "training.clip_norm": 20.0,
}  # fmt: skip
_OF_MANY: Mapping[str, object] = {
    "model.hidden": 400, "model.notes": 256, "model.members": 1, "model.input": 0.1, "model.dropout": 0.5,
    "model.notes_dropout": 0.2, "training.batch_size": 8, "training.rate": 0.01, "training.steps": 3000,
    "training.clip_norm": 5.0,
}  # fmt: skip
_ALWAYS: Mapping[str, object] = {"training.warmup": 0.1}


def decide(recipe: Recipe, train: Pieces) -> Decided:
    """Small sets are learned by several networks that forget much, large ones by one that sees more."""
    if not recipe.open:
        return Decided()
    frames = sum(map(len, train.rolls))
    few = frames < _FEW
    chosen = {key: value for key, value in {**(_OF_FEW if few else _OF_MANY), **_ALWAYS}.items()
              if key not in recipe.given}  # fmt: skip
    if "training.epochs" in recipe.given:  # which says how long
        chosen.pop("training.steps", None)
    if not chosen:
        return Decided()
    said = ", ".join(f"{key} {value}" for key, value in chosen.items())
    size = f"{frames:,} frames to learn from are {'few' if few else 'many'}"
    return Decided(settings=chosen, lines=(f"{size}: {said}",))
