"""How a forecaster is trained where nobody says it: by how many windows there are to learn from, and how they vary."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from elman.config.recipe import Recipe
from elman.data.windows import Windows
from elman.forecasting.growing import varies_with_level
from elman.tasks.decided import Decided
from elman.tasks.forecast.settings import ForecastSettings

__all__ = ["decide"]

_FEW = 2_000  # windows times channels
# many: chosen on the validation part of ETTh1 (59,000), where a rate of .001 had not learned enough after as many steps
# (.671 of squared error 96 steps ahead, in place of .644); few: not searched yet
_OF_FEW: Mapping[str, object] = {
    "model.hidden": 64, "training.batch_size": 16, "training.rate": 0.003, "training.epochs": 60,
}  # fmt: skip
_OF_MANY: Mapping[str, object] = {
    "model.hidden": 128, "model.dropout": 0.3, "training.batch_size": 64, "training.rate": 0.002,
}  # fmt: skip
_EPOCHS, _STEPS = 6, 800  # of many windows, at least


def decide(recipe: Recipe, train: Windows) -> Decided:
    """Few windows are learned by a small network that sees them often; series that vary with their level by their
    logarithms."""
    if not recipe.open:
        return Decided()
    chosen, lines = dict[str, object](), list[str]()

    def choose(why: str, settings: Mapping[str, object]) -> None:
        new = {key: value for key, value in settings.items() if key not in recipe.given}
        if new:
            lines.append(f"{why}: {', '.join(f'{key} {_plain(value)}' for key, value in new.items())}")
            chosen.update(new)

    count = len(train) * len(train.panel.channels)
    few = count < _FEW
    epochs = max(_EPOCHS, -(-_STEPS * 64 // max(1, len(train))))
    settings = _OF_FEW if few else {**_OF_MANY, "training.epochs": epochs}
    choose(f"{count:,} windows to learn from are {'few' if few else 'many'}", settings)
    if _vary(train, recipe[ForecastSettings].season):
        choose("values vary more where they are large", {"forecast.log": True})
    return Decided(settings=chosen, lines=tuple(lines))


def _vary(train: Windows, season: int) -> bool:
    """Whether most channels vary with their level, and all values have logarithms."""
    panel = train.panel
    known = [np.where(one.seen, one.values, np.nan) for one in panel]
    if any((values <= 0).any() for values in known):
        return False
    told = [varies_with_level(column, season or panel.frequency.season) for values in known for column in values.T]
    return sum(told) > len(told) / 2


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
