"""Whether labels are those of a classifier: several, not too many, and known where rows are to be judged by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from elman.data.table import Table
from elman.errors import InputError

__all__ = ["as_known", "check_classes", "unseen_labels"]


def check_classes(train: Table, named: bool) -> None:
    """Raises InputError for one class alone, or labels that are hardly ever the same.

    Args:
        named: the user said which column holds the labels, and may well have many and rare ones.
    """
    counts = Counter(train["label"])
    if len(counts) < 2:
        raise InputError(
            f"only one class, {next(iter(counts))!r}, in the training data",
            where=train.source,
            remedy="a classifier needs examples of at least two; or name another column: --target COLUMN",
        )
    if len(counts) > max(20, len(train) * (9 if named else 5) // 10):
        raise InputError(
            f"{len(counts)} different labels in {len(train)} rows: this column holds no classes",
            where=train.source,
            remedy="a label needs several rows; name another column"
            if named
            else "name the label column: --target COLUMN",
        )


def as_known(labels: Sequence[str], known: Collection[str]) -> list[str]:
    """Labels as training spelled them: 1.0 and 1 are one number, True, TRUE and true one truth value.

    pandas writes whole numbers with a point as soon as one is missing, and every language truth values in its own way.
    """
    usual: dict[float | str, set[str]] = {}
    for label in known:
        usual.setdefault(_value(label), set()).add(label)
    spelled = {label: usual.get(_value(label), set()) for label in set(labels).difference(known)}
    return [next(iter(spelled[label])) if len(spelled.get(label, ())) == 1 else label for label in labels]


def _value(label: str) -> float | str:
    """What a label says, if it is a decimal number or a truth value; else the label itself."""
    if re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", label, re.ASCII):
        return float(label)
    return label.lower() if label.lower() in ("true", "false") else label


def unseen_labels(table: Table, known: Collection[str], rows: str) -> list[str]:
    """What is said of rows whose label was not seen in training: no answer to them is right, and they count as errors.

    Args:
        rows: what they are called there, for the line.

    Raises:
        InputError: every label is of this kind: these are the labels of something else.
    """
    strange = Counter(label for label in table["label"] if label not in known)
    count = strange.total()
    if count == len(table) > 0:
        raise InputError(
            f"none of its labels ({_some(strange)}) occurs in the training data",
            where=table.source,
            remedy=f"known are {_some(sorted(known))}; mend them, or name another column: --target COLUMN",
        )
    if not count:
        return []
    have = "has a label" if count == 1 else "have labels"
    return [
        f"{count:,} of {len(table):,} {rows} {have} that the training data lack ({_some(strange)}): "
        f"{'it counts as an error' if count == 1 else 'they count as errors'}"
    ]


def _some(labels: Iterable[str]) -> str:
    """The first of them, quoted; the most frequent of a count, with how often each occurs if that is more than once."""
    counts = labels.most_common() if isinstance(labels, Counter) else [(label, 1) for label in labels]
    said = [f"{label!r:.60}{f' {n:,} times' * (n > 1)}" for label, n in counts[:8]]
    return ", ".join(said) + (f" and {len(counts) - 8:,} more" if len(counts) > 8 else "")
