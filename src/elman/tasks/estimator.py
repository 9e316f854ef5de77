"""What every estimator shares: parameters, fit as encode, network, batches, after; its proof, and its folder.

An estimator of a task says what is its own in `SETTINGS`, `encode`, `encoded`, `network`, `loss`, `judge`, `outputs`,
`described` and `rebuild`; see `elman.tasks.classify.estimator` for one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import msgspec
from torch import Tensor, nn

from elman.config.parameters import fill, parameters_of, section_of, signature
from elman.config.training import TrainingSettings
from elman.errors import InputError
from elman.metric import Figure
from elman.models.described import Description, described
from elman.proof import Proof, prove_model
from elman.proof.model import varied
from elman.tasks.batches import Batch, Batches, Encoded, selecting
from elman.tasks.figures import Json, Scores, number
from elman.training.callbacks import Callback
from elman.training.divergence import DivergenceError
from elman.training.interrupt import Interrupt
from elman.training.loop import Fitted, Step, Trainable, fit, training_step
from elman.training.progress import Silent
from elman.training.randomness import initialised
from elman.training.run_reader import Room, damaged, open_weights, read_description
from elman.training.run_writer import write_run

__all__ = ["Estimator", "Examples", "Learn", "check_fitted"]

S = TypeVar("S", bound=msgspec.Struct)
Self = TypeVar("Self", bound="Estimator[Any, Any, Any]")
PROVEN = 12  # sequences that the contract is proven on


class Examples(Protocol):
    """One part of a task's data."""

    def __len__(self) -> int: ...

    def take(self: X, indices: Sequence[int]) -> X:
        """Those at `indices`, in that order."""


X = TypeVar("X", bound=Examples)
B = TypeVar("B", bound=Batch)
R = TypeVar("R", bound=Encoded[Any])


class Learn(Protocol):
    """Trains as `Estimator.fit_parts` was told to."""

    def __call__(self, trainable: Trainable, aside: str = "", said: str = "", last: int = 0) -> Fitted:
        """Learn. Of a further training `aside` names the checkpoint and `said` is shown; `last`: see `fit`."""


