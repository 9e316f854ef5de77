"""From a RUN to answers: of texts, of files, and what else is asked of a trained model, whatever its task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from elman.config.assigned import load_options
from elman.config.recipe import list_recipes
from elman.config.settings import DataSettings
from elman.config.tasks import TASKS
from elman.data.piped import names_columns
from elman.data.table import Table
from elman.errors import InputError
from elman.proof import Proof
from elman.tasks.contract import Note, Row, Shown, Task
from elman.tasks.estimator import Estimator
from elman.tasks.figures import Scores
from elman.tasks.find import data_of, task, task_of

__all__ = ["Run", "inspect_page"]

_LENGTHS = (1, 2, 3, 5, 8, 13, 21, 34)  # of the sequences that a RUN without its data is tried on


def _trainable(verb: str) -> str:
    """The recipes whose task can do it."""
    able = [name for name, of, _ in list_recipes() if verb in task(of).verbs]
    able = able or [name for name in TASKS if verb in task(name).verbs]
    return " or ".join(f"elman train {name}" for name in able)


def _silent(line: str) -> None:
    """Nobody is told."""


class Run:
    """A trained model at work.

    Attributes:
        path: of the RUN.
        task, estimator: of the RUN.

    Raises:
        InputError: no RUN, or a damaged one.
    """

    def __init__(self, path: Path, note: Note = _silent) -> None:
        self.path = path
        self.task: Task[Any, Any] = task_of(path)
        self.estimator: Estimator[Any, Any, Any] = self.task.kind.load(path)
        self.note = note

    def ask(self, overrides: Sequence[str], values: Mapping[str, object]) -> None:
        """Have it answer in another way.

        Args:
            overrides: ``"answer.key=value"`` from ``--set``.
            values: by key, as options of the command line of their own.

        Raises:
            InputError: what this task cannot be asked.
        """
        if not (overrides or values):
            return
        known = self.task.options.__struct_fields__
        for key in values:
            if key not in known:
                raise InputError(
                    f"a RUN of the task {self.task.name} cannot be asked that",
                    where=f"--{key}",
                    remedy=f"it can be asked {', '.join(known)}" if known else "leave it out",
                )
        self.estimator = self.task.asked(self.estimator, load_options("answer", self.task.options, overrides, values))

    def verb(self, name: str) -> Any:
        """What the RUN's task does for the command of this name.

        Raises:
            InputError: it does nothing.
        """
        if name not in self.task.verbs:
            raise InputError(
                f"a RUN of the task {self.task.name} cannot {name}", remedy=f"train one that can: {_trainable(name)}"
            )
        return self.task.verbs[name](self.estimator)

    def predict(self, texts: Sequence[str]) -> list[Row]:
        """One answer a text; of tasks that read files a text is the name of one, read as the RUN's own data were, of
        which what is odd is told."""
        if self.task.reads_files:
            read = (self.read(data_of(self.path, text, [], {})) for text in texts)
            return [row for some in read for row in self.task.answer(self.estimator, some, self.note)]
        return self.task.answer(self.estimator, self.task.examples_of(self.estimator, texts), self.note)

    def predict_file(self, settings: DataSettings) -> Table:
        """A data file with its answers, as it is written back."""
        return self.table(self.read(settings))

    def read(self, settings: DataSettings) -> Any:
        """The examples of a data file."""
        return self.task.examples_in(self.estimator, settings, False, self.note)

    def piped(self, settings: DataSettings) -> DataSettings:
        """The same for what a pipe brought: a table, if its first row names a column that the RUN reads."""
        known = {"input": settings.input} if settings.input else self.estimator.columns_
        names = {part.strip() for value in known.values() for part in (value, *value.split(","))} - {""}
        is_table = bool(names) and names_columns(settings.path, settings.encoding, names)
        return msgspec.structs.replace(settings, format="table") if is_table else settings

    def table(self, examples: Any) -> Table:
        """Examples of a file with their answers."""
        return self.task.table(self.estimator, examples, self.task.answer(self.estimator, examples, self.note))

    def in_lines(self, examples: Any) -> bool:
        """Whether `lines` can be had of examples of a file."""
        return self.task.in_lines(self.estimator, examples)

    def lines(self, examples: Any) -> list[str]:
        """One line of answer for each line of a file of texts alone."""
        answers = self.task.answer(self.estimator, examples, self.note)
        return [" ".join(" ".join(self.show(row).answer).split()) for row in answers]

    def show(self, row: Row) -> Shown:
        """An answer for a terminal."""
        return self.task.show(row)

    def evaluate(self, settings: DataSettings) -> Scores:
        """The figures on a data file: what metrics.json calls ``test``.

        Raises:
            InputError: a label that the RUN does not know, with its place.
        """
        return self.estimator.judge(self.task.examples_in(self.estimator, settings, True, self.note))

    def verify(self) -> Proof:
        """The state contract, on sequences made of what the model knows: its data need not be there."""
        return self.estimator.prove(self.task.made(self.estimator, _LENGTHS))


def inspect_page(run: Path, text: str) -> str:
    """A page about one text.

    Raises:
        InputError: no RUN, one that reads numbers, or a text without a word.
    """
    if not text.strip():
        raise InputError("the text is empty", where="--input", remedy="give at least one word")
    from elman.pages.page import page

    opened = Run(run)
    try:
        title, sections = opened.task.inspect(opened.estimator, text)
    except InputError as error:
        raise InputError(error.what, where=error.where or str(run), remedy=error.remedy) from error
    return page(title, f"What {run.resolve().name} makes of one text.", sections)
