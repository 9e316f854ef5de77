"""A conversation with a model: what `elman chat` holds."""

from __future__ import annotations

from elman.config.parameters import section_of
from elman.data.dialogues import turns_of
from elman.models.replying import AnswerSettings
from elman.tasks.dialogue.estimator import Responder

__all__ = ["Conversation"]


class Conversation:
    """Answers turn by turn; the same turns have the same answers, whenever they are said, with the same seed.

    Attributes:
        turns: what was said, by turns by the user and by the model.
    """

    def __init__(self, estimator: Responder) -> None:
        self._estimator = estimator
        self._kept = section_of(estimator, AnswerSettings).turns
        self.turns: list[str] = []

    def say(self, text: str) -> str:
        """What is answered to a turn; to an empty one nothing."""
        said = " ".join(turns_of(text))
        if not said:
            return ""
        self.turns.append(said)
        answer = self._estimator.predict([self.turns[-self._kept :]])[0]
        self.turns.append(answer)
        return answer

    def reset(self) -> None:
        """Forget what was said."""
        self.turns.clear()
