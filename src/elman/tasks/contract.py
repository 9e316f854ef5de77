"""What a task must say of itself: all else is written once, for every task.

`elman.tasks.frame` makes a RUN of a file, `elman.tasks.use` answers from a RUN. A new task is a model, a subclass of
`Task`, one of `Estimator`, and its line in `elman.config.tasks`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, NotRequired, TypedDict, TypeVar

import msgspec

from elman.config.recipe import Recipe
from elman.config.settings import DataSettings
from elman.data.table import Table
from elman.equations.printing import equations
from elman.inspect.watching import first_layer, watched_input
from elman.metric import Figure, Paired
from elman.pages.page import Section, section
from elman.proof import Proof
from elman.sequences import Sequences
from elman.tasks.decided import Decided
from elman.tasks.estimator import Estimator, X
from elman.tasks.figures import Json, Scores
from elman.tasks.verbs import Chat, Complete, Completed, HeardPiece, Listen, Made
from elman.text.chain import Chain
from elman.training.progress import Silent
from elman.training.watch import Watch

__all__ = [
    "Baseline",
    "Chat",
    "Complete",
    "Completed",
    "Figure",
    "Fitting",
    "HeardPiece",
    "Listen",
    "Look",
    "Made",
    "Note",
    "Row",
    "Shown",
    "Split",
    "Task",
    "Trained",
    "Variants",
]

Note = Callable[[str], object]  # is told what a user should know
Row = Mapping[str, Json]  # one answer, as --json prints it


@dataclass(frozen=True)
class Split(Generic[X]):
    """A task's data.

    Attributes:
        train, valid, test: to learn from, to choose the epoch by, to be judged by.
        notes: what was guessed, mended, left out and split.
        columns: of the user's file, by what they are ("input", "target"); kept in model.json.
    """

    train: X
    valid: X
    test: X
    notes: Sequence[str] = ()
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Baseline:
    """What a model has to beat: its figures on the test part, and a sentence saying what it is and how it was tuned."""

    name: str
    text: str
    scores: Scores


@dataclass(frozen=True)
class Variants:
    """What to compare a recipe with.

    Attributes:
        recipes: by name, each one step away from the given one.
        idle: names of those that change nothing in the data at hand: there is nothing to train.
    """

    recipes: Mapping[str, Recipe]
    idle: Sequence[str] = ()


class Fitting(TypedDict):
    """The arguments of every estimator's `fit_parts` that the frame gives; see `elman.training.loop.fit`."""

    checkpoint: Path
    resume: bool
    progress: Silent
    title: str
    graceful: bool
    remark: NotRequired[Callable[[str], object]]
    further: NotRequired[Mapping[str, Any]]


T = TypeVar("T")
E = TypeVar("E", bound=Estimator[Any, Any, Any])  # what is between its own parts is its own affair


@dataclass(frozen=True)
class Trained(Generic[E, X]):
    """All that card and report are made of.

    Attributes:
        estimator: of several seeds, the one that was best on validation.
        metrics: the object of metrics.json.
        baselines: the first is the one that metrics.json and the card compare with.
        seconds: by stage.
        known: seed -> the figure on validation that chooses.
    """

    recipe: Recipe
    data: Split[X]
    estimator: E
    metrics: dict[str, Json]
    test: Scores
    baselines: Sequence[Baseline]
    seconds: Watch
    proof: Proof
    known: Mapping[int, float]


@dataclass(frozen=True)
class Look:
    """What a task shows of its training; the figures beside the baselines are put before it.

    Attributes:
        title, said: of the page, and the line under it.
        ours: what our row beside the baselines is called.
        settings: what was trained, as printed pairs, for card and report.
        sections: of the report, behind the figures; None is left out.
        show: keys of the figures that the report begins with; empty: the first two.
        errors: key -> how far that figure would move on another test set of this size (standard deviation).
        notes: under the figures, besides those of the data.
        alarm: a sentence in red above all others, where the figures are not to be believed.
        doubt: a sentence, where the figures do not show that anything was learned, by us or by the baselines.
        paired: name of a baseline -> how far ours is from it in the first figure, where that is known better than by
            the error of either.
    """

    title: str
    said: str
    ours: str
    settings: Mapping[str, Json]
    sections: Sequence[Section | None]
    show: Sequence[str] = ()
    errors: Mapping[str, float] = field(default_factory=dict)
    notes: Sequence[str] = ()
    alarm: str = ""
    doubt: str = ""
    paired: Mapping[str, Paired] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """An answer for a terminal: lines for stdout, and for stderr what stands beside it (probabilities ...)."""

    answer: Sequence[str]
    beside: Sequence[str] = ()


class NoOptions(msgspec.Struct, frozen=True):
    """Of a task of whose answers nothing can be asked."""

    def check(self) -> None:
        """There is nothing to check."""