class Estimator(Generic[X, R, B]):
    """The common half of an estimator: X is a part of its data, R that part as its network reads it, B a batch of it.

    Attributes:
        TASK: the name in model.json.
        SETTINGS: section of a recipe -> its fields, which are parameters. FURTHER: parameters besides, with defaults.
        DESCRIPTION: what model.json may say.
        FIGURES: the first that `judge` gives chooses the epoch.
        model_, fitted_: the network, and its training.
        only_judged: nothing but its validation figures is asked for; so what would be learned of those examples too,
            once they are known, need not be.
        valid_: figures on the validation examples from before they were trained on, where they were; else None.
        remarks_: what was said of how the data are read.
        columns_: of the file that it was trained on.
    """

    TASK: ClassVar[str]
    SETTINGS: ClassVar[Mapping[str, type[msgspec.Struct]]]
    FURTHER: ClassVar[Mapping[str, object]] = {}
    DESCRIPTION: ClassVar[type[Description]] = Description
    FIGURES: ClassVar[Sequence[Figure]]

    seed: int
    model_: nn.Module
    fitted_: Fitted
    only_judged: bool = False
    valid_: Scores | None = None
    remarks_: Sequence[str] = ()
    columns_: Mapping[str, str] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "SETTINGS" not in cls.__dict__:
            return

        def init(self: Estimator[X, R, B], **parameters: object) -> None:
            fill(self, parameters)

        # scikit-learn reads the parameters off the signature, and so does `help`
        init.__signature__ = signature(*cls.SETTINGS.values(), **cls.FURTHER)  # type: ignore[attr-defined]
        cls.__init__ = init  # type: ignore[method-assign]

    def __init__(self, **parameters: object) -> None:
        raise TypeError(f"{type(self).__name__} names no SETTINGS")

    def settings(self, kind: type[S]) -> S:
        """The parameters that are fields of `kind`, one of `SETTINGS`, as that struct.

        Raises:
            InputError: a value of the wrong type, or one that makes no sense.
        """
        section = next(name for name, known in self.SETTINGS.items() if known is kind)
        found: S = section_of(self, kind, section)
        return found

    def check_settings(self) -> None:
        """Raises InputError for a parameter that makes no sense: before anything else is looked at."""
        for kind in self.SETTINGS.values():
            self.settings(kind)

    # -- learning

    def fit_parts(
        self: Self,
        train: X,
        valid: X | None,
        *,
        checkpoint: Path | None = None,
        resume: bool = False,
        progress: Silent | None = None,
        title: str = "training",
        step: Step = training_step,
        graceful: bool = False,
        callbacks: Sequence[Callback] = (),
        remark: Callable[[str], object] = lambda line: None,
        further: Mapping[str, X] | None = None,
    ) -> Self:
        """Learn from one part, choose the epoch on another; None keeps the last.

        Args:
            remark: told what `remarks` says of these parts and of `further` ones, before anything is trained.
            checkpoint, resume, progress, title, callbacks: see `elman.training.loop.fit`.
            step: one training step; one of your own may draw from the global generators.
            graceful: Ctrl-C ends the training early and `fitted_` says so, instead of being raised.
        """
        settings = self.settings(TrainingSettings)
        self.columns_ = {}
        first = self.ready(train, valid)  # as long as nothing has been learned, Ctrl-C is raised where it comes
        parts = {"training": train, **({} if valid is None else {"validation": valid}), **(further or {})}
        self.remarks_ = tuple(self.remarks(parts))
        for line in self.remarks_:
            remark(line)
        with Interrupt(graceful) as interrupt:

            def learn(trainable: Trainable, aside: str = "", said: str = "", last: int = 0) -> Fitted:
                place = checkpoint if checkpoint is None or not aside else checkpoint.with_name(checkpoint.name + aside)
                return fit(
                    trainable, settings, step=step, checkpoint=place, resume=resume, progress=progress,
                    title=title + said, last=last, interrupt=interrupt, global_draws=step is not training_step,
                    callbacks=callbacks,
                )  # fmt: skip

            self.fitted_ = learn(first)
            del first  # what else is trained takes its memory
            self.after(train, valid, learn)
        return self

    def ready(self, train: X, valid: X | None) -> Trainable:
        """A new network in place, and its training."""
        self.encode(train, valid)
        read, held = self.encoded(train), None if valid is None else self.encoded(valid)
        with initialised(self.settings(TrainingSettings).seed):
            self.model_ = self.network(read)
        return self.batches(read, held)

    def encode(self, train: X, valid: X | None) -> None:
        """Learn what reading needs: classes, vocabulary, scale."""
        raise NotImplementedError

    def encoded(self, examples: X) -> R:
        """Examples as the network reads them."""
        raise NotImplementedError

    def network(self, train: R) -> nn.Module:
        """A new network; torch's generator is seeded while it is made."""
        raise NotImplementedError

    def loss(self, batch: B) -> tuple[Tensor, float]:
        """The mean loss of a batch, and how much the batch weighs in the epoch's mean."""
        raise NotImplementedError

    def outputs(self, batch: B) -> Sequence[Tensor]:
        """What the network gives for each sequence of a batch, without padding."""
        raise NotImplementedError

    def figures(self, examples: R) -> Scores:
        """The figures by key, `FIGURES` among them. Raises AnswerError if the answers are not finite."""
        raise NotImplementedError

    def judge(self, examples: X) -> Scores:
        """The figures on some examples."""
        return self.figures(self.encoded(examples))

    def batches(self, train: R, valid: R | None) -> Trainable:
        """The training as the loop sees it."""
        judge = None if valid is None else partial(self._validate, valid)
        settings = self.settings(TrainingSettings)
        return Batches(self.model_, train, self.loss, judge, selecting(self.FIGURES[0]), settings, self.outputs)

    def _validate(self, examples: R) -> dict[str, float]:
        scores = self.figures(examples)
        return {figure.key: number(scores, figure.key) for figure in self.FIGURES if figure.key in scores}

    def remarks(self, parts: Mapping[str, X]) -> Sequence[str]:
        """What a user should know of how these parts, by name, are read."""
        return ()

    def after(self, train: X, valid: X | None, learn: Learn) -> None:
        """What is left to do once the network is trained."""

    def relearn(self, examples: X, learn: Learn, said: str, last: int, parts: Sequence[str]) -> None:
        """Train anew, on all examples; half a training is worth less than the whole one before it, which stays then.

        Args:
            said: behind the title. last: the epoch to stop after; 0: train to the end.
            parts: names of the attributes that learning replaces.
        """
        chosen, whole = {name: getattr(self, name) for name in parts}, False
        try:
            again = learn(self.ready(examples, None), "-refit", said, last)
            self.fitted_.seconds += again.seconds
            self.fitted_.interrupted = again.interrupted
            self.fitted_.diverged = again.diverged or self.fitted_.diverged
            whole = not (again.interrupted or again.diverged)
        except DivergenceError as error:
            self.fitted_.diverged = error.what
        finally:
            if not whole:
                for name, value in chosen.items():
                    setattr(self, name, value)

    def described_settings(self) -> dict[str, Json]:
        """What was trained, as printed pairs: the parameters, and how many numbers they came to."""
        settings: dict[str, Json] = {
            key.replace("_", " "): value if isinstance(value, (bool, int, float, str)) else str(value)
            for key, value in parameters_of(self).items()
            if key in {f.name for kind in self.SETTINGS.values() for f in msgspec.structs.fields(kind)}
        }
        return settings | {"numbers trained": sum(p.numel() for p in self.model_.parameters())}

    # -- trust

    def prove(self, examples: X) -> Proof:
        """The state contract of the trained model, on some of the examples, from the shortest to the longest."""
        encoded = self.encoded(examples.take(range(min(len(examples), 20 * PROVEN))))

        def outputs(rows: Sequence[int], padding: int) -> Sequence[Tensor]:
            batch = encoded.batch(rows)
            return self.outputs(batch.spoiled(padding) if padding else batch)

        return prove_model(self.model_, outputs, varied(encoded.lengths, PROVEN))

    # -- disk

    def described(self) -> dict[str, Any]:
        """What model.json holds of this estimator, its parameters apart."""
        raise NotImplementedError

    def fetch(self, description: Mapping[str, Any]) -> None:
        """Bring what the model works beside, for which its own weights leave no room."""

    def rebuild(self, description: Mapping[str, Any]) -> None:
        """Give a new estimator, which has its parameters, all else that was `described`, and `model_`."""
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """What model.json holds."""
        columns = {"columns": dict(self.columns_)} if self.columns_ else {}
        return {"task": self.TASK, **columns, **self.described(), "parameters": parameters_of(self)}

    def save(self, path: str | Path) -> None:
        """Write the folder that `load` and ``elman predict`` read.

        Raises:
            NotFittedError: there is nothing to save.
        """
        check_fitted(self, "there is nothing to save")
        write_run(Path(path), model=self.model_, description=self.describe(), history=self.fitted_.history)

    @classmethod
    def load(cls: type[Self], path: str | Path) -> Self:
        """The estimator that `save` or ``elman train`` wrote.

        Raises:
            InputError: no RUN, a damaged one, or one of another task.
        """
        path = Path(path)
        description = read_description(path, cls.TASK)
        weights = open_weights(path)
        promise = described(description, cls.DESCRIPTION, path)
        promise.check(weights)
        try:
            new = cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in description["parameters"].items()})
            new.fetch(description)
            with Room(weights), initialised(0):  # the weights that are read replace the drawn ones
                new.rebuild(description)
        except InputError as error:
            raise InputError(
                error.what, where=error.where or str(path), remedy=error.remedy or "train it again"
            ) from error
        except Exception as error:  # whoever edited model.json may have put anything anywhere
            raise damaged(f"{type(error).__name__}: {error}", path) from error
        weights.fill(new.model_)
        promise.check_filled(new.model_, path)
        new.model_.eval()
        new.fitted_, new.columns_ = Fitted(), promise.columns
        return new


def check_fitted(estimator: object, remedy: str = "") -> None:
    """Raises NotFittedError before `fit` and `load`."""
    name = type(estimator).__name__
    if not hasattr(estimator, "model_"):
        from sklearn.exceptions import NotFittedError

        raise NotFittedError(f"this {name} is not fitted yet: {remedy or f'call fit, or {name}.load a RUN'}")
