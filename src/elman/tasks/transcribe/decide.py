"""How a transcriber is trained where nobody says it: by how much speech there is, how short it is, and of which words.

Tried on spoken digits (22 minutes) and AN4 (50 minutes), by their validation parts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

from elman.config.recipe import Recipe
from elman.data.speech import Utterances
from elman.models.augmenting import AugmentSettings
from elman.models.frames import steps_of
from elman.tasks.contract import Split
from elman.tasks.decided import Decided
from elman.tasks.transcribe.estimator import SpeechUnits

__all__ = ["decide"]

_LITTLE, _MUCH = 30.0, 300.0  # minutes
_NETWORKS: Mapping[str, Mapping[str, object]] = {
    "little": {"model.input": 64, "model.hidden": 64, "model.layers": 2, "model.dropout": 0.3, "training.rate": 4e-3},
    "some": {"model.hidden": 192, "model.dropout": 0.3, "training.rate": 3e-3},
    "much": {"training.rate": 2e-3},
}
_ALWAYS: Mapping[str, object] = {"training.batch_size": 16, "training.clip_norm": 5.0}
_STEPS = 3000  # of the optimiser, at least
_EPOCHS = (20, 100)
_LOST = 0.02  # of the recordings, that may be too short for their transcripts
_ROOM = 4 / 3  # steps that a recording should have for each that its transcript needs
_STACKS = (3, 2, 1)
_KNOWN, _OFTEN = 0.99, 20  # share of the words to choose by that were learned, and how often each was, on average
_WORDS = 2000  # different ones


def decide(recipe: Recipe, data: Split[Utterances]) -> Decided:
    """Width, depth and length of the training, how many frames are a step, and which language model stands beside."""
    if not recipe.open:
        return Decided()
    minutes, size = data.train.seconds / 60, _size(data.train)
    batches = math.ceil(len(data.train) / 16)
    chosen: dict[str, object] = {**_NETWORKS[size], **_ALWAYS}
    chosen["training.epochs"] = min(max(math.ceil(_STEPS / batches), _EPOCHS[0]), _EPOCHS[1])
    if "training.steps" in recipe.given:
        chosen.pop("training.epochs")
    lines = [(f"{minutes:.1f} minutes of speech to learn from are {size}", chosen)]
    if recipe[SpeechUnits].units == "character" and "frames.every" not in recipe.given:
        stack = _stack(data.train, recipe[AugmentSettings].speed)
        if stack < _STACKS[0]:
            lines.append((f"with {stack + 1} frames a step recordings would be too short for their transcripts",
                          {"frames.stack": stack}))  # fmt: skip
        lines.append(_language(data))
    made = [(why, {k: v for k, v in values.items() if k not in recipe.given}) for why, values in lines]
    said = [f"{why}: {', '.join(f'{k} {v}' for k, v in values.items())}" for why, values in made if values]
    return Decided(settings={k: v for _, values in made for k, v in values.items()}, lines=tuple(said))


def _size(some: Utterances) -> str:
    minutes = some.seconds / 60
    return "little" if minutes < _LITTLE else "some" if minutes < _MUCH else "much"


def _stack(train: Utterances, speed: float) -> int:
    """As many frames a step as recordings that are read faster still can hold their transcripts in."""
    needs = [len(text) + sum(a == b for a, b in pairwise(text)) for text in train.texts or ()]
    for stack in _STACKS[:-1]:
        steps = (int(steps_of(int(len(x) / (1 + speed)), stack)) for x in train.frames)
        short = [n for have, n in zip(steps, needs) if have < _ROOM * n]
        if len(short) <= _LOST * len(train):
            return stack
    return _STACKS[-1]


def _language(data: Split[Utterances]) -> tuple[str, dict[str, object]]:
    """n-grams of words where few words come again and again, and no others; else letters alone are asked."""
    learned = [word for text in data.train.texts or () for word in text.split()]
    judged = [word for text in data.valid.texts or () for word in text.split()]
    kinds = set(learned)
    known = sum(word in kinds for word in judged) / max(1, len(judged))
    if not kinds or len(kinds) > _WORDS or known < _KNOWN or len(learned) < _OFTEN * len(kinds):
        return f"of the words to choose by {known:.0%} were learned", {"search.language": "symbols", "search.order": 5}
    order = 1 if len(learned) <= 1.05 * len(data.train) else 3
    closed = known == 1.0 and len(kinds) <= _WORDS // 20
    return (f"{len(kinds):,} words are said again and again",
            {"search.language": "words", "search.order": order, "search.open": not closed})  # fmt: skip
