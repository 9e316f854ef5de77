"""The task `dialogue`: from what was said so far to an answer, and what else `elman.tasks.contract.Task` asks."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, cast

import msgspec

from elman.config.bounds import AboveZero, Count, NotNegative, Positive
from elman.config.settings import DataSettings
from elman.config.structs import check_values
from elman.data.dialogues import load_contexts, load_dialogues, turns_of
from elman.data.parallel import Pairs
from elman.data.table import Table
from elman.models.replying import Reply
from elman.models.writing import Width
from elman.tasks.contract import Baseline, Look, Note, Row, Shown, Split, Task, Trained
from elman.tasks.dialogue.baselines import bm25
from elman.tasks.dialogue.conversation import Conversation
from elman.tasks.dialogue.estimator import Responder
from elman.tasks.dialogue.report import look

__all__ = ["TASK", "Asked", "Dialogue"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What may be asked of answers; where nothing is said it is as the RUN says.

    Attributes:
        nbest: answers to each context.
        seed: of what is drawn.
        beam, longest: see `elman.models.writing.SearchSettings`; all others `elman.models.replying.AnswerSettings`.
    """

    nbest: Positive = 1
    seed: Count = 0
    turns: Positive | None = None
    propose: Literal["sample", "beam"] | None = None
    candidates: Width | None = None
    temperature: AboveZero | None = None
    top_k: Count | None = None
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    independence: NotNegative | None = None
    match: NotNegative | None = None
    beam: Width | None = None
    longest: Positive | None = None

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "answer")


class Dialogue(Task[Responder, Pairs]):
    """See `elman.tasks.contract.Task`."""

    kind = Responder
    kept = ("format", "encoding", "header", "input", "target", "group")
    options = Asked
    verbs: ClassVar = {"chat": Conversation}

    # -- learn

    def read(self, settings: DataSettings) -> Split[Pairs]:
        data = load_dialogues(settings)
        return Split(data.train, data.valid, data.test, data.notes, data.columns)

    def baselines(self, estimator: Responder, data: Split[Pairs]) -> list[Baseline]:
        return [bm25(data.train, data.valid, data.test)]

    # -- use

    def asked(self, estimator: Responder, options: msgspec.Struct) -> Responder:
        given = {key: value for key, value in msgspec.structs.asdict(options).items() if value is not None}
        return estimator.answering(**given)

    def examples_of(self, estimator: Responder, texts: Sequence[str]) -> Pairs:
        return Pairs(texts)

    def examples_in(self, estimator: Responder, settings: DataSettings, labelled: bool, note: Note) -> Pairs:
        return load_contexts(settings, labelled, note)

    def answer(self, estimator: Responder, examples: Pairs, note: Note) -> list[Row]:
        """``{"answer", "score", "log_prob", "alone", "match"}``, and if asked ``"nbest"``, a list of the same."""
        rows: list[Row] = [_SILENCE for _ in examples.source]  # to one who says nothing, as in a conversation
        said = [i for i, text in enumerate(examples.source) if turns_of(text)]
        for i, some in zip(said, estimator.replies([examples.source[i] for i in said])):
            several = {"nbest": [_row(r) for r in some[: estimator.nbest_]]} if estimator.nbest_ > 1 else {}
            rows[i] = {**_row(some[0]), **several}
        return rows

    def table(self, estimator: Responder, examples: Pairs, answers: Sequence[Row]) -> Table:
        """The file's own columns, and ``answer``."""
        assert examples.table is not None
        columns: dict[str, Sequence[Any]] = dict(examples.table.columns)
        columns["answer"] = [row["answer"] for row in answers]
        return Table(columns, examples.table.source, examples.table.rows, examples.table.unit)

    def in_lines(self, estimator: Responder, examples: Pairs) -> bool:
        """Of one answer to each text; of several, or with what was looked at, there is a table."""
        return examples.bare and estimator.nbest_ == 1

    def show(self, row: Row) -> Shown:
        """The answer; of several one a line, with the score before it."""
        several = cast("Sequence[Row]", row.get("nbest", ()))
        return Shown([f"{other['score']:.3f}\t{other['answer']}" for other in several] or [str(row["answer"])])

    # -- trust

    def made(self, estimator: Responder, lengths: Sequence[int]) -> Pairs:
        draw, units = random.Random(0), estimator.units_.target

        def text(n: int) -> str:
            return units.join(draw.choices(units.words[4:], k=n)).strip() or units.words[4]

        return Pairs([text(n) for n in lengths], [text(n) for n in reversed(lengths)])

    # -- look

    def look(self, trained: Trained[Responder, Pairs]) -> Look:
        return look(super().look(trained), trained)


_SILENCE: Row = {"answer": "", "score": None, "log_prob": None, "alone": None, "match": None}


def _row(reply: Reply) -> Row:
    numbers = {"score": reply.score, "log_prob": reply.log_prob, "alone": reply.alone, "match": reply.match}
    return {"answer": reply.text, **{key: round(value, 6) for key, value in numbers.items()}}


TASK = Dialogue()