class Task(ABC, Generic[E, X]):
    """One task: what it learns from, what it answers, what it shows. X is a part of its data.

    Attributes:
        kind: its estimator; sections of a recipe and figures are what that names.
        kept: keys of a recipe's [data] that hold for other data than those of the training, too.
        options: what may be asked of its answers, a Struct with a `check`: `elman predict RUN --set answer.KEY=VALUE`.
        verbs: what else it can do, by the command that does it: of an estimator "chat" makes a `Chat`, and
            "generate" a function that goes on from a beginning (a text, or "", and a `Note`) and gives back the whole,
            a text or `Made`; "complete" one that gives the likeliest words at the end of a text (`Complete`); and
            "listen" one that follows a stream of sound of so many samples a second (`Listen`).
        reads_files: what the command line brings in place of a text is the name of a file.
    """

    kind: type[E]
    kept: ClassVar[Sequence[str]] = ("format", "encoding")
    options: ClassVar[type[msgspec.Struct]] = NoOptions
    verbs: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    reads_files: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return self.kind.TASK

    @property
    def sections(self) -> Mapping[str, type[msgspec.Struct]]:
        """Of a recipe, besides [data]; "model" names a cell, "training" is `TrainingSettings`."""
        return self.kind.SETTINGS

    def figures(self, scores: Mapping[str, object]) -> list[Figure]:
        """Those of the task's figures that these scores have; the first chooses."""
        return [figure for figure in self.kind.FIGURES if figure.key in scores]

    # -- learn

    @abstractmethod
    def read(self, settings: DataSettings) -> Split[X]:
        """The data, split. Raises InputError for anything wrong with them."""

    @abstractmethod
    def baselines(self, estimator: E, data: Split[X]) -> Sequence[Baseline]:
        """What the model has to beat, judged on the test part; tuned on the validation part at most."""

    def decide(self, recipe: Recipe, data: Split[X], progress: Silent) -> Decided:
        """What the data say of the keys that nobody set (`Recipe.given`): from train and valid alone, never from test.

        The same data give the same answer: neither time nor chance has a say. Nothing is decided unless a task does.
        """
        return Decided()

    def variants(self, recipe: Recipe, data: Split[X]) -> Variants | None:
        """What ``--ablate`` compares the recipe with; None where there is nothing to leave out."""
        return None

    def shown(self, estimator: E, data: Split[X]) -> Json:
        """What the report shows of a variant beside the recipe, besides its figure: kept in metrics.json."""
        return None

    # -- use

    def asked(self, estimator: E, options: msgspec.Struct) -> E:
        """An estimator that answers as the options say; the given one where nothing can be asked."""
        return estimator

    @abstractmethod
    def examples_of(self, estimator: E, texts: Sequence[str]) -> X:
        """Texts as the command line brings them."""

    @abstractmethod
    def examples_in(self, estimator: E, settings: DataSettings, labelled: bool, note: Note) -> X:
        """A file (or folder) to predict for, or to be judged by; of data with parts, the test part."""

    @abstractmethod
    def answer(self, estimator: E, examples: X, note: Note) -> list[Row]:
        """One row an example."""

    @abstractmethod
    def table(self, estimator: E, examples: X, answers: Sequence[Row]) -> Table:
        """The examples of a file with their answers, as it is written back."""

    def in_lines(self, estimator: E, examples: X) -> bool:
        """Whether what is shown of each answer takes its text's place: of a file of texts alone, one a line."""
        return False

    @abstractmethod
    def show(self, row: Row) -> Shown:
        """An answer for a terminal."""

    def chain(self, estimator: E) -> Chain | None:
        """The text chain that it was trained with, if there is one."""
        return None

    # -- trust

    @abstractmethod
    def made(self, estimator: E, lengths: Sequence[int]) -> X:
        """Examples of these lengths, the same every time, of what the model knows: to prove a RUN without its data."""

    # -- look

    def look(self, trained: Trained[E, X]) -> Look:
        """What card and report show besides the figures."""
        from elman.report.sections import usual

        estimator, graph = trained.estimator, first_layer(trained.estimator.model_).graph
        lines = [str(line) for line in equations(graph).lines]
        settings: dict[str, Json] = {"cell": graph.name, **estimator.described_settings(), "equations": lines}
        facts = {key: value for key, value in settings.items() if key != "equations"}
        return Look(
            title=trained.recipe.name.capitalize(),
            said=f"{trained.recipe.description or graph.name}; judged on {len(trained.data.test):,} test examples.",
            ours=graph.name,
            settings=settings,
            sections=usual(
                estimator.fitted_.history, estimator.fitted_.kept[1] or None, lines, trained.proof.to_dict(),
                facts, trained.seconds,
            ),
        )  # fmt: skip

    def inspect(self, estimator: E, text: str) -> tuple[str, Sequence[Section | None]]:
        """A title, and what the model makes of one text: the answer, and what its first layer remembered."""
        from elman.report.facts import fact_list
        from elman.report.sections import inside

        layer = first_layer(estimator.model_)
        examples = self.examples_of(estimator, [text])
        x, answers = watched_input(layer, lambda: self.answer(estimator, examples, lambda line: None))
        words = text.split()
        tokens = words if len(words) == len(x) else [str(t + 1) for t in range(len(x))]
        answer = section("Answer", fact_list(answers[0]))
        return " ".join(self.show(answers[0]).answer), [answer, *inside(layer, Sequences.pack([x[:, 0]]), tokens)]
