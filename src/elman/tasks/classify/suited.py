"""What `elman train classify` decides from a file, for examples in Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.config.parameters import plain
from elman.config.recipe import load_recipe
from elman.data.inputs import listed
from elman.data.labelled import Labelled
from elman.data.several import labels_of
from elman.errors import InputError, unknown
from elman.models.check_inputs import check_inputs
from elman.tasks.classify.decide import decide
from elman.tasks.classify.estimator import Classifier
from elman.tasks.classify.several import target_of
from elman.training.progress import Silent

__all__ = ["suited"]

_HELD = 0.1  # what `Classifier` holds out by default


def suited(X: Sequence[Any], y: Sequence[Any], *, progress: Silent | None = None, **given: Any) -> dict[str, Any]:
    """Parameters of an `elman.Classifier` that suit the data: ``Classifier(**elman.suited(X, y)).fit(X, y)``.

    Most follow from how many examples there are and of what kind; learning rate and width, and of series how they are
    scaled, are tried on examples held out of these, for about a minute. The same data give the same answer.

    Args:
        X: N inputs, y: their labels, as `Classifier.fit` takes them.
        progress: told what is decided and why; see `elman.training.progress`.
        given: parameters that are fixed. With `epochs` or `steps` among them nothing is tried.

    Returns:
        Those given and those decided, by name.

    Raises:
        InputError: as `Classifier.fit`, and for a parameter that there is not.
    """
    homes = {
        name: f"{section}.{name}" for section, kind in Classifier.SETTINGS.items() for name in kind.__struct_fields__
    }
    for name in given:
        if name not in homes:
            raise unknown("parameter", name, homes, where="suited")
    inputs = listed(X)
    if not inputs:
        raise InputError("there are no examples", remedy="give at least one")
    labels = labels_of(y, len(inputs))
    check_inputs(inputs)
    target_of(labels)
    values = {homes[name]: plain(value) for name, value in given.items()}
    recipe = load_recipe("classify", sections=Classifier.SETTINGS, values=values)
    examples = Labelled(inputs, labels)
    train, valid = target_of(labels).hold_out(labels, _HELD, int(given.get("seed", 0)))
    told = progress or Silent()
    decided = decide(recipe, examples.take(train), examples.take(valid), told)
    for line in decided.lines:
        told.note(f"decided: {line}")
    return {**given, **{key.rpartition(".")[2]: value for key, value in decided.settings.items()}}
