"""The tasks that there are: the one place where each is named. A name is a recipe's `task`, and a RUN's."""

from __future__ import annotations

__all__ = ["TASKS"]

# name -> module; a string, since a recipe is read without importing what it trains
TASKS: dict[str, str] = {
    "classify": "elman.tasks.classify.task",
    "tag": "elman.tasks.tag.task",
    "generate": "elman.tasks.generate.task",
    "compose": "elman.tasks.compose.task",
    "translate": "elman.tasks.translate.task",
    "interpret": "elman.tasks.interpret.task",
    "dialogue": "elman.tasks.dialogue.task",
    "recordings": "elman.tasks.recordings.task",
    "transcribe": "elman.tasks.transcribe.task",
    "forecast": "elman.tasks.forecast.task",
}
