"""Whether labels are those of a classifier: several, not too many, and known where rows are to be judged by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from elman.data.table import Table
from elman.errors import InputError

__all__ = ["check_classes", "unseen_labels"]


def check_classes(train: Table) -> None:
    """Raises InputError for one class alone, or labels that are hardly ever the same."""
    counts = Counter(train["label"])
    if len(counts) < 2:
        raise InputError(
            f"only one class, {next(iter(counts))!r}, in the training data",
            where=train.source,
            remedy="a classifier needs examples of at least two; or name another column: --target COLUMN",
        )
    if len(counts) > max(20, len(train) // 2):
        raise InputError(
            f"{len(counts)} different labels in {len(train)} rows: this column holds no classes",
            where=train.source,
            remedy="name the label column: --target COLUMN",
        )


def unseen_labels(table: Table, known: Collection[str], unit: str) -> list[str]:
    """What is said of rows whose label was not seen in training: no answer to them is right, and they count as errors.

    Args:
        unit: what a row is called there, for the line.

    Raises:
        InputError: every label is of this kind: these are the labels of something else.
    """
    strange = Counter(label for label in table["label"] if label not in known)
    rows = strange.total()
    if rows == len(table) > 0:
        raise InputError(
            f"none of its labels ({_some(strange)}) occurs in the training data",
            where=table.source,
            remedy=f"known are {_some(sorted(known))}; mend them, or name another column: --target COLUMN",
        )
    if not rows:
        return []
    have = "has a label" if rows == 1 else "have labels"
    return [
        f"{rows:,} of {len(table):,} {unit}s {have} that the training data lack ({_some(strange)}): "
        f"{'it counts as an error' if rows == 1 else 'they count as errors'}"
    ]


def _some(labels: Iterable[str]) -> str:
    """The first of them, quoted; the most frequent of a count, with how often each occurs if that is more than once."""
    counts = labels.most_common() if isinstance(labels, Counter) else [(label, 1) for label in labels]
    said = [f"{label!r:.60}{f' {n:,} times' * (n > 1)}" for label, n in counts[:8]]
    return ", ".join(said) + (f" and {len(counts) - 8:,} more" if len(counts) > 8 else "")
